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
import sys
import tempfile
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

from fuzzing.seeds import judge_seeds, seed_options  # noqa: E402
from msl_construct.cli.group import cli  # noqa: E402

__all__ = ["commands_agree", "judge", "main", "mutants"]

MEASURED = 5
COMMANDS = 50
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
        agree(data)
        check(data, measured=number % MEASURED == 0)
        if number % COMMANDS == 0:
            commands_agree(data, folder)
    return count


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    seed_options(parser, count=100_000, seed="mutant")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="msl-mutants-") as scratch:
        return judge_seeds(
            given, lambda seed, number: judge(seed, number, Path(scratch)), mutants, said=_SAID
        )


if __name__ == "__main__":
    sys.exit(main())
