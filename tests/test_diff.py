"""``msl diff``: held against a look at every page, by a decoder that knows nothing of ours."""

from __future__ import annotations

import io
import json
import random
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from commands import one_line, run
from independent import wire
from independent import wire_tables as wt
from independent.specimens import LE11, finish, start
from writing import live, memory_of, uid, writer

import msl_construct
from msl_construct import analysis
from msl_construct.analysis import Timeline, comparing
from msl_construct.analysis.timeline import TimelineRow
from msl_construct.cli.diff_timeline import write_timeline
from msl_construct.cli.text import Style

PAGE = 4096
STATES = ("captured", "captured", "captured", "failed", "not_resident")


def random_dump(rng: random.Random, like: dict[int, bytes | str] | None = None) -> bytes:
    """A dump of a few regions; where `like` has a page captured, mostly the same bytes."""
    file = io.BytesIO()
    compression = rng.choice(("none", "zstd"))
    with live(file, LE11, "memory_regions", compression=compression) as out:
        at = 0x10000
        for _ in range(rng.randint(1, 5)):
            at += PAGE * rng.choice((0, 0, 1, 7))
            states, data = [], b""
            for page in range(rng.randint(1, 12)):
                state = rng.choice(STATES)
                states.append((page, 1, state))
                if state == "captured":
                    old = (like or {}).get(at + page * PAGE)
                    if isinstance(old, bytes) and rng.random() < 0.7:
                        data += old
                    else:
                        data += bytes([rng.randrange(2)]) * 100 + bytes(PAGE - 100)
            out.add_memory_region(
                base_addr=at,
                region_size=len(states) * PAGE,
                protection=rng.choice((["read"], ["read", "write"])),
                region_type="anonymous",
                page_states=states,
                data=data,
            )
            at += len(states) * PAGE
    return file.getvalue()


@pytest.mark.parametrize("seed", range(60))
def test_pages_are_counted_as_they_are(seed: int) -> None:
    rng = random.Random(seed)
    raw = random_dump(rng)
    before = memory_of(raw)
    other = random_dump(rng, before)
    after = memory_of(other)
    expected: Counter[str] = Counter()
    differ: set[int] = set()
    for page in {*before, *after}:
        one, two = before.get(page), after.get(page)
        if one is None or two is None:
            expected["only_b" if one is None else "only_a"] += 1
        elif isinstance(one, str) or isinstance(two, str):
            expected["unknown"] += 1
        elif one == two:
            expected["same"] += 1
        else:
            expected["changed"] += 1
            differ |= {page + n for n in range(PAGE) if one[n] != two[n]}
    with msl_construct.open(raw) as a, msl_construct.open(other) as b:
        found = analysis.diff(a, b)
        pages = found.pages
        assert Counter(
            same=pages.same,
            changed=pages.changed,
            unknown=pages.unknown,
            only_a=pages.only_a,
            only_b=pages.only_b,
        ) == Counter({"same": 0, **expected})
        covered = {n for one in found.changes for n in range(one.address, one.address + one.size)}
        assert differ <= covered
        for change in found.changes:
            assert change.address in differ
            assert change.address + change.size - 1 in differ
        assert bool(found) == bool(
            expected["changed"] + expected["only_a"] + expected["only_b"]
            or any(found.regions.values())
        )


def test_a_dump_is_the_same_as_itself(tmp_path: Path) -> None:
    path = tmp_path / "dump.msl"
    with path.open("w+b") as file, live(file, LE11, "memory_regions") as out:
        out.add_memory_region(
            base_addr=0x1000, protection=["read"], region_type="heap", data=bytes(PAGE)
        )
    done = run("diff", path, path, "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["pages"] == {
        "same": 1, "changed": 0, "rebased": 0, "unknown": 0, "only_a": 0, "only_b": 0,
    }  # fmt: skip
    assert not any(found["regions"].values())


