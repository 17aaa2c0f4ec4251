"""JSON Schema of a document of any draft: it chooses the draft's by `format.draft`."""

from __future__ import annotations

import json

from ..drafts import DRAFTS, PUBLIC
from ..schema import Draft
from .json_schema import DIALECT_OF_SCHEMA, identifier

__all__ = ["export"]


def export(draft: Draft) -> str:
    """The JSON Schema that refers to those of all public drafts, by their ``$id``.

    Args:
        draft: the newest one; it says nothing of its own here.
    """
    chosen = [
        {
            "if": {"properties": {"format": {"properties": {"draft": {"const": name}}}}},
            "then": {"$ref": identifier(DRAFTS[name])},
        }
        for name in PUBLIC
    ]
    document = {
        "$schema": DIALECT_OF_SCHEMA,
        "$id": identifier(None),
        "title": "Memory Slice document of any draft",
        "description": "What msl inspect --json prints. The schemas that it refers to have their "
        "$id; a validator is given all of them. Written by msl schema export; do not edit.",
        "type": "object",
        "properties": {
            "format": {
                "type": "object",
                "properties": {"draft": {"enum": list(PUBLIC)}},
                "required": ["draft"],
            }
        },
        "required": ["format"],
        "allOf": chosen,
    }
    return json.dumps(document, indent=1) + "\n"
