"""Rules: what each is asked of, what it could not be asked, and what the command says of that."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from commands import one_line, run
from independent import wire
from independent.specimens import LE11, finish, start

import msl_construct
from msl_construct import analysis
from msl_construct.analysis.yara import buffers, crew, rule_texts
from msl_construct.analysis.yara.rule_texts import closure

PAGE = 1024
IMAGE, HEAP, INJECTED = 0x10000, 0x40000, 0x70000
ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, *[0] * 9, 64)
ELF = ELF[:64].ljust(64, b"\0")


def made(folder: Path, *, hole: bool = False, cut: bool = False) -> Path:
    """A module with a hole or without, a heap with a text, an image that is no module's."""
    builder = start(LE11)
    image = ELF.ljust(3 * PAGE, b"i")
    states = (0, 1, 0) if hole else (0, 0, 0)
    data = image[:PAGE] + image[2 * PAGE :] if hole else image
    regions = (
        (IMAGE, states, data, 5, 3),
        (HEAP, (0, 0), b"a secret text".ljust(2 * PAGE, b"\0"), 3, 1),
        (INJECTED, (0,), ELF.ljust(PAGE, b"x"), 7, 5),
    )
    for base, each, content, protection, kind in regions:
        payload = wire.memory_region(
            "<",
            each,
            base_addr=base,
            protection=protection,
            region_type=kind,
            page_size_log2=10,
            page_data=content,
        )
        builder.add(wire.MEMORY_REGION, payload)
    entry = wire.module_entry("<", base_addr=IMAGE, module_size=3 * PAGE, path="/lib/one.so")
    builder.add(wire.MODULE_ENTRY, entry)
    path = folder / "made.msl"
    whole = finish(builder, LE11)
    path.write_bytes(whole[:-8] if cut else whole)
    return path


def rules(folder: Path, text: str, name: str = "rules.yar") -> Path:
    path = folder / name
    path.write_text(text)
    return path


SECRET = 'rule secret { strings: $a = "secret" condition: $a }'
ELVES = 'import "elf" rule elves { condition: elf.type == elf.ET_DYN }'
SLOW = (
    "rule slow { condition: for all i in (0..filesize) : (for all j in (0..i) : (uint8(j) < 256)) }"
)


def rows(path: Path, *words: Any, code: int = 0) -> list[dict[str, Any]]:
    done = run("yara", path, *words, "--json")
    assert done.returncode == code, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_a_hit_says_what_one_of_a_search_does(tmp_path: Path) -> None:
    path, texts = made(tmp_path), rules(tmp_path, SECRET)
    (hit,) = rows(path, texts)
    (searched,) = json.loads(run("search", path, "secret", "--json").stdout)
    assert (hit.pop("rule"), hit.pop("pattern"), hit.pop("kind")) == ("secret", "$a", "yara")
    assert (searched.pop("pattern"), searched.pop("kind")) == ("secret", "text")
    assert hit == searched
    line = run("yara", path, texts).stdout.decode()
    assert " ".join(line.split()) == f'{HEAP + 2:#018x} rw- secret $a [heap]+0x2 "secret"'


def test_rules_of_images_are_asked_of_modules_and_of_what_is_hidden(tmp_path: Path) -> None:
    found = rows(made(tmp_path), rules(tmp_path, ELVES))
    assert [(hit["address"], hit["length"]) for hit in found] == [
        (f"{IMAGE:#x}", 0),
        (f"{INJECTED:#x}", 0),
    ]
    assert found[0]["module"] == {"path": "/lib/one.so", "offset": "0x0"}
    assert found[1]["module"] is None


def test_an_image_with_a_hole_is_said(tmp_path: Path) -> None:
    path, texts = made(tmp_path, hole=True), rules(tmp_path, ELVES)
    *_, gap = rows(path, texts, code=4)
    assert (gap["kind"], gap["address"], gap["length"]) == ("gap", f"{IMAGE:#x}", PAGE)
    assert rows(path, texts, "--fill", "zero")[0]["address"] == f"{IMAGE:#x}"