def test_what_is_unknown_is_not_called_the_same(tmp_path: Path) -> None:
    path = tmp_path / "dump.msl"
    with path.open("w+b") as file, live(file, LE11, "memory_regions") as out:
        out.add_memory_region(
            base_addr=0x1000,
            region_size=PAGE,
            protection=["read"],
            region_type="heap",
            page_states=[(0, 1, "failed")],
            data=b"",
        )
    done = run("diff", path, path)
    assert done.returncode == 4
    assert b"1 unknown" in done.stdout
    assert "1 page could not be compared" in one_line(done.stderr)


def program(
    path: Path, base: int, heap: int, counter: int, *, disk_hash: bytes = b"\1" * 32
) -> Path:
    """A program at an address of its own: a module, and a heap that points into it."""
    with (
        path.open("w+b") as file,
        writer(
            file, LE11, "process_identity", "module_list", "memory_regions", "thread_contexts"
        ) as out,
    ):
        out.add_process_identity(block_uuid=uid(1))
        module = uid(20)
        out.add_module_list_index(
            [{"module_uuid": module, "base_addr": base, "module_size": 2 * PAGE, "path": "/bin/p"}]
        )
        out.add_thread_context(
            thread_id=7,
            flags=["current"],
            registers=[
                {"name": "rip", "width": 8, "flags": ["pc"], "value": struct.pack("<Q", base + 4)},
                {"name": "rsp", "width": 8, "flags": ["sp"], "value": struct.pack("<Q", heap)},
            ],
        )
        code = bytearray(2 * PAGE)
        code[:4] = b"code"
        out.add_memory_region(
            base_addr=base, protection=["read", "execute"], region_type="image", data=bytes(code)
        )
        data = bytearray(3 * PAGE)
        data[8:16] = struct.pack("<Q", base + 0x10)  # moved with its target
        data[PAGE : PAGE + 8] = struct.pack("<Q", counter)
        data[2 * PAGE : 2 * PAGE + 8] = struct.pack("<Q", heap + 0x20)
        data[2 * PAGE + 8] = counter & 1
        out.add_memory_region(
            base_addr=heap, protection=["read", "write"], region_type="heap", data=bytes(data)
        )
        out.add_module_entry(
            block_uuid=module, base_addr=base, module_size=2 * PAGE, path="/bin/p",
            disk_hash=disk_hash,
        )  # fmt: skip
    return path


def test_pointers_that_moved_are_told_from_changes(tmp_path: Path) -> None:
    a = program(tmp_path / "a.msl", 0x55AA_0000_0000, 0x7F00_0000_0000, 1)
    b = program(tmp_path / "b.msl", 0x55BB_0000_0000, 0x7F11_0000_0000, 2)
    done = run("diff", a, b, "--json", "--bytes")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["align"] == "module"
    assert not any(found["regions"].values())
    assert found["pages"] == {
        "same": 2, "changed": 3, "rebased": 1, "unknown": 0, "only_a": 0, "only_b": 0,
    }  # fmt: skip
    assert [row["path"] for row in found["modules"]["moved"]] == ["/bin/p"]
    assert found["modules"]["replaced"] == []
    assert found["threads"]["moved"] == [
        {"thread_id": 7, "pc": "0x55aa00000004", "other_pc": "0x55bb00000004"}
    ]
    (row,) = found["changes"]
    assert [run_[0] for run_ in row["runs"]][1] == f"{0x7F00_0000_0000 + PAGE:#x}"
    assert row["bytes"][1] == ["01", "02"]
    by_address = json.loads(run("diff", a, b, "--align", "address", "--json").stdout)
    assert len(by_address["regions"]["added"]) == len(by_address["regions"]["removed"]) == 2
    assert by_address["pages"]["only_a"] == by_address["pages"]["only_b"] == 5
    three = run("diff", a, b, a, "--json")
    times = json.loads(three.stdout)["timeline"]
    assert times["regions"] == times["pages"] == []
    assert [row["what"] for row in times["modules"]] == ["/bin/p"]
    assert b"no regions and no pages: they are not compared by address" in three.stderr


