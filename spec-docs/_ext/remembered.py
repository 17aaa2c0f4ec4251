"""What the examples of a page printed, kept for as long as nothing that they depend on changes.

The key is a hash of everything that an example can see: its page's examples in their order, the
package, the samples, the files of ``spec-docs/examples``, the interpreter, what is installed, and
the programs that are needed. Whatever is kept was run, and ended as the page says.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from sessions import ROOT, Example, Scratch

__all__ = ["FOLDER", "Remembered", "key_of"]

FOLDER = "MSL_DOCS_CACHE"
"""Names the folder; ``spec-docs/_build/examples`` without it."""

_BESIDE = ("benchmark", "docs", "fuzz", "lint", "test")
"""Extras of which no example is the wiser."""

_SEEN = ("msl_construct", "acquire", "spec-docs/_ext", "spec-docs/examples", "README.md")


def folder() -> Path:
    """Where answers are kept."""
    return Path(os.environ.get(FOLDER) or ROOT / "spec-docs" / "_build" / "examples")


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_file():
            yield place
        else:
            yield from sorted(
                one for one in place.rglob("*") if one.is_file() and one.suffix != ".pyc"
            )


def _installed() -> Iterator[str]:
    """What the package uses where it is there, with its version."""
    try:
        lines = sorted(requires("msl-construct") or ())
    except PackageNotFoundError:
        return  # its sources alone are here
    for line in lines:
        name = re.split(r"[^\w.-]", line, maxsplit=1)[0]
        if not any(f'"{extra}"' in line for extra in _BESIDE):
            try:
                yield f"{name} {version(name)}"
            except PackageNotFoundError:
                yield name


@lru_cache(maxsize=8)
def _surroundings(samples: Path, root: Path) -> str:
    """A hash of all that no page has for itself."""
    found = hashlib.sha256(sys.version.encode())
    found.update("\n".join(_installed()).encode())
    for file in _files([*(root / one for one in _SEEN), samples]):
        found.update(str(file).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def key_of(examples: Iterable[Example], samples: Path, root: Path = ROOT) -> str:
    """The hash that a page's answers are kept by."""
    every = [(one.kind, sorted(one.options.items()), one.content, _there(one)) for one in examples]
    text = json.dumps([every, _surroundings(samples.resolve(), root)])
    return hashlib.sha256(text.encode()).hexdigest()


def _there(example: Example) -> bool:
    needs = example.options.get("needs")
    return needs is None or shutil.which(needs) is not None


class Remembered:
    """The answers of one page: all of them, or none.

    Args:
        examples: the examples of the page, in order.
        samples: what ``samples/`` stands for.
    """

    def __init__(self, examples: list[Example], samples: Path) -> None:
        self._examples = examples
        self._samples = samples
        self._path = folder() / f"{key_of(examples, samples)}.json"

    def answers(self) -> list[str]:
        """What each example shows; they run where that is not known.

        Raises:
            ExampleError: an example does not do what the page says; nothing is kept.
        """
        try:
            kept = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            kept = None
        if isinstance(kept, list) and len(kept) == len(self._examples):
            return [str(one) for one in kept]
        scratch = Scratch(self._samples)
        try:
            shown = [scratch.run(one) for one in self._examples]
        finally:
            scratch.close()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(shown), "utf-8")
        os.replace(new, self._path)
        return shown
