"""Searching, strings and YARA over files of random memory, held against a naive look."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import pytest
from commands import PLACE
from hypothesis import given
from hypothesis import strategies as st
from random_memory import RIGHTS, TYPES, RandomMemory, memories

import msl_construct
from msl_construct import analysis
from msl_construct.analysis import islands, searching, text_strings
from msl_construct.analysis.yara import (
    Engine,
    buffers,
    load_rules,
    rule_texts,
    scan_rules,
    yara_engine,
)
from msl_construct.analysis.yara.engines import CompiledRules
from msl_construct.cli import hit_rows, string_lines
from msl_construct.cli.hit_output import first_of
from msl_construct.cli.text import Style

WORDS = (b"needle", b"n\0e\0e\0d\0l\0e\0", b"\xaa\xbb1\xcc", b"long text here", b"\0n\0e\0e")


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Edges of pieces and windows are as frequent as those of pages."""
    monkeypatch.setattr(islands, "_PIECE", 700)
    monkeypatch.setattr(islands, "_OVERLAPS", 0)
    monkeypatch.setattr(buffers, "WINDOW", 1500)
    monkeypatch.setattr(buffers, "OVERLAP", 64)


def spots(hits: Iterator[analysis.Hit]) -> list[tuple[int, int, str]]:
    return sorted((hit.address, hit.length, hit.pattern) for hit in hits)


def everywhere(memory: RandomMemory, wanted: bytes) -> Iterator[int]:
    for base, data in memory.runs:
        at = data.find(wanted)
        while at >= 0:
            yield base + at
            at = data.find(wanted, at + 1)


@given(memories(WORDS))
def test_patterns_are_found_wherever_they_begin(memory: RandomMemory) -> None:
    patterns = [
        analysis.text_pattern("needle"),
        analysis.text_pattern("needle", "utf-16-le"),
        analysis.hex_pattern("aa bb ?? cc"),
    ]
    jumped = [
        (base + match.start(), 4, "aa bb ?? cc")
        for base, data in memory.runs
        for match in re.finditer(rb"(?s)(?=\xaa\xbb.\xcc)", data)
    ]
    expected = sorted(
        [(at, 6, "needle") for at in everywhere(memory, b"needle")]
        + [(at, 12, "needle") for at in everywhere(memory, WORDS[1])]
        + jumped
    )
    with msl_construct.open(memory.file) as dump:
        places = analysis.Locations(dump)
        hits = list(analysis.search(dump.memory, places, patterns))
        assert spots(iter(hits)) == expected
        for hit in hits:
            said_of(memory, hit)


@given(memories(WORDS))
def test_processes_find_the_same(memory: RandomMemory) -> None:
    patterns = [analysis.text_pattern("needle"), analysis.hex_pattern("aa bb ?? cc")]
    with pytest.MonkeyPatch.context() as patch, msl_construct.open(memory.file) as dump:
        patch.setattr(searching, "_WORTH_PROCESSES", 2)
        patch.setattr(searching, "can_fork", lambda: True)
        places = analysis.Locations(dump)
        alone, together = (
            list(analysis.search(dump.memory, places, patterns, processes=count))
            for count in (1, 3)
        )
        assert alone == together


LONG = (*WORDS, b"x" * 100, b"y\0" * 90, b"\0z" * 60, b"w" * 3000)


@given(memories(LONG), st.integers(1, 6), st.integers(8, 40), st.integers(1, 40))
def test_processes_find_the_same_strings(
    memory: RandomMemory, least: int, longest: int, many: int
) -> None:
    """Also of those that are cut since they are longer than any, whoever has the piece before."""
    encodings = ["ascii", "utf-16-le", "utf-16-be"]
    with pytest.MonkeyPatch.context() as patch, msl_construct.open(memory.file) as dump:
        patch.setattr(searching, "_WORTH_PROCESSES", 2)
        patch.setattr(searching, "can_fork", lambda: True)
        patch.setattr(searching, "_MANY", many)
        patch.setattr(islands, "_PIECE", 300)
        patch.setattr(text_strings, "_LONGEST", longest)
        places = analysis.Locations(dump)
        alone, together = (
            list(
                analysis.strings(
                    dump.memory, places, least=least, encodings=encodings, processes=count
                )
            )
            for count in (1, 3)
        )
        assert alone == together


@given(memories(LONG), st.integers(1, 6), st.integers(8, 40), st.integers(1, 40), st.booleans())
def test_lines_of_many_strings_are_those_of_each(
    memory: RandomMemory, least: int, longest: int, most: int, one_encoding: bool
) -> None:
    encodings = ("ascii",) if one_encoding else ("ascii", "utf-16-le", "utf-16-be")
    with pytest.MonkeyPatch.context() as patch, msl_construct.open(memory.file) as dump:
        patch.setattr(searching, "_WORTH_PROCESSES", 2)
        patch.setattr(searching, "can_fork", lambda: True)
        patch.setattr(text_strings, "_LONGEST", longest)
        patch.setattr(string_lines, "_FEW", 2)
        places = analysis.Locations(dump)
        lines = hit_rows.HitLines(Style())

        def printed(rows: string_lines.StringLines | None, processes: int) -> list[str]:
            searched = analysis.Searched()
            found = analysis.string_rows(
                dump.memory,
                places,
                lines.line,
                rows=rows,
                least=least,
                encodings=encodings,
                searched=searched,
                processes=processes,
            )
            some = [text for count, text in first_of(found, most, searched) if count]
            printed = "\n".join(some).splitlines()
            assert len(printed) == searched.hits
            return printed

        each = printed(None, 1)
        together = string_lines.StringLines(lines, places)
        assert printed(together, 1) == each
        assert printed(together, 3) == each


