"""``msl read``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

import click

from ..space import ADDRESSES_END, CAPTURED, Memory
from .analysis_options import color_option, ending, width_of_length
from .common import (
    NOBODY,
    Exit,
    command,
    data_out,
    discard_stdout,
    draft_options,
    lacking_code,
    note,
    open_input,
    say_version,
    text_out,
)
from .terminal import style_of
from .text import Style, as_json, folded, printable

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..analysis import HexLine, Locations
    from ..reader.dump import Dump
    from .common import ReadOptions
    from .read_views import ViewRow

__all__ = ["read", "stated_fill"]

_PIECE = 1 << 20
_WIDTH = 16
_FULL = 86
"""Columns of a line with an address of 64 bits."""
_SHORT = 1 << 48
"""Addresses below it have twelve digits."""
_TYPES = ("u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f32", "f64", "ptr")
_TEXTS = ("ascii", "utf8", "utf16", "time")
_MOST_JSON = 64 << 20
"""Bytes that --json prints: they stand in one document."""


def stated_fill(_: click.Context, __: click.Parameter, value: str) -> int | None:
    """A byte; None: what is not known is an error."""
    if value == "error":
        return None
    if value == "zero":
        return 0
    try:
        found = int(value, 16) if value.lower().startswith("0x") else -1
    except ValueError:
        found = -1
    if not 0 <= found < 256:
        raise click.BadParameter(f"{value!r} is none of error, zero, 0xNN")
    return found


@command()
@click.argument("dump", metavar="DUMP")
@click.argument("address", metavar="ADDR")
@click.argument("length", metavar="LEN", default="0x100")
@click.option("--raw", is_flag=True, help="The bytes alone; needs --fill where some are not known.")
@click.option(
    "--fill",
    default="error",
    metavar="error|zero|0xNN",
    callback=stated_fill,
    help="What --raw puts where no byte is known; error: nothing is printed then (the default).",
)
@click.option(
    "--as",
    "view",
    type=click.Choice([*_TYPES, *_TEXTS]),
    help="Values of a type, in the byte order of the dump; ptr: with what they point to.",
)
@click.option("--json", "as_json_", is_flag=True, help="One JSON object: runs with their bytes.")
@color_option()
@draft_options
def read(
    dump: str,
    address: str,
    length: str,
    raw: bool,
    fill: int | None,
    view: str | None,
    as_json_: bool,
    color: str,
    quiet: bool,
    no_color: bool,
    **options: Unpack[ReadOptions],
) -> int:
    """Show the bytes at a virtual address, and what the dump says where it has none.

    ADDR is a number, module+0x10, region:0x...+0x10, [heap]+0x10, reg:rip (of the current
    thread) or reg:rip@TID. LEN is a number of bytes, 256 unless given, or ..ADDR for all up
    to that address. A byte that is not known is shown as ??, and never as zero.

    \b
    Example:
      msl read dump.msl reg:rsp 0x80
      msl read dump.msl libc.so.6+0x10 64 --as ptr
      msl read dump.msl '[heap]' 0x1000 --raw --fill zero > heap.bin

    Exit codes: 0 fine; 2 nothing is called so; 3 not an .msl or unreadable; 4 some of the bytes
    are not known, or the dump is incomplete; 5 a key is missing.
    """
    if raw + as_json_ + (view is not None) > 1:
        raise click.UsageError("one of --raw, --json and --as, please")
    if fill is not None and not raw:
        raise click.UsageError("--fill goes with --raw: what is not known is shown as ?? elsewhere")
    from ..analysis import Addresses, Locations

    with open_input(dump, passing=False, **options) as opened:
        say_version(dump, opened)
        addresses = Addresses(opened)
        start = addresses.address(address)
        asked = start + width_of_length(addresses, start, length)
        end = min(asked, ADDRESSES_END)
        unknown = _unknown(opened, start, end)
        try:
            if raw:
                if unknown.first is not None and fill is None:
                    at, size, state = unknown.first
                    note(
                        f"msl: {dump}: {size} bytes at {at:#x} are {state}: nothing was printed; "
                        "choose a --fill, or read what there is"
                    )
                    return lacking_code(opened)
                _raw(opened, start, end, fill or 0)
            elif as_json_:
                if end - start > _MOST_JSON:
                    raise click.UsageError(f"--json takes at most {_MOST_JSON} bytes: use --raw")
                with data_out() as out:
                    _json(opened, Locations(opened), start, end, out)
            else:
                with text_out() as out:
                    style = style_of(color, no_color)
                    if view is None:
                        _dump_lines(opened, Locations(opened), start, end, out, style)
                    else:
                        _values(opened, Locations(opened), start, end, view, out, style)
        except BrokenPipeError:
            discard_stdout()
            note(f"msl: {dump}: incomplete: {NOBODY}")
            return lacking_code(opened)
        opened.require_unchanged()
        told = ending(opened, dump, quiet)
        if unknown.bytes and not quiet:
            states = ", ".join(unknown.states)
            note(f"msl: {dump}: {unknown.bytes} of {end - start} bytes are not known ({states})")
        if asked > end:
            note(f"msl: {dump}: {asked - end} of {asked - start} bytes are behind the last address")
            return told or Exit.INCOMPLETE
        return told or (Exit.INCOMPLETE if unknown.bytes and fill is None else Exit.FINE)


@dataclass
class _Unknown:
    """What is not known of what was asked for.

    Attributes:
        first: the first run of it; None: all is known.
        bytes: how many.
        states: each once, in order.
    """

    first: tuple[int, int, str] | None = None
    bytes: int = 0
    states: dict[str, None] = field(default_factory=dict)


def _unknown(dump: Dump, start: int, end: int) -> _Unknown:
    found = _Unknown()
    for one in dump.memory.states(start, end):
        if one[2] != CAPTURED:
            found.first = found.first or one
            found.bytes += one[1]
            found.states[one[2]] = None
    return found


def _raw(dump: Dump, start: int, end: int, fill: int) -> None:
    out = sys.stdout.buffer
    for at in range(start, end, _PIECE):
        out.write(dump.memory.read(at, min(_PIECE, end - at)).filled(fill))
    out.flush()


def _json(dump: Dump, places: Locations, start: int, end: int, out: IO[str]) -> None:
    from .hit_rows import place_json

    memory = dump.memory.read(start, end - start)
    taken = 0
    runs = []
    for address, length, state in memory.runs:
        row: dict[str, object] = {"address": f"{address:#x}", "length": length, "state": state}
        if state == CAPTURED:
            row["bytes"] = bytes(memory.data[taken : taken + length]).hex()
            taken += length
        runs.append(row)
    found = {"address": f"{start:#x}", "length": end - start, **place_json(places.at(start))}
    out.write(as_json({**found, "runs": runs}, indent=2) + "\n")


# --- for people --------------------------------------------------------------------------------


def _dump_lines(
    dump: Dump, places: Locations, start: int, end: int, out: IO[str], style: Style
) -> None:
    from ..analysis import hex_lines

    close = end <= _SHORT and style.columns is not None and style.columns < _FULL
    known = ""
    for line in hex_lines(dump.memory, start, end, _WIDTH):
        where = places.text(line.address)
        name = where.rpartition("+")[0]
        if name != known:
            known = name
            out.write(style.paint(f"{printable(where) or 'no region'}:", bold=True) + "\n")
        out.write((_close_line if close else _line)(line, style) + "\n")
        if line.repeats:
            out.write(
                f"* {line.repeats} more {'lines' if line.repeats > 1 else 'line'} like this\n"
            )


def _line(line: HexLine, style: Style) -> str:
    left, right, text, states = _cells_of(line, style)
    return f"{line.address:016x}  {left}  {right}  |{text}|{states and '  '}{states}"


def _close_line(line: HexLine, style: Style) -> str:
    """The same in 80 columns; what is not known is said below it."""
    left, right, text, states = _cells_of(line, style)
    below = f"\n{' ' * 14}?? {states}" if states else ""
    return f"{line.address:012x}  {left} {right} |{text}|{below}"


def _cells_of(line: HexLine, style: Style) -> tuple[str, str, str, str]:
    """Both halves of the bytes, their letters, and the states of those that are not known."""
    shift = line.address % _WIDTH
    cells = ["  "] * shift
    cells += ["??" if byte is None else f"{byte:02x}" for byte in line.data]
    cells += ["  "] * (_WIDTH - len(cells))
    text = " " * shift
    text += "".join(
        "?" if byte is None else chr(byte) if 0x20 <= byte < 0x7F else "." for byte in line.data
    )
    left, right = (" ".join(half) for half in (cells[: _WIDTH // 2], cells[_WIDTH // 2 :]))
    states = style.paint(", ".join(line.states), fg="yellow") if line.states else ""
    return left, right, text.ljust(_WIDTH), states


def _values(
    dump: Dump, places: Locations, start: int, end: int, view: str, out: IO[str], style: Style
) -> None:
    from ..analysis import pointer_width
    from .read_views import NUMBERS, joined

    width = 2 if view == "utf16" else NUMBERS[view][1] if view in NUMBERS else 1
    if view == "ptr":
        width = pointer_width(dump)
    left = (end - start) % width
    if left:
        end -= left
        note(f"msl: {left} bytes at {end:#x} are fewer than a value of {width} bytes: not shown")
    for address, length, text, state in joined(_views(dump, places, start, end, view, width)):
        if text is None:
            text = f"?? ({state})" if length == width else f"?? ({state}), {length} bytes"
        line = f"{address:016x}  {text}"
        out.writelines(f"{part}\n" for part in folded(line, style.columns, 18))


def _views(
    dump: Dump, places: Locations, start: int, end: int, view: str, width: int
) -> Iterator[ViewRow]:
    from .read_views import NUMBERS, number_text, text_rows

    order = dump.schema.byte_order
    if view not in NUMBERS:
        yield from text_rows(dump.memory, start, end, view, order)
        return
    step = _PIECE // width * width
    for at in range(start, end, step):
        memory = dump.memory.read(at, min(step, end - at))
        for address, data, state in _cells(memory, width):
            if data is None:
                yield address, width, None, state
                continue
            text = number_text(view, data, order)
            if view == "ptr":
                value = int(text, 16)
                where = places.text(value)
                text += f"  {printable(where)}" if where else ""
            yield address, width, text, ""


def _cells(memory: Memory, width: int) -> Iterator[tuple[int, bytes | None, str]]:
    """Values of one width; None where a byte of one is not known."""
    from .read_views import known_bytes

    for offset, data, state in known_bytes(memory, width):
        yield memory.address + offset, data, state
