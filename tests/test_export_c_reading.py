"""What the exported header reads: equal to an independent decoder, and never outside."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from c.building import HERE, SANITIZERS, WARNINGS, built, compiled, run
from c.driver import program
from c.reading import differences
from comparing import gallery_files, gallery_part, sample, sample_names
from independent import gallery, wire
from independent.decode import NotMsl, all_blocks, decode
from independent.specimens import BE10, LE10, Kind, one, start
from mutations import mutated

from msl_construct.drafts import DRAFTS, NEWEST_DRAFT
from msl_construct.exports.c import export

SAMPLES = sorted((Path(__file__).parents[1] / "samples").glob("*.msl"))
MUTANTS = int(os.environ.get("MSL_FUZZ", "1500")) * 4 // 15
LARGEST = 48 << 10
TRUNCATED, END = 2, 1


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The program that prints every field, for each draft."""
    found = {}
    for name, draft in DRAFTS.items():
        folder = tmp_path_factory.mktemp(name)
        (folder / "msl.h").write_text(export(draft), encoding="utf-8")
        source = folder / "document.c"
        source.write_text(program(draft), encoding="utf-8")
        options = (*SANITIZERS, "-Wall", "-Wextra", "-Werror", "-O0")
        found[name] = built(source, folder / "msl.h", folder / "document", *options)
    return found


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example that people copy, compiled with the newest draft's header."""
    folder = tmp_path_factory.mktemp("walk")
    (folder / "msl.h").write_text(export(DRAFTS[NEWEST_DRAFT]), encoding="utf-8")
    return built(HERE / "walk.c", folder / "msl.h", folder / "walk", *WARNINGS, *SANITIZERS)


def printed(reader: Path, folder: Path, files: list[tuple[str, bytes]]) -> Iterator[Any]:
    """What the program prints of each file."""
    paths = []
    for index, (_, data) in enumerate(files):
        paths.append(folder / f"{reader.parent.name}-{index}.msl")
        paths[-1].write_bytes(data)
    lines = run(reader, *paths).splitlines()
    assert len(lines) == len(files)
    return (json.loads(line) for line in lines)


def compare(readers: dict[str, Path], folder: Path, files: list[tuple[str, bytes]]) -> int:
    """Compares files with the independent decoder; returns how many blocks that were."""
    by_draft: dict[str, list[tuple[str, bytes, Any]]] = {name: [] for name in readers}
    for name, data in files:
        document = decode(data, name)
        by_draft[document["format"]["draft"]].append((name, data, document))
    blocks = 0
    for draft, chosen in by_draft.items():
        found = printed(readers[draft], folder, [(name, data) for name, data, _ in chosen])
        for (name, _, document), mine in zip(chosen, found):
            assert mine["status"] == 0, name
            assert differences(mine, document, all_blocks(document)) == [], name
            blocks += len(mine["blocks"])
    return blocks


def test_all_fields_of_our_samples(readers: dict[str, Path], tmp_path: Path) -> None:
    files = [(path.name, path.read_bytes()) for path in SAMPLES]
    assert {data[8] for _, data in files} == {1, 2}, "both byte orders"
    assert compare(readers, tmp_path, files) > 20


def test_all_fields_of_foreign_samples(readers: dict[str, Path], tmp_path: Path) -> None:
    assert compare(readers, tmp_path, [(name, sample(name)) for name in sample_names()]) > 200


def test_all_fields_of_every_feature(readers: dict[str, Path], tmp_path: Path) -> None:
    files = [(name, data) for name, data in gallery_part() if len(data) <= LARGEST]
    assert compare(readers, tmp_path, files) > len(files)


def test_what_must_be_rejected_is_rejected(readers: dict[str, Path], tmp_path: Path) -> None:
    files = list(gallery.rejected())
    for reader in readers.values():
        for (name, _), mine in zip(files, printed(reader, tmp_path, files)):
            assert mine["status"] != 0, name
            assert mine["blocks"] == [], name


