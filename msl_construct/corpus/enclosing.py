"""Making the table of enclosed keys: ML-KEM draws lots, so that it encloses another key each time.

Usage: ``python -m msl_construct.corpus.enclosing > msl_construct/corpus/enclosed_key_table.py``
"""

from __future__ import annotations

from ..encryption.library import part_of_library

__all__ = ["SEED"]

SEED = bytes(range(0x60, 0xA0))
"""Of the private key that the samples' keys are enclosed for."""


def _complete() -> str:
    """The table, as the text of its module."""
    library = part_of_library("asymmetric.mlkem", "ML-KEM")
    rows = ""
    for size in ("768", "1024"):
        key = getattr(library, f"MLKEM{size}PrivateKey").from_seed_bytes(SEED)
        secret, enclosed = key.public_key().encapsulate()
        both = "".join(f'        "{one.hex()}",\n' for one in (secret, enclosed))
        rows += f'    "ml_kem_{size}": (\n{both}    ),\n'
    return (
        '"""Keys that an ML-KEM encloses for the samples, and how; see `enclosing`."""\n\n'
        "from __future__ import annotations\n\n"
        '__all__ = ["ENCLOSED_KEYS"]\n\n'
        f"ENCLOSED_KEYS: dict[str, tuple[str, str]] = {{\n{rows}}}\n"
    )


if __name__ == "__main__":
    print(_complete(), end="")
