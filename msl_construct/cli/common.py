"""What every command shares: options, output streams, exit codes, errors in one line."""

from __future__ import annotations

import codecs
import functools
import inspect
import io
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from typing import IO, TYPE_CHECKING, Any, Literal, TextIO, TypeVar, overload

import click

from ..drafts import DIALECTS
from ..errors import (
    AddressError,
    ConformanceError,
    DocumentError,
    DraftError,
    EncryptedError,
    FormatError,
    HarnessError,
    MslError,
    NoFieldError,
    PatternError,
    TamperedError,
    TargetError,
    WrongDialectError,
)
from ..windows_files import expanded
from .drafts import draft_option
from .error_text import error_text, is_out_of_memory
from .keys import KeyOptions, key_options, keys_of
from .start import let_interrupts_raise
from .terminal import columns_of
from .text import folded, printable
from .traffic import remember_traffic, traffic_lines, verbose_option

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from typing_extensions import Unpack

    from ..encryption import Keys
    from ..reader.dump import Dump
    from ..reader.opened import Opened
    from ..reader.stream import PassingDump

__all__ = [
    "NOBODY",
    "Exit",
    "ReadOptions",
    "command",
    "data_out",
    "discard_stdout",
    "draft_options",
    "lacking_code",
    "lacking_word",
    "note",
    "open_input",
    "paths",
    "say_version",
    "text_out",
    "whoever_reads",
]

F = TypeVar("F", bound=Callable[..., object])

STDIO = "-"
NOBODY = "nobody read on, and the rest was not looked at"
_INDENT = 5
"""Columns in front of what goes on, behind ``msl: ``."""


class Exit(IntEnum):
    """Exit codes, as documented in the CLI reference."""

    FINE = 0
    FINDINGS = 1
    USAGE = 2
    UNREADABLE = 3
    INCOMPLETE = 4
    KEY = 5
    TARGET = 6
    DEFECT = 70


_EVERY_COMMANDS = (
    click.option("--quiet", "-q", is_flag=True, help="Say nothing on stderr but errors."),
    click.option("--no-color", is_flag=True, help="No colour, like NO_COLOR."),
    click.option(
        "--debug",
        is_flag=True,
        is_eager=True,  # known when a draft of one's own is loaded
        help="Show a traceback when something goes wrong.",
    ),
)
_TOLD = ("quiet", "no_color")
"""Of these, what a function may ask for."""


def command(
    name: str | None = None, *, help_text: str | None = None
) -> Callable[[Callable[..., int | None]], click.Command]:
    """Make a function a command, with all that every one has.

    That is ``-h``, ``--quiet``, ``--no-color`` and ``--debug``, and that whatever it raises becomes
    one line on stderr and an exit code (see `_guarded`). It stands above the command's own
    arguments and options. The function returns its exit code; it is told `quiet` and `no_color` if
    it has parameters of these names.

    Args:
        name: that of the function, unless given.
        help_text: its docstring, unless given.
    """

    def made(function: Callable[..., int | None]) -> click.Command:
        found = click.command(
            name, help=help_text, context_settings={"help_option_names": ["-h", "--help"]}
        )(_guarded(function))
        for option in _EVERY_COMMANDS:
            option(found)
        return found

    return made


def draft_options(function: F) -> F:
    """How to read a file whose header says otherwise."""
    options = (
        draft_option("Read with this draft, whatever it says."),
        click.option(
            "--dialect",
            type=click.Choice(("none", *DIALECTS)),
            help="Read with this dialect, or as the draft has it. By default a dialect is "
            "recognised, but not with --draft.",
        ),
        click.option(
            "--byte-order",
            type=click.Choice(["little", "big"]),
            help="Read in this byte order, whatever the header says.",
        ),
        click.option(
            "--max-inflate",
            type=click.IntRange(min=0),
            metavar="BYTES",
            help="Most that one compressed payload may inflate to (1 GiB).",
        ),
        click.option(
            "--max-memory",
            type=click.IntRange(min=0),
            metavar="BYTES",
            help="Most that may be kept of what is decoded and inflated (256 MiB and eight times "
            "the size of the file).",
        ),
        click.option(
            "--max-spool",
            type=click.IntRange(min=0),
            metavar="BYTES",
            help="Most of a pipe that may be put on disk (half of what is free for temporary "
            "files).",
        ),
    )
    function = verbose_option(key_options(function))
    for option in reversed(options):
        function = option(function)
    return function


def lacking_code(dump: Opened) -> Exit:
    """What a command ends with that could not show all of a dump."""
    return Exit.FINDINGS if dump.tampered else Exit.INCOMPLETE


