"""Real processes of each kind, acquired and compared with what /proc shows by hand.

The target is stopped by the test and stays stopped, so that both readings must agree on
every byte. Who wrote the expectations: the kernel.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from acquire_targets import Running, started
from acquiring import (
    PAGE,
    Dump,
    acquire,
    as_found,
    linux_only,
    maps,
    may_be_zero_page,
    report_of,
    states,
    status,
    stopped,
    tasks,
    untouched,
    verified,
    wait_until,
)
from blake3 import blake3
from sampling import sampled

pytestmark = linux_only

PYTHON = """
import threading, time
keep = [bytes([i]) * 5000 for i in range(256)]
for i in range(4):
    threading.Thread(target=time.sleep, args=(1000,), daemon=True, name=f"sleeper-{i}").start()
print("ready", flush=True)
time.sleep(1000)
"""
NODE = """
const keep = []; for (let i = 0; i < 1000; i++) keep.push({number: i, text: 'x'.repeat(i)});
setInterval(() => keep.push(keep.length), 1000); console.log('ready');
"""
JAVA = """
public class Waiting {
    public static void main(String[] arguments) throws Exception {
        byte[][] keep = new byte[100][];
        for (int i = 0; i < keep.length; i++) keep[i] = new byte[1000 * i];
        System.out.println("ready");
        Thread.sleep(1000000);
    }
}
"""
SHELL = 'words="some words that stay"; trap "exit 0" TERM; echo ready; read -r line; echo "$words"'


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}")
    return found


@contextlib.contextmanager
def _kind(kind: str, place: Path) -> Iterator[Running]:
    """A process of this kind, at work."""
    ready = "ready"
    if kind == "sleep":
        command, ready = [_tool("sleep"), "1000"], ""
    elif kind == "python":
        command = [sys.executable, "-c", PYTHON]
    elif kind == "node":
        command = [_tool("node"), "-e", NODE]
    elif kind == "java":
        source = place / "Waiting.java"
        source.write_text(JAVA)
        command = [_tool("java"), "-Xmx64m", "-XX:+UseSerialGC", str(source)]
    else:
        command = [_tool("sh"), "-c", SHELL]
    with started(command, ready) as (process, _):
        if not ready:  # it says nothing; it must have got past exec and its linker
            wait_until(lambda: sleeps(process.pid), "it sleeps")
        yield process


def sleeps(pid: int) -> bool:
    """Whether it is in a call of its own to sleep: nanosleep, clock_nanosleep."""
    number = Path(f"/proc/{pid}/syscall").read_text().split()[0]
    return number in ("35", "230") if os.uname().machine == "x86_64" else states(pid) == {"S"}


CASES = [
    ("sleep", "draft-2026-03", "none", "file"),
    ("sleep", "draft-2026-03", "zstd", "file"),
    ("sleep", "draft-2026-10", "lz4", "stdout"),
    ("python", "draft-2026-03", "lz4", "file"),
    ("python", "draft-2026-10", "none", "stdout"),
    ("node", "draft-2026-10", "zstd", "file"),
    ("java", "draft-2026-10", "lz4", "file"),
    ("shell", "draft-2026-10", "zstd", "file"),
    ("shell", "draft-2026-03", "none", "stdout"),
]


@sampled("way")
@pytest.mark.parametrize(("kind", "draft", "compress", "way"), CASES)
def test_a_real_process_is_captured_as_it_is(
    kind: str, draft: str, compress: str, way: str, tmp_path: Path
) -> None:
    out = tmp_path / "out.msl"
    options = ["--draft", draft, "--compress", compress, "--freeze", "ptrace"]
    with _kind(kind, tmp_path) as process:
        pid = process.pid
        with stopped(pid):
            lines, never, began = maps(pid), untouched(pid), time.time_ns()
            if way == "file":
                acquire(pid, "-o", out, *options)
                assert report_of(out)
            else:
                with out.open("wb") as file:
                    acquire(pid, "-o", "-", *options, stdout=file)
            ended = time.time_ns()
            assert states(pid) == {"T"}, "found stopped, and not left stopped"
            assert status(pid, "TracerPid") == "0"
            verified(out)
            dump = Dump(out)
            assert dump.revised is (draft == "draft-2026-10")
            assert bool(compress != "none") is any("compressed" in b["flags"] for b in dump.blocks)
            assert began <= int(dump.header["timestamp"]) <= ended
            assert all(began <= region.timestamp <= ended for region in dump.regions)
            _every_mapping_is_there(dump, pid)
            _memory_is_that_of(dump, pid, never)
            _modules_are_those_of(dump, pid)
            _threads_are_those_of(dump, pid)
            _identity_is_that_of(dump, pid)
            _address_space_is_that_of(dump, pid)
            _categories_are_exact(dump)
            assert maps(pid) == lines, "its address space changed under the acquisition"
        as_found(pid)


def _every_mapping_is_there(dump: Dump, pid: int) -> None:
    for line in maps(pid):
        if line.name == "[vsyscall]":  # not memory of the process
            continue
        assert "absent" not in dump.states(line.start, line.end), line
    spans = sorted((region.base, region.base + region.size) for region in dump.regions)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans)), "overlap"


def _memory_is_that_of(dump: Dump, pid: int, never: set[int]) -> None:
    """Captured bytes equal, zeros only where provable, failures only where reading fails."""
    captured = 0
    barred: set[int] = set()
    for line in maps(pid):
        if "r" not in line.permissions:
            barred.update(range(line.start, line.end, PAGE))
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, size, state, data in dump.stretches():
            assert state in ("captured", "failed", "not_resident"), (hex(start), state)
            if start >= 1 << 47:
                assert state == "failed"
                continue
            for offset in range(0, size, PAGE):
                address = start + offset
                page = data[offset : offset + PAGE]
                if address in never and state == "failed":
                    # Nobody could have read it, and nothing is there: draft-2026-03 has no
                    # better word. Anybody else's must not hide behind it.
                    assert not dump.revised
                    assert address in barred, hex(address)
                elif address in never:
                    # Reading it here would prove nothing that pagemap did not say already.
                    if state == "captured":
                        assert not dump.revised
                        assert bytes(page) == bytes(PAGE), hex(address)
                    else:
                        assert state == "not_resident", (hex(address), state)
                if address in never:
                    continue
                if state == "not_resident":
                    assert may_be_zero_page(pid, address), f"{address:#x} is not provably zeros"
                    page = bytes(PAGE)
                try:
                    found = os.pread(memory.fileno(), PAGE, address)
                except OSError:
                    found = b""
                if state != "failed":
                    assert found == bytes(page), f"page {address:#x} differs"
                    captured += state == "captured"
                else:
                    assert found == b"", f"page {address:#x} can be read, and is {state}"
    assert captured > 30, "hardly anything was compared"


def _modules_are_those_of(dump: Dump, pid: int) -> None:
    lines = maps(pid)
    entries = {
        block["block_uuid"]: (block, dump.payload(block)) for block in dump.of("module_entry")
    }
    (index,) = dump.of("module_list_index")
    rows = dump.payload(index)["entries"]
    assert [dump.blocks[0]["block_type"], dump.blocks[1]["block_type"]] == [
        "process_identity",
        "module_list_index",
    ]
    assert {row["module_uuid"] for row in rows} == set(entries)
    for row in rows:
        block, module = entries[row["module_uuid"]]
        assert block["parent_uuid"] == index["block_uuid"]
        for key in ("base_addr", "module_size", "path"):
            assert module[key] == row[key]
        base = int(module["base_addr"], 16)
        assert any(line.start == base and line.name == module["path"] for line in lines), module
        stored = bytes.fromhex(module["disk_hash"])
        on_disk = Path(module["path"])
        if on_disk.is_file():
            assert stored == blake3(on_disk.read_bytes()).digest(), module["path"]
        else:
            assert stored == bytes(32), module["path"]
        assert f"{base:x}-" in bytes.fromhex(module["native_blob"]).decode()
    for line in lines:
        if "x" in line.permissions and line.name.startswith("/"):
            assert any(
                module["path"] == line.name
                and int(module["base_addr"], 16) <= line.start
                and line.end <= int(module["base_addr"], 16) + module["module_size"]
                for _, module in entries.values()
            ), f"no module for {line}"


def _threads_are_those_of(dump: Dump, pid: int) -> None:
    lines = maps(pid)
    threads = [dump.payload(block) for block in dump.of("thread_context")]
    assert {thread["thread_id"] for thread in threads} == tasks(pid)
    assert len(threads) == len(tasks(pid))
    for thread in threads:
        tid = thread["thread_id"]
        assert thread["thread_name"] == Path(f"/proc/{pid}/task/{tid}/comm").read_text().rstrip(
            "\n"
        )
        (pc,) = (int(r["value"], 16) for r in thread["registers"] if "pc" in r["flags"])
        (sp,) = (int(r["value"], 16) for r in thread["registers"] if "sp" in r["flags"])
        # The kernel shows both of a thread that does not run, as the last two of the line.
        shown = Path(f"/proc/{pid}/task/{tid}/syscall").read_text().split()
        assert [int(value, 16) for value in shown[-2:]] == [sp, pc], (shown, hex(sp), hex(pc))
        assert any(line.start <= pc < line.end and "x" in line.permissions for line in lines), hex(
            pc
        )
        assert any(line.start <= sp < line.end for line in lines), hex(sp)
        if tid == pid:
            identity = dump.payload(dump.blocks[0])
            assert thread["start_time"] == identity["start_time"], "one task, two times"
        widths = {(len(r["value"]) - 2) // 2 for r in thread["registers"]}
        assert max(widths) >= 16, "no vector register"


def _identity_is_that_of(dump: Dump, pid: int) -> None:
    identity = dump.payload(dump.blocks[0])
    assert dump.header["pid"] == pid
    assert dump.header["os_type"] == "linux"
    assert dump.header["arch_type"] == {"x86_64": "x86_64", "aarch64": "arm64"}.get(
        os.uname().machine
    )
    assert identity["exe_path"] == os.readlink(f"/proc/{pid}/exe")
    words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    for word in words:
        # Word for word; how they are joined and quoted is the acquirer's.
        assert word.decode().split("\n")[0] in identity["cmd_line"]
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    assert [identity["ppid"], identity["session_id"]] == [int(fields[1]), int(fields[3])]
    boot = next(
        int(line.split()[1])
        for line in Path("/proc/stat").read_text().splitlines()
        if line.startswith("btime")
    )
    since = boot * 10**9 + int(fields[19]) * 10**9 // os.sysconf("SC_CLK_TCK")
    assert abs(int(identity["start_time"]) - since) < 2 * 10**9  # btime is in whole seconds


def _address_space_is_that_of(dump: Dump, pid: int) -> None:
    (block,) = dump.of("vas_map")
    rows = {int(row["base_addr"], 16): row for row in dump.payload(block)["entries"]}
    lines = {line.start: line for line in maps(pid) if line.name != "[vsyscall]"}
    assert set(lines) <= set(rows)
    assert all(
        rows[start]["mapped_path"] in (line.name or None, line.name)
        and rows[start]["region_size"] == line.end - line.start
        and [name[0] for name in rows[start]["protection"] if name in ("read", "write")]
        == [letter for letter in line.permissions if letter in "rw"]
        and ("execute" in rows[start]["protection"]) is ("x" in line.permissions)
        for start, line in lines.items()
    )
    kinds = {line.name: rows[line.start]["region_type"] for line in lines.values()}
    assert kinds["[stack]"] == "stack"
    assert kinds.get("[heap]", "heap") == "heap"
    assert kinds[os.readlink(f"/proc/{pid}/exe")] == "image"


def _categories_are_exact(dump: Dump) -> None:
    expected = {
        "memory_regions": "memory_region",
        "module_list": "module_list_index",
        "thread_contexts": "thread_context",
        "process_identity": "process_identity",
        "related_dumps": "related_dump",
        "crypto_hints": "key_hint",
    }
    present = {name for name, kind in expected.items() if dump.of(kind)}
    assert set(dump.header["cap_bitmap"]) == present


def test_exactly_one_thread_is_the_current_one(tmp_path: Path) -> None:
    """§5.7: SHOULD. Which one is the acquirer's to say."""
    out = tmp_path / "out.msl"
    with _kind("python", tmp_path) as process:
        acquire(process.pid, "-o", out, "--include", "type:stack")
    dump = Dump(out)
    threads = [dump.payload(block) for block in dump.of("thread_context")]
    assert len(threads) == 5
    assert sum("current" in thread["flags"] for thread in threads) == 1


@sampled()
@pytest.mark.parametrize("method", ["ptrace", "sigstop"])
def test_a_running_process_runs_on(method: str, tmp_path: Path) -> None:
    """The acquirer freezes and releases it itself."""
    out = tmp_path / "out.msl"
    with _kind("python", tmp_path) as process:
        acquire(process.pid, "-o", out, "--freeze", method)
        as_found(process.pid)
        assert process.poll() is None
        verified(out)
        assert len(Dump(out).of("thread_context")) == 5


def test_a_stopped_process_continues_when_it_is_told_to(tmp_path: Path) -> None:
    for method in ("ptrace", "sigstop", "none"):
        with _kind("shell", tmp_path) as process:
            with stopped(process.pid):
                acquire(process.pid, "-o", tmp_path / f"{method}.msl", "--freeze", method)
                assert states(process.pid) == {"T"}, method
            assert process.ask("") == "some words that stay"
