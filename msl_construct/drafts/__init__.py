"""The drafts of the format: what each declares, and which of them a file is in.

A draft is a value, made of the vocabulary in `schema`. Its name is known before it is loaded,
which takes far longer: whoever needs no more than names imports this package alone.
"""

from __future__ import annotations

from .registry import (
    DEFAULT_DRAFT,
    DIALECTS,
    DRAFTS,
    NEWEST_DRAFT,
    PUBLIC,
    dialect_schema,
    find,
    known,
    layout_of,
    recognised,
    register,
    schema,
)

__all__ = [
    "DEFAULT_DRAFT",
    "DIALECTS",
    "DRAFTS",
    "NEWEST_DRAFT",
    "PUBLIC",
    "dialect_schema",
    "find",
    "known",
    "layout_of",
    "recognised",
    "register",
    "schema",
]
