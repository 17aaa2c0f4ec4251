"""The tree on narrow terminals: no line that the terminal would wrap, and nothing is left out."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from pathlib import Path
from uuid import UUID

import click
import pytest
from commands import COMMAND, run
from independent import wire
from independent.specimens import LE11, finish, start
from sampling import sampled

import msl_construct
from msl_construct.characters import width_of
from msl_construct.cli.text import Style, folded
from msl_construct.cli.tree import tree
from msl_construct.document.tables import table_rows
from msl_construct.errors import MslError

ROOT = Path(__file__).parents[1]
BOMB = "30-"  # its page maps take seconds to count
FOREIGN = (p for p in (ROOT / "tests/data").glob("**/*.msl") if not p.name.startswith(BOMB))
FILES = [*sorted((ROOT / "samples").glob("**/*.msl"))[::40], *FOREIGN]


def shown(path: Path, columns: int | None, *, color: bool = False) -> str:
    out = io.StringIO()
    with msl_construct.open(path) as dump:
        tree(dump, out.write, Style(color=color, columns=columns))
    return out.getvalue()


def words(text: str) -> str:
    """What is said, without drawing, spaces and bars."""
    return re.sub(r"[\s│├└─█░·▓_?!]", "", click.unstyle(text))


@sampled()
@pytest.mark.parametrize("columns", [40, 80, 132])
@pytest.mark.parametrize("color", [False, True])
def test_no_line_is_wider_than_the_terminal(columns: int, color: bool) -> None:
    for path in FILES:
        try:
            narrow = shown(path, columns, color=color)
        except MslError:
            continue
        widest = max(width_of(click.unstyle(line)) for line in narrow.split("\n"))
        assert widest <= columns, path
        wide = shown(path, None)
        # Names are shortened, and columns left out; whatever has a row has one.
        assert words(narrow.partition(DRAWN)[0]) == words(wide.partition(DRAWN)[0]), path
        assert places(narrow) == places(wide), path


DRAWN = "├─ header"
"""What stands in front of it, the verdict and the summary, is said whatever the width is."""


def places(text: str) -> list[str]:
    """Addresses that rows of the tree begin with."""
    memory = re.split("\n[├└]─ ", click.unstyle(text).partition("├─ memory")[2])[0]
    return re.findall("─ (0x[0-9a-f]+)  ", memory)


def test_rows_of_memory_are_one_line_each_at_80_columns() -> None:
    """None of a tree of many modules with long names is folded."""
    tree_ = large_tree(80)
    memory = tree_.partition("├─ memory")[2].partition("└─ end")[0].splitlines()[1:]
    rows = memory[[("─ 0x" in line) for line in memory].index(True) :]
    assert len(rows) == 13
    assert all("─ 0x" in line for line in rows)
    assert max(map(width_of, tree_.splitlines())) <= 80


def test_regions_of_a_module_are_one_row_unless_all_are_asked_for() -> None:
    folded_, whole = large_tree(130), large_tree(130, unfolded=True)
    assert folded_.count("×5") == 12
    assert places(whole) == sorted(places(whole), key=lambda text: int(text, 16)), "by address"
    assert len(places(whole)) == len(places(folded_)) + 12 * 4
    for text in (folded_, whole, large_tree(80)):
        (line,) = [line for line in text.splitlines() if "rwx" in line]
        assert "W+X" in line
    assert "look at   1 region written and executed (W+X)" in folded_
    assert "lacks     48.0 KiB failed (could not be read)" in folded_


def large_tree(columns: int, *, unfolded: bool = False) -> str:
    """Twelve modules of five regions, of which one page each failed, and one region W+X."""
    builder = start(LE11)
    for number in reversed(range(12)):
        base = 0x7F00_0000_0000 + number * 0x10_0000
        for part, rights in enumerate((1, 5, 1, 1, 3)):
            region = wire.memory_region(
                "<",
                [0, 1] if part == 1 else [0],
                base_addr=base + 0x2000 * part,
                protection=rights,
                region_type=3,
                page_data=bytes(4096),
            )
            builder.add(wire.MEMORY_REGION, region)
        path = f"/usr/lib/python3.11/lib-dynload/_module{number}.cpython-311-x86_64-linux-gnu.so"
        entry = wire.module_entry("<", base_addr=base, module_size=0xA000, path=path)
        builder.add(wire.MODULE_ENTRY, entry)
    region = wire.memory_region(
        "<", [0], base_addr=0x10000, protection=7, region_type=5, page_data=bytes(4096)
    )
    builder.add(wire.MEMORY_REGION, region)
    out = io.StringIO()
    with msl_construct.open(finish(builder, LE11)) as dump:
        tree(dump, out.write, Style(columns=columns), unfolded=unfolded)
    return out.getvalue()


def test_a_row_of_many_regions_has_all_their_rights() -> None:
    """Of which nothing is left out that is not marked."""
    builder = start(LE11)
    for number in range(24):
        region = wire.memory_region(
            "<", [0], base_addr=0x10000 + 0x1000 * number, region_type=3,
            protection=number & 1 | (0, 2, 4)[number % 3] | (number // 6 & 3) << 3,
        )  # fmt: skip
        builder.add(wire.MEMORY_REGION, region)
    rows = []
    for columns in (None, 132):
        out = io.StringIO()
        with msl_construct.open(finish(builder, LE11)) as dump:
            tree(dump, out.write, Style(columns=columns))
        rows += [line for line in out.getvalue().splitlines() if "─ 0x10000 " in line]
    whole, narrow = rows
    letters = {r + wx for r in "r-" for wx in ("--", "w-", "-x")}
    further = ("", "g", "c", "gc")
    assert {one + more for one in letters for more in further} <= set(whole.split())
    assert "…" in narrow


def test_a_bar_goes_before_words_only_where_it_has_to() -> None:
    """What a row says besides is cut where it does not fit; if that makes room, the bar stays."""
    builder = start(LE11)
    region = wire.memory_region("<", [0, 1, 2] * 20, base_addr=0x7F00_0000_0000)
    builder.add(wire.MEMORY_REGION, region)
    out = io.StringIO()
    with msl_construct.open(finish(builder, LE11)) as dump:
        tree(dump, out.write, Style(columns=100))
    (row,) = [line for line in out.getvalue().splitlines() if "─ 0x7f" in line]
    assert "failed, …" in row
    assert "▓" in row


def test_hints_say_where_the_key_is() -> None:
    """By address and module where the dump has the region, else by the region's own words."""
    region, builder = wire.uuid4(77), start(LE11)
    builder.add(
        wire.MEMORY_REGION,
        wire.memory_region(
            "<", [0], base_addr=0x7F00_0000_0000, protection=1, page_data=bytes(4096)
        ),
        block_uuid=region,
    )
    path = "/usr/lib/libkeys.so"
    entry = wire.module_entry("<", base_addr=0x7F00_0000_0000, module_size=0x1000, path=path)
    builder.add(wire.MODULE_ENTRY, entry)
    builder.add(wire.KEY_HINT, wire.key_hint("<", region_uuid=region, region_offset=0x40))
    other = wire.uuid4(78)
    builder.add(wire.KEY_HINT, wire.key_hint("<", region_uuid=other, region_offset=0x40))
    out = io.StringIO()
    with msl_construct.open(finish(builder, LE11)) as dump:
        tree(dump, out.write, Style(columns=None))
    assert "bytes at 0x7f0000000040" in out.getvalue()
    assert "in libkeys.so" in out.getvalue()
    assert f"bytes at 0x40 of {UUID(bytes=other)}" in out.getvalue()


