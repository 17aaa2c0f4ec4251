"""The commands as processes: exit codes, what stands on stdout and what on stderr."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import PLACE, files_of_every_fate, one_line, run  # noqa: F401 - a fixture
from comparing import document_of, from_lines_of, sample
from independent import decode, wire
from independent.specimens import LE10, LE11, finish, one, start
from independent.specimens import typical_payloads as typical

INSPECT = {"whole": 0, "segments": 0, "broken": 0, "no-end": 4, "cut": 4, "trailing": 4,
           "encrypted": 5, "not": 3, "empty": 3, "short": 3, "version": 3}  # fmt: skip
VERIFY = {**INSPECT, "broken": 1}


FORMS = ["", "--json", "--csv", "--yaml", "--ndjson"]
CASES = [
    (name, form)
    for name in INSPECT
    for form in (FORMS if name in ("whole", "cut", "encrypted", "not") else FORMS[:2])
]


@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
@pytest.mark.parametrize(("name", "form"), CASES)
def test_inspect_ends_with_its_code(
    name: str, form: str, piped: bool, files: dict[str, Path]
) -> None:
    data = files[name].read_bytes() if piped else b""
    done = run("inspect", "-" if piped else files[name], *([form] if form else []), data=data)
    assert done.returncode == INSPECT[name]
    if done.returncode:
        assert ("stdin" if piped else name) in one_line(done.stderr) or done.returncode == 3
    else:
        assert done.stderr == b""
    assert bool(done.stdout) == (done.returncode != 3)


@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
@pytest.mark.parametrize("name", VERIFY)
def test_verify_ends_with_its_code(name: str, piped: bool, files: dict[str, Path]) -> None:
    data = files[name].read_bytes() if piped else b""
    done = run("verify", "-" if piped else files[name], data=data)
    assert done.returncode == VERIFY[name]
    if done.returncode >= 3:
        one_line(done.stderr)
    else:
        assert done.stderr == b""
    if name == "broken":
        assert b"PrevHash of block 1" in done.stdout.replace(b"  ", b" ") or b"chain" in done.stdout


def test_absent_file_and_folder(tmp_path: Path) -> None:
    for command in ("inspect", "verify"):
        for path in (tmp_path / "absent.msl", tmp_path):
            done = run(command, path)
            assert done.returncode == 3
            assert path.name in one_line(done.stderr)
            assert done.stdout == b""


USAGE = [
    ["inspect"], ["verify"], ["build"], ["nothing"], ["inspect", "x", "y"],
    ["inspect", "{whole}", "--show", "everything"], ["inspect", "{whole}", "--nonsense"],
    ["inspect", "{whole}", "--csv", "--show", "regions,modules"],
    ["inspect", "{whole}", "--csv", "--with-data"], ["inspect", "{whole}", "--draft", "1999"],
    ["inspect", "{whole}", "--max-inflate", "-1"], ["inspect", "{whole}", "--max-inflate", "x"],
    ["inspect", "{whole}", "--byte-order", "middle"],
]  # fmt: skip


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_usage(arguments: list[str], files: dict[str, Path]) -> None:
    done = run(*(a.format(**{k: str(v) for k, v in files.items()}) for a in arguments))
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr
    assert done.stderr


def test_defect_of_ours_is_70_and_one_line(files: dict[str, Path], tmp_path: Path) -> None:
    """A fault put into the package from outside stands for one we don't know of."""
    (tmp_path / "sitecustomize.py").write_text(
        "import msl_construct.reader.dump as d\n"
        "def broken(*a, **k): raise ZeroDivisionError('planted')\n"
        "d.open_dump = broken\n"
        "import msl_construct.reader as r\nr.open_dump = broken\n"
    )
    path = f"{tmp_path}{os.pathsep}{PLACE}"
    done = run("inspect", files["whole"], PYTHONPATH=path)
    assert done.returncode == 70
    assert "planted" in one_line(done.stderr)
    debugged = run("inspect", files["whole"], "--debug", PYTHONPATH=path)
    assert b"Traceback" in debugged.stderr
    assert b"ZeroDivisionError" in debugged.stderr
    assert debugged.returncode == 70


