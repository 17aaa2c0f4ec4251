"""Acquiring real processes end to end, and looking at both sides by hand.

The dump is read with the decoder that shares nothing with the package; the target through
/proc, opened here.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import struct
import subprocess
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from commands import COMMAND, PLACE, run
from independent.basics import COMPRESSED
from independent.decode import decode, inflate
from independent.hashing import digest
from independent.layouts import Cursor, Document, read_payload

PAGE = os.sysconf("SC_PAGE_SIZE")
PATIENCE = 60.0
"""Seconds after which an acquisition of these small targets counts as hanging."""

_LATER = {"thread_context": 0x0011, "vas_map": 0x1001}
"""Blocks that draft-2026-03 names without a layout and that carry draft-2026-10's."""
_ALGORITHM = {"comp_algo_zstd": 1, "comp_algo_lz4": 2}


linux_only = pytest.mark.skipif(not Path("/proc/self/pagemap").exists(), reason="needs Linux")
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


# --- the command -----------------------------------------------------------------------------


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PLACE), **more}


def command(*arguments: Any) -> list[str]:
    return [*COMMAND, "acquire", *map(str, arguments)]


def launch(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
    """Start ``msl acquire`` as the leader of its own session."""
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    return subprocess.Popen(
        command(*arguments),
        stdin=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
        **options,
    )


@contextlib.contextmanager
def launched(*arguments: Any, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """As `launch`; killed at the end of the with block, if it still runs."""
    process = launch(*arguments, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def acquire(
    *arguments: Any, code: int = 0, patience: float = PATIENCE, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run ``msl acquire`` to its end, which must come in time and with this exit code."""
    with launched(*arguments, **options) as process:
        try:
            out, errors = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            pytest.fail(f"hangs: msl acquire {' '.join(map(str, arguments))}")
        done = subprocess.CompletedProcess(process.args, process.returncode, out, errors)
    assert done.returncode == code, f"exit code {done.returncode}, not {code}: {errors!r}"
    assert errors is None or b"Traceback" not in errors, errors.decode()
    return done


def verified(path: Path, code: int = 0) -> dict[str, Any]:
    """What ``msl verify`` says of a file: intact always; complete with exit code 0 only."""
    done = run("verify", "--json", path)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    verdict = json.loads(done.stdout)
    assert verdict["intact"] is True
    assert verdict["complete"] is (code == 0)
    return dict(verdict)


def report_of(dump: Path) -> dict[str, Any]:
    """The report beside a dump."""
    return dict(json.loads(dump.with_name(dump.name + ".report.json").read_text("utf-8")))


# --- the dump --------------------------------------------------------------------------------


class Region(NamedTuple):
    """One memory region block, or fragment of one."""

    base: int
    size: int
    protection: frozenset[str]
    region_type: str
    page_size: int
    timestamp: int
    runs: list[list[Any]]
    data: memoryview

    def stretches(self) -> Iterator[tuple[int, int, str, memoryview]]:
        """Of each run of equal states: address, size, state, bytes (none unless captured)."""
        position = 0
        for first, count, state in self.runs:
            size = count * self.page_size
            stored = size if state == "captured" else 0
            found = self.data[position : position + stored]
            yield self.base + first * self.page_size, size, state, found
            position += stored


class Dump:
    """A dump of ours, read by the independent decoder, its chain recomputed.

    Args:
        whole: it must end with an End-of-Capture; otherwise it must hold none.
    """

    def __init__(self, path: Path, *, whole: bool = True) -> None:
        self.data = path.read_bytes()
        self.document = decode(self.data, str(path))
        self.header: Document = self.document["header"]
        self.blocks: list[Document] = self.document["blocks"]
        self.revised = self.header["version"] != "0x0100"
        self.hash_algo: str = self.header.get("hash_algo", "blake3")
        previous = digest(self.hash_algo, self.data[:64])
        self.payloads: list[memoryview] = []
        for block in self.blocks:
            start = int(block["offset"], 16)
            stored = memoryview(self.data)[start : start + block["block_length"]]
            assert block["prev_hash"] == previous.hex(), block
            previous = digest(self.hash_algo, stored)
            assert "damage" not in block, block
            self.payloads.append(self._payload(block, stored[80:]))
        self.regions = [self._region(block) for block in self.of("memory_region")]
        self.ended = bool(self.of("end_of_capture"))
        assert self.ended is whole
        if whole:
            assert self.document["trailing"] is None
            last = self.blocks[-1]
            assert last["block_type"] == "end_of_capture"
            covered = digest(self.hash_algo, memoryview(self.data)[: int(last["offset"], 16)])
            assert last["payload"]["file_hash"] == covered.hex()

    @staticmethod
    def _payload(block: Document, stored: memoryview) -> memoryview:
        for name in block["flags"]:
            if name in _ALGORITHM:
                assert "compressed" in block["flags"], block
                return memoryview(inflate(bytes(stored), _ALGORITHM[name], "<")[0])
        assert not COMPRESSED & struct.unpack_from("<H", stored.obj, _flags_at(block))[0]
        return stored

    def of(self, kind: str) -> list[Document]:
        """Blocks of this type."""
        return [block for block in self.blocks if block["block_type"] == kind]

    def payload(self, block: Document) -> Document:
        """The fields of a block, those of the later draft included."""
        code = _LATER.get(block["block_type"])
        if code is None:
            return dict(block["payload"])
        raw = self.payloads[block["index"]]
        payload, damage = read_payload(code, Cursor(raw, "<", 0, True))
        assert damage is None, damage
        assert "rest" not in payload or not int(payload["rest"] or "0", 16)
        return payload

    def _region(self, block: Document) -> Region:
        fields, payload = block["payload"], self.payloads[block["index"]]
        runs = fields["page_state_map"]
        assert isinstance(runs, list), f"padding of the page map is not zero: {runs}"
        length = fields["page_data"]["length"]
        page_size = 1 << fields["page_size_log2"]
        captured = sum(count for _, count, state in runs if state == "captured")
        assert length == captured * page_size, "PageData is not as long as the map says"
        assert fields["region_size"] == page_size * sum(count for _, count, _ in runs)
        return Region(
            int(fields["base_addr"], 16),
            fields["region_size"],
            frozenset(fields["protection"]),
            fields["region_type"],
            page_size,
            int(fields["timestamp"]),
            runs,
            payload[len(payload) - length :],
        )

    def stretches(self) -> Iterator[tuple[int, int, str, memoryview]]:
        """As `Region.stretches`, over all regions."""
        for region in self.regions:
            yield from region.stretches()

    def states(self, start: int, end: int) -> dict[str, int]:
        """Bytes between two addresses, by state; ``absent`` where no region speaks of them."""
        out = {"absent": end - start}
        for address, size, state, _ in self.stretches():
            shared = min(end, address + size) - max(start, address)
            if shared > 0:
                out[state] = out.get(state, 0) + shared
                out["absent"] -= shared
        return {state: size for state, size in out.items() if size}

    def read(self, start: int, size: int) -> bytes:
        """Captured bytes; the test fails where one is missing."""
        out = bytearray(size)
        left = size
        for address, length, state, data in self.stretches():
            low, high = max(start, address), min(start + size, address + length)
            if low < high and state == "captured":
                out[low - start : high - start] = data[low - address : high - address]
                left -= high - low
        assert left == 0, f"{left} bytes of {size} at {start:#x} are not captured"
        return bytes(out)


def _flags_at(block: Document) -> int:
    return int(block["offset"], 16) + 6


# --- the target ------------------------------------------------------------------------------


class Line(NamedTuple):
    """One line of /proc/PID/maps."""

    start: int
    end: int
    permissions: str
    inode: int
    name: str

    @property
    def private_anonymous(self) -> bool:
        return self.permissions[3] == "p" and self.inode == 0 and not self.special

    @property
    def special(self) -> bool:
        return self.name in ("[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]", "[uprobes]")


def maps(pid: int) -> list[Line]:
    out = []
    for text in Path(f"/proc/{pid}/maps").read_text("utf-8", "surrogateescape").splitlines():
        span, permissions, _, _, inode, *name = text.split(None, 5)
        start, end = (int(part, 16) for part in span.split("-"))
        out.append(Line(start, end, permissions, int(inode), name[0] if name else ""))
    return out


def pagemap(pid: int, start: int, end: int) -> array[int]:
    """One entry a page; bit 63: present, bit 62: swapped."""
    out = array("Q")
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as file:
        file.seek(start // PAGE * 8)
        while len(out) < (end - start) // PAGE:
            got = file.read(min(((end - start) // PAGE - len(out)) * 8, 1 << 22))
            assert got
            out.frombytes(got)
    return out


def may_be_zero_page(pid: int, address: int) -> bool:
    """Whether a page that is there is one of the kernel's zero pages, which a process gets that
    reads what it never wrote; true where the kernel does not tell us."""
    (entry,) = pagemap(pid, address, address + PAGE)
    frame = entry & (1 << 55) - 1
    try:
        with open("/proc/kpageflags", "rb", buffering=0) as file:
            file.seek(frame * 8)
            flags = int.from_bytes(file.read(8), "little")
    except PermissionError:
        return True
    return not frame or bool(flags >> 24 & 1)


def present(pid: int, start: int, end: int) -> int:
    """How many pages between two addresses have memory (the shared zero page counts)."""
    return sum(entry >> 62 != 0 for entry in pagemap(pid, start, end))


def untouched(pid: int) -> set[int]:
    """Addresses of the pages that are provably zero: private, anonymous, neither here nor
    swapped out."""
    out: set[int] = set()
    for line in maps(pid):
        if line.private_anonymous:
            entries = pagemap(pid, line.start, line.end)
            out.update(line.start + i * PAGE for i, e in enumerate(entries) if not e >> 62)
    return out


def status(pid: int, key: str) -> str:
    """A line of /proc/PID/status."""
    text = Path(f"/proc/{pid}/status").read_text("utf-8", "replace")
    found = re.search(rf"^{key}:\s*(.*)$", text, re.M)
    assert found, f"no {key} in the status of {pid}"
    return found[1]


def kilobytes(pid: int, key: str) -> int:
    return int(status(pid, key).split()[0])


def tasks(pid: int) -> set[int]:
    return {int(name) for name in os.listdir(f"/proc/{pid}/task")}


def states(pid: int) -> set[str]:
    """The state letters of all its threads."""
    out = set()
    for tid in tasks(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            out.add(Path(f"/proc/{pid}/task/{tid}/stat").read_text().rpartition(")")[2].split()[0])
    return out


def wait_until(condition: Any, what: str, patience: float = PATIENCE) -> None:
    """Wait for something that must come about, looking often."""
    until = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < until, f"not within {patience} s: {what}"
        time.sleep(0.002)


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process by SIGSTOP for as long as the with block lasts."""
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: states(pid) == {"T"}, "every thread stopped")
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def as_found(pid: int) -> None:
    """Nobody traces it, and no thread is stopped; what was undone a moment ago counts."""
    wait_until(
        lambda: status(pid, "TracerPid") == "0" and not states(pid) & set("Tt"),
        f"{pid} runs free",
    )


def addresses(lines: list[str]) -> dict[str, int]:
    """The lines ``name 0x…`` that a target says."""
    return {name: int(value, 16) for name, value in (line.split() for line in lines)}


def nobody_left(session: int, patience: float = PATIENCE) -> None:
    """Nothing that belongs to a session that `launch` began still runs."""

    def left() -> list[str]:
        out = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                with contextlib.suppress(OSError):
                    text = Path(f"/proc/{entry}/stat").read_text("utf-8", "replace")
                    fields = text.rpartition(")")[2].split()
                    if int(fields[3]) == session and fields[0] != "Z":
                        out.append(text)
        return out

    wait_until(lambda: not left(), f"no process left behind: {left()}", patience)
