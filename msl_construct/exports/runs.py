"""A layout cut where its sizes vary, for languages that read what has a constant size at once."""

from __future__ import annotations

from collections.abc import Iterator

from ..schema import Field, Layout
from ..schema.vocabulary import Fixed

__all__ = ["omissible", "runs"]


def omissible(field: Field) -> bool:
    """Whether a structure may end before the field, by the draft or by a producer's habit."""
    return field.optional or bool(field.omitted_by)


def runs(layout: Layout) -> Iterator[tuple[Field, ...]]:
    """Fields of constant width that stand side by side, and each field of varying width alone.

    Where the structure may end, another run begins.
    """
    run: list[Field] = []
    for field in layout.fields:
        fixed = isinstance(field.type, Fixed)
        if run and (not fixed or (omissible(field) and not omissible(run[-1]))):
            yield tuple(run)
            run = []
        if fixed:
            run.append(field)
        else:
            yield (field,)
    if run:
        yield tuple(run)
