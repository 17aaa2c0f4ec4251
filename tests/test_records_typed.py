"""The types of records: what a type checker says of a program that uses them."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from commands import PLACE

import msl_construct
from msl_construct import records
from msl_construct.author import HASH, U16, U32, U64, BlockType, Field, Utf8Z
from msl_construct.drafts import DRAFTS, NEWEST_DRAFT, PUBLIC
from msl_construct.exports import EXPORTS, exported
from msl_construct.exports.kinds import kind_of
from msl_construct.page_map import PageMap
from msl_construct.schema import ByteOrder, Code, FlagValue, Layout, Record
from msl_construct.source import Extent

CLIENT = """
from __future__ import annotations

from typing import TYPE_CHECKING

import msl_construct

if TYPE_CHECKING:
    from clashing import Find, Structures

    from msl_construct.records import ModuleEntry, Register


def names(module: ModuleEntry) -> str:
    return module.path or "?"


def values(registers: list[Register]) -> dict[str, int]:
    return {one.name or "": int.from_bytes(one.value, "little") for one in registers}


newest = msl_construct.schema("draft-2026-10")
region = newest.memory_region.parse(b"")
pages: int = region.page_state_map.pages
where: int = region.base_addr
right = region.protection.names if "write" in region.protection else []
first = msl_construct.schema("draft-2026-03")
end = first.end_of_capture.parse(b"")
stored: bytes = end.file_hash + end.reserved
with msl_construct.open("x.msl") as dump:
    for module in dump.modules:
        print(names(module), module.base_addr + module.module_size, module["path"])
    for thread in dump.threads:
        print(thread.thread_id, values(list(thread.registers)))
built: bytes = newest.key_hint.build({"region_uuid": b""})


def clashes(found: Find, structures: Structures) -> int:
    for key, value in found.items():
        print(key, value)
    return int(found["items"]) + found.str + len(found.bytes) + len(found.int or "") + found.last
"""

CLASHING = DRAFTS[NEWEST_DRAFT].overlay(
    "clashing",
    version=0x0102,
    status="of a test",
    blocks=[
        BlockType(0x1003, "Find", "§lab", "What is found.",
            Layout("Find", "§lab", (
                Field("Items", U32, "How many there are."),
                Field("Keys", U32, "How many there were."),
                Field("Damage", U16, "What it cost."),
                Field("Int", Utf8Z("Damage"), "What it is called."),
                Field("Str", U64, "A number."),
                Field("Bytes", HASH, "Its hash."),
                Field("Last", U32, "A number behind it."),
            )),
        )
    ],
)  # fmt: skip
"""A block whose name a schema has for itself, of fields whose names records or Python have."""

WRONG = {
    "region.base_adr": '"MemoryRegion" has no attribute "base_adr"',
    "end.block_count": '"EndOfCapture" has no attribute "block_count"',
    "dump.modules[0].size": '"ModuleEntry" has no attribute "size"',
    "dump.threads[0].registers[0].number": '"Register" has no attribute "number"',
    "newest.memory_regoin.parse(b'')": '"NoSuchStructure" has no attribute "parse"',
    "first.system_context.parse(b'')": '"NoSuchStructure" has no attribute "parse"',
    "region.base_addr + 'x'": "Unsupported operand types",
    "names(region)": 'has incompatible type "MemoryRegion"; expected "ModuleEntry"',
    "Find().bytes + 1": 'Unsupported operand types for + ("bytes" and "int")',
}
"""What is an error, a line each."""


def checked(program: str, folder: Path) -> list[str]:
    """What mypy says; the package's own cache, which whoever checks types fills, saves the time."""
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("no mypy in this Python's packages")
    path = folder / "client.py"
    path.write_text(program)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "--strict", "--config-file",
         PLACE / "pyproject.toml", "--cache-dir", PLACE / ".mypy_cache", path],
        cwd=PLACE, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return [line for line in done.stdout.splitlines() if folder.name in line]


