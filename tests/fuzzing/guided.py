"""One target guided by coverage: python -m fuzzing.guided TARGET CORPUS [libFuzzer's options].

libFuzzer, which atheris brings, ends the process at the first input that raises an exception, and
keeps the input where ``-artifact_prefix`` says.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["msl_construct"]):
    from fuzzing.targets import TARGETS


_SEEDS = 60
"""Known inputs to begin with: each takes its time, and libFuzzer makes its own from them."""


def main() -> None:
    """Fuzz until the time is up, or something is found."""
    name, corpus, *options = sys.argv[1:]
    target = TARGETS[name]
    seeds = sorted(target.seeds(), key=len)
    for number, data in enumerate(seeds[:: max(1, len(seeds) // _SEEDS)]):
        (Path(corpus) / f"seed-{number}").write_bytes(data)

    def one(data: bytes) -> None:
        target.run(data)

    atheris.Setup([sys.argv[0], corpus, *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
