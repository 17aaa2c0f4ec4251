"""The sample corpus before generated decoders, each started once: what a run takes in all."""

from __future__ import annotations

import os
import shlex
import sys
from unittest.mock import patch

from measure import ROOT, Row, Setting, note, run_child

sys.path.insert(0, str(ROOT / "tests"))
import generated_parsers
from languages.toolchains import Missing

NAME = "decoders"
LEVEL = "regions"
MOST = 10
"""Seconds that a run takes at the most where the decoder's language is interpreted."""
INTERPRETED = ("python", "javascript", "ruby", "php", "lua", "perl")


def run(setting: Setting) -> list[Row]:
    """A row for each language that is here: processor time, of the harness too."""
    rows = []
    for name in ("python",) if setting.small else generated_parsers.PROGRAMS:
        try:
            folder = generated_parsers.ready(name)
        except Missing as missing:
            note(f"{name}: not measured: {missing}")
            continue
        words = generated_parsers.words_of(name, "decode")
        decoder = shlex.join(["sh", "-c", f"cd {shlex.quote(str(folder))} && exec {words}"])
        options = ["--batch", "--jobs", "1", "--level", LEVEL, "--timeout", "60", "--quiet"]
        if setting.small:
            options += ["--only", "valid/live-*"]
        command = [sys.executable, "-m", "msl_construct", "samples", "run", *options]
        with patch.dict(os.environ, generated_parsers.environment(folder)):
            child = run_child(
                [*command, "--samples", str(ROOT / "samples"), "--decoder", decoder], capture=True
            )
        said = child.output.decode().partition("\n")[0]
        imitated = "; Kaitai's runtime imitated" if name in generated_parsers.IMITATED else ""
        rows.append(
            Row(
                NAME,
                f"all samples, level {LEVEL}, one process: {name}",
                child.cores,
                "s",
                judged="measured",
                target=MOST if name in INTERPRETED else None,
                remark=f"processor time{imitated}; {said}",
            )
        )
    return rows
