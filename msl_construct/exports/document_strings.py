"""Every string of the schema that a canonical document may hold."""

from __future__ import annotations

import json
from typing import Any

from ..schema import BitRange, ByteOrder, Draft, Enumeration
from . import json_schema
from .description import registries

__all__ = ["document_strings"]


def document_strings(draft: Draft) -> dict[str, list[str]]:
    """The keys, and the names of block types, codes and flags, each sorted; by what they are.

    The keys are those of the document's JSON Schema. Bits without a name are ``bit_N``, codes
    without one hex strings: those are not listed.
    """
    schema: Any = json.loads(json_schema.export(draft))
    found: dict[str, list[str]] = {"keys": sorted(set(_keys(schema)))}
    for name, registry in sorted(registries(draft.bound(ByteOrder.LITTLE)).items()):
        if isinstance(registry, Enumeration):
            names = {value.name for value in registry.values}
        else:
            names = {bit.name for bit in registry.bits if not isinstance(bit, BitRange)}
            for bit in registry.bits:
                if isinstance(bit, BitRange):
                    values = range(1, 1 << bit.bits)
                    names |= {one for v in values for one in registry.names(v << bit.bit)}
        found[name] = sorted(names)
    return found


def _keys(part: Any) -> list[str]:
    waiting, found = [part], []
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            inner = one.get("properties")
            if isinstance(inner, dict):
                found += list(inner)
            waiting += list(one.values())
        elif isinstance(one, list):
            waiting += one
    return found
