"""An analyst's session: a suspicious process is captured twice, and looked at with the commands."""

from __future__ import annotations

import json
import mmap
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from acquiring import acquire, linux_only
from commands import run

pytestmark = linux_only

SECRET = "horse-" + "staple-7219"
PROGRAM = f"""
import mmap, os, socket, sys
folder, port = sys.argv[1], int(sys.argv[2])
secret = "horse-" + "staple-" + str(7218 + 1)
kept = bytearray(secret.encode() * 1)
code = mmap.mmap(-1, 2 * {mmap.PAGESIZE}, prot=7)
code[:4] = b"\\x90\\x90\\x90\\xc3"
gone = open(folder + "/gone.log", "w+b")
os.unlink(gone.name)
client = socket.create_connection(("127.0.0.1", port))
print("ready", flush=True)
sys.stdin.readline()
code[4096:4100] = b"\\xcc\\xcc\\xcc\\xcc"
more = mmap.mmap(-1, 16 * {mmap.PAGESIZE})
more[:] = b"m" * len(more)
print("changed", flush=True)
sys.stdin.readline()
"""


@contextmanager
def suspicious(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, folder, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.fixture
def captured(tmp_path: Path) -> Iterator[tuple[Path, Path, int]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with suspicious(tmp_path, port) as process:
            assert said(process) == "ready\n"
            paths = tmp_path / "before.msl", tmp_path / "after.msl"
            acquire(process.pid, "-o", paths[0], "--investigation")
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
            assert said(process) == "changed\n"
            acquire(process.pid, "-o", paths[1], "--investigation")
            yield paths[0], paths[1], port


def found(*words: Any, code: int = 0) -> Any:
    done = run(*words)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_the_whole_of_it(captured: tuple[Path, Path, int]) -> None:
    before, after, port = captured
    # The secret is found, with the region that it stands in.
    hits = found("search", before, SECRET, "--json")
    assert hits
    for hit in hits:
        assert bytes.fromhex(hit["bytes"]).decode() == SECRET
        assert "write" in hit["region"]["protection"]
    # A rule that asks for the rights of the region finds the same.
    rules = before.with_name("rules.yar")
    text = f'"{SECRET}"'
    rules.write_text(
        f'rule secret {{ strings: $s = {text} condition: $s and protection == "rw-" }}'
    )
    matched = found("yara", before, rules, "--json")
    assert {hit["address"] for hit in matched} <= {hit["address"] for hit in hits}
    assert all(hit["rule"] == "secret" for hit in matched)
    # Memory that is written and executed is seen in the tree, and so is nothing else.
    tree = run("inspect", before, "--no-color", COLUMNS="250").stdout.decode()
    marked = [line for line in tree.splitlines() if "W+X" in line and "rwx" in line]
    assert len(marked) == 1
    assert "1 to look at" in tree
    # What was put there can be read.
    place = marked[0].split("0x")[1].split()[0]
    code = run("read", before, f"0x{place}", "4", "--raw").stdout
    assert code == b"\x90\x90\x90\xc3"
    # The socket and the deleted file are in the tables.
    rows = found("inspect", before, "--json", "--show", "connections,handles")
    assert any(row["remote"] == f"127.0.0.1:{port}" for row in rows["connections"])
    assert any(row["path"].endswith("gone.log (deleted)") for row in rows["handles"])
    # What changed is said.
    difference = found("diff", before, after, "--json", "--bytes", code=1)
    assert difference["align"] == "address"
    runs = {row["base_addr"]: list(zip(row["runs"], row["bytes"])) for row in difference["changes"]}
    pages = difference["pages"]
    assert pages["changed"]
    patched = int(place, 16) + 4096
    new = found("read", after, hex(patched), "4", "--json")
    assert new["runs"] == [
        {"address": hex(patched), "length": 4, "state": "captured", "bytes": "cccccccc"}
    ]
    old = run("read", before, hex(patched), "4")
    if old.returncode == 0:
        assert any(
            int(address, 16) == patched and bytes_[1].startswith("cccccccc")
            for listed in runs.values()
            for (address, _), bytes_ in listed
        )
    else:  # the page was not there before: nobody can say that it changed
        assert pages["unknown"]
    # And it is the same process.
    assert difference["modules"] == {"added": [], "removed": [], "moved": [], "replaced": []}
