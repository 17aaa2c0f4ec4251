"""The report of an acquisition: what was done, to whom, by whom, and what came of it."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from msl_construct import __version__

__all__ = ["REPORT_VERSION", "Report", "beside", "pieces", "tool"]

REPORT_VERSION = 1


@dataclass
class Report:
    """All that is known of an acquisition; JSON by `as_json`.

    Attributes:
        status: ``complete``, or why it is not: ``interrupted``, ``timeout``, ``max_bytes``,
            ``min_free``, ``target_gone``, ``target_replaced``, ``output_failed``, ``defect``.
        detail: the same in words; empty when complete.
        sections: everything else, by name, in order.
        unwritten: why the report's file could not be brought up to date; empty if it could, or
            there is none.
    """

    status: str = "complete"
    detail: str = ""
    sections: dict[str, Any] = field(default_factory=dict)
    unwritten: str = ""

    @property
    def complete(self) -> bool:
        """Whether the dump has an End-of-Capture."""
        return self.status == "complete"

    def __getitem__(self, section: str) -> Any:
        return self.sections[section]

    def as_json(self) -> dict[str, Any]:
        """What the report file holds."""
        return {
            key: list(value)
            if isinstance(value, Sequence) and not isinstance(value, str)
            else value
            for key, value in self.summary().items()
        }

    def summary(self) -> dict[str, Any]:
        """The same, with rows that are made when they are asked for."""
        return {
            "report": REPORT_VERSION,
            "status": self.status,
            "detail": self.detail,
            "written": str(time.time_ns()),
            **self.sections,
        }


@cache
def tool() -> dict[str, Any]:
    """What made the dump."""
    from importlib.metadata import PackageNotFoundError, version

    libraries: dict[str, str] = {}
    for name in ("blake3", "zstandard", "lz4", "construct", "psutil"):
        try:
            libraries[name] = version(name)
        except PackageNotFoundError:
            libraries[name] = "unknown"
    return {
        "name": "msl-construct",
        "version": __version__,
        "python": sys.version.split()[0],
        "libraries": libraries,
    }


def beside(dump: str | os.PathLike[str]) -> str:
    """Where the report of a dump lies unless the caller says otherwise."""
    return f"{os.fspath(dump)}.report.json"


def pieces(found: Mapping[str, Any], *, compact: bool = False) -> Iterator[str]:
    """What `Report.summary` gives as JSON, a row of each long section at a time; ASCII throughout.

    Args:
        compact: in a tenth of the time, on long lines.
    """
    indent = None if compact else 1
    separator = "{"
    for key, value in found.items():
        yield f"{separator}\n {json.dumps(key)}: "
        separator = ","
        if isinstance(value, Sequence) and not isinstance(value, str):
            yield "["
            for index, row in enumerate(value):
                yield f"{',' if index else ''}\n  {json.dumps(row, default=str)}"
            yield "\n ]" if value else "]"
        else:
            yield json.dumps(value, indent=indent, default=str).replace("\n", "\n ")
    yield "\n}\n"
