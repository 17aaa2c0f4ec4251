"""From the specification's spelling of a name to ours.

The specification writes ``BaseAddr`` and ``Module List Index``; Python, .ksy, JSON and
YAML write ``base_addr`` and ``module_list_index``. The second is derived, but for a few fields
whose derived name is a reserved word in some language (`Field.called`).
"""

from __future__ import annotations

import re
from functools import cache

__all__ = ["snake_case"]

_ONE_WORD = re.compile(r"IPv(?=\d)")
_WORD_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@cache
def snake_case(name: str) -> str:
    """The snake_case form of a specification name (``PageSizeLog2`` -> ``page_size_log2``)."""
    words = re.split(r"[^A-Za-z0-9]+", _ONE_WORD.sub("Ipv", name))
    return "_".join(_WORD_BREAK.sub("_", word) for word in words if word).lower()
