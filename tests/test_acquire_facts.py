"""The facts of the report: a program that says what it holds, psutil, and the system's own
files read by hand."""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from acquire_targets import compiled, started, target

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")

from msl_acquire.linux.facts import facts  # noqa: E402
from msl_acquire.linux.facts.connections import address_of  # noqa: E402
from msl_acquire.linux.facts.container import recognise  # noqa: E402
from msl_acquire.linux.facts.security import capability_names  # noqa: E402
from msl_acquire.linux.find import children  # noqa: E402
from msl_acquire.linux.host import clocks, host  # noqa: E402


def _said(lines: list[str]) -> dict[str, list[int]]:
    return {name: list(map(int, rest)) for name, *rest in map(str.split, lines)}


def _held(tmp_path: Path, more: int = 0) -> Any:
    return target(
        "meta_descriptors", str(tmp_path / "kept file"), str(tmp_path / "lost"), str(more)
    )


def test_descriptors(tmp_path: Path) -> None:
    with _held(tmp_path) as (process, lines):
        said = _said(lines)
        rows = {row["fd"]: row for row in facts(process.pid)["descriptors"]}
        assert set(rows) == set(map(int, os.listdir(f"/proc/{process.pid}/fd")))
        kinds = {name: rows[numbers[0]]["kind"] for name, numbers in said.items()}
        assert kinds == {
            "file": "file",
            "deleted": "file",
            "directory": "directory",
            "path": "directory",
            "null": "character_device",
            "eventfd": "eventfd",
            "memfd": "memfd",
            "timerfd": "timerfd",
            "pipe": "pipe",
            "epoll": "eventpoll",
            **{name: "socket" for name in said if name.startswith(("tcp", "udp", "un", "net"))},
        }
        file = rows[said["file"][0]]
        assert file["target"] == str(tmp_path / "kept file")
        assert file["inode"] == (tmp_path / "kept file").stat().st_ino
        assert file["position"] == 10
        assert (file["access"], file["deleted"]) == ("read_write", False)
        assert {"append", "cloexec"} == set(file["flag_names"]) - {"largefile"}
        lost = rows[said["deleted"][0]]
        assert lost["deleted"]
        assert lost["access"] == "write"
        assert lost["target"] == f"{tmp_path / 'lost'} (deleted)"
        assert rows[said["path"][0]]["access"] == "path"
        count = next(line for line in rows[said["eventfd"][0]]["details"] if "count" in line)
        assert count.split() == ["eventfd-count:", "5"]
        watched = rows[said["epoll"][0]]["details"]
        assert any(line.split()[:2] == ["tfd:", str(said["epoll"][1])] for line in watched)
        opened = {row.path for row in psutil.Process(process.pid).open_files()}
        assert opened <= {row["target"] for row in rows.values()}


def test_connections(tmp_path: Path) -> None:
    with _held(tmp_path) as (process, lines):
        said = _said(lines)
        rows = {row["descriptors"][0]: row for row in facts(process.pid)["connections"]}
        sockets = {
            int(name)
            for name in os.listdir(f"/proc/{process.pid}/fd")
            if os.readlink(f"/proc/{process.pid}/fd/{name}").startswith("socket:")
        }
        assert set(rows) == sockets
        port = said["tcp_listen"][1]
        listening = rows[said["tcp_listen"][0]]
        assert (listening["protocol"], listening["state"]) == ("tcp", "listen")
        assert (listening["local"], listening["remote"]) == (f"127.0.0.1:{port}", "0.0.0.0:0")
        connected = rows[said["tcp"][0]]
        assert connected["local"] == f"127.0.0.1:{said['tcp'][1]}"
        assert (connected["remote"], connected["state"]) == (f"127.0.0.1:{port}", "established")
        assert connected["receive_queue"] == 3
        accepted = rows[said["tcp_accepted"][0]]
        assert accepted["local"] == connected["remote"]
        assert accepted["remote"] == connected["local"]
        assert rows[said["udp"][0]]["local"] == f"127.0.0.1:{said['udp'][1]}"
        assert rows[said["udp"][0]]["protocol"] == "udp"
        if "tcp6" in said:
            assert rows[said["tcp6"][0]]["local"] == f"[::1]:{said['tcp6'][1]}"
        unix = rows[said["unix"][0]]
        assert unix["local"] == f"@msl test {process.pid}"
        assert (unix["type"], unix["state"]) == ("seqpacket", "listen")
        netlink = rows[said["netlink"][0]]
        assert (netlink["protocol"], netlink["family"]) == ("netlink", 0)
        assert netlink["listed"]
        unbound = rows[said["unbound"][0]]
        assert not unbound["listed"]
        assert unbound["protocol"] in ("tcp", "")
        for other in psutil.Process(process.pid).net_connections("inet"):
            if other.laddr:
                shape = "[{}]:{}" if other.family == socket.AF_INET6 else "{}:{}"
                assert rows[other.fd]["local"] == shape.format(*other.laddr)


