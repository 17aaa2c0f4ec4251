"""Languages for which there is no Kaitai runtime in the registries: does the code parse?

Nothing is run here, so this says far less than `languages` does: only that the compiler wrote
no syntax errors. See README.md for what was tried.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import toolchains
from .languages import generated
from .toolchains import program

__all__ = ["SYNTAX", "check_syntax"]

_CHECKING = 120.0
_RUSTFMT = ("--edition", "2021", "--emit", "stdout")


def _perl(folder: Path) -> list[str | Path]:
    # `use` is carried out even by -c, so there has to be something of that name.
    (folder / "IO").mkdir()
    stand_in = "package IO::KaitaiStruct; our $VERSION = '0.011'; 1;\n"
    (folder / "IO" / "KaitaiStruct.pm").write_text(stand_in, encoding="ascii")
    return [program("perl"), "-I", folder, "-c", folder / "Msl.pm"]


SYNTAX: dict[str, tuple[str, Callable[[Path], list[str | Path]]]] = {
    "csharp": ("csharp", lambda folder: [program("mcs"), "--parse", folder / "Msl.cs"]),
    "lua": ("lua", lambda folder: [program("luac5.3", "luac"), "-p", folder / "msl.lua"]),
    "perl": ("perl", _perl),
    "php": ("php", lambda folder: [program("php"), "-l", folder / "Msl.php"]),
    "ruby": ("ruby", lambda folder: [program("ruby"), "-c", folder / "msl.rb"]),
    "rust": ("rust", lambda folder: [program("rustfmt"), *_RUSTFMT, folder / "msl.rs"]),
}
"""By name: the compiler's target, and the command that checks what is in a folder."""


def check_syntax(name: str, ksy: str, folder: Path) -> None:
    """Have a language's own tool parse what is generated for it.

    Args:
        folder: an empty one to work in.

    Raises:
        Missing: the tool or the compiler is not on this machine.
        RuntimeError: it finds an error.
    """
    target, command = SYNTAX[name]
    words = command(folder)  # first: without the tool nothing needs to be compiled
    sources = generated(ksy, target)
    for file, text in sources.items():
        (folder / file).write_text(text, encoding="utf-8")
    toolchains.run(words, seconds=_CHECKING)
