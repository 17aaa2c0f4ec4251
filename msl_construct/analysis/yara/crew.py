"""Processes that scan, as many as there are processors, and threads that wait for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from ...pool import started_pool
from ..forked import can_fork
from .engines import CompiledRules, Engine, has_scanned
from .worker import ForkedWorker, Scanner, ScannerHere, WorkerProcess

__all__ = ["Crew"]


class Crew:
    """Scanners, and threads that wait for them.

    Args:
        engine: what scans.
        count: how many processes; 0: this one scans.
        bytes_at: gives the bytes of a range to copies of this process.
        compiled: all rules, by the numbers of their sets.

    Attributes:
        workers: the processes.
        free: scanners that nobody uses.
        threads: those that wait; None: there is but this process.
    """

    def __init__(
        self,
        engine: Engine,
        count: int,
        bytes_at: Callable[[int, int], bytes | memoryview],
        compiled: Mapping[int, CompiledRules],
    ) -> None:
        self.workers: list[WorkerProcess] = []
        self.free: SimpleQueue[Scanner] = SimpleQueue()
        self.threads: ThreadPoolExecutor | None = None
        forks = can_fork() and not has_scanned()
        try:
            for _ in range(count):
                self.workers.append(
                    ForkedWorker(engine, bytes_at, self.workers, compiled)
                    if forks
                    else WorkerProcess(engine)
                )
            self.threads = started_pool(count, "msl-yara") if count else None
        except OSError:
            pass  # with as many as there are, or in this process
        if self.threads is None:
            self._end()
            self.workers.clear()
            self.free.put(ScannerHere())
        for worker in self.workers:
            self.free.put(worker)

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        if self.threads is not None:
            self.threads.shutdown(cancel_futures=True)
        self._end()

    def _end(self) -> None:
        for worker in self.workers:
            worker.close()