def test_no_byte_that_was_filled_in_is_told(tmp_path: Path) -> None:
    text = "rule filled { strings: $z = /[\\xcc]{64}/ condition: $z and filesize > 0 }"
    path = made(tmp_path, hole=True)
    found = rows(path, rules(tmp_path, text), "--fill", "0xcc", code=4)
    assert {row["kind"] for row in found} == {"gap"}


def test_rights_are_those_of_each_region(tmp_path: Path) -> None:
    text = 'rule rwx { strings: $a = "xxxx" condition: $a and protection == "rwx" }\n'
    text += 'rule heap { strings: $a = "secret" condition: $a and region_type == "heap" }\n'
    text += 'rule absent { strings: $a = "secret" condition: $a and protection == "r-x" }\n'
    text += 'rule file { strings: $a = "iiii" condition: $a and module_path endswith "one.so" }'
    found = rows(made(tmp_path), rules(tmp_path, text))
    assert {hit["rule"] for hit in found} == {"rwx", "heap", "file"}


def test_a_rule_that_takes_too_long_is_named_and_hides_nothing(tmp_path: Path) -> None:
    texts = rules(tmp_path, SECRET + "\n" + SLOW)
    for processes in (0, 1):
        path = large(tmp_path)
        found = rows(path, texts, "--timeout", 1, "--processes", processes, code=4)
        assert [row["rule"] for row in found if row["kind"] != "gap"] == ["secret"]
        assert {row["rule"] for row in found if row["kind"] == "gap"} == {"slow"}


def large(folder: Path) -> Path:
    """One region of a megabyte, so that a square of it takes long."""
    builder = start(LE11)
    data = b"secret".ljust(1 << 20, b"\1")
    payload = wire.memory_region("<", [0] * 256, base_addr=HEAP, page_data=data)
    builder.add(wire.MEMORY_REGION, payload)
    path = folder / "large.msl"
    path.write_bytes(finish(builder, LE11))
    return path


def test_windows_are_said_of_rules_that_see_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffers, "WINDOW", 1 << 16)
    monkeypatch.setattr(buffers, "OVERLAP", 1 << 10)
    engine = analysis.yara_engine()
    assert engine is not None
    both = 'rule both { strings: $a = "secret" $b = { 01 01 } condition: all of them }'
    for text, count in ((SECRET, 0), (SECRET + both, 16)):
        told = analysis.RuleScan()
        with msl_construct.open(large(tmp_path)) as dump:
            places = analysis.Locations(dump)
            list(analysis.scan_rules(dump, places, rule_texts(text), engine, searched=told))
        assert sum("a part of more memory" in gap.why for gap in told.gaps) == count


def test_exit_codes(tmp_path: Path) -> None:
    path, texts = made(tmp_path), rules(tmp_path, SECRET)
    none = rules(tmp_path, 'rule absent { strings: $a = "nowhere" condition: $a }', "none.yar")
    assert run("yara", path, none).returncode == 1
    assert run("yara", path, none, "--range", "0x10..0x20").returncode == 4
    assert run("yara", made(tmp_path, cut=True), none).returncode == 4
    for words, code in (
        ((path, rules(tmp_path, "rule x { condition: $b }", "bad.yar")), 2),
        ((path, rules(tmp_path, "// nothing", "empty.yar")), 2),
        ((path, tmp_path / "absent.yar"), 3),
        ((texts, texts), 3),
        ((path, texts, "--define", "1=2"), 2),
        ((path, texts, "--fill", "nothing"), 2),
    ):
        done = run("yara", *words)
        assert done.returncode == code, done.stderr
        if code != 2 or "--" not in str(words):
            one_line(done.stderr)


