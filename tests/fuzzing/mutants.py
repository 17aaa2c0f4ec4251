"""Put very many mutants to everything that judges a dump: an hour's worth by one command.

Usage: python tests/fuzzing/mutants.py [--count 100000] [--from 0] [--seed NAME] [--seconds S]
       [--keep DIR]

Each mutant is judged as it is and with its hashes renewed: by verify, check, the stream reader
and an independent judge, which must agree (`test_agreement`); by all that reads a dump, every
fifth with its memory measured (`test_fuzz`); every fiftieth by the commands themselves, whose
exit codes must be documented ones that belong together. The number behind the seed's name
makes the mutant again: ``--from 17 --count 1``.

Exit codes: 0 nothing found; 1 something found, a line on stdout for each; 2 usage.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

TESTS = Path(__file__).parents[1]
if __package__ in (None, ""):  # run as a program
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from click.testing import CliRunner  # noqa: E402 - found by what stands above
from mutations import mutated, rechain  # noqa: E402
from test_agreement import FOLDER, agree  # noqa: E402
from test_fuzz import LARGEST_SAMPLE, check, pool, samples  # noqa: E402

from msl_construct.cli.group import cli  # noqa: E402

__all__ = ["commands_agree", "judge", "main", "mutants"]

MEASURED = 5
COMMANDS = 50
_KEPT_AT_MOST = 20
_SAID = 5000
FINE, FINDINGS, UNREADABLE, INCOMPLETE, KEY = 0, 1, 3, 4, 5


@lru_cache(maxsize=1)
def originals() -> tuple[bytes, ...]:
    """The corpus of the package, and what other programs wrote."""
    paths = sorted(FOLDER.glob("**/*.msl"))
    own = tuple(path.read_bytes() for path in paths if path.stat().st_size <= LARGEST_SAMPLE)
    return own + samples()


def mutants(seed: str) -> Iterator[bytes]:
    """A mutant as it is, and with its hashes renewed if that makes another of it."""
    first, number = seed.rsplit(":", 1)
    others = originals() if int(number) % 2 else samples()
    data = mutated(f"{first}:{number}", originals() if int(number) % 4 == 1 else pool(), others)
    yield data
    renewed = bytearray(data)
    rechain(renewed)
    if renewed != data:
        yield bytes(renewed)


def commands_agree(data: bytes, folder: Path) -> None:
    """What the commands end with is documented, and none calls fine what another doubts."""
    path = folder / "mutant.msl"
    path.write_bytes(data)
    codes = {}
    for words in (["verify"], ["check"], ["inspect", "--json"], ["inspect"]):
        for form in ("--max-inflate", "65536"), ("--max-inflate", "65536", "--dialect", "none"):
            done = CliRunner().invoke(cli, [*words, "--quiet", *form, str(path)])
            if done.exception is not None and not isinstance(done.exception, SystemExit):
                raise done.exception
            assert done.exit_code in (FINE, FINDINGS, UNREADABLE, INCOMPLETE, KEY), (
                f"msl {' '.join(words)} ends with {done.exit_code}: {done.stderr}"
            )
            if done.exit_code >= UNREADABLE:
                assert "msl: " in done.stderr, f"{words} says nothing of {done.exit_code}"
            codes[words[0], len(form)] = done.exit_code
    for form_length in (2, 4):
        verdict, checked, shown = (
            codes[name, form_length] for name in ("verify", "check", "inspect")
        )
        if UNREADABLE in (verdict, checked, shown):
            assert verdict == checked == shown, f"unreadable for some: {codes}"
        elif verdict != FINE and form_length == 4:  # a dialect explains what a draft forbids
            assert checked != FINE, f"check calls fine what verify does not: {codes}"
        if verdict == FINE and shown == INCOMPLETE:
            raise AssertionError(f"verify calls fine what inspect does not: {codes}")


def judge(seed: str, number: int, folder: Path) -> int:
    """Put the mutants of a seed to everything; how many there were."""
    count = 0
    for data in mutants(seed):
        count += 1
        try:
            agree(data)
            check(data, measured=number % MEASURED == 0)
            if number % COMMANDS == 0:
                commands_agree(data, folder)
        except BaseException:
            (folder / "last.msl").write_bytes(data)
            raise
    return count


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="NUMBER")
    parser.add_argument("--seed", default="mutant")
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--keep", type=Path, metavar="DIR")
    given = parser.parse_args(arguments)
    end = time.monotonic() + given.seconds
    found = files = 0
    number = given.first
    with tempfile.TemporaryDirectory(prefix="msl-mutants-") as scratch:
        folder = Path(scratch)
        while number < given.first + given.count and time.monotonic() < end:
            seed = f"{given.seed}:{number}"
            try:
                files += judge(seed, number, folder)
            except Exception as error:
                found += 1
                print(f"{seed}: {type(error).__name__}: {error}", flush=True)
                if given.keep is not None:
                    given.keep.mkdir(parents=True, exist_ok=True)
                    os.replace(folder / "last.msl", given.keep / f"{given.seed}-{number}.msl")
                if found == _KEPT_AT_MOST:
                    break
            number += 1
            if number % _SAID == 0:
                print(f"to {number}: {files} files, {found} found", flush=True)
    seeds = f"seeds {given.seed}:{given.first} to {given.seed}:{number - 1}"
    print(f"{seeds}: {files} files, {found} found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
