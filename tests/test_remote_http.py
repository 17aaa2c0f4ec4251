"""Dumps behind a web server: little traffic, said when asked, and one state of the file."""

from __future__ import annotations

import email.utils
import re
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from commands import PLACE, run

import msl_construct
from msl_construct import Writer
from msl_construct.errors import ChangedError, StreamError

pytest.importorskip("aiohttp")
pytest.importorskip("fsspec")

SAMPLE = PLACE / "samples" / "live-le.msl"
BLOCKS, STEP = 2000, 528 << 10
HEADER, BLOCK_HEADER = 64, 80


class Served:
    """A file and what went over the wire of it.

    Attributes:
        ranges: whether parts can be asked for.
        tag: whether its state is said as an ETag; else as the time of its last change.
        sent, asked: bytes, and how often.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ranges, self.tag = True, True
        self.sent = self.asked = 0


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Served, str]]:
    file = Served(tmp_path / "dump.msl")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement

        def do_HEAD(self) -> None:
            self.answer(False)

        def do_GET(self) -> None:
            self.answer(True)

        def answer(self, body: bool) -> None:
            found = file.path.stat()
            start, stop = 0, found.st_size
            asked = re.match(r"bytes=([0-9]+)-([0-9]*)", self.headers.get("Range", ""))
            part = bool(asked) and file.ranges
            if asked and part:
                start = int(asked[1])
                stop = min(stop, int(asked[2]) + 1 if asked[2] else stop)
            self.send_response(206 if part else 200)
            self.send_header("Content-Length", str(stop - start))
            if file.ranges:
                self.send_header("Accept-Ranges", "bytes")
            if part:
                self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{found.st_size}")
            stamp = found.st_mtime_ns
            if file.tag:
                self.send_header("ETag", f'"{stamp}"')
            else:
                date = email.utils.formatdate(stamp // 10**9, usegmt=True)
                self.send_header("Last-Modified", date)
            self.end_headers()
            file.asked += 1
            if body:
                file.sent += stop - start
                with file.path.open("rb") as opened:
                    opened.seek(start)
                    self.wfile.write(opened.read(stop - start))

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield file, f"http://127.0.0.1:{server.server_port}/dump.msl"
        server.shutdown()
        thread.join()


def large(path: Path) -> None:
    """A sparse gibibyte: one region's headers time and again, each at an address of its own."""
    header = {
        "cap_bitmap": ["memory_regions", "module_list", "process_identity"],
        "os_type": "linux",
        "arch_type": "x86_64",
        "pid": 7,
    }
    file = BytesIO()
    with Writer(file, header, draft="draft-2026-10") as out:
        out.add_process_identity(exe_path="/usr/bin/made")
        out.add_module_list_index([])
        front = file.tell()
        out.add_memory_region(base_addr=0, data=bytes(STEP), protection=["read"])
        region = file.tell()
    data = file.getvalue()
    heads = bytearray(data[front : front + 256])
    with path.open("wb") as sparse:
        sparse.write(data[:front])
        for number in range(BLOCKS):
            struct.pack_into("<Q", heads, BLOCK_HEADER, number * STEP)
            sparse.seek(front + number * (region - front))
            sparse.write(heads)
        sparse.seek(front + BLOCKS * (region - front))
        sparse.write(data[region:])


def test_inspecting_a_gibibyte_takes_two_mebibytes(served: tuple[Served, str]) -> None:
    file, url = served
    large(file.path)
    assert file.path.stat().st_size > 1 << 30
    done = run("inspect", url, "--verbose")
    assert done.returncode == 0, done.stderr
    assert f"{BLOCKS} regions".encode() in done.stdout
    told = re.search(rb"([0-9]+) bytes read .* of ([0-9]+), in ([0-9]+) requests", done.stderr)
    assert told is not None, done.stderr
    assert int(told[1]) == file.sent
    assert int(told[2]) == file.path.stat().st_size
    assert 1 << 16 < file.sent < 2 << 20
    assert b"requests" not in run("inspect", url, "--show", "header").stderr


@pytest.mark.parametrize("tag", [True, False])
def test_another_state_of_the_same_size_is_noticed(served: tuple[Served, str], tag: bool) -> None:
    file, url = served
    file.tag = tag
    data = SAMPLE.read_bytes()
    file.path.write_bytes(data)
    import os

    os.utime(file.path, (1, 1))
    with msl_construct.open(url) as dump:
        dump.require_unchanged()
        file.path.write_bytes(data)
        with pytest.raises(ChangedError):
            dump.require_unchanged()


def test_a_server_that_sends_no_parts(served: tuple[Served, str]) -> None:
    file, url = served
    file.ranges = False
    file.path.write_bytes(SAMPLE.read_bytes())
    with pytest.raises((StreamError, OSError), match=r"no part|size is not known|range"):
        msl_construct.open(url)
