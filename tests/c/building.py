"""Compiling the exported header and programs that use it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WARNINGS = (
    "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow",
    "-Wcast-align", "-Wcast-qual", "-Wundef",
)  # fmt: skip
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def compiler(name: str) -> str:
    """A compiler of this machine; skips the test, by name, where it isn't there."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"needs the compiler {name}")
    return path


def compiled(name: str, source: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """What a compiler says to a source file, whether it likes it or not."""
    command = [compiler(name), *options, str(source)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def built(source: Path, header: Path, program: Path, *options: str) -> Path:
    """A program, compiled by gcc with sanitizers.

    The test is skipped where gcc has no sanitizers to link with.
    """
    include = ("-I", str(header.parent), "-I", str(HERE))
    result = compiled("gcc", source, "-std=c11", *options, *include, "-o", str(program))
    if result.returncode and "cannot find" in result.stderr and "san" in result.stderr:
        pytest.skip("needs libasan and libubsan for gcc")
    assert result.returncode == 0, result.stderr
    return program


def run(program: Path, *files: Path, codes: tuple[int, ...] = (0,)) -> str:
    """What a program prints about files; a sanitizer's complaint fails the test."""
    command = [str(program), *map(str, files)]
    result = subprocess.run(command, capture_output=True, check=False)
    said = (result.stdout[-500:] + result.stderr[-3000:]).decode(errors="replace")
    assert result.returncode in codes, said
    return result.stdout.decode("utf-8", errors="surrogateescape")
