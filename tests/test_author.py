"""A draft of one's own in every command, and the mistakes that one can make in it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import started
from acquiring import acquire, linux_only
from commands import PLACE, run

import msl_construct
from msl_construct import author
from msl_construct.drafts import DRAFTS
from msl_construct.drafts.authored import load
from msl_construct.errors import DraftError
from msl_construct.exports import EXPORTS
from msl_construct.rules import rules_for

FILE = PLACE / "tests" / "authored" / "mine.py"
MINE = f"{FILE}:MINE"
BASE = "draft-2026-10"
RULE = "MSL-lab-REMARK-WITHOUT-PLACE"

DOCUMENT: dict[str, Any] = {
    "document": 1,
    "format": {"draft": "mine", "byte_order": "little"},
    "header": {
        "cap_bitmap": ["module_list", "process_identity"],
        "os_type": "linux",
        "arch_type": "x86_64",
        "pid": 7,
        "timestamp": "1773528836123456789",
        "clock_source": "clock_realtime",
    },
    "blocks": [
        {
            "block_type": "process_identity",
            "payload": {
                "session_id": 1 << 40,
                "start_time": "1773528800000000000",
                "exe_path": "/bin/true",
                "cmd_line": None,
            },
        },
        {"block_type": "module_list_index", "payload": {"entries": []}},
        {
            "block_type": "analyst_remark",
            "payload": {
                "text": "entry point",
                "certainty": "confirmed",
                "places": [{"address": "0x400000"}],
            },
        },
        {
            "block_type": "end_of_capture",
            "payload": {"acq_end": "1773528837123456789", "block_count": 4},
        },
    ],
}


@pytest.fixture(autouse=True)
def _known_as_before() -> Iterator[None]:
    """Whatever a test loads is forgotten: others ask which drafts are known."""
    before = dict(DRAFTS.values_by_name)
    yield
    DRAFTS.values_by_name.clear()
    DRAFTS.values_by_name.update(before)


def said(*words: Any, code: int = 0, data: bytes = b"", folder: Path | None = None) -> str:
    """What a command prints, which must end with a code and blame nobody."""
    done = run(*words, data=data, folder=folder)
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"defect of ours" not in done.stderr
    return done.stdout.decode()


def complained(*words: Any, code: int = 2, folder: Path | None = None) -> str:
    """What a command says on stderr."""
    done = run(*words, folder=folder)
    text = done.stderr.decode()
    assert (done.returncode, done.stdout) == (code, b""), text
    assert "Traceback" not in text
    assert "defect of ours" not in text
    return text


@pytest.fixture(scope="module", name="dump")
def a_dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mine") / "mine.msl"
    said("build", "-", "--draft", MINE, "-o", path, "-q", data=json.dumps(DOCUMENT).encode())
    return path


# -- every command ---------------------------------------------------------------------------


def test_inspect(dump: Path) -> None:
    found = json.loads(said("inspect", "--json", "--draft", MINE, dump))
    assert found["format"]["draft"] == "mine"
    assert found["header"]["version"] == "0x0102"
    identity, _, remark, _ = found["blocks"]
    assert identity["payload"]["session_id"] == 1 << 40
    assert remark["block_type"] == "analyst_remark"
    assert remark["payload"]["places"] == [{"address": "0x400000"}]
    offset = msl_construct.schema(BASE).file_header.offset_of("os_type")
    assert dump.read_bytes()[offset] == 0, "the codes of the two systems are swapped"
    assert found["header"]["os_type"] == "linux"


def test_without_it_a_file_is_read_with_the_newest_public_draft(dump: Path) -> None:
    found = json.loads(said("inspect", "--json", dump))
    assert found["format"]["draft"] == BASE
    assert found["blocks"][2]["block_type"] == "0x1002"
    assert found["header"]["os_type"] == "windows"


def test_documents_name_no_file(dump: Path, tmp_path: Path) -> None:
    """A document comes from anybody: nothing that it says is run."""
    document = {**DOCUMENT, "format": {"draft": MINE, "byte_order": "little"}}
    done = run("build", "-", "-o", tmp_path / "out", data=json.dumps(document).encode())
    assert done.returncode == 3
    assert b"unknown draft" in done.stderr


def test_build_is_the_reverse_of_inspect(dump: Path, tmp_path: Path) -> None:
    text = said("inspect", "--json", "--with-data", "--draft", MINE, dump)
    said("build", "-", "--draft", MINE, "-o", tmp_path / "out", "-q", data=text.encode())
    assert (tmp_path / "out").read_bytes() == dump.read_bytes()


def test_verify(dump: Path) -> None:
    assert json.loads(said("verify", "--json", "--draft", MINE, dump))["intact"] is True


def test_check(dump: Path, tmp_path: Path) -> None:
    said("check", "--draft", MINE, dump)
    bad = json.loads(json.dumps(DOCUMENT))
    bad["blocks"][2]["payload"]["places"] = []
    path = tmp_path / "bad.msl"
    said("build", "-", "--draft", MINE, "-o", path, "-q", data=json.dumps(bad).encode())
    found = json.loads(said("check", "--format", "json", "--draft", MINE, path, code=1))
    assert RULE in json.dumps(found)
    listed = said("check", "--list", "--draft", MINE)
    ids = {line.split()[0] for line in listed.splitlines()}
    base = {rule.id for rule in rules_for(BASE)}
    assert ids >= base - {"MSLX-5.1-REGION-EMPTY"}, "an overlay has the rules of its base"
    assert "MSLX-5.1-REGION-EMPTY" not in ids
    own = {rule for rule in ids - base if "-lab-" not in rule}
    assert own == set()
    assert "MSL-lab-ANALYST-REMARK-COUNT-TOO-LARGE" in ids, "rules follow from a new block"
    assert "An Analyst Remark names no address." in said(
        "check", "--explain", RULE, "--draft", MINE
    )


def test_schema(tmp_path: Path) -> None:
    assert said("schema", "list", MINE).startswith("mine  1.2")
    shown = said("schema", "show", MINE, "process_identity")
    assert re.search(r"0x4 +8 +SessionID", shown)
    assert "Since mine." in said("schema", "show", MINE, "analyst_remark")
    changed = said("schema", "diff", BASE, MINE, code=1)
    for what in (
        "field process_identity.session_id",
        "structure analyst_remark",
        "code OSType.0x0000",
        "structure pointer_graph",
    ):
        assert what in changed
    assert "remark" in said("schema", "check", MINE)
    for form in EXPORTS:
        assert said("schema", "export", "--to", form, "--draft", MINE), form


def test_samples(tmp_path: Path) -> None:
    said("samples", "generate", "--draft", MINE, "-o", tmp_path, "-q")
    manifest = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    names = {row["name"] for row in manifest["samples"]}
    assert {row["draft"] for row in manifest["samples"]} == {"mine"}
    assert len(names) > 500
    assert {"valid/alone-analyst-remark-12-le", "valid/live-12-le"} <= names
    assert "invalid/MSL-lab-ANALYST-REMARK-PADDING-NOT-ZERO-12-le" in names
    assert "questionable/region-of-nothing-12-le" not in names, "it breaks a rule that is waived"
    decoder = f"{sys.executable} -m msl_construct inspect --json --with-data --draft {MINE} {{}}"
    words = ("samples", "run", "--samples", tmp_path, "--decoder", decoder, "--format", "json")
    said(*words, "--only", "valid/alone-*", folder=PLACE)


def test_what_is_left_out_of_a_corpus_is_said(tmp_path: Path) -> None:
    done = run("samples", "generate", "--draft", MINE, "-o", tmp_path)
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 0
    assert all(line.startswith("msl: left out: ") for line in lines[:-1])
    assert 0 < len(lines) < 20


@linux_only
def test_acquire(tmp_path: Path) -> None:
    with started(["sleep", "600"], ready="") as (process, _):
        acquire(process.pid, "-o", tmp_path / "a.msl", "--draft", MINE)
    with msl_construct.open(tmp_path / "a.msl", draft=load(MINE)) as dump:
        assert dump.draft == "mine"
        assert dump.header.record["version"] == 0x0102
        assert dump.verify().intact
    found = said("check", "--format", "json", "--draft", MINE, tmp_path / "a.msl")
    assert RULE not in found


def test_generate(tmp_path: Path) -> None:
    done = run("generate", "python", "--draft", MINE, "-o", tmp_path / "parser", "-q")
    if done.returncode == 3:
        pytest.skip("no compiler for Kaitai Struct")
    assert done.returncode == 0, done.stderr
    text = "".join(path.read_text("utf-8") for path in (tmp_path / "parser").rglob("*.py"))
    assert "class AnalystRemark" in text


# -- as a library ----------------------------------------------------------------------------


def test_a_draft_is_taken_wherever_a_name_is(dump: Path, tmp_path: Path) -> None:
    mine = load(MINE)
    schema = msl_construct.schema(mine)
    assert schema is msl_construct.schema("mine", "little")
    header = {"cap_bitmap": ["process_identity", "module_list"], "pid": 7}
    with msl_construct.Writer(
        tmp_path / "out.msl", {**header, "os_type": "linux", "arch_type": "x86_64"}, draft=mine
    ) as writer:
        writer.add_process_identity(exe_path="/bin/true", cmd_line=None)
        writer.add_module_list_index([])
        writer.add_analyst_remark(text="x", places=[{"address": 1}])
    with msl_construct.open(tmp_path / "out.msl") as read:  # by its version, as it is registered
        assert read.schema is schema
    assert [one.name for one in mine.lineage] == ["mine", BASE, "draft-2026-03"]
    assert mine.since(BASE)
    assert not mine.has_state("swapped")


# -- mistakes --------------------------------------------------------------------------------

HEAD = "from msl_construct.author import *\nBASE = DRAFTS['draft-2026-10']\n"
GOOD = "MINE = BASE.overlay('mistaken', version=0x0102, status='ours'"
BLOCK = "BlockType(0x1002, 'Remark', '§lab', 'A remark.', Layout('Remark', '§lab', ({})))"

MISTAKES = {
    "no Python": ("MINE = (", 3, "never closed"),
    "an exception": ("X = 1\nMINE = 1 / 0", 4, "ZeroDivisionError"),
    "no such draft": ("MINE = DRAFTS['draft-2026-04']", 3, "draft-2026-04"),
    "no draft": ("X = 1\nMINE = U8", 4, "MINE is no draft but Uint"),
    "a taken name": (
        "MINE = BASE.overlay('draft-2026-03', version=0x0102, status='x')",
        3,
        "there is a draft 'draft-2026-03' already",
    ),
    "no such block": (f"{GOOD},\n  forbidden_blocks=['key_hnt'])", 3, "no block type key_hnt"),
    "no such structure": (f"{GOOD},\n  layouts={{'modul': lambda x: x}})", 3, "modul"),
    "no such field": (
        f"{GOOD}, layouts={{\n  'module_entry': lambda x: x.changing('Bas', type=U64)}})",
        4,
        "Module Entry has no field 'Bas'",
    ),
    "no such attribute": (f"{GOOD}, colour=1)", 3, "colour"),
    "two of a code": (f"B = {BLOCK.format('')}\n{GOOD}, blocks=[B,\n {BLOCK.format('')}])", 4,
                      "the same code 0x1002"),
    "a code without a layout": (f"{GOOD}, blocks=[\n BlockType(1, 'X', '§1', 'X x.')])", 3,
                                "must have a layout"),
    "no such registry": (
        f"{GOOD}, blocks=[{BLOCK.format('')[:-3]}\n"
        "  Field('Kind', Coded('Kinds'), 'What it is.'),)))])",
        4,
        "no-such-registry",
    ),
    "a length behind its string": (
        f"{GOOD}, blocks=[{BLOCK.format('')[:-3]}\n"
        "  Field('Text', Utf8Z('TextLen'), 'What it says.'),\n"
        "  Field('TextLen', U16, 'Length of it.'),)))])",
        4,
        "reference",
    ),
    "two fields of a name": (
        "X = [Field('Kind', U8, 'What it is.'), Field('Kind', U8, 'What it was.')]\n"
        f"{GOOD}, blocks=[\n{BLOCK.format('')[:-3]}X)))])",
        5,
        "two fields are called Kind",
    ),
    "a name of a reserved word": (
        f"{GOOD}, blocks=[{BLOCK.format('')[:-3]}\n  Field('Class', U8, 'A class.'),)))])",
        4,
        "no-identifier",
    ),
    "no such rule": (f"{GOOD}, without_rules=[\n  'MSL-99-NONE'])", 4, "MSL-99-NONE"),
    "no rule": (f"{GOOD}, rules=[print])", 3, "expected a rule"),
    "a statement of no rule": (
        f"{GOOD}, statements=[st(\n 'ST-9-X', Word.MUST, Role.PRODUCER, 'X.', 'MSL-9-NONE')])",
        4,
        "ST-9-X",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_names_the_file_and_the_line(what: str, tmp_path: Path) -> None:
    text, line, words = MISTAKES[what]
    (tmp_path / "own.py").write_text(HEAD + text + "\n", "utf-8")
    error = complained("schema", "show", "own.py:MINE", folder=tmp_path)
    assert f"own.py:{line}: " in error
    assert words in " ".join(error.split())
    assert complained("inspect", "--draft", "own.py:MINE", "x.msl", folder=tmp_path)


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("absent.py:MINE", "No such file"),
        ("own.py:YOURS", "there is no YOURS, but BASE, MINE"),
        ("own.py", "expected own.py:NAME; its drafts are BASE, MINE"),
        ("own.txt:MINE", "is not one of"),
    ],
)
def test_a_name_of_nothing(named: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(f"{HEAD}{GOOD})\n", "utf-8")
    for command in (["inspect", "--draft", named, "x.msl"], ["schema", "check", named]):
        assert words in complained(*command, folder=tmp_path)


def test_a_rule_that_fails_is_its_author_s(dump: Path, tmp_path: Path) -> None:
    source = FILE.read_text("utf-8").replace('block.payload.get("places") == []', "block.nothing")
    (tmp_path / "own.py").write_text(source, "utf-8")
    line = next(n for n, text in enumerate(source.splitlines(), 1) if "block.nothing" in text)
    done = run("check", "--draft", "own.py:MINE", dump, folder=tmp_path)
    assert done.returncode == 2
    assert f"own.py:{line}: AttributeError" in done.stderr.decode()
    assert b"defect of ours" not in done.stderr


def test_nothing_is_written_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(f"{HEAD}{GOOD})\n", "utf-8")
    assert "mistaken" in said("schema", "list", "own.py:MINE", folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["own.py"]


def test_a_file_is_run_once(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(f"{HEAD}{GOOD})\n", "utf-8")
    (tmp_path / "link.py").symlink_to("own.py")
    assert load(f"{tmp_path}/own.py:MINE") is load(f"{tmp_path}/link.py:MINE")
    with pytest.raises(DraftError, match="NONE"):
        load(f"{tmp_path}/own.py:NONE")


def test_the_help_says_that_the_file_is_run() -> None:
    commands = (
        "inspect", "verify", "check", "build", "acquire", "generate", "samples generate",
        "samples list", "samples run", "schema list", "schema show", "schema diff",
        "schema check", "schema export",
    )  # fmt: skip
    for command in commands:
        text = " ".join(said(*command.split(), "--help").split())
        assert "FILE.py:NAME is a draft of your own; FILE.py is run for it." in text, command


def test_a_draft_that_can_not_be_bound_is_refused_before_a_file_is_read() -> None:
    fields = (author.Field("Kind", author.Coded("Kinds"), "What it is."),)
    layout = author.Layout("Remark", "§lab", fields)
    block = author.BlockType(0x1002, "Remark", "§lab", "A remark.", layout)
    faulty = author.DRAFTS[BASE].overlay("faulty", version=0x0102, status="ours", blocks=[block])
    with pytest.raises(KeyError, match="Kinds"):
        msl_construct.schema(faulty)
