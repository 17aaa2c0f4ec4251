"""Cells of CSV that no spreadsheet takes for anything but text and numbers.

A spreadsheet runs a cell that begins like a formula, and the text in a dump is an attacker's. The
usual escape is used: an apostrophe in front, which spreadsheets read as "this is text". Programs
take one apostrophe away in front of every further one, or of what begins a formula.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ..characters import escape_for_people

__all__ = ["cell"]

_FORMULA = re.compile(r"(^|;)(?=[ ']*[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a cell begins: at its start, and behind what separates cells where the comma is decimal."""


def cell(value: Any) -> Any:
    """A value of a table's row as a cell: lists by spaces, no control or invisible character.

    Numbers stay numbers, negative ones as well; text that looks like one is text.
    """
    if isinstance(value, list):
        value = " ".join(map(str, value))
    elif isinstance(value, dict):
        value = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str):
        return value
    return _FORMULA.sub(r"\1'", escape_for_people(value))
