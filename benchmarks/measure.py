"""What every benchmark shares: rows of the table, timing in turns, child processes."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

__all__ = [
    "GIB",
    "KIB",
    "MIB",
    "MSL",
    "PEERS",
    "Child",
    "Row",
    "Setting",
    "Times",
    "compare",
    "environment",
    "hash_twice",
    "in_turns",
    "note",
    "python",
    "run_child",
    "watch_child",
]

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
ROOT = Path(__file__).resolve().parent.parent
PIECE = MIB
MSL = "import sys; from msl_construct.cli import main; sys.exit(main())"
"""What the installed ``msl`` script does, for ``python -c``."""
PEERS = "MSL_BENCH_PEERS"
"""Environment variable: the virtual environment in which other tools are installed."""

Case = TypeVar("Case")


@dataclass(frozen=True)
class Setting:
    """How a benchmark is to run.

    Attributes:
        small: a smoke test: small inputs, few rounds, nothing judged.
        tmp: where the files go.
        rounds: how often everything is repeated; the median counts.
    """

    small: bool
    tmp: Path
    rounds: int

    def size(self, full: int, small: int) -> int:
        """The full size, or the smoke test's."""
        return small if self.small else full

    def few(self, cases: Iterable[Case]) -> Iterable[Case]:
        """All cases, or the smoke test's: the first one."""
        return islice(cases, 1) if self.small else cases


@dataclass
class Row:
    """One line of the table.

    Attributes:
        benchmark, what: the module's name, and what was measured.
        measured, unit: the figure (a median where there were rounds).
        bound, bound_name: what it is held against, if anything.
        ratio, low, high: median of the rounds' ratios measured / bound, and their range.
        judged: which figure has the target: ``ratio``, ``difference`` (measured - bound) or
            ``measured``.
        relation, target: ``<=`` or ``>=`` a number; None where a row only informs.
        remark: what has to be known to read it.
    """

    benchmark: str
    what: str
    measured: float
    unit: str
    bound: float | None = None
    bound_name: str = ""
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    judged: str = "ratio"
    relation: str = "<="
    target: float | None = None
    remark: str = ""

    @property
    def figure(self) -> float | None:
        """What the target is about."""
        if self.judged == "difference":
            return None if self.bound is None else self.measured - self.bound
        return self.measured if self.judged == "measured" else self.ratio

    @property
    def ok(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is None or self.figure is None:
            return None
        return self.figure <= self.target if self.relation == "<=" else self.figure >= self.target

    def as_json(self) -> dict[str, Any]:
        """All of it, for ``--json``."""
        return {**asdict(self), "figure": self.figure, "ok": self.ok}


@dataclass
class Child:
    """What became of a child process."""

    seconds: float
    max_rss: int
    code: int
    output: bytes = b""
    peaks: dict[str, int] = field(default_factory=dict)
    cores: float = 0.0
    """Seconds of processor time."""


def note(text: str) -> None:
    """Say on stderr what is going on."""
    print(f"  {text}", file=sys.stderr, flush=True)


class Times(dict[str, list[float]]):
    """Seconds of each round by function; in `cores` the processor time, children included."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__((name, []) for name in names)
        self.cores: dict[str, list[float]] = {name: [] for name in self}


def in_turns(
    rounds: int, between: Callable[[], Any] = lambda: None, /, **functions: Callable[[], Any]
) -> Times:
    """Seconds that each function takes, all of them once a round, after one round unmeasured.

    A neighbour on the machine then disturbs what is measured and what it is held against
    alike.

    Args:
        between: done before each of them, unmeasured.
    """
    for function in functions.values():
        between()
        function()
    times = Times(functions)
    for _ in range(rounds):
        for name, function in functions.items():
            between()
            before, begin = sum(os.times()[:4]), time.perf_counter()
            function()
            times[name].append(time.perf_counter() - begin)
            times.cores[name].append(sum(os.times()[:4]) - before)
    return times


def compare(
    benchmark: str,
    what: str,
    times: Times,
    names: tuple[str, str],
    scale: float | None = None,
    *,
    unit: str = "ms",
    **more: Any,
) -> Row:
    """A row from `in_turns`: medians, and the median of the rounds' ratios.

    Args:
        names: the measured one and its bound, as they were given to `in_turns`.
        scale: for rates: bytes in units of `unit`, divided by the seconds; else
            milliseconds are shown. The remark of a rate has two figures that a busy machine
            disturbs less: the ratio of the best rounds, and the processor time of both.
    """

    def shown(seconds: float) -> float:
        return 1000 * seconds if scale is None else scale / seconds

    measured, bound = times[names[0]], times[names[1]]
    ratios = [shown(a) / shown(b) for a, b in zip(measured, bound)]
    if scale is not None:
        cores = [statistics.median(times.cores[name]) / scale for name in names]
        steadier = (
            f"best of each {min(bound) / min(measured):.2f}",
            f"core-s/{unit.removesuffix('/s')} {cores[0]:.2f} to {cores[1]:.2f}: "
            f"{cores[1] / max(cores[0], 1e-9):.2f} by processor time",
        )
        more["remark"] = "; ".join(filter(None, (*steadier, more.get("remark"))))
    return Row(
        benchmark,
        what,
        shown(statistics.median(measured)),
        unit,
        shown(statistics.median(bound)),
        ratio=statistics.median(ratios),
        low=min(ratios),
        high=max(ratios),
        **more,
    )


def environment() -> dict[str, str]:
    """The environment of a child process that uses this working tree's package."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}


def python(code: str, *arguments: str | Path) -> list[str]:
    """The command line of ``python -c``."""
    return [sys.executable, "-c", code, *map(str, arguments)]


def run_child(command: Sequence[str], *, capture: bool = False, expect: int = 0) -> Child:
    """Run a process to its end, with stdout to /dev/null unless captured.

    Raises:
        RuntimeError: it ended otherwise than expected.
    """
    begin = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE if capture else subprocess.DEVNULL,
        env=environment(),
    )
    output = b""
    if process.stdout is not None:
        with process.stdout:
            output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    return _checked(
        Child(
            seconds,
            usage.ru_maxrss * KIB,
            process.returncode,
            output,
            cores=usage.ru_utime + usage.ru_stime,
        ),
        command,
        expect,
    )


