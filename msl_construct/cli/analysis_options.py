"""What the commands that look into a dump's memory have in common."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from ..errors import AddressError
from .common import STDIO, Exit, lacking_code, lacking_word, note
from .terminal import style_of
from .text import Style

if TYPE_CHECKING:
    from ..analysis import Addresses
    from ..reader.dump import Dump

__all__ = [
    "TOLD",
    "HitOptions",
    "align_option",
    "color_option",
    "ending",
    "form_of",
    "hit_options",
    "width_of_length",
    "within",
    "without_match",
]

F = TypeVar("F", bound=Callable[..., object])

TOLD = 5
"""Lines about what could not be looked at; of more there is a number."""


def width_of_length(addresses: Addresses, start: int, text: str) -> int:
    """Bytes that LEN stands for.

    Raises:
        AddressError: it is no length.
    """
    if text.startswith(".."):
        end = addresses.address(text[2:])
        if end < start:
            raise AddressError(f"{text}: the range ends before it begins")
        return end - start
    if not re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}|[0-9]{1,19}", text):
        raise AddressError(f"LEN {text[:40]!r}: expected a number of bytes, or ..ADDR")
    return int(text, 0 if text[:1] == "0" and len(text) > 1 and text[1] in "xX" else 10)


@dataclass(frozen=True)
class HitOptions:
    """Where in memory to look, how many to find, and the form in which to print them.

    Attributes:
        ranges, protection, region_type: as they were given, see `within`.
        limit: None: all.
        as_json, ndjson: how; else for people.
        color: for them, see `color_option`.
    """

    ranges: tuple[str, ...]
    protection: str | None
    region_type: str | None
    limit: int | None
    as_json: bool
    ndjson: bool
    color: str

    def style(self, no_color: bool) -> Style:
        """See `style_of`."""
        return style_of(self.color, no_color)

    def form(self) -> str:
        """See `form_of`."""
        return form_of(self.as_json, self.ndjson)

    def within(self, dump: Dump, addresses: Addresses) -> list[tuple[int, int]] | None:
        """See `within`."""
        return within(dump, addresses, self.ranges, self.protection, self.region_type)


def hit_options(what: str) -> Callable[[F], F]:
    """The options that are `HitOptions`; the command gets them as `hits`.

    Args:
        what: they find, in the plural.
    """
    options = (
        click.option(
            "--range",
            "ranges",
            multiple=True,
            metavar="A..B",
            help="Only these addresses; several times for several ranges.",
        ),
        click.option(
            "--protection",
            metavar="rwx",
            help="Only regions with at least these rights, such as x or rw.",
        ),
        click.option(
            "--type",
            "region_type",
            metavar="TYPE",
            help="Only regions of this type: heap, stack, image, mapped_file, anonymous, ...",
        ),
        click.option(
            "--limit", type=click.IntRange(min=1), metavar="N", help=f"At most so many {what}."
        ),
        click.option("--json", "as_json_", is_flag=True, help="One JSON document."),
        click.option("--ndjson", is_flag=True, help="One JSON object a line."),
        color_option(),
    )

    def with_them(function: F) -> F:
        @functools.wraps(function)
        def collected(
            *arguments: object,
            ranges: tuple[str, ...],
            protection: str | None,
            region_type: str | None,
            limit: int | None,
            as_json_: bool,
            ndjson: bool,
            color: str,
            **more: object,
        ) -> object:
            hits = HitOptions(ranges, protection, region_type, limit, as_json_, ndjson, color)
            return function(*arguments, hits=hits, **more)

        command: Callable[..., object] = collected
        for option in reversed(options):
            command = option(command)
        return command  # type: ignore[return-value]

    return with_them


def color_option(what: str = "") -> Callable[[F], F]:
    """When there is colour; the command gets it as `color`.

    Args:
        what: has it, as in ``Of the tree: ``.
    """
    text = "on a terminal (auto), always, or never."
    return click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        help=f"{what}{text}" if what else f"Colour {text}",
    )


def align_option(text: str) -> Callable[[F], F]:
    """Which regions of dumps belong together; the command gets it as `how`."""
    return click.option(
        "--align",
        "how",
        type=click.Choice(["auto", "address", "module"]),
        default="auto",
        help=text,
    )


def form_of(as_json: bool, ndjson: bool) -> str:
    """The form that was asked for: ``json``, ``ndjson`` or ``text``.

    Raises:
        click.UsageError: two of them were.
    """
    if as_json and ndjson:
        raise click.UsageError("one of --json and --ndjson, please")
    return "json" if as_json else "ndjson" if ndjson else "text"


def within(
    dump: Dump,
    addresses: Addresses,
    ranges: tuple[str, ...],
    protection: str | None,
    region_type: str | None,
) -> list[tuple[int, int]] | None:
    """Address ranges that were asked for, ascending and apart; None: all.

    Raises:
        AddressError: one is none, or nothing is left.
    """
    if not ranges and protection is None and region_type is None:
        return None
    chosen = _merged(addresses.range(text) for text in ranges) if ranges else [(0, 1 << 64)]
    if protection is not None or region_type is not None:
        wanted = _rights(protection or "")
        fitting = _merged(
            (region.base_addr, region.end)
            for region in dump.regions
            if wanted <= set(region.protection.names)
            and region_type in (None, region.region_type.name)
        )
        chosen = _common(chosen, fitting)
    if not chosen:
        raise AddressError("no region is left: see msl inspect --show regions")
    return chosen


def _rights(text: str) -> set[str]:
    names = {"r": "read", "w": "write", "x": "execute"}
    if not set(text) <= {*names, "-"}:
        raise click.UsageError(f"--protection {text!r}: expected letters of rwx")
    return {names[letter] for letter in text if letter in names}


def _merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        elif start < end:
            found.append((start, end))
    return found


def _common(some: list[tuple[int, int]], others: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found, index = [], 0
    for start, end in some:
        while index < len(others) and others[index][1] <= start:
            index += 1
        at = index
        while at < len(others) and others[at][0] < end:
            found.append((max(start, others[at][0]), min(end, others[at][1])))
            at += 1
    return found


def ending(dump: Dump, path: str, quiet: bool) -> Exit:
    """Say what could not be looked at; the exit code for that."""
    from ..reader.unread import unread

    name = "stdin" if path == STDIO else path
    lines = list(unread(dump))
    for line in lines[:TOLD]:
        note(f"msl: {name}: {lacking_word(dump, line)}: {line}")
    if len(lines) > TOLD and not quiet:
        note(f"msl: {name}: and {len(lines) - TOLD} more like this")
    return lacking_code(dump) if lines else Exit.FINE


def without_match(path: str, looked_at: int) -> Exit:
    """The exit code of a search that found nothing; says where it had nothing to look at.

    Args:
        looked_at: bytes of memory that were searched.
    """
    if looked_at:
        return Exit.FINDINGS
    name = "stdin" if path == STDIO else path
    note(f"msl: {name}: incomplete: not one byte of what was to be searched is captured")
    return Exit.INCOMPLETE
