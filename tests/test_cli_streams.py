"""stdin, stdout and stderr: pipes that close, odd encodings, colour, overwriting, quiet."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import COMMAND, PLACE, files_of_every_fate, one_line, run  # noqa: F401 - a fixture
from comparing import text_of
from independent import decode, wire
from independent.specimens import LE10, capture, finish, one, start

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PLACE)}
ENVIRONMENT.pop("PYTHONUNBUFFERED", None)  # it would hide what is left in buffers at the end


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose document is much longer than a pipe holds."""
    builder = start(LE10)
    for number in range(4000):
        builder.add(wire.KEY_HINT, wire.key_hint("<", region_offset=number))
    path = tmp_path_factory.mktemp("big") / "big.msl"
    path.write_bytes(finish(builder, LE10))
    return path


@POSIX
@pytest.mark.parametrize("form", ["--ndjson", "--yaml", "--json", "--csv --show index", ""])
def test_reader_that_goes_away_ends_it_quietly(form: str, big: Path) -> None:
    command = [*COMMAND, "inspect", *form.split(), str(big)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(1)
        process.stdout.close()
        errors = process.stderr.read()
        process.wait(60)
    assert errors == b""
    assert process.returncode == 0


@POSIX
def test_head_in_a_shell(big: Path) -> None:
    line = f"'{sys.executable}' -m msl_construct inspect --ndjson '{big}' | head -1"
    done = subprocess.run(["sh", "-c", line], capture_output=True, env=ENVIRONMENT, timeout=60)
    assert json.loads(done.stdout)["record"] == "document"
    assert done.stderr == b""


@POSIX
def test_hits_that_nobody_reads_are_not_called_all(tmp_path: Path) -> None:
    builder = start(LE10)
    data = b"a string\0" * 40960  # whose lines are much longer than a pipe holds
    builder.add(wire.MEMORY_REGION, wire.memory_region("<", [0] * 90, page_data=data))
    path = tmp_path / "dump.msl"
    path.write_bytes(finish(builder, LE10))
    line = f"'{sys.executable}' -m msl_construct strings '{path}' | head -1"
    done = subprocess.run(["sh", "-c", line], capture_output=True, env=ENVIRONMENT, timeout=60)
    assert b"a string" in done.stdout
    assert one_line(done.stderr).endswith(": nobody read on, so that there may be more hits\n")


@POSIX
def test_full_disk_is_an_error_and_not_silence(files: dict[str, Path]) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, "inspect", "--yaml", str(files["whole"])],
            stdout=full, stderr=subprocess.PIPE, env=ENVIRONMENT, timeout=60,
        )  # fmt: skip
    assert done.returncode not in (0, 1, 2, 120)
    assert "space" in one_line(done.stderr)


