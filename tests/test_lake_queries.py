"""The questions that the documentation shows, asked of a small lake: the answers are the dumps'."""

from __future__ import annotations

import os
import re
import runpy
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from commands import PLACE, run

from msl_construct import Writer

duckdb = pytest.importorskip("duckdb")
EXAMPLES = PLACE / "spec-docs" / "examples"
PAGE = 4096
Rows = list[tuple[Any, ...]]


def page(number: int) -> bytes:
    return bytes([number]) * PAGE


DUMPS: dict[str, tuple[str, list[tuple[int, list[int], list[str]]]]] = {
    # Program, and regions: address, numbers of pages, rights.
    "one": ("/usr/sbin/sshd", [(0x10000, [1, 2], ["read"]), (0x20000, [3], ["write", "execute"])]),
    "two": ("/usr/sbin/sshd", [(0x10000, [1, 4, 4], ["read", "write"])]),
    "three": ("/bin/cat", [(1 << 63, [1, 5], ["read", "write", "execute"])]),
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("queries")
    (folder / "dumps").mkdir()
    for name, (program, regions) in DUMPS.items():
        header = {
            "cap_bitmap": ["memory_regions", "module_list", "process_identity"],
            "os_type": "linux",
            "arch_type": "x86_64",
            "pid": 7,
        }
        with (
            (folder / "dumps" / f"{name}.msl").open("wb") as file,
            Writer(file, header, draft="draft-2026-10") as out,
        ):
            out.add_process_identity(exe_path=program)
            rows = [{"base_addr": 0x1000, "module_size": PAGE, "path": program}]
            (found,) = out.add_module_list_index(rows)
            out.add_module_entry(
                block_uuid=found, **rows[0], disk_hash=blake3(program.encode()).digest()
            )
            for address, pages, rights in regions:
                data = b"".join(map(page, pages))
                out.add_memory_region(base_addr=address, data=data, protection=rights)
    words = ("export", folder / "dumps", "--to", "parquet", "-o", folder / "lake", "--page-hashes")
    done = run(*words)
    assert done.returncode == 0, done.stderr
    return folder


def queries() -> dict[str, str]:
    """Those of the documentation, by name."""
    text = (EXAMPLES / "lake.sql").read_text("utf-8")
    parts = re.split(r"^-- (\w+): .*\n", text, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2]))


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def named(rows: Rows) -> Rows:
    """With the name of the dump instead of its path."""
    return [(Path(str(row[0])).stem, *row[1:]) for row in rows]


def shared() -> dict[str, tuple[int, int]]:
    """Of each page in several dumps: in how many, and how often."""
    places = Counter(
        (name, number)
        for name, (_, regions) in DUMPS.items()
        for _, pages, _ in regions
        for number in pages
    )
    found = {}
    for number in range(1, 6):
        counts = [count for (_, each), count in places.items() if each == number]
        if len(counts) > 1:
            found[blake3(page(number)).hexdigest()] = (len(counts), sum(counts))
    return found


def test_the_questions_of_the_documentation(lake: Path) -> None:
    asked = queries()
    assert set(asked) == {"page", "shared_pages", "executable", "module", "versions", "captured"}
    with inside(lake):

        def answer(name: str, *values: str) -> Rows:
            return list(duckdb.execute(asked[name], list(values) or None).fetchall())

        wanted = blake3(page(1)).hexdigest()
        assert named(answer("page", wanted)) == [
            ("one", 0x10000),
            ("three", 1 << 63),
            ("two", 0x10000),
        ]
        assert {row[0]: row[1:] for row in answer("shared_pages")} == shared()
        assert named(answer("executable", "%/sshd")) == [("one", 0x20000, PAGE)]
        assert named(answer("module", "%/cat")) == [
            ("three", 0x1000, blake3(b"/bin/cat").hexdigest())
        ]
        assert {row[1:] for row in answer("versions")} == {("/usr/sbin/sshd", 2), ("/bin/cat", 1)}
        assert named(answer("captured")) == [
            ("one", "captured", 3 * PAGE),
            ("three", "captured", 2 * PAGE),
            ("two", "captured", 3 * PAGE),
        ]


def test_the_same_questions_for_polars(lake: Path) -> None:
    pytest.importorskip("polars")
    asked = runpy.run_path(str(EXAMPLES / "lake_polars.py"))
    where = str(lake / "lake")
    assert named(asked["captured"](where).rows()) == [
        ("one", "captured", 3 * PAGE),
        ("three", "captured", 2 * PAGE),
        ("two", "captured", 3 * PAGE),
    ]
    assert named(asked["executable"](where, "/cat").rows()) == [("three", 1 << 63, 2 * PAGE)]
    assert {row[0]: row[1:] for row in asked["shared_pages"](where).rows()} == shared()
