"""What a dump's pass found, taken for shapes: by what can be computed of it, or by its looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

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
    pool: Pool, found: DumpScan, shapes: Sequence[MemoryShape], gaps: list[str]
) -> Iterator[ShapeSighting]:
    """Everything in a dump that is of a shape; what is checked first.

    Args:
        pool: its runs.
        found: what the pass over it found.
        shapes: what is looked for.
        gaps: told what could not be looked for, and why.
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
    yield from _unnamed(pool, plain, held)


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
            for blob in pool.blobs(length, shape.align):
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
    pool: Pool, shapes: Sequence[MemoryShape], held: Sequence[ShapeSighting]
) -> Iterator[ShapeSighting]:
    """What only looks like a key: in each run as much as fits, side by side.

    Args:
        held: what is something else already.
    """
    taken = {(one.address, one.length) for one in held if one.checked}
    lengths = sorted({(length, shape.align) for shape in shapes for length in shape.lengths})
    for start, end in pool.runs():
        if end - start > _LONGEST_UNNAMED:
            continue
        fitting = [(length, align) for length, align in lengths if length <= end - start + 3]
        if not fitting:
            continue
        length, align = fitting[-1]
        low = start - start % align
        if start - low > 2:
            low += align
        for address in _tiles(low, end - length + 3, length, align):
            if (address, length) in taken or pool.bytes_at(address, length) is None:
                continue
            for shape in shapes:
                if length in shape.lengths and address % shape.align == 0:
                    blob = KeyBytes(address, b"", 0)
                    one = _sighting(blob, shape, None)
                    one.length, one.slack = length, max(0, end - start - length)
                    yield one


def _tiles(first: int, last: int, length: int, align: int) -> list[int]:
    """Addresses from `first` to `last`: each half a length behind the one before, and the last."""
    step = max(align, length // 2 // align * align)
    found = list(range(first, last + 1, step))
    return sorted({*found, max(first, last - last % align)})