def test_the_reason_why_the_blocks_end(readers: dict[str, Path], tmp_path: Path) -> None:
    data = SAMPLES[0].read_bytes()
    (last,) = struct.unpack_from(">I" if data[8] == 2 else "<I", data, data[9] + 8)
    block = data[data[9] : data[9] + last]
    assert data[data[9] : data[9] + 4] == b"MSLC"
    reasons = {  # what follows the header, the status, how far the walk gets
        "end": (block, 1, last),
        "short": (block + b"MSLC" + bytes(75), 8, last),
        "magic": (block + b"MSLD" + bytes(76), 9, last),
        "length": (block + block[:8] + bytes(72), 10, last),
        "truncated": (block + block[:-1], 11, last),
    }
    files = [(name, data[: data[9]] + body) for name, (body, _, _) in reasons.items()]
    for (name, _), mine in zip(files, printed(readers[NEWEST_DRAFT], tmp_path, files)):
        _, status, length = reasons[name]
        assert (mine["ending"], mine["end"]) == (status, data[9] + length), name


LIES = {
    # Fields of the first bytes of a payload: type, offset, width, lie, key that does not fit.
    "path": (0x0002, 16, 2, 0xFFFF, "path"),
    "version": (0x0002, 18, 2, 0xFFFF, "version"),
    "exe-path": (0x0040, 16, 2, 0xFFFF, "exe_path"),
    "cmd-line": (0x0040, 18, 2, 0x7FFF, "cmd_line"),
    "note": (0x0020, 36, 4, 0xFFFFFFFF, "note"),
    "note-pad8-wraps-32-bits": (0x0020, 36, 4, 0xFFFFFFF9, "note"),
    "region-size": (0x0001, 8, 8, (1 << 64) - 1, "page_state_map"),
    "region-size-wraps": (0x0001, 8, 8, (1 << 64) - (1 << 12), "page_state_map"),
    "page-size-low": (0x0001, 18, 1, 9, "page_state_map"),
    "page-size-high": (0x0001, 18, 1, 41, "page_state_map"),
    "page-size-shift": (0x0001, 18, 1, 255, "page_state_map"),
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("order", "<>")
def test_a_lying_length_is_refused(
    readers: dict[str, Path], tmp_path: Path, lie: str, order: str
) -> None:
    kind, offset, width, value, key = LIES[lie]
    payload = bytearray(64)
    payload[18:19] = bytes([12]) if kind == 1 else payload[18:19]
    number = value.to_bytes(width, "little" if order == "<" else "big")
    payload[offset : offset + width] = number
    data = one(LE10 if order == "<" else BE10, kind, bytes(payload))
    (mine,) = printed(readers["draft-2026-03"], tmp_path, [(lie, data)])
    found = mine["blocks"][0]["payload"]
    assert found["damage"] == key
    assert found["status"] == (16 if lie.startswith("page-size") else TRUNCATED)
    assert mine["ending"] == END


def test_a_lying_count_gives_the_rows_that_are_there(
    readers: dict[str, Path], tmp_path: Path
) -> None:
    row = bytes(40)
    data = one(LE10, 0x0010, struct.pack("<II", 0xFFFFFFFF, 0) + 3 * row + bytes(39))
    (mine,) = printed(readers["draft-2026-03"], tmp_path, [("count", data)])
    fields = mine["blocks"][0]["payload"]["fields"]
    assert len(fields["entries"]) == 3
    assert len(fields["rest"]) == 2 * 39


def test_pages_are_where_the_map_says(readers: dict[str, Path], tmp_path: Path) -> None:
    path = next(path for path in SAMPLES if path.stem == "live-be")
    (mine,) = printed(readers["draft-2026-03"], tmp_path, [(path.name, path.read_bytes())])
    document = decode(path.read_bytes())
    for block, theirs in zip(mine["blocks"], document["blocks"]):
        if theirs["block_type"] == "memory_region":
            runs = theirs["payload"]["page_state_map"]
            captured = sum(count for _, count, state in runs if state == "captured")
            assert block["payload"]["fields"]["page count"] == captured


def walked(path: Path) -> Iterator[str]:
    """The lines that the example should print of a file, by the independent decoder."""
    document = decode(path.read_bytes(), path.name)
    yield f"file {path}"
    states = ["captured", "failed", "unmapped", "not_resident"]
    for block in all_blocks(document):
        payload = block["payload"]
        if block["block_type"] not in ("memory_region", "module_entry") or "damage" in block:
            continue
        if "compression" in block or "raw" in payload:
            continue
        if block["block_type"] == "memory_region":
            counts = dict.fromkeys(states, 0)
            for _, count, state in payload["page_state_map"]:
                counts["not_resident" if state == "reserved" else state] += count
            rights = "".join(
                letter if right in payload["protection"] else "-"
                for letter, right in (("r", "read"), ("w", "write"), ("x", "execute"))
            )
            yield (
                f"region {payload['base_addr']} size {payload['region_size']} {rights} pages "
                f"{sum(counts.values())} "
                + " ".join(f"{state} {count}" for state, count in counts.items())
                + f" bytes {payload['page_data']['length']}"
            )
        else:
            yield (
                f"module {payload['base_addr']} size {payload['module_size']} path "
                f"{payload['path'] or ''}"
            )


def test_the_example_lists_regions_and_modules(walker: Path) -> None:
    for path in SAMPLES:
        lines = run(walker, path).splitlines()
        expected = list(walked(path))
        # Compressed blocks are told, not listed.
        told = re.compile(r"(region|module) at \d+: The payload is compressed.*")
        assert [line for line in lines[:-1] if not told.fullmatch(line)] == expected
        assert lines[-1].startswith(f"end at {path.stat().st_size}: ")
    assert len(list(walked(SAMPLES[0]))) > 3


def test_the_example_lists_foreign_samples(walker: Path, tmp_path: Path) -> None:
    listed = 0
    for name in sample_names():
        path = tmp_path / name.replace("/", "-")
        path.write_bytes(sample(name))
        lines = run(walker, path, codes=(0, 1)).splitlines()
        for expected in walked(path):
            assert expected in lines, name
            listed += 1
    assert listed > 100


def test_damaged_files_are_never_read_outside(
    readers: dict[str, Path], walker: Path, tmp_path: Path
) -> None:
    pool = [path.read_bytes() for path in SAMPLES]
    pool += [data for _, data in gallery_files() if len(data) <= LARGEST]
    files = [(f"c:{seed}", mutated(f"c:{seed}", pool)) for seed in range(MUTANTS)]
    # Page-aligned ends, where a step outside of a mapping is not in the same page.
    whole = max(pool[: len(SAMPLES)], key=len)
    files += [(f"cut {size}", whole[:size]) for size in range(4096, len(whole), 4096)]
    read = 0
    for reader in readers.values():
        read += sum(len(mine["blocks"]) for mine in printed(reader, tmp_path, files))
    assert read > MUTANTS, "the damage leaves something to read"
    for _, data in files:
        try:
            decode(data)
        except NotMsl:
            continue
        break
    else:
        pytest.fail("every mutant is rejected by its header")
    paths = [tmp_path / f"walk-{index}.msl" for index in range(len(files))]
    for path, (_, data) in zip(paths, files):
        path.write_bytes(data)
    assert "end at" in run(walker, *paths, codes=(0, 1))


# -- pages by their address ------------------------------------------------------------------------


def asked(reader: Path, dump: Path, addresses: list[int]) -> list[list[str]]:
    """What the program prints of each address."""
    given = "".join(f"{address:x}\n" for address in addresses)
    done = subprocess.run([reader, dump], input=given, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    return [line.split() for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def page_reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that reads pages, compiled with the newest draft's header."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "msl.h").write_text(export(DRAFTS[NEWEST_DRAFT]), encoding="utf-8")
    source = HERE / "read_pages.c"
    return built(source, folder / "msl.h", folder / "read_pages", *WARNINGS, *SANITIZERS)


@pytest.mark.parametrize("kind", [LE10, BE10], ids=lambda kind: kind.name)
def test_a_page_is_found_by_its_address(page_reader: Path, tmp_path: Path, kind: Kind) -> None:
    base, size = 0xFFFF_8000_0000_0000, 4096
    states = [0, 1, 2, 0]
    builder = start(kind)
    builder.add(wire.MEMORY_REGION, b"far too short")
    body = wire.memory_region(kind.order, states, base_addr=base)
    builder.add(wire.MEMORY_REGION, body)
    last = wire.memory_region(kind.order, [0], base_addr=(1 << 64) - size)
    builder.add(wire.MEMORY_REGION, last)
    builder.end_capture()
    appended = wire.memory_region(kind.order, [0], base_addr=0x5000)
    builder.add(wire.MEMORY_REGION, appended)
    dump = tmp_path / "pages.msl"
    dump.write_bytes(builder.data())
    pages = [body[-2 * size : -size].hex(), body[-size:].hex()]
    shown = asked(page_reader, dump, [base, base + size + 1, base + 2 * size, base + 4 * size - 1])
    assert shown == [
        ["0", "1", f"{base:#x}", "captured", pages[0]],
        ["0", "1", f"{base + size:#x}", "failed"],
        ["0", "1", f"{base + 2 * size:#x}", "unmapped"],
        ["0", "1", f"{base + 3 * size:#x}", "captured", pages[1]],
    ]
    top = (1 << 64) - 1
    (found,) = asked(page_reader, dump, [top])
    assert found == ["0", "1", f"{(1 << 64) - size:#x}", "captured", last[-size:].hex()]
    nowhere = asked(page_reader, dump, [base - 1, base + 4 * size, 0, 0x5000])
    assert [row[:2] for row in nowhere] == [[str(END), "1"]] * 4


def test_a_page_that_the_file_cuts_short_has_no_bytes(page_reader: Path, tmp_path: Path) -> None:
    builder = start(LE10)
    body = wire.memory_region("<", [0, 0], base_addr=0x5000)
    builder.add(wire.MEMORY_REGION, body[:-1])
    dump = tmp_path / "cut.msl"
    dump.write_bytes(builder.data())
    shown = asked(page_reader, dump, [0x5000, 0x6000])
    assert [row[0] for row in shown] == ["0", str(TRUNCATED)]
    assert len(shown[1]) == 4


def test_the_target_for_libfuzzer_runs_over_the_samples(tmp_path: Path) -> None:
    (tmp_path / "msl.h").write_text(export(DRAFTS[NEWEST_DRAFT]), encoding="utf-8")
    options = ("-g", "-O1", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")
    target = tmp_path / "fuzz"
    made = compiled(
        "clang", HERE / "fuzz.c", *options, *WARNINGS, "-I", str(tmp_path), "-o", str(target)
    )
    if made.returncode and "cannot find" in made.stderr:
        pytest.skip("needs libFuzzer and sanitizers for clang")
    assert made.returncode == 0, made.stderr
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for path in SAMPLES:
        (seeds / path.name).write_bytes(path.read_bytes())
    (tmp_path / "found").mkdir()
    command = [target, "-runs=3000", "-max_len=65536", "-seed=1", tmp_path / "found", seeds]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done 3" in done.stderr


def test_the_target_reads_every_payload_and_every_row() -> None:
    header = export(DRAFTS[NEWEST_DRAFT])
    text = (HERE / "fuzz.c").read_text("utf-8")
    for made, asked in (("BLOCK_PAYLOAD", r"READ\((\w+)"), ("TABLE_ROW", r"ROWS\(\w+, (\w+)")):
        keys = set(re.findall(rf"(?m)^MSL_{made}\((\w+)", header))
        assert keys
        assert keys <= set(re.findall(asked, text))


def test_the_target_takes_mutants_without_libfuzzer(tmp_path: Path) -> None:
    (tmp_path / "msl.h").write_text(export(DRAFTS[NEWEST_DRAFT]), encoding="utf-8")
    source = HERE / "fuzz_main.c"
    target = built(source, tmp_path / "msl.h", tmp_path / "fuzz", *WARNINGS, *SANITIZERS)
    pool = [path.read_bytes() for path in SAMPLES]
    paths = []
    for number in range(MUTANTS):
        paths.append(tmp_path / f"{number}.msl")
        paths[-1].write_bytes(mutated(f"c:{number}", pool))
    run(target, *SAMPLES, *paths)
