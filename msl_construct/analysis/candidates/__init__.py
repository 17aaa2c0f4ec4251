"""Candidates for keys and structures in one dump or several (needs numpy).

Each dump is gone over on its own: what looks like a key, what expands or computes to something
that is there, what patterns say. Several dumps are put side by side as `diff` does.
"""

from __future__ import annotations

from .alignments import Correspondence
from .candidates import CandidateSearch, DumpCoverage, FoundCandidate, find_candidates
from .chunks import AllocatedChunk
from .classes import CLASSES, ByteClasses
from .measures import numeric
from .shapes import MemoryShape, NearbyBytes, library, load_shapes
from .signatures import (
    LONGEST_PATTERN,
    BytePattern,
    PatternTrial,
    byte_pattern,
    json_signatures,
    most_in_common,
    tried,
    volatility_plugin,
    yara_rules,
)
from .structures import InferredField, InferredStructure, infer_structures
from .word_kinds import kinds_of

__all__ = [
    "CLASSES",
    "LONGEST_PATTERN",
    "AllocatedChunk",
    "ByteClasses",
    "BytePattern",
    "CandidateSearch",
    "Correspondence",
    "DumpCoverage",
    "FoundCandidate",
    "InferredField",
    "InferredStructure",
    "MemoryShape",
    "NearbyBytes",
    "PatternTrial",
    "byte_pattern",
    "find_candidates",
    "infer_structures",
    "json_signatures",
    "kinds_of",
    "library",
    "load_shapes",
    "most_in_common",
    "numeric",
    "tried",
    "volatility_plugin",
    "yara_rules",
]
