"""``msl schema list`` and ``msl schema show``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from ..drafts import find, known
from .common import Exit, command, data_out, whoever_reads
from .drafts import DRAFT
from .terminal import wants_color
from .text import Style, aligned, many

if TYPE_CHECKING:
    from ..schema import Schema

__all__ = ["list_drafts", "show"]

Described = dict[str, Any]
"""A part of the JSON description of a draft."""


@command("list")
@click.argument("drafts", type=DRAFT, metavar="[DRAFT...]", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a draft, one a line.")
def list_drafts(drafts: tuple[str, ...], as_json: bool) -> int:
    """List the drafts that this program knows, oldest first, or each DRAFT.

    FILE.py:NAME is a draft of your own; FILE.py is run for it.

    For each: its name, its format version, how many block types it registers and how many of
    them have a layout, its byte orders and its status.

    \b
    Example:
      msl schema list
      msl schema list --json

    Exit codes: 0 fine; 2 usage.
    """
    rows = [_row(name) for name in drafts or known()]
    with whoever_reads(), data_out() as out:
        if as_json:
            out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            return Exit.FINE
        shown = [
            (
                row["draft"],
                row["version"],
                many(row["block_types"], "block type"),
                f"{row['with_layout']} with a layout",
                "/".join(row["byte_orders"]),
                row["status"],
            )
            for row in rows
        ]
        out.writelines(f"{line}\n" for line in aligned(shown))
    return Exit.FINE


def _row(name: str) -> Described:
    """What the list says of a draft."""
    from ..drafts import DEFAULT_DRAFT, NEWEST_DRAFT
    from ..exports.description import version_text

    draft = find(name)
    return {
        "draft": name,
        "version": version_text(draft.version),
        "status": draft.status,
        "base": draft.base.name if draft.base else None,
        "newest": name == NEWEST_DRAFT,
        "written_by_default": name == DEFAULT_DRAFT,
        "byte_orders": [order.value for order in draft.byte_orders],
        "block_types": len(draft.blocks),
        "with_layout": sum(block.layout is not None for block in draft.blocks),
        "enumerations": len(draft.enumerations),
        "flag_words": len(draft.flags),
        "segments": draft.segments,
    }


@command()
@click.argument("draft", type=DRAFT, metavar="DRAFT")
@click.argument("block", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--yaml", "as_yaml", is_flag=True, help="As YAML.")
@click.option("--svg", "as_svg", is_flag=True, help="The diagram of BLOCK as SVG.")
@click.option("--document", "strings", is_flag=True, help="What a document may hold; see below.")
def show(
    draft: str,
    block: str | None,
    as_json: bool,
    as_yaml: bool,
    as_svg: bool,
    strings: bool,
    no_color: bool,
) -> int:
    """Show the structures of DRAFT, or one with its fields, codes and flags.

    FILE.py:NAME is a draft of your own; FILE.py is run for it.

    BLOCK is a block type (memory_region, or its code 0x0001), another structure
    (file_header), or a registry (RegionType). Without BLOCK the text is an overview; --json
    and --yaml print the whole draft. A structure has a diagram of its bytes, a row of eight each,
    a flag word one of its bits, a page map one of its first byte.

    --document lists every string of the schema that a canonical document may hold: keys, names of
    block types, codes and flags.

    \b
    Example:
      msl schema show draft-2026-10
      msl schema show draft-2026-10 memory_region
      msl schema show draft-2026-03 OSType --json
      msl schema show draft-2026-10 memory_region --svg > region.svg
      msl schema show draft-2026-10 --document

    Exit codes: 0 fine; 2 usage, no such draft or structure.
    """
    if as_json + as_yaml + as_svg > 1:
        raise click.UsageError("one of --json, --yaml and --svg, please")
    if strings:
        return _strings(draft, block, as_json, as_yaml or as_svg)
    from ..exports.description import describe

    described = describe(find(draft))
    chosen = described if block is None else _chosen(described, block)
    if as_svg:
        return _svg(draft, block, chosen)
    with whoever_reads(), data_out() as out:
        if as_json:
            out.write(json.dumps(chosen, indent=2, ensure_ascii=False) + "\n")
        elif as_yaml:
            import yaml

            out.write(yaml.safe_dump(chosen, sort_keys=False, allow_unicode=True, width=100))
        else:
            text = _Text(described, Style(wants_color(no_color)))
            lines = text.overview() if block is None else text.one(chosen, draft)
            out.writelines(f"{line}\n" for line in lines)
    return Exit.FINE


def _bound(draft: str) -> Schema:
    found = find(draft)
    return found.bound(found.byte_orders[0])


def _svg(draft: str, block: str | None, chosen: Described) -> int:
    """The diagram of a structure."""
    from ..exports.diagram import svg

    layout = None if block is None else _bound(draft).layouts.get(str(chosen.get("key")))
    if layout is None:
        raise click.UsageError("--svg is of a structure with a layout: name its BLOCK")
    with whoever_reads(), data_out() as out:
        out.write(svg(layout))
    return Exit.FINE


def _strings(draft: str, block: str | None, as_json: bool, other: bool) -> int:
    """What a document may hold."""
    from ..exports.document_strings import document_strings

    if block is not None or other:
        raise click.UsageError("--document is of a whole draft, as text or with --json")
    found = document_strings(find(draft))
    with whoever_reads(), data_out() as out:
        if as_json:
            out.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        else:
            for name, strings in found.items():
                out.writelines(f"{name}: {one}\n" for one in strings)
    return Exit.FINE


def _chosen(described: Described, name: str) -> Described:
    """A structure by its key or code, or a registry by its name or key."""
    from ..schema.names import snake_case

    structures, registries = described["structures"], described["registries"]
    code = int(name, 16) if name.lower().startswith("0x") and _is_hex(name) else None
    for key, structure in structures.items():
        if key == name or (code is not None and int(structure.get("code", "-1"), 16) == code):
            return {"key": key, **structure}
    for key, registry in registries.items():
        if name in (key, snake_case(key)):
            return dict(registry)
    raise click.UsageError(
        f"{described['draft']} has no {name!r}; it has {', '.join([*structures, *registries])}"
    )


def _is_hex(text: str) -> bool:
    try:
        int(text, 16)
    except ValueError:
        return False
    return True


class _Text:
    """The readable form."""

    def __init__(self, described: Described, style: Style) -> None:
        self._described = described
        self._style = style

    def overview(self) -> Iterator[str]:
        """The draft in one page."""
        from ..exports.description import version_text

        one = self._described
        version = version_text(int(one["version"], 16))
        yield self._title(f"{one['draft']}: format version {version}")
        yield f"{one['status']}; {' or '.join(one['byte_orders'])} endian"
        yield from self._notes(one["notes"])
        yield from self._part("Structures", self._structures())
        rows: list[tuple[str, ...]] = [
            (
                name,
                many(registry["width"], "byte"),
                f"{len(registry.get('codes', registry.get('bits')))} "
                f"{'codes' if 'codes' in registry else 'flags'}",
                registry["section"],
                registry["text"],
            )
            for name, registry in one["registries"].items()
        ]
        yield from self._part("Codes and flags", rows)
        rows = [
            (where, link["from"], link["section"], link["text"])
            for where, link in one["chain"].items()
        ]
        yield from self._part("Hashes", rows)

    def one(self, chosen: Described, draft: str) -> Iterator[str]:
        """A structure with its diagram and the registries of its fields, or a registry."""
        self._schema = _bound(draft)
        if "fields" not in chosen:
            yield from self._registry(chosen)
            return
        yield from self._structure(chosen)
        for name in dict.fromkeys(_registries_of(chosen)):
            yield ""
            yield from self._registry(self._described["registries"][name])

    def _structures(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = []
        for key, structure in self._described["structures"].items():
            remarks = []
            if structure["fields"] is None:
                remarks.append("no layout")
            if structure.get("forbidden"):
                remarks.append("must not be written")
            text = structure.get("text", structure["name"])
            remark = f" ({', '.join(remarks)})" if remarks else ""
            rows.append((structure.get("code", ""), key, structure["section"], f"{text}{remark}"))
        return rows

    def _structure(self, one: Described) -> Iterator[str]:
        code = f"{one['code']}, " if "code" in one else ""
        yield self._title(f"{one['name']} ({code}{one['section']})")
        if "text" in one:
            yield one["text"]
        remarks = [f"Since {one['since']}."] if "since" in one else []
        if one.get("capability"):
            remarks.append(f"CapBitmap: {one['capability']}.")
        if one.get("in_segment"):
            where = "May stand" if one["in_capture"] else "Stands"
            only = "" if one["in_capture"] else " only"
            remarks.append(f"{where} in an extension segment{only}.")
        if one.get("parent"):
            remarks.append(f"Child of the {one['parent']}.")
        if one.get("forbidden"):
            remarks.append("Must not be written.")
        if remarks:
            yield " ".join(remarks)
        yield from self._notes(one.get("notes", []))
        if one["fields"] is None:
            yield "No layout: the payload is raw."
            return
        yield from self._diagram(one["key"])
        yield from self._fields(one["fields"])

    def _diagram(self, key: str) -> Iterator[str]:
        """The bytes of a structure, and of a page map the first one."""
        from ..exports.diagram import bytes_of, page_map
        from ..schema.pages import PageStateMap

        layout = self._schema.layouts[key]
        for part in layout.structures():
            yield ""
            if part is not layout:
                yield f"  {part.title}"
            yield from (f"  {line}" for line in bytes_of(part))
        for field in layout.fields:
            if isinstance(field.type, PageStateMap):
                yield ""
                yield f"  {field.name}"
                yield from (f"  {line}" for line in page_map(field.type))

    def _fields(self, fields: Described) -> Iterator[str]:
        rows = [("Offset", "Bytes", "Field", "Key", "Stored as", "Section", "Meaning")]
        for key, field in fields.items():
            width = "varies" if field["width"] is None else str(field["width"])
            kept = (field["offset"] or "then", width, field["name"], key)
            rows.append((*kept, field["stored_as"], field["section"], _meaning(field)))
        yield ""
        yield from (f"  {line}" for line in aligned(rows))
        for key, field in fields.items():
            inner = {"each entry": field["entry"]} if "entry" in field else field.get("cases", {})
            for title, structure in inner.items():
                yield ""
                yield self._title(f"{key}, {title}: {structure['name']}")
                yield from self._fields(structure["fields"])

    def _registry(self, one: Described) -> Iterator[str]:
        yield self._title(f"{one['name']} ({many(one['width'], 'byte')}, {one['section']})")
        yield one["text"]
        word = self._schema.flags.get(one["name"])
        if word is not None:
            from ..exports.diagram import bits

            yield ""
            yield from (f"  {line}" for line in bits(word))
        yield ""
        rows = []
        for place, value in (one.get("codes") or one.get("bits", {})).items():
            text = value["text"] or value["label"]
            reserved = " (must not be written)" if value.get("reserved") else ""
            shown = place if "codes" in one else f"bit {place}"
            rows.append((shown, value["name"], f"{text}{reserved}"))
        yield from (f"  {line}" for line in aligned(rows))
        yield from (f"  {span}" for span in one.get("spans", ()))

    def _part(self, title: str, rows: list[tuple[str, ...]]) -> Iterator[str]:
        yield ""
        yield self._title(title)
        yield from (f"  {line}" for line in aligned(rows))

    def _notes(self, notes: list[str]) -> Iterator[str]:
        yield from (f"  - {note}" for note in notes)

    def _title(self, text: str) -> str:
        return self._style.paint(text, bold=True)


def _meaning(field: Described) -> str:
    text: str = field["text"]
    if "permitted" in field:
        text += f" Permitted: {field['permitted']}."
    if "default" in field:
        default = field["default"]
        text += (
            f" Default: {', '.join(default) or 'none' if isinstance(default, list) else default}."
        )
    if field.get("optional"):
        text += " May be missing."
    return " ".join([text, *(f"{note}" for note in field.get("notes", ()))])


def _registries_of(structure: Described) -> Iterator[str]:
    """Names of the registries that the fields of a structure use, those inside it included."""
    for field in (structure["fields"] or {}).values():
        if "registry" in field:
            yield field["registry"]
        inner = [field["entry"]] if "entry" in field else field.get("cases", {}).values()
        for one in inner:
            yield from _registries_of(one)
