"""``msl extract``: files hold what is known, and holes are told apart from zeros."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import blake3
import pytest
from click.testing import CliRunner
from commands import run
from test_read import CODE, HEAP, PAGE, SECRET, dump

from msl_construct import analysis
from msl_construct.cli.group import cli


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return dump(tmp_path / "dump.msl", compression="zstd")


def extracted(made: Path, *words: str, code: int = 4) -> tuple[Path, list[dict[str, Any]]]:
    folder = made.with_name("out")
    done = run("extract", made, "-o", folder, *words)
    assert done.returncode == code, done.stderr
    found = json.loads((folder / "manifest.json").read_text())
    assert {row["file"] for row in found["parts"] if row["file"]} | {"manifest.json"} == {
        entry.name for entry in folder.iterdir()
    }
    for row in found["parts"]:
        if row["file"] is None:
            continue
        data = (folder / row["file"]).read_bytes()
        assert len(data) == row["size"]
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
        assert blake3.blake3(data).hexdigest() == row["blake3"]
        assert stat.S_IMODE((folder / row["file"]).stat().st_mode) == 0o600
        assert sum(length for _, length, _ in row["runs"]) == row["size"]
    return folder, found["parts"]


def test_a_region_has_its_states(made: Path) -> None:
    folder, (row,) = extracted(made, "--region", "[heap]+0x1000")
    assert row["base_addr"] == f"{HEAP:#x}"
    assert row["runs"] == [
        [0, PAGE, "captured"], [PAGE, PAGE, "failed"], [2 * PAGE, 2 * PAGE, "captured"],
    ]  # fmt: skip
    data = (folder / row["file"]).read_bytes()
    assert data[16 : 16 + len(SECRET)] == SECRET
    assert data[PAGE - 3 : PAGE] == b"end"


def test_a_module_is_taken_as_it_lies_in_memory(made: Path) -> None:
    folder, (row,) = extracted(made, "--module", "/lib/libx-2.so", code=0)
    assert row["file"] == f"{CODE:016x}-libx-2.so.bin"
    assert (folder / row["file"]).read_bytes()[PAGE - 4 : PAGE + 2] == b"across"


def test_everything_and_what_nothing_is_known_of(made: Path) -> None:
    _, rows = extracted(made, "--all", "--range", "0x1000..0x5000")
    assert [row["base_addr"] for row in rows] == [
        f"{HEAP:#x}", f"{CODE:#x}", f"{CODE + PAGE:#x}", "0x1000",
    ]  # fmt: skip
    assert rows[-1] == {
        "file": None, "base_addr": "0x1000", "size": 0x4000, "name": "",
        "runs": [[0, 0x4000, "absent"]], "blake3": None, "sha256": None,
    }  # fmt: skip


def test_however_much_it_is_of_which_nothing_is_known(made: Path) -> None:
    _, (row,) = extracted(made, "--range", "0xffff800000000000..0xffffc00000000000")
    assert row["runs"] == [[0, 1 << 46, "absent"]]
    assert (row["file"], row["blake3"], row["sha256"]) == (None, None, None)


def test_a_range_of_terabytes_is_refused_and_the_rest_is_there(made: Path) -> None:
    _, rows = extracted(made, "--range", "0..0x7f0000000000", "--region", "[heap]")
    assert [row["base_addr"] for row in rows] == [f"{HEAP:#x}"]


def test_holes_take_no_room(made: Path) -> None:
    folder, (row,) = extracted(made, "--range", f"{HEAP:#x}..{HEAP + (1 << 30):#x}")
    assert os.stat(folder / row["file"]).st_blocks * 512 < 1 << 20


def test_holes_are_hashed_up_to_a_sum(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few bytes promise any number of zeros, and many regions of a file may do so."""
    ranges = [f"{start:#x}..{HEAP + 4 * PAGE:#x}" for start in (HEAP - 8 * PAGE, HEAP - 4 * PAGE)]
    monkeypatch.setattr(analysis, "MOST_HASHED_HOLES", 10 * PAGE)
    words = ["extract", str(made), "-o", str(made.with_name("out"))]
    done = CliRunner().invoke(cli, [*words, "--range", ranges[0], "--range", ranges[1]])
    assert done.exit_code == 4
    assert f"{HEAP - 4 * PAGE:#x} was not hashed: 20.0 KiB of it are holes" in done.stderr
    first, second = json.loads(made.with_name("out").joinpath("manifest.json").read_text())["parts"]
    assert (
        first["sha256"]
        == hashlib.sha256(made.with_name("out").joinpath(first["file"]).read_bytes()).hexdigest()
    )
    assert (second["blake3"], second["sha256"]) == (None, None)
    assert made.with_name("out").joinpath(second["file"]).stat().st_size == 8 * PAGE


def test_gibibytes_of_holes_take_no_time(made: Path) -> None:
    folder = made.with_name("out")
    done = run("extract", made, "-o", folder, "--range", f"{HEAP:#x}..{HEAP + (60 << 30):#x}")
    assert done.returncode == 4
    assert b"was not hashed: 60.0 GiB" in done.stderr
    (row,) = json.loads((folder / "manifest.json").read_text())["parts"]
    assert (folder / row["file"]).stat().st_size == row["size"] == 60 << 30


def test_a_folder_that_holds_something_is_left_alone(made: Path) -> None:
    folder = made.with_name("out")
    folder.mkdir()
    (folder / "mine").write_text("x")
    done = run("extract", made, "-o", folder, "--all")
    assert done.returncode == 3
    assert [entry.name for entry in folder.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    "words", [(), ("--region", "0x10"), ("--module", "nosuch"), ("--range", "5..1")]
)
def test_what_is_not_there_is_said(made: Path, words: tuple[str, ...]) -> None:
    done = run("extract", made, "-o", made.with_name("out"), *words)
    assert done.returncode == 2
    assert not made.with_name("out").exists()


def test_parts_that_begin_at_one_address_are_all_there(made: Path) -> None:
    ranges = [f"{HEAP:#x}..{HEAP + size * PAGE:#x}" for size in (1, 3, 1)]
    words = [word for text in ranges for word in ("--range", text)]
    _, found = extracted(made, *words)
    assert [row["size"] for row in found] == [PAGE, 3 * PAGE]
    assert found[0]["file"] != found[1]["file"]