def lacking_word(dump: Opened, text: str) -> str:
    """The same for people, of one of the reasons."""
    return "not intact" if dump.tampered and text == dump.ending.text else "incomplete"


def paths(_: click.Context, __: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """Callback of arguments that are files: on Windows nobody else expands wildcards, and names
    are written alike on all systems, with ``/``."""
    if sys.platform != "win32":
        return names
    return tuple(found for name in names for found in expanded(name))


_MISUSED = (AddressError, DraftError, HarnessError, PatternError, WrongDialectError)


_OF_NAMES = (ConformanceError, NoFieldError)
"""What is raised where a draft lacks a name that was asked for."""


def exit_code(error: BaseException) -> Exit:
    """The code that an exception ends a command with."""
    if isinstance(error, EncryptedError):
        return Exit.KEY
    if isinstance(error, TamperedError):
        return Exit.FINDINGS
    if isinstance(error, TargetError):
        return Exit.TARGET
    if isinstance(error, _MISUSED):
        return Exit.USAGE
    if isinstance(error, (FormatError, DocumentError, OSError)):
        return Exit.UNREADABLE
    return (
        Exit.UNREADABLE if isinstance(error, MslError) or is_out_of_memory(error) else Exit.DEFECT
    )


def complain(error: BaseException, name: str = "") -> Exit:
    """One line on stderr for an exception; its exit code."""
    code = exit_code(error)
    if not name and isinstance(error, OSError) and error.filename:
        name = str(error.filename)
    if not name and isinstance(error, MslError):
        name = error.file
    text = error_text(error)
    if isinstance(error, OSError) and error.filename and str(error.filename) not in (name, text):
        text = f"{error.filename}: {text}"  # such as a key, which is not where it was said to be
    authored = sys.modules.get("msl_construct.drafts.authored")  # not loaded, no such draft
    if authored is not None and (code is Exit.DEFECT or isinstance(error, _OF_NAMES)):
        taken = authored.renaming(error)
        if taken:
            note(f"msl: {taken}: this command asks for it by that name, leave it as it is ({text})")
            return Exit.USAGE
    if code is Exit.DEFECT:
        text = f"{type(error).__name__}: {text}"
        place = authored.responsible(error) if authored is not None else None
        if place is not None:
            note(f"msl: {place}: {text} (--debug shows where)")
            return Exit.USAGE
        own = list(authored.origins()) if authored is not None else []
        read_with = f", with the draft {', '.join(own)}" if own else ""
        text = f"a defect of ours: {text}{read_with} (--debug shows where)"
    note(f"msl: {name}: {text}" if name else f"msl: {text}")
    return code


def note(text: str) -> None:
    """A line for people, on stderr, with nothing in it that would act on a terminal.

    On a terminal that is narrower it goes on below, between words.
    """
    if sys.stderr is None:  # `print` would take stdout instead
        return
    text = printable(text)
    width = columns_of(sys.stderr)
    if width is not None:
        text = "\n".join(folded(text, width, _INDENT))
    try:
        print(text, file=sys.stderr)
    except UnicodeEncodeError:
        print(text.encode("ascii", "backslashreplace").decode(), file=sys.stderr)


def _guarded(function: Callable[..., int | None]) -> Callable[..., None]:
    """Turn a command's exceptions into one line on stderr and an exit code.

    Who reads stdout no more ends it: where nothing else was said of that (`whoever_reads`), not all
    was looked at.
    """
    asked = inspect.signature(function).parameters

    @functools.wraps(function)
    def guarded(*arguments: object, **options: object) -> None:
        debug = options.pop("debug")
        for name in _TOLD:
            if name not in asked:
                del options[name]
        let_interrupts_raise()
        try:
            code = function(*arguments, **options)
        except BrokenPipeError:
            discard_stdout()
            note(f"msl: incomplete: {NOBODY}")
            code = Exit.INCOMPLETE
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            note("msl: interrupted")
            code = 130
        except Exception as error:
            if debug:
                traceback.print_exc()
            code = complain(error)
        for line in traffic_lines():
            note(line)
        sys.exit(int(_flushed(code or Exit.FINE)))

    return guarded


def _flushed(code: int) -> int:
    """The exit code once all that was printed has gone out, or what keeps it from that.

    What an interpreter can't flush on its way out changes the exit code to 120.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()
    except (OSError, ValueError) as error:
        discard_stdout()
        if code < Exit.UNREADABLE:  # else the error has been told
            return complain(error)
    return code


@contextmanager
def whoever_reads() -> Iterator[None]:
    """Printing on which nothing else depends: of who goes away meanwhile nothing is said.

    What the exit code speaks of has been looked at, or is looked at all the same.
    """
    try:
        yield
    except BrokenPipeError:
        discard_stdout()


def discard_stdout() -> None:
    """Keep the interpreter from complaining about the closed pipe on its way out."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def data_out(*, lacking: str = "msl.json") -> Iterator[IO[str]]:
    """stdout as UTF-8 text in large pieces; a terminal of another encoding gets that.

    Args:
        lacking: error handler for characters that such a terminal lacks; what it puts in their
            place must mean the same to whoever reads the form that is printed.

    Raises:
        BrokenPipeError: whoever read it has gone; the caller decides what that means.
    """
    sys.stdout.flush()
    raw = getattr(sys.stdout, "buffer", None)
    if raw is None or (sys.stdout.isatty() and not _is_utf8(sys.stdout)):
        with text_out(lacking=lacking) as out:
            yield out
        return
    out = io.TextIOWrapper(
        io.BufferedWriter(_Unclosed(raw), 1 << 16), encoding="utf-8", newline="\n"
    )
    yield out
    out.flush()
    raw.flush()


@contextmanager
def text_out(*, lacking: str = "backslashreplace") -> Iterator[IO[str]]:
    """stdout for people: in its own encoding, with what that lacks escaped.

    Raises:
        BrokenPipeError: whoever read it has gone; the caller decides what that means.
    """
    sys.stdout.flush()
    if isinstance(sys.stdout, io.TextIOWrapper):  # else a test's StringIO
        sys.stdout.reconfigure(errors=lacking, newline="\n")
    yield sys.stdout
    sys.stdout.flush()


def _is_utf8(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "").replace("_", "") == "utf8"


def _as_json_has_it(error: UnicodeError) -> tuple[str, int]:
    """Error handler: characters as a JSON string writes them in ASCII."""
    assert isinstance(error, UnicodeEncodeError)
    lost = error.object[error.start : error.end]
    return json.dumps(lost)[1:-1], error.end


codecs.register_error("msl.json", _as_json_has_it)


class _Unclosed(io.RawIOBase):
    """stdout's bytes, left open when the wrapper around them goes."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        self._raw.write(data)
        return memoryview(data).nbytes


def say_version(path: str, dump: Dump | PassingDump) -> None:
    """Say on stderr that a file's version is not known, if so: a later one may mean more."""
    if dump.header.unknown_version:
        note(f"msl: {'stdin' if path == STDIO else path}: {dump.header.unknown_version}")


class ReadOptions(KeyOptions, total=False):
    """How to read a file whose header says otherwise, see `draft_options`; None: as it says."""

    draft: str | None
    dialect: str | None
    byte_order: str | None
    max_inflate: int | None
    max_memory: int | None
    max_spool: int | None
    key: Keys | None


@overload
def open_input(
    path: str, *, passing: Literal[False, "listing"], **options: Unpack[ReadOptions]
) -> Dump: ...
@overload
def open_input(
    path: str,
    *,
    passing: bool | Literal["listing"] = True,
    stdin: IO[bytes] | None = None,
    **options: Unpack[ReadOptions],
) -> Dump | PassingDump: ...
def open_input(
    path: str,
    *,
    passing: bool | Literal["listing"] = True,
    stdin: IO[bytes] | None = None,
    **options: Unpack[ReadOptions],
) -> Dump | PassingDump:
    """A dump from a path, or from stdin for ``-``.

    Args:
        passing: whether stdin may be read block by block; else it is spooled, and for a
            listing without page data.
        stdin: what to read block by block instead.
    """
    kept: dict[str, Any] = {key: value for key, value in options.items() if value is not None}
    keys = keys_of(kept)
    if keys is not None:
        kept["key"] = keys
        passing = False  # nothing is shown before the tag, which is the end of the file
    try:
        opened = _opened(path, passing, stdin, kept)
        remember_traffic(path, opened)
        return opened
    except MslError as error:
        error.file = path
        raise


def _opened(
    path: str, passing: bool | Literal["listing"], stdin: IO[bytes] | None, kept: dict[str, Any]
) -> Dump | PassingDump:
    if path != STDIO:
        from ..reader import open_dump

        return open_dump(path, **kept)
    if passing == "listing":
        from ..reader import open_listing

        return open_listing(sys.stdin.buffer, **kept)
    if passing:
        from ..reader.stream import PassingDump

        return PassingDump(stdin or sys.stdin.buffer, name=STDIO, **kept)
    from ..reader import open_dump

    dump = open_dump(sys.stdin.buffer, **kept)
    dump.name = STDIO
    return dump
