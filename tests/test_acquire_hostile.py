"""Targets that choose names, files and sockets so as to lead the acquirer astray."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from acquire_targets import started

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")

from msl_acquire.linux.facts.connections import connections  # noqa: E402
from msl_acquire.linux.facts.container import container  # noqa: E402
from msl_acquire.linux.facts.descriptors import mount_types  # noqa: E402
from msl_acquire.linux.facts.process import PROCESS_ITEMS  # noqa: E402
from msl_acquire.linux.files_of_target import RootFolder, open_regular  # noqa: E402
from msl_acquire.linux.freeze import cgroup  # noqa: E402
from msl_acquire.linux.freeze.guardian.refusals import refuse_hopeless, tracer_of  # noqa: E402
from msl_acquire.linux.freeze.guardian.thread_state import status_value  # noqa: E402
from msl_acquire.linux.mapped_files import MappedFile, MappedFiles  # noqa: E402
from msl_acquire.linux.maps import mappings  # noqa: E402
from msl_acquire.linux.packages import find_packages  # noqa: E402
from msl_acquire.linux.proc_text import read_status  # noqa: E402

_RENAMED = """
import ctypes, sys
ctypes.CDLL(None).prctl(15, ctypes.c_char_p(bytes.fromhex(sys.argv[1])), 0, 0, 0)
print("ready", flush=True)
sys.stdin.read()
"""
_IN_OPEN = 0x20


@contextmanager
def _renamed(name: bytes) -> Iterator[int]:
    """A process of that short name: its number."""
    with started([sys.executable, "-c", _RENAMED, name.hex()]) as (process, _):
        assert Path(f"/proc/{process.pid}/comm").read_bytes() == name + b"\n"
        yield process.pid


# -- names ---------------------------------------------------------------------------------


def test_a_name_that_calls_itself_a_thread_of_the_kernel() -> None:
    with _renamed(b"x\rKthread:1") as pid:
        refuse_hopeless(pid)
        assert status_value(pid, pid, "Kthread") in ("0", "")  # empty: before Linux 6.8
        assert status_value(pid, pid, "Tgid") == str(pid)
    with _renamed(b"x\rTracerPid:7") as pid:
        assert tracer_of(pid, pid) == 0


@pytest.mark.parametrize("end", ["\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028"])
def test_a_name_with_another_end_of_line(end: str) -> None:
    with _renamed(f"x{end}PPid:1{end}q:".encode()) as pid:
        status = read_status(f"/proc/{pid}")
        assert status["Name"] == f"x{end}PPid:1{end}q:"
        assert (status["PPid"], status["Pid"]) == (str(os.getpid()), str(pid))
        assert "q" not in status
        assert status_value(pid, pid, "PPid") == str(os.getpid())


# -- mounts and control groups ---------------------------------------------------------------

_ID = "0123456789abcdef" * 4
_MOUNTS = (
    b"20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/real rw\n"
    b"21 20 8:2 /a\r22 1 8:3 / / ro - nfs server: ro /m\x85\x0c rw - xfs /dev/b rw\n"
    b"not a mount at all\n"
    b"23 20 8:4 /\r /n rw - tmpfs\x0b tmp\r24 rw\n"
)


def test_mounts_with_another_end_of_line(tmp_path: Path) -> None:
    (tmp_path / "mountinfo").write_bytes(_MOUNTS)
    types = mount_types(str(tmp_path))
    own = {line.split()[0] for line in Path("/proc/self/mountinfo").read_bytes().split(b"\n")[:-1]}
    expected = {"20": "ext4", "21": "nfs", "23": "tmpfs\x0b"}
    told = {number: kind for number, kind in types.items() if number.encode() not in own}
    assert {**told, **{number: types[number] for number in expected}} == {**told, **expected}
    assert not any(number in told for number in ("22", "24", "not"))
    root = PROCESS_ITEMS["root_file_system"](str(tmp_path))
    assert (root["source"], root["device"]) == ("/dev/real", "8:1")


def test_a_control_group_with_another_end_of_line(tmp_path: Path) -> None:
    line = f"0::/user\r0::/docker/{_ID}"
    (tmp_path / "cgroup").write_text(line + "\n", newline="")
    told = container(str(tmp_path))
    assert told["cgroups"] == [line]


def test_the_group_to_freeze_is_the_one_it_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "a\r0::").mkdir()
    (tmp_path / "a\r0::/victim").mkdir()
    files = {
        "/proc/7/cgroup": b"nonsense\n0::/a\r0::/victim\n",
        "/proc/self/mountinfo": b"odd - cgroup2 a rw\n"
        b"30 20 0:9 / " + os.fsencode(tmp_path) + b" rw - cgroup2 none rw\n",
    }
    monkeypatch.setattr(cgroup, "read_bytes", files.__getitem__)
    assert cgroup.groups(7) == [cgroup.ControlGroup(2, f"{tmp_path}/a\r0::/victim")]


def test_the_file_system_of_a_module_is_not_the_targets_to_choose(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        told = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
        match = re.search(r"^mnt_id:\s*(\d+)$", told, re.MULTILINE)
        assert match
        row = f"1 0 8:1 / /a\r{match[1]} 1 8:1 / / rw - btrfs x rw - ext4 x rw\n"
        (tmp_path / "mountinfo").write_text(row, newline="")
        assert MappedFiles(str(tmp_path))._file_system(descriptor) == ""
    finally:
        os.close(descriptor)


# -- sockets -------------------------------------------------------------------------------


def _forged(inode: str) -> bytes:
    return f"\0x\n0: 00000002 00000000 00010000 0001 01 {inode:>5} /forged".encode()


def test_lines_put_into_the_table_of_unix_sockets() -> None:
    """Names of sockets that hold whole lines of /proc/net/unix."""

    def unix(name: bytes) -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        made.bind(name)
        return made

    mark = f"msl {os.getpid()}".encode()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as unbound,
        unix(b"\0 odd\r\x0b " + mark) as plain,
        unix(b"\0victim " + mark) as victim,
    ):
        inodes = {one: os.fstat(one.fileno()).st_ino for one in (unbound, plain, victim)}
        with (
            unix(b"\0a" + mark + b"\nf f f f f f none /x\n0: 1 2 3"),
            unix(_forged(str(inodes[unbound]))),
            unix(_forged(str(inodes[victim]))),
        ):
            table = Path("/proc/self/net/unix").read_bytes().split(b"\n")
            assert sum(line.endswith(b"/forged") for line in table) >= 2  # it can be done
            rows = {row["inode"]: row for row in connections("/proc/self") if "inode" in row}
    assert not [row for row in rows.values() if "error" in row]
    tcp = rows[inodes[unbound]]
    assert tcp["protocol"] != "unix"
    assert "local" not in tcp
    assert rows[inodes[plain]]["local"] == "@ odd\r\x0b " + mark.decode()
    assert "contradicted" not in rows[inodes[plain]]
    assert rows[inodes[victim]]["protocol"] == "unix"
    assert rows[inodes[victim]]["contradicted"] is True


# -- files ---------------------------------------------------------------------------------


class _Watch:
    """Whether a file has been opened, as the kernel tells it."""

    def __init__(self, path: Path) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        self.descriptor = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.descriptor < 0:
            pytest.skip("needs inotify")
        library.inotify_add_watch.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32)
        assert library.inotify_add_watch(self.descriptor, os.fsencode(path), _IN_OPEN) >= 0

    def opened(self) -> bool:
        try:
            return bool(os.read(self.descriptor, 4096))
        except BlockingIOError:
            return False


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[tuple[Path, _Watch]]:
    """A FIFO where the database of packages is looked for."""
    place = tmp_path / "root/lib/apk/db/installed"
    place.parent.mkdir(parents=True)
    os.mkfifo(place)
    watch = _Watch(place)
    yield place, watch
    assert not watch.opened()
    os.close(os.open(place, os.O_RDONLY | os.O_NONBLOCK))
    assert watch.opened()  # it would have been seen
    os.close(watch.descriptor)


def test_what_is_no_file_is_not_opened(tmp_path: Path, fifo: tuple[Path, _Watch]) -> None:
    place, watch = fifo
    root = tmp_path / "root"
    (root / "real").write_bytes(b"own")
    (root / "link").symlink_to("/lib/apk/db/installed")
    assert find_packages(str(root), ["/lib/x.so"], time.monotonic() + 9) == {}
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(str(place))
    with RootFolder(str(root)) as folder:
        for here in (True, False):
            folder._openat2 = folder._openat2 and here  # False: as before Linux 5.6
            assert folder.read("/real", 9) == b"own"
            assert folder.names("/lib/apk") == ["db"]
            for name in ("/lib/apk/db/installed", "/link", "/lib"):
                with pytest.raises(OSError):
                    folder.open(name)
            for name in ("/lib/apk/db/installed", "/real"):
                with pytest.raises(NotADirectoryError):
                    folder.names(name)
    assert not watch.opened()


def test_a_module_whose_name_leads_to_a_fifo(fifo: tuple[Path, _Watch]) -> None:
    place, watch = fifo
    opening = MappedFiles(f"/proc/{os.getpid()}")
    inode = str(place.stat().st_ino).encode()
    file = MappedFile(b"00:00", inode, os.fsencode(place), mappings(os.getpid())[0])
    with contextlib.closing(opening), pytest.raises(OSError):
        opening.by_name(file)
    assert not watch.opened()


@pytest.mark.parametrize("call", ["openat2", "by hand"])
def test_no_link_is_followed_where_none_can_be(tmp_path: Path, call: str) -> None:
    """The names of mapped files lead through no links; one on the way is the target's trick."""
    root = tmp_path / "root"
    (root / "in").mkdir(parents=True)
    (tmp_path / "secret").write_bytes(b"outside")
    (root / "in" / "real").write_bytes(b"own")
    for name, to in (("out", tmp_path), ("around", "in"), ("in/last", "real")):
        (root / name).symlink_to(to)
    with RootFolder(str(root)) as folder:
        if call == "by hand":
            folder._openat2 = False
        elif not folder._openat2:
            pytest.skip("needs openat2 (Linux 5.6)")
        place = folder.find("/in/real")
        assert os.fstat(place).st_ino == (root / "in" / "real").stat().st_ino
        os.close(place)
        for path in ("/out/secret", "/around/real", "/in/last", "/in/none", "/../secret"):
            with pytest.raises(OSError, match=r"symbolic links|No such file"):
                folder.find(path)


def test_a_refused_path_does_not_switch_the_protection_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_bytes(b"outside")
    root = tmp_path / "root"
    root.mkdir()
    (root / "folder").symlink_to(tmp_path)
    (root / "real").write_bytes(b"own")
    with RootFolder(str(root)) as folder:
        if not folder._openat2:
            pytest.skip("needs openat2 (Linux 5.6)")
        find = RootFolder._place

        def refuse(self: RootFolder, name: bytes, links: int) -> int:
            if name == b"real":
                raise PermissionError(1, "Operation not permitted")
            return find(self, name, links)

        monkeypatch.setattr(RootFolder, "_place", refuse)
        with pytest.raises(PermissionError):
            folder.read("/real", 9)
        with pytest.raises(FileNotFoundError):
            folder.read("/folder/secret", 9)
