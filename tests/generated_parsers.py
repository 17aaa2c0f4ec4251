"""Generated parsers, set up once exactly as their users are told to."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from languages import toolchains
from languages.toolchains import Missing, kept

import msl_construct
from msl_construct.drafts import DRAFTS, NEWEST_DRAFT
from msl_construct.exports import ksy
from msl_construct.generate import TARGETS, Compiler, Parser, generate

__all__ = [
    "IMITATED",
    "PROGRAMS",
    "READ_WRITE",
    "all_files",
    "environment",
    "example",
    "here",
    "ready",
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

RUNTIMES = Path(__file__).parent / "languages" / "runtimes"
"""What stands in for Kaitai's runtimes that no registry has which can be reached from anywhere."""
LAYERS = RUNTIMES.parent / "layers"
"""Programs for the tests that go on what is generated, by language."""
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

READ_WRITE = "-read-write"
_PACKAGE = Path(msl_construct.__file__).parent / "generate"
_TIME_LIMIT = 300


def _age(compiler: Compiler) -> str:
    """What changes with anything that a generated folder depends on."""
    digest = hashlib.sha256(f"{compiler.where} {compiler.version} {sys.executable}".encode())
    digest.update(ksy.export(DRAFTS[NEWEST_DRAFT]).encode())
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


def all_files() -> Path:
    """A folder with a folder for every language, and ``python-read-write``, ``java-read-write``.

    Raises:
        Missing: there is no compiler.
    """
    compiler = toolchains.compiler()

    def fill(folder: Path) -> None:
        draft = DRAFTS[NEWEST_DRAFT]
        for parser in generate(list(TARGETS.values()), draft, compiler=compiler):
            _write(folder / parser.target.name, parser)
        writing = [target for target in TARGETS.values() if target.writes]
        if compiler.complete:
            for parser in generate(writing, draft, read_write=True, compiler=compiler):
                _write(folder / f"{parser.target.name}{READ_WRITE}", parser)

    return kept(f"generate-{_age(compiler)}", fill)


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


def ready(name: str) -> Path:
    """The folder of a language after the commands that its users are given, but the last.

    Where Kaitai's runtime is on no registry that can be reached, `RUNTIMES` stands in for it.

    Args:
        name: a language, with `READ_WRITE` behind it for the classes that write.

    Raises:
        Missing: the compiler, one of the language's programs or its registry is not there.
    """
    language = name.removesuffix(READ_WRITE)
    for program in PROGRAMS[language]:
        toolchains.program(program)
    files = all_files()
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


def here(language: str, command: str) -> str:
    """A command of a language's page as it is run with a runtime that is an imitation."""
    for beginning, instead in _RUN_WITH.get(language, ()):
        command = re.sub(beginning, instead, command)
    return command


def example(folder: Path, command: str) -> tuple[int, str, str]:
    """An example's exit code, what it printed, and what it said to people."""
    ran = _shell(command, folder)
    return ran.returncode, ran.stdout, ran.stderr
