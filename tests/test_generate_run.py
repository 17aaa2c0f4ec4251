"""Generated parsers do what their examples promise, set up as their users are told to."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from unittest.mock import patch

import generated_parsers
import pytest
from click.testing import CliRunner
from generated_parsers import PROGRAMS, READ_WRITE, decoded, words_of
from independent import wire
from independent.specimens import BE10, LE10, LE11, start
from languages import toolchains
from languages.toolchains import Missing
from sampling import part_of, sampled

import msl_construct
from msl_construct.cli.group import cli
from msl_construct.corpus import Manifest
from msl_construct.document.render import Renderer, plain
from msl_construct.drafts import NEWEST_DRAFT, PUBLIC
from msl_construct.generate import TARGETS
from msl_construct.harness import ComparisonLevel, SampleOutcome, compare
from msl_construct.reader import Memory, Region

SAMPLES = Path(__file__).parents[1] / "samples"
LANGUAGES = tuple(PROGRAMS)
LAYERED = tuple(path.name for path in sorted(generated_parsers.LAYERS.iterdir()))
WRITING = tuple(f"{name}{READ_WRITE}" for name in LANGUAGES if TARGETS[name].writes)
KERNEL = 0xFFFF_8000_0000_0000
BEHIND = 1 << 64
"""The first address that there is not."""
LETTERS = "rwxgc"

UNWRITTEN = 74
ROUND_TRIP = {
    "python": "python round_trip.py",
    "java": "java -cp 'lib/*:classes' RoundTrip",
}


def ready(name: str, draft: str = NEWEST_DRAFT) -> Path:
    try:
        return generated_parsers.ready(name, draft)
    except Missing as missing:
        pytest.skip(f"{name}: {missing}")


def rights(region: Region) -> str:
    word = int(region.protection)
    return "".join(c if word >> bit & 1 else "-" for bit, c in enumerate(LETTERS))


def listing(path: Path) -> list[str]:
    """What a listing must print, from our own reader."""
    with msl_construct.open(path) as dump:
        return [
            f"{region.base_addr:#x} {region.region_size} {rights(region)} "
            f"{region.counts['captured']}/{sum(region.counts.values())}"
            for region in sorted(dump.regions, key=lambda one: one.base_addr)
        ]


@pytest.fixture(name="unusual")
def unusual_dumps(tmp_path: Path) -> dict[str, Path]:
    """Addresses beyond 2^63 up to the last, every right and state; appended regions; no blocks."""
    found = {}
    for kind in (LE10, BE10):
        builder = start(kind)
        for number, states in enumerate(([0, 1, 2, 0, 0], [2], [0] * 33, [0, 1, 0])):
            body = wire.memory_region(
                kind.order,
                states,
                base_addr=KERNEL + (number << 24) if number < 3 else BEHIND - 0x3000,
                protection=(0x1F, 0x15, 0, 1)[number],
            )
            builder.add(wire.MEMORY_REGION, body)
        found[kind.name] = tmp_path / f"{kind.name}.msl"
        found[kind.name].write_bytes(builder.data())
    builder = start(LE11)
    builder.add(wire.MEMORY_REGION, wire.memory_region("<", [0, 1], base_addr=0x5000))
    builder.end_capture(block_count=builder.count + 1)
    builder.add(wire.MEMORY_REGION, wire.memory_region("<", [0], base_addr=0x5000))
    builder.add(wire.MEMORY_REGION, wire.memory_region("<", [0], base_addr=0x9000))
    found["appended"] = tmp_path / "appended.msl"
    found["appended"].write_bytes(builder.data())
    found["no-blocks"] = tmp_path / "no-blocks.msl"
    found["no-blocks"].write_bytes(start(LE10).data())
    return found


def part_kind(dump: Path) -> bool:
    """Whether a dump is one of the samples."""
    return dump.parent == SAMPLES


@pytest.mark.parametrize("name", [*LANGUAGES, *WRITING])
def test_the_example_lists_regions(name: str, unusual: dict[str, Path]) -> None:
    folder = ready(name)
    dumps = [SAMPLES / f"{stem}.msl" for stem in ("live-le", "live-be", "regions-1.1")]
    if name not in LAYERED and name in LANGUAGES:  # its examples don't inflate
        dumps = dumps[:2]
    for dump in part_of(dumps if name in WRITING else [*dumps, *unusual.values()], part_kind):
        command = f"{words_of(name, 'list')} {shlex.quote(str(dump))}"
        code, shown, said = generated_parsers.example(folder, command)
        assert code == 0, said
        assert (shown.splitlines(), said) == (listing(dump), ""), dump.name


def test_the_listings_are_not_empty(unusual: dict[str, Path]) -> None:
    assert len(listing(SAMPLES / "live-le.msl")) == 2
    assert listing(SAMPLES / "regions-1.1.msl") == [
        "0x7ffc00000000 32768 rw--- 2/8",
        "0x7ffc00008000 16384 r---- 4/4",
    ]
    assert listing(unusual["10-be"]) == [
        "0xffff800000000000 20480 rwxgc 3/5",
        "0xffff800001000000 4096 r-x-c 0/1",
        "0xffff800002000000 135168 ----- 33/33",
        "0xffffffffffffd000 12288 r---- 2/3",
    ]
    assert listing(unusual["appended"]) == ["0x5000 8192 rw--- 1/2"]
    assert listing(unusual["no-blocks"]) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_example_reads_a_page(language: str, unusual: dict[str, Path]) -> None:
    folder = ready(language)

    def shown(dump: Path, address: int) -> tuple[int, list[str]]:
        command = f"{words_of(language, 'read')} {shlex.quote(str(dump))} {address:#x}"
        code, printed, _ = generated_parsers.example(folder, command)
        return code, printed.splitlines()

    for dump, which in ((SAMPLES / "live-be.msl", 0), (unusual["10-le"], -1)):
        with msl_construct.open(dump) as opened:
            region = opened.regions[which]
            captured = region.end - region.page_size
            memory = opened.memory.read(captured, region.page_size)
        assert shown(dump, captured + 5) == (0, ["captured", bytes(memory.filled(0)).hex()])
    code, lines = shown(unusual["10-le"], KERNEL + 0x1000)
    assert (code, lines) == (0, ["failed"]), "no bytes, and no zeros"
    code, lines = shown(unusual["10-le"], 0x1000)
    assert (code, lines) == (1, []), "an address that no region holds"
    code, lines = shown(unusual["appended"], 0x9000)
    assert (code, lines) == (1, []), "anybody can append a region"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_examples_say_what_they_can_not_look_into(language: str, tmp_path: Path) -> None:
    """Payloads that are not what their layout says, streams that no algorithm made."""
    folder, layered = ready(language), language in LAYERED
    builder = start(LE10)
    builder.add(wire.MEMORY_REGION, b"far too short")
    whole = wire.memory_region("<", [0], base_addr=0x5000)
    for algorithm in ("zstd", "lz4"):
        builder.add(wire.MEMORY_REGION, whole, compression=algorithm)
        whole = wire.memory_region("<", [1, 0], base_addr=0x7000)
    builder.add(wire.MEMORY_REGION, bytes(8) + b"no stream", flags=0b11)
    builder.add(wire.MEMORY_REGION, (1 << 40).to_bytes(8, "little") + bytes(24), flags=0b101)
    odd_end = wire.memory_region("<", [0, 1], base_addr=0x9000, region_size=0x2800)
    builder.add(wire.MEMORY_REGION, odd_end)
    dump = tmp_path / "odd.msl"
    dump.write_bytes(builder.data())
    quoted = shlex.quote(str(dump))
    code, shown, said = generated_parsers.example(folder, f"{words_of(language, 'list')} {quoted}")
    inflated = ["0x5000 4096 rw--- 1/1", "0x7000 8192 rw--- 1/2"] if layered else []
    assert (code, shown.splitlines()) == (0, [*inflated, "0x9000 10240 rw--- 1/2"]), said
    lines = [re.match(r"block (\d+) is (damaged: )?", line) for line in said.splitlines()]
    expected = [("0", True), ("3", True), ("4", True)]
    if not layered:
        expected = [("0", True), *((str(block), False) for block in (1, 2, 3, 4))]
    assert [(line[1], bool(line[2])) for line in lines if line] == expected, said
    command = f"{words_of(language, 'read')} {quoted}"
    code, shown, said = generated_parsers.example(folder, f"{command} 0xb400")
    assert (code != 0, shown) == (True, ""), "behind the last whole page"
    passed_over = "3 damaged" if layered else "5 compressed or damaged"
    assert f"no region holds this address; {passed_over} blocks were not looked into" in said
    code, shown, said = generated_parsers.example(folder, f"{command} 0xa000")
    assert (code, shown) == (0, "failed\n")
    code, shown, said = generated_parsers.example(folder, f"{command} 0x9000")
    assert (code, shown.splitlines()[0]) == (0, "captured")


@sampled("which")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("which", ["list", "read"])
def test_an_example_without_arguments_says_how_it_is_called(language: str, which: str) -> None:
    folder = ready(language)
    code, shown, said = generated_parsers.example(folder, words_of(language, which))
    lines = [line for line in said.splitlines() if not line.startswith("exit status")]
    by_itself = 1 if language == "go" else 2  # go run has a code of its own
    assert (code, shown, len(lines)) == (by_itself, "", 1), said
    assert "usage: " in lines[0]


@sampled("log2")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("log2", [0, 9, 41, 63, 255])
def test_a_page_size_out_of_bounds_is_damage(language: str, log2: int, tmp_path: Path) -> None:
    """Some parsers check nothing, and divide by it."""
    folder = ready(language)
    builder = start(LE10)
    odd = bytearray(wire.memory_region("<", [0], base_addr=0x5000))
    odd[0x12] = log2
    builder.add(wire.MEMORY_REGION, bytes(odd))
    builder.add(wire.MEMORY_REGION, wire.memory_region("<", [0, 1], base_addr=0x9000))
    dump = tmp_path / "odd.msl"
    dump.write_bytes(builder.data())
    code, shown, said = generated_parsers.example(folder, f"{words_of(language, 'list')} {dump}")
    assert (code, shown.splitlines()) == (0, ["0x9000 8192 rw--- 1/2"]), said
    assert re.match(r"block 0 is damaged: .", said), said
    for address, expected in (("0x5000", (1, "")), ("0xa000", (0, "failed\n"))):
        command = f"{words_of(language, 'read')} {dump} {address}"
        code, shown, said = generated_parsers.example(folder, command)
        assert (code, shown) == expected, said


@sampled("address")
@pytest.mark.parametrize("language", ["csharp", "lua", "nim", "perl", "php", "ruby"])
@pytest.mark.parametrize("address", ["hello", "0x"])
def test_what_is_no_address_is_refused(language: str, address: str) -> None:
    """Not read as 0, of which there may be a page."""
    folder = ready(language)
    dump = shlex.quote(str(SAMPLES / "live-le.msl"))
    code, shown, said = generated_parsers.example(
        folder, f"{words_of(language, 'read')} {dump} {address}"
    )
    assert (code != 0, shown, len(said.splitlines())) == (True, "", 1), said
    assert "no region holds" not in said


@pytest.mark.parametrize("name", [*LANGUAGES, *WRITING])
def test_the_decoder_reads_the_corpus(name: str) -> None:
    """Every sample, as far as the language's decoder shows it, without touching the code."""
    folder = ready(name)
    stored = [sample for sample in Manifest.load(SAMPLES) if sample.stored]
    chosen = part_of(stored, lambda one: (one.kind, one.verdict.consumer, one.byte_order))
    if name in WRITING:
        chosen = chosen[::8]
    results = decoded(folder, name, chosen)
    assert [(one.sample.name, one.detail, one.differences) for one in results.failures] == []
    assert results.counts[SampleOutcome.PASS] == len(chosen)


