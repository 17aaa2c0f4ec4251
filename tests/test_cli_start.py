"""Commands whose streams are closed or full, and signals that come while they still start."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from acquire_targets import started
from acquiring import as_found, linux_only, verified
from commands import COMMAND, PLACE, files_of_every_fate, one_line  # noqa: F401 - a fixture
from sampling import sampled

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PLACE)}
ENVIRONMENT.pop("PYTHONUNBUFFERED", None)
CLOSED = [
    " ".join(f"{stream}&-" for stream in some)
    for count in (1, 2, 3)
    for some in itertools.combinations(("<", ">", "2>"), count)
]


def shell(
    redirections: str, *arguments: object, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a command in a shell that closes or redirects its streams."""
    if "/dev/full" in redirections and not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    return subprocess.run(
        ["sh", "-c", f'"$@" {redirections}', "sh", *COMMAND, *map(str, arguments)],
        capture_output=True, stdin=subprocess.DEVNULL, timeout=60, env={**ENVIRONMENT, **variables},
    )  # fmt: skip


@pytest.fixture(scope="module", name="pid")
def a_process() -> Iterator[int]:
    with started(["sleep", "600"], ready="") as (process, _):
        yield process.pid


# -- streams ---------------------------------------------------------------------------


@sampled("redirections", "command")
@pytest.mark.parametrize("redirections", [*CLOSED, "2>/dev/full", "2>/dev/full >&-"])
@pytest.mark.parametrize("command", ["inspect", "verify", "check"])
def test_closed_streams_change_only_what_needs_them(
    command: str, redirections: str, files: dict[str, Path]
) -> None:
    done = shell(redirections, command, files["whole"])
    if ">&-" in redirections.replace("2>&-", ""):
        assert done.returncode == 3
        if "2>" not in redirections:
            assert one_line(done.stderr) == "msl: stdout is closed\n"
    else:
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout == shell("", command, files["whole"]).stdout


@sampled()
@pytest.mark.parametrize("redirections", ["2>&-", "2>/dev/full", "<&- 2>&-"])
def test_refusals_and_findings_keep_their_code(redirections: str, files: dict[str, Path]) -> None:
    for arguments, code in (
        (["inspect"], 2),
        (["no-such-command"], 2),
        (["verify", files["broken"]], 1),
        (["inspect", files["not"]], 3),
        (["inspect", files["no-end"]], 4),
        (["acquire", "0", "-o", "-"], 6),
    ):
        done = shell(redirections, *arguments)
        assert done.returncode == code, arguments
        assert done.stderr == b""


def test_unbuffered_streams_are_treated_alike(files: dict[str, Path]) -> None:
    done = shell("2>/dev/full", "inspect", PYTHONUNBUFFERED="1")
    assert done.returncode == 2
    assert shell(">&-", "verify", files["whole"], PYTHONUNBUFFERED="1").returncode == 3


@sampled("redirections")
@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["acquire", "--help"]])
@pytest.mark.parametrize("redirections", [">&-", ">/dev/full", ">&- 2>&-"])
def test_help_that_nobody_can_read_is_an_error(redirections: str, arguments: list[str]) -> None:
    done = shell(redirections, *arguments)
    assert done.returncode == 3
    if "2>" not in redirections:
        one_line(done.stderr)


def test_closed_stdin_is_named(files: dict[str, Path]) -> None:
    done = shell("<&-", "inspect", "-")
    assert done.returncode == 3
    assert one_line(done.stderr) == "msl: stdin is closed\n"


@linux_only
@sampled()
@pytest.mark.parametrize("redirections", [*CLOSED, "2>/dev/full", ">/dev/full"])
def test_acquire_with_closed_streams(redirections: str, pid: int, tmp_path: Path) -> None:
    dump = tmp_path / "a.msl"
    done = shell(redirections, "acquire", pid, "-o", dump)
    assert done.returncode == 0, done.stderr
    assert b"a defect" not in done.stderr
    assert done.stdout == b""
    verified(dump)  # and so nothing that was said to people is in it
    as_found(pid)


@linux_only
@pytest.mark.parametrize("redirections", [">&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_acquire_to_a_closed_stdout_touches_nobody(redirections: str, pid: int) -> None:
    done = shell(redirections, "acquire", pid, "-o", "-")
    assert (done.returncode, done.stdout) == (3, b"")
    if "2>" not in redirections:
        assert "stdout" in one_line(done.stderr)


@linux_only
def test_acquire_to_stdout_without_stderr(pid: int, tmp_path: Path) -> None:
    for redirections in ("2>&-", "<&- 2>&-", "2>/dev/full"):
        done = shell(redirections, "acquire", pid, "-o", "-")
        assert (done.returncode, done.stderr) == (0, b"")
        (tmp_path / "a.msl").write_bytes(done.stdout)
        verified(tmp_path / "a.msl")


# -- signals ---------------------------------------------------------------------------

_SIGNAL_AT_IMPORT = """
import os, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), {number})
sys.meta_path.insert(0, Finder())
from msl_construct.cli import main
main({arguments!r})
"""


def signalled(module: str, number: int, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command that gets a signal while it imports a module."""
    code = _SIGNAL_AT_IMPORT.format(module=module, number=int(number), arguments=list(arguments))
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=60, env=ENVIRONMENT,
        preexec_fn=_default_signals,
    )  # fmt: skip


def _default_signals() -> None:
    """As in a shell's foreground, even where the tests run in its background."""
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)


@linux_only
@sampled("module", "number")
@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize(
    "module",
    ["msl_construct.cli.group", "click", "msl_acquire.cli", "msl_acquire.session", "psutil"],
)
def test_signal_during_an_acquirers_start(
    module: str, number: signal.Signals, pid: int, tmp_path: Path
) -> None:
    done = signalled(module, number, "acquire", str(pid), "-o", str(tmp_path / "a.msl"))
    assert done.returncode == 6, done.stderr
    line = one_line(done.stderr)
    assert number.name in line
    assert "touched" in line
    assert not list(tmp_path.iterdir())
    as_found(pid)


@pytest.mark.parametrize("module", ["click", "msl_construct.cli.inspect"])
def test_interrupt_during_any_commands_start(module: str, files: dict[str, Path]) -> None:
    done = signalled(module, signal.SIGINT, "inspect", str(files["whole"]))
    assert done.returncode == 130
    assert one_line(done.stderr) == "msl: interrupted\n"
