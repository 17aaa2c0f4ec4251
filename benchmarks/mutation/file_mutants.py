"""Single faults in a valid file, from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from msl_construct.schema.pages import PageStateMap
from msl_construct.schema.variable import Blob, Measured, Rest
from msl_construct.schema.vocabulary import Coded, Fixed, Flags, Uuid

from .rearranged import Blocks
from .repair import repaired
from .specimens import Specimen
from .spots import Spot, Spots

_TRIES = 40


@dataclass(frozen=True)
class FileMutant:
    """A file with one fault.

    Attributes:
        specimen: the file without it.
        operator: what kind of fault.
        what: which one.
        data: its bytes.
        repaired: whether all hashes were made right again.
        structural: whether no producer could have written it; see `Spot.free`.
        field: where the fault is.
    """

    specimen: Specimen
    operator: str
    what: str
    data: bytes
    repaired: bool
    structural: bool
    field: str = ""

    @property
    def text(self) -> str:
        """The mutant in a line."""
        hashes = "hashes right" if self.repaired else "hashes stale"
        return f"{self.specimen.name}: {self.operator}, {hashes}: {self.what}"


class Original:
    """A valid file, and where everything in it stands."""

    def __init__(self, specimen: Specimen) -> None:
        self.specimen = specimen
        self.data = specimen.data
        self.spots = Spots(specimen.data)
        self.blocks = Blocks(self.spots)
        self.covered = self.spots.blocks[-1][0] if self.spots.blocks else 0
        """Bytes in front of the last block: what hashes cover."""

    def changed(self, spot: Spot, new: bytes) -> bytes:
        """The file with other bytes in a field."""
        return self.data[: spot.offset] + new + self.data[spot.end :]

    def held(self, spot: Spot) -> bytes:
        """The bytes of a field."""
        return self.data[spot.offset : spot.end]


_Edit = tuple[str, str, bytes]
"""Field, what was done to it, the file's bytes."""


def file_mutants(specimens: list[Specimen], seed: int) -> Iterator[FileMutant]:
    """Mutants without end, the same for the same corpus and seed.

    One in two has its hashes repaired. What comes of it is structural or free by what changed,
    before anybody looks at whether it is noticed.
    """
    rng = random.Random(seed)
    originals = {s.name: Original(s) for s in specimens}
    operators: list[tuple[str, Callable[..., Any]]] = [*_IN_FIELDS.items(), *_BLOCKS.items()]
    while True:
        original = originals[rng.choice(specimens).name]
        operator, make = rng.choice(operators)
        repair = rng.random() < 0.5
        if operator in _STALE_ONLY:
            repair = False
        found = (
            _of_blocks(original, operator, make, repair, rng)
            if operator in _BLOCKS
            else _of_fields(original, operator, make, repair, rng)
        )
        if found is not None:
            yield found


def _of_fields(
    original: Original, operator: str, make: Any, repair: bool, rng: random.Random
) -> FileMutant | None:
    edit: _Edit | None = make(original, rng)
    if edit is None or edit[2] == original.data:
        return None
    field, what, data = edit
    structural = original.spots.structural(data)
    if not repair:
        end = original.covered
        structural |= data[:end] != original.data[:end]
        return FileMutant(original.specimen, operator, what, data, False, structural, field)
    new = repaired(data)
    if new == original.data:
        return None
    data = data if new is None else new
    return FileMutant(original.specimen, operator, what, data, True, structural, field)


def _of_blocks(
    original: Original, operator: str, make: Any, repair: bool, rng: random.Random
) -> FileMutant | None:
    found = make(original.blocks, rng)
    if found is None or found.data == original.data:
        return None
    data = (repaired(found.data) if repair else None) or found.data
    structural = not found.free or not repair
    return FileMutant(original.specimen, operator, found.what, data, repair, structural)


# -- faults in fields --------------------------------------------------------------------------


def _choose(original: Original, rng: random.Random, wanted: Callable[[Spot], bool]) -> Spot | None:
    found = [spot for spot in original.spots.all if wanted(spot)]
    return rng.choice(found) if found else None


def _edited(original: Original, spot: Spot, new: bytes) -> _Edit:
    shown = f"{spot.name} at {spot.offset:#x}: {original.held(spot)[:20].hex()} is {new[:20].hex()}"
    return spot.name, shown, original.changed(spot, new)


def _structural_bytes(spot: Spot) -> range:
    """The bytes of a field in which a fault may be structural at all."""
    kind = spot.field.type if spot.field is not None else None
    if isinstance(kind, Rest):
        return range(0)
    if isinstance(kind, Measured):
        return range(spot.length if isinstance(kind, Blob) else spot.length - 1, spot.width)
    return range(spot.width)


def _bit(original: Original, rng: random.Random) -> _Edit | None:
    """One bit, of a byte that is not free as a whole."""
    spot = _choose(original, rng, lambda s: len(_structural_bytes(s)) > 0)
    if spot is None:
        return None
    return _flip(original, rng, spot, rng.choice(_structural_bytes(spot)))