def test_a_wrong_name_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "clashing.pyi").write_text(EXPORTS["pyi"].export(CLASHING))
    last = len(CLIENT.splitlines())
    said = checked(CLIENT + "".join(f"{line}\n" for line in WRONG), tmp_path)
    assert len(said) == len(WRONG), said
    for number, (line, error) in enumerate(WRONG.items(), last + 1):
        (found,) = (one for one in said if f"client.py:{number}: error:" in one)
        assert error in found, line


@pytest.mark.parametrize("draft", PUBLIC)
def test_every_field_of_every_structure_has_a_type(draft: str) -> None:
    schema = msl_construct.schema(draft)
    stub = ast.parse(EXPORTS["pyi"].export(DRAFTS[draft]))
    classes = {
        node.name: [one.target.id for one in node.body if isinstance(one, ast.AnnAssign)]
        for node in stub.body
        if isinstance(node, ast.ClassDef)
    }
    assert set(classes.pop("Structures")) == set(schema.layouts)
    left = list(schema.layouts.values())
    for layout in left:
        name = re.sub(
            "[^A-Za-z0-9]", "", re.sub(r"(?:^|[ -])(\w)", lambda m: m[1].upper(), layout.title)
        )
        assert classes.pop(name, None) == [field.key for field in layout.fields], layout.title
        for field in layout.fields:
            left += [one for one in field.type.inner().values() if isinstance(one, Layout)]
    assert classes == {}


def test_what_a_stub_gives_as_an_attribute_is_the_field() -> None:
    """A record is a dict: what that calls so itself is no field."""
    schema = CLASHING.bound(ByteOrder.LITTLE)
    layout = schema.layouts["find"]
    stub = ast.parse(EXPORTS["pyi"].export(CLASHING))
    classes = {
        node.name: [one.target.id for one in node.body if isinstance(one, ast.AnnAssign)]
        for node in stub.body
        if isinstance(node, ast.ClassDef)
    }
    given = {"items": 1, "keys": 2, "int": "x", "str": 3, "bytes": bytes(32), "last": 4}
    record = layout.parse(layout.build(given))
    for key, value in record.items():
        assert (getattr(record, key) is value) == (key in classes["Find"]), key
    assert classes["Find"] == ["int", "str", "bytes", "last"]
    assert ("find" in classes["Structures"], schema.find is layout) == (False, False)


def test_values_are_of_the_types_that_they_are_said_to_be() -> None:
    """Every field that the samples have, as parsed, against the words of the stub."""
    types: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "Code": (Code,),
        "FlagValue": (FlagValue,),
        "bytes": (bytes,),
        "UUID": (uuid.UUID,),
        "str | None": (str, type(None)),
        "Extent": (Extent,),
        "PageMap": (PageMap,),
    }
    seen = set()
    for path in sorted((PLACE / "samples" / "valid").glob("*-of-every-type-11-le.msl")):
        with msl_construct.open(path) as dump:
            for block in dump.blocks:
                layout = dump.schema.find(block.key).layout
                for field in layout.fields if layout is not None else ():
                    if field.key in block.payload:
                        said = kind_of(field.type).python
                        expected = types.get(said, (Sequence, Record))
                        assert isinstance(block.payload[field.key], expected), field.name
                        seen.add(said)
    assert seen >= {*types} - {"PageMap"}, seen


def test_names_are_there_at_run_time() -> None:
    assert records.ModuleEntry is Record
    with pytest.raises(AttributeError, match="has no attribute 'entry'"):
        _ = records.entry


def test_every_published_draft_is_shipped() -> None:
    folder = Path(msl_construct.__file__).parent / "records"
    names = {f"{draft.replace('-', '_')}.pyi" for draft in PUBLIC}
    assert set(exported("pyi")) == names
    assert {path.name for path in folder.glob("draft_*.pyi")} == names
