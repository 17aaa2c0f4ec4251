"""Candidates: what is found of known secrets with 1 to 10 dumps, beside MemDiver; and how fast.

Recall is the part of the secrets in the memory of the first dump that a candidate holds, in at
most 16 times their length: a key schedule has up to 15. A candidate is right if it holds one, or if
a computation confirms it; *named* are those of shapes that say what it is. Of a dump behind the
first its own secrets are known, too. MemDiver, whose Python
``MSL_MEMDIVER_PYTHON`` names, is given the same dumps. ``MSL_CANDIDATES_TARGETS`` names programs,
with ``;`` between them, ``MSL_CANDIDATES_NUMBERS`` numbers of dumps, ``MSL_CANDIDATES_PATIENCE``
seconds of processor time that MemDiver has for each row; ``MSL_CANDIDATES_TRUTH`` leaves out what
takes long because it is large; ``MSL_CANDIDATES_DUMPS`` names a folder in which dumps stay, and are
taken from the next time.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy
from bench_analysis import _filled
from dumps import Region, dense
from measure import MIB, MSL, ROOT, Row, Setting, note, python, watch_child

import msl_construct
from msl_construct.analysis import candidates as finding

sys.path.insert(0, str(ROOT / "tests"))

from ground_truth import TARGETS, Truth, confirmed, lacking

NAME = "candidates"
NUMBERS = tuple(map(int, os.environ.get("MSL_CANDIDATES_NUMBERS", "1,2,3,5,10").split(",")))
LONGER = 16
PATIENCE = int(os.environ.get("MSL_CANDIDATES_PATIENCE", "300"))
"""Seconds of processor time that MemDiver has for each of its two steps."""
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
        child = watch_child(command, expect=(0, 1, 4))  # some, none, or too many to look at all
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
    given = os.environ.get("MSL_CANDIDATES_DUMPS")
    folder = Path(given) if given else setting.tmp / "truth"
    folder /= f"{re.sub('[^a-z0-9]+', '-', name)}-{'random' if random else 'fixed'}"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        dumps = [_dump(folder, name, random, number) for number in range(most)]
        return list(_compared(name, random, dumps))
    finally:
        if not given:
            shutil.rmtree(folder)


def _dump(folder: Path, name: str, random: bool, number: int) -> tuple[Path, Truth]:
    """A dump of a run of its own, and what is true of it; from the folder where they are there."""
    path, told = folder / f"{number}.msl", folder / f"{number}.json"
    if not told.exists():
        personality = None if random else _fixed()
        try:
            with TARGETS[name][1](folder) as truth:
                command = [*python(MSL), "acquire", str(truth.pid), "-o", str(path), "-q"]
                subprocess.run([*command, "--force"], check=True)
                if truth.peer or truth.wrapped:
                    truth.secrets += _confirmed(path, truth)
        finally:
            if personality is not None:
                _personality(personality)
        told.write_text(json.dumps({**asdict(truth), "secrets": _hex(truth), "wrapped": ""}))
    known = Truth(**json.loads(told.read_text()))
    known.secrets = [(shape, bytes.fromhex(str(secret))) for shape, secret in known.secrets]
    return path, known


def _hex(truth: Truth) -> list[tuple[str, str]]:
    return [(shape, secret.hex()) for shape, secret in truth.secrets]


def _confirmed(path: Path, truth: Truth) -> Secrets:
    """What is counted, by its bytes: those that something else than our search says are it."""
    with msl_construct.open(path) as dump:
        found = finding.find_candidates(numpy, [dump], finding.library())
        data = {
            (one.shape, bytes(dump.memory.read(one.address, one.length)))
            for one in found.candidates
            if one.shape in truth.counted and one.checked
        }
    return [(shape, _key(shape, one)) for shape, one in sorted(data) if confirmed(truth, one)]


def _key(shape: str, data: bytes) -> bytes:
    return data[: int(shape.split("_")[1]) // 8] if shape.endswith("_key_schedule") else data


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
        secrets = [_in_memory(*one) for one in some]
        told = _ours(some, secrets)
        peer = _memdiver([path for path, _ in some], secrets[0]) if secrets[0] else None
        yield Row(
            NAME,
            f"{name}, {where} randomisation, N = {count}: recall",
            told.recall,
            "",
            remark="; ".join([*told.words, *([] if peer is None else [f"MemDiver: {peer}"])]),
        )


@dataclass
class _Told:
    """How good what was found is."""

    recall: float
    words: list[str]


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


def _ours(some: Sequence[tuple[Path, Truth]], secrets: Sequence[Secrets]) -> _Told:
    dumps = [msl_construct.open(path) for path, _ in some]
    begin = time.process_time()
    shapes = finding.library()
    found = finding.find_candidates(numpy, dumps, shapes, processes=1)
    spent = time.process_time() - begin
    held, named = set(), set()
    right = right_named = listed_named = 0
    last = 0
    for rank, one in enumerate(found.candidates, 1):
        place = one.elsewhere[0]
        data = b"" if place is None else bytes(dumps[0].memory.read(place, one.length))
        holds = _holds(data, secrets[0])
        if holds - held:
            last = rank
        held |= holds
        own = bytes(dumps[one.dump].memory.read(one.address, one.length))
        good = bool(_holds(own, secrets[one.dump])) or one.checked
        right += good
        if not one.shape.startswith("secret_"):
            named |= holds
            listed_named += 1
            right_named += good
    parts, words = [], []
    truth = some[0][1]
    if secrets[0]:
        parts.append((len(held), len(secrets[0])))
        words.append(f"{len(held)}/{len(secrets[0])} secrets, the last at rank {last}")
        words.append(f"by name {len(named)}/{len(secrets[0])}")
    if truth.structures:
        inferred = finding.infer_structures(numpy, dumps[0], [])
        good = sum(
            any((one.kind, one.instances) == (kind, count) for one in inferred)
            for kind, count, _, _ in truth.structures
        )
        parts.append((good, len(truth.structures)))
        words.append(f"structures {good}/{len(truth.structures)}, {len(inferred)} inferred")
    for shape, count in truth.counted.items():
        if secrets[0]:
            continue  # which they are is known
        checked = sum(
            one.shape == shape and one.checked and not one.dump for one in found.candidates
        )
        parts.append((min(checked, count), count))
        words.append(f"{shape} {checked}/{count}")
    words.append(
        f"right {right_named}/{listed_named} named, {right}/{len(found.candidates)} of all"
    )
    words.append(f"{spent:.1f} s of processor time")
    for dump in dumps:
        dump.close()
    return _Told(sum(one for one, _ in parts) / sum(all_ for _, all_ in parts), words)


def _holds(data: bytes, secrets: Secrets) -> set[bytes]:
    return {one for _, one in secrets if one in data and len(data) <= LONGER * len(one)}


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
        _within_patience(command, environment)
        found: dict[str, Any] = json.loads(out.read_text())
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        return _how_it_failed(error)
    places = [[region["offset"], region["length"]] for region in found["regions"]]
    try:
        slab = [given, "-c", _SLAB, *map(str, paths)]
        told = _within_patience(slab, environment, json.dumps(places).encode())
    except subprocess.SubprocessError as error:
        return f"{len(places)} candidates, whose bytes it does not say: {_how_it_failed(error)}"
    held, right = set(), 0
    for line in told.decode().split():
        holds = _holds(bytes.fromhex(line), secrets)
        held |= holds
        right += bool(holds)
    return f"{len(held)}/{len(secrets)} secrets, right {right}/{len(places)}"


def _within_patience(
    command: Sequence[str], environment: dict[str, str], given: bytes | None = None
) -> bytes:
    """What a command prints that may take so much processor time, however busy the machine is."""

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE + 1))

    done = subprocess.run(
        command, capture_output=True, input=given, env=environment, check=True, preexec_fn=bound
    )
    return done.stdout


def _how_it_failed(error: Exception) -> str:
    over = (-signal.SIGXCPU, -signal.SIGKILL)
    if isinstance(error, subprocess.CalledProcessError) and error.returncode in over:
        return f"did not end in {PATIENCE} s of processor time"
    return f"failed ({type(error).__name__})"


_SLAB = """
import json, sys
from memdiver.engine.consensus_service import build_consensus
data = bytes(build_consensus(sys.argv[1:], normalize=True).reference_bytes)
for offset, length in json.load(sys.stdin):
    print(data[offset : offset + length].hex())
"""
"""The bytes of the first dump in the coordinates of MemDiver's own candidates."""
