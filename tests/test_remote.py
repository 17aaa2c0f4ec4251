"""Dumps at a distance: read by ranges, few bytes, and never mistaken for another state of them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import PLACE, run

import msl_construct
from msl_construct import Writer
from msl_construct.errors import ChangedError, StreamError
from msl_construct.remote_output import RemoteFile
from msl_construct.source import RemoteSource, is_remote
from msl_construct.source.remote import reason_of

fsspec = pytest.importorskip("fsspec")

SAMPLE = PLACE / "samples" / "live-le.msl"
BLOCKS, REGION = 2000, 16 << 10


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()


def stored(system: Any, data: bytes, name: str = "dump.msl") -> str:
    system.pipe_file(f"/{name}", data)
    return f"memory://{name}"


def test_a_server_that_nobody_reaches_is_said_and_not_its_address_again() -> None:
    error = FileNotFoundError("https://h.invalid/a.msl")  # as fsspec raises it
    assert reason_of(error) == os.strerror(errno.ENOENT)
    error.__cause__ = ConnectionError("Cannot connect to\nhost h.invalid")
    assert reason_of(error) == "Cannot connect to host h.invalid"


def test_what_is_an_address() -> None:
    assert is_remote("https://host/dump.msl")
    assert is_remote("s3://bucket/dump.msl")
    assert not any(map(is_remote, ("dump.msl", "/tmp/a://b", "C:\\dumps\\a.msl", "-", "://x")))


def test_a_dump_is_the_same_there(memory: Any) -> None:
    url = stored(memory, SAMPLE.read_bytes())
    with msl_construct.open(url) as there, msl_construct.open(SAMPLE) as here:
        assert there.verify().intact
        assert [block.uuid for block in there.blocks] == [block.uuid for block in here.blocks]
        for start, end in here.memory.ranges():
            assert (
                there.memory.read(start, end - start).runs
                == here.memory.read(start, end - start).runs
            )
        there.require_unchanged()


def test_a_walk_over_many_blocks_takes_little_traffic(memory: Any) -> None:
    header = {
        "cap_bitmap": ["memory_regions", "module_list", "process_identity"],
        "os_type": "linux",
        "arch_type": "x86_64",
        "pid": 7,
    }
    data = os.urandom(REGION)
    with (
        memory.open("/large.msl", "wb") as file,
        Writer(file, header, draft="draft-2026-10") as out,
    ):
        out.add_process_identity(exe_path="/usr/bin/made")
        out.add_module_list_index([])
        for number in range(BLOCKS):
            out.add_memory_region(base_addr=number << 20, data=data, protection=["read"])
    with msl_construct.open("memory://large.msl") as dump:
        assert len(dump.regions) == BLOCKS
        assert isinstance(dump.stored, RemoteSource)
        assert dump.stored.traffic < 2 << 20
        dump.memory.read(5 << 20, REGION)


def test_a_file_that_changes_is_an_error(memory: Any) -> None:
    url = stored(memory, SAMPLE.read_bytes())
    with msl_construct.open(url) as dump:
        stored(memory, SAMPLE.read_bytes()[:-1000])
        with pytest.raises(ChangedError):
            dump.require_unchanged()
        with pytest.raises(ChangedError):
            dump.verify()


def test_what_fails_is_asked_for_again(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url = stored(memory, SAMPLE.read_bytes())
    monkeypatch.setattr("msl_construct.source.remote._PAUSE", 0)
    real, failures = type(memory).cat_file, iter([True, True, False] * 1000)

    def sometimes(self: Any, *words: Any, **options: Any) -> Any:
        if next(failures):
            raise ConnectionError("reset by peer")
        return real(self, *words, **options)

    monkeypatch.setattr(type(memory), "cat_file", sometimes)
    with msl_construct.open(url) as dump:
        assert dump.verify().intact
    monkeypatch.setattr(type(memory), "cat_file", lambda *_, **__: 1 / 0)
    with pytest.raises(OSError, match="division by zero"):
        msl_construct.open(url)


def test_commands_take_addresses(tmp_path: Path) -> None:
    url = f"file://{SAMPLE}"
    done = run("inspect", url)
    assert done.returncode == 0, done.stderr
    assert run("verify", url).returncode == 0
    missing = run("inspect", "file:///nowhere/dump.msl")
    assert missing.returncode == 3
    assert b"No such file" in missing.stderr
    unknown = run("inspect", "nothing://host/dump.msl")
    assert unknown.returncode == 3
    assert unknown.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    "url", ["tar://a.msl::file://{}", "github://a", "nobody://a", "ftp://127.0.0.1:9/a"]
)
def test_an_address_that_leads_nowhere(url: str, tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(bytes(100))
    url = url.format(tmp_path / "archive")
    for ask in (RemoteSource, RemoteFile):
        with pytest.raises((StreamError, OSError)) as caught:
            ask(url)
        assert url in str(caught.value)


def test_nobody_mistakes_what_is_missing(memory: Any) -> None:
    with pytest.raises(StreamError):
        RemoteSource("nothing://host/x")
    with pytest.raises(FileNotFoundError):
        RemoteSource("memory://nowhere.msl")


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_what_is_written_by_an_address_on_this_machine_is_its_owner_s(tmp_path: Path) -> None:
    path = tmp_path / "dump.msl"
    before = os.umask(0o022)
    try:
        for force in (False, True):
            with RemoteFile(f"file://{path}", force=force) as out:
                out.write(b"evidence")
                out.settle()
            assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"evidence", 0o600)
    finally:
        os.umask(before)
    with pytest.raises(FileExistsError), RemoteFile(f"file://{path}"):
        pass
    assert os.listdir(tmp_path) == ["dump.msl"]
