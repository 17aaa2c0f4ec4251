"""Where dumps and reports go: made anew, their owner's alone, never through a link."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from acquire_targets import started
from acquiring import acquire, as_found, command, environment, linux_only, root_only, verified
from commands import run
from unprivileged import as_nobody

from msl_construct.outputs import NewFile, check_place, whole_file

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")

NOBODY = 65534
SAMPLE = Path(__file__).parents[1] / "samples" / "live-le.msl"
OLD = b"what somebody had before"


@pytest.fixture(scope="module", name="pid")
def a_process() -> Iterator[int]:
    with started(["sleep", "600"], ready="") as (process, _):
        yield process.pid


@pytest.fixture(name="document", scope="module")
def a_document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sample = next((Path(__file__).parents[1] / "samples" / "valid").glob("all-captured-10-le.msl"))
    document = tmp_path_factory.mktemp("document") / "a.json"
    done = run("inspect", "--json", "--with-data", sample)
    assert done.returncode == 0
    document.write_bytes(done.stdout)
    return document


Writing = Callable[[Path, int], None]


@pytest.fixture(name="write", params=["acquire", "report", "build"])
def a_writer(request: pytest.FixtureRequest, document: Path) -> Writing:
    """A command that writes to a path, with --force, and must end with this exit code."""

    def write(path: Path, code: int) -> None:
        if request.param == "build":
            assert run("build", document, "-o", path, "--force").returncode == code
            return
        if not Path("/proc/self/pagemap").exists():
            pytest.skip("needs Linux")
        pid = request.getfixturevalue("pid")
        if request.param == "acquire":
            acquire(pid, "-o", path, "--force", "--no-report", code=code)
            return
        dump = path.with_name(f"{path.name}.of")
        acquire(pid, "-o", dump, "--report", path, "--force", code=code)

    return write


def ours_alone(path: Path) -> None:
    found = path.lstat()
    assert stat.S_ISREG(found.st_mode)
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (os.geteuid(), 0o600)
    assert found.st_nlink == 1
    assert path.read_bytes()[:8] != OLD[:8]


def nothing_besides(folder: Path) -> None:
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_a_file_that_everybody_reads_is_replaced(write: Writing, tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(OLD)
    path.chmod(0o666)
    with path.open("rb") as reader:  # somebody has it open, and goes on reading the old one
        write(path, 0)
        assert reader.read() == OLD
    ours_alone(path)
    nothing_besides(tmp_path)


@root_only
def test_another_users_file_is_replaced(write: Writing, tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(OLD)
    os.chown(path, NOBODY, NOBODY)
    write(path, 0)
    ours_alone(path)


def test_a_second_name_keeps_what_it_had(write: Writing, tmp_path: Path) -> None:
    path, other = tmp_path / "out", tmp_path / "other"
    other.write_bytes(OLD)
    os.link(other, path)
    write(path, 0)
    ours_alone(path)
    assert other.read_bytes() == OLD


@pytest.mark.parametrize("there", [True, False], ids=["to a file", "to nothing"])
def test_a_link_is_refused_and_not_followed(write: Writing, there: bool, tmp_path: Path) -> None:
    path, victim = tmp_path / "out", tmp_path / "victim"
    if there:
        victim.write_bytes(OLD)
    path.symlink_to(victim)
    write(path, 2)
    assert path.is_symlink()
    assert victim.exists() is there
    assert not there or victim.read_bytes() == OLD
    assert not (tmp_path / "out.of").exists()


def test_a_device_stays_one(write: Writing, tmp_path: Path) -> None:
    link = tmp_path / "null"  # as /dev/stdout is a link
    link.symlink_to(os.devnull)
    write(link, 0)
    assert link.is_symlink()
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_named_pipe_stays_one(write: Writing, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()), daemon=True)
    reader.start()
    write(path, 0)
    reader.join(60)
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert got
    assert got[0]


@linux_only
def test_a_folders_default_access_list_gives_nobody_anything(pid: int, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        acquire(pid, "-o", tmp_path / "out")
    finally:
        os.umask(old)
    ours_alone(tmp_path / "out")
    ours_alone(tmp_path / "out.report.json")


@root_only
def test_anothers_link_in_a_folder_of_everybody_is_refused(tmp_path: Path) -> None:
    everybody = tmp_path / "tmp"
    everybody.mkdir()
    everybody.chmod(0o1777)
    ours = tmp_path / "ours"
    ours.mkdir()
    (everybody / "way").symlink_to(ours)
    os.lchown(everybody / "way", NOBODY, NOBODY)
    with pytest.raises(OSError, match=f"link of user {NOBODY}"):
        check_place(everybody / "way" / "out", force=True)
    os.lchown(everybody / "way", 0, 0)
    check_place(everybody / "way" / "out", force=True)


@root_only
@linux_only
@pytest.mark.parametrize("sticky", [True, False], ids=["sticky", "plain"])
def test_anothers_file_where_only_its_owner_may_replace_it(sticky: bool) -> None:
    with (
        as_nobody() as (prefix, place),
        started([*prefix, "sleep", "600"], ready="") as (process, _),
    ):
        out = place / "out"
        out.write_bytes(OLD)
        out.chmod(0o666)
        if sticky:
            place.chmod(0o1777)
        done = subprocess.run(
            [*prefix, *command(process.pid, "-o", out, "--force")],
            env=environment(),
            capture_output=True,
            check=False,
        )
        assert done.returncode == (2 if sticky else 0), done.stderr
        assert (out.read_bytes() == OLD) is sticky
        assert (place / "out.report.json").exists() is not sticky
        if sticky:
            assert b"sticky" in done.stderr
            check_place(out, force=True)  # root may
        as_found(process.pid)


@pytest.fixture(name="named", params=[False, True], ids=["no name", "hidden name"])
def with_and_without_a_name(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Whether what is being written has a name: here it need not, elsewhere it must."""
    if request.param:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    elif not hasattr(os, "O_TMPFILE"):
        pytest.skip("needs files without a name")
    return bool(request.param)


