"""Texts of the header that are the same for every schema but for the names in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template

__all__ = ["template"]

_FOLDER = Path(__file__).with_name("templates")
_IF, _END = "@if ", "@end"


def template(name: str, facts: Mapping[str, str]) -> Iterator[str]:
    """The lines of a template, and an empty one.

    ``$name`` is a fact. Lines from ``@if name`` to ``@end`` are there if that fact is.
    """
    text = (_FOLDER / f"{name}.h.in").read_text(encoding="utf-8")
    yield from Template("\n".join(_chosen(text, facts))).substitute(facts).splitlines()
    yield ""


def _chosen(text: str, facts: Mapping[str, str]) -> Iterator[str]:
    there = True
    for line in text.splitlines():
        if line.startswith(_IF):
            there = line.removeprefix(_IF) in facts
        elif line == _END:
            there = True
        elif there:
            yield line
