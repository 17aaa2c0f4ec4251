"""How much memory an open dump may keep: one sum for everything that it inflates.

What is stored can't be more than the file. What it inflates to can: fourteen kilobytes have
been seen that become a gigabyte of page maps. So whoever inflates asks here first, and gives
back what is let go.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from weakref import WeakValueDictionary

from .errors import LimitError

__all__ = ["Budget", "Charge", "Keeper", "default_budget"]

_CONSTANT = 256 << 20
_TIMES = 8


def default_budget(stored: int | None) -> int:
    """Bytes that may be kept unless the caller says otherwise.

    Args:
        stored: size of the file; None where it is not known, of a pipe.
    """
    return _CONSTANT + _TIMES * (stored or 0)


class Keeper(Protocol):
    """Something that keeps what it could make again."""

    def release(self) -> None:
        """Let go of it."""

    @property
    def kept(self) -> int:
        """How many bytes that would free."""


class Budget:
    """Bytes that may be kept at a time.

    Args:
        limit: how many.

    Attributes:
        used: how many are.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._keepers: WeakValueDictionary[int, Keeper] = WeakValueDictionary()
        self._lock = threading.RLock()  # a charge may be given back in the middle of anything

    def take(self, size: int, keeper: Keeper | None = None) -> None:
        """Keep `size` bytes more; others let go of what they could make again, if need be.

        Args:
            keeper: who keeps them; it is the last to be asked to let go, and not for its own.

        Raises:
            LimitError: they are too many.
        """
        with self._lock:
            if keeper is None and self.used + size <= self.limit:
                self.used += size
                return
            if keeper is not None:
                self._keepers.pop(id(keeper), None)
            if self.used + size > self.limit:
                for other in list(self._keepers.values()):  # the longest unused first
                    other.release()
                    self._keepers.pop(id(other), None)
                    if self.used + size <= self.limit:
                        break
            if keeper is not None:
                self._keepers[id(keeper)] = keeper
            if self.used + size > self.limit:
                raise LimitError(
                    f"{size} bytes more than the {self.used} that are kept exceed the limit of "
                    f"{self.limit}; raise it with max_memory (--max-memory)"
                )
            self.used += size

    def room(self, keeper: Keeper) -> int:
        """How many bytes somebody could keep if all others let go of what they can."""
        with self._lock:
            others = sum(o.kept for o in list(self._keepers.values()) if o is not keeper)
            return self.limit - self.used + others + keeper.kept

    def give_back(self, size: int) -> None:
        """Bytes that are no longer kept."""
        with self._lock:
            self.used -= size

    @contextmanager
    def lent(self, size: int, keeper: Keeper | None = None) -> Iterator[None]:
        """Bytes that are needed for a while only.

        Raises:
            LimitError: they are too many.
        """
        self.take(size, keeper)
        try:
            yield
        finally:
            self.give_back(size)


class Charge:
    """Bytes that are kept as long as this is.

    Raises:
        LimitError: they are too many.
    """

    __slots__ = ("_budget", "size")

    def __init__(self, budget: Budget, size: int) -> None:
        self.size = 0
        self._budget = budget
        budget.take(size)
        self.size = size

    def __del__(self) -> None:
        self._budget.give_back(self.size)

    def __reduce__(self) -> tuple[object, ...]:
        """A copy of what is kept is its owner's: nothing is charged for it."""
        return type(None), ()