def watch_child(
    command: Sequence[str], *, every: float = 0.01, expect: int | Sequence[int] = 0
) -> Child:
    """Run a process and look at its memory all the while: peaks of its ``Rss…`` lines."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment())
    status = Path(f"/proc/{process.pid}/status")
    peaks: dict[str, int] = {}
    while process.poll() is None:
        try:
            lines = status.read_text().splitlines()
        except OSError:
            break
        for line in lines:
            if line.startswith(("Rss", "VmRSS")):
                key, value = line.split(":")
                peaks[key] = max(peaks.get(key, 0), int(value.split()[0]) * KIB)
        time.sleep(every)
    code = process.wait()
    child = Child(time.perf_counter() - begin, peaks.get("VmRSS", 0), code, peaks=peaks)
    return _checked(child, command, expect)


def _checked(child: Child, command: Sequence[str], expect: int | Sequence[int]) -> Child:
    if child.code not in ((expect,) if isinstance(expect, int) else expect):
        raise RuntimeError(f"{' '.join(command[-3:])}: exit code {child.code}, expected {expect}")
    return child


def hash_twice(data: Any, times: int = 1) -> None:
    """The bound: every byte hashed twice, by two threads of which each takes all bytes.

    The threads go their own pace, in pieces of 1 MiB, and do nothing else.

    Args:
        data: a buffer, or a memory mapping.
        times: how often it is gone through, within one hash.
    """
    from blake3 import blake3

    view = memoryview(data)

    def whole() -> None:
        hasher = blake3()
        for _ in range(times):
            for start in range(0, view.nbytes, PIECE):
                with view[start : start + PIECE] as piece:
                    hasher.update(piece)
        hasher.digest()

    threads = [threading.Thread(target=whole) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    view.release()
