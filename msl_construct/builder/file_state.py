"""What was written of a file, held against what it demands of each block.

The header and the flags of a block are written before the blocks they speak of. So each
one is a promise: it is held against every block that comes, and in the end against those
that didn't.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from copy import copy

from ..errors import ConformanceError
from ..schema import BlockType, Record, Schema
from ..schema.blocks import CAPABILITIES
from ..schema.names import snake_case
from .block_demands import DEMANDS, Place, announces, demands_of
from .blocks import NIL

__all__ = ["BlockState", "FileState"]


class BlockState:
    """What was written so far, as far as blocks refer to each other."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        # By the bytes of UUIDs: their own hash can be foreseen, and so be made to collide.
        self._flags_of: dict[bytes, int] = {}
        self._parents: set[bytes] = set()
        self._hinted: set[bytes] = set()

    def named(
        self, kind: BlockType, found: uuid.UUID | None, parent: uuid.UUID
    ) -> tuple[uuid.UUID | None, uuid.UUID]:
        """BlockUUID and ParentUUID of a block, where they follow from its type.

        Raises:
            ConformanceError: others were given.
        """
        return found, parent

    def check(self, kind: BlockType, record: Record) -> None:
        """Check the fields of a block against the others.

        Raises:
            ConformanceError: it must not be written.
        """
        for demand in demands_of(kind.key).fields:
            demand.check(record, self)

    def admit(
        self, kind: BlockType, word: int, found: uuid.UUID, parent: uuid.UUID, index: int
    ) -> None:
        """Check a block against what stands before it, and take note of it.

        Raises:
            ConformanceError: it must not stand here.
        """
        raise NotImplementedError

    def note(self, kind: BlockType, record: Record) -> None:
        """Take note of what a block says that was written."""
        for demand in demands_of(kind.key).fields:
            demand.written(record, self)

    def check_region(self, base: int | None) -> None:
        """Check a region before its first page is written.

        Args:
            base: its address; None: there will be several of them.

        Raises:
            ConformanceError: the file may not hold it.
        """

    def check_missing(self) -> None:
        """Check whether pages may be without bytes.

        Raises:
            ConformanceError: no.
        """

    def region_written(self, found: uuid.UUID, data: int) -> None:
        """A region is complete.

        Args:
            found: BlockUUID of its first fragment.
            data: bytes of its PageData, of all fragments.
        """

    # -- what blocks say of each other -------------------------------------------------

    def hint_at(self, region: uuid.UUID) -> int:
        """Bytes of PageData of a region that Key Hints may refer to.

        Raises:
            ConformanceError: there is no such region, or it was written without has_key_hints.
        """
        raise NotImplementedError

    def hinted(self, region: uuid.UUID) -> None:
        """A Key Hint at this region was written."""
        self._hinted.add(region.bytes)

    def check_unused(self, found: Iterable[uuid.UUID]) -> None:
        """Check BlockUUIDs of blocks to come.

        Raises:
            ConformanceError: one stands there twice, or is that of another block.
        """
        seen = set(self._flags_of)
        for one in found:
            if one.bytes in seen:
                raise ConformanceError(
                    f"ModuleUUID {one} is in use already: every module has its own (§5.3)"
                )
            seen.add(one.bytes)

    def announced(self, found: Iterable[uuid.UUID]) -> None:
        """Blocks of these UUIDs were announced."""

    def one_region(self, section: str) -> None:
        """The file holds one region from now on, at address 0, all of it captured."""

    def check_referred(self) -> None:
        """Check that what says that others refer to it is referred to.

        Raises:
            ConformanceError: it is not.
        """
        for name, referred in (("has_children", self._parents), ("has_key_hints", self._hinted)):
            bit = self._flag(name)
            for found, word in self._flags_of.items():
                if word & bit and found not in referred:
                    raise ConformanceError(
                        f"block {uuid.UUID(bytes=found)} was written with {name}, but nothing "
                        "refers to it (§4.2)"
                    )

    def _flag(self, name: str) -> int:
        return self.schema.flags["BlockFlags"].mask(name)


