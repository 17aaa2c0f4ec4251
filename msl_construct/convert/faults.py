"""What is wrong with a file, as many lines as anybody reads."""

from __future__ import annotations

__all__ = ["Faults"]

_MOST = 1000


class Faults(list[str]):
    """A list of lines that ends after a thousand; `more` counts the others."""

    more = 0

    def append(self, line: str) -> None:
        if len(self) < _MOST:
            super().append(line)
        else:
            self.more += 1
