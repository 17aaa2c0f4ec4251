"""Generated parsers as other readers: made now, or in a folder where they were set up."""

from __future__ import annotations

import importlib.util
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import CompilerError
from ..generate import generate
from ..generate.parser import parser_in, schema_text
from ..generate.targets import SCHEMA_FILE, TARGETS, TargetLanguage
from ..generate.whole_files import place
from ..harness.levels import ComparisonLevel
from ..schema import Draft
from .decoders import OtherReader

__all__ = ["generated_reader"]

_PREPARING = 600
"""Seconds that compiling a generated parser, and fetching what it needs, may take."""


def generated_reader(
    asked: str, draft: Draft, folder: Path, timeout: float, name: str
) -> OtherReader:
    """The decoder of a parser of a draft.

    Args:
        asked: a language, whose parser is generated and set up now; or a folder that ``msl
            generate`` wrote, in which that was done.
        folder: where a parser is put that is generated now.
        timeout: seconds for a file.
        name: what the reader is called.

    Raises:
        CompilerError: no compiler will do, what the parser needs can't be had, or the folder has
            no parser of this draft.
    """
    if asked in TARGETS:
        target = TARGETS[asked]
        _made(target, draft, folder)
    else:
        folder = Path(asked).absolute()
        target = _found(folder, draft)
    assert target.decoder is not None
    words = shlex.split(target.decoder.command)
    if words[0] == "python":
        words[0] = sys.executable
    inside = f"cd {shlex.quote(str(folder))} && exec {shlex.join(words)}"
    command = shlex.join(["sh", "-c", inside])
    return OtherReader(command, timeout, name, level=ComparisonLevel.REGIONS, batch=True)


def _made(target: TargetLanguage, draft: Draft, folder: Path) -> None:
    """Generate a parser, and do what its page tells its user to do once."""
    if target.name == "python" and importlib.util.find_spec("kaitaistruct") is None:
        raise CompilerError("a parser in Python needs kaitaistruct: pip install kaitaistruct")
    (parser,) = generate([target], draft)
    place(folder, dict(parser.files), force=False)
    steps: Sequence[str] = () if target.name == "python" else target.run[:-1]
    for step in steps:
        try:
            done = subprocess.run(
                ["sh", "-c", step],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PREPARING,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CompilerError(f"{step}: {error}") from None
        if done.returncode:
            said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
            why = said[-1].strip() if said else f"exit code {done.returncode}"
            raise CompilerError(
                f"{target.title}: {step}: {why}; a parser that is set up otherwise can be given by "
                f"its folder: msl generate {target.name} --draft {draft.name} -o DIR, then "
                "--generated DIR"
            )


def _found(folder: Path, draft: Draft) -> TargetLanguage:
    """The language of the parser in a folder."""
    target = parser_in(folder)
    if target is None:
        raise CompilerError(
            f"{folder} has no parser with a decoder: expected what msl generate LANG -o DIR writes"
        )
    if (folder / SCHEMA_FILE).read_text("utf-8") != schema_text(draft):
        raise CompilerError(
            f"{folder / SCHEMA_FILE} is not the schema of {draft.name} as it is now: msl generate "
            f"{target.name} --draft {draft.name} -o DIR, and set it up anew"
        )
    return target
