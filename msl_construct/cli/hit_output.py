"""What ``msl search``, ``msl strings`` and ``msl yara`` print, and end with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import IO, TYPE_CHECKING

from .analysis_options import TOLD, ending, without_match
from .common import Exit, data_out, discard_stdout, note, text_out
from .text import as_json, binary_size, many

if TYPE_CHECKING:
    from ..analysis import Searched
    from ..reader.dump import Dump

__all__ = ["finish", "first_of", "print_hits"]


def first_of(
    rows: Iterable[tuple[int, str]], most: int | None, searched: Searched
) -> Iterator[tuple[int, str]]:
    """The first rows of all; of what is left out nothing counts.

    Args:
        most: how many; None: all.
        searched: what counts them.
    """
    left = most
    for count, lines in rows:
        if left is not None and count >= left:
            searched.hits -= count - left
            yield left, "\n".join(lines.split("\n", left)[:left])
            return
        if left is not None:
            left -= count
        yield count, lines


def print_hits(
    rows: Iterable[tuple[int, str]],
    form: str,
    gaps: Callable[[], Iterable[dict[str, object]]] = tuple,
) -> bool:
    """All hits, as they come; whether somebody read them to the end.

    Args:
        rows: as `hit_row` makes them, some at a time: how many, and they, a line each.
        form: ``json``, ``ndjson`` or ``text``.
        gaps: rows that follow them as JSON; asked when all hits are printed.
    """
    try:
        with text_out() if form == "text" else data_out() as out:
            if form == "json":
                _write_list(chain(rows, ((1, as_json(gap)) for gap in _later(gaps))), out)
            else:
                for count, lines in rows:
                    if count:
                        out.write(lines)
                        out.write("\n")
                if form == "ndjson":
                    out.writelines(as_json(gap) + "\n" for gap in gaps())
    except BrokenPipeError:
        discard_stdout()
        return False
    return True


def _later(rows: Callable[[], Iterable[dict[str, object]]]) -> Iterator[dict[str, object]]:
    yield from rows()


def _write_list(rows: Iterable[tuple[int, str]], out: IO[str]) -> None:
    out.write("[")
    between = "\n"
    for count, lines in rows:
        if count:
            out.write(between)
            out.write(lines.replace("\n", ",\n"))
            between = ",\n"
    out.write("\n]\n")


def finish(
    dump: Dump, path: str, found: Searched, quiet: bool, limit: int | None, read: bool
) -> Exit:
    """Say what could not be searched; the exit code of the whole.

    Args:
        read: what `print_hits` said: where nobody reads on, no more is looked for.
    """
    code = ending(dump, path, quiet)
    for line in found.failed[:TOLD]:
        note(f"msl: {path}: {line}")
        code = code or Exit.INCOMPLETE
    if len(found.failed) > TOLD and not quiet:
        note(f"msl: {path}: and {len(found.failed) - TOLD} more like this")
    stopped = limit is not None and found.hits >= limit
    if not read:
        note(f"msl: {path}: incomplete: nobody read on, so that there may be more hits")
        return code or Exit.INCOMPLETE
    if not quiet:
        said = f"{many(found.hits, 'hit')} in {binary_size(found.coverage.captured)}"
        if stopped:
            said += f", and no more were looked for (--limit {limit})"
        holes = {state: size for state, size in found.coverage.unknown.items() if size}
        if holes:
            parts = ", ".join(f"{binary_size(size)} {state}" for state, size in holes.items())
            said += f"; not to be searched, since there are no bytes: {parts}"
        note(f"msl: {path}: {said}")
    if code is Exit.FINE and not found.hits:
        return without_match(path, found.coverage.captured)
    return code
