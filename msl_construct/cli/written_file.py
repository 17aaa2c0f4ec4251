"""Writing a file that a command was asked for."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, TypeVar

import click

from ..errors import MslError
from ..outputs import NewFile, check_place, is_passing, whole_file
from ..remote_output import is_same_place
from .common import STDIO, discard_stdout

__all__ = [
    "CutOutputError",
    "check_new",
    "refuse_itself",
    "settle_together",
    "whole_output",
    "write_new",
    "write_out",
    "write_together",
]

T = TypeVar("T")

_CUT = "the reader of the output went away before the file was whole"


class CutOutputError(MslError):
    """A file that went to stdout, or into a pipe, is not whole: its reader has gone."""


def write_out(path: str, force: bool, write: Callable[[IO[bytes]], T]) -> T:
    """Write to a path, or to stdout for ``-``.

    Raises:
        click.UsageError: nothing can be written there.
        CutOutputError: whoever reads stdout, or the pipe at the path, has gone.
    """
    if path != STDIO:
        return write_new(path, force, write)
    with whole_output():
        made = write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
    return made


@contextmanager
def whole_output() -> Iterator[None]:
    """Printing of a file, of which half must not look like all of it.

    Raises:
        CutOutputError: whoever reads stdout has gone.
    """
    try:
        yield
    except BrokenPipeError:
        discard_stdout()
        raise CutOutputError(_CUT) from None


def write_new(path: str, force: bool, write: Callable[[IO[bytes]], T], *, secret: bool = True) -> T:
    """Write to a path; see `whole_file`.

    Raises:
        click.UsageError: nothing can be written there.
        CutOutputError: it is a pipe, and whoever reads it has gone.
    """
    check_new(path, force)
    try:
        with whole_file(path, force=force, secret=secret) as file:
            try:
                return write(file)
            except OSError as error:
                raise OSError(error.errno, error.strerror, error.filename or path) from None
    except BrokenPipeError:
        raise CutOutputError(_CUT) from None


def write_together(
    writers: Sequence[tuple[str, Callable[[IO[bytes]], object]]], force: bool
) -> None:
    """Write files that belong together, in order: all of them are there in the end, or none.

    Args:
        writers: a path, and what writes the file there.

    Raises:
        click.UsageError: nothing can be written at one of the paths.
    """
    for path, _ in writers:
        check_new(path, force)
        if is_passing(path):
            raise click.UsageError(f"{path} is a device or a pipe: expected room for a file")
    with ExitStack() as opened:
        made = [opened.enter_context(NewFile(path, force=force)) for path, _ in writers]
        for new, (path, write) in zip(made, writers):
            try:
                with open(new.file.fileno(), "wb", closefd=False) as file:
                    write(file)
            except OSError as error:
                raise OSError(error.errno, error.strerror, error.filename or path) from None
        settle_together(made)


def settle_together(files: Sequence[NewFile]) -> None:
    """Put files that belong together where they belong: all of them, or none.

    The first is put there last. Whoever is killed meanwhile leaves what was put there by then.

    Raises:
        OSError: one of them can't be put there; all that stood there before does so again.
    """
    with ExitStack() as undone:
        for one in reversed(files):
            undone.callback(one.revoke)
            one.settle(revocable=True)
        undone.pop_all()
    for one in files:
        one.confirm()


def check_new(place: str, force: bool) -> None:
    """Refuse a place where nothing can be written.

    Raises:
        click.UsageError: it is such a place.
    """
    try:
        check_place(place, force=force)
    except FileExistsError:
        raise click.UsageError(f"{place} exists; --force overwrites it") from None
    except OSError as error:
        raise click.UsageError(f"{place}: {error.strerror}") from None


def check_apart(output: str, beside: str | None) -> None:
    """Refuse a second file that would take the place of the first.

    Raises:
        click.UsageError: it would.
    """
    if beside is None or STDIO in (output, beside) or is_passing(output):
        return
    if is_same_place(output, beside):
        raise click.UsageError(f"{beside}: is {output}: choose another name for one of them")


def refuse_itself(source: str, output: str) -> None:
    """Refuse to write over the file that is read, or behind it.

    Raises:
        click.UsageError: it would be.
    """
    if output != STDIO and is_passing(output):
        return
    try:
        read = os.fstat(sys.stdin.fileno()) if source == STDIO else os.stat(source)
        written = os.fstat(sys.stdout.fileno()) if output == STDIO else os.stat(output)
    except (OSError, ValueError, AttributeError):
        return  # there is nothing yet, or no file
    if stat.S_ISREG(read.st_mode) and os.path.samestat(read, written):
        raise click.UsageError(f"{output} is the file that is read: choose another name")
