"""Sessions to read: a command and all that it prints, for small files made by hand.

``MSL_GOLDEN=write`` writes tests/golden anew. Look at every change before keeping it: the
documents among them are compared with the independent decoder here, trees and tables are
for your eyes.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from commands import COMMAND, PLACE
from independent import decode, wire
from independent.specimens import BE10, LE10, LE11, capture, finish, start
from independent.specimens import typical_payloads as typical

GOLDEN = Path(__file__).parent / "golden"


def small() -> bytes:
    """A live capture as the public draft describes it."""
    return capture(LE10).data()


def damaged() -> bytes:
    """Big-endian, a payload cut short, an unregistered type, no end, bytes behind."""
    builder = start(BE10, cap_bitmap=0x101, os_type=0x0100, flags=2)
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity(">", exe_path=b"caf\xe9"))
    builder.add(wire.MODULE_LIST_INDEX, wire.module_list_index(">", entry_count=2))
    states = (0, 0, 1, 2, 3, 0, 1)
    builder.add(wire.MEMORY_REGION, wire.memory_region(">", states, page_size_log2=10))
    builder.add(0x2345, wire.opaque(5), flags=0x8000, reserved=7)
    builder.raw(b"not a block")
    return builder.data()


def revised() -> bytes:
    """Draft 2026-10: threads, a VAS Map, compression, two segments."""
    builder = start(LE11, cap_bitmap=0x107)
    for name, (block_type, body) in typical(LE11).items():
        if name in ("identity", "thread", "region", "vas"):
            codec = "lz4" if name == "vas" else None
            builder.add(block_type, body, compression=codec)
    finish(builder, LE11)
    for number in range(2):
        builder.add(wire.KEY_HINT, wire.key_hint("<", region_offset=number, note=None))
        builder.end_segment()
    return builder.data()


FILES = {"small": small, "damaged": damaged, "revised": revised}
SESSIONS = {
    f"{file}-{name}": (file, arguments)
    for file in FILES
    for name, arguments in (
        ("tree", ""),
        ("yaml", "--yaml"),
        ("index", "--csv --show index"),
        ("regions", "--csv"),
        ("pages", "--csv --show pages"),
    )
} | {
    "small-offsets": ("small", "--offsets --show header"),
    "small-ndjson": ("small", "--ndjson"),
    "revised-threads": ("revised", "--csv --show threads"),
    "revised-mappings": ("revised", "--csv --show mappings"),
    "damaged-ascii": ("damaged", "--no-color"),
}


def session(name: str, folder: Path) -> tuple[str, str]:
    """The command line as it is typed, and what it prints."""
    file, arguments = SESSIONS[name]
    path = folder / f"{file}.msl"
    path.write_bytes(FILES[file]())
    words = ["inspect", path.name, *arguments.split()]
    encoding = "ascii" if name.endswith("ascii") else "utf-8"
    done = subprocess.run(
        [*COMMAND, *words],
        capture_output=True,
        cwd=folder,
        env={
            **{key: value for key, value in os.environ.items() if key != "COLUMNS"},
            "PYTHONPATH": str(PLACE),
            "PYTHONIOENCODING": encoding,
        },
        timeout=60,
    )
    assert done.returncode == (4 if file == "damaged" else 0), done.stderr
    return f"$ msl {' '.join(words)}", done.stdout.decode("utf-8")


@pytest.mark.parametrize("name", SESSIONS)
def test_session(name: str, tmp_path: Path) -> None:
    typed, printed = session(name, tmp_path)
    kept = GOLDEN / f"{name}.txt"
    text = f"{typed}\n{printed}"
    if os.environ.get("MSL_GOLDEN") == "write":
        kept.write_text(text, encoding="utf-8", newline="\n")
    assert text == kept.read_text(encoding="utf-8")


def kept_documents() -> Iterator[str]:
    return (name for name in SESSIONS if name.endswith("-yaml"))


@pytest.mark.parametrize("name", list(kept_documents()))
def test_kept_documents_are_right(name: str) -> None:
    """Against the independent decoder, so that a wrong one can't be kept."""
    file = SESSIONS[name][0]
    text = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8").partition("\n")[2]
    want = decode.decode(FILES[file](), f"{file}.msl")
    shown = yaml.safe_load(text)
    for left, right in zip(shown["blocks"], want["blocks"]):
        assert ("damage" in left) == ("damage" in right)
        left.pop("damage", None)
        right.pop("damage", None)
    assert shown == want


def test_nothing_is_kept_without_a_session() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(SESSIONS)
