"""What every consumer of the vocabulary says of a class that it does not know."""

from __future__ import annotations

from ..errors import ExportError
from .base import Vocabulary

__all__ = ["no_words"]


def no_words(kind: Vocabulary, module: str, where: str = "") -> ExportError:
    """What a function that has words for each class of the vocabulary raises for another one.

    Args:
        module: the function's, where they are to be added.
        where: the field that has it, if that is known.
    """
    place = module.replace(".", "/")
    field = f"{where}: " if where else ""
    return ExportError(f"{field}no words for {type(kind).__name__}: add it in {place}.py")
