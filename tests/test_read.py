"""``msl read``, ``msl search`` and ``msl strings`` over a dump of which every byte is known."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from commands import one_line, run
from independent import wire
from independent.specimens import BE10, LE11, finish, start
from writing import live, uid, writer

import msl_construct
from msl_construct import Writer
from msl_construct.analysis import Addresses, Locations, hex_lines
from msl_construct.errors import AddressError

PAGE = 4096
HEAP, CODE = 0x5581_3000_0000, 0x7F00_1000_0000
SECRET = b"correct horse battery staple"


def dump(path: Path, *, order: str = "<", compression: str = "none") -> Path:
    """A heap of which a page failed, a module whose two regions touch, threads."""
    kind = wire_kind(order)
    with (
        path.open("w+b") as file,
        writer(
            file,
            kind,
            *("process_identity", "module_list", "memory_regions"),
            *(["thread_contexts"] if order == "<" else []),
            compression=compression,
        ) as out,
    ):
        fill(out, order)
    return path


def wire_kind(order: str) -> Any:
    return (
        LE11 if order == "<" else BE10
    )  # the later draft is little-endian, the other knows no threads


def fill(out: Writer, order: str) -> None:
    out.add_process_identity(block_uuid=uid(1))
    modules = [uid(20), uid(21)]
    out.add_module_list_index(
        [
            {
                "module_uuid": modules[0],
                "base_addr": CODE,
                "module_size": 3 * PAGE,
                "path": "/lib/libx-2.so",
            },
            {
                "module_uuid": modules[1],
                "base_addr": CODE + (1 << 20),
                "module_size": PAGE,
                "path": "/opt/libx-2.so",
            },
        ]
    )
    for number, current, value in (
        () if order == ">" else ((7, True, CODE + 16), (8, False, HEAP + PAGE))
    ):
        out.add_thread_context(
            thread_id=number,
            flags=["current"] if current else [],
            registers=[
                {
                    "name": "rip",
                    "width": 8,
                    "flags": ["pc"],
                    "value": struct.pack(f"{order}Q", value),
                },
                {
                    "name": "rsp",
                    "width": 8,
                    "flags": ["sp"],
                    "value": struct.pack(f"{order}Q", HEAP),
                },
            ],
        )
    heap = bytearray(3 * PAGE)
    heap[0x10 : 0x10 + len(SECRET)] = SECRET
    heap[PAGE - 3 : PAGE] = b"end"
    heap[0x100:0x108] = struct.pack(f"{order}Q", CODE + 2 * PAGE)
    out.add_memory_region(
        base_addr=HEAP,
        region_size=4 * PAGE,
        protection=["read", "write"],
        region_type="heap",
        page_states=[(0, 1, "captured"), (1, 1, "failed"), (2, 2, "captured")],
        data=bytes(heap),
    )
    first, second = bytearray(PAGE), bytearray(2 * PAGE)
    first[-4:], second[:4] = b"acro", b"ss\0\0"
    for base, data in ((CODE, first), (CODE + PAGE, second)):
        out.add_memory_region(
            base_addr=base,
            region_size=len(data),
            protection=["read", "execute"],
            region_type="image",
            data=bytes(data),
        )
    for uuid, base, size, path in (
        (modules[0], CODE, 3 * PAGE, "/lib/libx-2.so"),
        (modules[1], CODE + (1 << 20), PAGE, "/opt/libx-2.so"),
    ):
        out.add_module_entry(block_uuid=uuid, base_addr=base, module_size=size, path=path)


@pytest.fixture(params=["<-none", "<-zstd", ">-none"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    order, _, compression = request.param.partition("-")
    return dump(tmp_path / "dump.msl", order=order, compression=compression)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0x10", 16),
        ("16", 16),
        ("/lib/libx-2.so", CODE),
        ("/lib/libx-2.so+0x10", CODE + 16),
        ("/lib/libx-2.so-1", CODE - 1),
        ("[heap]", HEAP),
        ("[heap]+4096", HEAP + PAGE),
        (f"region:{HEAP + PAGE:#x}", HEAP),
        (f"region:{CODE + PAGE:#x}+0x20", CODE + PAGE + 0x20),
        ("reg:rip", CODE + 16),
        ("reg:rip@8", HEAP + PAGE),
        ("reg:rsp@7+8", HEAP + 8),
    ],
)
def test_addresses_are_what_they_are_called(made: Path, text: str, address: int) -> None:
    if text.startswith("reg:") and msl_construct.open(made).schema.byte_order == "big":
        return
    with msl_construct.open(made) as opened:
        assert Addresses(opened).address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        *("", "libx-2.so", "libx-2.so+1", "nosuch", "[nosuch]", "reg:", "reg:rax", "reg:rip@9"),
        *("region:0x10", "0x" + "f" * 17, "-1", "reg:rip@x", "0x1+", "+1", "[heap", "1" * 9999),
        "/lib/libx-2.so+0x" + "f" * 90,
    ],
)
def test_what_is_not_there_is_said(made: Path, text: str) -> None:
    with msl_construct.open(made) as opened, pytest.raises(AddressError) as error:
        Addresses(opened).address(text)
    assert len(str(error.value)) < 400
    done = run("read", made, "--", text, "16")
    assert done.returncode == 2
    assert not done.stdout


def test_a_thread_that_is_cut_short_has_what_is_there_of_it() -> None:
    """A register is known as soon as all of its entry is there, and until then said not to be."""
    register = wire.register("<", "rip", (0x1234).to_bytes(8, "little"))
    payload = wire.thread_context("<", [register], thread_name="main")
    known = []
    for size in range(len(payload) + 1):
        builder = start(LE11)
        builder.add(wire.THREAD_CONTEXT, payload[:size])
        with msl_construct.open(finish(builder, LE11)) as opened:
            try:
                known.append(Addresses(opened).address("reg:rip"))
            except AddressError:
                assert not known, size
    assert set(known) == {0x1234}


def test_lines_hold_what_the_memory_holds(made: Path) -> None:
    with msl_construct.open(made) as opened:
        start, end = HEAP + PAGE - 24, HEAP + 2 * PAGE + 40
        seen: dict[int, int | None] = {}
        for line in hex_lines(opened.memory, start, end):
            for turn in range(line.repeats + 1):
                at = line.address + 16 * turn
                seen.update(zip(range(at, at + len(line.data)), line.data))
        expected: dict[int, int | None] = dict.fromkeys(range(start, HEAP + PAGE), 0)
        expected.update(zip(range(HEAP + PAGE - 3, HEAP + PAGE), b"end"))
        expected.update(dict.fromkeys(range(HEAP + PAGE, HEAP + 2 * PAGE)))
        expected.update(dict.fromkeys(range(HEAP + 2 * PAGE, end), 0))
        assert seen == expected


def test_a_hole_of_terabytes_is_few_lines(made: Path) -> None:
    done = run("read", made, "0x1003", "0x7f0000000000")
    assert done.returncode == 4
    assert len(done.stdout.splitlines()) < 60


def test_what_is_not_known_is_never_a_zero(made: Path) -> None:
    done = run("read", made, f"{HEAP + PAGE - 16:#x}", "32")
    assert done.returncode == 4
    assert b"32" in done.stderr
    lines = done.stdout.decode().splitlines()
    assert lines[1].endswith("65 6e 64  |.............end|")
    assert lines[2].split("  ")[1:3] == [" ".join(["??"] * 8)] * 2
    assert lines[2].endswith("failed")


def test_raw_bytes_are_whole_or_filled_as_asked(made: Path) -> None:
    whole = run("read", made, "[heap]+0x10", str(len(SECRET)), "--raw")
    assert (whole.returncode, whole.stdout) == (0, SECRET)
    at = f"{HEAP + PAGE - 3:#x}"
    refused = run("read", made, at, "8", "--raw")
    assert (refused.returncode, refused.stdout) == (4, b"")
    assert b"failed" in refused.stderr
    filled = run("read", made, at, "8", "--raw", "--fill", "0xAA")
    assert (filled.returncode, filled.stdout) == (0, b"end" + b"\xaa" * 5)
    assert b"5 of 8 bytes are not known" in filled.stderr


def test_views_show_values_and_what_pointers_point_to(made: Path) -> None:
    done = run("read", made, "[heap]+0x100", "8", "--as", "ptr")
    assert done.stdout.decode().split() == [
        f"{HEAP + 0x100:016x}", f"{CODE + 2 * PAGE:#018x}", "libx-2.so+0x2000",
    ]  # fmt: skip
    done = run("read", made, f"{HEAP + PAGE - 4:#x}", "8", "--as", "u32")
    assert done.returncode == 4
    assert done.stdout.decode().splitlines()[1].endswith("?? (failed)")
    done = run("read", made, "[heap]+0x10", "40", "--as", "ascii")
    assert done.stdout.decode().split(" ", 2)[2].strip() == f'"{SECRET.decode()}"'


@pytest.mark.parametrize("view", ["u8", "u64", "time", "ascii", "utf16"])
def test_views_say_once_what_is_not_known(made: Path, view: str) -> None:
    """However many values it would have been; what is known beside it stays."""
    done = run("read", made, f"{HEAP + PAGE - 8:#x}", f"{PAGE:#x}", "--as", view)
    assert done.returncode == 4
    lines = done.stdout.decode().splitlines()
    assert lines[-1] == f"{HEAP + PAGE:016x}  ?? (failed), {PAGE - 8} bytes"
    assert len(lines) == {"u8": 9, "u64": 2, "time": 2, "ascii": 2, "utf16": 2}[view]
    done = run("read", made, f"{HEAP + PAGE - 8:#x}", "7", "--as", view)
    whole = view in ("u8", "ascii")
    assert (b"fewer than a value" in done.stderr) != whole
    assert bool(done.stdout) == (view != "u64" and view != "time")


def test_a_value_of_which_a_part_is_known_is_not_called_unknown_as_a_whole(made: Path) -> None:
    done = run("read", made, f"{HEAP + PAGE - 3:#x}", "24", "--as", "u64")
    assert done.stdout.decode().splitlines() == [
        f"{HEAP + PAGE - 3:016x}  ?? (partly failed)",
        f"{HEAP + PAGE + 5:016x}  ?? (failed), 16 bytes",
    ]


def test_json_has_bytes_and_states(made: Path) -> None:
    found = json.loads(run("read", made, f"{HEAP + PAGE - 3:#x}", "6", "--json").stdout)
    assert found["runs"] == [
        {"address": f"{HEAP + PAGE - 3:#x}", "length": 3, "state": "captured", "bytes": "656e64"},
        {"address": f"{HEAP + PAGE:#x}", "length": 3, "state": "failed"},
    ]
    assert found["region"]["base_addr"] == f"{HEAP:#x}"


# --- search ----------------------------------------------------------------------------------


def hits(made: Path, *words: str, code: int = 0) -> list[dict[str, Any]]:
    done = run("search", made, *words, "--json")
    assert done.returncode == code, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_a_secret_is_found_with_where_it_is(made: Path) -> None:
    (hit,) = hits(made, SECRET.decode())
    assert hit["address"] == f"{HEAP + 0x10:#x}"
    assert bytes.fromhex(hit["bytes"]) == SECRET
    assert hit["region"] == {
        "base_addr": f"{HEAP:#x}", "protection": ["read", "write"], "region_type": "heap",
        "name": "[heap]",
    }  # fmt: skip
    assert hit["module"] is None
    assert bytes.fromhex(hit["before"]) == bytes(16)


def test_a_match_crosses_regions_and_no_hole(made: Path) -> None:
    (hit,) = hits(made, "across")
    assert hit["module"] == {"path": "/lib/libx-2.so", "offset": f"{PAGE - 4:#x}"}
    assert hits(made, "--hex", "656e6400", code=1) == []


def test_kinds_of_patterns_in_one_pass(made: Path) -> None:
    found = hits(
        made, "across", "--pointer-to", "/lib/libx-2.so../lib/libx-2.so+0x3000", "--regex", "h.rse"
    )
    assert [hit["kind"] for hit in found] == ["regex", "pointer", "text"]
    assert found[1]["value"] == f"{CODE + 2 * PAGE:#x}"
    assert found[1]["address"] == f"{HEAP + 0x100:#x}"


def test_only_what_was_asked_for_is_searched(made: Path) -> None:
    assert hits(made, "across", "--protection", "w", code=1) == []
    assert len(hits(made, "across", "--type", "image")) == 1
    assert hits(made, "across", "--range", f"{CODE:#x}..{CODE + PAGE:#x}", code=1) == []
    done = run("search", made, "across", "--type", "stack")
    assert done.returncode == 2


def test_what_could_not_be_searched_is_said(made: Path) -> None:
    done = run("search", made, "nowhere")
    assert done.returncode == 1
    assert done.stdout == b""
    assert "4.0 KiB failed" in one_line(done.stderr)


@pytest.mark.parametrize("place", [HEAP + PAGE, 0x1000])
def test_where_nothing_is_captured_is_not_said_to_hold_no_match(made: Path, place: int) -> None:
    for words in (("search", made, "nowhere"), ("strings", made, "--quiet")):
        done = run(*words, "--range", f"{place:#x}..{place + 16:#x}")
        assert (done.returncode, done.stdout) == (4, b"")
        assert "incomplete: not one byte" in done.stderr.decode()


def test_strings_have_their_places(made: Path) -> None:
    done = run("strings", made, "-n", "6", "--json")
    assert done.returncode == 0
    found = {row["text"]: row["address"] for row in json.loads(done.stdout)}
    assert found == {SECRET.decode(): f"{HEAP + 0x10:#x}", "across": f"{CODE + PAGE - 4:#x}"}


def test_a_dump_that_was_cut_is_not_said_to_hold_no_match(made: Path) -> None:
    cut = made.with_name("cut.msl")
    cut.write_bytes(made.read_bytes()[:-200])
    for words in (("search", cut, "nowhere"), ("strings", cut), ("read", cut, "[heap]", "16")):
        done = run(*words)
        assert done.returncode == 4, words
        assert b"incomplete" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("search",),
        ("search", "--hex", "4"),
        ("search", "x", "--range", "5..4"),
        ("search", "x", "--json", "--ndjson"),
        ("search", "--int", "z"),
        ("strings", "--type", "nosuch"),
        ("read", "[heap]", "-5"),
        ("read", "[heap]", "16", "--fill", "zero"),
        ("read", "[heap]", "16", "--raw", "--fill", "0x100"),
        ("read", "[heap]", "16", "--raw", "--json"),
    ],
)
def test_what_makes_no_sense_is_refused(made: Path, words: tuple[str, ...]) -> None:
    done = run(words[0], made, *words[1:])
    assert done.returncode == 2
    assert not done.stdout
    assert b"Traceback" not in done.stderr


def test_pointers_are_as_wide_as_those_of_the_target(tmp_path: Path) -> None:
    path = tmp_path / "narrow.msl"
    fields = {"arch_type": "x86"}
    with path.open("w+b") as file, live(file, LE11, "memory_regions", fields=fields) as out:
        data = (0x1010).to_bytes(4, "little") * 2
        out.add_memory_region(
            base_addr=0x1000, protection=["read"], region_type="heap", data=data.ljust(PAGE)
        )
    done = run("read", path, "0x1000", "10", "--as", "ptr")
    shown = [line.split() for line in done.stdout.decode().splitlines()]
    assert [row[1:] for row in shown] == [["0x00001010", "[heap]+0x10"]] * 2
    assert b"2 bytes at 0x1008 are fewer than a value of 4 bytes" in done.stderr


def test_what_a_place_is_called_is_an_address(tmp_path: Path) -> None:
    """Of several mappings of one file, and of several regions of one kind."""
    builder = start(LE11)
    rows = []
    kinds = [("/lib/x", 4)] * 3 + [("[heap]", 1)] * 2 + [("", 5)] * 3 + [("/other/x", 4)]
    for number, (name, kind) in enumerate(kinds):
        base = 0x10000 * (number + 1)
        region = wire.memory_region(
            "<", [0], base_addr=base, region_type=kind, page_data=bytes(4096)
        )
        builder.add(wire.MEMORY_REGION, region)
        rows.append(wire.vas_entry("<", base_addr=base, region_size=4096, mapped_path=name))
    builder.add(wire.VAS_MAP, wire.vas_map("<", rows))
    path = tmp_path / "dump.msl"
    path.write_bytes(finish(builder, LE11))
    with msl_construct.open(path) as opened:
        places, addresses = Locations(opened), Addresses(opened)
        shown = [places.text(region.base_addr + 0x10) for region in opened.regions]
        for region, text in zip(opened.regions, shown):
            assert addresses.address(text.rpartition(" ")[2]) == region.base_addr + 0x10
    assert shown[2] == "x+0x20010"
    assert shown[4] == "[heap]+0x10010"
    assert shown[6] == "[anonymous] 0x70000+0x10"


@pytest.mark.parametrize("form", ["", "--raw", "--json", "--as u8"])
def test_what_is_asked_for_behind_the_last_address_is_said(form: str, tmp_path: Path) -> None:
    builder = start(LE11)
    region = wire.memory_region("<", [0], base_addr=(1 << 64) - 4096, page_data=bytes(4096))
    builder.add(wire.MEMORY_REGION, region)
    path = tmp_path / "dump.msl"
    path.write_bytes(finish(builder, LE11))
    assert run("read", path, "0xfffffffffffffff0", 16, *form.split()).returncode == 0
    done = run("read", path, "0xfffffffffffffff0", 40, *form.split())
    assert done.returncode == 4
    assert done.stdout
    assert one_line(done.stderr).endswith("24 of 40 bytes are behind the last address\n")
