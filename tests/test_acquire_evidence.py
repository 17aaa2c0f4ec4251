"""The raw files of the system beside a dump, and copies of what may soon be nowhere."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import Running, compiled, started, target
from acquiring import (
    acquire,
    as_found,
    command,
    environment,
    linux_only,
    report_of,
    root_only,
    status,
    tasks,
    verified,
    wait_until,
)
from blake3 import blake3
from sampling import sampled
from unprivileged import as_nobody

import msl_acquire
from msl_acquire.bounds import Interrupt
from msl_construct.errors import TargetError

pytestmark = linux_only

Entry = dict[str, Any]


class Evidence:
    """A folder, everything in it checked against its manifest and the report."""

    def __init__(self, place: Path, report: Path | None = None) -> None:
        self.place = place
        raw = (place / "manifest.json").read_bytes()
        self.manifest = json.loads(raw)
        self.entries: list[Entry] = self.manifest["entries"]
        assert sorted(os.listdir(place)) == ["SHA256SUMS", "files", "manifest.json"]
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert stat.S_IMODE((place / "files").stat().st_mode) == 0o700
        stored = [entry for entry in self.entries if "stored" in entry]
        assert {entry["stored"] for entry in stored} == {
            f"files/{name}" for name in os.listdir(place / "files")
        }
        for entry in self.entries:
            assert sum(word in entry for word in ("stored", "error", "same_as", "skipped")) == 1
            assert entry["moment"] in ("before", "frozen", "running", "after")
        for entry in stored:
            path = place / entry["stored"]
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert path.name.isascii()
            assert set(path.name) <= set("0123456789-_abcdefghijklmnopqrstuvwxyz"), path
            assert path.stat().st_size == entry["size"]
            for name, made in (("sha256", hashlib.sha256()), ("blake3", blake3())):
                with path.open("rb") as file:
                    while piece := file.read(1 << 20):
                        made.update(piece)
                assert made.hexdigest() == entry[name], path
        assert self.manifest["files"] == len(stored)
        checked = subprocess.run(
            ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"],
            cwd=place,
            capture_output=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout
        assert len((place / "SHA256SUMS").read_text().splitlines()) == len(stored) + 1
        if report is not None:
            told = report_of(report)
            section = told["evidence"]
            assert section["manifest"] == {
                "size": len(raw),
                "sha256": hashlib.sha256(raw).hexdigest(),
                "blake3": blake3(raw).hexdigest(),
            }
            assert section["files"] == len(stored)
            assert self.manifest["dump"]["dump_uuid"] == told["dump"]["dump_uuid"]
            self.freeze = told["freeze"]

    def of(self, source: str) -> list[Entry]:
        """The entries whose source ends so."""
        return [entry for entry in self.entries if entry["source"].endswith(source)]

    def one(self, source: str) -> Entry:
        (found,) = self.of(source)
        return found

    def bytes_of(self, entry: Entry) -> bytes:
        return (self.place / entry["stored"]).read_bytes()


@pytest.fixture
def taken(tmp_path: Path) -> Callable[..., Evidence]:
    """Acquires a process with evidence, and checks both."""

    def take(process: Running, *options: str) -> Evidence:
        out, place = tmp_path / "out.msl", tmp_path / "evidence"
        acquire(process.pid, "-o", out, "--evidence", place, *options)
        as_found(process.pid)
        verified(out)
        return Evidence(place, out)

    return take


def test_the_files_of_proc_as_they_were(taken: Callable[..., Evidence]) -> None:
    with target("e2e_counter", "3", "64", "1", "100") as (process, _):
        found = taken(process)
        pid, numbers = process.pid, tasks(process.pid)
        here = Path(f"/proc/{pid}")
        for name in ("cmdline", "environ", "auxv", "cgroup", "limits", "comm"):
            assert found.bytes_of(found.one(f"/proc/{pid}/{name}")) == (here / name).read_bytes(), (
                name
            )
    stopped, ended = int(found.freeze["began"]), int(found.freeze["ended"])
    for name in ("maps", "statm", "io", "sched", "oom_score_adj", "mountinfo", "mounts", "timers"):
        entry = found.one(f"/proc/{pid}/{name}")
        assert entry["moment"] == "frozen", name
        assert stopped <= int(entry["taken"]) <= ended, name
    smaps = found.one("smaps")
    assert smaps["moment"] == "before"
    assert int(smaps["taken"]) < stopped
    assert b"VmFlags" in found.bytes_of(smaps)
    assert found.one(f"{pid}/net/tcp")["moment"] == "before"
    # Where it waited, and that it stood still: both are kept.
    for name in ("stat", "status"):
        assert {entry["moment"] for entry in found.of(f"/proc/{pid}/{name}")} == {
            "before",
            "frozen",
        }
    (before, frozen) = (found.bytes_of(entry) for entry in found.of(f"/proc/{pid}/status"))
    assert b"tracing stop" not in before
    assert b"tracing stop" in frozen
    for number in numbers:
        kept = {
            e["source"].rpartition("/")[2] for e in found.of("") if f"task/{number}/" in e["source"]
        }
        assert {"stat", "status", "comm", "stack", "wchan", "syscall"} <= kept
        assert found.one(f"task/{number}/wchan")["moment"] == "before"
    links = json.loads(found.bytes_of(found.one("fd/*}")))
    leading = {row["link"]: row.get("target") for row in links}
    assert leading["exe"] == str(compiled("e2e_counter"))
    assert leading["ns/pid"].startswith("pid:[")
    assert {"cwd", "root", "fd/0", "fd/1", "fd/2"} <= set(leading)
    assert found.one("fdinfo/1")["moment"] == "frozen"
    program = found.one("/exe")
    assert found.bytes_of(program) == compiled("e2e_counter").read_bytes()
    # What can't be had has the system's error.
    for entry in found.entries:
        if "error" in entry:
            assert entry["error"].startswith("E")
            assert entry["detail"]


def test_the_time_for_it_is_in_the_estimate(tmp_path: Path) -> None:
    expected = {}
    with target("e2e_idle") as (process, _):
        for name, more in {"plain": (), "kept": ("--evidence", tmp_path / "evidence")}.items():
            acquire(process.pid, "-o", tmp_path / name, *more)
            expected[name] = report_of(tmp_path / name)["preflight"]["estimate"]["freeze"]
    assert 0.1 < expected["kept"] - expected["plain"] < 0.5


def test_nothing_is_kept_unless_asked_for(tmp_path: Path) -> None:
    with target("e2e_idle") as (process, _):
        acquire(process.pid, "-o", tmp_path / "out.msl")
    assert report_of(tmp_path / "out.msl")["evidence"] is None
    assert sorted(os.listdir(tmp_path)) == ["out.msl", "out.msl.report.json"]


def test_a_target_that_is_not_stopped(taken: Callable[..., Evidence]) -> None:
    with target("e2e_idle") as (process, _):
        found = taken(process, "--freeze", "none")
    assert {entry["moment"] for entry in found.entries} == {"before", "running", "after"}


# --- what is in no folder --------------------------------------------------------------------


def test_a_deleted_program(taken: Callable[..., Evidence], tmp_path: Path) -> None:
    program = tmp_path / "program"
    shutil.copy(compiled("e2e_idle"), program)
    content = program.read_bytes()
    with started([str(program)]) as (process, _):
        program.unlink()
        found = taken(process)
    entry = found.one("/exe")
    assert entry["name"] == f"{program} (deleted)"
    assert found.bytes_of(entry) == content


def test_a_program_from_a_memfd(taken: Callable[..., Evidence]) -> None:
    program = compiled("e2e_idle")
    with target("evidence", "fexecve", str(program)) as (process, _):
        found = taken(process)
    entry = found.one("/exe")
    assert bytes.fromhex(entry["name_hex"]) == b"/memfd:../../evil\nname (deleted)"
    assert found.bytes_of(entry) == program.read_bytes()
    if os.geteuid() == 0:
        mapped = [e for e in found.entries if "/map_files/" in e["source"]]
        assert [e["same_as"] for e in mapped] == [entry["source"]]


LIBRARY = """
import ctypes, os, sys
ctypes.CDLL(sys.argv[1])
os.unlink(sys.argv[1])
print("ready", flush=True)
sys.stdin.read()
"""


@root_only
def test_a_deleted_library_that_nobody_has_open(
    taken: Callable[..., Evidence], tmp_path: Path
) -> None:
    with open("/proc/self/maps") as lines:
        found = next(line.split()[-1] for line in lines if "/libm" in line or "/libc." in line)
    library = tmp_path / "library.so"
    shutil.copy(found, library)
    content = library.read_bytes()
    with started([sys.executable, "-c", LIBRARY, str(library)]) as (process, _):
        kept = taken(process)
    (entry,) = [e for e in kept.entries if "/map_files/" in e["source"]]
    assert entry["name"] == f"{library} (deleted)"
    assert kept.bytes_of(entry) == content


def test_asked_to_end_before_the_target_is_touched(tmp_path: Path) -> None:
    """What was begun is removed with the rest."""
    interrupt = Interrupt()
    interrupt.request("stopped by hand")
    with target("e2e_idle") as (process, _), pytest.raises(TargetError, match="by hand"):
        msl_acquire.acquire(
            process.pid, tmp_path / "out.msl", evidence=tmp_path / "kept", interrupt=interrupt
        )
    assert os.listdir(tmp_path) == []


@pytest.fixture
def holder(tmp_path: Path) -> Any:
    """A process that has files open which are deleted, and where."""
    folder = tmp_path / "files"
    folder.mkdir()
    with target("evidence", "files", str(folder)) as (process, lines):
        yield process, {name: int(value) for name, value in map(str.split, lines)}


def test_deleted_files_that_are_open(holder: Any, taken: Callable[..., Evidence]) -> None:
    process, numbers = holder
    found = taken(process, "--evidence-max-file", "2M")

    def of(name: str) -> Entry:
        return found.one(f"/fd/{numbers[name]}")

    assert found.bytes_of(of("small")) == b"s" * 65536
    assert of("again")["same_as"] == of("small")["source"]
    assert found.bytes_of(of("memfd")) == b"m" * 65536
    large = of("large")
    assert "--evidence-max-file" in large["skipped"]
    assert large["length"] == 3 << 20
    # Of a sparse file, the data and no more.
    sparse = of("sparse")
    assert (sparse["size"], sparse["data"]) == ((1 << 28) + (1 << 20), 2 << 16)
    path = found.place / sparse["stored"]
    assert path.stat().st_blocks * 512 < 4 << 20
    with path.open("rb") as file:
        assert file.read(65537) == b"a" * 65536 + b"\0"
        file.seek((1 << 28) - 1)
        assert file.read(65538) == b"\0" + b"z" * 65536 + b"\0"
    assert "holes" in of("huge")["skipped"]
    assert of("fifo")["error"] == "ENODEV"
    odd = of("odd")
    assert b'\n\x1b[31m\xff\xfe ..\\012 "name" (deleted) (deleted)' in bytes.fromhex(
        odd["name_hex"]
    )
    assert found.bytes_of(odd) == b"o" * 65536
    # Nothing was read of what is no deleted file.
    sources = {entry["source"] for entry in found.entries}
    assert not sources & {f"/proc/{process.pid}/fd/{number}" for number in (0, 1)}


def test_all_copies_together_are_bounded(holder: Any, taken: Callable[..., Evidence]) -> None:
    found = taken(holder[0], "--evidence-max-total", "100K")
    stored = [e for e in found.entries if "data" in e and "stored" in e]
    assert sum(e["data"] for e in stored) <= 100 << 10
    assert any("--evidence-max-total" in e.get("skipped", "") for e in found.entries)


def test_a_lease_is_not_broken(taken: Callable[..., Evidence], tmp_path: Path) -> None:
    """To open the file would send the target a signal, which ends whoever does not expect it."""
    with target("evidence", "lease", str(tmp_path / "leased")) as (process, lines):
        number = int(lines[0].split()[1])
        found = taken(process)
        assert "lease" in found.one(f"/fd/{number}")["skipped"]
        os.kill(process.pid, signal.SIGIO)  # the first that it is told
        assert process.line() == "told"
        wait_until(lambda: status(process.pid, "State").startswith("S"), "it waits")


def test_a_process_whose_first_thread_has_ended(taken: Callable[..., Evidence]) -> None:
    with target("meta_leader") as (process, _):
        found = taken(process)
        numbers = tasks(process.pid)
    other = max(numbers)
    assert found.bytes_of(found.one("/exe")) == compiled("meta_leader").read_bytes()
    assert found.bytes_of(found.one(f"/{other}/maps"))
    assert b"Z (zombie)" in found.bytes_of(found.of(f"task/{process.pid}/status")[0])


@root_only
def test_an_ordinary_user() -> None:
    """What only root may have is missing with its error; the rest is there."""
    with (
        as_nobody() as (prefix, place),
        started([*prefix, str(shutil.which("sleep")), "1000"], "") as (process, _),
    ):
        where = place / "evidence"
        done = subprocess.run(
            [*prefix, *command(process.pid, "-o", place / "out.msl", "--evidence", where)],
            env=environment(),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        as_found(process.pid)
        found = Evidence(where, place / "out.msl")
        assert where.stat().st_uid == 65534
        program = Path(str(shutil.which("sleep"))).read_bytes()
        assert found.bytes_of(found.one("/exe")) == program
        assert found.one(f"/proc/{process.pid}/stack")["error"] in ("EACCES", "EPERM")
        assert b"sleep" in found.bytes_of(found.one("/maps"))


# --- the folder ------------------------------------------------------------------------------


def test_a_folder_with_something_in_it(tmp_path: Path) -> None:
    out, place = tmp_path / "out.msl", tmp_path / "evidence"
    place.mkdir()
    (place / "other").write_text("mine")
    with target("e2e_idle") as (process, _):
        done = acquire(process.pid, "-o", out, "--evidence", place, code=2)
        assert b"--force" in done.stderr
        assert not out.exists()
        (place / "other").unlink()
        place.chmod(0o755)
        acquire(process.pid, "-o", out, "--evidence", place)
        first = Evidence(place, out)
        acquire(process.pid, "-o", out, "--evidence", place, "--force")
        assert Evidence(place, out).manifest["began"] != first.manifest["began"]
        link = tmp_path / "link"
        link.symlink_to(place)
        acquire(process.pid, "-o", tmp_path / "b.msl", "--evidence", link, "--force", code=2)


@sampled()
@pytest.mark.parametrize(
    ("folder", "options"),
    [
        ("x", []),
        ("./x", []),
        ("x.report.json", []),
        ("r", ["--report", "r"]),
        ("kept", ["--report", "kept/r"]),
        (".", ["--force"]),
    ],
)
def test_a_folder_that_is_or_holds_the_dump_or_the_report(
    folder: str, options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if folder == "kept":
        (tmp_path / folder).mkdir()
    before = list(tmp_path.rglob("*"))
    with target("e2e_idle") as (process, _):
        done = acquire(process.pid, "-o", "x", "--evidence", folder, *options, code=2)
        as_found(process.pid)
    assert b"apart" in done.stderr
    assert list(tmp_path.rglob("*")) == before


def test_several_targets_have_a_folder_each(tmp_path: Path) -> None:
    place = tmp_path / "evidence"
    with target("e2e_idle") as (one, _), target("e2e_idle") as (other, _):
        pids = [one.pid, other.pid]
        acquire(*pids, "-o", f"{tmp_path}/dumps/", "--evidence", place)
    assert sorted(os.listdir(place)) == sorted(map(str, pids))
    for pid in pids:
        found = Evidence(place / str(pid), tmp_path / "dumps" / f"{pid}.msl")
        assert found.manifest["dump"]["pid"] == pid


def test_nothing_stays_of_an_acquisition_that_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "evidence"
    with target("e2e_idle") as (process, _):
        limits = ("--max-bytes", "1K")
        acquire(process.pid, "-o", tmp_path / "out.msl", "--evidence", place, *limits, code=6)
    assert os.listdir(tmp_path) == []


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "small", str(place)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"may not mount a tmpfs: {done.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@root_only
def test_a_folder_that_is_full_stops_no_dump(small: Path, tmp_path: Path) -> None:
    """The dump goes on; that evidence is missing is said, by the exit code as well."""
    out, place = tmp_path / "out.msl", small / "evidence"
    with target("e2e_idle") as (process, _):
        done = acquire(process.pid, "-o", out, "--evidence", place, "--min-free", "0", code=3)
        as_found(process.pid)
    assert b"evidence is incomplete" in done.stderr
    verified(out)
    assert report_of(out)["evidence"]["error"] == "ENOSPC"
    assert report_of(out)["status"] == "complete"


@root_only
def test_what_must_stay_free_stays_free(small: Path, tmp_path: Path) -> None:
    out, place = tmp_path / "out.msl", small / "evidence"
    with target("e2e_idle") as (process, _):
        acquire(process.pid, "-o", out, "--evidence", place, code=3)  # 64 MiB are not free there
    found = Evidence(place, out)
    assert found.manifest["files"] == 0
    assert {entry["error"] for entry in found.entries} >= {"ENOSPC"}
