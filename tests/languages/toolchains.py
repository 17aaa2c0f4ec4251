"""Where compilers and runtimes are, installed from the languages' own registries if need be.

Everything goes to one cache folder, named by `CACHE_VARIABLE` or below the temporary folder,
so that a second run installs and builds nothing. `NODE_VARIABLE` and `JARS_VARIABLE` name
folders that are used instead of installing.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msl_construct.generate import Compiler, CompilerError, find_compiler
from msl_construct.generate.compiler import JAR_VARIABLE, NODE_VARIABLE

__all__ = [
    "CACHE_VARIABLE",
    "JARS_VARIABLE",
    "NODE_VARIABLE",
    "Missing",
    "cache",
    "compiler",
    "jars",
    "kept",
    "node_modules",
    "program",
    "python_runtime",
    "run",
]

HERE = Path(__file__).parent
CACHE_VARIABLE = "MSL_LANGUAGES_CACHE"
JARS_VARIABLE = "MSL_LANGUAGES_JARS"

_INSTALLING = 300.0


class Missing(Exception):
    """Something that a language needs is not on this machine and can't be installed."""


def cache() -> Path:
    """The folder for everything that is installed or built."""
    given = os.environ.get(CACHE_VARIABLE)
    folder = (
        Path(given)
        if given
        else Path(tempfile.gettempdir(), f"msl-construct-languages-{os.getuid()}")
    )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def kept(name: str, fill: Callable[[Path], None]) -> Path:
    """A folder of the cache, filled by whoever needs it first.

    It is kept only if filling it ends without an exception.
    """
    folder = cache() / name
    with open(cache() / f"{name}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # several test processes may want it at once
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=cache(), prefix="new-") as new:
                made = Path(new, name)
                made.mkdir()
                fill(made)
                made.rename(folder)
    return folder


def run(
    command: Sequence[str | Path],
    *,
    seconds: float,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """What a program prints.

    Raises:
        RuntimeError: it fails, or takes too long.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{words[0]} takes longer than {seconds:.0f} s") from None
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise RuntimeError(f"{' '.join(words[:3])} … ended with {done.returncode}: {said[:1000]}")
    return done.stdout.decode()


def program(*names: str) -> str:
    """The path of the first of these programs that there is.

    Raises:
        Missing: there is none.
    """
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise Missing(f"no {' or '.join(names)} on PATH")


def node_modules() -> Path:
    """The npm packages of javascript/package.json.

    Raises:
        Missing: node or npm is not there, or the registry isn't.
    """
    given = os.environ.get(NODE_VARIABLE)
    program("node", "nodejs")
    if given:
        return Path(given)
    npm = program("npm")

    def install(folder: Path) -> None:
        shutil.copy(HERE / "javascript/package.json", folder)
        _install([npm, "install", "--no-audit", "--no-fund", "--prefix", folder])

    return kept(f"npm-{_age('javascript/package.json')}", install) / "node_modules"


def jars() -> Path:
    """A folder with the jars of java/pom.xml.

    Raises:
        Missing: Java or Maven is not there, or the registry isn't.
    """
    program("java")
    given = os.environ.get(JARS_VARIABLE)
    if given:
        return Path(given)
    maven = program("mvn")

    def install(folder: Path) -> None:
        to = f"-DoutputDirectory={folder}"
        pom = HERE / "java/pom.xml"
        _install([maven, "-q", "-B", "-f", pom, "dependency:copy-dependencies", to])

    return kept(f"jars-{_age('java/pom.xml')}", install)


def _age(file: str) -> str:
    """What changes with the content of a file."""
    return hashlib.sha256((HERE / file).read_bytes()).hexdigest()[:16]


def _install(command: Sequence[str | Path]) -> None:
    try:
        run(command, seconds=_INSTALLING)
    except RuntimeError as error:
        raise Missing(str(error)) from None


def python_runtime() -> str:
    """An interpreter with kaitaistruct: this one.

    Raises:
        Missing: kaitaistruct is not installed.
    """
    if importlib.util.find_spec("kaitaistruct") is None:
        raise Missing("no kaitaistruct in this Python's packages")
    return sys.executable


def compiler(*, complete: bool = False) -> Compiler:
    """kaitai-struct-compiler: the JVM's, or npm's where Java or Maven is missing.

    Args:
        complete: npm's will not do.

    Raises:
        Missing: there is neither.
    """
    reasons = []
    for variable, folder in ((JAR_VARIABLE, jars), (NODE_VARIABLE, node_modules)):
        try:
            where = folder()
        except Missing as missing:
            reasons.append(str(missing))
            continue
        before = os.environ.get(variable)
        os.environ[variable] = str(where)
        try:
            return find_compiler(complete=complete, purpose="read-write classes")
        except CompilerError as error:
            reasons.append(str(error))
        finally:
            if before is None:
                del os.environ[variable]
            else:
                os.environ[variable] = before
    raise Missing(f"no kaitai-struct-compiler: {'; '.join(reasons)}")
