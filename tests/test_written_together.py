"""An export and what stands beside it: all of it is there in the end, or what was there before."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO, Any

import pytest
from click.testing import CliRunner
from commands import PLACE, run

from msl_construct.cli.export import export
from msl_construct.cli.written_file import write_together

SAMPLE = PLACE / "samples" / "live-le.msl"


@pytest.mark.parametrize(("force", "names"), [(False, 2), (True, 2), (True, 1)])
def test_the_last_one_has_no_place(
    force: bool, names: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a file system, too, where a file has one name only."""

    link = os.link

    def refuse(source: str, *rest: Any, **options: Any) -> None:
        if not source.startswith("/proc/"):
            raise OSError(1, "no second name")
        link(source, *rest, **options)

    first, second, third = places = [tmp_path / name for name in ("out", "out.list", "out.more")]
    for place in places if force else ():
        place.write_text("before")

    def write(file: IO[bytes]) -> None:
        file.write(b"new")

    def spoil(file: IO[bytes]) -> None:
        first.unlink(missing_ok=True)
        first.mkdir()
        if names == 1:
            monkeypatch.setattr(os, "link", refuse)

    with pytest.raises(IsADirectoryError):
        write_together(list(zip(map(str, places), (write, write, spoil))), force)
    monkeypatch.undo()
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "out",
        *(["out.list", "out.more"] if force else []),
    ]
    assert [one.read_text() for one in (second, third) if force] == ["before"] * 2 * force
    first.rmdir()
    write_together([(str(place), write) for place in places], force)
    assert [one.read_text() for one in places] == ["new"] * 3
    assert len(list(tmp_path.iterdir())) == 3


def test_an_export_whose_list_fails_leaves_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, beside = tmp_path / "core", tmp_path / "core.holes.json"
    out.write_text("earlier")
    beside.write_text("its list")

    def fail(self: object) -> None:
        raise OSError(28, "No space left on device")

    words = [str(SAMPLE), "--to", "elf-core", "-o", str(out), "--force"]
    with monkeypatch.context() as patched:
        patched.setattr("msl_construct.convert.told.Written.lines", fail)
        done = CliRunner().invoke(export, words)
    assert done.exit_code == 3
    assert "core.holes.json: No space left" in done.output
    assert (out.read_text(), beside.read_text()) == ("earlier", "its list")
    assert run("export", *words).returncode == 0
    assert json.loads(beside.read_text())["file"] == "core"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["core", "core.holes.json"]


def test_a_list_is_no_device(tmp_path: Path) -> None:
    """Through a link it would be gone."""
    (tmp_path / "out.maps").symlink_to("/dev/null")
    words = [str(SAMPLE), "--to", "raw", "-o", str(tmp_path / "out"), "--force"]
    done = CliRunner().invoke(export, words)
    assert done.exit_code == 2
    assert "out.maps is a device or a pipe" in done.output
    assert [one.name for one in tmp_path.iterdir()] == ["out.maps"]


def test_what_is_there_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "out.maps").write_text("mine")
    done = run("export", SAMPLE, "--to", "raw", "-o", tmp_path / "out")
    assert done.returncode == 2
    assert [one.name for one in tmp_path.iterdir()] == ["out.maps"]
