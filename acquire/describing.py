"""Sections of the report, from what the session knows."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from msl_construct import Writer

from . import blocks
from .backend import Frozen
from .blocks import Related
from .machine import Machine
from .model import Known, Mapping
from .options import Options
from .report import tool
from .tally import Tally

__all__ = ["dump", "freeze", "head", "machine", "memory", "target"]


def head(options: Options, command_line: Sequence[str], began: int) -> dict[str, Any]:
    """The sections that are known before the target is looked at."""
    told = asdict(replace(options, encryption=None))  # no secret gets into a report
    told["encryption"] = _encryption(options)
    told["selection"] = {
        "include": list(options.selection.include),
        "exclude": list(options.selection.exclude),
    }
    return {
        "tool": tool(),
        "command_line": list(command_line),
        "examiner": options.examiner,
        "case": options.case,
        "note": options.note,
        "started": str(began),
        "ended": "0",
        "options": told,
        "together": None,
    }


def machine(found: Machine) -> dict[str, Any]:
    """What was learnt of the machine for the dump's tables, and what could not be."""
    return {
        "boot_time": str(found.boot_time),
        "hostname": found.hostname,
        "domain": found.domain,
        "os_detail": found.os_detail,
        "acquirer": found.acquirer,
        "processes": len(found.processes),
        "connections": len(found.connections),
        "lacking": found.lacking,
    }


def target(known: Known) -> dict[str, Any]:
    """Who it is, its threads and modules, and the system's facts."""
    identity = asdict(known.identity)
    identity["start_time"] = str(known.identity.start_time)
    threads = [
        {
            "thread_id": thread.thread_id,
            "start_time": str(thread.start_time),
            "name": thread.name,
            "thread_state": thread.thread_state,
            "flags": list(thread.flags),
            "registers": len(thread.registers),
            "stored": blocks.complete(thread),
        }
        for thread in known.threads
    ]
    modules = [
        {
            "base_addr": f"{module.base_addr:#x}",
            "module_size": module.module_size,
            "path": module.path,
            "version": module.version,
            "disk_hash": module.disk_hash.hex() if module.disk_hash else None,
            "build_id": module.build_id.hex(),
        }
        for module in known.modules
    ]
    return {**identity, "threads": threads, "modules": modules, **known.facts}


def freeze(frozen: Frozen) -> dict[str, Any]:
    """How it was stopped, and for how long."""
    return {
        "method": frozen.method,
        "began": str(frozen.began),
        "ended": str(frozen.ended),
        "duration": str(max(0, frozen.ended - frozen.began)),
        "why_ended": frozen.why_ended,
        **frozen.facts,
    }


def memory(
    tally: Tally,
    finished: int,
    pages: dict[str, int],
    left: Sequence[Mapping],
    idle: Sequence[str],
) -> dict[str, Any]:
    """What became of its pages.

    Args:
        finished: regions that are in the file to their end.
        pages: that the file holds, by state.
        left: mappings that the caller did not want.
        idle: selectors that mean no mapping.
    """
    return {
        "pages": pages,
        "known_zeros": tally.zeros(finished),
        "causes": tally.cause_rows(tally.totals(finished)),
        "first_page_time": str(tally.first_page),
        "last_page_time": str(tally.last_page),
        "skew": str(tally.last_page - tally.first_page),
        "excluded": [f"{mapping.start:#x}-{mapping.end:#x}" for mapping in left],
        "idle_selectors": list(idle),
    }


def dump(
    name: str,
    options: Options,
    dump_uuid: uuid.UUID,
    writer: Writer | None,
    size: int | None,
    related: Sequence[Related],
    *,
    certain: bool,
) -> dict[str, Any]:
    """The file.

    Args:
        name: of the file.
        size: bytes; None where nobody knows.
        certain: whether pages are certain to be in it.
    """
    return {
        "path": name,
        "draft": options.schema.name,
        "compression": options.compress,
        "hash": options.hash,
        "encryption": _encryption(options),
        "dump_uuid": str(dump_uuid),
        "file_hash": writer.file_hash.hex() if writer and writer.file_hash else None,
        "size": size,
        "blocks": writer.blocks.index if writer and certain else None,
        "related": [{"dump_uuid": str(other.dump_uuid), "pid": other.pid} for other in related],
    }


def belongings(name: str, dump_uuid: uuid.UUID, pid: int, options: Options) -> dict[str, Any]:
    """What a folder of evidence belongs to.

    Args:
        name: of the dump's file.
        pid: the target.
    """
    return {
        "dump": {"path": name, "dump_uuid": str(dump_uuid), "pid": pid},
        "examiner": options.examiner,
        "case": options.case,
    }


def _encryption(options: Options) -> dict[str, str] | None:
    """With which cipher the dump is encrypted, and for whom; None: it is not."""
    found = options.encryption
    return None if found is None else {"cipher": found.cipher, "opened_by": found.recipient}
