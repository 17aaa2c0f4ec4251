"""Writes a C program that prints every field of a file through msl.h, for comparison.

The program is made from the schema because it has to name every member of the header; what
it prints is compared with what decoders that know neither read. It copies every file to
memory of just its size, at an odd address, so that a sanitizer sees any step outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch

from msl_construct.exports.c.parts import Run, Shape, shapes
from msl_construct.schema import BitRange, ByteOrder, Draft, Field, FlagDefinition, Table
from msl_construct.schema.base import Vocabulary
from msl_construct.schema.choice import Choice
from msl_construct.schema.pages import PageData, PageStateMap
from msl_construct.schema.variable import Blob, RegisterValue, Rest, Utf8, Utf8Z
from msl_construct.schema.vocabulary import Bytes, Coded, Flags, Uint, Uuid
from msl_construct.schema.words import no_words

MAIN = r"""
static void print_file(const char *name, const uint8_t *data, size_t size)
{
    msl_file file;
    msl_blocks blocks;
    msl_block block;
    const char *comma = "";
    enum msl_status status = msl_open(data, size, &file);

    printf("{\"file\": \"%s\", \"status\": %d", name, (int)status);
    if (status == MSL_OK) {
        printf(", \"header\": ");
        print_file_header(file.header, file.order, data);
#ifdef MSL_HEADER_FLAGS_ENCRYPTED
        if (file.encryption != NULL) {
            printf(", \"encryption\": ");
            print_encryption_header(file.encryption, file.order, data);
        }
#endif
        printf(", \"extension\": ");
        print_bytes(file.extension.data, file.extension.length);
    }
    printf(", \"blocks\": [");
    blocks = msl_blocks_of(&file);
    while ((status = msl_next_block(&blocks, &block)) == MSL_OK) {
        printf("%s{\"offset\": \"%#zx\", \"header\": ", comma, block.offset);
        print_block_header(block.header, block.order, data);
        printf(", \"payload\": ");
        print_payload(&block, data);
        printf("}");
        comma = ", ";
    }
    printf("], \"end\": %zu, \"ending\": %d}\n", blocks.offset, (int)status);
    if (msl_next_block(&blocks, &block) != status) {
        abort(); /* asking again gives another answer */
    }
}

