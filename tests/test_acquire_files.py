"""Pages of a mapped file that the target does not have are read from the file, not through it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sampling import sampled

if sys.platform != "linux":
    pytest.skip("needs Linux", allow_module_level=True)
if os.geteuid():
    pytest.skip("needs root, to open what another process has mapped", allow_module_level=True)

import msl_acquire
import msl_construct

SIZE = 48 << 20
PROGRAM = """
import mmap, sys
file = open(sys.argv[1], "rb")
area = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
area[4096 * 5] = 0xEE  # a page of its own
print("ready", flush=True)
sys.stdin.read()
"""


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.fixture
def mapped(tmp_path: Path) -> Iterator[tuple[int, bytes]]:
    """A process that has mapped a file, touched one page of it, and its content."""
    path = tmp_path / "mapped.bin"
    content = b"".join(number.to_bytes(8, "little") for number in range(SIZE // 8)) + b"the end"
    path.write_bytes(content)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process.pid, content
    finally:
        process.kill()
        process.communicate()


@sampled()
@pytest.mark.parametrize("compress", ["none", "lz4"])
def test_the_target_does_not_grow(mapped: tuple[int, bytes], compress: str) -> None:
    pid, content = mapped
    before = resident(pid)
    out = io.BytesIO()
    report = msl_acquire.acquire(pid, out, include=["path:*/mapped.bin"], compress=compress)
    grown = resident(pid) - before
    assert report.complete
    assert grown < 1 << 20, f"{grown} bytes more"
    expected = bytearray(content.ljust(-(-len(content) // 4096) * 4096, b"\0"))
    expected[4096 * 5] = 0xEE
    with msl_construct.open(io.BytesIO(out.getvalue())) as dump:
        start = min(int(row["base_addr"], 16) for row in report["regions"])
        memory = dump.memory.read(start, len(expected))
        assert {run[-1] for run in memory.runs} == {"captured"}
        assert memory.data == expected
        assert dump.verify().intact