def test_regions_of_a_kind_belong_together_by_size_where_one_dump_has_more(tmp_path: Path) -> None:
    """New threads have their stacks in front of everything else that is anonymous."""
    paths = []
    for shift, sizes in ((0, (3, 1, 2)), (0x7000_0000, (5, 5, 5, 3, 1, 4))):
        builder = start(LE11)
        builder.add(wire.MODULE_ENTRY, wire.module_entry("<", base_addr=0x1000_0000 + shift))
        for number, pages in enumerate(sizes):
            payload = wire.memory_region(
                "<",
                [0] * pages,
                base_addr=0x2000_0000 + shift + 0x10000 * number,
                region_type=5,
                page_data=bytes([pages]) * (PAGE * pages),
            )
            builder.add(wire.MEMORY_REGION, payload)
        paths.append(tmp_path / f"{len(sizes)}.msl")
        paths[-1].write_bytes(finish(builder, LE11))
    found = json.loads(run("diff", *paths, "--json").stdout)
    assert found["align"] == "module"
    added = [row["other_base_addr"] for row in found["regions"]["added"]]
    assert added == ["0x90010000", "0x90020000", "0x90050000"]
    assert found["regions"]["removed"] == []
    # Of what is left the first belongs to the first, as where there are as many.
    assert [row["base_addr"] for row in found["regions"]["resized"]] == ["0x20020000"]
    assert found["pages"]["same"] == 4


def test_a_file_replaced_under_the_same_path_is_said(tmp_path: Path) -> None:
    a = program(tmp_path / "a.msl", 0x55AA_0000_0000, 0x7F00_0000_0000, 1)
    b = program(tmp_path / "b.msl", 0x55AA_0000_0000, 0x7F00_0000_0000, 1, disk_hash=b"\2" * 32)
    done = run("diff", a, b)
    assert done.returncode == 1
    assert b"modules replaced: 1 row" in done.stdout


def test_several_dumps_are_a_line_of_steps(tmp_path: Path) -> None:
    paths = [
        program(tmp_path / f"{n}.msl", 0x55AA_0000_0000, 0x7F00_0000_0000, n // 2) for n in range(3)
    ]
    done = run("diff", *paths, "--json")
    assert done.returncode == 1
    steps = json.loads(done.stdout)["steps"]
    assert [step["pages"]["changed"] for step in steps] == [0, 2]
    lines = run("diff", *paths, "--ndjson").stdout.splitlines()
    assert [json.loads(line) for line in lines[:-1]] == steps
    assert json.loads(lines[-1])["timeline"]["dumps"] == [str(path) for path in paths]


def test_a_timeline_says_what_was_there_when(tmp_path: Path) -> None:
    """A page that changes and changes back; a region, a thread that come and go."""
    paths = []
    for number, (content, regions) in enumerate(((1, 1), (2, 2), (1, 2), (3, 1))):
        paths.append(tmp_path / f"{number}.msl")
        with paths[-1].open("w+b") as file, live(file, LE11, "memory_regions") as out:
            out.add_memory_region(
                base_addr=0x10000,
                protection=["read", "write"],
                region_type="heap",
                data=bytes(PAGE) + bytes([content]) * PAGE,
            )
            for base in (0x50000,)[: regions - 1]:
                out.add_memory_region(
                    base_addr=base, protection=["read"], region_type="anonymous", data=bytes(PAGE)
                )
    found = json.loads(run("diff", *paths, "--json").stdout)["timeline"]
    assert found["pages"] == [{"address": "0x11000", "contents": [0, 1, 0, 2]}]
    (row,) = found["regions"]
    assert row["what"] == "0x50000"
    assert [value is None for value in row["values"]] == [True, False, False, True]
    shown = run("diff", *paths).stdout.decode()
    assert "  a b a c  0x11000  [heap]+0x1000\n" in shown
    assert "  . a a .  0x50000  [anonymous]\n" in shown


def environment_of(path: Path, text: bytes) -> Path:
    builder = start(LE11)
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity("<", cmd_line=f"p {len(text)}"))
    builder.add(0x0014, text)
    path.write_bytes(finish(builder, LE11))
    return path


