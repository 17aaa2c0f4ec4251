"""Finding kaitai-struct-compiler and running it.

There are two builds of it. The one for the Java virtual machine can do everything. The one
on npm writes no classes that can write (read-write), no C++11 and no namespaces.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from ..errors import CompilerError
from .class_path import ARTIFACT, GROUP, class_path, installed_jars

__all__ = [
    "JAR_VARIABLE",
    "MINIMUM",
    "NODE_VARIABLE",
    "Compiler",
    "Request",
    "find_compiler",
]

MINIMUM = (0, 11)
"""Older compilers can't take the schema for Go, and lack what others need."""

JAR_VARIABLE = "MSL_KSC_JAR"
"""Environment variable: the compiler's jar, a folder of jars, or a class path."""

NODE_VARIABLE = "MSL_NODE_MODULES"
"""Environment variable: a ``node_modules`` folder that holds the npm package."""

_TIME_LIMIT = 300.0
_PROGRAMS = ("kaitai-struct-compiler", "ksc")
_NAME = "kaitai-struct-compiler"
_JAVA_MAIN = "io.kaitai.struct.JavaMain"
# What runs for a second is done before code that is better optimised pays off.
_SHORT_RUN = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


@dataclass(frozen=True)
class Request:
    """What one run of the compiler is to make.

    Args:
        schema: the text of the .ksy.
        name: its file name; the compiler speaks of it in messages.
        targets: the compiler's names of the languages.
        options: options of the JVM build (``--go-package``, ``-w`` …).
    """

    schema: str
    name: str
    targets: tuple[str, ...]
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Compiler(ABC):
    """One installed compiler.

    Attributes:
        where: the program, jar or package, for people.
        version: as it says itself.
        complete: whether it is the JVM build.
    """

    where: str
    version: str
    complete: bool = field(init=False, default=True)

    @property
    def fit(self) -> bool:
        """Whether it is new enough."""
        return _numbers(self.version) >= MINIMUM

    @abstractmethod
    def compile(self, request: Request) -> Mapping[str, Mapping[str, str]]:
        """The generated texts: by target, then by path below the target's folder.

        Raises:
            CompilerError: the compiler refuses.
        """


@dataclass(frozen=True)
class _JvmCompiler(Compiler):
    command: tuple[str, ...] = ()

    def compile(self, request: Request) -> Mapping[str, Mapping[str, str]]:
        with tempfile.TemporaryDirectory(prefix="msl-generate-") as folder:
            schema = Path(folder, request.name)
            schema.write_text(request.schema, encoding="utf-8", newline="\n")
            made: dict[str, Mapping[str, str]] = {}
            # Options of one target would be wrong for another only where both are asked for;
            # a single run for all saves the start of a virtual machine for each.
            arguments = [part for target in request.targets for part in ("-t", target)]
            out = Path(folder, "out")
            ran = _run([*self.command, *request.options, *arguments, "--outdir", out, schema])
            if ran.returncode:
                raise CompilerError(f"{self.where}: {_last_words(ran)}")
            for target in request.targets:
                # With several targets each has a folder, and some a folder for sources in it.
                place = out / target if len(request.targets) > 1 else out
                place = place / "src" if (place / "src").is_dir() else place
                made[target] = {
                    path.relative_to(place).as_posix(): path.read_text("utf-8")
                    for path in sorted(place.rglob("*"))
                    if path.is_file()
                }
                if not made[target]:
                    raise CompilerError(f"{self.where}: wrote nothing for {target}")
            return made


@dataclass(frozen=True)
class _NodeCompiler(Compiler):
    complete: bool = field(init=False, default=False)
    node: str = ""

    def compile(self, request: Request) -> Mapping[str, Mapping[str, str]]:
        if request.options:
            raise CompilerError(f"{self.where}: can't do {' '.join(request.options)}")
        task = {
            "compiler": self.where,
            "schema": yaml.safe_load(request.schema),
            "targets": request.targets,
        }
        script = str(Path(__file__).with_name("compile.js"))
        ran = _run([self.node, script], json.dumps(task))
        if ran.returncode:
            raise CompilerError(f"{self.where}: {_last_words(ran)}")
        files: dict[str, dict[str, str]] = json.loads(ran.stdout)["files"]
        # Names begin with a slash where the target has packages and none was given.
        return {
            target: {name.lstrip("/"): text for name, text in texts.items()}
            for target, texts in files.items()
        }


