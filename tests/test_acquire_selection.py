"""Selecting memory by what people call it, and selections that mean nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from acquire_targets import Running, started, target
from acquiring import Dump, acquire, addresses, linux_only, maps, report_of, wait_until
from sampling import sampled

pytestmark = linux_only

from msl_acquire.memory_words import WORDS  # noqa: E402
from msl_acquire.model import Mapping  # noqa: E402
from msl_acquire.selection import Selection  # noqa: E402
from msl_construct.errors import TargetError  # noqa: E402


@pytest.fixture(name="kinds", scope="module")
def process_with_memory_of_every_kind() -> Iterator[tuple[Running, dict[str, int]]]:
    with target("kinds") as (process, lines):
        yield process, addresses(lines)


EVERY = {
    *("main_stack", "thread_stack", "brk", "arena", "mapped", "generated", "shared"),
    *("data", "bss", "code", "file"),
}
MEANT = {
    "anonymous": {"main_stack", "thread_stack", "brk", "arena", "mapped", "generated", "bss"},
    "heap": {"brk", "arena", "mapped"},
    "stacks": {"main_stack", "thread_stack"},
    "jit": {"generated"},
    "images": {"data", "code"},
    "files": {"file"},
    "shared": {"shared"},
    "code": {"code", "generated"},
    "data": {"data", "bss"},
}
MAY = {"heap": {"bss"}}
"""What may be there besides: an allocation, a pad or a .bss look alike."""


@sampled()
@pytest.mark.parametrize("word", MEANT)
def test_a_word_means_what_people_mean(
    word: str, kinds: tuple[Running, dict[str, int]], tmp_path: Path
) -> None:
    process, where = kinds
    assert set(where) == EVERY
    out = tmp_path / "out.msl"
    done = acquire(process.pid, "-o", out, "--include", word)
    assert b"selects nothing" not in done.stderr
    dump = Dump(out)
    found = {
        name
        for name, address in where.items()
        if any(region.base <= address < region.base + region.size for region in dump.regions)
    }
    assert found - MAY.get(word, set()) == MEANT[word]
    # The other way round it is what is left.
    acquire(process.pid, "-o", tmp_path / "rest.msl", "--exclude", word)
    rest = Dump(tmp_path / "rest.msl")
    both = sum(region.size for dump in (dump, rest) for region in dump.regions)
    assert both == sum(line.end - line.start for line in maps(process.pid))


def test_thread_stacks_of_a_target_that_runs(
    kinds: tuple[Running, dict[str, int]], tmp_path: Path
) -> None:
    """Without registers the guard below them tells."""
    process, where = kinds
    out = tmp_path / "out.msl"
    acquire(process.pid, "-o", out, "--include", "stacks", "--freeze", "none")
    for name in MEANT["stacks"]:
        assert Dump(out).read(where[name], 16) == b"s" * 16


# --- nothing ---------------------------------------------------------------------------------


@sampled()
@pytest.mark.parametrize(
    "words",
    [
        ["--include", "path:*libnothing*"],
        ["--include", "address:0x10-0x20"],
        ["--include", "heap", "--exclude", "anonymous"],
        ["--include", "type:heap", "--exclude", "type:heap"],
        ["--exclude", "path:*"],
    ],
)
def test_what_selects_nothing_is_refused(
    words: list[str], kinds: tuple[Running, dict[str, int]], tmp_path: Path
) -> None:
    process, _ = kinds
    done = acquire(process.pid, "-o", tmp_path / "out.msl", *words, code=6)
    (line,) = done.stderr.decode().splitlines()
    assert "selects none" in line
    assert words[1] in line
    for word in ("anonymous (", "heap (", "stacks (", "images ("):
        assert word in line
    assert not list(tmp_path.iterdir())


def test_what_selects_nothing_beside_others_is_said(
    kinds: tuple[Running, dict[str, int]], tmp_path: Path
) -> None:
    process, _ = kinds
    out = tmp_path / "out.msl"
    words = ["--include", "stacks", "--include", "path:*libnothing*", "--exclude", "path:*none*"]
    done = acquire(process.pid, "-o", out, *words)
    text = done.stderr.decode()
    assert "'path:*libnothing*' selects nothing" in text
    assert "'path:*none*' selects nothing" in text
    assert "'stacks' selects" not in text
    assert report_of(out)["memory"]["idle_selectors"] == ["path:*libnothing*", "path:*none*"]


def test_what_is_no_word(tmp_path: Path) -> None:
    done = acquire(os.getpid(), "-o", tmp_path / "out.msl", "--include", "heaps", code=2)
    for word in WORDS:
        assert word.encode() in done.stderr


# --- what can't be had here ------------------------------------------------------------------

R, W, X = 1, 2, 4


def mapped(*rows: tuple[int, int, int, str, str]) -> list[Mapping]:
    return [Mapping(*row, b"") for row in rows]


def chosen(word: str, mappings: list[Mapping], pointers: tuple[int, ...] = ()) -> set[int]:
    return {one.start for one in Selection((word,)).split(mappings, pointers)[0]}


def test_go_keeps_its_stacks_in_its_heap() -> None:
    found = mapped(
        (0x400000, 0x500000, R | X, "image", "/bin/go"),
        (0xC000000000, 0xC000400000, R | W, "anonymous", ""),
        (0xC000400000, 0xC004000000, 0, "anonymous", ""),
        (0x7F0000000000, 0x7F0000040000, R | W, "anonymous", "[anon: Go: heap]"),
    )
    assert chosen("heap", found, (0xC000000800,)) == {0xC000000000, 0x7F0000000000}
    assert chosen("stacks", found, (0xC000000800,)) == {0xC000000000}


def test_an_allocator_with_guards_is_a_heap() -> None:
    found = mapped(
        (0x10000, 0x11000, 0, "anonymous", ""),
        (0x11000, 0x31000, R | W, "anonymous", ""),
        (0x31000, 0x32000, 0, "anonymous", ""),
        (0x32000, 0x52000, R | W, "anonymous", ""),
    )
    assert chosen("heap", found, (0x51F00,)) == {0x11000}
    assert chosen("stacks", found, (0x51F00,)) == {0x32000}
    assert chosen("heap", found) == {0x11000, 0x32000}


def test_a_stack_pointer_at_the_very_end() -> None:
    """A stack that nothing has been pushed on yet."""
    found = mapped((0x32000, 0x52000, R | W, "anonymous", ""))
    assert chosen("stacks", found, (0x52000,)) == {0x32000}
    assert chosen("stacks", found, (0x32000,)) == set()


def test_javas_heap_in_a_memfd_and_code_in_shared_memory() -> None:
    found = mapped(
        (0x1000, 0x2000, R | W, "shared_mem", "/memfd:java_heap (deleted)"),
        (0x3000, 0x4000, R | X, "shared_mem", "/memfd:doublemapper (deleted)"),
        (0x5000, 0x6000, R | W, "mapped_file", "/var/lib/index"),
        (0x7000, 0x8000, R | W | 16, "mapped_file", "/usr/share/private"),
    )
    assert chosen("heap", found) == {0x1000}
    assert chosen("jit", found) == {0x3000}
    assert chosen("shared", found) == {0x1000, 0x3000, 0x5000}
    assert chosen("files", found) == {0x5000, 0x7000}


def test_an_address_space_that_is_not_there_refuses_nothing() -> None:
    Selection(("heap",)).check([])
    with pytest.raises(TargetError, match="selects none"):
        Selection(("heap",)).check(mapped((0x1000, 0x2000, R | X, "image", "/bin/a")))


# --- real programs ---------------------------------------------------------------------------


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[int]:
    place = str(folder / "redis")
    words = ["redis-server", "--port", "0", "--unixsocket", place, "--save", ""]
    with started(words, "") as (process, _), socket.socket(socket.AF_UNIX) as connection:

        def answers() -> bool:
            assert process.poll() is None
            return connection.connect_ex(place) == 0

        wait_until(answers, "it listens")
        connection.sendall(b"SET where in-the-heap-of-redis\r\n")
        assert connection.recv(100).startswith(b"+OK")
        yield process.pid


def test_redis(tmp_path: Path, open_tmp: Path) -> None:
    if not shutil.which("redis-server"):
        pytest.skip("needs redis-server")
    out = tmp_path / "out.msl"
    with redis(open_tmp) as pid:
        acquire(pid, "-o", out, "--include", "heap")
    assert any(b"in-the-heap-of-redis" in bytes(data) for *_, data in Dump(out).stretches())


JAVA = """class Kept { static String kept; public static void main(String[] a) throws Exception {
  kept = "in-the-" + a.length + "heap-of-it-" + System.nanoTime(); System.out.println("ready");
  Thread.sleep(1000000); } }"""
GO = """package main
import ("fmt"; "strconv"; "time"; "os")
var kept []byte
func main() { kept = []byte("in-the-" + strconv.Itoa(len(os.Args)) + "heap-of-it-")
  fmt.Println("ready"); time.Sleep(1000 * time.Second); fmt.Println(string(kept)) }"""


def program(name: str, place: Path) -> list[str]:
    """How to start something that keeps a text in the heap of its language."""
    if not shutil.which(name):
        pytest.skip(f"needs {name}")
    if name == "node":
        script = "kept='in-the-'+process.argv.length+'heap-of-it-';console.log('ready');"
        return [name, "-e", f"{script}setInterval(()=>kept.length,1e6)"]
    if name == "python3":
        script = "import sys;kept='in-the-'+str(len(sys.argv))+'heap-of-it-';print('ready');"
        return [name, "-c", f"{script}sys.stdout.flush();input()"]
    if name == "java":
        (place / "Kept.java").write_text(JAVA)
        return [name, "-Xmx64m", str(place / "Kept.java")]
    (place / "kept.go").write_text(GO)
    built = subprocess.run(
        [name, "build", "-o", str(place / "kept"), str(place / "kept.go")],
        capture_output=True,
        env={**os.environ, "GOFLAGS": "-mod=mod", "GO111MODULE": "off", "GOTOOLCHAIN": "local"},
        check=False,
    )
    if built.returncode:
        pytest.skip(f"needs a go that builds: {built.stderr!r}")
    return [str(place / "kept")]


@sampled()
@pytest.mark.parametrize("name", ["node", "python3", "java", "go"])
def test_other_programs(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    with started(program(name, tmp_path)) as (process, _):
        acquire(process.pid, "-o", out, "--include", "heap")
    assert any(b"heap-of-it-" in bytes(data) for *_, data in Dump(out).stretches())
