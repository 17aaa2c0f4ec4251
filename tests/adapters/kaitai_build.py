"""Generates and builds the parsers that schema/*.ksy give in a language, for kaitai.py.

Usage: python tests/adapters/kaitai_build.py LANGUAGE FOLDER

LANGUAGE is one of python, javascript, java, go; compiler and runtime come from its registry,
see tests/languages/README.md. FOLDER then says how to run the parsers, one for each version of
the format. A language that can't be had here ends it with 1 and the reason.
"""

import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from languages.languages import LANGUAGES, built
from languages.plan import make_plan
from languages.toolchains import Missing

from msl_construct.drafts import DRAFTS
from msl_construct.exports import EXPORTS

SCHEMAS = Path(__file__).parents[2] / "schema"


def build(name, folder):
    """Write to a folder what kaitai.py needs to run a language's parsers.

    Raises:
        Missing: the language can't be had on this machine.
    """
    parsers = {}
    folder.mkdir(parents=True, exist_ok=True)
    for file, draft in EXPORTS["ksy"].files:
        version = f"{DRAFTS[draft].version:#06x}"
        parser = built(LANGUAGES[name], (SCHEMAS / file).read_text(encoding="utf-8"))
        command, environment = LANGUAGES[name].command(parser)
        plan = folder / f"{version}.json"
        plan.write_text(json.dumps(make_plan(DRAFTS[draft])), encoding="utf-8")
        words = [*map(str, command), str(plan.absolute())]
        parsers[version] = {"command": words, "environment": dict(environment)}
    how = {"parsers": parsers}
    (folder / "run.json").write_text(json.dumps(how), encoding="utf-8")


if __name__ == "__main__":
    try:
        build(sys.argv[1], Path(sys.argv[2]))
    except Missing as missing:
        sys.exit(f"skipped: {sys.argv[1]}: {missing}")
