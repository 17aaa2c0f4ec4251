"""A picture of a file, and one of its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from html import escape

from ..breaking.reading import BLOCK, ReaderClaim, told
from ..corpus.assemble import assemble
from ..corpus.base_plans import minimal
from ..corpus.plan import Form
from ..schema import Draft, Schema
from .marking import Page, code, row, table

__all__ = ["dissected", "pictured"]

_ROW = 16


def pictured(draft: Draft) -> str:
    """A dump as a picture: header, blocks, end."""
    parts = ["File Header", "Process Identity", "Module List", "…", "Memory Region", "…", "End"]
    if draft.segments:
        parts.append("Segments")
    width = 116
    total = width * len(parts)
    boxes = "".join(
        f'<rect x="{index * width + 1}" y="1" width="{width - 4}" height="58" rx="6"/>'
        f'<text x="{index * width + width / 2}" y="30" text-anchor="middle" '
        f'dominant-baseline="central" fill="currentColor" stroke="none">{escape(part)}</text>'
        for index, part in enumerate(parts)
    )
    return (
        f'<div class="scroll"><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} 60" '
        f'width="{total}" height="60" role="img" aria-label="A file from its header to its end" '
        f'font-family="sans-serif" font-size="12" fill="none" stroke="currentColor">{boxes}</svg>'
        "</div>"
    )


def dissected(page: Page, draft: Draft) -> None:
    """The smallest live acquisition: a hex dump, and what each byte says."""
    order = draft.byte_orders[0].value
    data = assemble(minimal(Form("example", draft.name, order))).data
    page.text(
        f"The smallest live acquisition, {len(data)} bytes: an identity, an empty list of modules, "
        "and the end."
    )
    lines = []
    for at in range(0, len(data), _ROW):
        some = data[at : at + _ROW]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in some)
        lines.append(f"{at:04x}  {some.hex(' '):<{3 * _ROW}} {text}")
    page.add(f"<pre>{escape(chr(10).join(lines))}</pre>")
    claims = told(data, draft.name).claims
    parts = (part for one in claims for part in _parts(one, draft.bound(draft.byte_orders[0])))
    rows = (row(_cells(data, one)) for one in parts if one.end > one.start)
    page.add(table(("Bytes", "Stored", "Field", "Value"), rows))


def _parts(one: ReaderClaim, schema: Schema) -> Iterator[ReaderClaim]:
    """What is said of a block as a whole, as its Magic and its BlockType say it."""
    if one.form != BLOCK:
        yield one
        return
    header = schema.block_header
    for key, shown in (("magic", schema.block_magic.decode("latin-1")), ("block_type", one.shown)):
        start = one.start + header.offset_of(key)
        end = start + header.field(key).type.minimum
        yield replace(one, start=start, end=end, where=f"{header.key}.{key}", shown=shown)


def _cells(data: bytes, one: ReaderClaim) -> tuple[str, ...]:
    stored = data[one.start : one.end].hex(" ")
    shown = stored if len(stored) <= 47 else f"{stored[:44]} …"
    return (
        code(f"{one.start:04x} to {one.end - 1:04x}"),
        code(shown),
        code(one.where),
        escape(one.shown),
    )
