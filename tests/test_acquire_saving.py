"""What stands behind the regions is put into a dump that lost its end."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from sampling import sampled

import msl_construct
from msl_acquire.saving import save_tail
from msl_construct import Writer
from msl_construct.builder import READ

PAGE = 4096
REGIONS = 12


def begun(path: Path, compression: str = "none") -> tuple[Any, Writer, list[Any]]:
    """A file with some regions, as an acquirer leaves it whose output fails."""
    file = path.open("w+b", 0)
    header = {
        "os_type": "linux",
        "arch_type": "x86_64",
        "pid": 7,
        "cap_bitmap": ["memory_regions", "module_list", "process_identity"],
    }
    writer = Writer(file, header, compression=compression, overlapped=True)
    writer.add("process_identity", ppid=1, session_id=1, start_time=1)
    modules = writer.add_module_list_index(
        [{"base_addr": n << 20, "module_size": PAGE, "path": f"/lib/{n}"} for n in range(1, 4)]
    )
    feed = writer.feed()
    for number in range(1, REGIONS + 1):

        def read(_: int, view: memoryview) -> None:
            view[:] = random.Random(number).randbytes(view.nbytes)  # noqa: B023

        feed.add(number << 24, 3, "anonymous", ((number, READ),), read)
    feed.finish()
    return file, writer, modules


def adding(modules: list[Any]) -> Any:
    def add(writer: Writer) -> None:
        for number, found in enumerate(modules, 1):
            writer.add(
                "module_entry",
                block_uuid=found,
                base_addr=number << 20,
                module_size=PAGE,
                path=f"/lib/{number}",
                disk_hash=bytes(32),
            )
        columns = (
            *("base_addr", "region_size", "protection", "region_type", "name_source"),
            "mapped_path",
        )
        writer.add_table("vas_map", columns, [(1 << 24, PAGE, 3, "heap", "live", None)])

    return add


SEED = 4711


@sampled("tail")
@pytest.mark.parametrize("compression", ["none", "zstd"])
@pytest.mark.parametrize("tail", [0, 2, 4], ids=["no tail", "half a tail", "a whole tail"])
def test_wherever_it_was_cut(compression: str, tail: int, tmp_path: Path) -> None:
    numbers = random.Random(SEED)
    for attempt in range(30):
        path = tmp_path / f"{attempt}.msl"
        file, writer, modules = begun(path, compression)
        add = adding(modules)
        if tail:
            add(writer)
        writer.abandon()
        with msl_construct.open(path) as dump:
            blocks = [(block.offset, block.length) for block in dump.blocks]
        first = blocks[2][0]
        size = numbers.randrange(first, path.stat().st_size + 1)
        if tail:
            size = max(size, blocks[2 + REGIONS][0] + (0 if tail == 2 else 1))
        file.truncate(size)
        saved = save_tail(file, writer, add, modules, PAGE)
        file.close()
        whole = sum(offset + length <= size for offset, length in blocks)
        if saved is None:
            # There was no region to give up, or the first ones are smaller than the tail.
            assert size - first < 6 * PAGE
            assert path.stat().st_size == size
            continue
        assert path.stat().st_size <= size, "no room is asked for"
        with msl_construct.open(path) as dump:
            kinds = [block.type.key for block in dump.blocks if block.type is not None]
            assert kinds[-4:] == ["module_entry"] * 3 + ["vas_map"]
            assert dump.trailing is None
            assert dump.verify().intact
            kept = kinds.count("memory_region")
            assert kept + 2 <= whole
            assert kinds == [*kinds[: 2 + kept], *kinds[-4:]]
            assert len(dump.blocks) == saved.writer.blocks.index
            counted = sum(region.counts["captured"] for region in dump.regions)
        if compression == "none":
            assert saved.pages == ({"captured": counted} if counted else {})
        assert kept >= min(whole - 2, REGIONS) - 2


def test_nothing_is_done_to_a_file_without_regions(tmp_path: Path) -> None:
    path = tmp_path / "a.msl"
    file, writer, modules = begun(path)
    writer.abandon()
    for size in (0, 1, 64, 100, 300):
        file.truncate(size)
        assert save_tail(file, writer, adding(modules), modules, PAGE) is None
        assert path.stat().st_size == size
    file.close()
