"""The schema for others: what is derived from it for other languages and programs.

`EXPORTS` names every form. Each is written by a module of its own, which is imported when
it is used; the same draft gives the same text every time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from ..drafts import NEWEST_DRAFT, PUBLIC, find

if TYPE_CHECKING:
    from ..schema import Draft

__all__ = ["EXPORTS", "SCHEMA", "Export", "exported"]

SCHEMA = "schema"
"""The folder of the repository in which the files of most forms are."""

_FIRST_VERSION = "draft-2026-03"
"""Of the files that have the format version 1.0 in their name."""


@dataclass(frozen=True)
class Export:
    """One form that the schema is exported to.

    Args:
        name: what it is asked for by: ``ksy``, ``json`` …
        text: a sentence.
        files: the files that it writes, each with the draft it is of.
        export: gives the text of a draft, ending in a newline.
        home: the folder of the repository in which these are.
    """

    name: str
    text: str
    files: tuple[tuple[str, str], ...]
    export: Callable[[Draft], str]
    home: str = SCHEMA


def _later(module: str) -> Callable[[Draft], str]:
    """The `export` of a module that is imported with the first call."""

    def export(draft: Draft) -> str:
        found: str = import_module(f".{module}", __name__).export(draft)
        return found

    return export


EXPORTS: dict[str, Export] = {
    one.name: one
    for one in (
        Export(
            "ksy",
            "Kaitai Struct: parsers in the languages that its compiler serves.",
            (("msl.ksy", NEWEST_DRAFT), ("msl-1.0.ksy", _FIRST_VERSION)),
            _later("ksy"),
        ),
        Export(
            "ksy-gallery",
            "Kaitai Struct, with the names that its format gallery wants.",
            (("msl-gallery.ksy", NEWEST_DRAFT),),
            _later("ksy.gallery"),
        ),
        Export(
            "json",
            "JSON Schema of the canonical document.",
            (("msl.schema.json", NEWEST_DRAFT), ("msl-1.0.schema.json", _FIRST_VERSION)),
            _later("json_schema"),
        ),
        Export(
            "json-entry",
            "JSON Schema that chooses the draft's by format.draft.",
            (("msl-any.schema.json", NEWEST_DRAFT),),
            _later("json_entry"),
        ),
        Export(
            "c",
            "C and C++ header: packed structures, for readers that map the file.",
            (("msl.h", NEWEST_DRAFT),),
            _later("c"),
        ),
        Export(
            "imhex",
            "Pattern for the hex editor ImHex.",
            (("msl.hexpat", NEWEST_DRAFT),),
            _later("imhex"),
        ),
        Export(
            "ledger",
            "The ledger: what every code, flag, field and block type means in which draft.",
            (("ledger.json", NEWEST_DRAFT),),
            _later("ledger"),
        ),
        Export(
            "rst",
            "Tables of all fields, codes and flags in reStructuredText.",
            tuple((f"fields-{name}.rst", name) for name in PUBLIC),
            _later("rst"),
        ),
        Export(
            "pyi",
            "Types of the records, for mypy and other type checkers of Python.",
            tuple((f"{name.replace('-', '_')}.pyi", name) for name in PUBLIC),
            _later("pyi"),
            home="msl_construct/records",
        ),
    )
}
"""Every form by its name."""


def exported(*names: str) -> dict[str, str]:
    """The content of the files by file name.

    Args:
        names: the forms; without any all of those whose files are in ``schema/``.

    Raises:
        KeyError: no such form.
        MslError: something in the schema can't be said in that form.
    """
    return {
        file: EXPORTS[name].export(find(draft))
        for name in names or [one.name for one in EXPORTS.values() if one.home == SCHEMA]
        for file, draft in EXPORTS[name].files
    }
