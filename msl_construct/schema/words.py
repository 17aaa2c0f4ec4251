"""What every consumer of the vocabulary says of a class that it does not know."""

from __future__ import annotations

from ..errors import ExportError
from .base import Vocabulary

__all__ = ["no_words"]


def no_words(kind: Vocabulary, module: str) -> ExportError:
    """What a function that has words for each class of the vocabulary raises for another one.

    Args:
        module: the function's, where they are to be added.
    """
    place = module.replace(".", "/")
    return ExportError(f"no words for {type(kind).__name__}: add it in {place}.py")
