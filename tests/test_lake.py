"""Tables of many dumps: typed, resumable, and none lost for another that is broken."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest
from commands import PLACE, run

import msl_construct
from msl_construct.errors import MslError
from msl_construct.lake import making

SAMPLES = (
    "samples/live-le.msl",
    "samples/live-be.msl",
    "samples/valid/alone-process-table-11-le.msl",
    "samples/valid/alone-connection-table-11-le.msl",
    "samples/valid/alone-handle-table-11-le.msl",
    "samples/valid/all-not-resident-11-le.msl",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Some dumps, one that is none, and one that is cut."""
    found = tmp_path / "dumps"
    (found / "below").mkdir(parents=True)
    for number, name in enumerate(SAMPLES):
        shutil.copy(PLACE / name, found / ("below" if number % 2 else "") / Path(name).name)
    (found / "none.msl").write_bytes(b"not a dump")
    (found / "other.txt").write_bytes(b"not looked at")
    return found


def made(folder: Path, form: str, *words: Any, code: int = 4) -> Path:
    lake = folder.parent / f"lake-{form}"
    done = run("export", folder, "--to", form, "-o", lake, *words)
    assert done.returncode == code, done.stderr
    return lake


def table(lake: Path, name: str) -> list[dict[str, Any]]:
    """The rows of JSON lines, in the order of the files' names."""
    rows = []
    for path in sorted((lake / name).glob("*.ndjson")):
        rows += [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return rows


def test_every_dump_is_there_and_the_others_are_errors(folder: Path) -> None:
    lake = made(folder, "ndjson", "--findings")
    dumps = table(lake, "dumps")
    assert {Path(one["source"]).name for one in dumps} == {Path(name).name for name in SAMPLES}
    (error,) = table(lake, "errors")
    assert error["source"].endswith("none.msl")
    assert error["error"] == "HeaderError"
    uuids = {one["dump_uuid"] for one in dumps}
    for name in ("blocks", "regions", "page_runs", "processes", "connections", "handles"):
        rows = table(lake, name)
        assert rows, name
        assert {one["dump_uuid"] for one in rows} <= uuids, name


def test_page_runs_are_what_the_dumps_hold(folder: Path) -> None:
    lake = made(folder, "ndjson")
    rows = table(lake, "page_runs")
    expected: dict[str, set[tuple[int, int, str]]] = {}  # two of the samples have one DumpUUID
    for one in table(lake, "dumps"):
        with msl_construct.open(one["source"]) as dump:
            for region in dump.regions:
                for first, count, state in region.runs():
                    at = region.base_addr + first * region.page_size
                    run_of_pages = (at, count * region.page_size, state)
                    expected.setdefault(one["dump_uuid"], set()).add(run_of_pages)
    found: dict[str, set[tuple[int, int, str]]] = {}
    for row in rows:
        run_of_pages = (row["base_addr"], row["size"], row["state"])
        found.setdefault(row["dump_uuid"], set()).add(run_of_pages)
    assert found == expected


def stamps(lake: Path) -> Mapping[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in lake.rglob("*.*") if path.is_file()}


def test_it_goes_on_where_it_was_and_follows_a_file_that_changes(folder: Path) -> None:
    lake = made(folder, "ndjson")
    before = stamps(lake)
    done = run("export", folder, "--to", "ndjson", "-o", lake)
    assert b"6 of them were there" in done.stderr
    assert {k: v for k, v in stamps(lake).items() if "errors" not in k} == {
        k: v for k, v in before.items() if "errors" not in k
    }
    changed = folder / "live-le.msl"
    shutil.copy(PLACE / SAMPLES[1], changed)
    os.utime(changed, ns=(1, 1))
    done = run("export", folder, "--to", "ndjson", "-o", lake)
    assert b"5 of them were there" in done.stderr
    assert len(table(lake, "dumps")) == len(SAMPLES)
    (folder / "none.msl").write_bytes((PLACE / SAMPLES[0]).read_bytes())
    made(folder, "ndjson", code=0)
    assert table(lake, "errors") == []
    assert not list(lake.rglob(".*"))


def test_a_worker_that_was_ended_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended:
        def __init__(self, workers: int, mp_context: Any) -> None: ...
        def __enter__(self) -> Ended:
            return self

        def __exit__(self, *_: Any) -> None: ...
        def submit(self, *_: Any) -> Future[making.Done]:
            found: Future[making.Done] = Future()
            found.set_exception(BrokenProcessPool())
            return found

    monkeypatch.setattr(making, "ProcessPoolExecutor", Ended)
    plan = making.TablePlan(str(folder.parent / "lake"), "csv", ("blocks",))
    with pytest.raises(MslError, match="goes on where it was"):
        list(making.make_lake(making.sources_in([str(folder)]), plan, 2))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_is_no_dump(folder: Path) -> None:
    (folder / "none.msl").unlink()
    os.mkfifo(folder / "pipe.msl")
    (error,) = table(made(folder, "ndjson"), "errors")
    assert error["source"].endswith("pipe.msl")


def test_an_incomplete_dump_is_one_again(folder: Path) -> None:
    """Whoever goes on where it was hears of it as well."""
    (folder / "none.msl").write_bytes((PLACE / SAMPLES[0]).read_bytes()[:-300])
    for again in (b"0", b"7"):
        lake = folder.parent / "lake-ndjson"
        done = run("export", folder, "--to", "ndjson", "-o", lake)
        assert done.returncode == 4
        assert b"1 of them is incomplete" in done.stderr or b"1 are incomplete" in done.stderr
        assert again == b"0" or b"7 of them were there" in done.stderr
    assert len(table(lake, "dumps")) == 7


def test_several_processes_make_the_same(folder: Path) -> None:
    one = made(folder, "ndjson")
    several = folder.parent / "several"
    done = run("export", folder, "--to", "ndjson", "-o", several, "--workers", 2)
    assert done.returncode == 4
    for path in one.rglob("*.ndjson"):
        assert (several / path.relative_to(one)).read_bytes() == path.read_bytes()


def test_every_format_says_the_same(folder: Path) -> None:
    dataset = pytest.importorskip("pyarrow.dataset")
    plain = made(folder, "ndjson", "--page-hashes")
    columnar = made(folder, "parquet", "--page-hashes")
    comma = made(folder, "csv", "--page-hashes")
    for name in ("dumps", "regions", "page_runs", "page_hashes", "handles", "connections"):
        files = [str(path) for path in sorted((columnar / name).glob("*.parquet"))]
        rows = dataset.dataset(files).to_table().to_pylist()
        expected = table(plain, name)
        assert rows == expected, name
        lines = []
        for path in sorted((comma / name).glob("*.csv")):
            lines += list(csv.DictReader(path.read_text("utf-8").splitlines()))
        assert [one["dump_uuid"] for one in lines] == [one["dump_uuid"] for one in expected]
        assert list(lines[0]) == list(expected[0])
    schema = dataset.dataset(files).schema
    assert str(schema.field("local_port").type) == "uint64"
    hashes = {one["blake3"] for one in table(plain, "page_hashes")}
    assert len(hashes) > 1


def test_what_can_not_be_meant(folder: Path, tmp_path: Path) -> None:
    for words in (
        ("--to", "csv", "-o", "-"),
        ("--to", "csv", "-o", tmp_path / "lake", "--table", "nothing"),
        ("--to", "elf-core", "-o", tmp_path / "core", "--table", "regions"),
    ):
        assert run("export", folder, *words).returncode == 2


def test_folders_are_listed_once_however_many_dumps(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking for what each dump left would take the square of their number."""
    made(folder, "ndjson")
    looks = []
    scandir = os.scandir

    def counted(place: Any = ".") -> Any:
        looks.extend([str(place)] if "lake-" in str(place) else [])
        return scandir(place)

    monkeypatch.setattr(os, "scandir", counted)
    for path in folder.rglob("*.msl"):
        os.utime(path, ns=(1, 1))
    plan = making.TablePlan(str(folder.parent / "lake-ndjson"), "ndjson", ("blocks", "regions"))
    sources = sorted(str(path) for path in folder.rglob("*.msl"))
    assert not any(one.again for one in making.make_lake(sources, plan))
    assert len(looks) == len(set(looks))


def test_other_tables_of_a_file_stay_until_it_changes(folder: Path) -> None:
    lake = made(folder, "ndjson")
    modules = {path.name for path in (lake / "modules").iterdir()}
    made(folder, "ndjson", "--table", "regions")
    assert {path.name for path in (lake / "modules").iterdir()} == modules
    changed = folder / "live-le.msl"
    os.utime(changed, ns=(1, 1))
    made(folder, "ndjson", "--table", "regions")
    left = {path.name for path in (lake / "modules").iterdir()}
    assert left < modules
    assert len(modules - left) == 1