def test_rules_may_stand_in_folders_and_include_each_other(tmp_path: Path) -> None:
    path, folder = made(tmp_path), tmp_path / "all"
    folder.mkdir()
    rules(folder, 'include "inner.inc"\nrule outer { condition: inner }', "a.yar")
    rules(folder, 'private rule inner { strings: $s = "secret" condition: $s }', "inner.inc")
    rules(folder, SECRET, "b.yara")
    assert {row["rule"] for row in rows(path, folder)} == {"outer", "secret"}
    rules(folder, 'include "c.yar"', "c.yar")
    assert b"includes itself" in run("yara", path, folder).stderr


def test_externals_of_ones_own(tmp_path: Path) -> None:
    text = (
        'rule own { strings: $s = "secret" condition: $s and wanted and least == 3 and a == "b" }'
    )
    path, texts = made(tmp_path), rules(tmp_path, text)
    words = ("-d", "wanted=true", "-d", "least=3", "-d", "a=b")
    assert len(rows(path, texts, *words)) == 1
    assert rows(path, texts, *words, "-d", "least=4", code=1) == []


def test_texts_are_taken_apart_as_they_are_read() -> None:
    text = """
    import "pe" // rule no { condition: true }
    /* rule no { condition: true } */
    global private rule g : tag { condition: filesize > 0 }
    rule a { meta: m = "} rule no {" strings: $h = { 4d [2-4] (5a | 5b) } $r = /\\}\\/\\{/i
             condition: $h or $r }
    rule b { condition: a and pe.is_pe }
    """
    found = {rule.name: rule for rule in rule_texts(text)}
    assert set(found) == {"g", "a", "b"}
    assert found["g"].is_global
    assert found["a"].of_file  # since the global rule is
    assert found["b"].of_image
    assert not found["a"].of_image
    ((_, whole),) = closure([found["b"]], list(found.values()))
    engine = analysis.yara_engine()
    assert engine is not None
    engine.compile([("x", whole)], {})


def test_what_stands_between_two_divisions_is_seen() -> None:
    """It looks like an expression, and would hide what the rule is to be asked of."""
    condition = "filesize / 2 > 1 and pe.number_of_sections / 2 == 1"
    (found,) = rule_texts(f'import "pe" rule a {{ condition: {condition} }}')
    assert found.of_image
    (found,) = rule_texts('import "pe" rule a { condition: module_path matches /pe and elf/ }')
    assert (found.of_image, found.of_region) == (False, True)


def test_a_process_that_ends_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scanner is killed when it is first asked; the next scan has a new one."""
    engine = analysis.yara_engine()
    assert engine is not None
    ended = []

    class Mortal(crew.WorkerProcess):
        def scan(self, *arguments: Any) -> Any:
            if not ended:
                ended.append(self._process.pid)
                self._process.kill()
                self._process.wait()
            return super().scan(*arguments)

    monkeypatch.setattr(crew, "WorkerProcess", Mortal)
    told = analysis.RuleScan()
    with msl_construct.open(large(tmp_path)) as dump:
        places = analysis.Locations(dump)
        texts = rule_texts(SECRET + 'rule more { strings: $a = "secret" condition: $a }')
        hits = list(analysis.scan_rules(dump, places, texts, engine, processes=1, searched=told))
    assert ended
    assert {hit.rule for hit in hits} == {"secret", "more"}
    assert told.gaps == []


def test_what_might_be_an_image_and_can_not_be_read_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where rules are of images alone, nobody else comes upon what can't be read."""
    monkeypatch.setattr(buffers, "_first_bytes", lambda *_: None)
    with msl_construct.open(made(tmp_path)) as dump:
        places = analysis.Locations(dump)
        found = {
            unreadable: [
                one.start
                for one in buffers.images(dump, places, None, False, unreadable=unreadable)
            ]
            for unreadable in (False, True)
        }
    assert found == {False: [IMAGE], True: [IMAGE, HEAP, INJECTED]}