def said_of(memory: RandomMemory, hit: analysis.Hit) -> None:
    """What a hit says of where it is, and of what is around it."""
    region = next(one for one in memory.regions if one.base <= hit.address < one.end)
    assert hit.location.region is not None
    assert hit.location.region.base_addr == region.base
    assert hit.location.region.region_type == TYPES[region.region_type]
    base, data = next(
        (base, data) for base, data in memory.runs if base <= hit.address < base + len(data)
    )
    at = hit.address - base
    assert hit.before == data[max(0, at - 16) : at]
    assert hit.after == data[at + hit.length : at + hit.length + 16]


@given(memories(WORDS), st.integers(2, 6))
def test_strings_are_those_of_the_captured_runs(memory: RandomMemory, least: int) -> None:
    one = b"[ -~\t]{%d,}" % least
    two = b"(?:[ -~\t]\0){%d,}" % least
    expected = sorted(
        (base + match.start(), match[0].decode(encoding))
        for base, data in memory.runs
        for encoding, wanted in (("ascii", one), ("utf-16-le", two))
        for match in re.finditer(wanted, data)
    )
    with msl_construct.open(memory.file) as dump:
        hits = analysis.strings(
            dump.memory, analysis.Locations(dump), least=least, encodings=("ascii", "utf-16-le")
        )
        assert sorted((hit.address, hit.text) for hit in hits) == expected


RULES = """
rule text { strings: $a = "needle" condition: $a }
rule in_utf16 { strings: $w = "needle" wide condition: any of them }
rule jump { strings: $h = { aa bb ?? cc } condition: $h }
rule by_rights { strings: $r = "needle" condition: $r and protection == "rwx" }
rule by_type { strings: $t = "needle" condition: $t and region_type contains "heap" }
"""


class CompilingOnce:
    """A library that compiles the same rules once: that takes longer than to ask them."""

    def __init__(self, engine: Engine) -> None:
        self.name = engine.name
        self.load = engine.load
        self._engine = engine
        self._held: dict[str, CompiledRules] = {}

    def compile(
        self, sources: Sequence[tuple[str, str]], externals: Mapping[str, str | int | bool]
    ) -> CompiledRules:
        key = repr((sources, externals))
        if key not in self._held:
            self._held[key] = self._engine.compile(sources, externals)
        return self._held[key]


@cache
def library_of(name: str) -> CompilingOnce:
    engine = yara_engine(name)
    if engine is None:
        pytest.skip(f"{name} is not installed")
    return CompilingOnce(engine)


@pytest.mark.parametrize("library", ["yara_x", "yara"])
@given(memories(WORDS))
def test_rules_match_what_is_there(library: str, memory: RandomMemory) -> None:
    engine = library_of(library)
    expected = [("text", at, 6) for at in everywhere(memory, b"needle")]
    expected += [("in_utf16", at, 12) for at in everywhere(memory, WORDS[1])]
    expected += [("jump", at, 4) for at in jumps(memory)]
    for region in memory.regions:
        for base, data in memory.runs_of(region):
            found = [base + match.start() for match in re.finditer(b"needle", data)]
            if RIGHTS[region.protection] == "rwx":
                expected += [("by_rights", at, 6) for at in found]
            if TYPES[region.region_type] == "heap":
                expected += [("by_type", at, 6) for at in found]
    with msl_construct.open(memory.file) as dump:
        told = analysis.RuleScan()
        hits = list(
            scan_rules(dump, analysis.Locations(dump), rule_texts(RULES), engine, searched=told)
        )
        assert sorted((hit.rule, hit.address, hit.length) for hit in hits) == sorted(expected)
        assert told.coverage.captured == sum(len(data) for _, data in memory.runs)
        for hit in hits:
            assert hit.data in WORDS or hit.rule == "jump"
        windows = any(len(data) > 1500 for _, data in memory.runs)
        assert bool(told.gaps) <= windows


def jumps(memory: RandomMemory) -> Iterator[int]:
    for base, data in memory.runs:
        yield from (base + m.start() for m in re.finditer(rb"(?s)\xaa\xbb.\xcc", data))


def test_processes_find_what_one_does(tmp_path: Any) -> None:
    """The same rules, asked here and in processes of their own."""
    engine = yara_engine()
    if engine is None:
        pytest.skip("yara-x is not installed")
    (tmp_path / "rules.yar").write_text(RULES)
    rules = load_rules([tmp_path], engine)
    with msl_construct.open(PLACE / "samples" / "live-le.msl") as dump:
        places = analysis.Locations(dump)
        found = [list(scan_rules(dump, places, rules, engine, processes=count)) for count in (0, 2)]
    assert found[0] == found[1]
