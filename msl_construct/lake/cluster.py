"""Work handed to the workers of a Dask cluster, a little ahead of what they have done."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any, TypeVar

from ..errors import ExportError, StreamError

__all__ = ["on_cluster"]

T = TypeVar("T")

_AHEAD = 4
_CONNECTS_WITHIN = 30
"""Seconds in which a scheduler must answer, and have a worker."""

_LOOK_EVERY = 5
"""Seconds without anything done after which it is asked for its workers."""


def on_cluster(
    address: str, function: Callable[..., T], calls: Iterable[tuple[Any, ...]]
) -> Iterator[T]:
    """What a function gives for each call, as they get ready.

    Args:
        address: of the scheduler.
        calls: the arguments of each.

    Raises:
        ExportError: Dask is not installed.
        OSError: as the function raises it.
        StreamError: the cluster is not there, or its workers are ended time and again.
    """
    try:
        library: Any = import_module("distributed")
    except ImportError:
        raise ExportError("--dask needs Dask: pip install 'msl-construct[dask]'") from None
    try:
        client = library.Client(address, timeout=_CONNECTS_WITHIN)
    except (OSError, ValueError) as error:
        raise StreamError(f"{address}: no scheduler of Dask answers: {error}") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=_CONNECTS_WITHIN)
        except (OSError, library.TimeoutError):
            raise StreamError(
                f"{address}: no worker of Dask came within {_CONNECTS_WITHIN} seconds"
            ) from None
        coming = iter(calls)

        def submitted(number: int) -> list[Any]:
            found = []
            for call in itertools.islice(coming, number):
                try:
                    found.append(client.submit(function, *call, pure=False))
                except Exception as error:  # what was asked for before is all that it knows of
                    raise StreamError(f"{address}: the scheduler of Dask: {error}") from None
            return found

        ahead = _AHEAD * max(1, sum(client.nthreads().values()))
        running = set(submitted(ahead))
        while running:
            for future in _ready(library, client, address, running):
                running.remove(future)
                try:
                    done = future.result()
                except OSError:
                    raise
                except Exception as error:
                    raise StreamError(f"{address}: a worker of Dask: {error}") from None
                running.update(submitted(1))
                yield done


def _ready(library: Any, client: Any, address: str, running: set[Any]) -> set[Any]:
    """Some of what is running, when it is done; a cluster whose workers have gone is none.

    Raises:
        StreamError: the scheduler has gone, or has no worker any more, and none comes.
    """
    while True:
        try:
            found: set[Any] = library.wait(running, _LOOK_EVERY, "FIRST_COMPLETED").done
            return found
        except library.TimeoutError:
            pass  # it takes its time, or nobody is at it
        except Exception as error:
            raise StreamError(f"{address}: the scheduler of Dask: {error}") from None
        try:
            client.wait_for_workers(1, timeout=_CONNECTS_WITHIN)
        except Exception:  # Dask has several that mean it
            raise StreamError(
                f"{address}: the workers of Dask have gone, and none came within "
                f"{_CONNECTS_WITHIN} seconds"
            ) from None