def test_debug_shows_a_traceback_and_keeps_the_code(files: dict[str, Path]) -> None:
    done = run("inspect", files["not"], "--debug")
    assert b"Traceback" in done.stderr
    assert b"HeaderError" in done.stderr
    assert done.returncode == 3


@pytest.mark.parametrize("command", ["inspect", "verify", "build"])
def test_help(command: str) -> None:
    for flag in ("--help", "-h"):
        done = run(command, flag)
        text = done.stdout.decode()
        assert (done.returncode, done.stderr) == (0, b"")
        assert "Example:\n" in text
        assert f"msl {command}" in text
        assert "Exit codes:" in text
        for option in ("--quiet", "--no-color", "--debug"):
            assert option in text


def test_umbrella_help_and_version() -> None:
    done = run("--help")
    for word in (b"inspect", b"verify", b"build", b"Exit codes", b"Example"):
        assert word in done.stdout
    lines = run("--version").stdout.decode().splitlines()
    assert lines[0].startswith("msl ")
    assert lines[1] == "drafts: draft-2026-03, draft-2026-10"
    for library in ("construct 2.10", "blake3", "lz4", "zstandard"):
        assert library in lines[2]


# -- what inspect prints ---------------------------------------------------------------


def test_all_forms_are_the_same_document(files: dict[str, Path]) -> None:
    for name in ("whole", "segments", "trailing"):
        path = files[name]
        want = decode.decode(path.read_bytes(), str(path))
        assert yaml.safe_load(run("inspect", "--yaml", path).stdout) == want
        assert json.loads(run("inspect", "--json", path).stdout) == want
        assert from_lines_of(run("inspect", "--ndjson", path).stdout.decode()) == want


def test_offsets_and_with_data(files: dict[str, Path]) -> None:
    data = files["whole"].read_bytes()
    shown = yaml.safe_load(run("inspect", files["whole"], "--offsets", "--with-data").stdout)
    assert shown == document_of(data, "whole.msl", offsets=True, with_data=True)
    assert shown["header"]["offsets"]["pid"] == ["0x34", 4]
    assert "data" in shown["blocks"][3]["payload"]["page_data"]


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    """A file with a row for every table."""
    builder = start(LE11, cap_bitmap=0x707)
    for block_type, body in typical(LE11).values():
        if block_type != wire.END_OF_EXTENSION:
            builder.add(block_type, body)
    path = tmp_path / "rich.msl"
    path.write_bytes(finish(builder, LE11))
    return path


TABLES = {
    "index": 12, "regions": 1, "pages": 5, "modules": 1, "threads": 1, "mappings": 2,
    "process": 1, "hints": 1, "related": 2, "origin": 1,
}  # fmt: skip


@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
@pytest.mark.parametrize("table", TABLES)
def test_tables(table: str, piped: bool, rich: Path) -> None:
    where, data = ("-", rich.read_bytes()) if piped else (rich, b"")
    as_json = run("inspect", where, "--json", "--show", table, data=data)
    assert (as_json.returncode, as_json.stderr) == (0, b"")
    rows = json.loads(as_json.stdout)[table]
    blocks = decode.decode(rich.read_bytes())["blocks"]
    assert len(rows) == (len(blocks) if table == "index" else TABLES[table])
    text = run("inspect", where, "--csv", "--show", table, data=data).stdout.decode()
    cells = list(csv.DictReader(io.StringIO(text)))
    assert len(cells) == len(rows)
    for shown, row in zip(cells, rows):
        assert list(shown) == list(row)
        for key, value in row.items():
            want = " ".join(value) if isinstance(value, list) else "" if value is None else value
            assert shown[key] == str(want)
    lines = run("inspect", where, "--ndjson", "--show", table, data=data).stdout.splitlines()
    assert len(lines) == 1 + len(rows)


