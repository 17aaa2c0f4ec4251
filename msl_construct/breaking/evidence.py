"""What a reader makes of a place in a file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .classes import ChangeClass
from .making import ImpactSample

__all__ = ["ImpactEvidence", "ReaderOutcome"]


class ReaderOutcome(str, Enum):
    """What a reader makes of a file, compared with what its writer meant."""

    SAME = "same"
    LESS = "less"
    WRONG = "wrong"
    REFUSED = "refused"


@dataclass(frozen=True)
class ImpactEvidence:
    """What one reader makes of one file, at one place.

    Attributes:
        reader: who read it: the name of a draft, or a decoder's command.
        sample: what it read.
        cls: the class that this shows.
        outcome: what became of the place.
        paths: paths that the place goes by, in either draft.
        meant, found: the values.
        noticed: what the reader complains of, if it does.
    """

    reader: str
    sample: ImpactSample
    cls: ChangeClass
    outcome: ReaderOutcome
    paths: tuple[str, ...]
    meant: str
    found: str
    noticed: str = ""
