"""Acquiring with ``--investigation``: the machine as it was, in the dump, tied to the report."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from acquire_targets import target
from acquiring import Dump, acquire, linux_only, report_of, verified
from commands import PLACE, run

pytestmark = linux_only

CASE = "2026-117 «ä»"
TCP_ESTABLISHED, TCP_LISTEN = 1, 10


def tables(dump: Path, *names: str) -> dict[str, list[dict[str, Any]]]:
    done = run("inspect", dump, "--json", "--show", ",".join(names))
    assert done.returncode == 0, done.stderr
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return found


@pytest.fixture
def listening() -> Iterator[tuple[int, int, socket.socket]]:
    """A process of its own that listens, and a connection to it."""
    program = (
        "import socket, sys\n"
        "s = socket.socket(socket.AF_INET6); s.bind(('::1', 0)); s.listen()\n"
        "print(s.getsockname()[1], flush=True)\n"
        "c, _ = s.accept(); print('in', flush=True); f = open(sys.executable)\n"
        "c.recv(1)\n"
    )
    process = subprocess.Popen(["python3", "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    with socket.create_connection(("::1", port)) as client:
        assert process.stdout.readline() == "in\n"
        yield process.pid, port, client
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_machine_is_in_the_dump(
    tmp_path: Path, listening: tuple[int, int, socket.socket]
) -> None:
    pid, port, client = listening
    path = tmp_path / "dump.msl"
    acquire(pid, "-o", path, "--investigation", "--case", CASE)
    verified(path)
    assert run("check", path).returncode == 0
    dump = Dump(path)
    assert "investigation" in dump.header["flags"]
    assert dump.blocks[2]["block_type"] == "system_context"
    uuid = dump.blocks[2]["block_uuid"]
    children = [block for block in dump.blocks if block["parent_uuid"] == uuid]
    assert {block["block_type"] for block in children} == {
        "process_table", "connection_table", "handle_table",
    }  # fmt: skip
    found = tables(path, "processes", "connections", "handles")
    marked = [row["pid"] for row in found["processes"] if row["is_target"]]
    assert marked == [pid]
    by_pid = {row["pid"]: row for row in found["processes"]}
    ours = psutil.Process()
    mine = by_pid[os.getpid()]
    assert (mine["ppid"], mine["uid"], mine["exe"]) == (ours.ppid(), os.getuid(), ours.exe())
    assert (
        abs(int(mine["start_time"]) / 1e9 - ours.create_time()) < 1.1
    )  # psutil knows seconds of the boot
    rows = [row for row in found["connections"] if row["pid"] == pid]
    assert {(row["protocol"], row["state"], row["local"], row["remote"]) for row in rows} == {
        ("tcp", TCP_LISTEN, f"[::1]:{port}", "[::]:0"),
        ("tcp", TCP_ESTABLISHED, f"[::1]:{port}", f"[::1]:{client.getsockname()[1]}"),
    }
    handles = {row["fd"]: row["path"] for row in found["handles"]}
    expected = {int(p.name): os.readlink(p) for p in Path(f"/proc/{pid}/fd").iterdir()}
    assert handles == expected


def test_the_system_context_is_laid_out_as_the_reference_acquirer_does(tmp_path: Path) -> None:
    path = tmp_path / "dump.msl"
    with target("e2e_idle") as (process, _):
        acquire(process.pid, "-o", path, "--investigation", "--case", CASE)
    dump = Dump(path)
    raw = bytes(dump.payloads[2])
    boot, targets, bitmap = struct.unpack_from("<QBI", raw)
    assert abs(boot / 1e9 - psutil.boot_time()) < 2
    assert (targets, bitmap) == (1, 0b111)
    lengths = struct.unpack_from("<5H", raw, 13)
    texts, at = [], 32
    for length in lengths:
        texts.append(raw[at : at + length].rstrip(b"\0").decode())
        at += -(-length // 8) * 8
    assert at == len(raw)
    user, host, _, system, case = texts
    assert (user, host, case) == (psutil.Process().username(), socket.gethostname(), CASE)
    assert system.startswith(f"Linux {os.uname().release}")


def test_the_report_is_tied_to_the_dump(tmp_path: Path) -> None:
    path = tmp_path / "dump.msl"
    with target("e2e_idle") as (process, _):
        acquire(process.pid, "-o", path, "--investigation")
    report = tmp_path / "dump.msl.report.json"
    done = run("verify", path, "--report", report, "--json")
    assert done.returncode == 0
    assert "target" in json.loads(done.stdout)["report"]["agrees"]
    told = json.loads(report.read_text())
    told["target"]["environment"]["variables"] = ["NOTHING=here"]
    report.write_text(json.dumps(told))
    done = run("verify", path, "--report", report, "--json")
    assert done.returncode == 1
    kinds = [row["kind"] for row in json.loads(done.stdout)["report"]["findings"]]
    assert kinds == ["report_target"]


def test_without_it_there_is_nothing_of_the_machine(tmp_path: Path) -> None:
    path = tmp_path / "dump.msl"
    with target("e2e_idle") as (process, _):
        acquire(process.pid, "-o", path)
    dump = Dump(path)
    assert not dump.of("system_context")
    assert "investigation" not in report_of(path)


def test_a_draft_without_tables_refuses(tmp_path: Path) -> None:
    with target("e2e_idle") as (process, _):
        acquire(
            process.pid, "-o", tmp_path / "dump.msl", "--investigation", "--draft",
            "draft-2026-03", code=2,
        )  # fmt: skip
    assert not (tmp_path / "dump.msl").exists()


@pytest.mark.parametrize("compress", ["none", "zstd"])
def test_memslicer_verifies_it(tmp_path: Path, compress: str) -> None:
    python = os.environ.get("MSL_MEMSLICER_PYTHON")
    if not python:
        pytest.skip("MSL_MEMSLICER_PYTHON names no interpreter with memslicer")
    path = tmp_path / "dump.msl"
    with target("e2e_idle") as (process, _):
        acquire(process.pid, "-o", path, "--investigation", "--compress", compress)
    done = subprocess.run(
        [Path(python).with_name("memslicer"), "verify", path], capture_output=True, cwd=PLACE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert b"VALID" in done.stdout