def test_pages_without_bytes_do_not_count_in_what_a_hint_says() -> None:
    """RegionOffset counts in PageData (5.6): its first page with bytes is the third of the region.

    A hint of a block that goes on is of the bytes behind it, too, as far as they are there.
    """
    first, further, builder = wire.uuid4(77), wire.uuid4(78), start(LE11)
    base, page = 0x7F00_0000_0000, 4096
    for uuid, at, states, flags, parent in (
        (first, base, [1, 2, 0], 0, bytes(16)),
        (further, base + 3 * page, [1, 0, 0], wire.CONTINUATION, first),
    ):
        region = wire.memory_region(
            "<", states, base_addr=at, page_data=bytes(page) * states.count(0)
        )
        builder.add(wire.MEMORY_REGION, region, flags=flags, block_uuid=uuid, parent_uuid=parent)
    expected = {}
    for number, (region, offset, page_number) in enumerate(
        ((first, 0x40, 2), (further, 0x50, 4), (further, page + 0x60, 5), (first, page + 0x70, 4))
    ):
        hint = wire.key_hint("<", region_uuid=region, region_offset=offset, key_len=10 + number)
        builder.add(wire.KEY_HINT, hint)
        expected[10 + number] = f"{base + page_number * page + offset % page:#x}"
    beyond = wire.key_hint("<", region_uuid=further, region_offset=2 * page, key_len=9)
    builder.add(wire.KEY_HINT, beyond)
    out = io.StringIO()
    with msl_construct.open(finish(builder, LE11)) as dump:
        tree(dump, out.write, Style(columns=None))
        told = {row["key_len"]: row["address"] for row in table_rows(dump, "hints")}
    assert told == {**expected, 9: None}
    for length, address in expected.items():
        assert f"{length} bytes at {address}  " in out.getvalue()
    assert f"9 bytes at 0x2000 of {UUID(bytes=further)}" in out.getvalue()