@sampled()
@pytest.mark.parametrize("language", [one for one in LANGUAGES if TARGETS[one].level == "payloads"])
def test_the_decoder_shows_odd_payloads_as_our_reader_does(language: str, tmp_path: Path) -> None:
    """Text that is not UTF-8, bytes that nobody knows, what is cut, counts that are too large."""
    folder = ready(language)
    builder = start(LE10)
    path = b"\xff/\xf0\x9f\x92/\xe2\x82x\xed\xa0\x80\xc0\xaf\xf4\x90\xef\xbb\xbf\xf0\x9f\x92\xa9\0"
    module = wire.module_entry("<", path=path)
    builder.add(wire.MODULE_ENTRY, module)
    for cut in (4, len(module) - 3):
        builder.add(wire.MODULE_ENTRY, module[:cut])
    builder.add(wire.MODULE_ENTRY, module[:16] + b"\xff\xff" + module[18:])
    for size in (0, 256, 257):
        builder.add(0x2345, bytes(range(256)) + b"?" if size > 256 else bytes(size))
    builder.add(wire.MODULE_LIST_INDEX, b"\xff" * 8 + module)
    builder.add(wire.MEMORY_REGION, wire.memory_region("<", [0], base_addr=1 << 63))
    dump = tmp_path / "odd.msl"
    dump.write_bytes(builder.data())
    with msl_construct.open(dump) as opened:
        expected = json.loads(json.dumps(plain(Renderer(with_data=True).document(opened))))
    assert sum("damage" in block for block in expected["blocks"]) == 4
    code, shown, _ = generated_parsers.example(folder, f"{words_of(language, 'decode')} {dump}")
    assert code == (1 if language == "go" else 4), "go run has a code of its own"
    compared = compare(expected, json.loads(shown), ComparisonLevel.PAYLOADS)
    assert compared.differences == []


