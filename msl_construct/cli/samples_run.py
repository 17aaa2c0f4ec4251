"""``msl samples run``."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..outputs import whole_file
from .common import (
    Exit,
    command,
    data_out,
    note,
    text_out,
    whoever_reads,
)
from .drafts import draft_option
from .terminal import wants_color

if TYPE_CHECKING:
    from types import FrameType

    from ..corpus import Manifest
    from ..harness import Result, Results

__all__ = ["RunDisplay", "corpus", "ended_orderly", "progress_line", "run_decoder"]

_LEVELS = ("blocks", "regions", "payloads", "full")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


@dataclass(frozen=True)
class RunDisplay:
    """What the report shows beside the totals and the causes.

    Attributes:
        folder_stays: whether the samples' folder is there after the run; without it the
            command that reproduces a failure runs the harness again.
        matrix: what came out by feature, draft and kind.
        each: every sample that failed.
    """

    folder_stays: bool
    matrix: bool = False
    each: bool = False


@command("run")
@click.option(
    "--decoder",
    required=True,
    metavar="COMMAND",
    help="What to run on each sample: words as a shell splits them, run without a shell. {} "
    "stands for the file's path; without {} the file is on stdin.",
)
@click.option(
    "--samples",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="A corpus' folder; without it the corpus is generated.",
)
@draft_option("Without --samples: the corpus of this draft alone.")
@click.option(
    "--level",
    type=click.Choice(_LEVELS),
    default="full",
    show_default=True,
    help="How deep to compare: headers of the file and its blocks; what regions are, as well; all "
    "payloads; also page states, page data and what is inside compressed payloads.",
)
@click.option(
    "--skip",
    "skips",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="List of samples not to run, each line a name or pattern and # with the reason.",
)
@click.option(
    "--known",
    "knowns",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="List of samples that may fail; one that passes is reported as stale.",
)
@click.option(
    "--without",
    metavar="FEATURES",
    multiple=True,
    help="Features, by code and separated by commas, that the decoder does not support.",
)
@click.option(
    "--lacks",
    "lacks_lists",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="List of what the decoder shows to nobody, each line a pattern of paths such as "
    "blocks.*.payload.reserved and # with the reason; it is not compared.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Only samples of this name or pattern; repeatable.",
)
@click.option(
    "--only-failed",
    type=_FILE,
    metavar="FILE",
    help="Only samples that failed in an earlier run, of which this is what --format json gave.",
)
@click.option(
    "--with-key",
    "with_keys",
    multiple=True,
    metavar="KIND=COMMAND",
    help="What to run on encrypted samples whose key is of this kind (raw, passphrase, private) "
    "instead: {key} stands for the path of a file with the key. Without it their headers are all "
    "that is expected.",
)
@click.option("--first", is_flag=True, help="Begin no further sample after the first failure.")
@click.option(
    "--batch",
    is_flag=True,
    help="The decoder runs for all samples: it reads paths from stdin, one a line, and answers "
    'each with a line {"exit": CODE, "document": {…}}.',
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=86400),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Time that the decoder gets for a sample.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Samples at a time; as many as there are processors.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the results are printed.",
)
@click.option("--matrix", is_flag=True, help="Print what came out by feature, draft and kind.")
@click.option("--each", is_flag=True, help="Print every sample that failed, with its command.")
@click.option(
    "--junit", type=_NEW_FILE, metavar="FILE", help="Write the results as JUnit XML, too."
)
@click.option("--html", type=_NEW_FILE, metavar="FILE", help="Write them as one HTML page, too.")
def run_decoder(
    decoder: str,
    folder: Path | None,
    draft: str | None,
    level: str,
    skips: tuple[Path, ...],
    knowns: tuple[Path, ...],
    without: tuple[str, ...],
    lacks_lists: tuple[Path, ...],
    with_keys: tuple[str, ...],
    only: tuple[str, ...],
    only_failed: Path | None,
    first: bool,
    batch: bool,
    timeout: float,
    jobs: int | None,
    form: str,
    matrix: bool,
    each: bool,
    junit: Path | None,
    html: Path | None,
    quiet: bool,
    no_color: bool,
) -> int:
    """Run a decoder over the corpus and compare what it finds.

    The decoder reads one file and prints the canonical document as JSON. It ends with 0; 3
    when it refuses the file; 4 when the file is incomplete, 5 when it is encrypted, with
    what could be read on stdout. Printed is how many samples passed, then why others fail:
    failures that look alike are one cause, of which the smallest sample is shown, with a hint
    and the command that shows it again.

    \b
    Example:
      msl samples run --decoder 'msl inspect --json --with-data {}'
      msl samples run --decoder './decode' --level blocks --without zst,lz4
      msl samples run --decoder './decode {}' --known known.txt --junit results.xml
      msl samples run --decoder './decode --batch' --batch --level regions --first
      msl samples run --decoder './decode {}' --with-key 'raw=./decode --key {key} {}'

    Exit codes: 0 everything passed, but for what is listed; 1 something failed, or an entry
    of a list is stale; 2 usage, or the decoder can't be started; 3 the corpus can't be read.
    """
    from .. import harness

    if draft is not None and folder is not None:
        raise click.UsageError("--draft says what is generated; --samples names what was")
    skip = [entry for path in skips for entry in harness.read_list(path)]
    known = [entry for path in knowns for entry in harness.read_list(path)]
    lacks = [entry.pattern for path in lacks_lists for entry in harness.read_list(path)]
    if only_failed is not None:
        only = (*only, *harness.failed_before(only_failed))
    keyed = dict(_split(text) for text in with_keys)
    lacking = [code.strip() for one in without for code in one.split(",") if code.strip()]
    with ended_orderly(), corpus(folder, draft, quiet) as manifest:
        with progress_line(len(harness.chosen(manifest, only)), quiet) as progress:
            results = harness.run(
                manifest,
                decoder,
                level=level,
                timeout=timeout,
                jobs=jobs,
                skip=skip,
                known=known,
                without=lacking,
                only=only,
                lacks=lacks,
                keyed=keyed,
                batch=batch,
                first=first,
                progress=progress,
            )
        shown = RunDisplay(folder is not None, matrix=matrix, each=each)
        _report(results, form, junit, html, no_color, shown)
    return Exit.FINE if results.ok else Exit.FINDINGS


def _split(text: str) -> tuple[str, str]:
    kind, equals, command = text.partition("=")
    if not equals:
        raise click.UsageError(f"--with-key: expected KIND=COMMAND, found {text}")
    return kind, command


def _report(
    results: Results,
    form: str,
    junit: Path | None,
    html: Path | None,
    no_color: bool,
    shown: RunDisplay,
) -> None:
    """Files first: whoever reads stdout may stop reading."""
    if junit is not None:
        from .samples_run_junit import junit as as_junit

        _write(junit, as_junit(results, folder_stays=shown.folder_stays))
    if html is not None:
        from .samples_run_html import html as as_html

        _write(html, as_html(results, folder_stays=shown.folder_stays))
    with whoever_reads(), data_out() if form == "json" else text_out() as out:
        out.writelines(_printed(results, form, no_color, shown))


def _printed(results: Results, form: str, no_color: bool, shown: RunDisplay) -> Iterator[str]:
    if form == "json":
        from .text import as_json

        # ASCII, so that nothing of what a decoder printed acts on a terminal.
        yield as_json(results.to_json(), indent=1) + "\n"
        return
    from .samples_run_text import lines
    from .text import Style

    style = Style(wants_color(no_color))
    yield from (f"{line}\n" for line in lines(results, style, shown))


def _write(path: Path, pieces: Iterable[str]) -> None:
    with whole_file(path, force=True, secret=False) as file:
        file.writelines(piece.encode() for piece in pieces)


@contextmanager
def ended_orderly() -> Iterator[None]:
    """Take a request to end like ^C: else decoders, in sessions of their own, would run on."""

    def request(number: int, _: FrameType | None) -> None:
        raise KeyboardInterrupt

    with ExitStack() as afterwards:
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                with suppress(ValueError):  # not in the main thread
                    afterwards.callback(signal.signal, number, signal.signal(number, request))
        yield


@contextmanager
def corpus(folder: Path | None, draft: str | None, quiet: bool) -> Iterator[Manifest]:
    """The corpus in a folder, or one that is made for the run."""
    from ..corpus import Manifest

    if folder is not None:
        yield Manifest.load(folder)
        return
    from ..corpus.generate import generate

    with tempfile.TemporaryDirectory(prefix="msl-samples-") as name:
        if not quiet and sys.stderr.isatty():
            note("msl: generating the corpus")
        yield generate(Path(name), *([] if draft is None else [draft]), left_out=[])


@contextmanager
def progress_line(count: int, quiet: bool) -> Iterator[Callable[[Result], object] | None]:
    """A line that counts, where there is a terminal to count on."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    done = failed = 0

    def step(result: Result) -> None:
        nonlocal done, failed
        done += 1
        failed += result.failed
        print(f"\r{done} of {count} samples, {failed} failed ", end="", file=sys.stderr, flush=True)

    try:
        yield step
    finally:
        print(file=sys.stderr)