def _flip(original: Original, rng: random.Random, spot: Spot, byte: int) -> _Edit:
    new = bytearray(original.held(spot))
    new[byte] ^= 1 << rng.randrange(8)
    return _edited(original, spot, bytes(new))


def _any_bit(original: Original, rng: random.Random) -> _Edit | None:
    """One bit anywhere, free values and page data included: for stale hashes."""
    if not original.covered:
        return None
    at = rng.randrange(original.covered)
    spot = next((s for s in original.spots.all if s.offset <= at < s.end), None)
    return None if spot is None else _flip(original, rng, spot, at - spot.offset)


def _typed(*kinds: type) -> Callable[[Spot], bool]:
    return lambda spot: spot.field is not None and isinstance(spot.field.type, kinds)


def _flag(original: Original, rng: random.Random) -> _Edit | None:
    """One flag set or cleared."""
    spot = _choose(original, rng, _typed(Flags))
    if spot is None:
        return None
    return _flip(original, rng, spot, rng.randrange(spot.width))


def _uuid(original: Original, rng: random.Random) -> _Edit | None:
    """One byte of a UUID."""
    spot = _choose(original, rng, _typed(Uuid))
    if spot is None:
        return None
    new = bytearray(original.held(spot))
    new[rng.randrange(len(new))] = rng.randrange(256)
    return _edited(original, spot, bytes(new))


def _code(original: Original, rng: random.Random) -> _Edit | None:
    """Another code: one in two times a registered one."""
    spot = _choose(original, rng, _typed(Coded))
    if spot is None:
        return None
    registry = spot.field.type.registry  # type: ignore[union-attr]
    value = rng.choice([v.code for v in registry.values])
    if rng.random() < 0.5:
        value = rng.randrange(1 << 8 * spot.width)
    return _edited(original, spot, _stored(spot, value))


def _off_by_one(original: Original, rng: random.Random) -> _Edit | None:
    """A length, count or size one more or less than it should be."""
    spot = _choose(original, rng, lambda s: s.counting)
    if spot is None:
        return None
    value = spot.number(original.held(spot)) + rng.choice((-1, 1))
    return _edited(original, spot, _stored(spot, value % (1 << 8 * spot.width)))


def _extreme(original: Original, rng: random.Random) -> _Edit | None:
    """A length, count, size, code or flag word of all zeros or all ones."""
    spot = _choose(original, rng, lambda s: s.counting or _typed(Coded, Flags)(s))
    if spot is None:
        return None
    return _edited(original, spot, bytes([rng.choice((0, 255))]) * spot.width)


def _neighbours(original: Original, rng: random.Random) -> _Edit | None:
    """Two fields of constant width that stand side by side, in each other's place."""
    spots = original.spots.all
    for _ in range(_TRIES):
        index = rng.randrange(len(spots) - 1)
        one, other = spots[index : index + 2]
        if one.layout is not other.layout or one.end != other.offset or one.chain or other.chain:
            continue
        if not _typed(Fixed)(one) or not _typed(Fixed)(other):
            continue
        new = original.held(other) + original.held(one)
        data = original.data[: one.offset] + new + original.data[other.end :]
        if data != original.data:
            return f"{one.name}, {other.name}", f"{one.name} and {other.name} swapped", data
    return None


def _padding(original: Original, rng: random.Random) -> _Edit | None:
    """A byte of padding that isn't zero, or a NUL that isn't one."""
    spot = _choose(
        original,
        rng,
        lambda s: _typed(Measured, PageStateMap)(s) and len(_structural_bytes(s)) > 0,
    )
    if spot is None:
        return None
    return _flip(original, rng, spot, rng.choice(_structural_bytes(spot)))


def _hash(original: Original, rng: random.Random) -> _Edit | None:
    """A hash of the chain with one bit wrong."""
    spot = _choose(original, rng, lambda s: s.chain)
    return None if spot is None else _flip(original, rng, spot, rng.randrange(spot.width))


def _stored(spot: Spot, value: int) -> bytes:
    return value.to_bytes(spot.width, "little" if spot.layout.order == "<" else "big")


_IN_FIELDS: dict[str, Callable[[Original, random.Random], _Edit | None]] = {
    "bit": _bit,
    "any-bit": _any_bit,
    "flag": _flag,
    "uuid": _uuid,
    "code": _code,
    "off-by-one": _off_by_one,
    "extreme": _extreme,
    "neighbours": _neighbours,
    "padding": _padding,
    "hash": _hash,
}
_STALE_ONLY = {"any-bit", "hash"}
_BLOCKS: dict[str, Callable[[Blocks, random.Random], Any]] = {
    "block-dropped": Blocks.dropped,
    "block-repeated": Blocks.repeated,
    "blocks-swapped": Blocks.swapped,
}