def test_addresses_are_numbers_of_the_machine() -> None:
    def shown(packed: bytes, port: int) -> bytes:
        words = struct.unpack(f"={len(packed) // 4}I", packed)
        return "".join(f"{word:08X}" for word in words).encode() + b":%04X" % port

    assert address_of(shown(bytes([192, 0, 2, 1]), 443)) == "192.0.2.1:443"
    six = socket.inet_pton(socket.AF_INET6, "2001:db8::1:2:3")
    assert address_of(shown(six, 65535)) == "[2001:db8::1:2:3]:65535"


def test_the_plain_facts() -> None:
    with target("meta_program", "argv0", "shown") as (process, _):
        told = facts(process.pid)
        other = psutil.Process(process.pid)
        assert told["arguments"] == ["shown", "", "two words", ""]
        assert told["environment"]["variables"] == ["FIRST=1", "EMPTY=", "ODD=\\xff"]
        assert told["working_directory"] == os.getcwd()
        assert told["root_directory"] == os.readlink(f"/proc/{process.pid}/root")
        assert told["executable"] == str(compiled("meta_program"))
        assert told["namespace_pids"][0] == process.pid
        assert told["parents"][0]["pid"] == os.getpid()
        assert [row["pid"] for row in told["parents"]] == [p.pid for p in other.parents()]
        assert told["status"]["Name"] == other.name()
        assert told["limits"]["Max open files"]["soft"] == str(
            other.rlimit(psutil.RLIMIT_NOFILE)[0]
        )
        auxiliary = {row["type"]: row["value"] for row in told["auxiliary_vector"]}
        raw = Path(f"/proc/{process.pid}/auxv").read_bytes()
        assert len(told["auxiliary_vector"]) == len(raw) // (2 * struct.calcsize("N")) - 1
        assert int(auxiliary["AT_PAGESZ"], 16) == os.sysconf("SC_PAGE_SIZE")
        assert int(auxiliary["AT_CLKTCK"], 16) == os.sysconf("SC_CLK_TCK")
        assert told["io"]["rchar"] == other.io_counters().read_chars
        assert told["out_of_memory_adjustment"] == int(
            Path(f"/proc/{process.pid}/oom_score_adj").read_text()
        )
        mounted = next(part for part in psutil.disk_partitions(all=True) if part.mountpoint == "/")
        assert told["root_file_system"]["type"] == mounted.fstype
        assert int(told["start"]["precision"]) == 10**9 // os.sysconf("SC_CLK_TCK")
        json.dumps(told).encode()


def test_credentials_and_namespaces() -> None:
    with target("meta_program") as (process, _):
        told, other = facts(process.pid), psutil.Process(process.pid)
        credentials = told["credentials"]
        kinds = ("real", "effective", "saved")
        assert tuple(credentials["uids"][kind] for kind in kinds) == tuple(other.uids())
        assert tuple(credentials["gids"][kind] for kind in kinds) == tuple(other.gids())
        assert sorted(credentials["groups"]) == sorted(os.getgroups())
        assert credentials["no_new_privileges"] is False
        for name, row in told["namespaces"].items():
            assert row["inode"] == os.stat(f"/proc/{process.pid}/ns/{name}").st_ino
            assert row["same_as_acquirer"], name


def test_the_names_of_capabilities() -> None:
    tool = shutil.which("capsh")
    assert capability_names(1 << 19 | 1) == ["cap_chown", "cap_sys_ptrace"]
    assert capability_names(1 << 60) == ["cap_60"]
    if tool is None:
        pytest.skip("needs capsh")
    mask = (1 << 38) - 1
    said = subprocess.run([tool, f"--decode={mask:x}"], capture_output=True, text=True, check=True)
    assert said.stdout.strip().partition("=")[2].split(",") == capability_names(mask)


def test_another_user_without_privileges() -> None:
    tool = shutil.which("setpriv")
    if os.geteuid() != 0 or tool is None:
        pytest.skip("needs root and setpriv")
    options = ["--reuid=65534", "--regid=65533", "--groups=7,8", "--no-new-privs"]
    command = [tool, *options, "sh", "-c", "echo ready; exec sleep 1000"]
    with started(command) as (process, _):
        credentials = facts(process.pid)["credentials"]
        assert set(credentials["uids"].values()) == {65534}
        assert set(credentials["gids"].values()) == {65533}
        assert credentials["groups"] == [7, 8]
        assert credentials["no_new_privileges"] is True
        assert credentials["capabilities"]["effective"] == {"mask": "0x0", "names": []}


