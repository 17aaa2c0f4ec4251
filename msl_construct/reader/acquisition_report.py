"""Whether a dump is the one that the report of an acquisition speaks of."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from ..abbreviated import abbreviated
from ..errors import FormatError
from ..hashing import Digests, digest
from .verdict import Finding, Verdict

__all__ = ["TIED", "Tie", "read_report", "target_hash", "tie"]

TIED = "report target blake3 "
"""In the System Context, in front of the hash of what the report says of the target."""

_VERSION = 1
_TIED = re.compile(TIED.encode() + b"([0-9a-f]{64})")
_DIGITS = frozenset({"dump_uuid", "file_hash", "blake3", "sha256"})
"""Written as hexadecimal digits, which others may write in capitals."""
_LARGEST = 1 << 28  # of tens of thousands of mappings a report takes some megabytes


@dataclass
class Tie:
    """The outcome of `tie`.

    Attributes:
        agrees: what was compared and is the same.
        findings: what differs: kinds ``report_dump_uuid``, ``report_file_hash``, ``report_target``,
            ``report_size``, ``report_blake3``, ``report_sha256``.
        gaps: what the report does not say: kinds ``report_incomplete``, ``report_hashes``.
    """

    agrees: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    gaps: list[Finding] = field(default_factory=list)


def read_report(file: IO[bytes], name: str) -> dict[str, Any]:
    """The report that a file holds.

    Raises:
        FormatError: it holds none.
    """
    raw = file.read(_LARGEST + 1)
    if len(raw) > _LARGEST:
        raise FormatError(f"{name}: not a report of an acquisition: more than {_LARGEST} bytes")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{name}: not a report of an acquisition: no JSON: {error}") from None
    if not isinstance(found, dict) or "report" not in found or "status" not in found:
        raise FormatError(f"{name}: not a report of an acquisition: no `report` and `status`")
    if found["report"] != _VERSION:
        raise FormatError(
            f"{name}: a report of version {str(found['report'])[:40]}: expected {_VERSION}"
        )
    if not isinstance(found.get("dump", {}), dict):
        raise FormatError(f"{name}: not a report of an acquisition: `dump` is no object")
    return found


def target_hash(target: Mapping[str, Any]) -> str:
    """BLAKE3 of what a report says of the target, in hexadecimal: of its JSON in one form."""
    text = json.dumps(target, sort_keys=True, separators=(",", ":"))
    return digest("blake3", [text.encode()]).hex()


def tie(
    report: Mapping[str, Any],
    dump_uuid: Any,
    verdict: Verdict,
    digests: Digests | None,
    context: bytes = b"",
) -> Tie:
    """Hold a report against a dump.

    Args:
        report: from `read_report`.
        dump_uuid: DumpUUID of the header.
        verdict: of the dump.
        digests: of the whole file.
        context: payload of the System Context; empty: there is none.
    """
    found = Tie()
    tied = _TIED.search(context)
    if tied is not None and isinstance(report.get("target"), dict):
        if target_hash(report["target"]) == tied[1].decode():
            found.agrees.append("target")
        else:
            found.findings.append(
                Finding(
                    "report_target",
                    "target: the dump was tied to a report that says something else of it",
                )
            )
    told = report.get("dump", {})
    stored = verdict.stored_file_hash
    actual: dict[str, Any] = {"dump_uuid": str(dump_uuid)}
    if report["status"] != "running":  # that one was still being written
        actual["file_hash"] = stored.hex() if stored is not None else None
        if digests is not None:
            actual["size"] = digests.size
            actual["blake3"], actual["sha256"] = digests.blake3, digests.sha256
    for key, value in actual.items():
        said = told.get(key)
        if said is None and key != "file_hash":
            kind = "report_hashes" if key != "dump_uuid" else "report_dump_uuid"
            why = told.get("not_hashed") or "it is not there"
            found.gaps.append(Finding(kind, f"the report has no {key} of the dump: {why}"))
        elif _same(key, said, value):
            found.agrees.append(key)
        else:
            found.findings.append(
                Finding(f"report_{key}", f"{key}: the report says {said}, the dump has {value}")
            )
    status = report["status"]
    if status != "complete":
        detail = report.get("detail") or ""
        found.gaps.append(
            Finding(
                "report_incomplete",
                f"the report says {abbreviated(status)}{': ' if detail else ''}{str(detail)[:400]}",
            )
        )
    return found


def _same(key: str, said: Any, value: Any) -> bool:
    if key in _DIGITS and isinstance(said, str) and isinstance(value, str):
        return said.lower() == value.lower()
    return bool(said == value)
