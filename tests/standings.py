"""Acquiring with the rights of somebody else: a program, and those who run it.

::

    python standings.py UID CAPABILITIES PID DUMP OPTIONS

imports all that it needs as root, takes the user and the capabilities (numbers with commas),
acquires and writes the report to DUMP.report.json. Says ``done STATUS`` or why it was refused.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import struct
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from commands import PLACE

DAC_OVERRIDE, DAC_READ_SEARCH, SYS_PTRACE, SYS_ADMIN, CHECKPOINT_RESTORE = 1, 2, 19, 21, 40
NOBODY = 65534
_KEEP_CAPABILITIES = 8
_EVERY = frozenset(range(41))


class Standing(NamedTuple):
    """Whose rights.

    Attributes:
        uid: user, and group.
        capabilities: their numbers.
    """

    uid: int
    capabilities: frozenset[int] = frozenset()


ROOT = Standing(0, _EVERY)
ROOT_WITHOUT_MAP_FILES = Standing(0, _EVERY - {SYS_ADMIN, CHECKPOINT_RESTORE})
USER = Standing(NOBODY)


def acquire_as(standing: Standing, pid: int, dump: Path, **options: Any) -> str:
    """Acquire process `pid` as somebody else; what that said.

    Who may not run this Python can't stop the target, for which another one is started.
    """
    if standing.uid and not _for_everybody(sys.executable):
        options.setdefault("freeze", "none")
    done = subprocess.run(
        [
            sys.executable,
            __file__,
            str(standing.uid),
            ",".join(map(str, sorted(standing.capabilities))),
            str(pid),
            str(dump),
            json.dumps(options),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PLACE)},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _for_everybody(program: str) -> bool:
    path = Path(program).resolve()
    return all(place.stat().st_mode & 0o001 for place in (path, *path.parents))


def take(standing: Standing) -> None:
    """Have these rights from now on, and no others."""
    library = ctypes.CDLL(None, use_errno=True)
    if standing.uid:
        assert library.prctl(_KEEP_CAPABILITIES, 1, 0, 0, 0) == 0
        os.setgroups([])
        os.setresgid(standing.uid, standing.uid, standing.uid)
        os.setresuid(standing.uid, standing.uid, standing.uid)
    wanted = sum(1 << number for number in standing.capabilities) & _permitted()
    halves = [wanted & 0xFFFFFFFF, wanted >> 32]
    sets = struct.pack("=6I", *(word for half in halves for word in (half, half, 0)))
    header = struct.pack("=Ii", 0x20080522, 0)
    assert library.capset(header, sets) == 0, os.strerror(ctypes.get_errno())


def _permitted() -> int:
    text = Path("/proc/self/status").read_text("utf-8", "replace")
    return int(text.partition("CapPrm:")[2].split()[0], 16)


def _main(uid: str, capabilities: str, pid: str, dump: str, options: str) -> None:
    import msl_acquire
    from msl_acquire.report import pieces
    from msl_construct.errors import TargetError

    # Once as root, so that everything is loaded: others may not see where Python lies.
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            msl_acquire.acquire(other.pid, io.BytesIO())
        finally:
            other.kill()
    numbers = frozenset(map(int, filter(None, capabilities.split(","))))
    with ExitStack() as stack:
        file = stack.enter_context(open(dump, "xb"))
        beside = stack.enter_context(open(dump + ".report.json", "x", encoding="utf-8"))
        take(Standing(int(uid), numbers))
        try:
            report = msl_acquire.acquire(int(pid), file, **json.loads(options))
        except TargetError as error:
            print(f"refused: {error}")
            return
        beside.writelines(pieces(report.summary()))
    print(f"done {report.status}")


if __name__ == "__main__":
    _main(*sys.argv[1:])