@pytest.mark.parametrize("force", [False, True])
def test_a_file_appears_when_it_is_put_in_place(named: bool, force: bool, tmp_path: Path) -> None:
    path = tmp_path / "out"
    for _ in range(1 + force):
        before = path.read_bytes() if path.exists() else None
        with NewFile(path, force=force) as new:
            new.file.write(b"new")
            assert (path.read_bytes() if path.exists() else None) == before
            assert len([one for one in tmp_path.iterdir() if one != path]) == named
            new.settle()
            new.settle()
            assert [one.name for one in tmp_path.iterdir()] == ["out"]
            new.file.write(b" and more")
        ours_alone(path)
        assert path.read_bytes() == b"new and more"


@pytest.mark.usefixtures("named")
def test_nothing_happens_without_settle(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(OLD)
    with NewFile(path, force=True) as new:
        new.file.write(b"new")
    assert path.read_bytes() == OLD
    with pytest.raises(ZeroDivisionError), whole_file(path, force=True) as file:
        file.write(b"new")
        raise ZeroDivisionError
    assert path.read_bytes() == OLD
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("named")
def test_what_came_meanwhile_is_not_replaced_unasked(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with pytest.raises(FileExistsError), whole_file(path) as file:
        file.write(b"new")
        path.write_bytes(OLD)
    assert path.read_bytes() == OLD
    assert list(tmp_path.iterdir()) == [path]


@linux_only
def test_what_is_forced_is_a_whole_dump(pid: int, tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(OLD * 100_000)
    acquire(pid, "-o", path, "--force")
    verified(path)
    nothing_besides(tmp_path)


@pytest.mark.parametrize(
    "words",
    [("convert", "--losses"), ("recover", "--report")],
    ids=lambda words: words[0],
)
def test_two_outputs_are_two_files(tmp_path: Path, words: tuple[str, str]) -> None:
    """Else the dump that was just written would be replaced by what is said of it."""
    command, option = words
    (tmp_path / "new.msl").write_bytes(OLD)
    (tmp_path / "link").symlink_to(tmp_path)
    for other in ("new.msl", "./new.msl", "link/new.msl"):
        done = run(command, SAMPLE, "-o", "new.msl", option, other, "--force", folder=tmp_path)
        assert done.returncode == 2
        assert (tmp_path / "new.msl").read_bytes() == OLD
    done = run(command, SAMPLE, "-o", "new.msl", option, "new.json", "--force", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new.msl").read_bytes()[:8] == b"MEMSLICE"
    assert (tmp_path / "new.json").read_bytes()[:1] == b"{"
