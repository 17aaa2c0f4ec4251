"""The fast path of `inspect --json` writes what the slow one writes, to the last character."""

from __future__ import annotations

import io

import pytest
from commands import PLACE
from independent import wire
from independent.specimens import KINDS, LE11, Kind, finish, start
from mutations import mutated

import msl_construct
from msl_construct.document.emit import write_json
from msl_construct.document.lines import Lines
from msl_construct.document.render import Renderer
from msl_construct.errors import MslError

SAMPLES = sorted((PLACE / "samples").rglob("*.msl"))
POOL = [data for path in SAMPLES[::9] if len(data := path.read_bytes()) < 1 << 16]


def written(data: bytes, *, lines: bool) -> str:
    out = io.StringIO()
    with msl_construct.open(data, max_inflate=1 << 20) as dump:
        write_json(Renderer(lines=lines).parts(dump), out.write)
    return out.getvalue()


@pytest.mark.parametrize("part", range(8))
def test_samples(part: int) -> None:
    for path in SAMPLES[part::8]:
        data = path.read_bytes()
        try:
            slow = written(data, lines=False)
        except MslError:
            continue
        assert written(data, lines=True) == slow, path


@pytest.mark.parametrize("part", range(8))
def test_mutants(part: int) -> None:
    for number in range(60):
        data = mutated(f"lines-{part}-{number}", POOL)
        try:
            slow = written(data, lines=False)
        except MslError:
            continue
        assert written(data, lines=True) == slow, (part, number)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_takes_the_fast_path(kind: Kind) -> None:
    """Regions do, and text that must be escaped is; what is compressed or of a version does not."""
    builder = start(kind)
    body = wire.memory_region(kind.order, (0, 1, 0), page_size_log2=10)
    builder.add(wire.MEMORY_REGION, body)
    builder.add(wire.MODULE_ENTRY, wire.module_entry(kind.order, path='/"\x1b\u202e'.encode()))
    builder.add(wire.MEMORY_REGION, body, compression="zstd")
    builder.add(wire.MEMORY_REGION, body, payload_version=9)
    builder.add(0x2345, b"unregistered")
    data = finish(builder, kind)
    lines = Lines()
    with msl_construct.open(data) as dump:
        found = [
            lines.line(block.source, block.schema, block.index, block.offset, block.length)
            is not None
            for block in dump.blocks
        ]
    assert found == [True, True, False, False, False, not kind.revised]  # BlockCount is optional
    assert written(data, lines=True) == written(data, lines=False)


def test_blocks_cut_short_have_no_line() -> None:
    for size in range(64):
        builder = start(LE11)
        builder.add(wire.MEMORY_REGION, wire.memory_region("<", (0, 1), page_size_log2=10)[:size])
        data = finish(builder, LE11)
        assert written(data, lines=True) == written(data, lines=False)
