"""What fuzzing found: inputs in a folder, each with the outcome that it is to have.

``tests/data/found/TARGET/NAME`` is an input. It may end in any error of the package's own, unless
``NAME.outcome`` beside it names the one: ``fine``, or an error's name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["FOUND", "cases", "keep"]

FOUND = Path(__file__).parents[1] / "data" / "found"
_OUTCOME = ".outcome"


def cases(folder: Path = FOUND) -> Iterator[tuple[str, Path, str | None]]:
    """Each input with its target and the outcome that it is to have; None: any of ours."""
    for path in sorted(folder.glob("*/*")):
        if path.suffix != _OUTCOME:
            stated = path.with_name(path.name + _OUTCOME)
            outcome = stated.read_text("utf-8").strip() if stated.exists() else None
            yield path.parent.name, path, outcome


def keep(target: str, data: bytes, folder: Path = FOUND) -> Path:
    """Put an input among those that were found: from now on it is a test."""
    path = folder / target / hashlib.blake2b(data, digest_size=8).hexdigest()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
