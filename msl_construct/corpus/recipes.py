"""Every sample that there is, as recipes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from ..drafts import PUBLIC
from ..rules.engine import rules_for
from .base_plans import (
    Make,
    base_name,
    encrypted,
    extended,
    imported,
    investigation,
    live,
    minimal,
    raw_stream,
)
from .derived_faults import Bend, DerivedFault, derived_faults
from .faults import Fault, all_faults
from .manifest import Consumer, Kind
from .plan import Form, Plan, Which, every, little, since
from .questionable import QUESTIONS, Question
from .recipe import Recipe, Where, rule_name
from .refused import refused
from .single_blocks import alone, alone_name, types_of
from .valid import Valid, all_valid

__all__ = ["derived_recipe", "fixed_recipes", "unsolved"]

_BASES: tuple[tuple[Make, Which, tuple[str, ...]], ...] = (
    (minimal, every, ("zeromod",)),
    (live, every, ("cont", "failed", "hints", "unmapped")),
    (imported, every, ("failed", "import")),
    (raw_stream, every, ("import",)),
    (investigation, since("draft-2026-10"), ("investigation", "tables")),
    (extended, since("draft-2026-10"), ("ext",)),
    (encrypted, since("draft-2026-10"), ("encrypted", "hdr128")),
)


def fixed_recipes(forms: Sequence[Form]) -> Iterator[Recipe]:
    """Those whose plan is known before it was tried, in some forms."""
    for make, which, features in _BASES:
        for form in filter(which, forms):
            yield _base(make, form, features)
    for form in forms:
        for key in types_of(form):
            yield _alone(key, form)
    yield from (_of(each, form) for each in all_valid() for form in filter(each.forms, forms))
    yield from _fault_recipes(tuple(filter(little, forms)))
    yield from _refused_recipes(forms)
    yield from (_of(each, form) for each in QUESTIONS for form in filter(each.forms, forms))


def unsolved(forms: Sequence[Form]) -> Iterator[DerivedFault]:
    """Faults that follow from the schema and that no written recipe has, in some forms."""
    forms = tuple(filter(little, forms))
    faults = [fault for fault in all_faults() if not fault.further]
    written = {(fault.rule, form) for fault in faults for form in filter(fault.forms, forms)}
    for form in forms:
        for derived in derived_faults(form):
            if (derived.rule.id, form) not in written:
                yield derived


def derived_recipe(derived: DerivedFault, bend: Bend, exit_code: int, variant: str) -> Recipe:
    """The recipe of a fault that follows from the schema, once a way was found.

    Args:
        exit_code: of a reader that shows all it can.
        variant: what tells it from the rule's first sample; empty for that one.
    """
    consumer, features = _DERIVED.get(derived.defect, (Consumer.EITHER, ()))
    if derived.rule.id.endswith("MEMORY-REGION-VALUE-NOT-PERMITTED"):
        consumer, features = Consumer.REJECT_BLOCK, ("pagesize",)
    elif derived.rule.id.endswith("BLOCK-HEADER-VALUE-NOT-PERMITTED"):
        consumer, features = Consumer.ACCEPT, ("pv2",)
    elif bend.where is not None and bend.label == "hash_algo":
        consumer = (
            Consumer.EITHER
        )  # who checks hashes, and can't, may say that something is missing
    return Recipe(
        name=rule_name(derived.rule.id, derived.form, variant),
        kind=Kind.INVALID,
        form=derived.form,
        make=lambda: (bend.plan, bend.where),
        features=features,
        shows=_shown(derived.rule.wrong, bend.label),
        rules=(derived.rule.id,),
        exit=exit_code,
        consumer=consumer,
        base=bend.base,
    )


def _shown(wrong: str, label: str) -> str:
    """What a rule says is wrong, and where."""
    if not label:
        return wrong
    place = label.replace("-", " ") if label.startswith("before-") else label
    return f"{wrong[:-1]}: {place}."


_DERIVED: dict[str, tuple[Consumer, tuple[str, ...]]] = {
    "RESERVED-NOT-ZERO": (Consumer.ACCEPT, ("reserved-nonzero",)),
    "UNDEFINED-FLAG": (Consumer.ACCEPT, ()),
    "UNREGISTERED-CODE": (Consumer.ACCEPT, ("unkenum",)),
    "RESERVED-PAGE-STATE": (Consumer.ACCEPT, ("reserved-state",)),
}
"""What consumers must put up with, by the kind of defect; the rest they may refuse."""


def _plain(make: Callable[[], Plan]) -> Callable[[], tuple[Plan, Where | None]]:
    return lambda: (make(), None)


def _base(make: Make, form: Form, features: tuple[str, ...]) -> Recipe:
    sealed = make is encrypted
    return Recipe(
        name=base_name(make, form),
        kind=Kind.VALID,
        form=form,
        make=_plain(lambda: make(form)),
        features=features,
        shows=" ".join((make.__doc__ or "").split()),
        exit=5 if sealed else 0,
    )


def _alone(key: str, form: Form) -> Recipe:
    name = form.schema.block(key).name
    return Recipe(
        name=alone_name(key, form),
        kind=Kind.VALID,
        form=form,
        make=_plain(lambda: alone(key, form)),
        features=(f"type-{key.replace('_', '-')}",),
        shows=f"The block type {name} alone, with no more around it than it needs.",
    )


def _fault_recipes(forms: Sequence[Form]) -> Iterator[Recipe]:
    known = {form: {rule.id for rule in rules_for(form.draft)} for form in forms}
    seen: Counter[tuple[str, Form]] = Counter()
    for fault in all_faults():
        for form in filter(fault.forms, forms):
            if fault.rule not in known[form]:
                if form.draft not in PUBLIC:
                    continue  # it may be without the rule
                raise ValueError(f"{fault.name}: {form.draft} has no rule {fault.rule}")
            further = fault.further or seen[fault.rule, form]
            seen[fault.rule, form] += 1
            yield _of_fault(fault, form, fault.name.strip("_") if further else "")


def _of_fault(fault: Fault, form: Form, variant: str) -> Recipe:
    return Recipe(
        name=rule_name(fault.rule, form, variant),
        kind=Kind.INVALID,
        form=form,
        make=lambda: fault.plan(form),
        features=fault.features,
        shows=fault.shows,
        rules=(fault.rule,),
        exit=fault.exit,
        consumer=fault.consumer,
        base=base_name(fault.base, form),
    )


def _of(each: Valid | Question, form: Form) -> Recipe:
    question = each.question if isinstance(each, Question) else None
    kind = Kind.VALID if question is None else Kind.QUESTIONABLE
    return Recipe(
        name=f"{kind.value}/{each.name}-{form.name}",
        kind=kind,
        form=form,
        make=_plain(lambda: each.make(form)),
        features=each.features,
        shows=each.shows,
        rules=each.rules,
        exit=each.exit,
        consumer=each.consumer if isinstance(each, Question) else Consumer.ACCEPT,
        question=question,
    )


def _refused_recipes(forms: Sequence[Form]) -> Iterator[Recipe]:
    for each, form, plan in refused(forms):
        yield Recipe(
            name=f"{Kind.INVALID.value}/{each.name}-{form.name}",
            kind=Kind.INVALID,
            form=form,
            make=_plain(lambda plan=plan: plan),  # type: ignore[misc]
            features=(),
            shows=each.shows,
            exit=3,
            consumer=Consumer.REJECT_FILE,
            base=base_name(minimal, form),
        )
