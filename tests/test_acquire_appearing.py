"""When the file of a dump appears: with its header and its first block in it, or not at all."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from acquire_targets import Running, target
from acquiring import (
    PATIENCE,
    Dump,
    acquire,
    environment,
    launched,
    linux_only,
    nobody_left,
    report_of,
    verified,
)
from sampling import sampled
from test_acquire_killed import complete, runs_on

pytestmark = linux_only

ATTEMPTS = int(os.environ.get("MSL_ADVERSITY", "8"))
SEEDS = [9000 + number for number in range(ATTEMPTS)]
OLD = b"what was there before"


@pytest.fixture(name="worker", scope="module")
def a_target() -> Iterator[Running]:
    with target("e2e_counter", "2", "64", "24", "200") as (process, _):
        yield process


@pytest.fixture(name="usual", scope="module")
def how_long_it_takes(worker: Running, tmp_path_factory: pytest.TempPathFactory) -> float:
    began = time.monotonic()
    acquire(worker.pid, "-o", tmp_path_factory.mktemp("usual") / "out.msl")
    return time.monotonic() - began


def names_of_files_are_optional(folder: Path) -> None:
    try:
        os.close(os.open(folder, os.O_RDWR | os.O_TMPFILE, 0o600))
    except OSError as error:
        pytest.skip(f"needs files without a name: {errno.errorcode[error.errno or 0]}")


def a_dump_or_none(out: Path, before: bytes | None) -> None:
    """A valid beginning with its first block, or what was there before; and nothing besides.

    What takes the place of another file has a name beside for a moment, which a nameless one
    can't do without: who is killed in it leaves that, whole.
    """
    report = f"{out.name}.report.json"
    besides = [path for path in out.parent.iterdir() if path.name not in (out.name, report)]
    for path in besides:
        if path.name.startswith(f".{report}."):
            assert json.loads(path.read_bytes())["report"] == 1
        else:
            assert before is not None
            assert path.name.startswith(f".{out.name}.")
            assert out.read_bytes() == before
            assert Dump(path, whole=False).blocks[0]["block_type"] == "process_identity"
    assert len(besides) <= 1
    found = out.read_bytes() if out.exists() else None
    if found == before:
        return
    whole = complete(out)
    verified(out, code=0 if whole else 4)
    assert Dump(out, whole=whole).blocks[0]["block_type"] == "process_identity"


@sampled("force")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("force", [False, True], ids=["new", "replaced"])
def test_killed_at_any_moment(
    seed: int, force: bool, worker: Running, usual: float, tmp_path: Path
) -> None:
    names_of_files_are_optional(tmp_path)
    out = tmp_path / "out.msl"
    if force:
        out.write_bytes(OLD)
    with launched(worker.pid, "-o", out, *(["--force"] if force else [])) as tool:
        time.sleep(random.Random(seed).uniform(0, 1.1 * usual))
        tool.kill()
        tool.wait(PATIENCE)
        nobody_left(tool.pid)
    runs_on(worker)
    a_dump_or_none(out, OLD if force else None)


_AT_THAT_MOMENT = """
import os, signal, sys
where, action, *sys.argv[1:] = sys.argv[1:]
def look(event, arguments):
    global where
    appears = event == "os.link" and arguments[1].endswith("out.msl")
    if where == "after" and appears:
        where = arguments[1]
    elif (appears and where == "before") or (where not in ("before", "after", "") and
                                             os.path.exists(where)):
        where = ""
        exec(action)
sys.addaudithook(look)
from msl_construct.cli import main
main()
"""


def at_that_moment(
    where: str, action: str, worker: Running, out: Path
) -> subprocess.CompletedProcess[bytes]:
    """Acquire, and run some code a moment before the file appears, or at whatever is next."""
    words = [where, action, "acquire", str(worker.pid), "-o", str(out)]
    return subprocess.run(
        [sys.executable, "-c", _AT_THAT_MOMENT, *words],
        env=environment(),
        capture_output=True,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize("where", ["before", "after"])
def test_killed_when_it_appears(where: str, worker: Running, tmp_path: Path) -> None:
    names_of_files_are_optional(tmp_path)
    out = tmp_path / "out.msl"
    done = at_that_moment(where, "os.kill(os.getpid(), signal.SIGKILL)", worker, out)
    assert done.returncode == -signal.SIGKILL, done.stderr
    runs_on(worker)
    assert out.exists() is (where == "after")
    assert report_of(out)["status"] == "running"
    a_dump_or_none(out, None)


def test_what_came_meanwhile_stays(worker: Running, tmp_path: Path) -> None:
    """Somebody else took the name between the first look and the first block."""
    names_of_files_are_optional(tmp_path)
    out = tmp_path / "out.msl"
    done = at_that_moment("before", f"open({str(out)!r}, 'wb').write(b'x')", worker, out)
    assert done.returncode == 4, done.stderr
    assert os.strerror(errno.EEXIST).encode() in done.stderr
    assert out.read_bytes() == b"x"
    report = report_of(out)
    assert (report["status"], report["dump"]["blake3"]) == ("output_failed", None)
    runs_on(worker)
