"""The languages whose generated code is run: how to build a driver and how to start it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msl_construct.generate import Request

from . import toolchains
from .toolchains import HERE, Missing, kept, program

__all__ = [
    "LANGUAGES",
    "TARGETS",
    "WRITERS",
    "Language",
    "Parser",
    "built",
    "documents",
    "generated",
    "prepare",
    "rewritten",
]

Parser = Callable[..., str]
"""Runs the driver with a plan (or a folder to write to) and a list of files; gives its output."""

TARGETS = (
    "cpp_stl",
    "csharp",
    "go",
    "java",
    "javascript",
    "lua",
    "nim",
    "perl",
    "php",
    "python",
    "ruby",
    "rust",
)
"""The compiler's names of the languages that the schema is for."""

WRITABLE = ("java", "python")
"""Those in which it generates classes that can write."""

_BUILDING = 300.0
_RUNNING = 240.0


@dataclass(frozen=True)
class Language:
    """One language.

    Args:
        name: its name on the command line, and the folder of its driver.
        target: the compiler's name of it.
        build: makes what there is to run in a folder of its own, which holds the generated
            files and those of the language's folder.
        command: what runs it there, and what it needs in the environment.
        options: options of the compiler, which only the JVM's takes.
    """

    name: str
    target: str
    build: Callable[[Path], None]
    command: Callable[[Path], tuple[list[str | Path], Mapping[str, str]]]
    options: tuple[str, ...] = ()


def generated(ksy: str, target: str, options: tuple[str, ...] = ()) -> dict[str, str]:
    """What the compiler makes of a schema for one language, by file name.

    The parser's class is called Msl, whatever the id of the schema.

    Args:
        options: of the compiler; only the JVM's takes any.

    Raises:
        Missing: there is no compiler.
        CompilerError: it refuses the schema.
    """
    renamed = re.sub(r"^  id: \w+$", "  id: msl", ksy, count=1, flags=re.MULTILINE)
    compiler = toolchains.compiler(complete=bool(options))
    # One run for all: starting the virtual machine takes longer than compiling.
    targets = WRITABLE if options else TARGETS

    def fill(folder: Path) -> None:
        made = compiler.compile(Request(renamed, "msl.ksy", targets, options))
        for name, files in made.items():
            (folder / name).mkdir()
            for path, text in files.items():
                (folder / name / Path(path).name).write_text(text, encoding="utf-8")

    folder = kept(f"generated-{_key(renamed, compiler.version, *options)}", fill) / target
    return {path.name: path.read_text("utf-8") for path in sorted(folder.iterdir())}


def built(language: Language, ksy: str, driver: Callable[[str], str] = lambda text: text) -> Path:
    """A folder with a driver and the generated parser of a schema, which is built only once.

    Args:
        driver: what becomes of the texts of the language's folder.

    Raises:
        Missing: the language can't be had on this machine.
        RuntimeError: what was generated does not build.
    """
    sources = generated(ksy, language.target, language.options)
    own = sorted(path for path in (HERE / language.name).iterdir() if path.is_file())
    texts = {path.name: driver(path.read_text("utf-8")) for path in own}
    key = _key(*sources.values(), *texts.values())

    def fill(folder: Path) -> None:
        for name, text in {**sources, **texts}.items():
            (folder / name).write_text(text, encoding="utf-8")
        language.build(folder)

    return kept(f"{language.name}-{key}", fill)


def prepare(
    language: Language, ksy: str, driver: Callable[[str], str] = lambda text: text
) -> Parser:
    """What runs the generated parser of a schema; `driver` is that of `built`.

    Raises:
        Missing: the language can't be had on this machine.
        RuntimeError: what was generated does not build.
    """
    folder = built(language, ksy, driver)

    def parse(*arguments: Path) -> str:
        command, environment = language.command(folder)
        return toolchains.run([*command, *arguments], seconds=_RUNNING, environment=environment)

    return parse