int main(int count, char **names)
{
    int index;

    for (index = 1; index < count; index++) {
        FILE *stream = fopen(names[index], "rb");
        uint8_t *memory;
        size_t size;

        if (stream == NULL || fseek(stream, 0, SEEK_END) != 0) {
            return 2;
        }
        size = (size_t)ftell(stream);
        rewind(stream);
        memory = (uint8_t *)malloc(size + 1);
        if (memory == NULL || fread(memory + 1, 1, size, stream) != size) {
            return 2;
        }
        fclose(stream);
        print_file(names[index], memory + 1, size);
        free(memory);
    }
    return 0;
}
"""


def program(draft: Draft) -> str:
    """The program for the header of a draft."""
    return "\n".join(_lines(draft)) + MAIN


def _lines(draft: Draft) -> Iterator[str]:
    bound = draft.bound(ByteOrder.LITTLE)
    found = shapes(draft, bound)
    headers = [s for s in (bound.file_header, bound.block_header, bound.encryption_header) if s]
    yield '#include "printing.h"'
    for word in bound.flags.values():
        yield from _flag_word(word)
    for shape in found:
        if bound.seal_header is not None and shape.key == bound.seal_header.key:
            continue  # it stands behind ciphertext, where this program does not look
        if shape.key in {layout.key for layout in headers}:
            yield from _header(shape)
        else:
            yield from _choices(shape)
            yield from _view(shape)
    yield "static void print_payload(const msl_block *block, const uint8_t *base)"
    yield "{"
    yield "    enum msl_status status;"
    for block in (*bound.blocks.values(), None):
        layout = bound.compressed_payload if block is None else block.layout
        if layout is None:
            continue
        yield "    {"
        yield f"        msl_{layout.key}_view view;"
        yield f"        status = msl_read_{layout.key}(block, &view);"
        yield "        if (status == MSL_OK || view.damage != NULL) {"
        yield f'            const char *kind = "{layout.key}";'
        yield '            const char *damage = view.damage == NULL ? "" : view.damage;'
        yield '            printf("{\\"kind\\": \\"%s\\", \\"status\\": %d, ", kind, (int)status);'
        yield '            printf("\\"damage\\": \\"%s\\", \\"fields\\": ", damage);'
        yield f"            print_{layout.key}(&view, block->order, base);"
        yield '            printf("}");'
        yield "            return;"
        yield "        }"
        yield "    }"
    yield '    printf("{\\"status\\": %d, \\"raw\\": ", (int)status);'
    yield "    print_rest(block->payload, base);"
    yield '    printf("}");'
    yield "}"


def _flag_word(word: FlagDefinition) -> Iterator[str]:
    ranges = {bit.bit: bit for bit in word.bits if isinstance(bit, BitRange)}
    inside = {n for bit in ranges.values() for n in range(bit.bit + 1, bit.bit + bit.bits)}
    yield f"static void print_{word.key}(uint64_t word)"
    yield "{"
    yield '    const char *comma = "";'
    yield "    unsigned bit;"
    yield '    printf("[");'
    yield f"    for (bit = 0; bit < {8 * word.width}; bit++) {{"
    for start, bit in ranges.items():
        yield f"        if (bit == {start}) {{"
        yield f"            uint32_t number = msl_{word.key}_{bit.name}(word);"
        yield "            if (number != 0) {"
        yield f'                printf("%s\\"{bit.name}_%s\\"", comma,'
        yield f"                       msl_{bit.enumeration.key}_name(number));"
        yield '                comma = ", ";'
        yield "            }"
        yield "            continue;"
        yield "        }"
    for number in sorted(inside):
        yield f"        if (bit == {number}) {{ continue; }}"
    yield "        if ((word >> bit & 1) == 0) { continue; }"
    yield f"        if (msl_{word.key}_bit_name(bit) != NULL) {{"
    yield f'            printf("%s\\"%s\\"", comma, msl_{word.key}_bit_name(bit));'
    yield "        } else {"
    yield '            printf("%s\\"bit_%u\\"", comma, bit);'
    yield "        }"
    yield '        comma = ", ";'
    yield "    }"
    yield '    printf("]");'
    yield "}"


def _header(shape: Shape) -> Iterator[str]:
    (run,) = shape.runs
    yield f"static void print_{shape.key}(const {run.name} *head, enum msl_endianness order,"
    yield "    const uint8_t *base)"
    yield "{"
    yield "    (void)base;"
    yield "    (void)order;"
    yield '    printf("{");'
    for index, field in enumerate(run.fields):
        yield from _fixed(field, f"head->{field.key}", ", " if index else "")
    yield '    printf("}");'
    yield "}"


def _number(field: Field, place: str) -> str:
    width = field.type.minimum
    return place if width == 1 else f"msl_get_u{8 * width}({place}, order)"


def _fixed(field: Field, place: str, comma: str) -> Iterator[str]:
    yield f'    printf("{comma}\\"{field.key}\\": ");'
    yield f"    {printed(field.type, field, place)};"


@singledispatch
def printed(kind: Vocabulary, field: Field, place: str) -> str:
    """The call that prints a value of constant width."""
    raise no_words(kind, "tests.c.driver")


@printed.register
def _(kind: Coded, field: Field, place: str) -> str:
    number = _number(field, place)
    return f"print_name(msl_{kind.registry.key}_name({number}), {number}, {kind.width})"


@printed.register
def _(kind: Flags, field: Field, place: str) -> str:
    return f"print_{kind.word.key}({_number(field, place)})"


@printed.register
def _(kind: Uint, field: Field, place: str) -> str:
    form = {
        "number": '%" PRIu64 "',
        "time": '\\"%" PRIu64 "\\"',
        "address": '\\"0x%" PRIx64 "\\"',
        "version": f'\\"0x%0{2 * kind.width}" PRIx64 "\\"',
    }[kind.shown]
    return f'printf("{form}", (uint64_t){_number(field, place)})'


@printed.register
def _(kind: Bytes, field: Field, place: str) -> str:
    return f"print_bytes({place}, sizeof {place})"


@printed.register
def _(kind: Uuid, field: Field, place: str) -> str:
    return f"print_uuid({place})"


def _view(shape: Shape) -> Iterator[str]:
    yield f"static void print_{shape.key}(const {shape.view} *view, enum msl_endianness order,"
    yield "    const uint8_t *base)"
    yield "{"
    yield "    (void)base;"
    yield "    (void)order;"
    yield '    printf("{\\"\\": 0");'
    yield "    msl_span rest = view->rest;"
    for part in shape.parts:
        # What stands behind something that is missing is missing as well.
        if isinstance(part, Run):
            yield f"    if (view->{part.member} != NULL) {{"
            for field in part.fields:
                yield from _fixed(field, f"view->{part.member}->{field.key}", ", ")
        else:
            key = part.field.key
            yield f'    if (view->damage == NULL || strcmp(view->damage, "{key}") != 0) {{'
            yield from _varying(shape, part.field)
    yield "    }" * len(shape.parts)
    yield '    printf(", \\"rest\\": ");'
    yield "    print_rest(rest, base);"
    yield '    printf("}");'
    yield "}"


def _varying(shape: Shape, field: Field) -> Iterator[str]:
    yield f'    printf(", \\"{field.key}\\": ");'
    yield from walked(field.type, shape, field, f"view->{field.key}")


@singledispatch
def walked(kind: Vocabulary, shape: Shape, field: Field, place: str) -> Iterator[str]:
    """What prints a value whose width varies."""
    raise no_words(kind, "tests.c.driver")


@walked.register
def _(kind: Utf8Z, shape: Shape, field: Field, place: str) -> Iterator[str]:
    yield f"    print_text({place}, 1);"


@walked.register
def _(kind: Utf8, shape: Shape, field: Field, place: str) -> Iterator[str]:
    yield f"    print_text({place}, {int(kind.padded)});"


@walked.register
def _(kind: Blob, shape: Shape, field: Field, place: str) -> Iterator[str]:
    yield f'    print_padded({place}, "blob");'


@walked.register
def _(kind: RegisterValue, shape: Shape, field: Field, place: str) -> Iterator[str]:
    yield f'    print_padded({place}, "register");'


@walked.register
def _(kind: PageStateMap, shape: Shape, field: Field, place: str) -> Iterator[str]:
    yield f"    print_page_map(&{place});"


@walked.register
def _(kind: Rest, shape: Shape, field: Field, place: str) -> Iterator[str]:
    yield f"    print_extent({place}, base);"


@walked.register
def _(kind: PageData, shape: Shape, field: Field, place: str) -> Iterator[str]:
    yield f"    print_extent({place}, base);"
    yield '    printf(", \\"page count\\": ");'
    yield f"    print_pages(&view->{kind.map_key}, {place});"


@walked.register
def _(kind: Table, shape: Shape, field: Field, place: str) -> Iterator[str]:
    row = kind.entry.key
    yield f"    msl_table {field.key} = {place};"
    yield '    const char *comma = "";'
    yield '    printf("[");'
    yield "    for (;;) {"
    yield f"        msl_{row}_view row;"
    yield f"        msl_table before = {field.key};"
    yield f"        if (msl_next_{row}(&{field.key}, &row) != MSL_OK) {{ break; }}"
    for inner in kind.entry.fields:
        if isinstance(inner.type, Choice):
            yield f"        if (!fits_{row}_{inner.key}(&row, order)) {{"
            yield f"            {field.key} = before;"
            yield "            break;"
            yield "        }"
    yield "        (void)before;"
    yield '        printf("%s", comma);'
    yield '        comma = ", ";'
    yield f"        print_{row}(&row, order, base);"
    yield "    }"
    yield '    printf("]");'
    yield f"    rest = {field.key}.input;"


@walked.register
def _(kind: Choice, shape: Shape, field: Field, place: str) -> Iterator[str]:
    yield f"    print_{shape.key}_{field.key}(view, order, base);"


def _choices(shape: Shape) -> Iterator[str]:
    for field in shape.layout.fields:
        kind = field.type
        if not isinstance(kind, Choice):
            continue
        run, tag = shape.stored_in(kind.tag_key)
        number = _number(tag, f"view->{run.member}->{tag.key}")
        for function, returns in (("fits", "int"), ("print", "void")):
            base = ", const uint8_t *base" if function == "print" else ""
            yield f"static {returns} {function}_{shape.key}_{field.key}("
            yield f"    const {shape.view} *view, enum msl_endianness order{base})"
            yield "{"
            yield f"    switch ({number}) {{"
            for code, case in kind.cases.items():
                yield f"    case {code}: {{"
                yield f"        msl_{case.key}_view body;"
                decoding = f"msl_decode_{case.key}(view->{field.key}, order, &body)"
                if function == "fits":
                    yield f"        return {decoding} == MSL_OK;"
                else:
                    yield f"        if ({decoding} != MSL_OK) {{ abort(); }}"
                    yield f"        print_{case.key}(&body, order, base);"
                    yield "        return;"
                yield "    }"
            yield "    default:"
            if function == "fits":
                yield "        return 1;"
            else:
                yield '        printf("{\\"raw\\": ");'
                yield f"        print_rest(view->{field.key}, base);"
                yield '        printf("}");'
            yield "    }"
            yield "}"
