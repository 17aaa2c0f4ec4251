"""One language's folder: the schema compiled, the examples beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import MslError
from ..exports import ksy
from ..schema.model import Draft
from .compiler import Compiler, Request, find_compiler
from .decoder import with_statements
from .targets import SCHEMA_FILE, TARGETS, TargetLanguage

__all__ = ["ExampleError", "Parser", "UnfitError", "generate", "parser_in", "schema_text"]

_TEMPLATES = Path(__file__).with_name("templates")
_SUFFIX = ".in"
"""Keeps linters and type checkers from taking a template for a module of ours."""

_READ_WRITE = "read_write"
"""Folder of the templates for classes that write: their way of reading is another one."""


class UnfitError(MslError):
    """What was asked for does not exist in this language."""


class ExampleError(Exception):
    """An example uses a name that the generated parser has not; a defect of ours."""


@dataclass(frozen=True)
class Parser:
    """What was generated for one language.

    Attributes:
        files: text by path below the folder.
        note: what people should know of the compiler that made it; empty: nothing.
    """

    target: TargetLanguage
    files: Mapping[str, str]
    note: str = ""


def _templates(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob(f"*{_SUFFIX}")):
        name = path.relative_to(folder).as_posix().removesuffix(_SUFFIX)
        yield name, path.read_text("utf-8")


def _examples(target: TargetLanguage, package: str, read_write: bool) -> dict[str, str]:
    """The files that stand beside a generated parser, by path."""
    found = dict(_templates(_TEMPLATES / target.name))
    if read_write:
        found = _replaced(found, target.write_uses)
        found.update(_templates(_TEMPLATES / _READ_WRITE / target.name))
    if package:
        uses = [(old, new.format(package=package)) for old, new in target.package_uses]
        found = _replaced(found, uses)
    return found


def _replaced(texts: Mapping[str, str], uses: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Texts with some parts replaced.

    Raises:
        ExampleError: no text has such a part.
    """
    replaced = dict(texts)
    for old, new in uses:
        if not any(old in text for text in replaced.values()):
            raise ExampleError(f"no example has {old!r}")
        replaced = {name: text.replace(old, new) for name, text in replaced.items()}
    return replaced


def _checked(target: TargetLanguage, package: str, read_write: bool) -> None:
    if read_write and not target.writes:
        raise UnfitError(
            f"Kaitai generates no classes that write for {target.title}; it does for Python and "
            "Java"
        )
    if package and not target.package_option:
        raise UnfitError(f"--package: a parser in {target.title} has no package or namespace")
    separator = target.package_separator
    parts = package.split(separator) if separator else [package]
    if package and not all(part.isidentifier() and part.isascii() for part in parts):
        raise UnfitError(f"--package: {package!r} is no name of a package in {target.title}")


def generate(
    targets: Sequence[TargetLanguage],
    draft: Draft,
    *,
    package: str = "",
    read_write: bool = False,
    compiler: Compiler | None = None,
) -> list[Parser]:
    """Compile a draft's schema for some languages.

    Args:
        package: package or namespace of the parser, for the languages that have one.
        read_write: classes that can also be changed and written.
        compiler: with what; the most capable one that is installed unless given.

    Raises:
        UnfitError: a language has no packages, or no classes that write.
        CompilerError: no compiler will do, or it refused the schema.
        ExampleError: the examples don't fit what was generated: a defect.
    """
    for target in targets:
        _checked(target, package, read_write)
    if compiler is None:
        needs = [name for name, on in (("--read-write", read_write), ("--package", package)) if on]
        compiler = find_compiler(complete=bool(needs), purpose=" and ".join(needs))
    schema = schema_text(draft)
    options: list[str] = ["-w"] if read_write else []
    if compiler.complete:
        for target in targets:
            chosen = package or target.package
            if chosen and target.package_option:
                options += [target.package_option, chosen]
            options += target.options
    request = Request(
        schema, SCHEMA_FILE, tuple(target.kaitai for target in targets), tuple(options)
    )
    texts = compiler.compile(request)
    return [
        _parser(target, texts[target.kaitai], schema, compiler, package, read_write, draft)
        for target in targets
    ]


def parser_in(folder: Path) -> TargetLanguage | None:
    """The language of the parser, with a decoder, that was written to a folder; None: of none."""
    for target in TARGETS.values():
        if target.decoder is not None and (folder / SCHEMA_FILE).is_file():
            names = (name for name, _ in _templates(_TEMPLATES / target.name))
            if all((folder / name).is_file() for name in names):
                return target
    return None


def schema_text(draft: Draft) -> str:
    """A draft's schema under the id that its file is called by, so that it makes an `Msl`.

    Older drafts are exported under other ids, so that all can stand in one folder.
    """
    schema = ksy.export(draft)
    name = SCHEMA_FILE.partition(".")[0]
    named, count = re.subn(r"(?m)\A(meta:\n  id: )\w+$", rf"\g<1>{name}", schema, count=1)
    assert count == 1, "an exported schema begins with its id"
    return named


def _parser(
    target: TargetLanguage,
    texts: Mapping[str, str],
    schema: str,
    compiler: Compiler,
    package: str,
    read_write: bool,
    draft: Draft,
) -> Parser:
    chosen = package or target.package
    files = {SCHEMA_FILE: schema}
    for name, text in texts.items():
        if not compiler.complete and target.package_folders:
            name = f"{chosen}/{name}"
            text = _with_package_line(text, target.package_line.format(package=chosen))
        files[f"{target.source}/{name}" if target.source else name] = text
    examples = with_statements(_examples(target, package, read_write), target, draft)
    _fit(target, "\n".join(texts.values()), examples)
    note = ""
    if target.options and not compiler.complete:
        note = (
            f"{target.title}: made without {' '.join(target.options)}, which the npm compiler "
            "can't do"
        )
    return Parser(target, {**files, **examples}, note)


def _with_package_line(text: str, line: str) -> str:
    """A source with its package named behind the comment that it begins with."""
    comment, _, rest = text.partition("\n")
    return f"{comment}\n\n{line}\n{rest}"


def _fit(target: TargetLanguage, generated: str, examples: Mapping[str, str]) -> None:
    """Whether every generated name that the examples use was generated.

    Raises:
        ExampleError: one was not.
    """
    words = set(re.findall(r"\w+", generated))
    for name in target.accessors:
        if target.parses and name not in words:
            raise ExampleError(f"{target.title}: nothing generated is called {name}")
