"""Completing the table of compressed streams with what the recipes want.

Usage: ``python -m msl_construct.corpus.compressing > msl_construct/corpus/stream_table.py``
"""

from __future__ import annotations

from ..drafts import PUBLIC
from .assemble import assemble
from .plan import forms_of
from .recipes import fixed_recipes
from .stream_table import STREAMS
from .streams import MissingStream, compressed


def _complete() -> str:
    """The table with everything that the recipes want, as the text of its module."""
    for recipe in fixed_recipes(forms_of(*PUBLIC)):
        while True:
            try:
                assemble(recipe.make()[0])
            except MissingStream as missing:
                made = compressed(missing.payload, missing.codec)
                STREAMS[missing.key] = made.hex()
            else:
                break
    rows = "".join(f'    "{key}": "{value}",\n' for key, value in sorted(STREAMS.items()))
    return (
        '"""Streams by codec and hash of what they inflate to; see `streams`."""\n\n'
        "# ruff: noqa: E501\n\n"
        "from __future__ import annotations\n\n"
        '__all__ = ["STREAMS"]\n\n'
        f"STREAMS: dict[str, str] = {{\n{rows}}}\n"
    )


if __name__ == "__main__":
    print(_complete(), end="")
