"""``msl schema export``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from ..drafts import NEWEST_DRAFT, find
from ..errors import ExportError
from ..exports import EXPORTS
from ..outputs import check_name, whole_file
from .common import STDIO, Exit, command, data_out, note, whoever_reads
from .drafts import draft_option
from .written_file import whole_output

__all__ = ["export"]

_FOLDER = "schema"
LEDGER = "ledger.json"
SPEC = "spec"
BOOK = "spec-pdf"
_PAGE = "index.html"


def _forms() -> str:
    width = max(len(name) for name in EXPORTS)
    forms = [(one.name, one.text) for one in EXPORTS.values()]
    forms.append((SPEC, "The specification: a page of HTML that needs nothing else."))
    forms.append((BOOK, "The same as a PDF (pip install 'msl-construct[pdf]')."))
    return "\n".join(f"      {name:{width}}  {text}" for name, text in forms)


@command(
    help_text=f"""Write the schema for other languages and programs.

    With --to one form, on stdout or to the file OUT. Without it every file of the folder
    OUT, which is `schema` when there is such a folder here.

    \b
    Forms:
{_forms()}

    \b
    Example:
      msl schema export -o schema
      msl schema export -o schema --check
      msl schema export --to ksy --draft draft-2026-03 -o msl-1.0.ksy
      msl schema export --to spec --draft draft-2026-10 -o spec
      msl schema export --to spec-pdf --draft draft-2026-10 -o spec.pdf

    Exit codes: 0 fine; 1 with --check, a file is missing or not what would be written;
    2 usage; 3 a file can't be read or written.
    """,
)
@click.option("--to", "form", type=click.Choice([*EXPORTS, SPEC, BOOK]), help="Just this form.")
@draft_option(f"With --to: this draft, not {NEWEST_DRAFT}.")
@click.option("--output", "-o", metavar="OUT", help="File or folder to write; - is stdout.")
@click.option("--check", is_flag=True, help="Write nothing; say which files are stale.")
def export(
    form: str | None,
    draft: str | None,
    output: str | None,
    check: bool,
    quiet: bool,
) -> int:
    if draft is not None and form is None:
        raise click.UsageError("--draft chooses the draft of one form: name it with --to")
    if form == SPEC:
        return _specification(draft or NEWEST_DRAFT, output or STDIO, check, quiet)
    if form == BOOK:
        return _book(draft or NEWEST_DRAFT, output, check, quiet)
    if form is not None and (output is None or not os.path.isdir(output)):
        return _one(form, draft or NEWEST_DRAFT, output or STDIO, check, quiet)
    from ..exports import exported

    folder = _folder(output)
    files = exported(*([form] if form else []))
    if form is not None and draft is not None:
        files = {name: files[name] for name, of in EXPORTS[form].files if of == draft}
        if not files:
            raise click.UsageError(f"{folder} gets no --to {form} of {draft}: name a file with -o")
    texts = {folder / name: text for name, text in files.items()}
    return _stale(texts, quiet) if check else _write(texts, quiet)


def _folder(output: str | None) -> Path:
    """Where all files go.

    Raises:
        click.UsageError: none was given, and there is none of the usual name.
    """
    if output is None:
        if not os.path.isdir(_FOLDER):
            raise click.UsageError(
                f"there is no folder {_FOLDER}/ here to write all files to: name one with -o, or "
                "one form with --to"
            )
        return Path(_FOLDER)
    if output == STDIO or (os.path.lexists(output) and not os.path.isdir(output)):
        raise click.UsageError(
            f"{output} is no folder, and without --to there are several files to write"
        )
    return Path(output)


def _specification(draft: str, output: str, check: bool, quiet: bool) -> int:
    """The page, to stdout, to a file, or into a folder that is made where there is none."""
    from ..specification.page import specification

    text = specification(find(draft))
    if output == STDIO:
        if check:
            raise click.UsageError("--check compares files: name one, or their folder, with -o")
        with whole_output(), data_out() as out:
            out.write(text)
        return Exit.FINE
    path = Path(output) if output.endswith(".html") else Path(output) / _PAGE
    return (_stale if check else _write)({path: text}, quiet)


def _book(draft: str, output: str | None, check: bool, quiet: bool) -> int:
    """The page as a PDF, to a file."""
    from ..specification.printed import printed

    if check:
        raise click.UsageError("--check does not compare PDFs; check --to spec, which they are of")
    if output is None or output == STDIO or os.path.isdir(output):
        raise click.UsageError("a PDF needs a file: name it with -o")
    raw = printed(find(draft))
    with whole_file(Path(output), force=True, secret=False) as file:
        file.write(raw)
    if not quiet:
        note(f"msl: {output}: {len(raw)} bytes written")
    return Exit.FINE


def _one(form: str, draft: str, output: str, check: bool, quiet: bool) -> int:
    """One text, to stdout or to a file."""
    text = EXPORTS[form].export(find(draft))
    if output == STDIO:
        if check:
            raise click.UsageError("--check compares files: name one, or their folder, with -o")
        with whole_output(), data_out() as out:
            out.write(text)
        return Exit.FINE
    return (_stale if check else _write)({Path(output): text}, quiet)


def _stale(texts: dict[Path, str], quiet: bool) -> int:
    """Name the files that are not what would be written."""
    stale = []
    for path, text in texts.items():
        if not path.exists():
            stale.append(f"{path.as_posix()}: missing")
        elif path.read_bytes() != text.encode():
            stale.append(f"{path.as_posix()}: not what the schema gives")
    with whoever_reads(), data_out() as out:
        out.writelines(f"{line}\n" for line in stale)
    if stale and not quiet:
        note(f"msl: {len(stale)} of {len(texts)} files are stale: without --check they are written")
    return Exit.FINDINGS if stale else Exit.FINE


def _write(texts: dict[Path, str], quiet: bool) -> int:
    """Write what changed; every text was made before the first file is touched.

    Raises:
        ExportError: a ledger would lose what was published.
    """
    from ..exports.ledger import changed_since

    for path in texts:
        if path.name == LEDGER and path.is_file():
            for change in changed_since(json.loads(path.read_text("utf-8")), find(NEWEST_DRAFT)):
                raise ExportError(
                    f"{path}: {change}; what was published stays: change it in a later draft"
                )
    for path, text in texts.items():
        check_name(path.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = text.encode()
        unchanged = path.is_file() and path.read_bytes() == raw
        if not unchanged:
            with whole_file(path, force=True, secret=False) as file:
                file.write(raw)
        if not quiet:
            what = "unchanged" if unchanged else f"{len(raw)} bytes written"
            note(f"msl: {path.as_posix()}: {what}")
    return Exit.FINE
