"""Put files that this package writes to its own reader, to memslicer and to MemDiver.

Usage:
  python tests/interchange/table.py [-o PAGE.rst]

Example:
  export MSL_MEMSLICER_PYTHON=/tmp/memslicer/bin/python MSL_MEMDIVER_PYTHON=/tmp/memdiver/bin/python
  python tests/interchange/table.py -o spec-docs/who-reads-what.rst

Says on stdout what a reader does otherwise than the table of reasons has it. A page is only
written of all readers together.
Exit codes: 0 all is as it was known; 1 it is not; 2 usage, or a reader that is not here.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent))

import made
from reasons import REASONS

__all__ = ["READERS", "Column", "Reader", "column", "files_in", "main", "page", "verdicts", "wrong"]

HERE = Path(__file__).parent
_VERSION = "import importlib.metadata as m; print(m.version({!r}))"


@dataclass(frozen=True)
class Reader:
    """A reader: the program that asks it, the package it is, the variable with its interpreter."""

    key: str
    package: str
    variable: str = ""

    @property
    def python(self) -> str | None:
        """The interpreter that has it; None: nobody has named one."""
        return os.environ.get(self.variable) if self.variable else sys.executable


READERS = (
    Reader("own", "msl-construct"),
    Reader("memslicer", "memslicer", "MSL_MEMSLICER_PYTHON"),
    Reader("memdiver", "memdiver", "MSL_MEMDIVER_PYTHON"),
)


@dataclass(frozen=True)
class Column:
    """What a reader made of every file.

    Attributes:
        title: its name and version.
        cells: by the names of files: an empty text, or what is the matter.
    """

    reader: Reader
    title: str
    cells: dict[str, str]

    def surprises(self) -> Iterator[str]:
        """What is otherwise than is known."""
        for name, said in self.cells.items():
            known = REASONS[self.reader.key].get(name)
            if bool(said) != (known is not None):
                yield f"{self.title}: {name}: {said or 'is read, which was not known'}"
            elif known is not None and known.said not in said:
                yield f"{self.title}: {name}: expected {known.said!r}, found {said!r}"


def files_in(folder: Path) -> dict[str, made.Made]:
    """Write all of them, by their names."""
    return {name: made.make(name, folder) for name in made.FILES}


def column(reader: Reader, files: dict[str, made.Made]) -> Column:
    """Put files to a reader."""
    assert reader.python is not None
    found = verdicts(reader, [one.words for one in files.values()])
    version = _run([reader.python, "-c", _VERSION.format(reader.package)]).strip()
    title = reader.package if reader.key == "own" else f"{reader.package} {version}"
    cells = {name: wrong(one, said) for (name, one), said in zip(files.items(), found)}
    return Column(reader, title, cells)


def verdicts(reader: Reader, words: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """What a reader says of files.

    Args:
        words: the path of each, and its keys.
    """
    assert reader.python is not None
    program = str(HERE / f"{reader.key}_verdict.py")
    told = "\n".join(map(json.dumps, words))
    found: list[dict[str, Any]] = json.loads(_run([reader.python, program], told))
    return found


def wrong(one: made.Made, found: dict[str, Any]) -> str:
    """What is the matter with a verdict; an empty text: nothing."""
    if not found["valid"]:
        return str(found["said"])
    if found["segments"] != one.specimen.segments or found["trailing"]:
        return f"{found['segments']} segments, {found['trailing']} bytes behind them"
    if bool(found["whole"]) != one.specimen.ended:
        return f"FileHash and End-of-Capture: {found['whole']}"
    blocks = made.comparable(found["blocks"])
    return "" if blocks == one.blocks else f"other payloads: {blocks}"


def _run(command: list[str], told: str = "") -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        command, input=told, capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout


_HEAD = """\
.. Made by tests/interchange/table.py; changes here are lost.

Who reads what we write
=======================

Each row is a kind of file that this package writes, put to the readers of other tools. *yes*: the
reader verifies the file (chain or tag, FileHash, counts, segments), and its payloads, decrypted and
inflated, are those that were written, block by block. A number is a reason below. What was written
is known from the file in the clear, by a decoder that is no part of this package.

The corpus as a whole, with what is odd in it, is :doc:`conformance-matrix`. radare2 verifies
SHA-256 alone and does not inflate zstd, so that ``--hash sha256``, with lz4 or without compression,
is what it reads of ours; libmsl and memslicer-rs read no draft at all. None of these is run here.
"""

_TAIL = """\
MemDiver takes ML-KEM from liboqs, which has to be compiled. This table is made with the same
operation of ``cryptography`` in its place: what is tested is what MemDiver makes of the secret. A
private key of liboqs is the expanded one, of 2400 or 3168 bytes; ``msl keygen`` gives the
standard's seed, which has to be expanded for it.
"""


def page(columns: list[Column]) -> str:
    """The whole page, as reStructuredText."""
    reasons: dict[str, int] = {}
    lines = [_HEAD, ".. list-table::", "   :header-rows: 1", ""]
    rows = [["File", *(one.title for one in columns)]]
    for name, specimen in made.FILES.items():
        cells = []
        for one in columns:
            known = REASONS[one.reader.key].get(name)
            text = "yes" if known is None else known.why
            number = None if known is None else reasons.setdefault(text, len(reasons) + 1)
            cells.append("yes" if number is None else f"no ({number})")
        rows.append([specimen.title, *cells])
    for row in rows:
        lines += [f"   {'  -' if at else '* -'} {cell}" for at, cell in enumerate(row)]
    lines += ["", *(f"{number}. {why}" for why, number in reasons.items()), ""]
    lines.append(_TAIL)
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, metavar="PAGE.rst")
    given = parser.parse_args(arguments)
    absent = [one.variable for one in READERS if one.python is None]
    if absent:
        parser.error(f"name the interpreters of the other readers in {' and '.join(absent)}")
    with tempfile.TemporaryDirectory(prefix="msl-interchange-") as folder:
        files = files_in(Path(folder))
        columns = [column(reader, files) for reader in READERS]
    surprises = [line for one in columns for line in one.surprises()]
    for line in surprises:
        print(line)
    if given.output is not None and not surprises:
        given.output.write_text(page(columns), encoding="utf-8")
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