def test_of_another_pid_namespace() -> None:
    tool = shutil.which("unshare")
    if os.geteuid() != 0 or tool is None:
        pytest.skip("needs root and unshare")
    command = [tool, "-p", "-f", "--mount-proc", "--kill-child", "sh", "-c", "echo ready; read x"]
    if subprocess.run([*command[:5], "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs PID namespaces")
    with started(command) as (process, _):
        (inner,) = children(process.pid)
        told = facts(inner)
        assert told["namespace_pids"] == [inner, 1]
        assert not told["namespaces"]["pid"]["same_as_acquirer"]
        assert not told["namespaces"]["mnt"]["same_as_acquirer"]
        assert told["namespaces"]["net"]["same_as_acquirer"]
        assert told["parents"][0]["pid"] == process.pid


def test_what_can_not_be_read_says_why() -> None:
    process = subprocess.Popen(["true"])
    try:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        told = facts(process.pid)
        # Of a zombie, status and parents are left; the links and the memory are not.
        assert told["executable"] == {"error": "ENOENT", "detail": "No such file or directory"}
        assert told["status"]["State"].startswith("Z")
        assert told["parents"][0]["pid"] == os.getpid()
    finally:
        process.wait(60)
    gone = facts(process.pid)
    assert set(gone) == set(told)
    for name, value in gone.items():
        assert value["error"] in ("ENOENT", "ESRCH"), name
    json.dumps([told, gone])


_LONG = "0123456789abcdef" * 4
_POD = "1d7b3b2e-aaaa-bbbb-cccc-0123456789ab"
_KUBEPODS = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod"


@pytest.mark.parametrize(
    ("groups", "mounts", "expected"),
    [
        (["0::/user.slice/user-1000.slice/session-2.scope"], [], ("", "", "")),
        ([f"4:memory:/docker/{_LONG}"], [], ("docker", _LONG, "")),
        ([f"0::/system.slice/docker-{_LONG}.scope"], [], ("docker", _LONG, "")),
        (
            [f"0::{_KUBEPODS}{_POD.replace('-', '_')}.slice/cri-containerd-{_LONG}.scope"],
            [],
            ("containerd", _LONG, _POD),
        ),
        ([f"0::{_KUBEPODS}{_POD}.slice/crio-{_LONG}.scope"], [], ("cri-o", _LONG, _POD)),
        ([f"11:cpu:/kubepods/besteffort/pod{_POD}/{_LONG}"], [], ("", _LONG, _POD)),
        (
            [f"0::/user.slice/user@1000.service/user.slice/libpod-{_LONG}.scope/container"],
            [],
            ("podman", _LONG, ""),
        ),
        (["0::/lxc.payload.web/init.scope"], [], ("lxc", "web", "")),
        (
            ["0::/"],
            [
                "1 0 8:1 / / rw - ext4 /dev/sda1 rw",
                f"700 650 254:1 /var/lib/docker/containers/{_LONG}/hostname /etc/hostname rw - "
                "ext4 /dev/vda1 rw",
            ],
            ("docker", _LONG, ""),
        ),
        (
            ["0::/"],
            [f"7 6 8:1 /var/lib/kubelet/pods/{_POD}/etc-hosts /etc/hosts rw - ext4 /dev/sda rw"],
            ("", "", _POD),
        ),
    ],
)
def test_containers(groups: list[str], mounts: list[str], expected: tuple[str, ...]) -> None:
    told = recognise(groups, mounts)
    assert (told["runtime"], told["container_id"], told["pod_uid"]) == expected
    assert bool(told["evidence"]) == any(expected)
    assert set(told["evidence"]) <= {*groups, *mounts}


def test_the_machine_and_its_clocks() -> None:
    told = host()
    assert told["name"] == socket.gethostname()
    assert told["kernel"] == os.uname().release
    assert told["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert told["acquirer"]["pid"] == os.getpid()
    assert told["acquirer"]["effective_uid"] == os.geteuid()
    json.dumps(told)
    before = time.time_ns(), time.monotonic_ns()
    now = clocks()
    after = time.time_ns(), time.monotonic_ns()
    assert before[0] <= int(now["realtime"]) <= after[0]
    assert before[1] <= int(now["monotonic"]) <= after[1]
    assert int(now["realtime_minus_boottime"]) == int(now["realtime"]) - int(now["boottime"])
    assert 0 <= int(now["uncertainty"]) < 10**9
    assert abs(int(now["realtime_minus_boottime"]) / 1e9 - psutil.boot_time()) < 1.1


# -- an environment that is no longer there --------------------------------------------------


@pytest.mark.parametrize(
    ("how", "state", "remains", "variables"),
    [
        ("keep", "as strings", b"", ["A=1", "B=2"]),
        ("zeros", "overwritten", b"", []),
        ("title", "overwritten", b"worker: idle", ["worker: idle"]),
        ("part", "overwritten", b"A=1", ["A=1"]),
    ],
)
def test_an_overwritten_environment_is_called_so(
    how: str, state: str, remains: bytes, variables: list[str]
) -> None:
    padding = "C=" + "x" * 30
    command = ["env", "-i", "A=1", "B=2", padding, str(compiled("environment")), how]
    with started(command) as (process, _):
        told = facts(process.pid, f"/proc/{process.pid}")["environment"]
    assert told["state"].partition(":")[0] == state
    assert told["size"] == len(f"A=1 B=2 {padding} ")
    assert bytes.fromhex(told["remains"]) == remains
    assert told["variables"] == ([*variables, padding] if how == "keep" else variables)


def test_no_environment_is_called_empty() -> None:
    with started(["env", "-i", str(compiled("environment")), "keep"]) as (process, _):
        told = facts(process.pid, f"/proc/{process.pid}")["environment"]
    assert told["state"].startswith("empty")
    assert (told["size"], told["variables"]) == (0, [])
