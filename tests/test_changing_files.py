"""Files that somebody cuts, extends, rewrites or removes while they are read.

Each is one error that says so, or was read as it had been: never a signal, never a wrong
statement. ``MSL_CHANGES=200`` shortens the files of a folder that often while it is checked.
"""

from __future__ import annotations

import errno
import os
import random
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import COMMAND, PATIENCE, PLACE, run
from independent import wire
from independent.specimens import LE10, LE11, capture, finish, start

import msl_construct
from msl_construct.errors import ChangedError
from msl_construct.rules import check
from msl_construct.source import Extent, FileSource, PathSource, Source

ROUNDS = int(os.environ.get("MSL_CHANGES", "4"))
DATA = bytes(range(256)) * (3 << 12)  # 3 MiB: more than one piece
DOCUMENTED = {0, 1, 3, 4}
Change = Callable[[Path], None]


def cut(path: Path) -> None:
    os.truncate(path, os.path.getsize(path) // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def extend(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"behind")


def rewrite(path: Path) -> None:
    """Other bytes in the same place; the time of it is set, for clocks of files are coarse."""
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
    os.utime(path, ns=(0, time.time_ns() + 10**9))


CHANGES = [cut, empty, extend, rewrite]
each_change = pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)


# -- the source ------------------------------------------------------------------------------

