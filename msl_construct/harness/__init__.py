"""Feeding the sample corpus to any program that decodes Memory Slice files, and judging it.

A decoder is a command: a file in, the canonical document as JSON on stdout, and an exit
code. `run` puts every sample of a corpus to it.
"""

from __future__ import annotations

from .comparing import Comparison, Difference, compare
from .judging import FAILURES, Said, SampleOutcome, Shown, judge
from .levels import ComparisonLevel
from .lists import Entry, read_list
from .results import Result, Results, Row, Stale
from .running import chosen, run
from .trial import OUTPUT_LIMIT

__all__ = [
    "FAILURES",
    "OUTPUT_LIMIT",
    "Comparison",
    "ComparisonLevel",
    "Difference",
    "Entry",
    "Result",
    "Results",
    "Row",
    "Said",
    "SampleOutcome",
    "Shown",
    "Stale",
    "chosen",
    "compare",
    "judge",
    "read_list",
    "run",
]
