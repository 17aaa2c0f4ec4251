"""Generated parsers do what their examples promise, set up as their users are told to."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import generated_parsers
import pytest
from generated_parsers import PROGRAMS, READ_WRITE
from independent import wire
from independent.specimens import BE10, LE10, start
from languages.toolchains import Missing
from sampling import part_of, sampled

import msl_construct
from msl_construct.corpus import Manifest
from msl_construct.generate import TARGETS
from msl_construct.harness import SampleOutcome, run
from msl_construct.reader import Memory

SAMPLES = Path(__file__).parents[1] / "samples"
LANGUAGES = tuple(PROGRAMS)
WRITING = tuple(f"{name}{READ_WRITE}" for name in LANGUAGES if TARGETS[name].writes)
KERNEL = 0xFFFF_8000_0000_0000
LETTERS = "rwxgc"

READ_PAGE = {
    "python": "python read_page.py",
    "javascript": "node read_page.js",
    "java": "java -cp 'lib/*:classes' ReadPage",
    "go": "go run ./read_page",
    "rust": "cargo run -q --bin read_page",
    "cpp": "build/read_page",
}
ROUND_TRIP = {
    "python": "python round_trip.py",
    "java": "java -cp 'lib/*:classes' RoundTrip",
}


def ready(name: str) -> Path:
    try:
        return generated_parsers.ready(name)
    except Missing as missing:
        pytest.skip(f"{name}: {missing}")


def listing(path: Path) -> tuple[list[str], int]:
    """What a listing must print, from our own reader; and how many blocks are compressed."""
    lines, compressed = [], 0
    with msl_construct.open(path) as dump:
        for block in dump.blocks:
            if block.compression is not None:
                compressed += 1
            elif block.key == "memory_region":
                region = block.payload
                word = int(region.protection)
                rights = "".join(c if word >> bit & 1 else "-" for bit, c in enumerate(LETTERS))
                pages = region.page_state_map
                lines.append(
                    f"{region.base_addr:#x} {region.region_size} {rights} "
                    f"{pages.captured}/{pages.pages}"
                )
    return lines, compressed


@pytest.fixture(name="unusual")
def unusual_dumps(tmp_path: Path) -> dict[str, Path]:
    """Both byte orders with addresses beyond 2^63, every right, every state; and no blocks."""
    found = {}
    for kind in (LE10, BE10):
        builder = start(kind)
        for number, states in enumerate(([0, 1, 2, 0, 0], [2], [0] * 33)):
            body = wire.memory_region(
                kind.order,
                states,
                base_addr=KERNEL + (number << 24),
                protection=(0x1F, 0x15, 0)[number],
            )
            builder.add(wire.MEMORY_REGION, body)
        found[kind.name] = tmp_path / f"{kind.name}.msl"
        found[kind.name].write_bytes(builder.data())
    found["no-blocks"] = tmp_path / "no-blocks.msl"
    found["no-blocks"].write_bytes(start(LE10).data())
    return found


def part_kind(dump: Path) -> bool:
    """Whether a dump is one of the samples."""
    return dump.parent == SAMPLES


@pytest.mark.parametrize("name", [*LANGUAGES, *WRITING])
def test_the_example_lists_regions(name: str, unusual: dict[str, Path]) -> None:
    folder = ready(name)
    command = TARGETS[name.removesuffix(READ_WRITE)].run[-1]
    dumps = [SAMPLES / f"{stem}.msl" for stem in ("live-le", "live-be", "regions-1.1")]
    for dump in part_of(dumps if name in WRITING else [*dumps, *unusual.values()], part_kind):
        expected, compressed = listing(dump)
        code, shown, said = generated_parsers.example(
            folder, command.replace("DUMP", shlex.quote(str(dump)))
        )
        assert code == 0, said
        assert shown.splitlines() == expected, dump.name
        assert said.count("compressed") == compressed, said


def test_the_listings_are_not_empty(unusual: dict[str, Path]) -> None:
    assert len(listing(SAMPLES / "live-le.msl")[0]) == 2
    assert listing(SAMPLES / "regions-1.1.msl") == ([], 2)
    assert listing(unusual["10-be"])[0] == [
        "0xffff800000000000 20480 rwxgc 3/5",
        "0xffff800001000000 4096 r-x-c 0/1",
        "0xffff800002000000 135168 ----- 33/33",
    ]
    assert listing(unusual["no-blocks"]) == ([], 0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_example_reads_a_page(language: str, unusual: dict[str, Path]) -> None:
    folder = ready(language)

    def shown(dump: Path, address: int) -> tuple[int, list[str]]:
        command = f"{READ_PAGE[language]} {shlex.quote(str(dump))} {address:#x}"
        code, printed, _ = generated_parsers.example(folder, command)
        return code, printed.splitlines()

    for dump, first in ((SAMPLES / "live-be.msl", 0), (unusual["10-le"], 0)):
        with msl_construct.open(dump) as opened:
            region = opened.regions[first]
            captured = region.end - region.page_size
            memory = opened.memory.read(captured, region.page_size)
        assert shown(dump, captured + 5) == (0, ["captured", bytes(memory.filled(0)).hex()])
    code, lines = shown(unusual["10-le"], KERNEL + 0x1000)
    assert code == 0
    assert lines in (["failed"], ["not captured: page state 1"]), "no bytes, and no zeros"
    code, lines = shown(unusual["10-le"], 0x1000)
    assert (code != 0, lines) == (True, []), "an address that no region holds"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_examples_say_what_they_do_not_look_into(language: str, tmp_path: Path) -> None:
    """Compressed regions, and payloads that are not what their layout says: the rest is read."""
    folder = ready(language)
    builder = start(LE10)
    builder.add(wire.MEMORY_REGION, b"far too short")
    whole = wire.memory_region("<", [0], base_addr=0x5000)
    builder.add(wire.MEMORY_REGION, whole, compression="zstd")
    builder.add(wire.MEMORY_REGION, wire.memory_region("<", [0, 1], base_addr=0x9000))
    dump = tmp_path / "odd.msl"
    dump.write_bytes(builder.data())
    command = TARGETS[language].run[-1].replace("DUMP", shlex.quote(str(dump)))
    code, shown, said = generated_parsers.example(folder, command)
    assert (code, shown) == (0, "0x9000 8192 rw--- 1/2\n"), said
    assert "damaged" in said
    assert "compressed" in said
    command = f"{READ_PAGE[language]} {shlex.quote(str(dump))}"
    code, shown, said = generated_parsers.example(folder, f"{command} 0x5000")
    assert (code != 0, shown) == (True, "")
    assert "no region holds this address; 2 compressed or damaged blocks were not" in said
    code, shown, said = generated_parsers.example(folder, f"{command} 0xa000")
    assert (code, shown.split(":")[0].strip() in ("failed", "not captured")) == (0, True)


@sampled("which")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("which", ["list", "read"])
def test_an_example_without_arguments_says_how_it_is_called(language: str, which: str) -> None:
    folder = ready(language)
    listing_command = TARGETS[language].run[-1].replace(" DUMP", "")
    command = listing_command if which == "list" else READ_PAGE[language]
    code, shown, said = generated_parsers.example(folder, command)
    lines = [line for line in said.splitlines() if not line.startswith("exit status")]
    assert (code != 0, shown, len(lines)) == (True, "", 1), said
    assert "usage: " in lines[0]


@pytest.mark.parametrize("name", [*LANGUAGES, *WRITING])
def test_the_decoder_reads_the_corpus(name: str) -> None:
    """Headers and regions of every sample, without touching the code."""
    folder = ready(name)
    decoder = TARGETS[name.removesuffix(READ_WRITE)].decoder
    assert decoder is not None
    words = f"cd {shlex.quote(str(folder))} && exec {decoder.command}"
    command = shlex.join(["sh", "-c", words])
    manifest = Manifest.load(SAMPLES)
    stored = [sample for sample in manifest if sample.stored]
    chosen = part_of(stored, lambda one: (one.kind, one.verdict.consumer, one.byte_order))
    if name in WRITING:
        chosen = chosen[::8]
    environment = generated_parsers.environment(folder)
    with patch.dict(os.environ, environment):
        results = run(
            manifest,
            command,
            level="regions",
            batch=True,
            jobs=1,
            timeout=60,
            only=[sample.name for sample in chosen],
        )
    assert [(one.sample.name, one.detail, one.differences) for one in results.failures] == []
    assert results.counts[SampleOutcome.PASS] == len(chosen)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_decoder_alone_says_why_it_refuses(language: str, tmp_path: Path) -> None:
    folder = ready(language)
    decoder = TARGETS[language].decoder
    assert decoder is not None
    dump = tmp_path / "x.msl"
    dump.write_bytes(b"MEMSLIDE" + bytes(100))
    code, shown, said = generated_parsers.example(folder, f"{decoder.command} {dump}")
    assert (code, shown) == (1 if language == "go" else 3, ""), "go run has a code of its own"
    lines = [line for line in said.splitlines() if not line.startswith("exit status")]
    assert len(lines) == 1
    assert lines[0].startswith(f"{dump}: ")
    code, shown, said = generated_parsers.example(folder, f"{decoder.command} a b")
    assert (code != 0, shown, "usage: " in said) == (True, "", True)


LAYER = """
import json, sys
from msl_dump import Dump
answers = []
for path, ranges in json.load(open(sys.argv[1])):
    dump = Dump(path)
    runs = [
        [run.address, run.length, run.state, None if run.data is None else run.data.hex()]
        for address, length in ranges for run in dump.read(address, length)
    ]
    answers.append({
        "regions": [[one.address, one.size] for one in dump.regions],
        "runs": runs,
        "modules": [[one.address, one.size, one.path] for one in dump.modules],
        "threads": [[one.id, one.registers] for one in dump.threads],
        "damaged": len(dump.damaged),
    })
