"""The report of a dump at a distance: there when the dump is, and whole."""

from __future__ import annotations

import errno
from typing import Any

from msl_construct.errors import StreamError
from msl_construct.remote_output import RemoteFile, check_remote

from .report import Report, pieces
from .report_file import Progress

__all__ = ["RemoteReport"]


class RemoteReport:
    """A report in an object store, sent when the dump is there.

    Args:
        url: its address.
        force: what is there is replaced.
        of_remote: whether its dump is at a distance: of one that could not be sent nothing is kept,
            and there is no report.

    Attributes:
        made: whether a version of it is there before it is finished: never.
    """

    def __init__(self, url: str, *, force: bool = False, of_remote: bool = False) -> None:
        self.url = url
        self.made = False
        self._force, self._of_remote = force, of_remote

    def begin(self, report: Report, progress: dict[str, Any] | None = None) -> None:
        """See to it that there can be a report, before the target is touched.

        Raises:
            OSError: there can't.
            StreamError: likewise, of an address that nothing can be written to.
        """
        check_remote(self.url, force=self._force)

    def renew(self, report: Report, progress: Progress, rows: int) -> None:
        """Nothing: whoever looks meanwhile finds no dump either."""

    def finish(self, report: Report) -> None:
        """Send the report as it is in the end.

        Raises:
            OSError: it can't be sent.
        """
        if self._of_remote and report.status == "output_failed":
            return
        try:
            with RemoteFile(self.url, force=self._force) as out:
                for piece in pieces(report.summary()):
                    out.write(piece.encode())
                out.settle()
        except StreamError as error:  # the dump is there all the same
            raise OSError(errno.EIO, str(error), self.url) from None

    def discard(self) -> None:
        """There is nothing to report on, and nothing was sent."""
