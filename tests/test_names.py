"""One public name, one thing."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).parents[1]
PACKAGES = ("msl_construct", "acquire")


def public_classes(file: Path) -> Iterator[str]:
    """Names of the classes at a module's level that others may use."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name


def test_no_two_public_classes_have_one_name() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for package in PACKAGES:
        for file in sorted((TOP / package).rglob("*.py")):
            for name in public_classes(file):
                places[name].append(str(file.relative_to(TOP)))
    twice = {name: files for name, files in places.items() if len(files) > 1}
    assert len(places) > 300, "too few: the folders are not where they were"
    assert not twice
