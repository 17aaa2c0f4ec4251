"""Where output goes, what becomes of what stood there, and what is left when nobody reads it."""

from __future__ import annotations

import base64
import csv
import io
import itertools
import os
import stat
import subprocess
import threading
from pathlib import Path
from typing import IO

import click
import pytest
from commands import COMMAND, PLACE, files_of_every_fate, one_line, run
from comparing import text_of

from msl_acquire.output_places import Places
from msl_acquire.remote_report import RemoteReport
from msl_acquire.report import Report
from msl_construct.document.tables import TABLES
from msl_construct.errors import StreamError
from msl_construct.remote_output import check_remote

__all__ = ["files_of_every_fate"]

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")


@pytest.fixture(name="document")
def a_document(files: dict[str, Path], tmp_path: Path) -> Path:
    path = tmp_path / "whole.yaml"
    path.write_text(text_of(files["whole"].read_bytes(), "yaml", with_data=True), encoding="utf-8")
    return path


@POSIX
def test_build_writes_to_a_pipe_that_stands_at_the_path(
    files: dict[str, Path], document: Path, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    done = run("build", document, "-o", pipe)
    reader.join(60)
    assert done.returncode == 0, done.stderr
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert got == [files["whole"].read_bytes()]


def test_build_refuses_a_folder(document: Path, tmp_path: Path) -> None:
    assert run("build", document, "-o", tmp_path, "--force").returncode == 2


@POSIX
@pytest.mark.parametrize(
    ("command", "fate", "code"),
    [
        ("verify", "broken", 1),
        ("verify", "whole", 0),
        ("verify", "no-end", 4),
        ("inspect", "no-end", 4),
        ("inspect", "whole", 0),
        ("inspect", "encrypted", 5),
    ],
)
def test_the_exit_code_does_not_depend_on_a_reader(
    files: dict[str, Path], command: str, fate: str, code: int
) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [*COMMAND, command, str(files[fate])],
            stdout=write,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(PLACE)},
            timeout=60,
        )
    finally:
        os.close(write)
    assert done.returncode == code, done.stderr
    if code >= 3:
        one_line(done.stderr)
    else:
        assert done.stderr == b""


@POSIX
@pytest.mark.parametrize("what", [">&-", "<&-"])
def test_a_closed_stream_is_named(files: dict[str, Path], what: str) -> None:
    path = "-" if what == "<&-" else str(files["whole"])
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {what}', "sh", *COMMAND, "inspect", path],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(PLACE)},
        timeout=60,
    )
    assert done.returncode == 3
    assert "closed" in one_line(done.stderr)


@pytest.mark.parametrize("table", sorted(TABLES))
def test_a_csv_table_has_its_columns_whether_it_has_rows_or_not(
    files: dict[str, Path], table: str
) -> None:
    heads = []
    for fate in ("whole", "header-only"):
        if fate == "header-only":
            data = files["whole"].read_bytes()[:64]
        else:
            data = files[fate].read_bytes()
        done = run("inspect", "-", "--csv", "--show", table, data=data)
        rows = list(csv.reader(io.StringIO(done.stdout.decode())))
        assert len({len(row) for row in rows}) == 1
        heads.append(rows[0])
    assert heads[0] == heads[1]
    assert len(heads[0]) > 3


def test_one_format_at_a_time(files: dict[str, Path]) -> None:
    assert run("inspect", files["whole"], "--yaml", "--json").returncode == 2


def test_a_part_named_twice_is_shown_once(files: dict[str, Path]) -> None:
    done = run("inspect", files["whole"], "--json", "--show", "regions,regions,header")
    assert done.stdout.count(b'"regions":') == 1


def test_verify_names_the_file_as_it_was_given(files: dict[str, Path]) -> None:
    done = run("verify", "--json", files["whole"], files["whole"].parent / "missing.msl")
    lines = done.stdout.decode().splitlines()
    assert str(files["whole"]) in lines[0]
    assert '"unprotected_block"' in lines[0]
    assert "Errno" not in lines[1]
    assert done.returncode == 3


@POSIX
def test_build_says_that_the_reader_of_a_pipe_has_gone(tmp_path: Path) -> None:
    """At a path as on stdout; the file is not whole, whoever has what was read of it."""
    document, pipe = tmp_path / "a.yaml", tmp_path / "pipe"
    raw = base64.b64encode(bytes(1 << 20)).decode()
    document.write_text(
        "header: {os_type: linux, arch_type: x86_64, pid: 1, timestamp: 5, cap_bitmap: []}\n"
        f'blocks:\n- {{block_type: "0x2345", payload: {{raw: {{data: "{raw}"}}}}}}\n'
    )
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: pipe.open("rb").close(), daemon=True)
    reader.start()
    done = run("build", document, "-o", pipe)
    reader.join()
    assert done.returncode == 3
    assert b"went away" in done.stderr


