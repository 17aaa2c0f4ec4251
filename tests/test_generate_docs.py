"""The pages on other languages show what is there, and what they say of it is so."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import textwrap
from pathlib import Path

import generated_parsers
import pytest
from independent import wire
from independent.specimens import LE10, start
from languages.toolchains import Missing
from sampling import sampled

import msl_construct
from msl_construct.generate import TARGETS
from msl_construct.generate.compiler import JAR_VARIABLE, NODE_VARIABLE

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "spec-docs/languages"
TEMPLATES = ROOT / "msl_construct/generate/templates"
SAMPLES = ROOT / "samples"
ODD_TYPE = 0x2345
PICTURES = "pictures"


def text(page: str) -> str:
    return (PAGES / f"{page}.rst").read_text("utf-8")


def included(page: str) -> set[Path]:
    found = re.findall(r"(?m)^\.\. literalinclude:: (\S+)$", text(page))
    return {(PAGES / name).resolve() for name in found}


def page_of(name: str) -> str:
    return name if TARGETS[name].parses else PICTURES


@pytest.mark.parametrize("name", TARGETS)
def test_every_language_has_its_page(name: str) -> None:
    shown = text(page_of(name))
    assert re.search(rf"(?m)^   \$ msl generate {name}$", shown)
    for command in TARGETS[name].run:
        assert f"   $ {command}\n" in shown, command
    if TARGETS[name].parses:
        for heading in ("Generate and run", "List regions", "Read a page", "What is special"):
            assert re.search(rf"(?m)^{heading}\n-+$", shown), heading
        templates = {path.resolve() for path in (TEMPLATES / name).rglob("*.in")}
        left = {path.name for path in templates - included(name)}
        assert left <= {"lib.rs.in"}, "every other file is on the page"
        tested = name in generated_parsers.PROGRAMS
        assert ("are run by the tests" in shown) == tested
        assert ("**Not run by the tests:**" in shown) == (not tested)


def test_the_index_has_every_page_and_says_where_the_compiler_is() -> None:
    shown = text("index")
    pages = {path.stem for path in PAGES.glob("*.rst")} - {"index"}
    assert set(re.findall(r"(?m)^   ([a-z-]+)$", shown)) == pages
    assert {page_of(name) for name in TARGETS} <= pages
    for variable in (JAR_VARIABLE, NODE_VARIABLE):
        assert f"``{variable}``" in shown
    assert "   languages/index\n" in (ROOT / "spec-docs/index.rst").read_text("utf-8")
    readme = " ".join((ROOT / "README.md").read_text("utf-8").split())
    for target in TARGETS.values():
        assert target.title in readme, target.title


def test_the_page_on_writing_shows_both_languages() -> None:
    templates = {path.resolve() for path in (TEMPLATES / "read_write").rglob("*.in")}
    assert included("read-write") == templates
    for name, target in TARGETS.items():
        if target.writes:
            assert f"$ msl generate {name} --read-write" in text("read-write")


@pytest.mark.parametrize("page", sorted(path.stem for path in PAGES.glob("*.rst")))
def test_pages_name_nothing_that_the_reader_has_not(page: str) -> None:
    assert re.findall(r"/(?:work|home|root|tmp)/\S*|\.\./shared\S*", text(page)) == []


def ready(name: str) -> Path:
    try:
        return generated_parsers.ready(name)
    except Missing as missing:
        pytest.skip(f"{name}: {missing}")


def test_the_session_of_the_command_line_page() -> None:
    try:
        made = generated_parsers.all_files() / "go"
    except Missing as missing:
        pytest.skip(str(missing))
    page = (ROOT / "spec-docs/cli.rst").read_text("utf-8")
    (session,) = re.findall(r"(?m)^   \$ msl generate go -o parser\n((?:   .+\n)+)", page)
    lines = session.splitlines()
    listed = {line.strip() for line in lines if line.startswith("   parser/")}
    files = (path.relative_to(made) for path in made.rglob("*") if path.is_file())
    assert listed == {f"parser/{path.as_posix()}" for path in files}
    target = TARGETS["go"]
    assert target.decoder is not None
    judged = f"msl samples run --decoder '{target.decoder.command}' --batch --level {target.level}"
    commands = [line.strip() for line in lines if line.startswith("     ")]
    assert commands == [*target.run, judged]


@pytest.fixture(name="odd")
def odd_dump(tmp_path: Path) -> Path:
    """A block of an unknown type, and a path that is not UTF-8."""
    builder = start(LE10)
    builder.add(ODD_TYPE, b"unknown.")
    builder.add(wire.MODULE_ENTRY, wire.module_entry("<", path=b"\xff/x\0"))
    builder.add(wire.MEMORY_REGION, wire.memory_region("<", [0], base_addr=1 << 63))
    path = tmp_path / "odd.msl"
    path.write_bytes(builder.data())
    return path


def said(folder: Path, command: str) -> str:
    code, shown, complaint = generated_parsers.example(folder, command)
    assert code == 0, complaint
    return shown


PYTHON = """
import sys
from msl import Msl
odd, module, region = Msl.from_file(sys.argv[1]).blocks
print(repr(odd.block_type), type(module.block_type).__name__)
try:
    print(module.payload.path)