@sampled()
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_decoder_of_an_earlier_draft_reads_its_files(language: str) -> None:
    """Made with ``--draft``: a parser without what came later."""
    first, *_ = PUBLIC
    folder = ready(language, first)
    stored = [one for one in Manifest.load(SAMPLES) if one.stored and one.draft == first]
    chosen = part_of(stored, lambda one: (one.kind, one.verdict.consumer, one.byte_order))
    results = decoded(folder, language, chosen)
    assert [(one.sample.name, one.detail, one.differences) for one in results.failures] == []
    assert results.counts[SampleOutcome.PASS] == len(chosen) > 20


def test_language_tests_put_the_corpus_to_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parser is set up in the folder; a decoder that is broken afterwards fails samples."""
    try:
        compiler = toolchains.compiler()
    except Missing as missing:
        pytest.skip(str(missing))
    monkeypatch.setenv("PATH", "{}:{}".format(Path(sys.executable).parent, os.environ["PATH"]))
    folder, few = tmp_path / "parser", tmp_path / "few"
    monkeypatch.setenv("PIP_TARGET", str(folder / "lib"))
    monkeypatch.setenv("PYTHONPATH", str(folder / "lib"))
    stored = [sample for sample in Manifest.load(SAMPLES) if sample.stored]
    chosen = [sample for sample in stored if sample.name.startswith("valid/header-alone")]
    for sample in chosen:
        for kind in (".msl", ".json"):
            source, copy = SAMPLES / f"{sample.name}{kind}", few / f"{sample.name}{kind}"
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())
    (few / "manifest.json").write_text(Manifest.text(chosen))
    arguments = ["generate", "python", "-o", str(folder), "--samples", str(few), "-f"]
    with patch("msl_construct.generate.parser.find_compiler", return_value=compiler):
        ran = CliRunner().invoke(cli, [*arguments, "--language-tests"])
    assert (ran.exit_code, ran.exception) == (0, None), ran.output
    assert f"{len(chosen)} passed, 0 failed" in ran.output
    refused = CliRunner().invoke(cli, ["generate", "html", "--language-tests"])
    assert (refused.exit_code, "writes no decoder" in refused.output) == (2, True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_decoder_alone_says_why_it_refuses(language: str, tmp_path: Path) -> None:
    folder, decoder = ready(language), words_of(language, "decode")
    dump = tmp_path / "x.msl"
    dump.write_bytes(b"MEMSLIDE" + bytes(100))
    code, shown, said = generated_parsers.example(folder, f"{decoder} {dump}")
    assert (code, shown) == (1 if language == "go" else 3, ""), "go run has a code of its own"
    lines = [line for line in said.splitlines() if not line.startswith("exit status")]
    assert len(lines) == 1
    assert lines[0].startswith(f"{dump}: ")
    code, shown, said = generated_parsers.example(folder, f"{decoder} a b")
    assert (code != 0, shown, "usage: " in said) == (True, "", True)


@sampled("place")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", ["full", "unread", "batch"])
def test_what_stdout_does_not_take_is_said(language: str, place: str) -> None:
    """Not a success, not a verdict about the file, and one line: a full disk, a pipe unread."""
    folder = ready(language)
    dump = shlex.quote(str(SAMPLES / "live-le.msl"))
    programs = {
        "decode": "",
        "list": "",
        "read": f" {listing(SAMPLES / 'live-le.msl')[0].split()[0]}",
    }
    if place == "batch":
        programs = {"decode": ""}
    for which, more in programs.items():
        command = f"{words_of(language, which)} {dump}{more} >/dev/full"
        if place == "batch":
            command = f"echo {dump} | {words_of(language, which)} >/dev/full"
        if place == "unread":  # whoever reads has gone when the file's name comes
            command = f"mkfifo {{pipe}}; (exec 3<{{pipe}}) & exec 4>{{pipe}}; wait; {command}"
            command = command.replace(">/dev/full", ">&4")
        with tempfile.TemporaryDirectory() as made:
            command = command.replace("{pipe}", f"{made}/pipe")
            code, _, said = generated_parsers.example(folder, command)
        lines = [line for line in said.splitlines() if not line.startswith("exit status")]
        if language == "lua" and place == "unread":
            assert (code in (128 + signal.SIGPIPE, -signal.SIGPIPE), lines) == (True, []), (
                "Lua can't ignore a signal"
            )
            continue
        by_itself = 1 if language == "go" else UNWRITTEN  # go run has a code of its own
        assert (code, len(lines)) == (by_itself, 1), (which, said)
        assert lines[0].startswith("stdout: "), which


def flat(runs: list[tuple[int, int, str, bytes | None]]) -> list[tuple[int, str, int | None]]:
    """State and byte of every address of some runs."""
    return [
        (address + index, state, None if data is None else data[index])
        for address, length, state, data in runs
        for index in range(length)
    ]


def within_each_other(folder: Path) -> Path:
    """Regions within each other, at one address, up to the last and behind, without a page."""
    builder = start(LE10)
    for base, states in (
        (0x1000, [0, 0, 0, 0, 0, 0]),
        (0x1800, [0]),
        (0x2000, [0, 0]),
        (0x2000, [0]),
        (0x2C00, [1]),
        (BEHIND - 0x1000, [0, 1, 0, 0]),
        (BEHIND - 0x400, [0, 0]),
    ):
        data = b"".join(
            (base + 0x400 * page >> 10 & 0xFF).to_bytes(1, "little") * 0x400
            for page, state in enumerate(states)
            if not state
        )
        body = wire.memory_region("<", states, base_addr=base, page_size_log2=10, page_data=data)
        builder.add(wire.MEMORY_REGION, body)
    body = wire.memory_region("<", [], base_addr=0x8000, page_size_log2=10, region_size=0x300)
    builder.add(wire.MEMORY_REGION, body)
    path = folder / "within.msl"
    path.write_bytes(builder.data())
    return path


@pytest.mark.parametrize("name", [*LAYERED, *WRITING])
def test_the_layer_reads_what_our_reader_reads(
    name: str, unusual: dict[str, Path], tmp_path: Path
) -> None:
    folder = ready(name)
    wanted = ("fragments-*", "region-zst-*", "region-lz4-*", "everything-*", "map-0?-*", "live-*")
    wanted = (*wanted, "register-widths-*", "alone-thread-context-*")
    dumps = [path for one in wanted for path in sorted((SAMPLES / "valid").glob(f"{one}.msl"))]
    dumps = part_of(dumps, lambda path: path.stem.partition("-")[0])
    dumps += [within_each_other(tmp_path), unusual["appended"]]
    asked, expected = [], []
    for path in dumps:
        asked.append(f"dump {path}")
        with msl_construct.open(path) as dump:
            lines, bytes_of = [], []
            for region in sorted(dump.regions, key=lambda one: one.base_addr):
                place = f"{region.base_addr:x} {region.region_size:x}"
                lines.append(f"region {place} {rights(region)}")
                address = max(0, region.base_addr - 8)
                length = min(min(region.region_size, 1 << 13) + 16, BEHIND - address)
                asked.append(f"read {address:x} {length:x}")
                bytes_of += ours_flat(dump.memory.read(address, length))
            for block in dump.blocks:
                if block.key == "module_entry":
                    one = block.payload
                    lines.append(f"module {one.base_addr:x} {one.module_size:x} {one.path}")
                elif block.key == "thread_context" and "registers" in block.payload:
                    order: Literal["little", "big"] = "little" if little(path) else "big"
                    for each in block.payload.registers:
                        value = f"{int.from_bytes(each.value, order):x}" if each.value else "-"
                        lines.append(f"register {block.payload.thread_id:x} {each.name} {value}")
            expected.append((path, sorted(lines), bytes_of))
    questions = tmp_path / "asked"
    questions.write_text("".join(f"{line}\n" for line in asked))
    command = f"{generated_parsers.ASKED[name.removesuffix(READ_WRITE)]} {questions}"
    code, shown, said = generated_parsers.example(folder, command)
    assert code == 0, said
    answers = re.split(r"(?m)^dump (.*)\n", shown)[1:]
    assert answers[::2] == [str(path) for path in dumps]
    for (path, lines, bytes_of), found in zip(expected, answers[1::2]):
        words = [line.split(" ") for line in found.splitlines() if line.startswith("run ")]
        runs = [
            (int(at, 16), int(length, 16), state, bytes.fromhex(data) if data else None)
            for _, at, length, state, data in words
        ]
        others = sorted(line for line in found.splitlines() if not line.startswith("run "))
        assert others == lines, path
        assert flat(runs) == bytes_of, path


def little(path: Path) -> bool:
    return path.read_bytes()[8] == 1


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


# What examples whose language the tests' machine lacks most likely take from it and from Kaitai's
# runtime, behind a dot or colons. Every other name of that kind must be a generated one.
FOREIGN = {
    "csharp": "Collections Generic Main FromFile Error WriteLine FindAll Count Console ToUInt64 "
    "GetRange Length ToString Replace ToLowerInvariant Message Split MslOutput Put Flush Format",
    "nim": "payloadOf fromFile writeLine add countIt len toHex toLowerAscii mapIt join payload nim "
    "msg splitLines",
}


@pytest.mark.parametrize("name", FOREIGN)
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
        if path.is_file() and re.match(r"(?i)(list|read)_?(regions|page)\b", path.name)
    ]
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
