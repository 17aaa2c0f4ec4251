"""HandleType, about whose numbers producers disagree: what all of them mean by one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from .registry import DIALECTS

__all__ = ["agreed_handle_types"]


@cache
def agreed_handle_types() -> Mapping[int, str]:
    """Names by number, as far as every producer has the same."""
    found = [
        {value.code: value.name for value in enumeration.values}
        for dialect in DIALECTS.values()
        for enumeration in dialect.draft.enumerations
        if enumeration.name == "HandleType"
    ]
    return dict(set.intersection(*(set(names.items()) for names in found)))
