"""Mutation scores of the rules and of the sample corpus; see README.md.

python benchmarks/bench_mutation.py [--only schema|demands|files] [--corpus DIR] [--seed N]
                                    [--count N] [--json OUT]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from measure import ROOT


def main() -> int:
    """The command."""
    options = _options()
    sys.path.insert(0, str(ROOT))
    from mutation.schema_trial import demand_mutants, schema_mutants

    specimens = _corpus(options.corpus)
    found: dict[str, Any] = {"corpus": len(specimens), "seed": options.seed}
    good = True
    if options.only in (None, "schema"):
        found["schema"] = schema(specimens, options, schema_mutants())
        good &= found["schema"]["ratio"] == 1
    if options.only in (None, "files"):
        found["files"] = files(specimens, options)
        good &= found["files"]["ratio"] >= FILES_TARGET
    if options.only == "demands":
        found["demands"] = schema(specimens, options, demand_mutants())
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    return 0 if good else 1


FILES_TARGET = 0.95
FILES = 20_000
SCORES = ("schema", "demands", "files")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=SCORES, help="one of the scores")
    parser.add_argument("--corpus", type=Path, default=ROOT / "samples", metavar="DIR")
    parser.add_argument("--seed", type=int, default=1, help="of the choice of mutants (1)")
    parser.add_argument("--count", type=int, help="mutants of each score (all; files: 20000)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write everything there")
    return parser.parse_args()


def _corpus(folder: Path) -> list[Any]:
    from mutation.specimens import as_read, of_corpus

    if (folder / "manifest.json").exists():
        return of_corpus(folder)
    return as_read((path.name, path.read_bytes()) for path in sorted(folder.glob("*.msl")))


def schema(
    specimens: list[Any], options: argparse.Namespace, every: Iterable[Any]
) -> dict[str, Any]:
    """The corpus against faulty schemas."""
    from mutation.missing import missing
    from mutation.schema_trial import Trial

    mutants = list(every)
    if options.count is not None and options.count < len(mutants):
        mutants = random.Random(options.seed).sample(mutants, options.count)
    begin = time.monotonic()
    score = Trial(specimens).run(mutants)
    lacks = missing(score.survivors, specimens)
    seconds = time.monotonic() - begin
    print(
        f"schema: {score.killed} of {score.judged} mutants noticed ({score.ratio:.2%}) by "
        f"{len(specimens)} samples, {len(score.killers)} of which were first; "
        f"{len(score.equivalent)} equivalent, {score.stillborn} no declaration; {seconds:.0f} s"
    )
    for operator, (killed, tried) in sorted(score.by_operator.items()):
        print(f"  {operator}: {killed} of {tried}")
    for line in lacks:
        print(f"lacks {line}")
    return {
        "mutants": len(mutants),
        "noticed": score.killed,
        "judged": score.judged,
        "ratio": score.ratio,
        "stillborn": score.stillborn,
        "equivalent": [[m.text, why] for m, why in score.equivalent],
        "operators": score.by_operator,
        "survivors": [m.text for m in score.survivors],
        "lacks": lacks,
    }


def files(specimens: list[Any], options: argparse.Namespace) -> dict[str, Any]:
    """The rules against faulty files."""
    from mutation.file_trial import classes, run, usable

    begin = time.monotonic()
    score = run(specimens, seed=options.seed, count=options.count or FILES)
    seconds = time.monotonic() - begin
    used = len(usable(specimens))
    print(
        f"files: {score.killed} of {score.judged} structural mutants of {used} valid samples "
        f"noticed ({score.ratio:.2%}); {score.free} more differ in free values, "
        f"{score.free_noticed} of which were noticed; seed {options.seed}, {seconds:.0f} s"
    )
    for operator, (killed, tried) in sorted(score.by_operator.items()):
        print(f"  {operator}: {killed} of {tried}")
    survivors = classes(score.survivors)
    for what, (count, example) in survivors.items():
        print(f"survives {what}: {count}; {example}")
    return {
        "noticed": score.killed,
        "judged": score.judged,
        "ratio": score.ratio,
        "free": score.free,
        "free_noticed": score.free_noticed,
        "operators": score.by_operator,
        "noticers": score.noticers,
        "classes": survivors,
        "survivors": [m.text for m in score.survivors],
    }


if __name__ == "__main__":
    sys.exit(main())
