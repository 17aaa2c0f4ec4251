"""Every reader that the matrix has a column for: where it is on this machine, how it is run."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from batch import BATCH
from languages import toolchains
from languages.toolchains import Missing

__all__ = ["HERE", "READERS", "Missing", "Reader"]

HERE = Path(__file__).parent
_VERSION = "import importlib.metadata as m; print(m.version({!r}))"
_KAITAI_LACKS = ("zst", "lz4", "ext")

Locate = Callable[[Path], "tuple[list[str], str]"]


@dataclass(frozen=True)
class Reader:
    """A reader and its adapter.

    Attributes:
        key: names its lists: KEY.lacks, KEY.known, KEY.skip.
        title: its name, for people.
        level: how much of a document it can show.
        locate: gives the words of the decoder's command and the reader's version; it may put
            things into the folder that it is given, and raises `Missing`.
        without: features of samples that it does not support.
        own_batch: the words of a command that takes many files, where it is another one.
    """

    key: str
    title: str
    level: str
    locate: Locate
    without: tuple[str, ...] = ()
    own_batch: tuple[str, ...] = ()

    def batch(self, command: Sequence[str]) -> list[str]:
        """The words of what does for many files what a command that was located does for one."""
        words = self.own_batch or [word for word in command if word != "{}"]
        return [*words, BATCH]

    def list(self, suffix: str) -> Path:
        """The path of one of its lists, which need not be there."""
        return HERE / f"{self.key}.{suffix}"


def _own(folder: Path) -> tuple[list[str], str]:
    command = [sys.executable, "-m", "msl_construct", "inspect", "--json", "--with-data"]
    return [*command, "{}"], importlib.metadata.version("msl-construct")


def _independent(folder: Path) -> tuple[list[str], str]:
    return [sys.executable, str(HERE / "independent_decoder.py"), "{}"], "as in this repository"


def _package(name: str) -> Locate:
    """A package of PyPI, with the interpreter that a variable names, or with this one."""
    variable = f"MSL_{name.upper()}_PYTHON"

    def locate(folder: Path) -> tuple[list[str], str]:
        python = os.environ.get(variable)
        if python is None and importlib.util.find_spec(name) is None:
            raise Missing(f"needs {name}: name an interpreter that has it in {variable}")
        python = python or sys.executable
        command = [python, "-c", _VERSION.format(name)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return [python, str(HERE / f"{name}_reader.py"), "{}"], done.stdout.strip()

    return locate


def _kaitai(language: str) -> Locate:
    """A generated parser, built now."""

    def locate(folder: Path) -> tuple[list[str], str]:
        from kaitai_build import build

        build(language, folder / language)
        command = [sys.executable, str(HERE / "kaitai.py"), str(folder / language), "{}"]
        runtime = {
            "python": importlib.metadata.version("kaitaistruct"),
            "javascript": _npm("kaitai-struct"),
        }.get(language, "0.11")
        return command, f"compiler {toolchains.compiler().version}, runtime {runtime}"

    return locate


def _npm(name: str) -> str:
    text = (HERE.parent / "languages" / "javascript" / "package.json").read_text("utf-8")
    return str(json.loads(text)["dependencies"][name])


READERS = (
    Reader(
        "msl-construct",
        "msl-construct",
        "full",
        _own,
        own_batch=(sys.executable, str(HERE / "own_batch.py")),
    ),
    Reader("independent", "tests/independent", "full", _independent),
    Reader("memslicer", "memslicer", "blocks", _package("memslicer"), ("cont",)),
    Reader("memdiver", "MemDiver", "full", _package("memdiver")),
    *(
        Reader(
            f"kaitai-{language}", f"msl.ksy in {title}", "full", _kaitai(language), _KAITAI_LACKS
        )
        for language, title in (
            ("python", "Python"),
            ("javascript", "JavaScript"),
            ("java", "Java"),
            ("go", "Go"),
        )
    ),
)
"""In the order of the matrix' columns."""
