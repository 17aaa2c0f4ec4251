"""What a session does about evidence: a folder that can't be written to stops no acquisition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import model
from .backend import EvidenceCollector
from .evidence import EvidenceFolder, EvidenceLimits, Row, failure

__all__ = ["Collecting"]


class Collecting:
    """Evidence of one target.

    Args:
        folder: where to.
        evidence: who collects it.
        limits: for copies of the target's own files.
        stop: whether to leave the rest.
    """

    def __init__(
        self,
        folder: EvidenceFolder,
        evidence: EvidenceCollector,
        limits: EvidenceLimits,
        stop: Callable[[], bool],
    ) -> None:
        self._folder = folder
        self._evidence = evidence
        self._limits = limits
        self._stop = stop
        self._failed: Row | None = None
        self._open = True

    def before(self, about: Mapping[str, Any]) -> None:
        """Before the target is stopped.

        Args:
            about: the dump that it belongs to.
        """
        self._try(lambda: self._folder.begin(about))
        self._try(lambda: self._evidence.before(self._folder, self._stop))

    def frozen(self, method: str, mappings: Sequence[model.Mapping], seconds: float) -> None:
        """While it stands still.

        Args:
            method: how it was stopped.
            mappings: its.
            seconds: at most so long.
        """
        moment = "running" if method == "none" else "frozen"
        self._try(lambda: self._evidence.frozen(moment, mappings, seconds))

    def after(self, about: Mapping[str, Any]) -> dict[str, Any]:
        """When it has been let go: the section of the report.

        Args:
            about: what is known at the end only.
        """
        self._try(lambda: self._evidence.after(self._folder, self._limits, self._stop))
        section: dict[str, Any] = {"path": self._folder.path}
        if self._failed is None:
            try:
                section = self._folder.close(about)
            except OSError as error:
                self._failed = failure(error)
        self._open = False
        self._folder.leave()
        return {**section, **(self._failed or self._folder.problem or {})}

    def close(self, *, keep: bool) -> None:
        """Let go of everything, and remove it if `after` was not reached.

        Args:
            keep: leave what there is: a dump was begun.
        """
        self._evidence.close()
        if self._open:
            self._open = False
            if keep:
                self._folder.leave()
            else:
                self._folder.abandon()

    def _try(self, what: Callable[[], None]) -> None:
        if self._failed is None:
            try:
                what()
            except OSError as error:
                self._failed = failure(error)
