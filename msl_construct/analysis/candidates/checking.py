"""What a dump's pass found, taken for shapes: by what can be computed of it, or by its looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .measures import BLOCK
from .pool import KeyBytes, Pool
from .private_keys import (
    curve_pairs,
    has_cryptography,
    pkcs1_words,
    pkcs8_words,
    rsa_factors,
    sec1_words,
)
from .scanning import DumpScan
from .shapes import MemoryShape, NearbyBytes
from .sightings import ShapeSighting
from .ssh_keys import openssh_words, shielded_words
from .tls_secrets import tls_1_2_master_secrets, tls_1_3_secrets

__all__ = ["sightings"]

_LONGEST_UNNAMED = 512
"""Bytes of a run in which unnamed secrets are seen; a longer one is data that is encrypted."""
_NEEDS_CRYPTOGRAPHY = (
    "pkcs8_private_key",
    "sec1_private_key",
    "p256_pair",
    "x25519_pair",
    "ed25519_pair",
    "openssh_private_key",
    "ssh_shielded_key",
)
_LATER = ("ssh_session_key",)
"""Checks that need to know what points to something."""
_OF_PATTERNS: dict[str, Callable[[Pool, int], tuple[int, int, str] | None]] = {
    "pkcs1_private_key": lambda pool, at: _placed(at, pkcs1_words(pool, at)),
    "pkcs8_private_key": lambda pool, at: _placed(at, pkcs8_words(pool, at)),
    "sec1_private_key": lambda pool, at: _placed(at, sec1_words(pool, at)),
    "openssh_private_key": openssh_words,
    "ssh_shielded_key": shielded_words,
}


def sightings(
    pool: Pool,
    found: DumpScan,
    shapes: Sequence[MemoryShape],
    gaps: list[str],
    most: int,
    more: dict[str, int],
) -> Iterator[ShapeSighting]:
    """What in a dump is of a shape; what is checked first.

    Args:
        pool: its runs.
        found: what the pass over it found.
        shapes: what is looked for.
        gaps: told what could not be looked for, and why.
        most: of what only looks like a key, the most of each shape.
        more: told how many there are besides, by shape.
    """
    lacking = (
        []
        if has_cryptography()
        else [one.name for one in shapes if one.check in _NEEDS_CRYPTOGRAPHY]
    )
    if lacking:
        gaps.append(
            f"{', '.join(lacking)} were not looked for: pip install 'msl-construct[crypto]'"
        )
    if pool.left_out:
        gaps.append(f"{pool.left_out} runs that look like keys were too many to be looked at")
    held: list[ShapeSighting] = []
    for shape in sorted(shapes, key=_order):
        if shape.name in lacking or shape.check in _LATER:
            continue
        for one in _of_shape(pool, found, shape):
            held.append(one)
            yield one
    plain = [shape for shape in shapes if _is_plain(shape)]
    yield from _unnamed(pool, plain, held, most, more)


def _order(shape: MemoryShape) -> tuple[bool, bool]:
    return shape.check is None and shape.schedule is None, not shape.context


def _is_plain(shape: MemoryShape) -> bool:
    return bool(shape.lengths) and not shape.context and shape.check is None


def _of_shape(pool: Pool, found: DumpScan, shape: MemoryShape) -> Iterator[ShapeSighting]:
    if shape.schedule is not None:
        for address, key, swapped in found.schedules:
            if 8 * len(key) == shape.schedule:
                order = "the other byte order" if swapped else "byte order as specified"
                yield ShapeSighting(
                    address,
                    16 * (len(key) // 4 + 7),
                    shape.name,
                    shape.weight,
                    True,
                    {"check": f"all round keys follow from the first {len(key)} bytes, {order}"},
                )
    elif shape.patterns:
        yield from _patterned(pool, found, shape)
    elif shape.check is not None:
        for blob, words in _paired(pool, shape):
            if _fits(pool, blob.address, shape.context):
                one = _sighting(blob, shape, words or None)
                if not words:
                    one.facts["context"] = "in line with others that are checked, 64 bytes apart"
                yield one
    elif shape.context:
        for length in shape.lengths:
            first = shape.context[0]
            for blob in pool.blobs_beside(length, shape.align, first.at, first.pattern):
                if _fits(pool, blob.address, shape.context):
                    near = ", ".join(f"{one.pattern.given} at {one.at:+d}" for one in shape.context)
                    told = _sighting(blob, shape, None)
                    told.facts["context"] = near
                    yield told


def _patterned(pool: Pool, found: DumpScan, shape: MemoryShape) -> Iterator[ShapeSighting]:
    seen = set()
    for name, address, length in found.matches:
        if name != shape.name or not _fits(pool, address, shape.context):
            continue
        words = None
        if shape.check is not None:
            answer = _OF_PATTERNS[shape.check](pool, address)
            if answer is None:
                continue
            address, length, words = answer
        if (address, length) in seen:
            continue
        seen.add((address, length))
        facts: dict[str, object] = {} if words is None else {"check": words}
        if words is None:
            facts["pattern"] = shape.patterns[0].given
        yield ShapeSighting(address, length, shape.name, shape.weight, words is not None, facts)


def _placed(address: int, found: tuple[int, str] | None) -> tuple[int, int, str] | None:
    return None if found is None else (address, *found)


def _paired(pool: Pool, shape: MemoryShape) -> Iterator[tuple[KeyBytes, str]]:
    assert shape.check is not None
    if shape.check == "rsa_factor":
        yield from rsa_factors(pool, shape.lengths, shape.align)
    elif shape.check == "tls_1_3_secret":
        for length in shape.lengths:
            yield from tls_1_3_secrets(pool, length, shape.align)
    elif shape.check == "tls_1_2_master_secret":
        yield from tls_1_2_master_secrets(pool, shape.align)
    else:
        yield from curve_pairs(pool, shape.check.removesuffix("_pair"), shape.align)


def _fits(pool: Pool, address: int, context: Sequence[NearbyBytes]) -> bool:
    for one in context:
        data = pool.bytes_at(address + one.at, one.pattern.longest)
        if data is None or one.pattern.expression is None:
            return False
        if one.pattern.expression.match(data) is None:
            return False
    return True


def _sighting(blob: KeyBytes, shape: MemoryShape, words: str | None) -> ShapeSighting:
    facts: dict[str, object] = {} if words is None else {"check": words}
    return ShapeSighting(
        blob.address,
        len(blob.data),
        shape.name,
        shape.weight,
        words is not None,
        facts,
        max(0, blob.slack),
    )


def _unnamed(
    pool: Pool,
    shapes: Sequence[MemoryShape],
    held: Sequence[ShapeSighting],
    most: int,
    more: dict[str, int],
) -> Iterator[ShapeSighting]:
    """What only looks like a key: in each run as much as fits, side by side.

    Of very many, what has a run for itself.

    Args:
        held: what is something else already.
    """
    np = pool.numpy
    lengths = sorted({(length, shape.align) for shape in shapes for length in shape.lengths})
    starts, sizes = pool.runs()
    which = np.searchsorted([length for length, _ in lengths], sizes + 3, "right") - 1
    which[sizes > _LONGEST_UNNAMED] = -1
    for number, (length, align) in enumerate(lengths):
        runs = np.flatnonzero(which == number)
        odd = (starts[runs] % np.uint64(align)).astype(np.int64)
        first = np.where(odd > 2, align - odd, -odd)
        every, offsets = _tiles(np, first, sizes[runs] - length + 3, odd, length, align)
        addresses = starts[runs[every]] + offsets.astype(np.uint64)
        taken = [one.address for one in held if one.checked and one.length == length]
        free = ~np.isin(addresses, np.array(taken, np.uint64))
        slack = np.maximum(0, sizes[runs[every]] - length)
        for shape in shapes:
            if length not in shape.lengths:
                continue
            some = np.flatnonzero(free & (addresses % np.uint64(shape.align) == 0))
            rest = (addresses[some] % np.uint64(BLOCK)).astype(np.int64)
            some = some[np.lexsort((addresses[some], rest, slack[some]))]
            if len(some) > most:
                more[shape.name] = more.get(shape.name, 0) + len(some) - most
            for index in some[:most].tolist():
                address = int(addresses[index])
                if pool.bytes_at(address, length) is not None:
                    one = _sighting(KeyBytes(address, b"", 0), shape, None)
                    one.length, one.slack = length, int(slack[index])
                    yield one


def _tiles(np: Any, first: Any, last: Any, odd: Any, length: int, align: int) -> tuple[Any, Any]:
    """Places in runs: each half a length behind the one before, and the last that there is.

    Args:
        first, last: of each run, bytes from its start.
        odd: of each run, how far its start is from a multiple of `align`.

    Returns:
        Number of the run, and the place in it.
    """
    step = max(align, length // 2 // align * align)
    final = np.maximum(first, last - (last + odd) % align)
    counts = np.maximum(0, (last - first) // step + 1)
    beyond = (counts == 0) | ((final - first) % step != 0) | (final > first + (counts - 1) * step)
    every = np.repeat(np.arange(len(first)), counts)
    within = np.arange(len(every)) - np.repeat(np.cumsum(counts) - counts, counts)
    return (
        np.concatenate([every, np.flatnonzero(beyond)]),
        np.concatenate([first[every] + within * step, final[beyond]]),
    )
