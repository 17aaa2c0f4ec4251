"""The layers of generated parsers take time in proportion to a dump."""

from __future__ import annotations

import resource
from pathlib import Path

import generated_parsers
import pytest
from independent import wire
from independent.specimens import LE10, start
from languages.toolchains import Missing
from sampling import sampled

LAYERED = tuple(path.name for path in sorted(generated_parsers.LAYERS.iterdir()))
FEW, MANY = 5_000, 20_000
AS_LONG = 8
"""Times as long `MANY` may take as `FEW`: in proportion it is 4, of pairs 16."""
UNSURE = 0.5
"""Seconds that a machine's mood makes."""
BASE, STEP, PAGE = 0x10_0000_0000, 0x1000, 0x400


def ready(name: str) -> Path:
    try:
        return generated_parsers.ready(name)
    except Missing as missing:
        pytest.skip(f"{name}: {missing}")


def region(address: int, pages: int) -> bytes:
    return wire.memory_region("<", [1] * pages, base_addr=address, page_size_log2=10)


def dump(folder: Path, count: int) -> Path:
    """One region of many fragments; and one in which many lie, with holes between them."""
    builder = start(LE10)
    head = builder.add(wire.MEMORY_REGION, region(BASE, 1))
    for index in range(1, count // 2):
        part = region(BASE + index * STEP, 1)
        builder.add(wire.MEMORY_REGION, part, flags=wire.CONTINUATION, parent_uuid=head)
    behind = BASE + count * STEP
    builder.add(wire.MEMORY_REGION, region(behind, count * STEP // PAGE // 2))
    for index in range(count // 2):
        builder.add(wire.MEMORY_REGION, region(behind + index * STEP + PAGE, 1))
    path = folder / f"{count}.msl"
    path.write_bytes(builder.data())
    return path


def asked(name: str, folder: Path, tmp_path: Path, count: int) -> tuple[float, str]:
    """Processor time of the layer that reads all of it, and what it says."""
    path = dump(tmp_path, count)
    questions = tmp_path / f"{count}.asked"
    questions.write_text(f"dump {path}\nread {BASE:x} {2 * count * STEP:x}\n")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code, shown, said = generated_parsers.example(
        folder, f"{generated_parsers.ASKED[name]} {questions}"
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert code == 0, said
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, shown


@sampled()
@pytest.mark.parametrize("name", LAYERED)
def test_time_is_in_proportion_to_regions_and_fragments(name: str, tmp_path: Path) -> None:
    folder = ready(name)
    asked(name, folder, tmp_path, 2)  # what is built at the first run is there then
    idle, _ = asked(name, folder, tmp_path, 2)
    few, _ = asked(name, folder, tmp_path, FEW)
    many, shown = asked(name, folder, tmp_path, MANY)
    lines = shown.splitlines()
    assert sum(line.startswith("region ") for line in lines) == 2 + MANY // 2
    runs = [line.split(" ") for line in lines if line.startswith("run ")]
    covered, address = {"failed": 0, "absent": 0}, BASE
    for _, at, length, state, _ in runs:
        assert int(at, 16) == address, "runs without gaps"
        address += int(length, 16)
        covered[state] += int(length, 16)
    assert address == BASE + 2 * MANY * STEP
    whole = MANY * STEP // 2
    assert covered["failed"] == MANY // 2 * PAGE + whole
    assert many - idle < AS_LONG * max(few - idle, 0) + UNSURE, (idle, few, many)