READERS: list[Callable[[Source], Any]] = [
    lambda source: source.read(len(DATA) - 16, 16),
    lambda source: source.read(0, len(DATA)),
    lambda source: source.view(1000, len(DATA)),
    lambda source: list(source.pieces(0, len(DATA))),
    lambda source: bytes(Extent(source, 0, len(DATA))),
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("change", [cut, empty], ids=lambda change: change.__name__)
def test_what_is_no_longer_there_is_an_error(
    tmp_path: Path, read: Callable[[Source], Any], change: Change
) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    source = PathSource(path)
    change(path)
    with pytest.raises(ChangedError, match=r"was cut shorter .* expected 3145728 bytes"):
        read(source)
    source.close()


def test_what_is_still_there_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    source = PathSource(path)
    cut(path)
    assert source.read(0, 100) == DATA[:100]
    assert bytes(source.view(5, 1 << 20)) == DATA[5 : 5 + (1 << 20)]
    source.close()


@pytest.mark.parametrize("length", [16, 5000, len(DATA)])
def test_a_view_outlives_the_file(tmp_path: Path, length: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    source = PathSource(path)
    view = source.view(0, length)
    empty(path)
    path.unlink()
    source.close()
    assert view == DATA[:length]
    assert view.readonly


@each_change
def test_a_source_knows_whether_it_is_what_it_was(tmp_path: Path, change: Change) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    source = PathSource(path)
    source.require_unchanged()
    change(path)
    with pytest.raises(ChangedError, match="while it was read"):
        source.require_unchanged()
    source.close()


def test_a_removed_file_is_read_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(capture(LE11).data())
    with msl_construct.open(path) as dump:
        path.unlink()
        assert dump.verify().intact


def test_pieces_of_several_readers_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    source = PathSource(path)
    both = zip(source.pieces(0, 3000, 1000), source.pieces(7, 3000, 1000))
    for at, (first, second) in zip(range(0, 3000, 1000), both):
        assert first == DATA[at : at + 1000]
        assert second == DATA[at + 7 : at + 1007]
    assert b"".join(map(bytes, source.pieces(9, 1 << 40))) == DATA[9:]
    source.close()


def test_a_file_object_that_shrinks(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    with path.open("rb") as file:
        source = FileSource(file)
        cut(path)
        with pytest.raises(ChangedError, match="file object was cut shorter"):
            source.read(0, len(DATA))


# -- a dump ----------------------------------------------------------------------------------


def dump_bytes() -> bytes:
    builder = start(LE11)
    for number in range(20):
        builder.add(0x0012, wire.opaque(3000, number))
    return finish(builder, LE11)


def everything(path: Path) -> list[Any]:
    """What is read of a dump, by all that reads one."""
    with msl_construct.open(path) as dump:
        found: list[Any] = [dump.verify().intact, [f.rule.id for f in check(dump)]]
        found += [bytes(block.stored) for block in dump.blocks]
        found += [block.problem for block in dump.blocks]
        dump.require_unchanged()
    return found


class Turn(Exception):
    """The change of its own that a test makes failed to come."""


def changed_at(monkeypatch: pytest.MonkeyPatch, path: Path, turn: int, change: Change) -> list[int]:
    """Change the file behind the reader's back before the system call of this number."""
    calls: list[int] = []

    def before(function: Any) -> Any:
        def called(*arguments: Any) -> Any:
            calls.append(len(calls))
            if len(calls) == turn:
                change(path)
            return function(*arguments)

        return called

    for name in ("pread", "preadv"):
        if hasattr(os, name):
            monkeypatch.setattr(os, name, before(getattr(os, name)))
    return calls


@each_change
def test_a_change_at_any_moment_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    data = dump_bytes()
    path = tmp_path / "a.msl"
    path.write_bytes(data)
    with monkeypatch.context() as patched:
        calls = changed_at(patched, path, -1, change)
        expected = everything(path)
    last = len(calls)
    assert last > 60
    for turn in [*range(1, 12), *range(12, last, 7), last]:
        path.write_bytes(data)
        with monkeypatch.context() as patched:
            changed_at(patched, path, turn, change)
            with pytest.raises(ChangedError, match="while it was read"):
                everything(path)
    path.write_bytes(data)
    assert everything(path) == expected


def test_a_file_that_is_changed_before_it_is_opened_is_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.msl"
    path.write_bytes(capture(LE10).data())
    cut(path)
    with msl_construct.open(path) as dump:
        assert not dump.verify().complete


def test_an_error_of_ones_own_stays_while_nothing_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.msl"
    path.write_bytes(capture(LE10).data())
    with pytest.raises(Turn), msl_construct.open(path):
        raise Turn
    with pytest.raises(ChangedError) as caught, msl_construct.open(path):
        extend(path)
        raise Turn
    assert isinstance(caught.value.__context__, Turn)


def test_a_file_that_can_no_longer_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a network file system whose server has removed it."""

    def stale(*_: Any) -> bytes:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    path = tmp_path / "a.msl"
    path.write_bytes(capture(LE10).data())
    with msl_construct.open(path) as dump:
        monkeypatch.setattr(os, "pread", stale)
        with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
            dump.verify()


# -- commands --------------------------------------------------------------------------------

SLOWLY = """
import os, sys
from msl_construct.source import PathSource
path, how = sys.argv.pop(1), sys.argv.pop(1)
fill = PathSource.read_into
def late(self, *arguments):
    PathSource.read_into = fill
    os.truncate(path, 700 if how == "cut" else 1 << 20)
    return fill(self, *arguments)
PathSource.read_into = late
from msl_construct.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("how", ["cut", "extended"])
@pytest.mark.parametrize(
    "command", [["verify"], ["check"], ["inspect", "--json", "--with-data"]], ids=lambda c: c[0]
)
def test_a_command_says_it_in_one_line(tmp_path: Path, how: str, command: list[str]) -> None:
    path = tmp_path / "a.msl"
    path.write_bytes(dump_bytes())
    done = subprocess.run(
        [COMMAND[0], "-c", SLOWLY, str(path), how, *command, str(path)],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(PLACE)},
        timeout=PATIENCE,
    )
    text = done.stderr.decode()
    assert done.returncode == 3, text
    assert text.count("\n") == 1
    assert "while it was read" in text


def shortened(paths: list[Path], moments: list[tuple[float, int]], begin: threading.Event) -> None:
    """Cut each file to so many bytes after so many seconds."""
    begin.wait()
    start_ = time.monotonic()
    for path, (moment, size) in sorted(zip(paths, moments), key=lambda pair: pair[1][0]):
        left = moment - (time.monotonic() - start_)
        if left > 0:
            threading.Event().wait(left)
        if size < path.stat().st_size:
            os.truncate(path, size)


def test_every_file_of_a_folder_has_its_line(tmp_path: Path) -> None:
    whole = dump_bytes()
    large = large_dump()
    folder = tmp_path / "dumps"
    folder.mkdir()
    paths = [folder / f"{number}.msl" for number in range(6)]
    took = 0.0
    for seed in range(-1, ROUNDS):  # the first time nothing is shortened
        chance = random.Random(seed)
        for number, path in enumerate(paths):
            path.write_bytes(large if number % 2 else whole)
        moments = [
            (chance.uniform(0.3, 1.1) * took, chance.choice([0, 7, 64, 100, 5000, 1 << 20]))
            for _ in paths
        ]
        begin = threading.Event()
        helper = threading.Thread(target=shortened, args=(paths, moments, begin), daemon=True)
        if seed >= 0:
            helper.start()
        started = time.monotonic()
        with subprocess.Popen(
            [*COMMAND, "check", str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(PLACE)},
        ) as process:
            begin.set()
            out, err = process.communicate(timeout=PATIENCE)
        if seed >= 0:
            helper.join()
        else:
            took = time.monotonic() - started
        text = f"seed {seed}:\n{out.decode()}{err.decode()}"
        assert process.returncode in DOCUMENTED, text
        assert "Traceback" not in text
        for path in paths:
            assert sum(line.startswith(f"{path}: ") for line in text.splitlines()) == 1, text
        said = "while it was read" in text or "not checked" in text
        assert (process.returncode == 3) == said, text
        assert seed >= 0 or not said, text


def large_dump() -> bytes:
    """Some megabytes, so that there is time to do something to it."""
    builder = start(LE11)
    for number in range(60):
        builder.add(0x0012, wire.opaque(50_000, number))
    return finish(builder, LE11)


def test_one_vanished_file_does_not_keep_the_others_from_being_checked(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.msl").write_bytes(capture(LE10).data())
    gone = tmp_path / "b.msl"
    gone.unlink()
    gone.symlink_to(tmp_path / "nowhere")  # as when it goes behind the listing
    done = run("check", tmp_path)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 3
    assert [line.split(": ")[1][:11] for line in lines if ".msl: " in line] == [
        "no findings", "not checked", "no findings",
    ]  # fmt: skip