def test_command_line_and_environment_are_compared(tmp_path: Path) -> None:
    a = environment_of(tmp_path / "a.msl", b"HOME=/root\0OLD=1\0LANG=C\0")
    b = environment_of(tmp_path / "b.msl", b"HOME=/tmp\0NEW=a=b\0LANG=C\0")
    found = json.loads(run("diff", a, b, "--json").stdout)
    assert found["environment"] == {
        "added": [{"name": "NEW", "value": "a=b"}],
        "removed": [{"name": "OLD", "value": "1"}],
        "changed": [{"name": "HOME", "value": "/root", "other_value": "/tmp"}],
    }
    (row,) = found["process"]["changed"]
    assert (row["name"], row["value"], row["other_value"]) == ("cmd_line", "p 24", "p 25")


def test_a_mapped_file_that_was_replaced_is_said(tmp_path: Path) -> None:
    """Inode, headers in memory, and a name that says that the file is gone."""

    def made(name: str, inode: int, head: bytes, mapped: str) -> Path:
        builder = start(LE11)
        region = wire.memory_region(
            "<", [0], base_addr=0x10000, protection=5, region_type=3, page_data=head.ljust(PAGE)
        )
        builder.add(wire.MEMORY_REGION, region)
        blob = b"10000-11000 r-xp 00000000 08:01 %d  /bin/p\0" % inode
        entry = wire.module_entry(
            "<", base_addr=0x10000, module_size=PAGE, path="/bin/p", native_blob=blob
        )
        builder.add(wire.MODULE_ENTRY, entry)
        vas = wire.vas_entry("<", base_addr=0x20000, mapped_path=mapped)
        builder.add(wire.VAS_MAP, wire.vas_map("<", [vas]))
        path = tmp_path / name
        path.write_bytes(finish(builder, LE11))
        return path

    a = made("a.msl", 11, b"\x7fELF one", "/lib/x")
    b = made("b.msl", 12, b"\x7fELF two", "/lib/x (deleted)")
    found = json.loads(run("diff", a, b, "--json").stdout)["modules"]["replaced"]
    assert [(row["path"], row["by"]) for row in found] == [
        ("/bin/p", ["inode", "headers"]), ("/lib/x", ["deleted"]),
    ]  # fmt: skip
    again = json.loads(run("diff", a, a, "--json").stdout)
    assert again["modules"]["replaced"] == []


def test_a_dump_that_was_cut_is_not_called_the_same(tmp_path: Path) -> None:
    a = program(tmp_path / "a.msl", 0x55AA_0000_0000, 0x7F00_0000_0000, 1)
    b = tmp_path / "b.msl"
    b.write_bytes(a.read_bytes()[:-120])
    done = run("diff", a, b)
    assert done.returncode == 4
    assert b"incomplete" in done.stderr


@pytest.mark.parametrize("words", [(), ("--json", "--ndjson"), ("-", "-")])
def test_what_makes_no_sense_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    a = program(tmp_path / "a.msl", 0x55AA_0000_0000, 0x7F00_0000_0000, 1)
    given: list[Any] = [a, *words] if len(words) != 2 or words[0] != "--json" else [a, a, *words]
    assert run("diff", *given).returncode == 2


def test_every_content_has_a_letter_of_its_own() -> None:
    row = TimelineRow("0x1000", (*range(60), None))
    found = io.StringIO()
    write_timeline(["a"], Timeline({}, [row], 0), None, found, Style(), str)
    letters = found.getvalue().splitlines()[-1].split()[:61]
    assert letters[:3] == ["a", "b", "c"]
    assert letters[-1] == "."
    assert len(set(letters)) == 61


