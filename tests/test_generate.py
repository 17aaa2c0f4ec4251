"""`msl generate`: finding a compiler, refusing in one line, and files whole or not at all."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import generated_parsers
import pytest
from click.testing import CliRunner
from commands import COMMAND, PLACE, one_line
from languages import toolchains
from languages.toolchains import Missing

from msl_construct.cli.group import cli
from msl_construct.drafts import DRAFTS, NEWEST_DRAFT
from msl_construct.generate import TARGETS, ExistsError, UnfitError, generate
from msl_construct.generate.class_path import class_path, installed_jars
from msl_construct.generate.compiler import (
    JAR_VARIABLE,
    MINIMUM,
    NODE_VARIABLE,
    Compiler,
    CompilerError,
    Request,
    _from_node,
)
from msl_construct.generate.parser import ExampleError
from msl_construct.generate.whole_files import place

DRAFT = DRAFTS[NEWEST_DRAFT]

FAKE = """#!{python}
import pathlib, sys
arguments = sys.argv[1:]
if arguments == ["--version"]:
    print("{says}")
    sys.exit()
if {refuses}:
    sys.exit("msl.ksy: /seq/0: no such thing")
out = pathlib.Path(arguments[arguments.index("--outdir") + 1])
out.mkdir()
(out / "Msl.js").write_text("{words}")
(out / "options").write_text(" ".join(arguments[:-1]))
"""
"""A stand-in for kaitai-struct-compiler that knows one language."""

NODE_FAKE = """
exports.version = '0.11.0';
exports.compile = async (target, schema) => ({'/Msl.js': schema.meta.id + ' WORDS'});
"""


class Place:
    """A machine with nothing on it, and what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "bin"
        self.home = folder / "home"
        for path in (self.programs, self.home):
            path.mkdir()

    def fake(self, says: str, *, name: str = "ksc", refuses: bool = False) -> Path:
        words = " ".join(TARGETS["javascript"].accessors)
        path = self.programs / name
        path.write_text(FAKE.format(python=sys.executable, says=says, refuses=refuses, words=words))
        path.chmod(0o755)
        return path

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if k not in (JAR_VARIABLE, NODE_VARIABLE)}
        return subprocess.run(
            [*COMMAND, "generate", *arguments],
            cwd=self.folder,
            env={
                **kept,
                "PATH": str(self.programs),
                "HOME": str(self.home),
                "PYTHONPATH": str(PLACE),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(name="here")
def bare_machine(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_without_a_compiler_it_says_how_to_get_one(here: Place) -> None:
    ran = here.run("python")
    said = one_line(ran.stderr.encode())
    assert ran.returncode == 3
    assert ran.stdout == ""
    assert "mvn dependency:get -Dartifact=io.kaitai:kaitai-struct-compiler_2.13:0.11" in said
    assert "npm install kaitai-struct-compiler@0.11" in said
    assert "apt-get install" in said
    assert not (here.folder / "msl-python").exists()


@pytest.mark.parametrize("says", ["0.9", "0.10", "0.10.99"])
def test_an_old_compiler_is_refused_with_its_version(here: Place, says: str) -> None:
    fake = here.fake(f"kaitai-struct-compiler {says}")
    ran = here.run("javascript")
    assert ran.returncode == 3
    said = one_line(ran.stderr.encode())
    assert f"{fake} is {says}" in said
    assert "0.11 or later" in said


@pytest.mark.parametrize("says", ["0.11", "0.11-SNAPSHOT", "0.12.1", "1.0"])
def test_a_compiler_that_is_new_enough_is_taken(here: Place, says: str) -> None:
    here.fake(f"kaitai-struct-compiler {says}")
    ran = here.run("javascript", "--quiet")
    assert (ran.returncode, ran.stderr) == (0, "")
    names = [Path(line).relative_to("msl-javascript").as_posix() for line in ran.stdout.split()]
    assert "Msl.js" in names
    assert all((here.folder / line).is_file() for line in ran.stdout.split())
    assert "-t javascript" in (here.folder / "msl-javascript/options").read_text()


def test_another_program_called_ksc_is_none(here: Place) -> None:
    here.fake("ksc - kernel symbol checker")
    ran = here.run("javascript")
    assert ran.returncode == 3
    assert "found none" in ran.stderr


def test_the_long_name_comes_before_the_short_one(here: Place) -> None:
    here.fake("kaitai-struct-compiler 0.11", name="kaitai-struct-compiler")
    here.fake("kaitai-struct-compiler 0.11", refuses=True)
    assert here.run("javascript").returncode == 0


def test_what_the_compiler_says_is_passed_on(here: Place) -> None:
    fake = here.fake("kaitai-struct-compiler 0.11", refuses=True)
    ran = here.run("javascript")
    assert ran.returncode == 3
    said = one_line(ran.stderr.encode())
    assert str(fake) in said
    assert "/seq/0: no such thing" in said
    assert not (here.folder / "msl-javascript").exists()


def test_a_named_jar_that_does_not_start_is_said(here: Place) -> None:
    here.fake("kaitai-struct-compiler 0.11")
    ran = here.run("javascript", **{JAR_VARIABLE: "nowhere.jar"})
    assert ran.returncode == 3
    assert JAR_VARIABLE in one_line(ran.stderr.encode())


def test_the_npm_package_is_found_where_the_variable_says(here: Place) -> None:
    node = _needs("node", "nodejs")
    (here.programs / "node").symlink_to(node)
    package = here.folder / "modules/kaitai-struct-compiler"
    package.mkdir(parents=True)
    words = " ".join(TARGETS["javascript"].accessors)
    (package / "index.js").write_text(NODE_FAKE.replace("WORDS", words))
    told = {NODE_VARIABLE: str(package.parent)}

    (package / "package.json").write_text(json.dumps({"version": "0.10.0", "main": "index.js"}))
    ran = here.run("javascript", **told)
    assert ran.returncode == 3
    assert "is 0.10.0" in one_line(ran.stderr.encode())

    (package / "package.json").write_text(json.dumps({"version": "0.11.0", "main": "index.js"}))
    ran = here.run("javascript", "-q", **told)
    assert (ran.returncode, ran.stderr) == (0, "")
    made = (here.folder / "msl-javascript/Msl.js").read_text()
    assert made.startswith("msl "), "the schema's id"

    for option in (["--package", "a.b"], ["--read-write"]):
        ran = here.run("java", *option, **told)
        assert ran.returncode == 3
        assert f"the npm build, which can't do {option[0]}" in one_line(ran.stderr.encode())


def test_the_older_draft_makes_classes_of_the_same_name(here: Place) -> None:
    here.fake("kaitai-struct-compiler 0.11")
    for draft in DRAFTS:
        ran = here.run("javascript", "--draft", draft, "-q", "-o", draft)
        assert ran.returncode == 0, ran.stderr
        assert (here.folder / draft / "msl.ksy").read_text().startswith("meta:\n  id: msl\n")
    texts = {(here.folder / draft / "msl.ksy").read_text() for draft in DRAFTS}
    assert len(texts) == len(DRAFTS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["klingon"], "'klingon' is not one of 'python'"),
        ([], "either a language or --all"),
        (["python", "--all"], "either a language or --all"),
        (["go", "--read-write"], "Python and Java"),
        (["python", "--package", "x"], "has no package"),
        (["go", "--package", "a.b"], "'a.b' is no name of a package in Go"),
        (["java", "--package", "a..b"], "'a..b' is no name"),
        (["java", "--package", "--go-package"], "'--go-package' is no name"),
        (["java", "--draft", "draft-1999"], "draft-1999"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(arguments: list[str], said: str) -> None:
    ran = CliRunner().invoke(cli, ["generate", *arguments])
    assert ran.exit_code == 2
    assert said in " ".join(ran.output.split())


def test_files_that_exist_stay(here: Place) -> None:
    here.fake("kaitai-struct-compiler 0.11")
    folder = here.folder / "out"
    folder.mkdir()
    (folder / "Msl.js").write_text("mine")
    ran = here.run("javascript", "-o", "out")
    assert ran.returncode == 2
    assert "Msl.js exists" in ran.stderr
    assert [path.name for path in folder.iterdir()] == ["Msl.js"]
    assert (folder / "Msl.js").read_text() == "mine"
    assert here.run("javascript", "-o", "out", "--force").returncode == 0
    assert "baseAddr" in (folder / "Msl.js").read_text()
    (here.folder / "file").touch()
    assert here.run("javascript", "-o", "file").returncode == 2


def test_a_folder_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"a": "1", "deep/b": "2", "c": "3"}
    links = 0

    def full(*arguments: object) -> None:
        nonlocal links
        links += 1
        if links >= 3:
            raise OSError(28, "No space left on device")
        real(*arguments)  # type: ignore[arg-type]

    real = os.link
    monkeypatch.setattr(os, "link", full)
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        place(tmp_path / "new", files)
    assert [path for path in (tmp_path / "new").rglob("*") if path.is_file()] == []
    monkeypatch.undo()
    assert [path.name for path in place(tmp_path / "new", files)] == ["a", "b", "c"]
    with pytest.raises(ExistsError, match=r"and 2 more; --force"):
        place(tmp_path / "new", files)


def test_a_file_that_comes_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.link

    def late(source: Path, target: Path) -> None:
        target.write_text("theirs")
        real(source, target)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(ExistsError):
        place(tmp_path, {"a": "1"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "theirs"}


class _Fixed(Compiler):
    """A compiler whose output is given."""

    def compile(self, request: Request) -> dict[str, dict[str, str]]:
        return {target: {"Msl.js": self.where} for target in request.targets}


def test_examples_that_do_not_fit_are_a_defect() -> None:
    words = " ".join(TARGETS["javascript"].accessors)
    (parser,) = generate([TARGETS["javascript"]], DRAFT, compiler=_Fixed(words, "0.11"))
    assert "list_regions.js" in parser.files
    lacking = words.replace("pageStates", "pages")
    with pytest.raises(ExampleError, match="nothing generated is called pageStates"):
        generate([TARGETS["javascript"]], DRAFT, compiler=_Fixed(lacking, "0.11"))


def test_a_language_without_packages_has_none() -> None:
    with pytest.raises(UnfitError, match="Ruby has no package"):
        generate([TARGETS["ruby"]], DRAFT, package="x", compiler=_Fixed("", "0.11"))


def test_the_class_path_of_a_jar_is_what_its_pom_names(tmp_path: Path) -> None:
    def put(group: str, name: str, version: str, *needs: str) -> Path:
        folder = tmp_path.joinpath(*group.split("."), name, version)
        folder.mkdir(parents=True)
        (folder / f"{name}-{version}.pom").write_text(
            '<project xmlns="http://maven.apache.org/POM/4.0.0"><dependencies>'
            + "".join(needs)
            + "</dependencies></project>"
        )
        jar = folder / f"{name}-{version}.jar"
        jar.touch()
        return jar

    def need(group: str, name: str, version: str, scope: str = "") -> str:
        kind = f"<scope>{scope}</scope>" if scope else ""
        return (
            f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>"
            f"<version>{version}</version>{kind}</dependency>"
        )

    tool = "kaitai-struct-compiler_2.13"
    jar = put("io.kaitai", tool, "0.11", need("a.b", "one", "1"), need("x", "tests", "9", "test"))
    put("io.kaitai", tool, "0.9")
    one = put("a.b", "one", "1", need("c", "two", "2"))
    assert class_path(str(jar)) is None, "a jar that it needs is missing"
    two = put("c", "two", "2", need("a.b", "one", "1"))
    assert class_path(str(jar)) == os.pathsep.join(map(str, (jar, one, two)))
    assert installed_jars(tmp_path)[0] == jar
    assert class_path(str(tmp_path)) == str(tmp_path / "*")
    assert class_path("a.jar:b.jar") == "a.jar:b.jar"
    assert class_path(str(tmp_path / "none.jar")) is None


def test_dependencies_name_the_version_that_the_parser_needs() -> None:
    templates = PLACE / "msl_construct/generate/templates"
    major, minor = MINIMUM
    wanted = re.compile(rf"(?<!\d){major}\.0?{minor}")
    for name, target in TARGETS.items():
        if target.parses:
            texts = [path.read_text("utf-8") for path in (templates / name).rglob("*.in")]
            named = [text for text in texts if "kaitai" in text.lower()]
            assert any(map(wanted.search, named)), f"{name} has no dependency on the runtime"


def test_the_real_compilers_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The npm build gives, language by language, what the JVM build gives."""
    monkeypatch.chdir(tmp_path)
    try:
        if not toolchains.compiler().complete:
            pytest.skip("no compiler for the Java virtual machine")
        complete = generated_parsers.all_files()
        monkeypatch.setenv(NODE_VARIABLE, str(toolchains.node_modules()))
    except Missing as missing:
        pytest.skip(str(missing))
    (npm,) = _from_node()
    assert not npm.complete
    run = [TARGETS[name] for name in generated_parsers.PROGRAMS]
    same = [target for target in run if not target.options]
    for parser in generate(same, DRAFT, compiler=npm):
        folder = complete / parser.target.name
        files = {path for path in folder.rglob("*") if path.is_file()}
        assert {path.relative_to(folder).as_posix() for path in files} == set(parser.files)
        for path in files:
            text = parser.files[path.relative_to(folder).as_posix()]
            assert _meaning(path.read_text("utf-8")) == _meaning(text), path.name
    with pytest.raises(CompilerError, match="can't do -w"):
        npm.compile(Request("", "msl.ksy", ("python",), ("-w",)))
    (parser,) = generate([TARGETS["cpp"]], DRAFT, compiler=npm)
    assert "without --cpp-standard 11" in parser.note


def _meaning(text: str) -> list[str]:
    """Lines in any order and blank ones left out: the builds order some declarations freely."""
    return sorted(line.strip() for line in re.split(r"[\n,]", text) if line.strip())


def _needs(*programs: str) -> str:
    try:
        return toolchains.program(*programs)
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("name", ["exports.c", "generate"])
def test_the_wheel_has_all_files(name: str) -> None:
    package = PLACE.joinpath("msl_construct", *name.split("."))
    said = (PLACE / "pyproject.toml").read_text("utf-8")
    (patterns,) = re.findall(rf'(?m)^"msl_construct\.{re.escape(name)}" = \[(.*)\]$', said)
    data = {path for pattern in re.findall(r'"(.*?)"', patterns) for path in package.glob(pattern)}
    files = {
        path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    assert {path for path in files - data if path.suffix != ".py"} == set()
    assert any(path.suffix == ".in" for path in data)
