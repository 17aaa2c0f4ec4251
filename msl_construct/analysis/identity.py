"""Who the process of a dump is: identity, command line and environment, wherever it is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..document.tables import table_rows
from ..reader.block import RAW
from ..reader.dump import Dump

__all__ = ["Environment", "differing", "environment", "process_facts"]

_HEADER = ("os_type", "arch_type")
_PASSING = ("block", "block_uuid")
_MOST_TEXT = 16 << 20
"""Bytes of an Environment Block that are looked at."""


@dataclass
class Environment:
    """Variables of a target.

    Attributes:
        variables: by their names.
        left: bytes behind those that were looked at.
    """

    variables: dict[str, str] = field(default_factory=dict)
    left: int = 0


def process_facts(dump: Dump) -> dict[str, Any]:
    """Fields of the header and of Process Identity that say which process this is."""
    header = dump.header.record
    found: dict[str, Any] = {"pid": header["pid"]}
    found.update({name: str(header[name].name) for name in _HEADER})
    for row in table_rows(dump, "process"):
        found.update({key: row[key] for key in row if key not in _PASSING and key[-4:] != "_utc"})
        break
    return found


def environment(dump: Dump) -> Environment | None:
    """Variables of the target; None where the dump does not have them.

    Draft 2026-03 has a block whose payload it leaves to producers; a dialect has rows.
    """
    for row in table_rows(dump, "introspection"):
        if str(row["fact"]).lower() == "environ" and isinstance(row["text"], str):
            return Environment(dict(_variables(row["text"].split("\n"))))
    found: Environment | None = None
    for block in dump.capture_blocks.of_type("environment_block"):
        if RAW not in block.payload:
            continue
        found = found or Environment()
        extent = block.payload[RAW]
        raw = bytes(extent.part(0, _MOST_TEXT))
        left = max(0, extent.length - len(raw))
        if left:  # the last variable is cut
            raw = raw[: raw.rfind(b"\0") + 1]
        found.left += left
        text = raw.decode("utf-8", "backslashreplace")
        found.variables.update(_variables(text.split("\0")))
    return found


def _variables(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, equals, value = line.partition("=")
        if name and equals:
            yield name, value


def differing(
    a: Mapping[str, Any] | None, b: Mapping[str, Any] | None
) -> dict[str, list[dict[str, Any]]]:
    """What was added, removed and changed; nothing where one of them is not known."""
    found: dict[str, list[dict[str, Any]]] = {"added": [], "removed": [], "changed": []}
    if a is None or b is None:
        return found
    for name in {**a, **b}:
        if name not in a:
            found["added"].append({"name": name, "value": b[name]})
        elif name not in b:
            found["removed"].append({"name": name, "value": a[name]})
        elif a[name] != b[name]:
            found["changed"].append({"name": name, "value": a[name], "other_value": b[name]})
    return found
