"""Generated parsers, set up once exactly as their users are told to."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

from languages import toolchains
from languages.toolchains import Missing, kept

import msl_construct
from msl_construct.corpus import Manifest, Sample
from msl_construct.drafts import DRAFTS, NEWEST_DRAFT
from msl_construct.exports import ksy
from msl_construct.generate import TARGETS, Compiler, Parser, generate
from msl_construct.harness import Results, run
from msl_construct.schema import Draft

__all__ = [
    "ASKED",
    "IMITATED",
    "PROGRAMS",
    "READ_WRITE",
    "all_files",
    "decoded",
    "environment",
    "example",
    "here",
    "ready",
    "words_of",
]

PROGRAMS = {
    "python": ("pip",),
    "javascript": ("node", "npm"),
    "java": ("mvn", "javac", "java"),
    "go": ("go",),
    "rust": ("cargo",),
    "cpp": ("cmake", "c++"),
    "csharp": ("mcs", "mono"),
    "ruby": ("ruby",),
    "php": ("php",),
    "lua": ("lua5.3",),
    "perl": ("perl",),
    "nim": ("nim",),
}
"""What the commands of a language call, where the machine may have it."""

SAMPLES = Path(__file__).parents[1] / "samples"
RUNTIMES = Path(__file__).parent / "languages" / "runtimes"
"""What stands in for Kaitai's runtimes that no registry has which can be reached from anywhere."""
LAYERS = RUNTIMES.parent / "layers"
"""Programs for the tests that go on what is generated, by language."""
ASKED = {
    "python": "python asked.py",
    "javascript": "node asked.js",
    "java": "java -cp 'lib/*:classes' Asked",
    "go": "go run ./asked",
    "rust": "cargo run -q --bin asked",
    "cpp": "build/asked",
}
"""How the program beside a layer that answers the tests is started, in the folder of the parser."""
_PROGRAMS_OF_EACH = ("list_regions", "read_page", "decoder")
_BUILT_WITH: dict[str, tuple[str, ...]] = {
    "csharp": tuple(
        f"mcs -nologo -warn:0 -out:{name}.exe -main:{name} {name}.cs Msl*.cs runtime/*.cs"
        for name in ("ListRegions", "ReadPage", "Decoder")
    ),
    "ruby": (),
    "php": ("mv runtime vendor",),
    "lua": (),
    "perl": (),
    "nim": tuple(
        f"nim c --hints:off --warnings:off --nimcache:built --path:runtime {name}.nim"
        for name in _PROGRAMS_OF_EACH
    ),
    "rust": (
        r"sed -i 's|^kaitai = .*|kaitai = { path = \"runtime\" }|' Cargo.toml",
        "cargo build -q",
    ),
    "cpp": (
        "sed -i 's/^foreach(example /&asked /' CMakeLists.txt",
        'cmake -B build -DCMAKE_PREFIX_PATH="$PWD/runtime"',
        "cmake --build build",
    ),
}
"""Commands in place of those that fetch such a runtime."""

_RUN_WITH = {
    "csharp": (
        (r"^dotnet run -p:StartupObject=(\w+)( --)?", r"mono \1.exe"),
        (r"^dotnet run --", "mono ListRegions.exe"),
    ),
    "ruby": ((r"^bundle exec ruby", "ruby -Iruntime"),),
    "lua": ((r"^lua", "lua5.3"),),
    "perl": ((r"^perl -I\.", "perl -I. -Iruntime"),),
}
"""How commands of a page begin, and what is run in their place, with such a runtime."""

IMITATED = tuple(_BUILT_WITH)
"""The languages of which Kaitai's runtime is an imitation."""

READ_PAGE = {
    "python": "python read_page.py",
    "javascript": "node read_page.js",
    "java": "java -cp 'lib/*:classes' ReadPage",
    "go": "go run ./read_page",
    "rust": "cargo run -q --bin read_page",
    "cpp": "build/read_page",
    "csharp": "dotnet run -p:StartupObject=ReadPage --",
    "ruby": "bundle exec ruby read_page.rb",
    "php": "php read_page.php",
    "lua": "lua read_page.lua",
    "perl": "perl -I. read_page.pl",
    "nim": "./read_page",
}
"""How a page's bytes are printed."""

READ_WRITE = "-read-write"
_PACKAGE = Path(msl_construct.__file__).parent / "generate"
_TIME_LIMIT = 300


