"""The register sets of many threads, in memory that is shared with the guardian."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator, Mapping, Sequence
from struct import Struct

from .channel import Channel

__all__ = ["RegisterSets"]

_COUNT, _SET = Struct("=I"), Struct("=III")
_MOST = 4096
"""Bytes to read at once: of most threads that is all."""


class RegisterSets(Mapping[int, Mapping[int, bytes]]):
    """Of each thread its register sets by number, as the kernel gave them.

    Nothing is kept here but where they stand: ten thousand threads have tens of megabytes.

    Args:
        channel: whose memory holds them.
        records: of each thread its number, and where its record begins, see `guardian.tracing`.
    """

    def __init__(self, channel: Channel, records: Sequence[tuple[int, int]]) -> None:
        self._channel = channel  # which keeps the memory open
        self._places = {number: at for at, (number, _) in enumerate(records)}
        self._begins = array("Q", (begin for _, begin in records))

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[int]:
        return iter(self._places)

    def __contains__(self, thread_id: object) -> bool:
        return thread_id in self._places

    def __getitem__(self, thread_id: int) -> dict[int, bytes]:
        begin = self._begins[self._places[thread_id]]
        data = os.pread(self._channel.memory, _MOST, begin)
        (count,) = _COUNT.unpack_from(data)
        at = _COUNT.size + count * _SET.size
        heads = list(_SET.iter_unpack(data[_COUNT.size : at]))
        whole = at + sum(stored for _, _, stored in heads)
        if whole > len(data):
            data = os.pread(self._channel.memory, whole, begin)
        found = {}
        for number, length, stored in heads:
            found[number] = data[at : at + stored].ljust(length, b"\0")
            at += stored
        return found
