"""Samples that conform, each for one thing that a reader may get wrong.

A function gives the plan; its docstring says what the sample shows. `SAMPLES` has them in the
order in which they are declared, here and in the modules that `all_valid` imports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from .plan import Form, Plan, Which, every

__all__ = ["Made", "Valid", "all_valid", "valid"]

Made = Callable[[Form], Plan]

_MODULES = (
    "valid_header",
    "valid_encrypted",
    "valid_pages",
    "valid_regions",
    "valid_strings",
    "valid_modules",
    "valid_codes",
    "valid_later",
    "valid_segments",
)


@dataclass(frozen=True)
class Valid:
    """A sample that a consumer must read.

    Attributes:
        name: without folder and form.
        shows: what it shows, in a sentence.
        make: gives the plan.
        forms: in which forms.
        features: short codes of what it has.
        rules: rules that it breaks all the same: those of no MUST, or of a later version.
        exit: exit code of a reader that shows all it can.
    """

    name: str
    shows: str
    make: Made
    forms: Which
    features: tuple[str, ...]
    rules: tuple[str, ...] = ()
    exit: int = 0


_SAMPLES: list[Valid] = []


def valid(
    *features: str,
    forms: Which = every,
    name: str = "",
    shows: str = "",
    rules: tuple[str, ...] = (),
    exit: int = 0,  # noqa: A002 - what it is
) -> Callable[[Made], Made]:
    """Note a function as the recipe of a valid sample.

    Args:
        name: the function's own by default.
        shows: what its docstring says by default.
    """

    def noted(make: Made) -> Made:
        called = name or make.__name__.strip("_").replace("_", "-")
        text = shows or " ".join((make.__doc__ or "").split())
        _SAMPLES.append(Valid(called, text, make, forms, features, rules, exit))
        return make

    return noted


def all_valid() -> tuple[Valid, ...]:
    """Every valid sample beside the bases and the block types alone."""
    for module in _MODULES:
        import_module(f".{module}", __package__)
    return tuple(_SAMPLES)
