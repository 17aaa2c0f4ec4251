"""Every class of the vocabulary against everything that has to have words for it."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import strategies
from c import driver
from commands import PLACE
from languages import plan

from msl_construct.drafts import DIALECTS, DRAFTS
from msl_construct.errors import ExportError
from msl_construct.exports import imhex, imhex_fields, json_values, kinds
from msl_construct.exports.c import views
from msl_construct.exports.ksy import attributes
from msl_construct.rules import defect_kinds
from msl_construct.schema.base import Vocabulary
from msl_construct.schema.field_list import FieldList
from msl_construct.schema.layout import Layout
from msl_construct.schema.variable import Measured
from msl_construct.schema.vocabulary import Fixed
from msl_construct.schema.whole_block import WholeBlock

sys.path.insert(0, str(PLACE / "benchmarks"))

from mutation import fields, spots

STRUCTURES = (Layout, WholeBlock)
ABSTRACT = {Vocabulary, Fixed, Measured, FieldList}
"""What no field is of: these have no words."""


def below(base: type[Vocabulary]) -> Iterator[type[Vocabulary]]:
    for one in base.__subclasses__():
        if getattr(sys.modules.get(one.__module__), one.__name__, None) is one:
            yield one  # and not one that a test made up
        yield from below(one)


def values() -> set[type[Vocabulary]]:
    """Every class that a field of a draft or a dialect can be of."""
    for draft in (*DRAFTS.values(), *(one.draft for one in DIALECTS.values())):
        draft.bound(draft.byte_orders[0])
    found = {one for one in below(Vocabulary) if one.__module__.startswith("msl_construct.")}
    return {one for one in found if not issubclass(one, STRUCTURES)} - ABSTRACT


def of_drafts(kind: type[Vocabulary]) -> bool:
    """Whether published drafts may have it: what exports are made from."""
    return kind.__module__.startswith("msl_construct.schema.")


@dataclass(frozen=True)
class Consumer:
    """Something with a function of the class of a field."""

    function: Any
    module: Any
    about: Callable[[type[Vocabulary]], bool]

    @property
    def dispatcher(self) -> Any:
        return getattr(self.function, "dispatcher", self.function)

    def lacks(self, kind: type[Vocabulary]) -> bool:
        return self.about(kind) and self.dispatcher.dispatch(kind) is self.dispatcher.dispatch(
            object
        )

    @property
    def file(self) -> str:
        return Path(self.module.__file__).relative_to(PLACE).as_posix()


def everything(kind: type[Vocabulary]) -> bool:
    return True


def fixed(kind: type[Vocabulary]) -> bool:
    return of_drafts(kind) and issubclass(kind, Fixed)


def varying(kind: type[Vocabulary]) -> bool:
    return of_drafts(kind) and not issubclass(kind, Fixed)


CONSUMERS = {
    "ksy": Consumer(attributes.attributes, attributes, of_drafts),
    "imhex": Consumer(imhex.Pattern.__dict__["lines"], imhex, varying),
    "imhex-fixed": Consumer(imhex_fields.hexpat_type, imhex_fields, fixed),
    "json-schema": Consumer(json_values.Definitions.__dict__["value"], json_values, everything),
    "kinds": Consumer(kinds.kind_of, kinds, of_drafts),
    "c-member": Consumer(views.c_member, views, varying),
    "c-step": Consumer(views.c_step, views, varying),
    "defects": Consumer(defect_kinds.defects, defect_kinds, everything),
    "damage": Consumer(defect_kinds.what_does_not_fit, defect_kinds, everything),
    "strategies": Consumer(strategies.values_of, strategies, of_drafts),
    "strategies-fixed": Consumer(strategies.stored_values, strategies, fixed),
    "c-driver": Consumer(driver.walked, driver, varying),
    "c-driver-fixed": Consumer(driver.printed, driver, fixed),
    "plan": Consumer(plan.shown, plan, of_drafts),
    "mutants": Consumer(fields.of_kind, fields, of_drafts),
    "free-values": Consumer(spots.is_free, spots, of_drafts),
}


def missing(kinds: set[type[Vocabulary]]) -> list[str]:
    """What is to be done for these classes, a line each."""
    return sorted(
        f"{kind.__name__}: add it in {consumer.file} ({name})"
        for name, consumer in CONSUMERS.items()
        for kind in kinds
        if consumer.lacks(kind)
    )


def test_the_classes_are_found() -> None:
    names = {kind.__name__ for kind in values()}
    assert {"Uint", "Coded", "Flags", "Utf8Z", "Blob", "PageStateMap", "Table", "Choice"} <= names


def test_every_class_has_words_everywhere() -> None:
    assert missing(values()) == []


@pytest.mark.parametrize("base", [Vocabulary, Fixed])
def test_a_class_that_nobody_knows_is_listed_with_the_files(base: type[Vocabulary]) -> None:
    class Colour(base):  # type: ignore[valid-type,misc]
        """A class that was just added."""

    Colour.__module__ = "msl_construct.schema.colours"
    found = missing({Colour})
    files = {consumer.file for consumer in CONSUMERS.values() if consumer.about(Colour)}
    assert files == {line.split("add it in ")[1].split(" ")[0] for line in found}


@pytest.mark.parametrize("name", CONSUMERS)
def test_an_unknown_class_is_refused_with_the_file(name: str) -> None:
    class Colour(Vocabulary):
        """A class that was just added."""

    consumer = CONSUMERS[name]
    default = consumer.dispatcher.dispatch(object)
    arguments = [None] * (len(inspect.signature(default).parameters))
    arguments[list(inspect.signature(default).parameters).index("kind")] = Colour()  # type: ignore[call-overload]
    with pytest.raises(ExportError, match=f"no words for Colour: add it in {consumer.file}"):
        default(*arguments)


@pytest.mark.parametrize("method", ["decode", "encode", "to_document", "minimum", "example"])
def test_every_class_says_itself(method: str) -> None:
    base = inspect.getattr_static(Vocabulary, method)
    silent = {kind.__name__ for kind in values() if inspect.getattr_static(kind, method) is base}
    assert silent <= ({"Rows", "Padding", "TextToEnd"} if method == "example" else set())


# -- no ladder comes back ----------------------------------------------------------------------

MOST_STEPS = 4
"""Classes of the vocabulary that one function may ask for by `isinstance`."""

LOOKED_AT = ("msl_construct", "benchmarks", "tests")
LADDERS = {
    # What is expected of the schema and the rules, told a second time.
    "tests/test_rules_consequences.py:bent",
    "tests/test_schema.py:referenced",
    # Two kinds are held against each other: no class of one of them would say it.
    "msl_construct/breaking/verdicts.py:of_kind",
    # What is not a number, a code or a flag is text to whoever compares two readers.
    "msl_construct/breaking/reading.py:_claim",
}


def ladders() -> Iterator[str]:
    names = {kind.__name__ for kind in values()} | {"Measured", "Fixed"}
    for path in (path for folder in LOOKED_AT for path in (PLACE / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and len(asked(node) & names) >= MOST_STEPS:
                yield f"{path.relative_to(PLACE).as_posix()}:{node.name}"


def asked(function: ast.FunctionDef) -> set[str]:
    return {
        name.id
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "isinstance"
        for name in ast.walk(call.args[1])
        if isinstance(name, ast.Name)
    }


def test_no_function_is_a_ladder_of_classes() -> None:
    assert set(ladders()) <= LADDERS