def documents(
    parse: Parser, plan: Mapping[str, Any], paths: Sequence[Path], folder: Path
) -> list[Any]:
    """What a parser says of each file; `folder` is for the plan and the list.

    Raises:
        RuntimeError: it crashes, takes too long, or leaves a file out.
    """
    plan_file = folder / "plan.json"
    plan_file.write_text(json.dumps(plan), encoding="utf-8")
    return _answers(parse, paths, folder, plan_file)


def rewritten(parse: Parser, paths: Sequence[Path], folder: Path) -> list[bytes | str]:
    """What a read-write class makes of each file: its bytes, or why it fails.

    Raises:
        RuntimeError: it crashes, takes too long, or leaves a file out.
    """
    out = folder / "out"
    out.mkdir()
    answers = _answers(parse, paths, folder, out)
    return [
        one["error"] if "error" in one else (out / str(index)).read_bytes()
        for index, one in enumerate(answers)
    ]


def _answers(parse: Parser, paths: Sequence[Path], folder: Path, other: Path) -> list[Any]:
    list_file = folder / "list"
    list_file.write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    # Not splitlines(): text in a document may hold what that takes for the end of a line.
    answers = [json.loads(line) for line in parse(other, list_file).split("\n") if line]
    if [one["file"] for one in answers] != [str(path) for path in paths]:
        raise RuntimeError("the driver did not answer for each file of the list")
    return answers


def _key(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _python(folder: Path) -> tuple[list[str | Path], Mapping[str, str]]:
    return [toolchains.python_runtime(), folder / "driver.py"], {"PYTHONPATH": str(folder)}


def _check_python(folder: Path) -> None:
    toolchains.python_runtime()


def _javascript(folder: Path) -> tuple[list[str | Path], Mapping[str, str]]:
    packages = f"{toolchains.node_modules()}:{folder}"
    return [program("node", "nodejs"), folder / "driver.js"], {"NODE_PATH": packages}


def _check_javascript(folder: Path) -> None:
    toolchains.node_modules()


# Optimising code takes longer than what is run here.
_SHORT_RUN = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


def _java(folder: Path) -> tuple[list[str | Path], Mapping[str, str]]:
    return [program("java"), *_SHORT_RUN, "-cp", f"{toolchains.jars()}/*:{folder}", "Driver"], {}


def _build_java(folder: Path) -> None:
    classes = f"{toolchains.jars()}/*"
    sources = [folder / "Msl.java", folder / "Driver.java"]
    quick = [f"-J{option}" for option in _SHORT_RUN]
    toolchains.run(
        [program("javac"), *quick, "-nowarn", "-cp", classes, "-d", folder, *sources],
        seconds=_BUILDING,
    )


def _go(folder: Path) -> tuple[list[str | Path], Mapping[str, str]]:
    return [folder / "driver"], {}


def _build_go(folder: Path) -> None:
    go = program("go")
    (folder / "msl").mkdir()
    text = (folder / "msl.go").read_text("utf-8")
    if not re.search(r"^package ", text, re.MULTILINE):  # npm's compiler leaves it out
        text = f"package msl\n\n{text}"
    (folder / "msl.go").unlink()
    (folder / "msl" / "msl.go").write_text(text, encoding="utf-8")
    try:
        toolchains.run([go, "mod", "download"], seconds=_BUILDING, folder=folder)
    except RuntimeError as error:
        raise Missing(str(error)) from None
    toolchains.run([go, "build", "-o", "driver", "."], seconds=_BUILDING, folder=folder)


LANGUAGES: dict[str, Language] = {
    language.name: language
    for language in (
        Language("python", "python", _check_python, _python),
        Language("javascript", "javascript", _check_javascript, _javascript),
        Language("java", "java", _build_java, _java),
        Language("go", "go", _build_go, _go),
    )
}
"""Every language whose parser can be run, by name."""

WRITERS: dict[str, Language] = {
    language.name: language
    for language in (
        Language("python_write", "python", _check_python, _python, ("-w",)),
        Language("java_write", "java", _build_java, _java, ("-w",)),
    )
}
"""The same with classes that can write."""