def test_table_values_are_those_of_the_document(rich: Path) -> None:
    blocks = {b["block_type"]: b for b in decode.decode(rich.read_bytes())["blocks"]}

    def rows(name: str) -> Any:
        return json.loads(run("inspect", rich, "--json", "--show", name).stdout)[name]

    module, payload = rows("modules")[0], blocks["module_entry"]["payload"]
    for key in ("base_addr", "module_size", "path", "version", "disk_hash"):
        assert module[key] == payload[key]
    assert module["block_uuid"] == blocks["module_entry"]["block_uuid"]
    thread = rows("threads")[0]
    assert (thread["pc"], thread["sp"]) == ("0x7ffdd4d01234", "0x7ffc00000010")
    assert (thread["thread_id"], thread["registers"]) == (4242, 3)
    region = rows("regions")[0]
    assert (region["pages"], region["captured_pages"], region["failed_pages"]) == (5, 2, 1)
    assert (region["unmapped_pages"], region["not_resident_pages"]) == (1, 1)
    assert region["captured_percent"] == 40.0
    assert region["end_addr"] == hex(int(region["base_addr"], 16) + 5 * 1024)
    pages = rows("pages")
    assert [(p["first_page"], p["count"], p["state"]) for p in pages] == [
        (0, 1, "captured"), (1, 1, "failed"), (2, 1, "unmapped"), (3, 1, "captured"),
        (4, 1, "not_resident"),
    ]  # fmt: skip
    assert rows("hints")[0]["note"] == "client write key"
    assert rows("process")[0]["cmd_line"] == "sleep 1000"
    assert rows("origin")[0]["tool_name"] == "importer 1"
    assert [r["mapped_path"] for r in rows("mappings")] == ["/usr/bin/sleep", None]


@pytest.mark.parametrize("part", ["header", "blocks", "segments", "trailing"])
def test_parts(part: str, files: dict[str, Path]) -> None:
    want = decode.decode(files["trailing"].read_bytes(), "trailing.msl")
    shown = json.loads(run("inspect", "--json", "--show", part, files["trailing"]).stdout)
    assert shown == {k: want[k] for k in ("document", "file", "format", part)}


def test_csv_of_hostile_names_stays_a_table(tmp_path: Path) -> None:
    name = 'a,"b"\nc\r\n=1+1;\x1b[31m'
    path = tmp_path / "x.msl"
    path.write_bytes(one(LE10, wire.PROCESS_IDENTITY, wire.process_identity("<", exe_path=name)))
    done = run("inspect", path, "--csv", "--show", "process")
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode(), newline="")))
    assert [row["exe_path"] for row in rows] == ['a,"b"\\x0ac\\x0d\\x0a=1+1;\\x1b[31m']


@pytest.mark.parametrize("form", [[], ["--yaml"], ["--json"], ["--ndjson"]])
def test_nothing_from_the_dump_acts_on_a_terminal(form: list[str], tmp_path: Path) -> None:
    name = "\x1b]0;owned\x07\x1b[2J\u202e\x9b31m/bin/sh\rOK"
    body = wire.process_identity("<", exe_path=name, cmd_line=name)
    module = wire.module_entry("<", path=name, version=name)
    builder = start(LE10)
    builder.add(wire.PROCESS_IDENTITY, body)
    builder.add(wire.MODULE_ENTRY, module)
    path = tmp_path / "x.msl"
    path.write_bytes(finish(builder, LE10))
    text = run("inspect", path, *form).stdout.decode()
    assert not set(text) & set("\x1b\x07\x9b\r"), text


def test_sample_through_the_command() -> None:
    data = sample("memslicer-0.5.2/api-vas-map.msl")
    done = run("inspect", "-", "--json", data=data)
    want = decode.decode(data)
    assert json.loads(done.stdout)["blocks"] == want["blocks"]
    assert done.returncode == 0


@pytest.mark.parametrize(("word", "meant"), [("stirngs", "strings"), ("zzz", "")])
def test_a_command_that_there_is_not_is_said_with_those_like_it(word: str, meant: str) -> None:
    done = run(word)
    assert done.returncode == 2
    assert (b"Did you mean" in done.stderr) == bool(meant)
    assert meant.encode() in done.stderr
