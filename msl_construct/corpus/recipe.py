"""A recipe: a plan, and what is said of the sample that comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import NoFieldError
from ..schema.layout import Layout
from .manifest import Consumer, Kind
from .plan import Form, Plan

__all__ = ["HEADER", "Recipe", "Where", "field_of", "payload_at", "rule_name"]

HEADER = "header"
"""Name of the file header where a place in the file is meant."""


class Where(NamedTuple):
    """A place in a sample: a block's name, or ``header``, and an offset from its start."""

    block: str
    offset: int = 0


@dataclass(frozen=True)
class Recipe:
    """How to make one sample, and what it is.

    Attributes:
        name: the sample's, with folder and form.
        kind: what it is for.
        form: draft and byte order.
        make: gives the plan, and where its fault is, if it has one that is somewhere.
        features: short codes beside those that follow from the form.
        shows: what it shows.
        rules: ids of the rules that it breaks.
        exit: exit code of a reader that shows all it can.
        consumer: what a conformant consumer does with it.
        base: name of the sample that it differs from by its fault.
        question: of a questionable one.
    """

    name: str
    kind: Kind
    form: Form
    make: Callable[[], tuple[Plan, Where | None]]
    features: tuple[str, ...]
    shows: str
    rules: tuple[str, ...] = ()
    exit: int = 0
    consumer: Consumer = Consumer.ACCEPT
    base: str | None = None
    question: str | None = None


def rule_name(rule: str, form: Form, variant: str = "") -> str:
    """Name of the sample that breaks a rule; of its second and further ones with a variant."""
    middle = f"--{variant.replace('_', '-')}" if variant else ""
    return f"{Kind.INVALID.value}/{rule}{middle}-{form.name}"


def field_of(plan: Plan, block: str, field: str) -> Where:
    """A field of a block header, or of the file header."""
    schema = plan.form.schema
    layout = schema.file_header if block == HEADER else schema.block_header
    return Where(block, _offset(layout, field))


def payload_at(plan: Plan, block: str, field: str | int = 0) -> Where:
    """A place in a payload: a field that only fields of constant width precede, or an offset."""
    schema = plan.form.schema
    offset = field
    if isinstance(offset, str):
        layout = schema.block(plan.block(block).type).layout
        assert layout is not None
        offset = _offset(layout, offset)
    return Where(block, schema.block_header_size + offset)


def _offset(layout: Layout, field: str) -> int:
    """Where a field stands in a structure.

    Raises:
        NoFieldError: whoever wrote the recipe took another structure.
    """
    if all(one.key != field for one in layout.fields):
        raise NoFieldError(
            f"{layout.title} has no field {field}: `field_of` names a field of a header, "
            "`payload_at` one of a payload"
        )
    return layout.offset_of(field)
