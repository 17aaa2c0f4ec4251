"""Under Wine: what is captured of a target is what the target says of itself."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from windows.environment import HERE, ROOT, Wine, compiled, dos
from windows.targets import TARGET, Runner, Target, started
from windows.words import filled

import msl_construct
from msl_construct.reader.dump import Dump

PAGE = 4096
NAME = "ziel ä 名 & (1)"
ARGUMENTS = ("spin", "a b", "", 'q"uote', "ende\\", "ü名")
METHODS = ("suspend", "threads", "none")
PROTECTIONS = {0x02: "r--", 0x04: "rw-", 0x08: "rw-", 0x10: "--x", 0x20: "r-x", 0x40: "rwx"}
GUARD, NO_ACCESS = 0x100, 0x01
COMMITTED, RESERVED, IMAGE, PRIVATE = "1000", "2000", "1000000", "20000"


@pytest.fixture(scope="module")
def target(wine: Wine) -> Iterator[Target]:
    with started(wine, wine.folder, *ARGUMENTS, name=NAME) as target:
        yield target


@pytest.fixture(scope="module")
def folder(wine: Wine) -> Path:
    return wine.folder


@pytest.fixture(scope="module", params=METHODS)
def captured(
    request: pytest.FixtureRequest, wine: Wine, under_wine: Runner, target: Target
) -> Iterator[tuple[str, Dump, dict[str, Any]]]:
    """A dump by each method, and its report."""
    name = f"{request.param}.msl"
    words = ("acquire", str(target.pid), "-o", name, "--freeze", request.param)
    answer = under_wine(*words, "--note", "50%PATH% $HOME ~ *.exe")
    assert answer.code == 0, answer.err
    report = json.loads((wine.folder / f"{name}.report.json").read_text(encoding="utf-8"))
    with msl_construct.open(wine.folder / name) as dump:
        yield request.param, dump, report


def memory(dump: Dump, address: int, size: int) -> bytes | None:
    """What was captured; None where a page was not."""
    found = dump.memory.read(address, size)
    return bytes(found.data) if found.complete else None


def test_memory(captured: tuple[str, Dump, dict[str, Any]], target: Target) -> None:
    """Page by page: whole regions of known bytes, and pages inside that are none."""
    _, dump, _ = captured
    holes = {int(words[1], 16) for words in target.lines["region"] if words[4] == "none"}
    seen = set()
    for name, address, size, protect, seed in target.lines["region"]:
        start, flags = int(address, 16), int(protect, 16)
        if seed == "none":
            assert memory(dump, start, PAGE) is None, name
            continue
        bytes_of = filled(int(size), int(seed))
        for at in range(0, int(size), PAGE):
            readable = not flags & (GUARD | NO_ACCESS) and start + at not in holes
            expected = bytes_of[at : at + PAGE] if readable else None
            assert memory(dump, start + at, PAGE) == expected, (name, at)
        seen.add(name)
    assert len(seen) == 10
    for name, address, size, seed in target.lines["block"]:
        assert memory(dump, int(address, 16), int(size)) == filled(int(size), int(seed)), name


def test_regions(captured: tuple[str, Dump, dict[str, Any]], target: Target) -> None:
    """Every line of VirtualQuery that is about committed memory, by start, size and protection."""
    _, _, report = captured
    rows = {int(row["base_addr"], 16): row for row in report["regions"]}
    told = [words for words in target.lines["query"] if words[3] == COMMITTED]
    missing = []
    for base, _, size, _, protect, kind in told:
        row = rows.get(int(base, 16))
        if row is None or row["region_size"] != int(size):
            missing.append(base)  # threads come and go, and with them their stacks
            continue
        if kind == IMAGE:
            assert row["region_type"] == "image"
        flags = int(protect, 16)
        assert row["protection"][:3] == PROTECTIONS.get(flags & 0xFF, "---"), row
    assert len(missing) < len(told) // 4
    for name, base, size in target.lines["reserved"]:
        assert int(base, 16) not in rows, name
        assert report["target"]["reserved"]["bytes"] >= int(size) - PAGE


def test_threads(captured: tuple[str, Dump, dict[str, Any]], target: Target) -> None:
    method, dump, report = captured
    facts = report["target"]["thread_facts"]
    for name, number, teb, base, limit in target.lines["thread"]:
        known = facts[number]
        told = [int(known[key], 16) for key in ("teb", "stack_base")]
        assert told == [int(teb, 16), int(base, 16)], name
        assert int(known["stack_limit"], 16) <= int(limit, 16)
    threads = {thread.thread_id: thread for thread in dump.threads}
    if method == "none":
        assert not threads
        return
    ids = {words[0]: int(words[1]) for words in target.lines["thread"]}
    spin = threads[ids["spin"]]
    registers = {str(r.name): int.from_bytes(bytes(r.value), "little") for r in spin.registers}
    for _, name, value in target.lines["register"]:
        (found,) = (registers[n] for n in (name, *wider(name)) if n in registers)
        assert found & (1 << 64) - 1 == int(value, 16), name
    for _, number, value in target.lines.get("wide", []):
        (found,) = (registers[n] for n in wider(f"xmm{number}") if n in registers)
        assert found & (1 << 256) - 1 == int(f"0x{value[2:] * 4}", 16), number
    assert registers["gs_base"] == int(facts[str(ids["spin"])]["teb"], 16)
    suspended = threads[int(target.lines["suspended"][0][0])]
    assert str(suspended.thread_state) == "stopped"
    if "named" in target.lines:
        assert str(threads[ids["main"]].thread_name) == "main ä 名"


def wider(name: str) -> tuple[str, ...]:
    """Names of the registers of which one is the front."""
    return (f"ymm{name[3:]}", f"zmm{name[3:]}") if name.startswith("xmm") else ()


def test_which_thread_is_current(
    captured: tuple[str, Dump, dict[str, Any]], target: Target
) -> None:
    """Wine does not tell which one runs: so it is the first that there was."""
    method, dump, report = captured
    if method == "none":
        assert "current_thread" not in report["target"]
        return
    ids = {words[0]: int(words[1]) for words in target.lines["thread"]}
    current = [thread.thread_id for thread in dump.threads if "current" in str(thread.flags)]
    assert current == [ids["main"]] == [report["target"]["current_thread"]["thread_id"]]


def test_what_is_known_besides(captured: tuple[str, Dump, dict[str, Any]], target: Target) -> None:
    """User, handles, sockets and versions, as the target says them."""
    _, dump, report = captured
    known = report["target"]
    ((sid,),) = target.lines["sid"]
    assert known["credentials"]["user"]["sid"] == sid
    assert known["credentials"]["integrity"]["level"] == "high"
    types = {row["fd"]: row["type"] for row in known["descriptors"]}
    for name, value, kind in target.lines["handle"]:
        assert types[int(value)] == kind, name
    assert isinstance(known["connections"], list)
    modules = {module.base_addr: module for module in dump.modules}
    for address, version in target.lines["version"]:
        assert str(modules[int(address, 16)].version) == version
    for module in modules.values():  # LDR_DATA_TABLE_ENTRY: DllBase, SizeOfImage
        blob = bytes(module.native_blob)
        fields = struct.unpack_from("<48xQ8xI", blob)
        assert fields == (module.base_addr, module.module_size), str(module.path)
    assert known["images_without_entry"] == []


def test_the_machine(under_wine: Runner, target: Target) -> None:
    """Its tables are in the dump."""
    words = ("acquire", str(target.pid), "-o", "machine.msl", "--investigation")
    assert under_wine(*words, "--include", "type:stack").code == 0
    shown = under_wine(
        "inspect", "machine.msl", "--json", "--show", "processes,connections,handles"
    )
    tables = json.loads(shown.out)
    (marked,) = (row for row in tables["processes"] if row["is_target"])
    assert marked["pid"] == target.pid
    assert marked["exe"].endswith(f"{NAME}.exe")
    ((port,),) = target.lines["listens"]
    # Wine does not tell of the sockets of others whose they are.
    assert (f"127.0.0.1:{port}", 10) in {
        (row["local"], row["state"]) for row in tables["connections"]
    }
    numbers = {row["fd"] for row in tables["handles"]}
    assert {int(value) for _, value, _ in target.lines["handle"]} <= numbers
    assert under_wine("check", "machine.msl").code == 0


def test_identity(captured: tuple[str, Dump, dict[str, Any]], target: Target) -> None:
    _, _, report = captured
    known = report["target"]
    assert known["exe_path"].endswith(f"\\{NAME}.exe")
    assert known["cmd_line"].endswith('.data" spin "a b" "" q\\"uote ende\\ ü名')
    assert f"WINEPREFIX={target_prefix(target)}" in known["environment"]["variables"]
    assert known["pid"] == target.pid
    assert report["note"] == "50%PATH% $HOME ~ *.exe"


def target_prefix(target: Target) -> str:
    words = Path(f"/proc/{target.process.pid}/environ").read_bytes().split(b"\0")
    return next(w for w in words if w.startswith(b"WINEPREFIX=")).partition(b"=")[2].decode()


def test_types_and_names(captured: tuple[str, Dump, dict[str, Any]], target: Target) -> None:
    _, _, report = captured
    rows = report["regions"]

    def row_of(address: int) -> dict[str, Any]:
        starts = ((int(row["base_addr"], 16), row) for row in rows)
        return next(row for start, row in starts if start <= address < start + row["region_size"])

    for _, _, _, base, _ in target.lines["thread"]:
        assert row_of(int(base, 16) - 8)["region_type"] == "stack"
    blocks = {words[0]: int(words[1], 16) for words in target.lines["block"]}
    assert row_of(blocks["usual"])["region_type"] == "heap"
    (file,) = (words for words in target.lines["region"] if words[0] == "file")
    name = row_of(int(file[1], 16))["name"]
    assert name.endswith(f"{NAME}.data")
    assert name[1:3] == ":\\"
    assert not any("\0" in row["name"] or "\ufffd" in row["name"] for row in rows)


def test_a_frozen_capture_is_of_one_moment(
    captured: tuple[str, Dump, dict[str, Any]], target: Target
) -> None:
    method, dump, _ = captured
    ((first, last),) = target.lines["counters"]
    values = [memory(dump, int(address, 16), 8) for address in (first, last)]
    assert None not in values
    before, after = (int.from_bytes(value or b"", "little") for value in values)
    if method == "none":
        assert before <= after + 1  # they were read one after the other
    else:
        assert before - after in (0, 1)


def test_the_target_goes_on(captured: tuple[str, Dump, dict[str, Any]], target: Target) -> None:
    before = target.ask()
    assert target.ask() != before
    assert captured[2]["after"]["verdict"] == "as_found"


def test_verified(captured: tuple[str, Dump, dict[str, Any]]) -> None:
    verdict = captured[1].verify()
    assert verdict.intact
    assert verdict.complete


def test_guard_pages_are_still_there(
    captured: tuple[str, Dump, dict[str, Any]], target: Target, under_wine: Runner
) -> None:
    """Looking again finds them: nobody has touched them."""
    assert captured
    answer = under_wine(
        "acquire", str(target.pid), "-o", "guards.msl", "--force", "--include", "type:anonymous"
    )
    assert answer.code == 0
    (guard,) = (words for words in target.lines["region"] if words[0] == "guard")
    with msl_construct.open(under_wine.folder / "guards.msl") as dump:
        assert memory(dump, int(guard[1], 16), PAGE) is None
    report = json.loads((under_wine.folder / "guards.msl.report.json").read_text())
    assert {cause["cause"] for cause in report["memory"]["causes"]} >= {"guard", "no_access"}


def test_places(under_wine: Runner, target: Target) -> None:
    """A folder by its backslash; the disk is watched; who is not there is looked for elsewhere."""
    few = ("--include", "type:stack")
    assert under_wine("acquire", str(target.pid), "-o", "a\\b\\", *few).code == 0
    (made,) = (under_wine.folder / "a/b").glob("*.msl")
    assert made.stat().st_size > 0
    free = shutil.disk_usage(under_wine.folder).free
    words = ("acquire", str(target.pid), "-o", "full.msl", "--compress", "zstd", "--min-free")
    answer = under_wine(*words, str(free + (1 << 40)))
    assert answer.code in (4, 6), answer
    assert "free" in answer.err
    answer = under_wine("acquire", "nobody-of-this-name", "-o", "nobody.msl")
    assert answer.code == 6
    assert "tasklist" in answer.err


def test_a_file_that_is_open_is_named(wine: Wine, under_wine: Runner) -> None:
    """And not the one that would have taken its place, which is gone."""
    sample = ROOT / "samples" / "live-le.msl"
    for name in ("from.msl", "held.msl"):
        shutil.copy(sample, under_wine.folder / name)
    code = "file = open('held.msl', 'rb'); print('open', flush=True); input()"
    with wine.start(wine.python("-c", code), folder=under_wine.folder) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"open"
        before = {path.name for path in under_wine.folder.iterdir()}
        answer = under_wine("convert", "from.msl", "-f", "-o", "held.msl")
        assert answer.code == 3, answer
        assert answer.err.startswith("msl: held.msl: "), answer.err
        assert {path.name for path in under_wine.folder.iterdir()} == before
        assert (under_wine.folder / "held.msl").read_bytes() == sample.read_bytes()
        assert holder.stdin is not None
        holder.stdin.write(b"\n")
        holder.stdin.flush()
        holder.communicate()


def test_what_is_tried_on_windows(wine: Wine) -> None:
    """Of what a real Windows is to show, that part which Wine does."""
    programs = (compiled(*TARGET), compiled("moods.c"))
    words = [dos(program) for program in programs]
    done = wine.run(wine.python(dos(HERE / "on_windows.py"), *words), seconds=600)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["passed"] for row in rows] == [True, True, None, None, None], rows
    assert done.returncode == 0
