"""Where the jars are that make up the compiler for the Java virtual machine."""

from __future__ import annotations

import os
import re
from pathlib import Path
from xml.etree import ElementTree

__all__ = ["class_path", "installed_jars"]

GROUP, ARTIFACT = "io.kaitai", "kaitai-struct-compiler_2.13"
_POM = "{http://maven.apache.org/POM/4.0.0}"


def _repository() -> Path:
    """Maven's local repository."""
    return Path.home() / ".m2" / "repository"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def installed_jars(repository: Path | None = None) -> list[Path]:
    """Jars of the compiler in Maven's local repository, newest first."""
    folder = (repository or _repository()).joinpath(*GROUP.split("."), ARTIFACT)
    found = folder.glob(f"*/{ARTIFACT}-*.jar")
    jars = [jar for jar in found if jar.name == f"{ARTIFACT}-{jar.parent.name}.jar"]
    return sorted(jars, key=lambda jar: _numbers(jar.parent.name), reverse=True)


def class_path(given: str) -> str | None:
    """What ``java -cp`` needs for a compiler that was named by path.

    Args:
        given: a class path, which is left as it is; a folder of jars; or the compiler's own
            jar, whose dependencies are looked for as its POM names them (in a Maven
            repository) and otherwise beside it.

    Returns:
        None where a jar that the compiler needs is not there.
    """
    if os.pathsep in given or given.endswith("*"):
        return given
    path = Path(given).expanduser()
    if path.is_dir():
        return str(path / "*")
    if not path.is_file():
        return None
    if not path.with_suffix(".pom").is_file():
        return os.pathsep.join([str(path), str(path.parent / "*")])
    found = _with_dependencies(path)
    return os.pathsep.join(map(str, found)) if found else None


def _with_dependencies(jar: Path) -> list[Path] | None:
    """A jar of a Maven repository and all that it needs at run time, nearest first."""
    # .../repository/io/kaitai/ARTIFACT/VERSION/ARTIFACT-VERSION.jar
    repository = jar.parents[2 + len(GROUP.split("."))]
    found: dict[str, Path] = {}
    waiting = [(jar.parent.parent.name, jar)]
    while waiting:
        name, jar = waiting.pop(0)
        if name in found:
            continue  # the nearest declaration wins, as in Maven
        if not jar.is_file():
            return None
        found[name] = jar
        waiting.extend(_dependencies(jar.with_suffix(".pom"), repository))
    return list(found.values())


def _dependencies(pom: Path, repository: Path) -> list[tuple[str, Path]]:
    try:
        root = ElementTree.parse(pom).getroot()
    except (OSError, ElementTree.ParseError):
        return []
    needed = []
    for entry in root.iterfind(f"{_POM}dependencies/{_POM}dependency"):
        group, name, version, scope, optional = (
            entry.findtext(_POM + tag, "").strip()
            for tag in ("groupId", "artifactId", "version", "scope", "optional")
        )
        if scope in ("", "compile", "runtime") and optional != "true" and version:
            folder = repository.joinpath(*group.split("."), name, version)
            needed.append((name, folder / f"{name}-{version}.jar"))
    return needed
