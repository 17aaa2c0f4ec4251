"""``msl schema``: what it says of the drafts, against the facts typed by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import facts
import pytest
import yaml
from commands import PLACE, one_line, run

from msl_construct.cli.schema import COMMANDS
from msl_construct.drafts import DRAFTS
from msl_construct.exports import EXPORTS
from msl_construct.exports.consistency import Inconsistency
from msl_construct.exports.difference import Change, differences

OLD, NEW = DRAFTS[facts.DRAFT_03], DRAFTS[facts.DRAFT_10]


def said(*words: Any, code: int = 0) -> str:
    done = run("schema", *words)
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr
    return done.stdout.decode()


# -- what every command has ------------------------------------------------------------------


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)], ids=" ".join)
def test_help(command: tuple[str, ...]) -> None:
    text = said(*command, "--help")
    assert "Example:\n" in text
    assert "Exit codes:" in text
    assert " ".join(["msl schema", *command]) in text
    if command:
        for option in ("--quiet", "--no-color", "--debug"):
            assert option in text
    else:
        for name, summary in COMMANDS.items():
            assert name in text
            assert summary in text


def test_help_loads_neither_the_schema_nor_an_exporter() -> None:
    code = (
        "import sys; from msl_construct.cli import main\n"
        "try: main({words})\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    for words in (["--help"], ["schema", "--help"], ["schema", "export", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", code.format(words=words)],
            env={**os.environ, "PYTHONPATH": str(PLACE)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert "Usage:" in done.stdout
        loaded = set(done.stderr.split())
        assert "msl_construct.cli.group" in loaded
        heavy = {"construct", "msl_construct.schema", "yaml"}
        heavy |= {f"msl_construct.exports.{name}" for name in ("json_schema", "rst", "ksy", "c")}
        assert loaded & heavy == set()


@pytest.mark.parametrize(
    "words",
    [
        ("show",),
        ("show", "draft-1999"),
        ("show", facts.DRAFT_03, "no_such_block"),
        ("show", facts.DRAFT_03, "0xzz"),
        ("show", facts.DRAFT_03, "--json", "--yaml"),
        ("diff", facts.DRAFT_03),
        ("check",),
        ("export", "--to", "fortran"),
        ("export", "--draft", facts.DRAFT_03),
        ("export", "-o", "-"),
        ("export", "--to", "json", "--check"),
        ("no-such-command",),
    ],
    ids=" ".join,
)
def test_wrong_usage(words: tuple[str, ...], tmp_path: Path) -> None:
    done = run("schema", *words, folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"Error: " in done.stderr
    assert b"Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


# -- list and show ---------------------------------------------------------------------------


def test_list() -> None:
    lines = said("list").splitlines()
    assert [line.split()[:2] for line in lines] == [
        [facts.DRAFT_03, "1.0"],
        [facts.DRAFT_10, "1.1"],
    ]
    rows = [json.loads(line) for line in said("list", "--json").splitlines()]
    for row in rows:
        name = row["draft"]
        assert row["block_types"] == len(facts.CODES[name]["BlockType"])
        assert row["with_layout"] == len(facts.PAYLOADS[name])
        assert row["flag_words"] == len(facts.FLAGS[name])
    assert [row["newest"] for row in rows] == [False, True]
    assert [row["byte_orders"] for row in rows] == [["little", "big"], ["little"]]


def structure_rows(structure: dict[str, Any]) -> list[Any]:
    """As the facts are written: names with widths, or with what stands inside."""
    found: list[Any] = []
    for field in structure["fields"].values():
        inside: Any = field["width"]
        if "entry" in field:
            inside = structure_rows(field["entry"])
        elif "cases" in field:
            cases = field["cases"].values()
            inside = {number: structure_rows(one) for number, one in enumerate(cases, 1)}
        found.append((field["name"], inside))
    return found


@pytest.mark.parametrize("draft", list(DRAFTS))
def test_show_the_whole_draft(draft: str) -> None:
    shown = json.loads(said("show", draft, "--json"))
    assert shown == yaml.safe_load(said("show", draft, "--yaml"))
    structures = shown["structures"]
    assert structure_rows(structures["file_header"]) == facts.FILE_HEADER[draft]
    assert structure_rows(structures["block_header"]) == facts.BLOCK_HEADER
    codes = {int(s["code"], 16): s for s in structures.values() if "code" in s}
    assert {code: s["name"] for code, s in codes.items()} == facts.CODES[draft]["BlockType"]
    for code, structure in codes.items():
        if code in facts.PAYLOADS[draft]:
            assert structure_rows(structure) == facts.PAYLOADS[draft][code]
        else:
            assert structure["fields"] is None
    for (code, name), offset in facts.OFFSETS.items():
        (field,) = (f for f in codes[code]["fields"].values() if f["name"] == name)
        assert int(field["offset"], 16) == offset
    for name, values in facts.CODES[draft].items():
        registry = shown["registries"][name]
        assert {int(c, 16): v["label"] for c, v in registry["codes"].items()} == values
        assert registry["width"] == facts.CODE_WIDTHS[name]
    for name, (width, bits) in facts.FLAGS[draft].items():
        registry = shown["registries"][name]
        assert {int(b.split()[0]): v["label"] for b, v in registry["bits"].items()} == bits
        assert registry["width"] == width


def test_show_one_structure_by_key_and_by_code() -> None:
    text = said("show", facts.DRAFT_10, "memory_region")
    assert text == said("show", facts.DRAFT_10, "0x0001") == said("show", facts.DRAFT_10, "0x1")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "Memory Region (0x0001, §5.1)"
    (line,) = [line for line in lines if " PageStateMap " in line]
    assert line.startswith("0x20 varies PageStateMap page_state_map 2 bits a page")
    (line,) = [line for line in lines if " PageData " in line]
    assert line.startswith("then varies PageData")
    for registry in ("Protection (1 byte, §5.1)", "RegionType (1 byte, §5.1)", "PageState"):
        assert any(line.startswith(registry) for line in lines)
    assert "bit 4 copy_on_write CopyOnWrite" in lines
    assert "0xff other Other" in lines


def test_show_what_stands_inside() -> None:
    text = said("show", facts.DRAFT_10, "connectivity_table")
    titles = [line for line in text.splitlines() if line.startswith(("rows, ", "body, "))]
    assert len(titles) == 8
    assert "each entry" in titles[0]
    assert "RowType 0x01: IPv4 Route" in titles[1]


def test_show_a_registry() -> None:
    text = said("show", facts.DRAFT_03, "OSType")
    assert text == said("show", facts.DRAFT_03, "os_type")
    assert text.startswith("OSType (2 bytes, §3)\n")
    assert len([line for line in text.splitlines() if line.startswith("  0x")]) == 13
    assert "0x0100 to 0xfffe: vendor" in text


def test_show_an_overview_and_colour_only_on_a_terminal() -> None:
    text = said("show", facts.DRAFT_03)
    assert "\x1b" not in text
    assert text == said("show", facts.DRAFT_03, "--no-color")
    for code, name in facts.CODES[facts.DRAFT_03]["BlockType"].items():
        assert f"{code:#06x}" in text, name
    for name in (*facts.CODES[facts.DRAFT_03], *facts.FLAGS[facts.DRAFT_03]):
        assert name in text


# -- diff ------------------------------------------------------------------------------------


def by_kind(changes: list[Change], change: str, kind: str) -> list[str]:
    return [one.where for one in changes if (one.change, one.kind) == (change, kind)]


def test_the_difference_of_the_drafts_is_that_of_the_facts() -> None:
    changes = differences(OLD, NEW)
    for kind, table in (("code", facts.CODES), ("flag", {})):
        if kind == "flag":
            before = {(n, b) for n, (_, bits) in facts.FLAGS[OLD.name].items() for b in bits}
            after = {(n, b) for n, (_, bits) in facts.FLAGS[NEW.name].items() for b in bits}
        else:
            before, after = (
                {(n, c) for n, codes in table[d.name].items() for c in codes if n != "BlockType"}
                for d in (OLD, NEW)
            )
        added = {tuple(where.rsplit(".", 1)) for where in by_kind(changes, "added", kind)}
        assert {(n, int(c, 0)) for n, c in added} == after - before
        assert by_kind(changes, "removed", kind) == []
    codes = facts.CODES
    fresh = set(codes[NEW.name]["BlockType"]) - set(codes[OLD.name]["BlockType"])
    added = {
        int(one.after["code"], 16)
        for one in changes
        if (one.change, one.kind) == ("added", "structure") and "code" in one.after
    }
    assert added == fresh
    assert "file_header.block_count" in by_kind(changes, "added", "field")
    assert "related_dump.target_hash" in by_kind(changes, "added", "field")
    (reserved,) = (one for one in changes if one.where == "file_header.reserved")
    assert (reserved.before["offset"], reserved.after["offset"]) == ("0x39", "0x3e")
    assert (reserved.before["width"], reserved.after["width"]) == (7, 2)
    assert "PageState.0x03" in by_kind(changes, "changed", "code")


def test_diff_forwards_backwards_and_with_itself() -> None:
    rows = [json.loads(x) for x in said("diff", OLD.name, NEW.name, "--json", code=1).splitlines()]
    back = [json.loads(x) for x in said("diff", NEW.name, OLD.name, "--json", code=1).splitlines()]
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    assert sorted((turned[r["change"]], r["kind"], r["where"]) for r in rows) == sorted(
        (r["change"], r["kind"], r["where"]) for r in back
    )
    assert {r["change"] for r in rows} == {"added", "changed"}
    assert said("diff", NEW.name, NEW.name) == ""


def test_diff_as_text() -> None:
    text = said("diff", OLD.name, NEW.name, code=1)
    assert "~ field file_header.reserved\n    offset: 0x39 -> 0x3e\n    width: 7 -> 2\n" in text
    assert "+ field file_header.block_count u32" in text
    assert "+ flag CapBitmap.14 system_handle_table" in text
    # A structure that is new is one line; one that got its layout now shows the fields.
    assert [x for x in text.splitlines() if "process_table" in x and "structure" in x] != []
    assert "process_table.entries" not in text
    assert "+ field thread_context.thread_id" in text
    assert "\x1b" not in text


# -- check -----------------------------------------------------------------------------------


def test_check_prints_what_it_finds() -> None:
    text = said("check", OLD.name)
    assert text.startswith(f"{OLD.name}: remark, unaligned: key_hint.note: ")
    assert said("check", OLD.name, "--quiet") == ""
    rows = [json.loads(x) for x in said("check", OLD.name, NEW.name, "--json").splitlines()]
    assert [(row["draft"], row["remark"]) for row in rows] == [(OLD.name, True), (NEW.name, True)]


def test_check_ends_with_1_for_a_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from msl_construct.cli import main
    from msl_construct.exports import consistency

    one = Inconsistency("duplicate-code", "BlockType", "0x0001 stands there 2 times")
    monkeypatch.setattr(consistency, "findings", lambda draft: [one])
    with pytest.raises(SystemExit) as ended:
        main(["schema", "check", OLD.name])
    assert ended.value.code == 1
    shown = capsys.readouterr()
    assert shown.out == f"{OLD.name}: {one}\n"
    assert "1 finding, 0 remarks" in shown.err


# -- export ----------------------------------------------------------------------------------


def test_export_of_one_form(tmp_path: Path) -> None:
    text = said("export", "--to", "rst", "--draft", OLD.name)
    assert text == EXPORTS["rst"].export(OLD)
    file = tmp_path / "new" / "fields.rst"
    done = run("schema", "export", "--to", "rst", "-o", file)
    assert (done.returncode, done.stdout) == (0, b"")
    assert one_line(done.stderr) == f"msl: {file}: {file.stat().st_size} bytes written\n"
    assert file.read_text("utf-8") == EXPORTS["rst"].export(NEW)
    again = run("schema", "export", "--to", "rst", "-o", file)
    assert one_line(again.stderr) == f"msl: {file}: unchanged\n"
    quiet = run("schema", "export", "--to", "rst", "-o", file, "--quiet")
    assert (quiet.returncode, quiet.stderr) == (0, b"")
    assert run("schema", "export", "--to", "rst", "-o", file, "--check").returncode == 0
    stale = run("schema", "export", "--to", "rst", "--draft", OLD.name, "-o", file, "--check")
    assert stale.returncode == 1
    assert stale.stdout.decode() == f"{file}: not what the schema gives\n"


def test_export_of_one_form_to_a_folder(tmp_path: Path) -> None:
    assert run("schema", "export", "--to", "json", "-o", tmp_path).returncode == 0
    names = {file for file, _ in EXPORTS["json"].files}
    assert {path.name for path in tmp_path.iterdir()} == names
    for path in tmp_path.iterdir():
        path.unlink()
    words = ("schema", "export", "--to", "json", "--draft", OLD.name, "-o", tmp_path)
    assert run(*words).returncode == 0
    (only,) = tmp_path.iterdir()
    assert dict(EXPORTS["json"].files)[only.name] == OLD.name


def test_export_needs_a_folder(tmp_path: Path) -> None:
    def here(*words: str) -> subprocess.CompletedProcess[bytes]:
        return run("schema", "export", *words, folder=tmp_path)

    refused = here()
    assert refused.returncode == 2
    assert b"no folder schema/ here" in refused.stderr
    (tmp_path / "file").write_text("")
    refused = here("-o", "file")
    assert refused.returncode == 2
    assert b"file is no folder" in refused.stderr
    refused = here("--to", "c", "--draft", OLD.name, "-o", ".")
    assert refused.returncode == 2
    assert b"name a file" in refused.stderr
    (tmp_path / "schema").mkdir()
    assert here("--check").returncode == 1, "the usual folder is empty"
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["schema"]


def test_a_folder_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("schema", "export", "--to", "rst", "-o", tmp_path / "file" / "below.rst")
    assert done.returncode == 3
    assert "file" in one_line(done.stderr)
