"""What `msl append` and `msl enrich` share: a dump that is opened to be appended to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

import click

from ..errors import ConformanceError
from .common import STDIO, Exit, note, open_input
from .keys import keys_of

if TYPE_CHECKING:
    from ..encryption import Keys
    from ..reader import Dump
    from .keys import KeyOptions

__all__ = ["Appendable", "appendable"]


class Appendable:
    """A dump that may be appended to, and its file.

    Attributes:
        dump: as it is, verified.
        file: open for reading and writing.
        code: what the command ends with if it may not; None: it may.
        key: what it was opened with, if it is encrypted.
        draft: what it was opened with, if not as it says.
    """

    def __init__(
        self, dump: Dump, file: IO[bytes], code: Exit | None, key: Keys | None, draft: str | None
    ) -> None:
        self.dump, self.file, self.code, self.key, self.draft = dump, file, code, key, draft

    def settle(self, path: str) -> int:
        """See to it that the segment is on disk and holds; which one it is.

        Raises:
            ConformanceError: it does not hold.
        """
        from ..reader import open_dump

        self.file.flush()
        os.fsync(self.file.fileno())
        before = len(self.dump.segments)
        with open_dump(path, key=self.key, draft=self.draft) as after:
            if len(after.segments) != before + 1 or after.trailing is not None:
                raise ConformanceError(f"the segment does not hold: {after.ending.text}")
        return before + 1


@contextmanager
def appendable(path: str, options: KeyOptions, draft: str | None = None) -> Iterator[Appendable]:
    """Open a dump to append to it; says why not, if it may not be.

    Args:
        draft: to open it with, whatever it says.

    Raises:
        click.UsageError: it is no file, or somebody else is appending to it.
    """
    if path == STDIO or not os.path.isfile(path):
        raise click.UsageError(f"{path}: is no file that something can be appended to")
    key = keys_of(dict(options))
    with open(path, "r+b") as file:
        _lock(file, path)
        dump = open_input(path, passing=False, key=key, draft=draft)
        try:  # not as a context manager, which would take what we append for somebody else's
            code = _refused(dump, path)
            dump.require_unchanged()
            yield Appendable(dump, file, code, key, draft)
        finally:
            dump.close()


def _lock(file: IO[bytes], path: str) -> None:
    """Keep others that append from doing so meanwhile."""
    with suppress(ImportError):
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise click.UsageError(f"{path}: somebody else is appending to it") from None
        except OSError:  # a file system without locks
            return


def _refused(dump: Dump, path: str) -> Exit | None:
    """Whether a dump may be appended to (§4.6): complete and intact, of a draft with segments."""
    from ..builder.segment import without_segments

    lacking = without_segments(dump)
    if lacking is not None:
        note(
            f"msl: {path}: {lacking} has no extension segments (§4.6); msl convert makes "
            "a file of a draft that has"
        )
        return Exit.USAGE
    verdict = dump.verify()
    if verdict.findings:
        note(f"msl: {path}: nothing is appended to a file that is not intact: {verdict}")
        return Exit.FINDINGS
    if dump.end_of_capture is None or dump.trailing is not None:
        text = "an appender refuses a file without End-of-Capture, or with bytes behind its blocks"
        note(f"msl: {path}: {text} (§4.6): {dump.ending.text}")
        return Exit.INCOMPLETE
    return None