def _age(compiler: Compiler, draft: Draft) -> str:
    """What changes with anything that a generated folder depends on."""
    digest = hashlib.sha256(f"{compiler.where} {compiler.version} {sys.executable}".encode())
    digest.update(ksy.export(draft).encode())
    for path in sorted(p for p in _PACKAGE.rglob("*") if p.suffix in (".py", ".js", ".in")):
        digest.update(path.read_bytes())
    for path in sorted(p for top in (RUNTIMES, LAYERS) for p in top.rglob("*") if p.is_file()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _write(folder: Path, parser: Parser) -> None:
    for name, text in parser.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def all_files(name: str = NEWEST_DRAFT) -> Path:
    """A folder with a folder for every language, and ``python-read-write``, ``java-read-write``.

    Args:
        name: the draft; of an earlier one there are no classes that write.

    Raises:
        Missing: there is no compiler.
    """
    compiler = toolchains.compiler()
    draft = DRAFTS[name]

    def fill(folder: Path) -> None:
        for parser in generate(list(TARGETS.values()), draft, compiler=compiler):
            _write(folder / parser.target.name, parser)
        writing = [target for target in TARGETS.values() if target.writes]
        if compiler.complete and name == NEWEST_DRAFT:
            for parser in generate(writing, draft, read_write=True, compiler=compiler):
                _write(folder / f"{parser.target.name}{READ_WRITE}", parser)

    return kept(f"generate-{_age(compiler, draft)}", fill)


def environment(folder: Path) -> dict[str, str]:
    """One in which pip installs into the folder, and ``python`` is this one."""
    here = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": f"{here}{os.pathsep}{os.environ['PATH']}",
        "PIP_TARGET": str(folder / "lib"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONPATH": str(folder / "lib"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "npm_config_update_notifier": "false",
    }


def _shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIME_LIMIT,
        check=False,
    )


def ready(name: str, draft: str = NEWEST_DRAFT) -> Path:
    """The folder of a language after the commands that its users are given, but the last.

    Where Kaitai's runtime is on no registry that can be reached, `RUNTIMES` stands in for it.

    Args:
        name: a language, with `READ_WRITE` behind it for the classes that write.
        draft: of which the parser is.

    Raises:
        Missing: the compiler, one of the language's programs or its registry is not there.
    """
    language = name.removesuffix(READ_WRITE)
    for program in PROGRAMS[language]:
        toolchains.program(program)
    files = all_files(draft)
    if not (files / name).is_dir():
        raise Missing(f"no compiler for the Java virtual machine, which {name} needs")

    def fill(folder: Path) -> None:
        shutil.copytree(files / name, folder, dirs_exist_ok=True)
        if (LAYERS / language).is_dir():
            shutil.copytree(LAYERS / language, folder, dirs_exist_ok=True)
        if language in _BUILT_WITH:
            shutil.copytree(RUNTIMES / language, folder / "runtime")
        for command in _BUILT_WITH.get(language, TARGETS[language].run[:-1]):
            ran = _shell(command, folder)
            if ran.returncode:
                said = f"{command}: {ran.stdout[-1000:]}{ran.stderr[-3000:]}"
                if command.startswith(("javac", "cargo", "cmake", "mcs", "nim")):
                    raise AssertionError(said)
                raise Missing(f"the registry of {language} is out of reach: {said}")

    return kept(f"{files.name}-{name}", fill)


def words_of(name: str, which: str) -> str:
    """The command of a program, as it is run here: ``list``, ``read`` or ``decode``."""
    language = name.removesuffix(READ_WRITE)
    target = TARGETS[language]
    assert target.decoder is not None
    words = {
        "list": target.run[-1].replace(" DUMP", ""),
        "read": READ_PAGE[language],
        "decode": target.decoder.command,
    }[which]
    return here(language, words)


def decoded(folder: Path, name: str, samples: Sequence[Sample]) -> Results:
    """What a decoder makes of samples at the level of its language, without touching the code."""
    words = f"cd {shlex.quote(str(folder))} && exec {words_of(name, 'decode')}"
    with patch.dict(os.environ, environment(folder)):
        return run(
            Manifest.load(SAMPLES),
            shlex.join(["sh", "-c", words]),
            level=TARGETS[name.removesuffix(READ_WRITE)].level,
            batch=True,
            jobs=1,
            timeout=60,
            only=[sample.name for sample in samples],
        )


def here(language: str, command: str) -> str:
    """A command of a language's page as it is run with a runtime that is an imitation."""
    for beginning, instead in _RUN_WITH.get(language, ()):
        command = re.sub(beginning, instead, command)
    return command


def example(folder: Path, command: str) -> tuple[int, str, str]:
    """An example's exit code, what it printed, and what it said to people."""
    ran = _shell(command, folder)
    return ran.returncode, ran.stdout, ran.stderr
