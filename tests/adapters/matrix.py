"""Put the sample corpus to every reader that can be had here; write the conformance matrix.

Usage:
  python tests/adapters/matrix.py [--samples DIR] [--readers KEY,…] [-o PAGE.rst]

Example:
  python tests/adapters/matrix.py --samples samples -o spec-docs/conformance-matrix.rst

Without --samples the corpus is made for the run. A reader that can't be had is reported as
``skipped: NAME: reason`` and is not in the page.
Exit codes: 0 all readers did as their lists say; 1 one did not, or an entry of a list is stale,
one a line on stdout; 2 usage.
"""

from __future__ import annotations

import argparse
import datetime
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from page import Column, page
from readers import READERS, Missing, Reader

from msl_construct.corpus import Manifest
from msl_construct.corpus.generate import generate
from msl_construct.harness import run
from msl_construct.harness.lists import Entry, read_list


def _entries(path: Path) -> tuple[Entry, ...]:
    return read_list(path) if path.is_file() else ()


def column(reader: Reader, manifest: Manifest, scratch: Path) -> Column:
    """What comes out for one reader.

    Raises:
        Missing: it can't be had on this machine.
    """
    command, version = reader.locate(scratch)
    there = {feature for sample in manifest for feature in sample.features}
    results = run(
        manifest,
        shlex.join(reader.batch(command)),
        batch=True,
        level=reader.level,
        timeout=60.0,
        skip=_entries(reader.list("skip")),
        known=_entries(reader.list("known")),
        lacks=[entry.pattern for entry in _entries(reader.list("lacks"))],
        without=there & set(reader.without),
    )
    return Column(reader, version, results)


def _columns(readers: list[Reader], manifest: Manifest) -> Iterator[Column]:
    """What comes out for each reader that can be had; what is new is said on stdout."""
    for reader in readers:
        with tempfile.TemporaryDirectory(prefix="msl-matrix-") as scratch:
            try:
                found = column(reader, manifest, Path(scratch))
            except Missing as missing:
                print(f"skipped: {reader.title}: {missing}")
                continue
        for result in found.results.failures:
            first = result.differences[0].path if result.differences else result.detail
            print(f"{reader.title}: {result.sample.name}: {result.outcome.value}: {first}")
        for stale in found.results.stale:
            print(f"{reader.title}: {stale.source}: {stale.pattern}: {stale.why}")
        yield found


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=Path, metavar="DIR")
    parser.add_argument("--readers", default=",".join(one.key for one in READERS), metavar="KEYS")
    parser.add_argument("-o", "--output", type=Path, metavar="PAGE.rst")
    given = parser.parse_args(arguments)
    by_key = {reader.key: reader for reader in READERS}
    unknown = sorted(set(given.readers.split(",")) - set(by_key))
    if unknown:
        parser.error(f"{unknown[0]!r} is none of {', '.join(by_key)}")
    readers = [by_key[key] for key in given.readers.split(",")]
    with tempfile.TemporaryDirectory(prefix="msl-matrix-") as made:
        manifest = Manifest.load(given.samples) if given.samples else generate(Path(made))
        columns = list(_columns(readers, manifest))
    if given.output is not None:
        today = datetime.date.today()
        given.output.write_text(page(manifest, columns, today), encoding="utf-8")
    return 0 if all(one.results.ok for one in columns) else 1


if __name__ == "__main__":
    sys.exit(main())
