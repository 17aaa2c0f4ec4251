"""Feeding the sample corpus to any program that decodes Memory Slice files, and judging it.

A decoder is a command: a file in, the canonical document as JSON on stdout, and an exit
code. `run` puts every sample of a corpus to it.
"""

from __future__ import annotations

from .causes import Cause, causes
from .comparing import Comparison, Difference, compare
from .judging import FAILURES, Said, SampleOutcome, Shown, judge
from .kinds import DifferenceKind
from .levels import ComparisonLevel
from .lists import Entry, failed_before, read_list
from .results import Result, Results, Row, Stale
from .running import chosen, run
from .trial import OUTPUT_LIMIT
from .unread import Unread

__all__ = [
    "FAILURES",
    "OUTPUT_LIMIT",
    "Cause",
    "Comparison",
    "ComparisonLevel",
    "Difference",
    "DifferenceKind",
    "Entry",
    "Result",
    "Results",
    "Row",
    "Said",
    "SampleOutcome",
    "Shown",
    "Stale",
    "Unread",
    "causes",
    "chosen",
    "compare",
    "failed_before",
    "judge",
    "read_list",
    "run",
]
