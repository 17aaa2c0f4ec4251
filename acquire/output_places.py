"""Where the dump, the report and the evidence of each target go."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import click

from msl_construct.cli.common import STDIO
from msl_construct.cli.start import piped
from msl_construct.outputs import check_name, check_place
from msl_construct.remote_output import check_remote, is_remote, is_same_place

from .evidence import EvidenceFolder
from .report import beside

__all__ = ["Places", "stdout"]

_SLASHES = tuple(filter(None, (os.sep, os.altsep)))


@dataclass(frozen=True)
class Places:
    """What the user said of it.

    Attributes:
        output: a file, a folder, or ``-``.
        each: every target has a place of its own, even where there is only one.
        report: of the only target; empty: beside the dump.
        no_report: there is none.
        evidence: a folder; empty: none is kept.
        force: replace what is there.
    """

    output: str
    each: bool
    report: str = ""
    no_report: bool = False
    evidence: str = ""
    force: bool = False

    def dump(self, pid: int) -> str:
        """The file of the dump, or ``-``."""
        if is_remote(self.output):
            return self._address(pid)
        if os.path.isdir(self.output):
            return str(Path(self.output) / f"{pid}.msl")
        if not self.each or self.output == STDIO:
            return self.output
        path = Path(self.output)
        return str(path.with_name(f"{path.stem}-{pid}{path.suffix}"))

    def _address(self, pid: int) -> str:
        if self.output.endswith("/"):
            return f"{self.output}{pid}.msl"
        if not self.each:
            return self.output
        folder, _, name = self.output.rpartition("/")
        if folder.endswith("/"):  # a bucket alone: with a number in it, it would be another's
            return f"{self.output}/{pid}.msl"
        stem, dot, suffix = name.rpartition(".")
        return f"{folder}/{stem or suffix}-{pid}{dot if stem else ''}{suffix if stem else ''}"

    def report_of(self, pid: int) -> str | None:
        """The file of the report, or its address, which may be ``-``; None: there is none."""
        if self.no_report:
            return None
        if self.report:
            return self.report
        path = self.dump(pid)
        regular = path != STDIO and (
            is_remote(path) or os.path.isfile(path) or not os.path.exists(path)
        )
        return beside(path) if regular else None

    def evidence_of(self, pid: int) -> Path | None:
        """The folder of the evidence; None: there is none."""
        if not self.evidence:
            return None
        return Path(self.evidence) / str(pid) if self.each else Path(self.evidence)

    def check(self, pids: Sequence[int]) -> None:
        """Make the folders, and refuse what can't be written there, before anybody is touched.

        Raises:
            UsageError: something is there already, or two things would be.
            OSError: there is no such folder.
        """
        if self.report and len(pids) > 1:
            raise click.UsageError(f"--report is one file, there are {len(pids)} targets")
        if self.report == STDIO == self.output:
            raise click.UsageError("stdout takes the dump or the report, not both")
        if self.output == STDIO and len(pids) > 1:
            raise click.UsageError(f"stdout takes one dump, there are {len(pids)} targets")
        if self.evidence:
            self._check_evidence(pids)
        if is_remote(self.output):
            self._check_remote(pids)
            return
        if self.output.endswith(_SLASHES) and not os.path.exists(self.output):
            self._check_name(self.output)
            os.makedirs(self.output, 0o700)
        for pid in pids:
            self._check_files(pid)

    def _check_remote(self, pids: Sequence[int]) -> None:
        if self.output.endswith("://"):
            raise click.UsageError(f"{self.output}: names no place: expected BUCKET/NAME behind it")
        for pid in pids:
            url, report = self.dump(pid), self.report_of(pid)
            self._check_report(url, report)
            local = [] if report is None or is_remote(report) else [report]
            self._check_apart(pid, local)
            for place in local:
                if place != STDIO:
                    self._check_place(Path(place))
            self._check_address(url)
            if report is not None and is_remote(report):
                self._check_address(report)

    @staticmethod
    def _check_report(dump: str, report: str | None) -> None:
        """Refuse a report that would take the dump's place."""
        if report is not None and STDIO not in (dump, report) and is_same_place(dump, report):
            raise click.UsageError(f"{dump}: is the dump, and can't be the report as well")

    def _check_address(self, url: str) -> None:
        try:
            check_remote(url, force=self.force)
        except FileExistsError:
            raise click.UsageError(f"{url}: is there already; --force replaces it") from None

    def _check_files(self, pid: int) -> None:
        path, report = self.dump(pid), self.report_of(pid)
        for name in (path, report):
            if name is not None and not is_remote(name):
                self._check_name(name)
        self._check_report(path, report)
        if report is not None and is_remote(report):
            self._check_address(report)
            report = None
        places = [place for place in (path, report) if place is not None and place != STDIO]
        self._check_apart(pid, places)
        for place in map(Path, places):
            self._check_place(place)

    @staticmethod
    def _check_name(path: str) -> None:
        try:
            check_name(path)
        except OSError as error:
            raise click.UsageError(f"{path}: {error.strerror}") from None

    def _check_place(self, place: Path) -> None:
        if not place.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "no such folder", str(place.parent))
        try:
            check_place(place, force=self.force)
        except FileExistsError:
            raise click.UsageError(f"{place}: is there already; --force replaces it") from None
        except OSError as error:
            raise click.UsageError(f"{place}: {error.strerror}") from None

    def _check_apart(self, pid: int, files: Sequence[str | Path]) -> None:
        """Refuse a folder of evidence that is one of the files, holds it or lies below it."""
        evidence = self.evidence_of(pid)
        if evidence is None:
            return
        folder = evidence.resolve()
        for file in files:
            found = Path(file).resolve()
            if folder == found or folder in found.parents or found in folder.parents:
                raise click.UsageError(
                    f"--evidence {evidence}: needs a folder apart from {file}, which is written too"
                )

    def _check_evidence(self, pids: Sequence[int]) -> None:
        self._check_name(self.evidence)
        folder = Path(self.evidence)
        if not folder.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "no such folder", str(folder.parent))
        for pid in pids:
            place = self.evidence_of(pid)
            assert place is not None
            try:
                EvidenceFolder.check(place, force=self.force)
            except FileExistsError as error:
                raise click.UsageError(
                    f"{place}: {error.strerror}; --force replaces the evidence in it"
                ) from None
        if self.each:
            with suppress(FileExistsError):
                folder.mkdir(0o700)


def stdout() -> IO[bytes]:
    """Where a dump goes that goes to stdout.

    Raises:
        UsageError: a terminal.
        OSError: it is closed.
    """
    if sys.stdout.isatty():
        raise click.UsageError("stdout is a terminal: a dump would garble it")
    sys.stdout.flush()
    try:
        os.write(sys.stdout.fileno(), b"")
    except OSError as error:
        raise OSError(error.errno, "stdout is closed, or not open for writing") from None
    return cast(IO[bytes], piped(open(sys.stdout.fileno(), "wb", buffering=0, closefd=False)))
