"""The patterns that ``msl candidates`` makes: of which bytes, and into which files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import PatternError
from .common import note
from .text import many
from .written_file import write_new

if TYPE_CHECKING:
    from ..analysis.candidates import BytePattern, CandidateSearch, Correspondence, PatternTrial
    from ..reader.dump import Dump

__all__ = ["patterns_of_candidates", "patterns_of_ranges", "untried", "write_patterns"]

_MOST_PATTERNS = 20


def patterns_of_ranges(
    np: Any,
    dumps: list[Dump],
    places: Correspondence,
    wanted: tuple[str, ...],
    quiet: bool,
) -> list[BytePattern]:
    """Patterns of ranges of the first dump, or of regions of it.

    Args:
        np: numpy.
        wanted: as they were given.
        quiet: whether nothing is said of what was left out of a long one.
    """
    from ..analysis.candidates import LONGEST_PATTERN, byte_pattern, most_in_common

    found = []
    for number, text in enumerate(wanted):
        start, end = _range(dumps[0], text)
        address, size, title = start, end - start, text
        if size > LONGEST_PATTERN:
            address, size = most_in_common(np, dumps, places, start, end)
            title = f"{text}: {size} of {many(end - start, 'byte')}, at {address:#x}"
            if not quiet:
                note(f"msl: {title}, have most in common")
        name = f"range_{number + 1}"
        found.append(byte_pattern(dumps, places, 0, address, size, name=name, title=title))
    return found


def _range(dump: Dump, text: str) -> tuple[int, int]:
    """A range, or that of the region in which a place is."""
    from ..analysis import Addresses

    addresses = Addresses(dump)
    if ".." in text:
        return addresses.range(text)
    address = addresses.address(text)
    region = dump.memory.region_at(address)
    if region is None:
        raise PatternError(f"--of {text}: no region of the dump is at {address:#x}")
    return region.base_addr, region.base_addr + region.region_size


def patterns_of_candidates(
    dumps: list[Dump], places: Correspondence, found: CandidateSearch, margin: int
) -> list[BytePattern]:
    """Patterns of the best candidates around which enough is the same."""
    from ..analysis.candidates import byte_pattern

    made: dict[str, BytePattern] = {}
    for one in found.candidates:
        if len(made) == _MOST_PATTERNS:
            break
        name = f"{one.shape}_{len(made) + 1}"
        try:
            pattern = byte_pattern(
                dumps,
                places,
                one.dump,
                one.address,
                one.length,
                name=name,
                title=f"{one.shape}, {one.length} bytes",
                margin=margin,
                secret=True,
            )
        except PatternError:  # too little around it is the same
            continue
        made.setdefault(pattern.text, pattern)
    return list(made.values())


def untried(tries: list[tuple[BytePattern, list[tuple[str, PatternTrial]]]]) -> list[str]:
    """Gaps: dumps that were not searched for a pattern to their end."""
    return [
        f"{path}: not all of it was searched for {pattern.name}"
        for pattern, results in tries
        for path, one in results
        if not one.complete
    ]


def write_patterns(
    patterns: list[BytePattern], outputs: dict[str, str | None], force: bool
) -> None:
    """Write them in each form that a file is named for; there has to be one."""
    from ..analysis import candidates as finding

    if not patterns:
        raise PatternError(
            "no candidate has enough bytes around it that are the same in all dumps: a larger "
            "--margin may have them"
        )
    texts = {
        "yara": finding.yara_rules,
        "volatility": finding.volatility_plugin,
        "signature": finding.json_signatures,
    }
    for form, path in outputs.items():
        if path is not None:
            text = texts[form](patterns).encode()
            write_new(path, force, lambda file, text=text: file.write(text))  # type: ignore[misc]