@POSIX
def test_build_into_a_pipe_that_closes(big: Path, tmp_path: Path) -> None:
    document = tmp_path / "big.yaml"
    document.write_text(text_of(big.read_bytes(), "json", with_data=True), encoding="utf-8")
    with subprocess.Popen(
        [*COMMAND, "build", str(document)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read().count(b"\n") == 1
        assert process.wait(60) == 3  # half a file must not look like a whole one


ODD = "/tmp/Grüße/日本語/🙂"


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "utf-16"},
    ],
    ids=lambda e: next(iter(e.values())),
)
def test_stdout_of_another_encoding(environment: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    body = wire.process_identity("<", exe_path=ODD)
    region = wire.memory_region("<", (0, 1, 2, 3), page_size_log2=10)
    builder = start(LE10)
    builder.add(wire.PROCESS_IDENTITY, body)
    builder.add(wire.MEMORY_REGION, region)
    path.write_bytes(finish(builder, LE10))
    for form in ("--json", "--yaml", "--ndjson"):
        done = run("inspect", form, path, **environment)
        assert (done.returncode, done.stderr) == (0, b"")
        assert ODD in done.stdout.decode("utf-8")  # documents are UTF-8 whatever the terminal is
    tree = run("inspect", path, **environment)
    assert (tree.returncode, tree.stderr) == (0, b"")
    verified = run("verify", path, **environment)
    assert (verified.returncode, verified.stderr) == (0, b"")


def test_tree_in_ascii_holds_no_drawing_characters(files: dict[str, Path]) -> None:
    ascii_ = run("inspect", files["whole"], PYTHONIOENCODING="ascii").stdout.decode()
    drawn = run("inspect", files["whole"], PYTHONIOENCODING="utf-8").stdout.decode()
    assert ascii_.isascii()
    assert "└─" in drawn
    assert len(ascii_.splitlines()) == len(drawn.splitlines())


@POSIX
def test_file_name_that_is_not_utf8(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9-\x1b[31m.msl"
    with open(name, "wb") as file:
        file.write(capture(LE10).data()[:-9])
    for command in (["inspect"], ["inspect", "--json"], ["inspect", "--yaml"], ["verify"]):
        done = subprocess.run(
            [*COMMAND, *command, name], capture_output=True, env=ENVIRONMENT, timeout=60
        )
        assert done.returncode == 4, done.stderr
        assert b"Traceback" not in done.stderr
        assert b"\x1b" not in done.stdout + done.stderr
        done.stdout.decode("utf-8")


@POSIX
def test_colour_only_on_a_terminal_that_wants_it(files: dict[str, Path]) -> None:
    import pty

    def on_a_terminal(*arguments: str, **environment: str) -> bytes:
        parent, child = pty.openpty()
        with subprocess.Popen(  # a pager has sequences of its own
            [*COMMAND, "inspect", "--no-pager", str(files["whole"]), *arguments],
            stdout=child, stderr=subprocess.DEVNULL,
            env={k: v for k, v in ENVIRONMENT.items() if k != "NO_COLOR"} | environment,
        ) as process:  # fmt: skip
            os.close(child)
            out = b""
            try:
                while piece := os.read(parent, 4096):
                    out += piece
            except OSError:
                pass  # how Linux says that the other side has gone
            process.wait(60)
        os.close(parent)
        return out

    assert b"\x1b[" in on_a_terminal(TERM="xterm")
    assert b"\x1b[" not in on_a_terminal("--no-color", TERM="xterm")
    assert b"\x1b[" not in on_a_terminal(TERM="xterm", NO_COLOR="1")
    assert b"\x1b[" not in run("inspect", files["whole"]).stdout


# -- verify ----------------------------------------------------------------------------


def test_one_hopeless_file_stops_nothing(files: dict[str, Path]) -> None:
    order = ["whole", "not", "broken", "cut", "segments"]
    done = run("verify", *(files[name] for name in order))
    assert done.returncode == 3
    text = done.stdout.decode()
    for name in ("whole", "broken", "cut", "segments"):
        assert f"{files[name]}: " in text
    assert str(files["not"]) not in text
    assert str(files["not"]) in done.stderr.decode()


def test_worst_code_wins(files: dict[str, Path]) -> None:
    for names, code in (
        (("whole", "cut"), 4), (("cut", "broken"), 1), (("encrypted", "cut"), 5),
        (("broken", "encrypted"), 1), (("whole", "segments"), 0),
    ):  # fmt: skip
        assert run("verify", *(files[n] for n in names)).returncode == code


def test_verify_as_json(files: dict[str, Path]) -> None:
    order = ["whole", "segments", "broken", "cut", "not", "encrypted"]
    done = run("verify", "--json", *(files[name] for name in order))
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row.get("intact") for row in rows] == [True, True, False, True, None, None]
    assert [row.get("complete") for row in rows] == [True, True, True, False, None, None]
    assert rows[1]["segments"] == 1
    assert [f["kind"] for f in rows[2]["findings"]] == ["chain", "file_hash"]
    finding = rows[2]["findings"][0]
    blocks = decode.decode(files["broken"].read_bytes())["blocks"]
    assert (finding["block"], finding["offset"]) == (1, blocks[1]["offset"])
    assert rows[2]["file_hash"] == "mismatch"
    assert {gap["kind"] for gap in rows[3]["gaps"]} == {"no_end_of_capture", "truncated"}
    assert len({row["file"] for row in rows}) == len(rows)


def test_quiet_leaves_only_errors(files: dict[str, Path]) -> None:
    assert "note:" in run("verify", files["whole"]).stdout.decode()
    assert "note:" not in run("verify", "--quiet", files["whole"]).stdout.decode()
    done = run("inspect", "--quiet", files["cut"])
    assert done.returncode == 4
    one_line(done.stderr)


# -- build -----------------------------------------------------------------------------


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "dump.yaml"
    path.write_text(text_of(capture(LE10).data(), "yaml", with_data=True), encoding="utf-8")
    return path


def test_build_to_a_file_and_not_over_it(document: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    done = run("build", document, "-o", out)
    assert (done.returncode, done.stdout) == (0, b"")
    assert re.search(rb"\d+ bytes", done.stderr)
    assert out.read_bytes() == capture(LE10).data()
    out.write_bytes(b"precious")
    refused = run("build", document, "-o", out)
    assert refused.returncode == 2
    assert b"--force" in refused.stderr
    assert out.read_bytes() == b"precious"
    forced = run("build", document, "-o", out, "--force", "--quiet")
    assert (forced.returncode, forced.stdout, forced.stderr) == (0, b"", b"")
    assert out.read_bytes() == capture(LE10).data()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dump.yaml", "out.msl"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda text: text.replace("pid: 4242", "pid: many"), "header.pid"),
        (lambda text: text.replace("exe_path_len: 15", "exe_path_len: 16"), "blocks[0].payload"),
        (lambda text: text[: len(text) // 2] + "\n  - : [", "YAML"),
        (lambda text: "", "empty"),
        (lambda text: "[1, 2]", "document"),
    ],
)
def test_failed_build_leaves_nothing(
    change: object, complaint: str, document: Path, tmp_path: Path
) -> None:
    assert callable(change)
    document.write_text(change(document.read_text(encoding="utf-8")), encoding="utf-8")
    out = tmp_path / "out.msl"
    done = run("build", document, "-o", out)
    assert done.returncode == 3
    assert complaint in one_line(done.stderr)
    assert [p.name for p in tmp_path.iterdir()] == ["dump.yaml"]
    out.write_bytes(b"precious")
    assert run("build", document, "-o", out, "--force").returncode == 3
    assert out.read_bytes() == b"precious"
    assert len(list(tmp_path.iterdir())) == 2


def test_build_does_not_touch_a_file_of_a_similar_name(document: Path, tmp_path: Path) -> None:
    """What is being written must not take the place of a file that was there before."""
    beside = tmp_path / "out.msl.part"
    beside.write_bytes(b"precious")
    run("build", document, "-o", tmp_path / "out.msl")
    assert beside.read_bytes() == b"precious"


def test_build_from_stdin_in_every_form() -> None:
    data = capture(LE10).data()
    for form in ("yaml", "json", "ndjson"):
        text = text_of(data, form, with_data=True).encode()
        for argument in ("-",):
            done = run("build", argument, data=text)
            assert (done.returncode, done.stdout) == (0, data)


def test_build_says_nothing_on_stdout_but_the_file() -> None:
    text = text_of(one(LE10, wire.PROCESS_IDENTITY, wire.process_identity("<")), "json")
    done = run("build", "-", "--quiet", data=text.encode())
    assert done.stderr == b""
    assert done.stdout.startswith(b"MEMSLICE")


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"header: {}\n\xc3\x28: 1\n", b'{"a": \xff}'])
def test_document_that_is_not_utf8(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(data)
    for done in (run("build", path), run("build", "-", data=data)):
        assert done.returncode == 3
        one_line(done.stderr)


def test_build_of_an_absent_document(tmp_path: Path) -> None:
    done = run("build", tmp_path / "absent.yaml", "-o", tmp_path / "out.msl")
    assert done.returncode == 3
    assert "absent.yaml" in one_line(done.stderr)
    assert list(tmp_path.iterdir()) == []
