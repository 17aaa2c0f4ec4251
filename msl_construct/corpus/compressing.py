"""Completing the table of compressed streams with what the recipes want.

Usage: ``python -m msl_construct.corpus.compressing > msl_construct/corpus/stream_table.py``
"""

from __future__ import annotations

from .assemble import assemble
from .recipes import fixed_recipes
from .stream_table import STREAMS
from .streams import MissingStream


def _compressed(payload: bytes, codec: str) -> bytes:
    """What today's compressors make of a payload."""
    if codec == "zstd":
        import zstandard

        return zstandard.ZstdCompressor().compress(payload)
    import lz4.block

    return bytes(lz4.block.compress(payload, store_size=True))


def _complete() -> str:
    """The table with everything that the recipes want, as the text of its module."""
    for recipe in fixed_recipes():
        while True:
            try:
                assemble(recipe.make()[0])
            except MissingStream as missing:
                made = _compressed(missing.payload, missing.codec)
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
