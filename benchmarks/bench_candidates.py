"""Candidates: what is found of known secrets with 1 to 10 dumps, beside MemDiver; and how fast.

Recall is the part of the secrets in the memory of the first dump that a candidate holds, in at
most 16 times their length: a key schedule has up to 15. A candidate is right if it holds one, or if
a computation confirms it; *named* are those of shapes that say what it is. MemDiver, whose Python
``MSL_MEMDIVER_PYTHON`` names, is given the same dumps. ``MSL_CANDIDATES_TARGETS`` names programs,
with ``;`` between them; ``MSL_CANDIDATES_TRUTH`` leaves out what takes long because it is large.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy
from bench_analysis import _filled
from dumps import Region, dense
from measure import MIB, MSL, ROOT, Row, Setting, note, python, watch_child

import msl_construct
from msl_construct.analysis import candidates as finding

sys.path.insert(0, str(ROOT / "tests"))

from ground_truth import TARGETS, Truth, lacking

NAME = "candidates"
NUMBERS = (1, 2, 3, 5, 10)
LONGER = 16
PATIENCE = 300
_MOST_PLACED = 100
MEMDIVER = "MSL_MEMDIVER_PYTHON"
SAMPLES = 3
"""Dumps of 500 MiB that are put side by side."""

Secrets = list[tuple[str, bytes]]


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    rows = [_speed(setting)] if not os.environ.get("MSL_CANDIDATES_TRUTH") else []
    wanted = os.environ.get("MSL_CANDIDATES_TARGETS")
    names = wanted.split(";") if wanted else list(TARGETS)
    for name in names[:1] if setting.small else names:
        if lacking(name):
            note(f"{name}: needs {', '.join(lacking(name))}")
            continue
        for random in (True, False):
            rows += _truth(setting, name, random)
    return rows


def _speed(setting: Setting) -> Row:
    size = setting.size(500 * MIB, 16 * MIB)
    paths = [setting.tmp / f"candidates-{number}.msl" for number in range(SAMPLES)]
    try:
        shape = dense(paths[0], [Region(4096)] * (size // (16 * MIB)))
        _filled(paths[0], shape.data)
        for number, path in enumerate(paths[1:], 1):
            shutil.copyfile(paths[0], path)
            _change(path, shape.data, number)
        command = [*python(MSL), "candidates", *map(str, paths), "--json", "--quiet"]
        child = watch_child(command, expect=(0, 1))  # some, or none
        held = child.peaks.get("RssAnon", 0) / MIB
        return Row(
            NAME,
            f"msl candidates of {SAMPLES} dumps of {size / MIB:.0f} MiB",
            child.seconds,
            "s",
            judged="measured",
            relation="<=",
            target=60,
            remark=f"peak RssAnon {held:.0f} MiB (target 1024), its copies not counted",
        )
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


def _change(path: Path, places: Sequence[tuple[int, int]], number: int) -> None:
    """One page in a hundred is another."""
    with path.open("r+b") as file:
        for offset, length in places:
            for at in range(offset, offset + length - 4096, 100 * 4096):
                file.seek(at)
                file.write(bytes([number]) * 512)


# --- what is found -----------------------------------------------------------------------------


def _truth(setting: Setting, name: str, random: bool) -> list[Row]:
    most = 2 if setting.small else NUMBERS[-1]
    folder = setting.tmp / "truth"
    folder.mkdir(exist_ok=True)
    dumps: list[tuple[Path, Truth]] = []
    try:
        for number in range(most):
            path = folder / f"{number}.msl"
            personality = None if random else _fixed()
            try:
                with TARGETS[name][1](folder) as truth:
                    subprocess.run(
                        [*python(MSL), "acquire", str(truth.pid), "-o", str(path), "-q"], check=True
                    )
            finally:
                if personality is not None:
                    _personality(personality)
            dumps.append((path, truth))
        return list(_compared(name, random, dumps))
    finally:
        shutil.rmtree(folder)


def _fixed() -> int:
    """Have what is started from here on laid out the same each time, as ``setarch -R`` does."""
    before = _personality(0xFFFFFFFF)
    _personality(before | 0x0040000)
    return before


def _personality(value: int) -> int:
    import ctypes

    return int(ctypes.CDLL(None).personality(ctypes.c_ulong(value)))


def _compared(name: str, random: bool, dumps: Sequence[tuple[Path, Truth]]) -> Iterator[Row]:
    where = "with" if random else "without"
    for count in NUMBERS:
        if count > len(dumps):
            return
        some = dumps[:count]
        note(f"{name}, {where} randomisation, {count} dumps")
        secrets = _in_memory(*some[0])
        found, right, named, wrong, structures = _ours(some, secrets)
        peer = _memdiver([path for path, _ in some], secrets) if secrets else None
        parts = [f"recall of candidates that are named {named}/{len(secrets)}"] if secrets else []
        parts.append(f"{right} right of {right + wrong} named")
        if structures:
            parts.append(structures)
        if peer is not None:
            parts.append(f"MemDiver: {peer}")
        yield Row(
            NAME,
            f"{name}, {where} randomisation, N = {count}: recall",
            found / len(secrets) if secrets else 1.0,
            "",
            remark="; ".join(parts),
        )


def _in_memory(path: Path, truth: Truth) -> Secrets:
    """Secrets that are captured."""
    with msl_construct.open(path) as dump:
        runs = [
            bytes(dump.memory.read(address, length).data)
            for start, end in dump.memory.ranges()
            for address, length, state in dump.memory.states(start, end)
            if state == "captured"
        ]
    return [one for one in truth.secrets if any(one[1] in data for data in runs)]


def _ours(some: Sequence[tuple[Path, Truth]], secrets: Secrets) -> tuple[int, int, int, int, str]:
    dumps = [msl_construct.open(path) for path, _ in some]
    shapes = finding.library()
    found = finding.find_candidates(numpy, dumps, shapes, processes=os.cpu_count() or 1)
    held, right, wrong = set(), 0, 0
    named = set()
    for one in found.candidates:
        place = one.elsewhere[0]
        data = b"" if place is None else bytes(dumps[0].memory.read(place, one.length))
        holds = {s for _, s in secrets if s in data and one.length <= LONGER * len(s)}
        held |= holds
        if not one.shape.startswith("secret_"):
            named |= holds
            if holds or one.checked:
                right += 1
            else:
                wrong += 1
    structures = ""
    truth = some[0][1]
    if truth.structures:
        inferred = finding.infer_structures(numpy, dumps[0], [])
        good = sum(
            any((one.kind, one.instances) == (kind, count) for one in inferred)
            for kind, count, _, _ in truth.structures
        )
        structures = f"structures {good}/{len(truth.structures)}, {len(inferred)} inferred"
    for shape, count in truth.counted.items():
        checked = sum(
            one.shape == shape and one.checked and not one.dump for one in found.candidates
        )
        structures += f"{shape} {checked}/{count}"
    for dump in dumps:
        dump.close()
    return len(held), right, len(named), wrong, structures


def _memdiver(paths: Sequence[Path], secrets: Secrets) -> str | None:
    """Recall of MemDiver on the same dumps; None: it is not there, or there is one dump only."""
    given = os.environ.get(MEMDIVER)
    if given is None or len(paths) < 2:
        return None
    out = paths[0].parent / "memdiver.json"
    command = [given, "-m", "memdiver.cli", "analyze-candidates", *map(str, paths), "--normalize",
               "--max-returned", "0", "--classes", "structural,pointer,key_candidate",
               "-o", str(out)]  # fmt: skip
    environment = {**os.environ, "HOME": str(paths[0].parent)}
    environment.pop("PYTHONPATH", None)
    try:
        subprocess.run(command, capture_output=True, timeout=PATIENCE, env=environment, check=True)
        found: dict[str, Any] = json.loads(out.read_text())
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        return f"failed ({type(error).__name__})"
    base = [given, "-m", "memdiver.cli", "consensus-window", *map(str, paths), "--normalize"]
    held, right = set(), 0
    for region in found["regions"][:_MOST_PLACED]:
        command = [*base, "--slab-offset", str(region["offset"]), "--length",
                   str(region["length"]), "-o", str(out)]  # fmt: skip
        try:
            subprocess.run(
                command, capture_output=True, timeout=PATIENCE, env=environment, check=True
            )
            told = json.loads(out.read_text())["dumps"][0]["bytes"]
        except (subprocess.SubprocessError, OSError, ValueError, LookupError) as error:
            return f"{found['num_regions']} candidates, whose bytes it does not say ({error!r:.60})"
        data = base64.b64decode(told)
        holds = {s for _, s in secrets if s in data and len(data) <= LONGER * len(s)}
        held |= holds
        right += bool(holds)
    some = min(len(found["regions"]), _MOST_PLACED)
    return f"recall {len(held)}/{len(secrets)}, {right} right of the best {some}"