class FileState(BlockState):
    """The state of a capture being written, as far as later blocks are bound by it."""

    def __init__(self, schema: Schema, header: Record) -> None:
        super().__init__(schema)
        self._header = header
        self._imported = "imported" in header["flags"]
        self._announced: dict[bytes, bool] = {}  # and whether they were written
        self._capabilities = 0
        self._data: dict[bytes, int] = {}  # bytes of the regions that hints may refer to
        self._written: set[str] = set()
        self._stream = ""  # the section that demands one region, where the file is of a stream
        self._only: dict[str, uuid.UUID] = {}  # the blocks of which there is one
        self._places: dict[str, Place] = {}
        self._numbered: dict[int, BlockType] = {}
        for key, demands in DEMANDS.items():
            kind = next((kind for kind in schema.blocks.values() if kind.key == key), None)
            place = demands.place(imported=self._imported, flags=header["flags"])
            if kind is None or kind.forbidden or place is None:
                continue
            self._places[key] = place
            if place.required and place.number is not None:
                self._numbered[place.number] = kind

    @property
    def announced_blocks(self) -> list[uuid.UUID]:
        """ModuleUUIDs of the Module List Index, in its order."""
        return [uuid.UUID(bytes=one) for one in self._announced]

    def without(self, blocks: Iterable[uuid.UUID]) -> FileState:
        """The same state, less some blocks that were written."""
        found = copy(self)
        gone = {block.bytes for block in blocks}
        found._flags_of = {key: word for key, word in self._flags_of.items() if key not in gone}
        found._parents, found._hinted = set(self._parents), set(self._hinted)
        found._announced = {key: done and key not in gone for key, done in self._announced.items()}
        found._data, found._written = dict(self._data), set(self._written)
        found._only = {key: one for key, one in self._only.items() if one.bytes not in gone}
        return found

    # -- before a block is written -----------------------------------------------------

    def named(
        self, kind: BlockType, found: uuid.UUID | None, parent: uuid.UUID
    ) -> tuple[uuid.UUID | None, uuid.UUID]:
        """BlockUUID and ParentUUID of a block, where its type is a child of another.

        Raises:
            ConformanceError: that other block was not written yet, is not the parent that was
                given, or did not announce this one.
        """
        if not kind.parent or self.schema.block(kind.parent).forbidden:
            return found, parent
        only = self._only.get(kind.parent)
        name = self.schema.block(kind.parent).name
        if only is None:
            raise ConformanceError(f"{kind.name}: no {name} was written yet ({kind.section})")
        if parent not in (NIL, only):
            raise ConformanceError(f"{kind.name}: ParentUUID must be the {name} ({kind.section})")
        if announces(kind.parent) and (found is None or found.bytes not in self._announced):
            raise ConformanceError(
                f"{kind.name}: BlockUUID must be one that the {name} announces, found {found} "
                f"({kind.section})"
            )
        return found, only

    def admit(
        self, kind: BlockType, word: int, found: uuid.UUID, parent: uuid.UUID, index: int
    ) -> None:
        """Check a block against what stands before it, and take note of it.

        Raises:
            ConformanceError: it must not stand here.
        """
        self._check_place(kind, index)
        if kind.forbidden:
            raise ConformanceError(f"{kind.name}: must not be written ({kind.section})")
        if not kind.in_capture:
            raise ConformanceError(
                f"{kind.name}: only extension segments hold one, no capture; see append_segment "
                f"({kind.section})"
            )
        bit = 0
        if kind.capability is not None:
            bit = self.schema.flags[CAPABILITIES].mask(snake_case(kind.capability))
            if not self._header["cap_bitmap"] & bit:
                raise ConformanceError(
                    f"CapBitmap lacks {kind.capability}: {kind.name} blocks must not be written, "
                    "or the header must announce them (§8)"
                )
        if found.bytes in self._flags_of:
            raise ConformanceError(f"BlockUUID {found} is in use already (§4.1)")
        announced = found.bytes in self._announced
        if announced and not announces(kind.parent):
            raise ConformanceError(f"BlockUUID {found} is that of a block to come (§5.3)")
        if parent != NIL:
            self._check_reference("ParentUUID", parent, "has_children", "§4.2")
            self._parents.add(parent.bytes)
        self._capabilities |= bit
        self._flags_of[found.bytes] = word
        self._written.add(kind.key)
        if kind.key in self._places:
            self._only[kind.key] = found
        if announced:
            self._announced[found.bytes] = True

    def _check_place(self, kind: BlockType, index: int) -> None:
        where = f"block {index} ({kind.key})"
        what = "an import" if self._imported else "a live acquisition"
        expected = self._numbered.get(index)
        if expected is not None and expected.key != kind.key:
            raise ConformanceError(
                f"{where}: Block {index} of {what} must be {expected.name} "
                f"({DEMANDS[expected.key].section})"
            )
        demands = DEMANDS.get(kind.key)
        if demands is None:
            return
        if demands.flag and demands.flag not in self._header["flags"]:
            raise ConformanceError(
                f"{kind.name}: only files whose header has the flag {demands.flag} hold one "
                f"({demands.section})"
            )
        place = self._places.get(kind.key)
        if place is not None and kind.key in self._only:
            raise ConformanceError(f"{where}: there is one already ({demands.section})")
        if place is not None and place.number not in (None, index):
            raise ConformanceError(
                f"{where}: must be block {place.number} of {what} ({demands.section})"
            )
        if demands.before in self._written and kind.layout is not None:
            name = self.schema.block(demands.before).name
            raise ConformanceError(
                f"{where}: must stand before the first {name} ({demands.section})"
            )

    # -- what blocks say of each other -------------------------------------------------

    def hint_at(self, region: uuid.UUID) -> int:
        """Bytes of PageData of a region that Key Hints may refer to.

        Raises:
            ConformanceError: there is no such region, or it was written without has_key_hints.
        """
        self._check_reference("RegionUUID", region, "has_key_hints", "§5.6")
        if region.bytes not in self._data:
            raise ConformanceError(f"RegionUUID {region}: that block is no Memory Region (§5.6)")
        return self._data[region.bytes]

    def one_region(self, section: str) -> None:
        self._stream = section

    def check_region(self, base: int | None) -> None:
        if self._stream and (base != 0 or "memory_region" in self._written):
            raise ConformanceError(
                f"a raw byte stream becomes one Memory Region, at address 0 ({self._stream})"
            )

    def check_missing(self) -> None:
        if self._stream:
            raise ConformanceError(
                f"all pages of a raw byte stream are captured: it has no holes ({self._stream})"
            )

    def region_written(self, found: uuid.UUID, data: int) -> None:
        if self._flags_of.get(found.bytes, 0) & self._flag("has_key_hints"):
            self._data[found.bytes] = data

    def announced(self, found: Iterable[uuid.UUID]) -> None:
        """Blocks of these UUIDs were announced."""
        self._announced = {one.bytes: False for one in found}

    # -- in the end --------------------------------------------------------------------

    def check_kept(self, index: int) -> None:
        """Check that everything announced was written.

        Args:
            index: of the End-of-Capture.

        Raises:
            ConformanceError: the header, another block or a flag promised more.
        """
        announced = self._header.get("block_count", 0)
        if announced not in (0, index + 1):
            raise ConformanceError(
                f"BlockCount in the header: announced {announced} blocks, with End-of-Capture "
                f"there are {index + 1} (§3)"
            )
        missing = self._header["cap_bitmap"] & ~self._capabilities
        if missing:
            names = ", ".join(self.schema.flags[CAPABILITIES].names(missing))
            raise ConformanceError(
                f"CapBitmap announces {names}, but no such block was written (§8)"
            )
        absent = [
            str(uuid.UUID(bytes=one)) for one, written in self._announced.items() if not written
        ]
        if absent:
            raise ConformanceError(
                f"the Module List Index names {len(absent)} modules without a Module Entry, the "
                f"first {absent[0]} (§5.2)"
            )
        self.check_referred()
        for key, place in self._places.items():
            if place.required and key not in self._only:
                name = self.schema.block(key).name
                flags = ", ".join(self._header["flags"].names) or "none"
                raise ConformanceError(
                    f"a file with the header flags {flags} needs a {name} ({DEMANDS[key].section})"
                )

        if self._stream and "memory_region" not in self._written:
            raise ConformanceError(
                f"a raw byte stream becomes one Memory Region, at address 0; none was written "
                f"({self._stream})"
            )

    # -- inside ------------------------------------------------------------------------

    def _check_reference(self, field: str, found: uuid.UUID, flag: str, section: str) -> None:
        word = self._flags_of.get(found.bytes)
        if word is None:
            raise ConformanceError(f"{field} {found}: no such block was written ({section})")
        if not word & self._flag(flag):
            raise ConformanceError(f"{field} {found}: that block was written without {flag} (§4.2)")
