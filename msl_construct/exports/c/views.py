"""Views: pointers to every field of a structure, found without reading past its end."""

from __future__ import annotations

from collections.abc import Iterator

from ...schema import BlockType, Draft, Field, Table
from ...schema.choice import Choice
from ...schema.variable import Blob, PageData, PageStateMap, Rest, Utf8, Utf8Z
from ..versions import introduced, version_of
from .parts import Run, Shape, is_integer, omissible
from .structures import getter
from .words import Identifiers, comment, macro, since, type_name

__all__ = ["block_reader", "table_step", "view"]


def view(draft: Draft, shape: Shape, names: Identifiers) -> Iterator[str]:
    """The view of a layout, and the function that fills it in."""
    yield from _type(draft, shape, names)
    yield from _taking(shape, names)
    if shape.closed:
        yield from _decoding(shape, names)


def table_step(shape: Shape, names: Identifiers) -> Iterator[str]:
    """The function that goes from row to row of a table."""
    function = names.declare(type_name(f"next_{shape.key}"))
    yield from comment(
        f"The next {shape.layout.title} of a table. MSL_END: there is none, and table->input is "
        "what stands behind the last. After an error the table is where it was: the bytes of the "
        "row that does not fit."
    )
    yield f"static inline enum msl_status {function}("
    yield f"    msl_table *table, {shape.view} *out)"
    yield "{"
    yield "    msl_span input = table->input;"
    yield "    msl_span row;"
    yield "    enum msl_status status;"
    yield ""
    yield "    memset(out, 0, sizeof *out);"
    yield "    if (table->left == 0) {"
    yield "        return MSL_END;"
    yield "    }"
    yield "    if (table->row_size != 0) {"
    yield "        if (!msl_span_take(&input, table->row_size, &row)) {"
    yield "            return MSL_ERROR_TRUNCATED;"
    yield "        }"
    yield f"        status = {_take(shape)}(&row, table->order, out);"
    yield "        out->rest = row;"
    yield "    } else {"
    yield f"        status = {_take(shape)}(&input, table->order, out);"
    yield "    }"
    yield "    if (status == MSL_OK) {"
    yield "        table->input = input;"
    yield "        table->left--;"
    yield "    }"
    yield "    return status;"
    yield "}"
    yield ""


def block_reader(draft: Draft, block: BlockType, shape: Shape, names: Identifiers) -> Iterator[str]:
    """The function that reads the payload of a block of one type."""
    function = names.declare(type_name(f"read_{shape.key}"))
    code = macro("block_type", block.key)
    first = introduced(draft, shape.layout)
    version = version_of(draft, first)
    yield from comment(f"{block.name}, {block.section}: {block.text}", since(draft, first))
    yield f"static inline enum msl_status {function}("
    yield f"    const msl_block *block, {shape.view} *out)"
    yield "{"
    yield f"    enum msl_status status = msl_block_is(block, {code}, {version:#06x}u);"
    yield ""
    yield "    memset(out, 0, sizeof *out);"
    yield "    if (status != MSL_OK) {"
    yield "        return status;"
    yield "    }"
    yield f"    return {_decode(shape)}(block->payload, block->order, out);"
    yield "}"
    yield ""


def _take(shape: Shape) -> str:
    return type_name(f"take_{shape.key}")


def _decode(shape: Shape) -> str:
    return type_name(f"decode_{shape.key}")


def _type(draft: Draft, shape: Shape, names: Identifiers) -> Iterator[str]:
    layout = shape.layout
    members: list[tuple[str, str, list[str]]] = []
    for part in shape.parts:
        if isinstance(part, Run):
            may = "; NULL where the structure ends before it" if omissible(part.fields[0]) else ""
            fields = ", ".join(field.name for field in part.fields)
            members.append((f"const {part.name} *", part.member, [f"{fields}{may}."]))
        else:
            members.append(_varying(draft, shape, part.field))
    members.append(("msl_span ", "rest", ["Bytes behind the last field, or from the damage on."]))
    members.append(("const char *", "damage", ["Key of what does not fit; NULL: nothing."]))
    keys = [key for _, key, _ in members]
    assert len(set(keys)) == len(keys), f"{shape.view}: a field is called as a member of ours is"
    yield from comment(f"All of one {layout.title}, {layout.section}: pointers into the file.")
    yield f"typedef struct {names.declare(shape.view)} {{"
    for type_, key, text in members:
        yield from comment(*text, indent=4)
        yield f"    {type_}{names.member(key)};"
    yield f"}} {shape.view};"
    yield ""


def _varying(draft: Draft, shape: Shape, field: Field) -> tuple[str, str, list[str]]:
    kind = field.type
    section = f" ({field.section})" if field.section != shape.layout.section else ""
    text = [f"{field.name}{section}: {field.text}"]
    if isinstance(kind, Table):
        text.append(f"Row by row: {type_name(f'next_{kind.entry.key}')}().")
    elif isinstance(kind, Choice):
        chosen = ", ".join(
            f"{tag} {type_name(f'decode_{case.key}')}()" for tag, case in kind.cases.items()
        )
        text.append(f"By {kind.tag}: {chosen}.")
    if omissible(field):
        text.append("The structure may end before it.")
    if field.since != introduced(draft, shape.layout):
        text.append(since(draft, field.since))
    return f"{_member_type(field)} ", field.key, text


def _member_type(field: Field) -> str:
    kind = field.type
    if isinstance(kind, Utf8Z):
        return "msl_text"
    if isinstance(kind, PageStateMap):
        return "msl_page_map"
    if isinstance(kind, Table):
        return "msl_table"
    if isinstance(kind, (Blob, Choice, Rest)):
        return "msl_span"
    raise TypeError(f"{field.name}: C header: no member for a {type(kind).__name__}")


