"""``python tests/windows/on_windows.py target.exe moods.exe``: what Wine can't show, on Windows.

A line for each thing that is tried; the exit code is 1 if one of them failed. Under Wine, those
that it can't show are told apart, and do not count.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msl_acquire
import msl_construct
from msl_acquire.backends import backend

sys.path.insert(0, str(Path(__file__).parent))
from words import filled

PAGE = 4096
MSL = [sys.executable, "-c", "from msl_construct.cli import main; main()"]
Lines = dict[str, list[list[str]]]


def under_wine() -> bool:
    """Whether this is no Windows."""
    ntdll: Any = vars(ctypes)["WinDLL"]("ntdll")
    return hasattr(ntdll, "wine_get_version")


@contextmanager
def started(program: str, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], Lines]]:
    """A target that is ready, and what it has said."""
    process = subprocess.Popen(
        [program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    lines: Lines = {}
    try:
        assert process.stdout is not None
        for line in process.stdout:
            first, *rest = line.decode("utf-8").split()
            if first == "ready":
                break
            lines.setdefault(first, []).append(rest)
        yield process, lines
    finally:
        process.kill()
        process.communicate()


def state_of(dump: msl_construct.Dump, address: int, pages: int) -> list[bool]:
    """Whether each page was captured."""
    return [dump.memory.read(address + n * PAGE, PAGE).complete for n in range(pages)]


def known_memory(target: str, _: str, folder: Path) -> None:
    """The regions of target.c, page by page, by each method."""
    with started(target, str(folder / "mapped.data"), "spin") as (_process, lines):
        for method in backend().freezers:  # snapshot, too, where Windows has it
            file = folder / f"known-{method}.msl"
            report = msl_acquire.acquire(int(lines["pid"][0][0]), file, freeze=method)
            assert report.complete, report.detail
            with msl_construct.open(file) as dump:
                assert dump.verify().intact
                holes = {int(row[1], 16) for row in lines["region"] if row[4] == "none"}
                for name, address, size, protect, seed in lines["region"]:
                    if seed == "none":
                        continue
                    expected, closed = filled(int(size), int(seed)), int(protect, 16) & 0x101
                    for at in range(0, int(size), PAGE):
                        found = dump.memory.read(int(address, 16) + at, PAGE)
                        lacks = bool(closed) or int(address, 16) + at in holes
                        assert found.complete != lacks, (name, at)
                        assert lacks or bytes(found) == expected[at : at + PAGE], (name, at)
                if method != "none":
                    number = next(int(row[1]) for row in lines["thread"] if row[0] == "spin")
                    (spin,) = (t for t in dump.threads if t.thread_id == number)
                    values = {
                        str(r.name): int.from_bytes(bytes(r.value), "little")
                        for r in spin.registers
                    }
                    for _, name, value in lines["register"]:
                        wider = (name, f"y{name[1:]}", f"z{name[1:]}")
                        (found,) = (values[one] for one in wider if one in values)
                        assert found & (1 << 64) - 1 == int(value, 16), name


def moods(_: str, program: str, folder: Path) -> None:
    """A guard page in the middle stays one; memory that is decommitted while it is read."""
    with started(program) as (process, lines):
        pid = int(lines["pid"][0][0])
        guarded, closed = (int(lines[name][0][0], 16) for name in ("guarded", "closed"))
        for method in ("none", "suspend", "threads", "none"):
            file = folder / "moods.msl"
            report = msl_acquire.acquire(pid, file, freeze=method, force=True)
            assert report.complete, report.detail
            with msl_construct.open(file) as dump:
                assert dump.verify().intact
                expected = [n != 32 for n in range(64)]
                assert state_of(dump, guarded, 64) == expected
                assert state_of(dump, closed, 4) == [True, False, True, True]
        time.sleep(0.5)
        assert process.poll() is None, "a guard page was raised"


def ctrl_break(target: str, _: str, folder: Path) -> None:
    """Ends an acquisition with exit code 4, and the target goes on."""
    with started(target, str(folder / "break.data")) as (process, lines):
        acquirer = subprocess.Popen(
            [*MSL, "acquire", lines["pid"][0][0], "-o", "-", "--no-report"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            creationflags=0x200,
        )
        time.sleep(8)
        acquirer.send_signal(vars(signal)["CTRL_BREAK_EVENT"])
        _, err = acquirer.communicate(timeout=60)
        assert acquirer.returncode == 4, (acquirer.returncode, err)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"tick\n")
        process.stdin.flush()
        assert process.stdout.readline().startswith(b"tick ")


def protected(_: str, __: str, folder: Path) -> None:
    """Refused with the cause."""
    done = subprocess.run(
        [*MSL, "acquire", "csrss.exe", "--all-of", "csrss.exe", "-o", str(folder / "p.msl")],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 6, (done.returncode, done.stderr)


def long_paths(target: str, _: str, folder: Path) -> None:
    """Longer than 260 characters."""
    deep = folder.joinpath(*["x" * 50] * 6)
    os.makedirs(f"\\\\?\\{deep}")
    with started(target, str(folder / "long.data")) as (_process, lines):
        name = f"\\\\?\\{deep}\\a.msl"
        assert msl_acquire.acquire(int(lines["pid"][0][0]), name).complete
        with msl_construct.open(name) as dump:
            assert dump.verify().intact


TRIED: tuple[tuple[Callable[[str, str, Path], None], bool], ...] = (
    (known_memory, True),
    (moods, True),
    (ctrl_break, False),
    (protected, False),
    (long_paths, False),
)
"""And whether Wine shows it."""


def main(target: str, program: str) -> int:
    """Try all; the exit code."""
    code, wine = 0, under_wine()
    for function, shown in TRIED:
        row: dict[str, Any] = {"tried": function.__name__, "passed": True}
        if wine and not shown:
            row |= {"passed": None, "why": "not to be shown under Wine"}
        else:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                try:
                    function(target, program, Path(folder))
                except Exception as error:
                    row |= {"passed": False, "why": f"{type(error).__name__}: {error}"}
                    code = 1
        print(json.dumps(row), flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