def test_what_one_dump_alone_tells_of_is_not_called_new_or_gone(tmp_path: Path) -> None:
    """A table that a dump lacks says nothing; one without rows says that there is nothing."""

    def made(name: str, *connections: bytes | None) -> Path:
        builder = start(LE11)
        builder.add(wire.PROCESS_IDENTITY, wire.process_identity("<"))
        if connections:
            entries = [one for one in connections if one is not None]
            builder.add(wt.CONNECTION_TABLE, wt.table("<", entries))
        path = tmp_path / name
        path.write_bytes(finish(builder, LE11))
        return path

    one = made("one.msl", wt.connection_row("<"))
    empty, silent = made("empty.msl", None), made("silent.msl")
    found = json.loads(run("diff", one, empty, "--json").stdout)
    assert len(found["system"]["connections"]["removed"]) == 1
    assert found["not_compared"] == []
    done = run("diff", one, silent, "--json")
    assert done.returncode == 4
    assert b"connections: only the first dump" in done.stderr
    found = json.loads(done.stdout)
    assert not any(found["system"]["connections"].values())
    assert found["not_compared"][0].startswith("connections: only the first dump")
    line = json.loads(run("diff", one, silent, empty, "--json").stdout)["timeline"]
    assert [row["values"] for row in line["connections"]] == [[True, "unknown", None]]
    assert b"\n  a ? .  " in run("diff", one, silent, empty).stdout


@pytest.mark.parametrize("size", [1 << 20, 17 << 20])
def test_an_environment_is_compared_to_its_end_or_said_to_be_cut(tmp_path: Path, size: int) -> None:
    """The last variable is behind a long one."""
    long = b"LONG=" + b"x" * size + b"\0"
    a = environment_of(tmp_path / "a.msl", long + b"LAST=1\0")
    b = environment_of(tmp_path / "b.msl", long + b"LAST=2\0")
    done = run("diff", a, b, "--json")
    found = json.loads(done.stdout)
    if size < 16 << 20:
        assert [row["name"] for row in found["environment"]["changed"]] == ["LAST"]
        assert (done.returncode, found["not_compared"]) == (1, [])
        return
    assert not any(found["environment"].values())
    assert done.returncode == 4
    assert [line.partition(":")[0] for line in found["not_compared"]] == ["environment"] * 2


def test_a_module_that_is_there_twice_is_not_one(tmp_path: Path) -> None:
    def made(name: str, *bases: int) -> Path:
        builder = start(LE11)
        for base in bases:
            builder.add(wire.MODULE_ENTRY, wire.module_entry("<", base_addr=base, path="/lib/x"))
        path = tmp_path / name
        path.write_bytes(finish(builder, LE11))
        return path

    a, b = made("a.msl", 0x10000, 0x50000), made("b.msl", 0x10000)
    found = json.loads(run("diff", a, b, "--json").stdout)["modules"]
    assert found["removed"] == [{"path": "/lib/x", "base_addr": "0x50000"}]
    times = json.loads(run("diff", a, b, a, "--json").stdout)["timeline"]["modules"]
    assert [(row["what"], row["values"]) for row in times] == [
        ("/lib/x  (number 2)", ["0x50000", None, "0x50000"])
    ]


def test_a_table_that_is_damaged_is_not_called_the_same(tmp_path: Path) -> None:
    builder = start(LE11)
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity("<")[:10])
    path = tmp_path / "a.msl"
    path.write_bytes(finish(builder, LE11))
    done = run("diff", path, path)
    assert done.returncode == 4
    assert b"of the first dump: block " in done.stderr


@pytest.mark.parametrize("seed", range(6))
def test_processes_find_what_one_does(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "_UNIT", PAGE)
    monkeypatch.setattr(comparing, "_WORTH_PROCESSES", 2)
    rng = random.Random(seed)
    raw = random_dump(rng)
    other = random_dump(rng, memory_of(raw))
    with msl_construct.open(raw) as a, msl_construct.open(other) as b:
        found = [analysis.diff(a, b, processes=processes) for processes in (1, 3)]
    assert found[0].pages == found[1].pages
    assert found[0].changes == found[1].changes