def _value(shape: Shape, key: str) -> str:
    """An expression for an earlier integer field of the same structure."""
    run, field = shape.stored_in(key)
    assert is_integer(field), f"{shape.key}.{key} counts something, so it is a number"
    return getter(field, f"out->{run.member}->{key}")


def _taking(shape: Shape, names: Identifiers) -> Iterator[str]:
    function = names.declare(_take(shape))
    body = list(_steps(shape))
    order = any("order)" in line or "= order;" in line for line in body)
    yield from comment(
        f"One {shape.layout.title} from the front of the input, which moves behind it; after an "
        "error the input begins with what did not fit."
    )
    yield f"static inline enum msl_status {function}("
    yield f"    msl_span *input, enum msl_endianness order, {shape.view} *out)"
    yield "{"
    if shape.runs:
        yield "    msl_span part;"
    if any(isinstance(field.type, PageStateMap) for field in shape.layout.fields):
        yield "    enum msl_status status;"
    yield ""
    yield "    memset(out, 0, sizeof *out);"
    if not order:
        yield "    (void)order;"
    yield from body
    yield "    return MSL_OK;"
    yield "}"
    yield ""


def _steps(shape: Shape) -> Iterator[str]:
    begun = False
    for index, part in enumerate(shape.parts):
        first = part.fields[0] if isinstance(part, Run) else part.field
        # Fields that may be left out are left out together: none of them follows a gap.
        if omissible(first) and not begun:
            begun = True
            yield "    if (input->length == 0) {"
            yield "        return MSL_OK;"
            yield "    }"
        if isinstance(part, Run):
            yield f"    if (!msl_span_take(input, sizeof({part.name}), &part)) {{"
            yield f'        out->damage = "{first.key}";'
            yield "        return MSL_ERROR_TRUNCATED;"
            yield "    }"
            yield f"    out->{part.member} = MSL_VIEW({part.name}, part.data);"
            continue
        last = index + 1 == len(shape.parts) and shape.closed
        yield from _step(shape, part.field, last=last)


def _step(shape: Shape, field: Field, *, last: bool) -> Iterator[str]:
    kind, place = field.type, f"&out->{field.key}"
    if isinstance(kind, Utf8Z):
        length = _value(shape, kind.length_key)
        padded = int(not isinstance(kind, Utf8) or kind.padded)
        ended = int(not isinstance(kind, Utf8))
        call = f"msl_take_text(\n            input, {length}, {padded}, {ended}, {place})"
    elif isinstance(kind, Blob):
        call = f"msl_take_bytes(\n            input, {_value(shape, kind.length_key)}, 1, {place})"
    elif isinstance(kind, Choice):
        call = f"msl_take_bytes(\n            input, {_value(shape, kind.length_key)}, 0, {place})"
    elif isinstance(kind, PageStateMap):
        size, log2 = _value(shape, kind.size_key), _value(shape, kind.log2_key)
        yield f"    status = msl_take_page_map(input, {size},"
        yield f"        {log2}, {kind.low}, {kind.high}, {place});"
        yield "    if (status != MSL_OK) {"
        yield f'        out->damage = "{field.key}";'
        yield "        return status;"
        yield "    }"
        return
    elif isinstance(kind, (PageData, Rest)):
        yield f"    out->{field.key} = msl_span_rest(input);"
        return
    elif isinstance(kind, Table):
        yield from _table(shape, field, kind, last=last)
        return
    else:
        raise TypeError(f"{field.name}: C header: no way to read a {type(kind).__name__}")
    yield f"    if (!{call}) {{"
    yield f'        out->damage = "{field.key}";'
    yield "        return MSL_ERROR_TRUNCATED;"
    yield "    }"


def _table(shape: Shape, field: Field, kind: Table, *, last: bool) -> Iterator[str]:
    place = f"out->{field.key}"
    yield f"    {place}.left = {_value(shape, kind.count_key)};"
    size = _value(shape, kind.entry_size_key) if kind.entry_size_key else "0"
    yield f"    {place}.row_size = {size};"
    yield f"    {place}.order = order;"
    if last:
        yield f"    {place}.input = msl_span_rest(input);"
        return
    row = type_name(f"{kind.entry.key}_view")
    yield f"    {place}.input = *input;"
    yield "    {"
    yield f"        msl_table table = {place};"
    yield f"        {row} row;"
    yield "        enum msl_status status;"
    yield ""
    yield "        do {"
    yield f"            status = {type_name(f'next_{kind.entry.key}')}(&table, &row);"
    yield "        } while (status == MSL_OK);"
    yield "        if (status != MSL_END) {"
    yield f'            out->damage = "{field.key}";'
    yield "            return status;"
    yield "        }"
    yield "        *input = table.input;"
    yield "    }"


def _decoding(shape: Shape, names: Identifiers) -> Iterator[str]:
    function = names.declare(_decode(shape))
    yield from comment(
        f"All bytes of one {shape.layout.title}, for example what one inflates to. What fits is "
        "set even if the rest does not."
    )
    yield f"static inline enum msl_status {function}("
    yield f"    msl_span payload, enum msl_endianness order, {shape.view} *out)"
    yield "{"
    yield f"    enum msl_status status = {_take(shape)}(&payload, order, out);"
    yield ""
    yield "    out->rest = payload;"
    yield "    return status;"
    yield "}"
    yield ""