@pytest.mark.parametrize("length", [0, 8, 16, 20, 24])
def test_a_hint_that_is_cut_short_has_no_address(length: int) -> None:
    builder = start(LE11)
    region = b"\x11" * 16
    builder.add(wire.KEY_HINT, wire.key_hint("<", region_uuid=region, region_offset=16)[:length])
    out = io.StringIO()
    with msl_construct.open(finish(builder, LE11)) as dump:
        tree(dump, out.write, Style(columns=None))
        assert [row["address"] for row in table_rows(dump, "hints")] == [None]
    assert out.getvalue()


def test_a_hexdump_fits_80_columns(tmp_path: Path) -> None:
    """What is not known is said below its line."""
    path = ROOT / "samples" / "live-le.msl"
    with msl_construct.open(path) as dump:
        base = dump.regions[0].base_addr
    whole = run("read", path, f"{base:#x}", "0x2000").stdout.decode()
    close = run("read", path, f"{base:#x}", "0x2000", COLUMNS="80").stdout.decode()
    assert max(map(width_of, whole.splitlines())) > 80
    assert max(map(width_of, close.splitlines())) <= 80
    bytes_, shown = (re.findall(r"(?<= )[0-9a-f?]{2}(?= )", text) for text in (whole, close))
    assert bytes_ == [one for one in shown if one]


