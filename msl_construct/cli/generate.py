"""``msl generate``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from ..drafts import NEWEST_DRAFT, find
from ..generate.targets import TARGETS
from .common import (
    Exit,
    command,
    note,
    whoever_reads,
)
from .drafts import draft_option

__all__ = ["generate"]


@command()
@click.argument("language", metavar="LANG", type=click.Choice(list(TARGETS)), required=False)
@click.option("--all", "everything", is_flag=True, help="Every language, each in its folder.")
@click.option("--output", "-o", metavar="DIR", help="Folder to write to (msl-LANG, or msl-all).")
@draft_option("Of what.", default=NEWEST_DRAFT, show_default=True)
@click.option("--package", metavar="NAME", default="", help="Package or namespace of the parser.")
@click.option("--read-write", is_flag=True, help="Classes that can also write (Python and Java).")
@click.option(
    "--language-tests",
    is_flag=True,
    help="Set the parser up as its page says, and put the sample corpus to its decoder.",
)
@click.option(
    "--samples",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="With --language-tests: a corpus' folder; without it the corpus is generated.",
)
@click.option("--force", "-f", is_flag=True, help="Overwrite files that exist.")
def generate(
    language: str | None,
    everything: bool,
    output: str | None,
    draft: str,
    package: str,
    read_write: bool,
    language_tests: bool,
    samples: Path | None,
    force: bool,
    quiet: bool,
    no_color: bool,
) -> int:
    """Generate a parser in another language.

    Writes a folder with the schema (msl.ksy), the parser that kaitai-struct-compiler makes of
    it, the dependency on Kaitai's runtime for that language's package manager, examples that
    list regions and read a page, and a decoder, which prints the canonical document for
    `msl samples run`. For python, javascript, java, go, rust and cpp there is a thin layer,
    which reads memory by its addresses. The paths of the files are printed on stdout.

    LANG is one of python, javascript, java, go, rust, cpp, csharp, ruby, php, lua, perl, nim,
    or html or graphviz for a page or a picture of the format.

    The compiler, version 0.11 or later, is looked for in this order: the class path in
    MSL_KSC_JAR; kaitai-struct-compiler or ksc on PATH; Maven's local repository; the npm
    package, in the folder that MSL_NODE_MODULES names or in ./node_modules, or installed
    globally. The npm package can't do --package and --read-write.

    \b
    Example:
      msl generate python -o parser
      msl generate go --language-tests --samples samples

    Exit codes: 0 fine; 1 a sample failed; 2 usage, the language lacks what was asked for, or
    files exist; 3 no compiler will do, the folder can't be written, or a command that sets
    the parser up failed.
    """
    from ..generate import ExistsError, UnfitError
    from ..generate import generate as generated
    from ..generate.whole_files import place

    if bool(language) == everything:
        raise click.UsageError("give either a language or --all")
    if language_tests and everything:
        raise click.UsageError("--language-tests is for one language")
    if language_tests and TARGETS[str(language)].decoder is None:
        raise click.UsageError(f"--language-tests: msl generate {language} writes no decoder")
    targets = list(TARGETS.values()) if everything else [TARGETS[str(language)]]
    folder = Path(output or f"msl-{'all' if everything else language}")
    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"{folder} is not a folder")
    try:
        parsers = generated(targets, find(draft), package=package, read_write=read_write)
        files = {
            f"{parser.target.name}/{name}" if everything else name: text
            for parser in parsers
            for name, text in parser.files.items()
        }
        written = place(folder, files, force=force)
    except (ExistsError, UnfitError) as error:
        raise click.UsageError(str(error)) from None
    with whoever_reads():
        for path in written:
            click.echo(str(path))
    if language_tests:
        from .generate_testing import tested

        return tested(parsers[0].target, folder, samples, quiet=quiet, no_color=no_color)
    if not quiet:
        for parser in parsers:
            if parser.note:
                note(f"msl: {parser.note}")
        if not everything and parsers[0].target.run:
            note(f"msl: to try it, in {folder}:")
            for command in parsers[0].target.run:
                note(f"  {command}")
        target = parsers[0].target
        if target.decoder is not None and not everything:
            command = shlex.quote(target.decoder.command)
            note("msl: to hold what it reads against the sample corpus:")
            note(f"  msl samples run --decoder {command} --batch --level {target.level}")
    return Exit.FINE
