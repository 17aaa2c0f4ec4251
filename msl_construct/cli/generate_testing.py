"""What ``msl generate --language-tests`` does with what it wrote."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from ..generate.targets import TargetLanguage
from .common import (
    Exit,
    note,
    text_out,
    whoever_reads,
)
from .samples_run import RunDisplay, corpus, ended_orderly, progress_line
from .terminal import wants_color

__all__ = ["tested"]

_TIME_LIMIT = 60.0


def tested(
    target: TargetLanguage, folder: Path, samples: Path | None, *, quiet: bool, no_color: bool
) -> int:
    """Set a parser up as its users are told to, and put the corpus to its decoder.

    Args:
        folder: where it was written.
        samples: the folder of a corpus; without it the corpus is generated.

    Returns:
        The exit code: 3 where a command that sets it up fails, 1 where a sample does.
    """
    from .. import harness
    from .samples_run_text import lines
    from .text import Style

    decoder = target.decoder
    assert decoder is not None, "the command line has asked"
    for command in target.run[:-1]:
        if not quiet:
            note(f"msl: {command}")
        # What it prints is no data of ours.
        ran = subprocess.run(
            command, shell=True, cwd=folder, capture_output=True, text=True, check=False
        )
        if ran.returncode:
            said = (ran.stderr or ran.stdout).strip().splitlines()
            note(f"msl: {command} ended with {ran.returncode}: {said[-1] if said else ''}")
            return Exit.UNREADABLE
    command = shlex.join(["sh", "-c", f"cd {shlex.quote(str(folder))} && exec {decoder.command}"])
    with ended_orderly(), corpus(samples, None, quiet) as manifest:
        with progress_line(len(manifest), quiet) as progress:
            results = harness.run(
                manifest,
                command,
                level=target.level,
                batch=True,
                timeout=_TIME_LIMIT,
                progress=progress,
            )
        shown = RunDisplay(samples is not None, matrix=False, each=False)
        with whoever_reads(), text_out() as out:
            style = Style(wants_color(no_color))
            out.writelines(f"{line}\n" for line in lines(results, style, shown))
    return Exit.FINE if results.ok else Exit.FINDINGS