print(json.dumps(answers))
"""


def flat(runs: list[tuple[int, int, str, bytes | None]]) -> list[tuple[int, str, int | None]]:
    """State and byte of every address of some runs."""
    return [
        (address + index, state, None if data is None else data[index])
        for address, length, state, data in runs
        for index in range(length)
    ]


@pytest.mark.parametrize("name", ["python", f"python{READ_WRITE}"])
def test_the_layer_reads_what_our_reader_reads(name: str, tmp_path: Path) -> None:
    folder = ready(name)
    wanted = ("fragments-*", "region-zst-*", "region-lz4-*", "everything-*", "map-0?-*", "live-*")
    dumps = [path for one in wanted for path in sorted((SAMPLES / "valid").glob(f"{one}.msl"))]
    dumps = part_of(dumps, lambda path: path.stem.partition("-")[0])
    asked, expected = [], []
    for path in dumps:
        with msl_construct.open(path) as dump:
            ranges = [
                (max(0, region.base_addr - 8), min(region.end - region.base_addr, 1 << 13) + 16)
                for region in dump.regions
            ]
            views = [dump.memory.read(address, length) for address, length in ranges]
            asked.append((str(path), ranges))
            expected.append(
                {
                    "regions": sorted(
                        [one.base_addr, one.end - one.base_addr] for one in dump.regions
                    ),
                    "runs": [pair for view in views for pair in ours_flat(view)],
                    "modules": [
                        [one.payload.base_addr, one.payload.module_size, one.payload.path]
                        for one in dump.blocks
                        if one.key == "module_entry"
                    ],
                }
            )
    questions, program = tmp_path / "asked.json", folder / "asked.py"
    questions.write_text(json.dumps(asked))
    program.write_text(LAYER)
    code, shown, said = generated_parsers.example(folder, f"python asked.py {questions}")
    assert code == 0, said
    for path, due, found in zip(dumps, expected, json.loads(shown)):
        runs = [(a, n, s, None if d is None else bytes.fromhex(d)) for a, n, s, d in found["runs"]]
        assert found["damaged"] == 0, path
        assert found["regions"] == due["regions"], path
        assert found["modules"] == due["modules"], path
        assert flat(runs) == due["runs"], path
        if "live-11" in path.stem:
            assert found["threads"], "a thread with registers"


def ours_flat(view: Memory) -> list[tuple[int, str, int | None]]:
    """The same of what our reader gives."""
    filled = view.filled(0)
    found: list[tuple[int, str, int | None]] = []
    for first, length, state in view.runs:
        for address in range(first, first + length):
            byte = filled[address - view.address] if state == "captured" else None
            found.append((address, state, byte))
    return found


@pytest.mark.parametrize("name", WRITING)
def test_the_example_writes_what_it_read(name: str, tmp_path: Path) -> None:
    folder = ready(name)
    for stem in ("live-le", "live-be", "regions-1.1"):
        dump, copy = SAMPLES / f"{stem}.msl", tmp_path / f"{stem}.msl"
        command = f"{ROUND_TRIP[name.removesuffix(READ_WRITE)]} {shlex.quote(str(dump))}"
        code, _, said = generated_parsers.example(folder, f"{command} {shlex.quote(str(copy))}")
        assert code == 0, said
        assert copy.read_bytes() == dump.read_bytes()


@pytest.fixture(scope="module", name="everything")
def every_language() -> Path:
    try:
        return generated_parsers.all_files()
    except Missing as missing:
        pytest.skip(str(missing))


# What the examples take from their languages and from Kaitai's runtimes, behind a dot, an arrow
# or colons. Every other name of that kind must be a generated one.
FOREIGN = {
    "python": "argv stderr exit from_file name count hex join py",
    "javascript": "KaitaiStream readFileSync argv forEach error map join filter length log slice "
    "toString subarray from find exit floor toLowerCase js",
    "java": "util Collections List Arrays Msl fromFile err println frequency out toHexString "
    "toUnsignedString size parseUnsignedLong replaceFirst emptyList compareUnsigned get name "
    "toLowerCase subList length copyOfRange printf exit",
    "go": "com Fatal Fatalf Read NewStream Open Args Printf Println ParseUint Stream File",
    "rust": "env args nth expect open read_into iter enumerate chars zip map collect filter count "
    "len to_lowercase trim_start_matches from_str_radix wrapping_sub get msl exit",
    "cpp": "h ifstream ios binary kstream cerr cout hex dec count begin end size string uint64_t "
    "stoull size_t in exception what",
    "csharp": "Collections Generic Main FromFile Error WriteLine FindAll Count Console ToUInt64 "
    "GetRange Length ToString Replace ToLowerInvariant",
    "ruby": "org from_file each_with_index is_a chars zip map join count length payload find "
    "between to_s delete_prefix first byteslice bytesize unpack1 rb",
    "php": "fromFile class getConstants php Throwable getMessage",
    "lua": "path from_file stderr write sub format tointeger ult gsub byte exit lua",
    "perl": "from_file isa Msl pl",
    "nim": "fromFile writeLine add countIt len toHex toLowerAscii mapIt join payload nim",
}


@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if target.parses])
def test_examples_use_no_name_that_was_not_generated(name: str, everything: Path) -> None:
    folder, target = everything / name, TARGETS[name]
    parser = re.compile(r"(?i)msl\.(?!ksy)\w+")
    generated = {path for path in folder.rglob("*") if parser.fullmatch(path.name)}
    assert generated, "the parser"
    words = {word for path in generated for word in re.findall(r"\w+", _text(path))}
    assert set(target.accessors) <= words
    examples = [
        path
        for path in folder.rglob("*")
        if path.is_file() and re.match(r"(?i)(list|read)_?(regions|page)\b|main\.go", path.name)
    ]
    examples = [path for path in examples if "decoder" not in path.parts]
    assert len(examples) == 2
    used = set()
    for path in examples:
        code = re.sub(r"(?m)^\s*(//|#|--).*$", "", _text(path))
        used |= set(re.findall(r"(?:[\w)\]?]\.|->|::|\\)([A-Za-z_]\w+)", code))
        used |= set(re.findall(r":([A-Za-z_]\w+)\(", code))
    assert used - words - set(FOREIGN[name].split()) == set()
    whole = " ".join(map(_text, examples))
    assert [a for a in target.accessors if not re.search(rf"\b{a}\b", whole)] == []


def _text(path: Path) -> str:
    return path.read_text("utf-8", errors="replace")


@pytest.mark.parametrize("name", TARGETS)
def test_every_language_has_its_files(name: str, everything: Path) -> None:
    files = {
        path.relative_to(everything / name).as_posix() for path in (everything / name).rglob("*")
    }
    assert "msl.ksy" in files
    assert len(files) >= (5 if TARGETS[name].parses else 2)
    kinds: dict[str, Callable[[str], bool]] = {
        "html": lambda text: "<html" in text,
        "graphviz": lambda text: text.startswith("digraph"),
    }
    if name in kinds:
        made = everything / name / {"html": "msl.html", "graphviz": "msl.dot"}[name]
        assert kinds[name](_text(made))
