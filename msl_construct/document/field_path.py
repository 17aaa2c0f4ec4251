"""The path of a value in a document, ``blocks[3].payload.exe_path``, as steps."""

from __future__ import annotations

import re

__all__ = ["Step", "steps_of"]

Step = str | int

_STEP = re.compile(r"\[([0-9]+)\]|([^.\[\]]+)")


def steps_of(field: str) -> list[Step]:
    """The keys and indexes that lead to a value."""
    return [int(index) if index else key for index, key in _STEP.findall(field)]
