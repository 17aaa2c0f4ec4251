"""The exported header: what it says, and that C and C++ compilers take it as it is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from c.building import HERE, SANITIZERS, WARNINGS, built, compiled, run

from msl_construct.drafts import DRAFTS, NEWEST_DRAFT
from msl_construct.errors import MslError
from msl_construct.exports.c import export
from msl_construct.exports.c.parts import shapes
from msl_construct.exports.c.words import Identifiers, comment
from msl_construct.schema import ByteOrder, Draft, Field, Layout, Table
from msl_construct.schema.codes import Value
from msl_construct.schema.variable import Utf8Z
from msl_construct.schema.vocabulary import U8, U16, U32

NEWEST = DRAFTS[NEWEST_DRAFT]
LITTLE = NEWEST.bound(ByteOrder.LITTLE)
STORED = Path(__file__).parents[1] / "schema" / "msl.h"
MOST_LINES = 2000
"""A header that people include is to stay one that they can read."""

LANGUAGES = {
    "gcc": ("-x", "c", "-std=c11"),
    "clang": ("-x", "c", "-std=c11"),
    "g++": ("-x", "c++", "-std=c++17", "-Wold-style-cast"),
    "clang++": ("-x", "c++", "-std=c++17", "-Wold-style-cast"),
}


def changed(**layouts: Layout) -> Draft:
    """The newest draft with other layouts of block types, by key."""
    return replace(
        NEWEST,
        blocks=tuple(
            replace(block, layout=layouts[block.key]) if block.key in layouts else block
            for block in NEWEST.blocks
        ),
    )


def layout_of(key: str) -> Layout:
    (found,) = (block.layout for block in NEWEST.blocks if block.key == key)
    assert found is not None
    return found


def check(name: str, header: str, folder: Path) -> str:
    """What a compiler says to a header: nothing, or why not."""
    (folder / "msl.h").write_text(header, encoding="utf-8")
    source = folder / "only.c"
    source.write_text('#include "msl.h"\n#include "msl.h"\nint main(void) { return 0; }\n')
    options = (*LANGUAGES[name], *WARNINGS, "-fsyntax-only", "-I", str(folder))
    result = compiled(name, source, *options)
    return result.stderr if result.returncode else ""


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize("draft", DRAFTS)
def test_compilers_take_it(name: str, draft: str, tmp_path: Path) -> None:
    assert check(name, export(DRAFTS[draft]), tmp_path) == ""


@pytest.mark.parametrize("name", LANGUAGES)
def test_compilers_take_the_example(name: str, tmp_path: Path) -> None:
    (tmp_path / "msl.h").write_text(export(NEWEST), encoding="utf-8")
    old_style = (one for one in LANGUAGES[name] if one != "-Wold-style-cast")
    options = (*old_style, *WARNINGS, "-fsyntax-only", "-I", str(tmp_path))
    result = compiled(name, HERE / "walk.c", *options)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("level", ["-O2", "-O3"])
def test_optimisers_have_nothing_to_say(level: str, tmp_path: Path) -> None:
    """What is inlined is warned of in the programs of others."""
    (tmp_path / "msl.h").write_text(export(NEWEST), encoding="utf-8")
    options = ("-std=c11", *WARNINGS, level, "-S", "-o", str(tmp_path / "walk.s"))
    result = compiled("gcc", HERE / "walk.c", *options, "-I", str(tmp_path))
    assert result.returncode == 0, result.stderr


def test_it_is_what_schema_holds() -> None:
    if not STORED.exists():
        pytest.fail("schema/msl.h is not there")
    assert STORED.read_text(encoding="utf-8") == export(NEWEST)


def test_the_header_stays_short() -> None:
    lines = STORED.read_text("utf-8").splitlines()
    assert lines[0].startswith("/*")
    assert len(lines) <= MOST_LINES


def test_it_is_the_same_every_time() -> None:
    assert export(NEWEST) == export(NEWEST)
    assert export(NEWEST).endswith("*/\n")
    assert "\r" not in export(NEWEST)
    assert max(map(len, export(NEWEST).splitlines())) <= 120


@pytest.mark.parametrize("draft", DRAFTS)
def test_every_fact_of_the_draft_is_there(draft: str) -> None:
    text = export(DRAFTS[draft])
    declared = DRAFTS[draft]
    assert declared.name in text
    for block in declared.blocks:
        assert re.search(rf" MSL_BLOCK_TYPE_{block.key.upper()} = {block.code:#06x}\b", text)
        for field in block.layout.fields if block.layout else ():
            assert re.search(rf"\b{field.key}\b", text), f"{block.key}.{field.key}"
            assert " ".join(field.text.split()[:4]) in text.replace("\n     * ", " ")
    for registry in declared.enumerations:
        for value in registry.values:
            pattern = (
                rf" MSL_{registry.key}_{value.name} = {value.code:#0{2 + 2 * registry.width}x}"
            )
            assert re.search(pattern, text, re.IGNORECASE), value
    for word in declared.flags:
        for bit in word.bits:
            assert f"MSL_{word.key}_{bit.name}".upper() in text


def test_it_allocates_nothing() -> None:
    words = set(re.findall(r"\b(\w+)\(", export(NEWEST)))
    assert not words & {"malloc", "calloc", "realloc", "free", "alloca", "printf", "strlen"}
    assert {"memcmp", "memcpy", "memset", "memchr"} >= {
        word for word in words if word.startswith(("mem", "str"))
    }


def test_the_assertions_assert(tmp_path: Path) -> None:
    text = export(NEWEST)
    asserted = re.findall(r"MSL_AT\(\w+, \d+, \d+\)|MSL_STATIC_STRUCT\(\w+, \d+,", text)
    fixed = [
        field for shape in shapes(NEWEST, LITTLE) for run in shape.runs for field in run.fields
    ]
    runs = [run for shape in shapes(NEWEST, LITTLE) for run in shape.runs]
    assert len(asserted) == len(fixed) + len(runs) > 200
    for place, wrong in (
        ("MSL_AT(block_length, 8, 4)", "MSL_AT(block_length, 9, 4)"),
        ("MSL_AT(block_length, 8, 4)", "MSL_AT(block_length, 8, 8)"),
        ("MSL_STATIC_STRUCT(msl_block_header, 80,", "MSL_STATIC_STRUCT(msl_block_header, 81,"),
    ):
        assert text.count(place) == 1
        said = check("gcc", text.replace(place, wrong), tmp_path)
        assert "static assertion failed" in said
        assert "msl_block_header" in said
        assert place.split("(")[1].split(",")[0] in said


def test_another_width_moves_what_stands_behind(tmp_path: Path) -> None:
    layout = layout_of("process_identity")
    wider = layout.replacing("PPID", "", replace(layout.field("ppid"), type=U16))
    text = export(changed(process_identity=wider))
    assert "MSL_AT(session_id, 4, 4)" in export(NEWEST)
    assert "MSL_AT(session_id, 2, 4)" in text
    assert "MSL_STATIC_STRUCT(msl_process_identity, 22," in text
    assert check("gcc", text, tmp_path) == ""


def test_fields_behind_a_table_are_found(tmp_path: Path) -> None:
    row = Layout("Odd Row", "§0", (Field("Size", U8, "s."), Field("Word", Utf8Z("Size"), "w.")))
    layout = Layout(
        "Process Identity",
        "§0",
        (
            Field("Count", U32, "Number of rows."),
            Field("Rows", Table("Count", row), "Rows."),
            Field("Behind", U16, "Stands behind them."),
        ),
    ).stamped("draft-2026-03")
    (tmp_path / "msl.h").write_text(export(changed(process_identity=layout)), encoding="utf-8")
    source = tmp_path / "behind.c"
    source.write_text(
        r"""
        #include <stdio.h>
        #include "msl.h"
        int main(void) {
            static const uint8_t bytes[] = "\2\0\0\0" "\0" "\2x\0______" "\7\0" "!";
            msl_span span = {bytes, sizeof bytes - 1};
            msl_process_identity_view view;
            int whole = msl_decode_process_identity(span, MSL_ENDIANNESS_LITTLE, &view);
            int behind = msl_get_u16(view.after_rows->behind, MSL_ENDIANNESS_LITTLE);
            size_t rest = view.rest.length;
            span.length = 9;
            printf("%d %d %zu %d", whole, behind, rest,
                   msl_decode_process_identity(span, MSL_ENDIANNESS_LITTLE, &view));
            printf(" %s", view.damage);
            return 0;
        }
        """
    )
    built(source, tmp_path / "msl.h", tmp_path / "behind", *SANITIZERS)
    assert run(tmp_path / "behind") == "0 7 1 2 rows"


def test_page_arithmetic(tmp_path: Path) -> None:
    (tmp_path / "msl.h").write_text(export(NEWEST), encoding="utf-8")
    program = tmp_path / "pages"
    built(HERE / "pages.c", tmp_path / "msl.h", program, *WARNINGS, *SANITIZERS)
    assert run(program) == "fine\n"


def test_names_that_c_reserves_are_refused() -> None:
    layout = layout_of("process_identity")
    odd = layout.appending("", Field("register", U8, "A word of C."))
    with pytest.raises(MslError, match="'register' is no name in C"):
        export(changed(process_identity=odd))


def test_two_names_that_become_one_are_refused() -> None:
    (registry, *others) = NEWEST.enumerations
    doubled = registry.adding("", (Value(77, "some name"), Value(78, "Some-Name")))
    draft = replace(NEWEST, enumerations=(doubled, *others))
    with pytest.raises(MslError, match="SOME_NAME would be declared twice"):
        export(draft)


def test_identifiers_and_comments() -> None:
    names = Identifiers()
    assert names.declare("fine") == "fine"
    with pytest.raises(MslError, match="no name"):
        names.member("2nd")
    assert comment("Ends */ early.") == ["/* Ends * / early. */"]
    long = comment(*["word"] * 40, indent=4)
    assert long[0].startswith("    /* word")
    assert long[-1].endswith("word */")
    assert all(line.startswith("     * ") for line in long[1:])
