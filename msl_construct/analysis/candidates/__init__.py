"""Candidates for keys and structures in one dump or several (needs numpy).

Each dump is gone over on its own: what looks like a key, what expands or computes to something
that is there, what patterns say. Several dumps are put side by side as `diff` does.
"""

from __future__ import annotations

from .candidates import Candidate, CandidateSearch, DumpCoverage, find_candidates
from .chunks import AllocatedChunk
from .classes import CLASSES, ByteClasses
from .measures import numeric
from .shapes import Context, Shape, library, load_shapes

__all__ = [
    "CLASSES",
    "AllocatedChunk",
    "ByteClasses",
    "Candidate",
    "CandidateSearch",
    "Context",
    "DumpCoverage",
    "Shape",
    "find_candidates",
    "library",
    "load_shapes",
    "numeric",
]
