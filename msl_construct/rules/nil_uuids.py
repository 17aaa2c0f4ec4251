"""UUIDs that identify nothing are reported where they are given, not wherever they are repeated.

Who gives a module a bad UUID writes it into the Module List Index, the Module Entry, and its
children: that is one mistake.
"""

from __future__ import annotations

from ..reader import Block
from .facts import well_formed, well_formed_bytes
from .faults import Defect

__all__ = ["Given"]

_KINDS = ("UUID-NIL", "UUID-NOT-VERSION-4")


class Given:
    """The bad UUIDs of a file so far; give it every block in file order.

    Blocks stand behind the one that lists them and behind their parent, as far as anybody
    has seen. Where one does not, its UUID is reported a second time.
    """

    def __init__(self) -> None:
        self._listed: set[bytes] = set()
        self._borne: set[bytes] = set()

    def repeats(self, block: Block, fault: Defect) -> bool:
        """Whether a fault of a block is a bad UUID that was reported where it was given."""
        if fault.key[2] not in _KINDS:
            return False
        if fault.found.field == "parent_uuid":
            return block.parent_uuid.bytes in self._borne
        if fault.found.field == "block_uuid":
            return block.key == "module_entry" and block.uuid.bytes in self._listed
        return False

    def take(self, block: Block) -> None:
        """Note the bad UUIDs that a block gives."""
        *_, uuid, _ = block.identity
        if not well_formed_bytes(uuid):
            self._borne.add(uuid)
        if block.key == "module_list_index" and block.known_version:
            uuids = (row["module_uuid"] for row in block.payload.get("entries", ()))
            self._listed.update(uuid.bytes for uuid in uuids if not well_formed(uuid))
