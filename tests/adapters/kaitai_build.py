"""Generates and builds the parser that schema/msl.ksy gives in a language, for kaitai.py.

Usage: python tests/adapters/kaitai_build.py LANGUAGE FOLDER

LANGUAGE is one of python, javascript, java, go; compiler and runtime come from its registry,
see tests/languages/README.md. FOLDER then says how to run the parser. A language that can't be
had here ends it with 1 and the reason.
"""

import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from languages.languages import LANGUAGES, built
from languages.plan import make_plan
from languages.toolchains import Missing

from msl_construct.schema import DRAFTS, NEWEST_DRAFT

SCHEMA = Path(__file__).parents[2] / "schema" / "msl.ksy"
RUN, PLAN = "run.json", "plan.json"


def build(name, folder):
    """Write to a folder what kaitai.py needs to run a language's parser.

    Raises:
        Missing: the language can't be had on this machine.
    """
    command, environment = LANGUAGES[name].command(
        built(LANGUAGES[name], SCHEMA.read_text(encoding="utf-8"))
    )
    how = {"command": [str(word) for word in command], "environment": dict(environment)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RUN).write_text(json.dumps(how), encoding="utf-8")
    (folder / PLAN).write_text(json.dumps(make_plan(DRAFTS[NEWEST_DRAFT])), encoding="utf-8")


if __name__ == "__main__":
    try:
        build(sys.argv[1], Path(sys.argv[2]))
    except Missing as missing:
        sys.exit(f"skipped: {sys.argv[1]}: {missing}")
