"""Names of the drafts and dialects, for those who need no more than the names.

A test holds them against the schema, which takes far longer to load.
"""

from __future__ import annotations

__all__ = ["DIALECTS", "KNOWN", "NEWEST"]

KNOWN = ("draft-2026-03", "draft-2026-10")
"""Oldest first."""

NEWEST = KNOWN[-1]

DIALECTS = ("layouts-2026-10",)
