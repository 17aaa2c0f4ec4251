"""All rules that are written by hand: what the declarations of the schema can't say."""

from __future__ import annotations

from ..schema import Schema
from . import (
    capabilities,
    chain,
    compression,
    encryption,
    endings,
    headers,
    hints,
    imports,
    module_list,
    order,
    references,
    regions,
    segments,
    tables,
    threads,
    times,
    types,
)
from .declare import declared
from .model import Rule

__all__ = ["WRITTEN", "written"]

WRITTEN: tuple[Rule, ...] = tuple(
    rule
    for module in (
        headers,
        encryption,
        types,
        chain,
        endings,
        order,
        references,
        capabilities,
        compression,
        regions,
        module_list,
        hints,
        threads,
        tables,
        imports,
        segments,
        times,
    )
    for rule in declared(module)
)
"""The rules of all drafts."""


def written(schema: Schema) -> tuple[Rule, ...]:
    """The hand-written rules that hold for the schema's draft."""
    return tuple(rule for rule in WRITTEN if rule.applies(schema.draft))
