"""Nothing is fixed when it is imported: a draft of one's own may be there before or after."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from commands import PLACE
from sampling import sampled
from test_imports import modules

from msl_construct.rules import rules_for

BASE = "draft-2026-10"
NEEDS_MORE = "msl_construct.volatility.plugins."
"""What only Volatility imports."""
MODULES = sorted(
    name for name in modules() if not name.endswith("__main__") and not name.startswith(NEEDS_MORE)
)
PACKAGES = [name for name in MODULES if modules()[name].name == "__init__.py"]

REGISTER = f"""
from msl_construct.drafts import DRAFTS, register
register(DRAFTS["{BASE}"].overlay("mine", version=0x0102, status="a test"))
"""

TOLD = """
from msl_construct.corpus.plan import forms_of
from msl_construct.corpus.recipes import fixed_recipes
from msl_construct.drafts import PUBLIC
from msl_construct.rules import every_rule, rules_for
from msl_construct.rules.statements import every_statement
import msl_construct
print(msl_construct.schema("mine").name)
print(*sorted(rule.id for rule in rules_for("mine")))
print(*sorted(rule.id for rule in every_rule(PUBLIC)))
print(*(statement.id for statement in every_statement()))
print(*sorted(recipe.name for recipe in fixed_recipes(forms_of(*PUBLIC))))
"""


def told(program: str) -> str:
    """What a fresh interpreter prints, to which every warning is an error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-"],
        input=program, capture_output=True, text=True, cwd=PLACE, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def imports(names: list[str]) -> str:
    return "".join(f"import {name}\n" for name in names)


def test_importing_in_any_order_gives_the_same() -> None:
    shuffled = random.Random(7).sample(MODULES, len(MODULES))
    (lines,) = {
        told(REGISTER + TOLD),
        told(REGISTER + imports(MODULES) + TOLD),
        told(REGISTER + imports(MODULES[::-1]) + TOLD),
        told(REGISTER + imports(shuffled) + TOLD),
        told(imports(shuffled[::-1]) + REGISTER + TOLD),
    }
    name, mine, *_ = lines.splitlines()
    assert name == "mine"
    assert mine.split() == sorted(rule.id for rule in rules_for(BASE))


@sampled()
@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_can_be_the_first(package: str) -> None:
    told(imports([package]) + REGISTER)


@sampled()
@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_can_be_the_first_behind_a_draft_of_ones_own(package: str) -> None:
    told(REGISTER + imports([package]))
