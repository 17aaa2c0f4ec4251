"""Types of the records of each published draft, for type checkers.

The stubs beside this file (``draft_2026_10.pyi``) are generated from the schema; this module has
the names of the newest. At run time every one of the names is `msl_construct.schema.Record`.
"""

from __future__ import annotations

from ..schema import Record

__all__: list[str] = []


def __getattr__(name: str) -> type[Record]:
    if name[:1].isupper():
        return Record
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
