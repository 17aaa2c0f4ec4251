"""Chain, lengths and page maps of a file, judged with `struct` and the hashes alone."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from .decode import _HASHES, END_OF_CAPTURE, _File, _open, _Raw, _segments, _walk, inflate
from .hashing import digest

_REGION = 0x0001
_LONGEST_MAP = 1 << 24


@dataclass
class Judged:
    """What stands in a file, and what does not agree with it.

    Attributes:
        blocks: of the capture and of intact segments.
        links: blocks whose PrevHash is not the hash of what stands before.
        closings: End-of-Capture blocks whose FileHash is not that of the bytes before.
        unknown_hash: nobody can compute the algorithm.
        not_inflated: blocks whose payload does not inflate.
        short: regions whose payload lacks bytes that the page map promises.
        unsure: blocks that nothing is said of here.
        left: bytes that belong to no block.
    """

    blocks: int = 0
    links: list[int] = field(default_factory=list)
    closings: list[int] = field(default_factory=list)
    unknown_hash: bool = False
    not_inflated: set[int] = field(default_factory=set)
    short: set[int] = field(default_factory=set)
    unsure: set[int] = field(default_factory=set)
    left: int = 0
    ended: bool = False


def judge(data: bytes) -> Judged:
    """What is to be said of a file that is not encrypted.

    Raises:
        NotMsl: it must be rejected.
    """
    file = _open(data)
    algorithm = _HASHES.get(file.data[0x3D]) if file.revised else "blake3"
    found = Judged(unknown_hash=algorithm is None)
    raws = _of_capture(file)
    of_capture = len(raws)
    found.ended = any(raw.block_type == END_OF_CAPTURE for raw in raws)
    position = raws[-1].offset + raws[-1].length if raws else file.header_size
    if file.revised and found.ended:
        end = _segments(file, position, [{"offset": hex(raws[-1].offset)}], [])
        raws += [raw for raw in _walk(file, position) if raw.offset < end]
        position = end
    found.left = len(data) - position
    found.blocks = len(raws)
    previous = data[: file.header_size]
    for index, raw in enumerate(raws):
        stored = data[raw.offset : raw.offset + raw.length]
        if algorithm is not None:
            if raw.prev_hash != digest(algorithm, previous):
                found.links.append(index)
            closes = raw.block_type == END_OF_CAPTURE and index < of_capture
            legible = raw.version == 1 and not raw.flags & 1
            if closes and legible and stored[80:112] != digest(algorithm, data[: raw.offset]):
                found.closings.append(index)
        previous = stored
        _judge_payload(file, raw, stored[80:], index, found)
    return found


def _of_capture(file: _File) -> list[_Raw]:
    raws = []
    for raw in _walk(file, file.header_size):
        raws.append(raw)
        if file.revised and raw.block_type == END_OF_CAPTURE:
            break
    return raws


def _judge_payload(file: _File, raw: _Raw, payload: bytes, index: int, found: Judged) -> None:
    if raw.version != 1:
        return
    if raw.flags & 1:
        if len(payload) >= 8 and int(struct.unpack_from(file.order + "Q", payload)[0]) > 1 << 16:
            found.unsure.add(index)  # whether a limit or the stream speaks first
            return
        try:
            payload, _ = inflate(payload, raw.flags >> 1 & 3, file.order)
        except ValueError as error:
            (found.unsure if "behind" in str(error) else found.not_inflated).add(index)
            return
    if raw.block_type != _REGION:
        return
    if len(payload) < 0x20:
        found.unsure.add(index)
        return
    size, log2 = struct.unpack_from(file.order + "Q", payload, 8)[0], payload[0x12]
    if not 10 <= log2 <= 40 or size >> log2 > _LONGEST_MAP:
        found.unsure.add(index)
        return
    pages = size >> log2
    length = (-(-pages // 4) + 7) // 8 * 8
    stored = payload[0x20 : 0x20 + length]
    if len(stored) < length:
        found.short.add(index)
        return
    states = "".join(f"{byte:08b}" for byte in stored)
    captured = sum(states[2 * page : 2 * page + 2] == "00" for page in range(pages))
    if len(payload) - 0x20 - length < captured << log2:
        found.short.add(index)


__all__ = ["Judged", "judge"]
