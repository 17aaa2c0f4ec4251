"""What one can do wrong in a draft of one's own, and who is to blame for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from authoring import BASE, FILE, MINE, a_dump, complained, known_as_before, said  # noqa: F401
from commands import PLACE, run

import msl_construct
from msl_construct import author
from msl_construct.cli.inspect import inspect
from msl_construct.cli.schema_check import check as schema_check
from msl_construct.drafts.authored import load
from msl_construct.errors import DraftError

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
    "a hash of the chain is gone": (
        f"{GOOD}, layouts={{'end_of_capture':\n  lambda x: x.replacing('FileHash', 'x')}})",
        3,
        "the integrity chain names",
    ),
    "the type that memory is found by": (
        f"{GOOD}, amendments=[\n  rename('BlockType', 'memory_region', 'Memory')])",
        4,
        "readers find memory by its name",
    ),
    "a name that another type has": (
        f"{GOOD}, amendments=[\n  rename('BlockType', 'key_hint', 'VAS Map')])",
        4,
        "there is a block type VAS Map already",
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
    "a layout without a field": (
        f"{GOOD}, blocks=[\n{BLOCK.format('')[:-3]}Field('A', U8, 'An A.'))))])",
        4, "a list of one ends with a comma"),
    "a type that is a text": (
        f"{GOOD}, layouts={{\n'module_entry': lambda x: x.changing('PathLen', type='U32')}})",
        4, "Field PathLen: type: expected a Construct such as U32, found 'U32'"),
    "a class that is not made": (
        f"{GOOD}, blocks=[\n{BLOCK.format('')[:-3]}Field('A', Uint, 'An A.'),)))])",
        4, "the class Uint itself; make one: Uint(…)"),
    "no width": (f"X = [\n Uint(3)]\n{GOOD})", 4, "a width of 1, 2, 4 or 8 bytes, found 3"),
    "no number of bytes": (f"X = [\n Bytes(-1)]\n{GOOD})", 4, "found -1"),
    "a registry for its name": (
        f"X = Enumeration('E', 1, '§lab', 'An E.', [Value(1, 'A')])\nY = Coded(X)\n{GOOD})",
        4, "expected the name of a registry, found one of class Enumeration"),
    "a code that is a text": (f"X = [\n Value('1', 'A')]\n{GOOD})", 4, "code: expected a number"),
    "a table of no layout": (f"X = [\n Table('N', U8)]\n{GOOD})", 4, "expected a Layout"),
    "no block type": (f"{GOOD}, blocks=[None])", 3, "blocks[0]: expected a BlockType, found None"),
    "a version that is a text": (
        "MINE = BASE.overlay('mistaken', version='1.2', status='ours')",
        3, "version: expected a number"),
    "edits in a list": (f"{GOOD}, layouts=['key_hint'])", 3, "by name"),
    "no edit": (f"{GOOD}, layouts={{'key_hint': 5}})", 3, "key_hint: expected a function"),
    "one text for a list": (f"{GOOD}, forbidden_blocks='key_hint')", 3, "the one text 'key_hint'"),
    "flags that are texts": (f"{GOOD}, bits={{'HeaderFlags': ['X']}})", 3, "expected a Bit"),
    "no magic": (
        f"{GOOD}, layouts={{'file_header':\n lambda x: x.changing('Magic', type=U64)}})",
        4, "File Header has no Magic"),
    "a default of another kind": (
        f"{GOOD}, blocks=[\n{BLOCK.format('')[:-3]}Field('Kind', U8, 'An A.', default='C'),)))])",
        4, "default: remark.kind: expected a number, found 'C'"),
    "no id of a rule": ("@rule('foo', Level.MUST, Scope.BLOCK, requirement='', wrong='', why='')\n"
                        f"def r(block): pass\n{GOOD})", 3, "expected the id of a rule"),
    "a scope that is a text": (
        "@rule('MSL-9-X', Level.MUST, 'BLOCK', requirement='', wrong='', why='')\n"
        f"def r(block): pass\n{GOOD})", 3, "scope: expected a Scope"),
    "a rule of two things": (
        "@rule('MSL-9-X', Level.MUST, Scope.BLOCK, requirement='', wrong='', why='')\n"
        f"def r(block, facts): pass\n{GOOD})", 3, "expected a function of one argument"),
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


@pytest.mark.parametrize(
    ("body", "words", "line"),
    [
        ("return None", "expected it to yield Found(…), got None", 3),
        ("yield 'bad'", "expected it to yield Found(…), got 'bad'", 3),
        ("yield Found('bad', 'x')", "Found: offset: expected a file offset, or None, found 'x'", 6),
    ],
)
def test_a_rule_that_yields_something_else(
    body: str, words: str, line: int, dump: Path, tmp_path: Path
) -> None:
    rule = "@rule('MSL-9-X', Level.MUST, Scope.BLOCK, requirement='A.', wrong='B.', why='C.')"
    text = f"{HEAD}{rule}\ndef r(block):\n    'Something.'\n    {body}\n{GOOD}, rules=[r])\n"
    (tmp_path / "own.py").write_text(text, "utf-8")
    done = run("check", "--draft", "own.py:MINE", dump, folder=tmp_path)
    assert done.returncode == 2, done.stderr
    said = " ".join(done.stderr.decode().split())
    assert f"own.py:{line}: " in said
    assert words in said


def test_a_field_that_is_gone_is_named(dump: Path, tmp_path: Path) -> None:
    """This package finds the links of a file by the names of their fields."""
    renamed = "amendments=[rename('block_header', 'ParentUUID', 'Parent')]"
    (tmp_path / "own.py").write_text(f"{HEAD}{GOOD}, {renamed})\n", "utf-8")
    said = complained("inspect", "--draft", "own.py:MINE", dump, folder=tmp_path)
    assert "Block Header has no field parent_uuid" in said
    assert "defect of ours" not in said


def test_schema_check_makes_what_commands_make_of_a_draft(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(f"{HEAD}{GOOD}, rules=[print])\n", "utf-8")
    assert "own.py:3: " in complained("schema", "check", "own.py:MINE", folder=tmp_path)


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ('DRAFTS["draft-2026-10"].base.blocks[0].layout.field(key="no such")', 2),  # argument
        ("inner_layouts(None)", 70),
    ],
)
def test_who_raised_it_is_to_blame(broken: str, code: int, dump: Path, tmp_path: Path) -> None:
    """A function of ours that fails under an author's line is ours, but for its arguments."""
    source = FILE.read_text("utf-8").replace('block.payload.get("places") == []', broken)
    ours = "from msl_construct.schema.layout import inner_layouts"
    (tmp_path / "own.py").write_text(source.replace("MINE = ", f"{ours}\nMINE = "), "utf-8")
    done = run("check", "--draft", "own.py:MINE", dump, folder=tmp_path)
    assert done.returncode == code, done.stderr
    assert (b"defect of ours" in done.stderr) == (code == 70)
    assert b"own.py:" in done.stderr


