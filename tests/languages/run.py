"""Run the generated parsers of several languages over files and compare them with ours.

Usage:
  python tests/languages/run.py --languages python,go [--ksy FILE [--draft D]]
                                [--samples DIR …] [--gallery]

Every .msl file below the folders is read by ours and by each language's generated parser, and
compared value by value. Without --samples, the repository's own samples are. A language that
can't be had on this machine is reported as ``skipped: NAME: reason``.

Exit codes: 0 no differences; 1 differences, one a line on stdout; 2 usage.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

if __package__ in (None, ""):  # run as a program
    sys.path.insert(0, str(Path(__file__).parents[1]))
    __package__ = "languages"

import yaml

import msl_construct
from msl_construct.document.render import Renderer
from msl_construct.drafts import DRAFTS, NEWEST_DRAFT
from msl_construct.schema import Draft

from .compare import Comparison, Ours, ours
from .gallery import gallery_plan, renamed_driver
from .languages import LANGUAGES, Language, documents, prepare
from .plan import make_plan
from .toolchains import Missing

__all__ = ["check", "is_of", "main", "sample_files"]

ROOT = Path(__file__).parents[2]
SAMPLES = (ROOT / "samples", ROOT / "tests" / "data")


def sample_files(folders: Iterable[Path]) -> list[Path]:
    """Every .msl file below these folders."""
    return sorted({path.resolve() for folder in folders for path in folder.rglob("*.msl")})


def is_of(expected: Ours, draft: Draft) -> bool:
    """Whether a file's header says that it is of just this draft's version."""
    return expected.header.get("version") == f"{draft.version:#06x}"


def check(
    language: Language,
    ksy: str,
    draft: Draft,
    files: Iterable[tuple[Path, Ours]],
    *,
    gallery: bool = False,
) -> tuple[list[str], Comparison]:
    """The differences of one language, each with its file, and what was exempted.

    Args:
        gallery: the schema is the one with the names of Kaitai's format gallery.

    Raises:
        Missing: the language can't be had on this machine.
        RuntimeError: the parser can't be built, crashes, or takes too long.
    """
    pairs = list(files)
    plan = gallery_plan(draft) if gallery else make_plan(draft)
    renamed = (lambda text: renamed_driver(text, draft)) if gallery else str
    parse = prepare(language, ksy, renamed)
    with tempfile.TemporaryDirectory(prefix="msl-languages-") as folder:
        found = documents(parse, plan, [path for path, _ in pairs], Path(folder))
    comparison = Comparison(language.name)
    differences = []
    for (path, expected), one in zip(pairs, found):
        for text in comparison.differences(expected, one):
            differences.append(f"{language.name}: {path.name}: {text}")
    return differences, comparison


def misread(path: Path, expected: Ours, draft: Draft) -> Iterator[str]:
    """What ours shows of a sample against the document that stands beside it, if one does.

    A reader and a generated parser that follow from the same wrong schema agree; what the
    sample holds is stated in its document.
    """
    stated = path.with_suffix(".yaml")
    if not stated.is_file() or not is_of(expected, draft):
        return
    with msl_construct.open(path, draft=draft.name) as dump:
        dump.name = path.name
        shown = Renderer().document(dump)
    if shown != yaml.safe_load(stated.read_text(encoding="utf-8")):
        yield f"ours: {path.name}: not what {stated.name} states: one of them is stale"


def gallery_files(folder: Path) -> Iterator[Path]:
    """The generated specimens, written to a folder."""
    from independent import gallery

    for name, data in (*gallery.files(), *gallery.rejected(), *gallery.undecided()):
        path = folder / f"{name}.msl"
        path.write_bytes(data)
        yield path


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--languages", required=True, help=f"of {','.join(LANGUAGES)}")
    parser.add_argument("--ksy", type=Path, default=ROOT / "schema" / "msl.ksy")
    parser.add_argument("--draft", default=NEWEST_DRAFT, choices=list(DRAFTS))
    parser.add_argument("--samples", type=Path, action="append", metavar="DIR")
    parser.add_argument("--gallery", action="store_true", help="generated specimens as well")
    given = parser.parse_args(arguments)
    names = given.languages.split(",")
    for name in names:
        if name not in LANGUAGES:
            parser.error(f"{name!r} is none of {', '.join(LANGUAGES)}")
    folders = given.samples or SAMPLES
    for folder in folders:
        if not folder.is_dir():
            parser.error(f"there is no folder {folder}")
    draft = DRAFTS[given.draft]
    ksy = given.ksy.read_text(encoding="utf-8")
    failed = False
    with tempfile.TemporaryDirectory(prefix="msl-gallery-") as made:
        paths = sample_files(folders)
        if given.gallery:
            paths += gallery_files(Path(made))
        files = [(path, ours(path, draft)) for path in paths]
        for line in (line for path, one in files for line in misread(path, one, draft)):
            failed = True
            print(line)
        for name in names:
            try:
                differences, comparison = check(LANGUAGES[name], ksy, draft, files)
            except Missing as missing:
                print(f"skipped: {name}: {missing}")
                continue
            except RuntimeError as error:
                differences, comparison = [f"{name}: {error}"], Comparison(name)
            failed |= bool(differences)
            for line in differences:
                print(line)
            exempted = ", ".join(f"{key} {n}" for key, n in sorted(comparison.used.items()))
            print(
                f"{name}: {len(files)} files, {len(differences)} differences"
                + (f"; exempted: {exempted}" if exempted else "")
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
