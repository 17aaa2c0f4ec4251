"""The parsers of the .ksy for Kaitai's gallery: the same, by other names.

What a driver has to print is the same; only the names under which it finds it differ.
"""

from __future__ import annotations

import re
from typing import Any

from msl_construct.exports.ksy.gallery import renamed_fields
from msl_construct.schema import Draft

from .plan import make_plan

__all__ = ["gallery_plan", "renamed_driver"]

_TYPES = {"root": "", "file_header": "file_header_fields"}
"""Structures of the plan whose generated type has another name."""
_NAMES = ("id", "code", "raw", "length", "padding", "tag")
_IN_DRIVERS = ("header_size", "block_length")
"""What drivers find their way by, and name themselves."""


def gallery_plan(draft: Draft) -> dict[str, Any]:
    """The plan of a draft with the names of the gallery's .ksy."""
    plan = make_plan(draft)
    renamed = renamed_fields(draft)
    for name, fields in plan["structures"].items():
        own = renamed.get(_TYPES.get(name, name), {})
        for field in fields:
            for key in _NAMES:
                if key in field:
                    field[key] = own.get(field[key], field[key])
    return plan


def renamed_driver(text: str, draft: Draft) -> str:
    """A driver that finds its way in a parser of the gallery's .ksy."""
    known = {old: new for one in renamed_fields(draft).values() for old, new in one.items()}
    for old in _IN_DRIVERS:
        for spell in (str, _camel, _pascal):
            # In plans and documents the name stays: there it stands in quotes.
            text = re.sub(rf"(?<=\.){spell(old)}\b", spell(known[old]), text)
    return text


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _camel(name: str) -> str:
    return name[0] + _pascal(name)[1:]