@pytest.mark.parametrize(
    ("output", "dump"),
    [
        ("s3://bucket", "s3://bucket/7.msl"),  # not one in another bucket
        ("s3://bucket/", "s3://bucket/7.msl"),
        ("s3://bucket/a.msl", "s3://bucket/a-7.msl"),
        ("s3://bucket/case/", "s3://bucket/case/7.msl"),
    ],
)
def test_addresses_of_several_dumps(output: str, dump: str) -> None:
    assert Places(output, each=True).dump(7) == dump


@pytest.mark.parametrize("dump", ["address", "path"])
def test_a_report_does_not_take_the_place_of_the_dump(dump: str, tmp_path: Path) -> None:
    """Not with --force either, and however it is spelled."""
    pytest.importorskip("fsspec")
    path = tmp_path / "a.msl"
    address = f"file://{path}"
    places = Places(address if dump == "address" else str(path), False, report=address, force=True)
    with pytest.raises(click.UsageError, match="can't be the report as well"):
        places.check([7])


def test_a_report_that_can_not_go_up_costs_no_dump(tmp_path: Path) -> None:
    """Whoever acquires is told, and no defect is."""
    pytest.importorskip("fsspec")
    report = RemoteReport("memory://" + tmp_path.name)  # shows what is half done
    with pytest.raises(OSError, match="nobody sees half done"):
        report.finish(Report())


def test_of_a_dump_that_failed_there_is_a_report_where_the_dump_is_kept(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    for remote in (True, False):
        path = tmp_path / f"{remote}.json"
        RemoteReport(f"file://{path}", of_remote=remote).finish(Report(status="output_failed"))
        assert path.exists() != remote


def test_a_report_that_can_not_be_sent_is_refused_before_the_target_is_touched(
    tmp_path: Path,
) -> None:
    """Nobody listens there, and nobody is asked: such addresses take no files."""
    pytest.importorskip("aiohttp")
    url = "http://127.0.0.1:9/report.json"
    with pytest.raises(StreamError, match="nothing can be written to addresses that begin"):
        RemoteReport(url, force=True).begin(Report())
    place = tmp_path / "a.msl"
    done = run("acquire", os.getpid(), "-o", place, "--report", url, "--force")
    assert done.returncode == 3
    assert "nothing can be written to addresses that begin with http://" in one_line(done.stderr)
    assert not list(tmp_path.iterdir())


def test_a_place_at_a_distance_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    check_remote(f"file://{tmp_path}/a.json", force=False)
    assert not list(tmp_path.iterdir())
    (tmp_path / "a.json").write_text("mine")
    check_remote(f"file://{tmp_path}/a.json", force=True)
    assert (tmp_path / "a.json").read_text() == "mine"
    with pytest.raises(FileExistsError):
        check_remote(f"file://{tmp_path}/a.json", force=False)


def test_a_place_that_shows_what_is_half_done_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")

    class Plain(fsspec.get_filesystem_class("file")):  # type: ignore[misc]
        """Like Hadoop's: what is opened is there, and has no other name before it is finished."""

        protocol = "plain"

        def _open(self, path: str, mode: str = "rb", **_: object) -> IO[bytes]:
            return open(path, mode)

    class Buffered(Plain):
        """Like Databricks': what it opens has a commit, which does nothing."""

        protocol = "buffered"

        def _open(self, path: str, mode: str = "rb", **_: object) -> object:
            return fsspec.spec.AbstractBufferedFile(self, path, mode, cache_type="none")

    fsspec.register_implementation("plain", Plain)
    fsspec.register_implementation("buffered", Buffered)
    place = tmp_path / "a.json"
    for kind, there in itertools.product(("plain", "buffered"), (False, True)):
        if there:
            place.write_text("mine")
        with pytest.raises(StreamError, match="nobody sees half done"):
            check_remote(f"{kind}://{place}", force=there)
        assert [one.read_text() for one in tmp_path.iterdir()] == ["mine"] * there
        place.unlink(missing_ok=True)


def test_an_address_of_nothing() -> None:
    done = run("acquire", 1, "-o", "s3://")
    assert done.returncode == 2
    assert "s3://: names no place" in done.stderr.decode()