def test_a_defect_of_ours_is_not_its_author_s(
    dump: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise IndexError("nowhere")

    monkeypatch.setattr("msl_construct.cli.inspect._document", fail)
    with pytest.raises(SystemExit) as ended:
        inspect.main(args=["--json", "--draft", MINE, str(dump)], standalone_mode=False)
    assert ended.value.code == 70
    said = capsys.readouterr().err  # of this process, and it has loaded the drafts of other tests
    assert "a defect of ours: IndexError: nowhere, with the draft " in said
    assert MINE in said


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (IndexError("nowhere"), 70, "a defect of ours: IndexError: nowhere, with the draft"),
        (TypeError("no"), 70, "a defect of ours: TypeError: no, with the draft"),
        (KeyError("x"), 70, "a defect of ours: KeyError: 'x', with the draft"),
        (ValueError("mine: expected less"), 2, "mine.py:"),
        (KeyError("mine has no such thing"), 2, "mine.py:"),
    ],
)
def test_what_we_do_not_say_of_a_draft_is_a_defect_of_ours(
    error: Exception,
    code: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where none of the author's lines was run, an error that we did not raise is ours."""

    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr("msl_construct.exports.consistency._chain", fail)
    for command, arguments in ((inspect, ["--draft", MINE, "x"]), (schema_check, [MINE])):
        with pytest.raises(SystemExit) as ended:
            command.main(args=arguments)
        said = " ".join(capsys.readouterr().err.split())
        assert (ended.value.code, "defect of ours" in said) == (code, code == 70)
        assert words in said


def test_an_error_of_the_author_s_own_code_is_the_author_s(tmp_path: Path) -> None:
    """Whatever is raised: his lines were run when it was."""
    text = f"{HEAD}class T(tuple):\n  def __iter__(self):\n    return [][1]\n"
    more = "from dataclasses import replace\nMINE = replace(MINE, rules=T())\n"
    (tmp_path / "own.py").write_text(f"{text}{GOOD})\n{more}", "utf-8")
    error = complained("schema", "show", "own.py:MINE", folder=tmp_path)
    assert "own.py:5: IndexError" in error


def test_schema_check_names_the_line_of_a_finding(tmp_path: Path) -> None:
    state = "page_states=[\n  Value(9, 'Frozen')]"
    (tmp_path / "own.py").write_text(
        f"{HEAD}{GOOD}, {state})\nfrom dataclasses import replace\n"
        "BARE = replace(MINE, name='bare', chain=())\n",
        "utf-8",
    )
    found = said("schema", "check", "own.py:MINE", "-q", code=1, folder=tmp_path)
    line = "own.py:4: mistaken: out-of-range: PageState.Frozen: Frozen (9) does not fit 2 bits\n"
    assert line in found
    found = said("schema", "check", "own.py:BARE", "-q", code=1, folder=tmp_path)
    assert "own.py:6: bare: no-hash: chain: the integrity chain has no hash of" in found
    row = json.loads(said("schema", "check", "own.py:MINE", "--json", code=1, folder=tmp_path)
                     .splitlines()[0])  # fmt: skip
    assert (row["file"], row["line"]) == ("own.py", 4)


@pytest.mark.parametrize(
    ("renamed", "words"),
    [
        ("rename('memory_region', 'BaseAddr', 'Start')", ("check", "recover")),
        ("rename('PageState', 'Captured', 'There')", ("convert",)),
    ],
)
def test_a_name_that_a_command_asks_for_is_the_author_s(
    renamed: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(f"{HEAD}{GOOD}, amendments=[\n  {renamed}])\n", "utf-8")
    dump = PLACE / "samples" / "valid" / "live-11-le.msl"
    for word in words:
        option = "--to-draft" if word == "convert" else "--draft"
        more = [] if word == "check" else ["-o", "out.msl"]
        done = run(word, option, "own.py:MINE", dump, *more, folder=tmp_path)
        assert done.returncode == 2, done.stderr
        assert b"defect of ours" not in done.stderr
        text = " ".join(done.stderr.decode().split())
        assert "own.py:4: mistaken: rename " in text
        assert "asks for it by that name" in text


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


def test_a_draft_that_can_not_be_bound_is_refused_before_a_file_is_read() -> None:
    fields = (author.Field("Kind", author.Coded("Kinds"), "What it is."),)
    layout = author.Layout("Remark", "§lab", fields)
    block = author.BlockType(0x1002, "Remark", "§lab", "A remark.", layout)
    faulty = author.DRAFTS[BASE].overlay("faulty", version=0x0102, status="ours", blocks=[block])
    with pytest.raises(KeyError, match="Kinds"):
        msl_construct.schema(faulty)
