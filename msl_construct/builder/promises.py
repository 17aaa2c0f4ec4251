"""What the blocks of a file must say of each other, checked while they are written.

The header and the flags of a block are written before the blocks they speak of. So each
one is a promise: it is held against every block that comes, and in the end against those
that didn't.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any

from ..errors import ConformanceError
from ..schema import BlockType, Record, Schema
from ..schema.names import snake_case

__all__ = ["NIL", "Promises"]

NIL = uuid.UUID(int=0)
"""ParentUUID of a block without a parent."""


class Promises:
    """The state of a file being written, as far as later blocks are bound by it."""

    def __init__(self, schema: Schema, header: Record) -> None:
        self._schema = schema
        self._header = header
        self._imported = "imported" in header["flags"]
        self._flags_of: dict[uuid.UUID, int] = {}
        self._parents: set[uuid.UUID] = set()
        self._hinted: set[uuid.UUID] = set()
        self._manifest: dict[uuid.UUID, bool] = {}
        self._manifest_uuid: uuid.UUID | None = None
        self._capabilities = 0
        self._regions: set[uuid.UUID] = set()

    @property
    def modules(self) -> list[uuid.UUID]:
        """ModuleUUIDs of the Module List Index, in its order."""
        return list(self._manifest)

    def without(self, blocks: Iterable[uuid.UUID]) -> Promises:
        """The same state, less some blocks that were written."""
        found = copy(self)
        gone = set(blocks)
        found._flags_of = {key: word for key, word in self._flags_of.items() if key not in gone}
        found._parents, found._hinted = set(self._parents), set(self._hinted)
        found._manifest = {key: done and key not in gone for key, done in self._manifest.items()}
        found._regions = set(self._regions)
        return found

    # -- before a block is written -----------------------------------------------------

    def admit(
        self, kind: BlockType, word: int, found: uuid.UUID, parent: uuid.UUID, index: int
    ) -> None:
        """Check a block against what stands before it, and take note of it.

        Raises:
            ConformanceError: it must not stand here.
        """
        self._check_position(kind, index)
        if kind.forbidden:
            raise ConformanceError(f"{kind.name}: must not be written ({kind.section})")
        bit = 0
        if kind.capability is not None:
            bit = self._schema.flags["CapBitmap"].mask(snake_case(kind.capability))
            if not self._header["cap_bitmap"] & bit:
                raise ConformanceError(
                    f"CapBitmap lacks {kind.capability}: {kind.name} blocks must not be written, "
                    "or the header must announce them (§8)"
                )
        if found in self._flags_of:
            raise ConformanceError(f"BlockUUID {found} is in use already (§4.1)")
        if parent != NIL:
            self._check_reference("ParentUUID", parent, "has_children", "§4.2")
            self._parents.add(parent)
        self._capabilities |= bit
        self._flags_of[found] = word
        if kind.key == "memory_region":
            self._regions.add(found)

    def check_hint(self, region: uuid.UUID) -> None:
        """Check what a Key Hint points at.

        Raises:
            ConformanceError: no such region, or it was written without has_key_hints.
        """
        self._check_reference("RegionUUID", region, "has_key_hints", "§5.6")
        if region not in self._regions:
            raise ConformanceError(f"RegionUUID {region}: that block is no Memory Region (§5.6)")

    def check_registers(self, registers: Sequence[Mapping[str, Any]]) -> None:
        """Check that a thread has the registers that every thread must have.

        Raises:
            ConformanceError: PC or SP is missing.
        """
        for role in ("pc", "sp"):
            if not any(role in register["flags"] for register in registers):
                raise ConformanceError(
                    f"Registers: none is flagged {role}, every thread has one (§5.7)"
                )

    def check_module(
        self, found: uuid.UUID | None, parent: uuid.UUID
    ) -> tuple[uuid.UUID, uuid.UUID]:
        """BlockUUID and ParentUUID of a Module Entry.

        Raises:
            ConformanceError: it is not in the Module List Index, or there is none yet.
        """
        if self._manifest_uuid is None:
            raise ConformanceError("Module Entry: no Module List Index was written yet (§5.2)")
        if found is None or found not in self._manifest:
            raise ConformanceError(
                f"Module Entry: BlockUUID must be a ModuleUUID of the Module List Index, found "
                f"{found} (§5.2)"
            )
        if parent not in (NIL, self._manifest_uuid):
            raise ConformanceError("Module Entry: ParentUUID must be the Module List Index (§5.2)")
        return found, self._manifest_uuid

    def check_manifest(self, modules: Sequence[uuid.UUID]) -> None:
        """Check the ModuleUUIDs of the Module List Index.

        Raises:
            ConformanceError: one stands there twice, or is the UUID of another block.
        """
        if self._manifest_uuid is not None:
            raise ConformanceError("there is a Module List Index already (§5.3)")
        seen = set(self._flags_of)
        for module in modules:
            if module in seen:
                raise ConformanceError(
                    f"ModuleUUID {module} is in use already: every module has its own (§5.3)"
                )
            seen.add(module)

    # -- after a block was written -----------------------------------------------------

    def hinted(self, region: uuid.UUID) -> None:
        """A Key Hint for this region was written."""
        self._hinted.add(region)

    def module_written(self, found: uuid.UUID) -> None:
        """The Module Entry of this module was written."""
        self._manifest[found] = True

    def manifest_written(self, found: uuid.UUID, modules: Iterable[uuid.UUID]) -> None:
        """The Module List Index was written."""
        self._manifest = dict.fromkeys(modules, False)
        self._manifest_uuid = found

    # -- in the end --------------------------------------------------------------------

    def check_kept(self, index: int) -> None:
        """Check that everything announced was written.

        Raises:
            ConformanceError: the header, the Module List Index or a flag promised more.
        """
        announced = self._header.get("block_count", 0)
        if announced not in (0, index + 1):
            raise ConformanceError(
                f"BlockCount in the header: announced {announced} blocks, with End-of-Capture "
                f"there are {index + 1} (§3)"
            )
        missing = self._header["cap_bitmap"] & ~self._capabilities
        if missing:
            names = ", ".join(self._schema.flags["CapBitmap"].names(missing))
            raise ConformanceError(
                f"CapBitmap announces {names}, but no such block was written (§8)"
            )
        absent = [str(module) for module, written in self._manifest.items() if not written]
        if absent:
            raise ConformanceError(
                f"the Module List Index names {len(absent)} modules without a Module Entry, the "
                f"first {absent[0]} (§5.2)"
            )
        for name, referred in (("has_children", self._parents), ("has_key_hints", self._hinted)):
            bit = self._schema.flags["BlockFlags"].mask(name)
            for found, word in self._flags_of.items():
                if word & bit and found not in referred:
                    raise ConformanceError(
                        f"block {found} was written with {name}, but nothing refers to it (§4.2)"
                    )
        if index < (1 if self._imported else 2):
            raise ConformanceError(
                "a live acquisition needs Process Identity and Module List Index, an import "
                "Import Provenance (§2)"
            )

    # -- inside ------------------------------------------------------------------------

    def _check_reference(self, field: str, found: uuid.UUID, flag: str, section: str) -> None:
        word = self._flags_of.get(found)
        if word is None:
            raise ConformanceError(f"{field} {found}: no such block was written ({section})")
        if not word & self._schema.flags["BlockFlags"].mask(flag):
            raise ConformanceError(f"{field} {found}: that block was written without {flag} (§4.2)")

    def _check_position(self, kind: BlockType, index: int) -> None:
        imported = self._imported
        first = "import_provenance" if imported else "process_identity"
        misplaced = (index == 0) != (kind.key == first)
        if misplaced and (index == 0 or kind.key == "import_provenance"):
            raise ConformanceError(
                f"block {index} ({kind.key}): Block 0 of "
                f"{'an import' if imported else 'a live acquisition'} must be "
                f"{self._schema.block(first).name}, and no other block may be (§2)"
            )
        if kind.key == "process_identity" and index != int(imported):
            raise ConformanceError(
                f"block {index} (process_identity): must be block {int(imported)} (§2)"
            )
        if kind.key == "import_provenance" and not imported:
            raise ConformanceError(
                "Import Provenance: only files whose header says Imported hold one (§9)"
            )
        if not imported and (index == 1) != (kind.key == "module_list_index"):
            raise ConformanceError(
                f"block {index} ({kind.key}): Block 1 of a live acquisition must be Module List "
                "Index, and no other block may be (§5.3)"
            )
        if kind.key == "thread_context" and kind.layout and self._regions:
            raise ConformanceError(
                f"block {index} (thread_context): must stand before the first Memory Region (§5.7)"
            )
        if kind.key == "end_of_extension":
            raise ConformanceError(
                "End-of-Extension: only extension segments end so; see append_segment (§4.6)"
            )