LIBRARY = "/usr/lib/x86_64-linux-gnu/python3/_a_module_of_a_long_name.cpython-311.so.1.0.17"
LONG = "a string that is longer than any row of a terminal, " * 5


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A module of a long name with long texts and pointers, and one more that is W+X."""
    builder = start(LE11)
    pointers = b"".join((0x7F0012345000 + 8 * n).to_bytes(8, "little") for n in range(64))
    texts = LONG.encode() + b"\0needle\tin it\0" + "in two bytes".encode("utf-16-le") + b"\0"
    for base, rights, data in (
        (0x7F0012345000, 3, pointers + texts),
        (0xFFFFFFFFFF600000, 7, b"needle"),
    ):
        region = wire.memory_region(
            "<", [0], base_addr=base, protection=rights, page_data=data.ljust(4096, b"\0")
        )
        builder.add(wire.MEMORY_REGION, region)
    entry = wire.module_entry("<", base_addr=0x7F0012345000, module_size=0x1000, path=LIBRARY)
    builder.add(wire.MODULE_ENTRY, entry)
    path = tmp_path_factory.mktemp("held") / "a dump of a long name.msl"
    path.write_bytes(finish(builder, LE11))
    path.with_name("rules.yar").write_text(
        'rule a_rule_of_a_name_that_is_long { strings: $some = "needle" condition: any of them }'
    )
    return path


ROWS: list[tuple[str, ...]] = [
    ("search", "HELD", "needle", "--text", "string that is longer", "--hex", "6e65 ?? 64"),
    ("search", "HELD", "--pointer-to", "0x7f0012345000..0x7f0012346000"),
    ("strings", "HELD"),
    ("yara", "HELD", "RULES"),
]


@pytest.mark.parametrize("columns", [40, 80, 130, 200])
@pytest.mark.parametrize("words_", ROWS, ids=lambda words_: words_[0])
def test_hits_are_rows_of_the_terminal(held: Path, words_: tuple[str, ...], columns: int) -> None:
    """One line each, all as wide as there is room; each has its address, and names its place."""
    if words_[0] == "yara":
        pytest.importorskip("yara_x")
    given = [{"HELD": held, "RULES": held.with_name("rules.yar")}.get(one, one) for one in words_]
    hits = json.loads(run(*given, "--json").stdout)
    assert hits
    whole = run(*given).stdout.decode().splitlines()
    assert max(map(width_of, whole)) > 80, "what is no terminal has all of it"
    assert len(whole) == len(hits)
    for color in ("never", "always"):
        done = run(*given, "--color", color, COLUMNS=str(columns)).stdout.decode()
        lines = click.unstyle(done).splitlines()
        assert len(lines) == len(hits)
        assert max(map(width_of, lines)) <= columns
        assert ("\x1b[" in done) == (color == "always")
        for line, hit, long in zip(lines, hits, whole):
            assert int(line.split()[0], 16) == int(hit["address"], 16)
            module = "_a" if columns == 40 else "_a_modul"
            assert (module if hit["module"] else "+0x0") in line
            if hit["text"] is not None and columns >= 80:
                shown = hit["text"].replace("\t", "\\x09")
                assert shown[:10] in line
                assert (f'"{shown}"' in line) == (f'"{shown}"' in long and "…" not in line[-9:])


@pytest.mark.parametrize("columns", [40, 80, 130])
def test_what_else_an_analyst_reads_fits(held: Path, columns: int, tmp_path: Path) -> None:
    """Lines are folded between words, and nothing is left out."""
    pytest.importorskip("numpy")
    other = tmp_path / "other.msl"
    other.write_bytes(held.read_bytes().replace(b"needle", b"noodle"))
    for given in (
        ("diff", held, other, held, "--bytes"),
        ("candidates", held, other),
        ("read", held, "0x7f0012345000", "0x400", "--as", "ascii"),
        ("read", held, "0x7f0012345000", "0x200", "--as", "ptr"),
    ):
        whole = run(*given).stdout.decode()
        narrow = run(*given, COLUMNS=str(columns)).stdout.decode()
        assert max(map(width_of, narrow.splitlines())) <= columns, given[0]
        assert "".join(narrow.split()) == "".join(whole.split())
    assert f"0x7f0012345000  {Path(LIBRARY).name}+0x0" in whole or given[0] != "diff"


@pytest.mark.skipif(sys.platform != "linux", reason="a terminal of our own")
def test_a_line_for_people_is_as_wide_as_their_terminal(held: Path) -> None:
    shown_ = on_terminal([*COMMAND, "search", str(held), "needle"], size=60)
    assert max(map(width_of, click.unstyle(shown_).splitlines())) <= 60
    assert "2 hits in" in shown_


def test_colour_is_a_choice() -> None:
    path = ROOT / "samples" / "live-le.msl"
    for words_, colored in (
        ((), False),
        (("--color", "always"), True),
        (("--color", "always", "--no-color"), False),
        (("--color", "never"), False),
    ):
        done = run("inspect", path, *words_, COLUMNS="80")
        assert (b"\x1b[" in done.stdout) == colored
        assert (
            click.unstyle(done.stdout.decode())
            == run("inspect", path, COLUMNS="80").stdout.decode()
        )


@pytest.mark.skipif(sys.platform != "linux", reason="a terminal of our own")
def test_a_terminal_has_a_pager_and_nothing_else_has(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    pager = f"{sys.executable} -c \"import sys; open('{seen}', 'w').write(sys.stdin.read())\""
    path = str(ROOT / "samples" / "live-le.msl")
    assert b"memory" in run("inspect", path, MSL_PAGER=pager).stdout
    assert not seen.exists()
    for words_, paged in (((), True), (("--no-pager",), False)):
        seen.unlink(missing_ok=True)
        shown_ = on_terminal([*COMMAND, "inspect", path, *words_], MSL_PAGER=pager)
        assert ("memory" in shown_) != paged
        assert seen.exists() == paged
        if paged:
            assert "memory" in seen.read_text()
    for quiet in ("cat", "", "/nowhere/less"):
        assert "memory" in on_terminal([*COMMAND, "inspect", path], MSL_PAGER=quiet)


def on_terminal(command: list[str], size: int = 80, **environment: str) -> str:
    """Run a command on a terminal of its own, so many columns wide; what it printed there."""
    import fcntl
    import pty
    import struct
    import termios

    child, terminal = pty.fork()
    if not child:  # pragma: no cover
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 50, size, 0, 0))
        os.execve(command[0], command, {**os.environ, "PYTHONPATH": str(ROOT), **environment})
    found = b""
    try:
        while piece := os.read(terminal, 1 << 16):
            found += piece
    except OSError:  # its end
        pass
    os.close(terminal)
    assert os.waitpid(child, 0)[1] == 0
    return found.decode()


def test_columns_are_those_that_the_shell_says() -> None:
    path = ROOT / "samples" / "live-le.msl"
    lines = run("inspect", path, COLUMNS="80").stdout.decode().splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) > len(run("inspect", path, COLUMNS="400").stdout.decode().splitlines())


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("a b c", None, ["a b c"]),
        ("aaaa bbbb cccc dddd", 16, ["aaaa bbbb cccc", "dddd"]),
        ("x" * 20, 16, ["x" * 16, "xxxx"]),
        ("日本" * 6, 16, ["日本" * 4, "日本" * 2]),
        ("", 16, [""]),
    ],
)
def test_folding(text: str, width: int | None, lines: list[str]) -> None:
    assert folded(text, width) == lines
