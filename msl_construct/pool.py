"""Threads for work, where the system has any for us."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

__all__ = ["started_pool"]


def started_pool(count: int, name: str) -> ThreadPoolExecutor | None:
    """Threads that have all been started; None where they can't be.

    A pool of its own accord starts a thread when there is work for it. Where that fails, the
    work stays in its queue, and may be done twice.
    """
    pool = ThreadPoolExecutor(count, thread_name_prefix=name)
    begin = threading.Event()
    try:
        for _ in range(count):
            pool.submit(begin.wait)
    except (RuntimeError, MemoryError):
        begin.set()
        pool.shutdown()
        return None
    begin.set()
    return pool