except UnicodeDecodeError as error:
    print(error.object)
"""


def test_what_the_page_says_of_python(odd: Path, tmp_path: Path) -> None:
    folder = ready("python")
    (tmp_path / "check.py").write_text(PYTHON)
    command = f"PYTHONPATH=.:$PYTHONPATH python {tmp_path}/check.py {odd}"
    assert said(folder, command) == f"{ODD_TYPE} BlockType\nb'\\xff/x'\n"
    assert f"is {ODD_TYPE}" in text("python")


JAVASCRIPT = """
const {Msl} = require('./Msl');
const Stream = require('kaitai-struct/KaitaiStream');
const read = (path) => new Msl(new Stream(require('fs').readFileSync(path)));
const [odd, module_] = read(process.argv[1]).blocks;
console.log(odd.blockType, JSON.stringify(module_.payload.path));
console.log(BigInt(read(process.argv[2]).fileHeader.timestamp).toString());
"""


def test_what_the_page_says_of_javascript(odd: Path) -> None:
    folder = ready("javascript")
    sample = SAMPLES / "live-le.msl"
    command = f"node -e {shlex.quote(JAVASCRIPT)} {odd} {sample}"
    shown, rounded = said(folder, command).splitlines()
    assert shown == f'{ODD_TYPE} "\N{REPLACEMENT CHARACTER}/x"'
    with msl_construct.open(sample) as dump:
        exact = dump.header.record.timestamp
    assert int(rounded) == int(float(exact)) != exact
    assert f"{exact} of the sample reads as {rounded}" in " ".join(text("javascript").split())


JAVA = """
import msl.Msl;
public class Check {
    public static void main(String[] arguments) throws Exception {
        java.util.List<Msl.Block> blocks = Msl.fromFile(arguments[0]).blocks();
        System.out.println(blocks.get(0).blockType() + " " + blocks.get(0).blockTypeCode());
        Msl.ModuleEntry module = (Msl.ModuleEntry) blocks.get(1).payload();
        System.out.println(module.path().length());
        System.out.println(((Msl.MemoryRegion) blocks.get(2).payload()).baseAddr());
    }
}
"""


def test_what_the_page_says_of_java(odd: Path, tmp_path: Path) -> None:
    folder = ready("java")
    (tmp_path / "Check.java").write_text(JAVA)
    command = f"java -cp 'lib/*:classes' {tmp_path}/Check.java {odd}"
    assert said(folder, command) == f"null {ODD_TYPE}\n3\n{-(1 << 63)}\n"
    assert f"says {ODD_TYPE} where" in " ".join(text("java").split())


LAYERS = {
    "python": ("read_memory.py", "PYTHONPATH=.:$PYTHONPATH python {}"),
    "javascript": ("read_memory.js", 'node -e "$(cat {})"'),
    "java": ("ReadMemory.java", "java -cp 'lib/*:classes' {}"),
    "go": ("main.go", "go run {}"),
}
"""A file for the program on a language's page that reads memory, and how it is run."""


@sampled()
@pytest.mark.parametrize("name", LAYERS)
def test_the_program_that_reads_memory_runs_as_it_is_printed(name: str, tmp_path: Path) -> None:
    found = re.search(
        r"(?m)^Read memory\n[\s\S]*?code-block:: \w+\n\n((?:   .*\n|\n)+)", text(name)
    )
    assert found is not None
    program = textwrap.dedent(found[1])
    assert program.count("process.msl") == 1
    file, command = LAYERS[name]
    path = tmp_path / file
    path.write_text(program.replace("process.msl", str(SAMPLES / "live-le.msl")), "utf-8")
    *regions, before, at = said(ready(name), command.format(path)).splitlines()
    assert {"captured", "failed", "unmapped"} <= set(re.findall(r"\w+", " ".join(regions)))
    assert re.search(r"\b8n? absent\b", before)
    assert re.search(r"\b8n? captured\b", at)


def test_the_c_example_reads_a_page(tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no cc on PATH")
    assert included("c") == {PAGES / "read_page.c", ROOT / "tests/c/walk.c"}
    built = tmp_path / "read_page"
    command = re.findall(r"(?m)^   \$ cc (.*)$", text("c"))[0].split()
    command = [
        {"-I.": f"-I{ROOT / 'schema'}", "read_page": str(built)}.get(word, word) for word in command
    ]
    strict = ["-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *strict, *command], cwd=PAGES, check=True, timeout=60)

    def shown(dump: str, address: int) -> tuple[int, str]:
        ran = subprocess.run(
            [built, SAMPLES / dump, hex(address)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return ran.returncode, ran.stdout

    for dump in ("live-le.msl", "live-be.msl"):
        with msl_construct.open(SAMPLES / dump) as opened:
            seen = set()
            for region in opened.regions:
                for first, _, state in region.runs():
                    address = region.base_addr + first * region.page_size
                    memory = opened.memory.read(address, region.page_size)
                    page = f"{bytes(memory.data).hex()}\n" if state == "captured" else ""
                    assert shown(dump, address + 7) == (0, f"{state}\n{page}")
                    seen.add(state)
            assert seen == {"captured", "failed", "unmapped"}
        assert shown(dump, 0) == (1, "")
