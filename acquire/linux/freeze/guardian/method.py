"""What a method of freezing has to offer to the guardian's program, and where bulk goes."""

from __future__ import annotations

import marshal
import os
from contextlib import AbstractContextManager
from typing import Any, Protocol

__all__ = ["Limits", "Method", "SharedMemory"]

_PIECE = 1 << 20


class Limits(Protocol):
    """The time within which a target has to be let go, for a method that must not keep to it."""

    def suspended(self) -> AbstractContextManager[None]:
        """For something that must come to its end whatever happens: nobody breaks it off. When
        it is done, the time may be up."""

    def drop(self) -> None:
        """The target runs: nothing has to end in time any more."""


class Method(Protocol):
    """One way to hold a target, run by the guardian; its deputy has one of its own.

    Attributes:
        ends_with_us: whether the kernel undoes it when the guardian ends: then the deputy only
            has to see to that end.
        ends_with_both: whether the kernel does so when the deputy ends as well: then that is
            ended, too, when it is late.
    """

    ends_with_us: bool
    ends_with_both: bool

    def as_deputy(self) -> None:
        """Called in the deputy, when that has been forked."""

    def hold(self, until: float | None) -> object:
        """Stop the target.

        Args:
            until: monotonic time at which it has to be let go; None: there is none.

        Returns:
            What the acquirer is to know, of what `marshal` takes; None: nothing.

        Raises:
            Refusal: it can't be held, in words for people.
            OSError: the same, in the system's.
        """

    def order(self, words: list[str], limits: Limits) -> object:
        """Do something else that the acquirer asks for while the target is held.

        Args:
            words: the line that it sent.
            limits: the time that is left.

        Returns:
            As `hold`.

        Raises:
            Refusal, OSError: as `hold`; the target stays held.
        """

    def look(self) -> str:
        """Asked again and again once the limits were dropped: why it has to be over, as a word
        that the acquirer is told; empty: it need not be."""

    def let_go(self) -> None:
        """Let the target go as it was found; more than once does no harm.

        Raises:
            OSError: ProcessLookupError where it is gone.
        """

    def clean_up(self) -> None:
        """Take away what is left of it; may take a while.

        Raises:
            OSError: it could not be.
        """


class SharedMemory:
    """Memory that the acquirer reads, too: for what is too much for a pipe.

    Args:
        descriptor: of the memory; what is in it is kept by the acquirer as long as needed.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.end = 0

    def append(self, data: bytes | bytearray) -> int:
        """Add bytes; where they begin.

        Raises:
            OSError: there is no memory for them.
        """
        begin = self.end
        view = memoryview(data)
        while view:
            done = os.pwrite(self._descriptor, view[:_PIECE], self.end)
            self.end += done
            view = view[done:]
        return begin

    def tell(self, thing: Any) -> str:
        """Add an object; the two words by which the acquirer finds it."""
        data = marshal.dumps(thing)
        return f"{self.append(data)} {len(data)}"