def _run(command: list[str | Path], data: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [str(part) for part in command],
            input=data,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIME_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CompilerError(f"{command[0]}: {error}") from None


def _last_words(ran: subprocess.CompletedProcess[str]) -> str:
    """What a failed program said, in one line; the beginning tells the most."""
    said = " ".join((ran.stderr or ran.stdout).split())
    return f"ended with {ran.returncode}: {said[:600] or 'no message'}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _jvm(where: str, command: tuple[str, ...]) -> Compiler | None:
    """The compiler behind a command, if that is what it is (`ksc` is a name of others too)."""
    try:
        ran = _run([*command, "--version"])
    except CompilerError:
        return None
    found = re.match(rf"{_NAME} (\S+)", ran.stdout.strip())
    return _JvmCompiler(where, found[1], command) if found else None


def _from_class_path(given: str) -> Compiler | None:
    java = shutil.which("java")
    found = class_path(given)
    if java is None or found is None:
        return None
    return _jvm(given, (java, *_SHORT_RUN, "-cp", found, _JAVA_MAIN))


def _node_folders() -> Iterator[Path]:
    """Folders that may hold the npm package, likeliest first."""
    given = os.environ.get(NODE_VARIABLE)
    if given:
        yield Path(given)
        return
    yield Path.cwd() / "node_modules"
    npm = shutil.which("npm")
    if npm:
        try:
            yield Path(_run([npm, "root", "--global"]).stdout.strip() or ".")
        except CompilerError:
            return


def _from_node() -> Iterator[Compiler]:
    node = shutil.which("node") or shutil.which("nodejs")
    if node is None:
        return
    for folder in _node_folders():
        package = folder / _NAME
        try:
            said = json.loads((package / "package.json").read_text("utf-8"))
        except (OSError, ValueError):
            continue
        yield _NodeCompiler(str(package.resolve()), str(said.get("version", "")), node)


def _candidates() -> Iterator[Compiler]:
    """Every compiler there is: the one that was named, then the others, most capable first."""
    given = os.environ.get(JAR_VARIABLE)
    found: list[Compiler | None] = []
    if given:
        named = _from_class_path(given)
        if named is None:
            raise CompilerError(
                f"{JAR_VARIABLE} is {given!r}: expected the compiler's jar, a folder of jars or "
                "a class path, and java on PATH; found none that starts"
            )
        found.append(named)
    else:
        programs = (shutil.which(program) for program in _PROGRAMS)
        found.extend(_jvm(path, (path,)) for path in programs if path)
        if not any(compiler and compiler.fit for compiler in found):
            found.extend(_from_class_path(str(jar)) for jar in installed_jars()[:1])
    yield from (compiler for compiler in found if compiler)
    yield from _from_node()


def find_compiler(*, complete: bool = False, purpose: str = "") -> Compiler:
    """The most capable compiler that is installed.

    Looked for are, in this order: what the environment variable `JAR_VARIABLE` names;
    ``kaitai-struct-compiler`` or ``ksc`` on PATH; the jar in Maven's local repository; the
    npm package where `NODE_VARIABLE` says, in the current folder, or installed globally.

    Args:
        complete: only the JVM build will do.
        purpose: what needs it, for the message.

    Raises:
        CompilerError: there is none that is new enough; the message says how to install one.
    """
    wanted = ".".join(map(str, MINIMUM))
    passed_over = []
    for compiler in _candidates():
        if not compiler.fit:
            passed_over.append(f"{compiler.where} is {compiler.version or 'of no known version'}")
        elif complete and not compiler.complete:
            passed_over.append(f"{compiler.where} is the npm build, which can't do {purpose}")
        else:
            return compiler
    if shutil.which("java") is None and installed_jars():
        passed_over.append("Maven's repository has one, but there is no java on PATH")
    found = "; ".join(passed_over) if passed_over else "found none"
    ways = [
        f"`mvn dependency:get -Dartifact={GROUP}:{ARTIFACT}:{wanted}` (with Java on PATH; on "
        "Debian `apt-get install default-jre-headless maven` first)"
    ]
    if not complete:
        ways.append(f"`npm install {_NAME}@{wanted}` (not for --read-write, C++11, --package)")
    raise CompilerError(
        f"a parser needs {_NAME} {wanted} or later{' for ' + purpose if purpose else ''}; "
        f"{found}; install it with {' or '.join(ways)}, or have {_PROGRAMS[0]} on PATH"
    )
