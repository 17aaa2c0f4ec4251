"""Files of draft-2026-03 whose threads and names have the layouts of draft-2026-10."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import target
from acquiring import acquire, linux_only
from commands import COMMAND, run
from comparing import assert_same, built, document_of, gallery_files, text_of
from independent.dialects import decode_early
from independent.early import PAGE, early_file, pages_of
from independent.specimens import BE10, LE10, LE11, Kind, finish, start
from sampling import sampled
from test_add_table import REGISTER_COLUMNS, REGISTERS, THREAD, VAS_COLUMNS, VAS_ROWS
from test_export_json_schema import complaint, plain
from writing import live

import msl_construct
from msl_construct.drafts import DIALECTS, DRAFTS
from msl_construct.errors import DocumentError
from msl_construct.reader.stream import PassingDump
from msl_construct.rules import check

NAME = "layouts-2026-10"
OLDER = [LE10, BE10]
SAMPLES = sorted((Path(__file__).parents[1] / "samples").rglob("*.msl"))


def file_of(kind: Kind, *, threads: int = 2, names: bool = True, **options: Any) -> bytes:
    """A capture with these blocks, as the builder writes it."""
    file = io.BytesIO()
    with live(file, kind, *(["thread_contexts"] if threads else []), **options) as out:
        for number in range(threads):
            fields = {**THREAD, "thread_id": 77 + number}
            out.add_table("thread_context", REGISTER_COLUMNS, REGISTERS, **fields)
        if names:
            out.add_table("vas_map", VAS_COLUMNS, VAS_ROWS)
    return file.getvalue()


def with_payload(data: bytes, block: str, change: Any) -> bytes:
    """The file with the last payload of a type changed, and everything else as it must be."""
    with msl_construct.open(data, dialect="none") as dump:
        number = [found.index for found in dump.blocks if found.key == block][-1]
    text = text_of(data, "json", with_data=True, dialect="none")
    document = json.loads(text)
    for row in document["blocks"]:
        for key in ("prev_hash", "block_length", "offset"):
            row.pop(key)
        if row["block_type"] == "end_of_capture":
            row["payload"].pop("file_hash")
    row = document["blocks"][number]
    row["payload"] = {"raw": change(bytes.fromhex(row["payload"]["raw"])).hex()}
    return built(json.dumps(document))


@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_is_a_value_beside_its_draft(name: str) -> None:
    dialect = DIALECTS[name]
    assert name == dialect.name == dialect.draft.dialect
    assert dialect.text.endswith(".")
    assert dialect.source
    assert dialect.producers
    base = DRAFTS[dialect.draft.name]
    assert (base.dialect, base.version) == (None, dialect.draft.version)
    layouts = {block.code: block.layout for block in base.blocks}
    for block in dialect.draft.blocks:
        differs = block.layout is not None and block.layout is not layouts.get(block.code)
        assert differs == (block.code in dialect.codes), block.name


@pytest.mark.parametrize("kind", OLDER, ids=lambda kind: kind.name)
@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize(("threads", "names"), [(2, True), (0, True), (1, False)])
def test_threads_and_names_are_read(
    kind: Kind, compression: str | None, threads: int, names: bool
) -> None:
    data = file_of(kind, threads=threads, names=names, compression=compression)
    with msl_construct.open(data) as dump:
        assert (dump.draft, dump.dialect) == ("draft-2026-03", NAME)
        assert [thread.thread_id for thread in dump.threads] == list(range(77, 77 + threads))
        for thread in dump.threads:
            assert [register["name"] for register in thread.registers] == ["rip", "rsp", "cs"]
            assert thread.registers[0]["value"] == REGISTERS[0][3]
        maps = [block.payload for block in dump.blocks.of_type("vas_map")]
        found = [row["mapped_path"] for one in maps for row in one.entries]
        assert found == ([row[5] for row in VAS_ROWS] if names else [])
    document = document_of(data)
    order = "little" if kind.order == "<" else "big"
    told = [*["Thread Context"] * bool(threads), *["VAS Map"] * names]
    assert document["format"] == {
        "draft": "draft-2026-03",
        "dialect": NAME,
        "byte_order": order,
        "producer": "msl-construct",
        "recognised_by": [
            f"{one}: {threads if one == 'Thread Context' else 1} of its form" for one in told
        ],
    }
    assert complaint(plain(document)) is None
    for form in ("json", "yaml", "ndjson"):
        assert built(text_of(data, form, with_data=True)) == data


@pytest.mark.parametrize("kind", OLDER, ids=lambda kind: kind.name)
def test_only_what_the_draft_does_not_tell_is_shown_otherwise(kind: Kind) -> None:
    data = file_of(kind)
    ours, plainly = document_of(data), document_of(data, dialect="none")
    assert plainly["format"]["dialect"] is None
    for one, other in zip(ours["blocks"], plainly["blocks"]):
        if one["block_type"] in ("thread_context", "vas_map"):
            assert "raw" in other["payload"]
            one["payload"] = other["payload"]
    ours["format"] = plainly["format"]
    assert plain(ours) == plain(plainly)
    assert built(text_of(data, "json", with_data=True, dialect="none")) == data


CHANGES = {
    "bytes behind the last entry": ("vas_map", lambda raw: raw + bytes(8)),
    "an entry too few": ("vas_map", lambda raw: raw[:-8]),
    "another form": ("vas_map", lambda raw: bytes(range(64))),
    "nothing": ("vas_map", lambda raw: b""),
    "reserved bytes that are not zero": ("vas_map", lambda raw: raw[:6] + b"\1" + raw[7:]),
    "another thread's form": ("thread_context", lambda raw: b"\xff" * len(raw)),
    "a thread cut short": ("thread_context", lambda raw: raw[:-8]),
}


@pytest.mark.parametrize("kind", OLDER, ids=lambda kind: kind.name)
@pytest.mark.parametrize("name", CHANGES)
def test_one_block_that_does_not_fit_decides(name: str, kind: Kind) -> None:
    data = with_payload(file_of(kind), *CHANGES[name])
    with msl_construct.open(data) as dump:
        assert dump.verify().intact
        assert dump.dialect is None
        assert all("raw" in thread for thread in dump.threads)
        assert not dump.problems
    assert built(text_of(data, "json", with_data=True)) == data


def test_the_change_itself_changes_nothing() -> None:
    data = file_of(LE10)
    assert with_payload(data, "vas_map", lambda raw: raw) == data


def test_another_draft_and_a_file_without_such_blocks() -> None:
    for data in (file_of(LE11), file_of(LE10, threads=0, names=False)):
        with msl_construct.open(data) as dump:
            assert dump.dialect is None


def test_a_dialect_may_be_named() -> None:
    odd = with_payload(file_of(LE10), "vas_map", lambda raw: raw[:-8])
    with msl_construct.open(odd, dialect=NAME) as dump:
        assert dump.dialect == NAME
        assert [thread.thread_id for thread in dump.threads] == [77, 78]
        (block,) = dump.blocks.of_type("vas_map")
        assert block.problem is not None
    for data, name, text in (
        (odd, "layouts-1999", "unknown dialect"),
        (file_of(LE11), NAME, "is one of draft-2026-03"),
    ):
        with pytest.raises(ValueError, match=text):
            msl_construct.open(data, dialect=name)


def test_who_names_a_draft_gets_that_draft() -> None:
    with msl_construct.open(file_of(LE10), draft="draft-2026-03") as dump:
        assert dump.dialect is None
        assert "raw" in dump.threads[0]


def test_what_passes_by_is_recognised_as_well() -> None:
    data = file_of(LE10)
    for name, shown in ((None, "registers"), ("none", "raw"), (NAME, "registers")):
        with PassingDump(io.BytesIO(data), dialect=name) as dump:
            assert dump.dialect == (NAME if shown != "raw" else None)
            seen = [list(p) for p in dump.each_capture_block(lambda block: block.payload)]
        assert sum(shown in keys for keys in seen) >= 2
    done = run("inspect", "-", "--csv", "--show", "threads", data=data)
    assert b"worker" in done.stdout


def test_a_document_of_an_unknown_dialect_is_not_built() -> None:
    document = json.loads(text_of(file_of(LE10), "json", with_data=True))
    for name in ("layouts-1999", "none"):
        document["format"]["dialect"] = name
        with pytest.raises(DocumentError, match="dialect"):
            built(json.dumps(document))


def test_a_file_is_judged_as_its_draft_has_it(tmp_path: Path) -> None:
    path = tmp_path / "dump.msl"
    path.write_bytes(file_of(LE10))
    for command in ("check", "verify"):
        assert run(command, str(path)).returncode == 0


MADE_IN_A_DIALECT = {
    "hint-padded-10-le": "memslicer-0.2",
    "MSL-1.3-BYTE-ORDER-NOT-AS-STATED-10-le": "memslicer-0.2",
    "hint-padded-11-le": "memslicer-0.5",
    "system-context-aligned-11-le": "memdiver-1.0",
    "type-0x0055-11-le": "memslicer-0.5",
    "module-without-blob-len-11-le": "memdiver-1.0",
    "vendor-tables-11-le": "memslicer-0.5",
    "thread-and-no-modules-11-le": "radare2",
    "before-first-draft-10-le": "early",
    "threads-of-later-layouts-10-le": "layouts-2026-10",
    "threads-of-later-layouts-10-be": "layouts-2026-10",
}


@sampled()
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_no_other_sample_is_in_a_dialect(path: Path) -> None:
    """Their expected documents are what every reader is held to."""
    try:
        dump = msl_construct.open(path)
    except msl_construct.errors.FormatError:
        return
    with dump:
        if not dump.header.encrypted:
            assert dump.dialect == MADE_IN_A_DIALECT.get(path.stem)


def test_of_the_gallery_only_those_are_that_were_made_so() -> None:
    named = {
        name: found
        for name, data in gallery_files()
        if (found := document_of(data)["format"]["dialect"])
    }
    both = ("later-type-0011-10", "later-type-1001-10")
    assert named == {
        **{f"{name}-{order}": NAME for name in both for order in ("le", "be")},
        "later-end-count-10-le": "memslicer-0.2",  # which writes no big-endian files
        "later-tables-10-le": "memslicer-0.2",
        "imported-source-hash-11-le": "memdiver-1.0",
        "module-without-blob-11-le": "memdiver-1.0",
    }


@linux_only
@pytest.mark.parametrize("compress", ["none", "zstd"])
def test_what_msl_acquire_writes(compress: str, tmp_path: Path) -> None:
    out = tmp_path / "out.msl"
    with target("e2e_counter", "2", "64", "1", "100") as (process, _):
        acquire(process.pid, "-o", out, "--draft", "draft-2026-03", "--compress", compress)
    with msl_construct.open(out) as dump:
        assert dump.dialect == NAME
        assert len(dump.threads) == 3
        assert all(len(thread.registers) > 20 for thread in dump.threads)
    tree = run("inspect", str(out)).stdout.decode()
    assert f"draft-2026-03 ({NAME})" in tree
    assert "[stack]" in tree
    assert " 0 registers" not in tree
    rows = run("inspect", str(out), "--csv", "--show", "mappings").stdout
    assert b"[stack]" in rows
    text = subprocess.run(
        [*COMMAND, "inspect", "--with-data", "--json", str(out)], capture_output=True, check=True
    ).stdout
    assert built(text.decode()) == out.read_bytes()


def test_where_two_fit_both_are_named_and_the_choice_is_stated(tmp_path: Path) -> None:
    """An empty Kernel Symbol Bundle of memslicer is an empty Connectivity Table of MemDiver."""
    builder = start(LE11)
    builder.add(0x0055, bytes(8))
    data = finish(builder, LE11)
    document = document_of(data)
    assert document["format"] == {
        "draft": "draft-2026-10",
        "dialect": "memslicer-0.5",
        "byte_order": "little",
        "producer": "memslicer 0.5",
        "recognised_by": ["Kernel Symbol Bundle: 1 of its form"],
        "also_fits": ["memdiver-1.0"],
    }
    assert complaint(plain(document)) is None
    assert built(text_of(data, "json", with_data=True)) == data
    path = tmp_path / "dump.msl"
    path.write_bytes(data)
    for command in ("inspect", "verify"):
        assert b"memdiver-1.0 would fit as well" in run(command, str(path)).stdout
    with msl_construct.open(data, dialect="memdiver-1.0") as dump:
        (table,) = dump.blocks.of_type("memdiver_connectivity_table")
        assert table.payload.row_count == 0
        assert dump.recognition.reasons == ("the caller says so",)


def test_more_fits_than_misfits_decide() -> None:
    """One damaged Module Entry does not make a file of MemDiver one of nobody."""
    path = Path(__file__).parent / "data/memdiver-1.0.2/api-related-dump-with-hash.msl"
    data = bytearray(path.read_bytes())
    with msl_construct.open(bytes(data)) as dump:
        (_, second) = dump.blocks.of_type("module_entry")
        path_len = second.stored.offset + 16
    data[path_len : path_len + 2] = b"\xff\x0f"
    with msl_construct.open(bytes(data)) as dump:
        assert dump.dialect == "memdiver-1.0"
        whole, cut = dump.blocks.of_type("module_entry")
        assert whole.problem is None
        assert cut.problem is not None


@pytest.mark.parametrize("version", [b"\1\0", b"\1\1"], ids=["1.0", "1.1"])
@pytest.mark.parametrize("codec", ["none", "zstd", "lz4"])
def test_a_file_from_before_the_first_draft(codec: str, version: bytes, tmp_path: Path) -> None:
    data = early_file(codec, version=version)
    want, found = decode_early(data, "x.msl"), document_of(data)
    for key in ("producer", "recognised_by"):
        assert found["format"].pop(key)
    assert_same(found, want, "early")
    assert complaint(plain(document_of(data))) is None
    for form in ("json", "yaml", "ndjson"):
        assert built(text_of(data, form, with_data=True)) == data
    with msl_construct.open(data) as dump:
        assert dump.dialect == "early"
        assert dump.verify().intact
        (region,) = dump.regions
        assert bytes(region.page_data) == pages_of(2)
        states = ["captured", "failed", "unmapped", "captured", "failed"]
        assert [state for _, _, state in region.runs()] == states
        read = dump.memory.read(region.base_addr + 3 * PAGE, PAGE)
        assert bytes(read.data) == pages_of(2)[PAGE:]
        left = {one.rule.id for one in check(dump) if one.explained_by is None}
        assert left == set()
    with PassingDump(io.BytesIO(data)) as passing:
        assert passing.dialect == "early"
        assert passing.verify().intact
    path = tmp_path / "early.msl"
    path.write_bytes(data)
    assert [run(one, str(path)).returncode for one in ("inspect", "verify", "check")] == [0, 0, 0]
    assert run("verify", "-", data=data).returncode == 0
    assert run("inspect", str(path), "--dialect", "none").returncode == 3
