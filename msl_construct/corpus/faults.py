"""One fault each: what breaks just one written rule.

A function bends a plan that conforms, and says where the fault then is. The first one of a
rule gives the sample that has the rule's name; further ones add theirs. `FAULTS` has them in
the order in which they are declared, here and in the modules that `all_faults` imports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from .base_plans import Make, live
from .manifest import Consumer
from .plan import Form, Plan, Which, every
from .recipe import Where

__all__ = ["Bender", "Fault", "all_faults", "fault"]

Bender = Callable[[Plan], Where]

_MODULES = (
    "faults_header",
    "faults_chain",
    "faults_order",
    "faults_regions",
    "faults_modules",
    "faults_compression",
    "faults_parts",
    "faults_segments",
    "faults_tables",
    "faults_bounds",
)


@dataclass(frozen=True)
class Fault:
    """A way to break a rule.

    Attributes:
        rule: id of the rule.
        name: what is done, in words with underscores.
        shows: what is done, in a sentence.
        base: makes the plan that is bent.
        bend: bends it.
        forms: in which little-endian forms: faults of big-endian files are no other faults, and
            are not made twice.
        features: short codes of what such a file has.
        exit: exit code of a reader that shows all it can.
        consumer: what a conformant consumer does with it.
        further: whether it stands beside the faults that follow from the schema; else it
            takes their place.
    """

    rule: str
    name: str
    shows: str
    base: Make
    bend: Bender
    forms: Which
    features: tuple[str, ...] = ()
    exit: int = 0
    consumer: Consumer = Consumer.EITHER
    further: bool = False

    def plan(self, form: Form) -> tuple[Plan, Where]:
        """The bent plan, and where its fault is."""
        plan = self.base(form)
        return plan, self.bend(plan)


_FAULTS: list[Fault] = []


def fault(
    rule: str,
    forms: Which = every,
    base: Make = live,
    *,
    features: tuple[str, ...] = (),
    exit: int = 0,  # noqa: A002 - what it is
    consumer: Consumer = Consumer.EITHER,
    further: bool = False,
) -> Callable[[Bender], Bender]:
    """Note a function as a way to break a rule; its docstring says what it does."""

    def noted(bend: Bender) -> Bender:
        shows = " ".join((bend.__doc__ or "").split())
        name = bend.__name__
        made = Fault(rule, name, shows, base, bend, forms, features, exit, consumer, further)
        _FAULTS.append(made)
        return bend

    return noted


def all_faults() -> tuple[Fault, ...]:
    """Every way to break a written rule."""
    for name in _MODULES:
        import_module(f".{name}", __package__)
    return tuple(_FAULTS)
