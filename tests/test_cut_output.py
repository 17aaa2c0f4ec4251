"""Whoever reads stdout goes away (``| head``): no exit code says more than was looked at."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from commands import run
from independent import wire
from independent.specimens import LE10, finish, start
from sampling import sampled

from msl_construct.cli import main
from msl_construct.cli.group import cli
from msl_construct.cli.samples import samples as samples_group
from msl_construct.cli.schema import schema as schema_group

pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks")

SAMPLES = Path(__file__).parents[1] / "samples"
LIVE, OTHER = SAMPLES / "live-le.msl", SAMPLES / "live-be.msl"
REVISED = SAMPLES / "regions-1.1.msl"
PACKED = SAMPLES / "valid" / "everything-zst-11-le.msl"
FILE, REST = "before the file was whole", "nobody read on"

COMMANDS: list[tuple[object, ...]] = [
    ("inspect", LIVE),
    ("inspect", LIVE, "--json"),
    ("inspect", PACKED),
    ("inspect", PACKED, "--ndjson", "--with-data"),
    ("inspect", LIVE, "--csv", "--show", "pages"),
    ("verify", LIVE),
    ("verify", LIVE, "changed", LIVE, "--json"),
    ("check", LIVE, "changed", LIVE),
    ("check", LIVE, "--format", "json"),
    ("check", "--list"),
    ("check", "--explain", "MSL-4.4-PREV-HASH-MISMATCH"),
    ("build", "document"),
    ("read", LIVE, "[heap]", "16"),
    ("read", LIVE, "[heap]", "0x2020"),
    ("read", LIVE, "[heap]", "16", "--raw"),
    ("read", LIVE, "[heap]", "16", "--json"),
    ("read", LIVE, "[heap]", "16", "--as", "u64"),
    ("search", LIVE, "page"),
    ("search", LIVE, "page", "--json"),
    ("search", LIVE, "page", "--quiet"),
    ("search", LIVE, "nowhere"),
    ("strings", LIVE),
    ("strings", LIVE, "--ndjson"),
    ("yara", LIVE, "rules"),
    ("diff", LIVE, LIVE),
    ("diff", LIVE, OTHER),
    ("diff", "whole", "whole", "other"),
    ("diff", "whole", "whole", "other", "--ndjson"),
    ("diff", "whole", "whole", "other", "--json"),
    ("diff", "whole", "other", "whole"),
    ("candidates", LIVE),
    ("candidates", LIVE, "--json"),
    ("report", LIVE, "-o", "-"),
    ("report", LIVE, "-o", "-", "--format", "md"),
    ("recover", "changed", "-o", "new", "--json"),
    ("export", LIVE, "--to", "elf-core", "-o", "-"),
    ("export", LIVE, "--to", "minidump", "-o", "-"),
    ("export", LIVE, "--to", "raw", "-o", "-"),
    ("import", "core", "-o", "-"),
    ("encrypt", REVISED, "--key-file", "key", "-o", "-"),
    ("decrypt", "sealed", "--key-file", "key", "-o", "-"),
    ("samples list", "--samples", SAMPLES),
    ("samples list", "nothing-is-called-so", "--samples", SAMPLES),
    ("schema list",),
    ("schema show", "draft-2026-10"),
    ("schema show", "draft-2026-10", "memory_region", "--svg"),
    ("schema show", "draft-2026-10", "--document"),
    ("schema diff", "draft-2026-03", "draft-2026-10"),
    ("schema diff", "draft-2026-03", "draft-2026-10", "--breaking"),
    ("schema check", "draft-2026-10"),
    ("schema export", "--to", "ksy"),
    ("schema export", "--to", "spec"),
    ("schema export", "--check", "-o", "folder"),
    ("schema new", "-"),
    ("volatility-path",),
]
SILENT = {
    "acquire", "append", "convert", "enrich", "extract", "generate", "keygen", "sign", "timestamp",
    "samples generate", "samples run", "schema impact",
}  # fmt: skip
"""What prints nothing, or after all is done and in a way that is asked of others here."""


def names() -> set[str]:
    groups = {"samples": samples_group, "schema": schema_group}
    found = set(cli.list_commands(None)) - set(groups)  # type: ignore[arg-type]
    for name, group in groups.items():
        found |= {f"{name} {one}" for one in group.list_commands(None)}  # type: ignore[arg-type]
    return found


def test_no_command_is_left_out() -> None:
    assert {str(words[0]) for words in COMMANDS} | SILENT == names()


def cut(words: list[str], errors: Path, given: Path | None = None) -> tuple[int, str]:
    """Run a command whose stdout nobody reads: its exit code, and what it said.

    Args:
        given: what is on stdin.
    """
    reading, writing = os.pipe()
    os.close(reading)
    child = os.fork()
    if not child:  # pragma: no cover
        code = 99
        try:
            if given is not None:
                os.dup2(os.open(given, os.O_RDONLY), 0)
                sys.stdin = open(0, closefd=False)  # noqa: SIM115
            os.dup2(writing, 1)
            os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
            sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)))
            sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), write_through=True)
            main(words)
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 98
        finally:
            os._exit(code)
    os.close(writing)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), errors.read_text()


def one_page(last: bytes) -> bytes:
    builder = start(LE10)
    data = bytes(4095) + last
    region = wire.memory_region("<", [0], base_addr=0x10000, protection=3, page_data=data)
    builder.add(wire.MEMORY_REGION, region)
    return finish(builder, LE10)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("cut")
    found = {
        name: folder / name
        for name in (
            "whole",
            "other",
            "changed",
            "document",
            "rules",
            "key",
            "sealed",
            "folder",
            "core",
        )
    }
    found["whole"].write_bytes(one_page(b"a"))
    found["other"].write_bytes(one_page(b"b"))
    changed = bytearray(found["whole"].read_bytes())
    changed[-200] ^= 1
    found["changed"].write_bytes(changed)
    found["document"].write_bytes(run("inspect", LIVE, "--json", "--with-data").stdout)
    found["rules"].write_text('rule a { strings: $a = "page" condition: $a }')
    found["key"].write_bytes(bytes(range(32)))
    done = run("encrypt", REVISED, "--key-file", found["key"], "-o", found["sealed"])
    assert done.returncode == 0, done.stderr
    found["folder"].mkdir()
    run("export", LIVE, "--to", "elf-core", "-o", found["core"])
    return found


def named(words: tuple[object, ...]) -> str:
    return " ".join(word.name if isinstance(word, Path) else str(word) for word in words)


@sampled()
@pytest.mark.parametrize("words", COMMANDS, ids=named)
def test_what_nobody_reads_is_not_called_fine(
    words: tuple[object, ...], places: dict[str, Path], tmp_path: Path
) -> None:
    def line(new: str) -> list[str]:
        given = [*str(words[0]).split(), *words[1:]]
        return [
            str(tmp_path / new if word == "new" else places.get(str(word), word)) for word in given
        ]

    if words[0] == "yara":
        pytest.importorskip("yara_x")
    if words[0] == "candidates":
        pytest.importorskip("numpy")
    whole = run(*line("read.msl"))
    code, said = cut(line("cut.msl"), tmp_path / "errors")
    assert "Traceback" not in said
    if not whole.stdout:
        assert code == whole.returncode
        return
    file = "-" in line("") or words[0] in ("build", "schema export")
    if file and "--check" not in words:
        assert (code, FILE in said) == (3, True), said
    elif REST in said:
        assert code == 4 or code == whole.returncode == 1, said
    else:
        assert code == whole.returncode, said
        assert not (code == 0 and words[0] in ("search", "strings", "yara", "read")), said
    if code >= 3:
        assert said.startswith("msl: ")


def test_a_dump_that_comes_through_a_pipe_is_not_called_complete(tmp_path: Path) -> None:
    """Of the rest of it nothing is known."""
    builder = start(LE10)
    for number in range(4000):
        builder.add(wire.KEY_HINT, wire.key_hint("<", region_offset=number))
    path = tmp_path / "dump.msl"
    path.write_bytes(finish(builder, LE10)[:-100])
    assert run("inspect", "-", "--ndjson", data=path.read_bytes()).returncode == 4
    code, said = cut(["inspect", "-", "--ndjson"], tmp_path / "errors", path)
    assert (code, REST in said) == (4, True), said
