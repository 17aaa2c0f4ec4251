"""The file header (§4) of the dump of an acquisition."""

from __future__ import annotations

import uuid
from typing import Any

from . import machine_blocks
from .blocks import capabilities
from .model import Known
from .options import Options

__all__ = ["dump_header"]


def dump_header(
    known: Known,
    options: Options,
    dump_uuid: uuid.UUID,
    began: int,
    *,
    regions: bool,
    threads: bool,
    related: bool,
) -> dict[str, Any]:
    """The header's fields.

    Args:
        known: what was learnt of the target.
        options: what the caller chose.
        dump_uuid: of the dump.
        began: when the acquisition began, in nanoseconds since 1970.
        regions: whether there will be Memory Regions.
        threads: whether there will be Thread Contexts.
        related: whether there will be Related Dumps.
    """
    fields: dict[str, Any] = {
        "os_type": known.identity.os_type,
        "arch_type": known.identity.arch_type,
        "pid": known.identity.pid,
        "clock_source": "clock_realtime",
        "dump_uuid": dump_uuid,
        "timestamp": began,
        "cap_bitmap": capabilities(
            regions=regions,
            threads=threads,
            related=related,
            machine=machine_blocks.capabilities(known),
        ),
    }
    if known.machine is not None:
        fields["flags"] = ["investigation"]
    if options.hash_algo != "blake3":  # which the other draft has no field for
        fields["hash_algo"] = options.hash_algo
    return fields
