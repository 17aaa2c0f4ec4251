"""Decoders with one mistake each, as people make them: the struct-only decoder, bent.

Usage: python seeded_decoder.py MISTAKE DUMP, or without DUMP for the paths on stdin, one a line,
each answered by a line of JSON.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.append(str(Path(__file__).parent))

from independent import decode as decoder
from independent import layouts, names
from independent.cursor import Cursor

Document = dict[str, Any]


def byte_order(data: bytes) -> Document:
    """Numbers of blocks are read as little-endian ones, whatever the header says."""
    right = decoder._File

    def wrong(data: memoryview, order: str, revised: bool, header_size: int) -> Any:
        return right(data, "<", revised, header_size)

    with patch.object(decoder, "_File", wrong):
        return decoder.decode(data)


def shifted_map(data: bytes) -> Document:
    """The first page is taken for the second."""
    right = layouts.page_runs

    def wrong(raw: bytes, pages: int, states: tuple[str, ...]) -> Any:
        bits = int.from_bytes(raw, "big") >> 2
        return right(bits.to_bytes(len(raw), "big"), pages, states)

    with patch.object(layouts, "page_runs", wrong):
        return decoder.decode(data)


def no_continuation(data: bytes) -> Document:
    """Further fragments of a region are left out."""
    return _without_blocks(data, lambda block: "continuation" in block["flags"])


def no_padding(data: bytes) -> Document:
    """A field begins where the text before it ends."""

    def wrong(self: Cursor, length: int, what: str) -> Any:
        raw = self.take(length, what)
        return raw.partition(b"\0")[0].decode("utf-8", "replace") if length else None

    with patch.object(Cursor, "text", wrong):
        return decoder.decode(data)


def other_names(data: bytes) -> Document:
    """Codes have the names of the header file that the decoder was written from."""
    right = names.enum

    def wrong(code: int, known: dict[int, str], width: int) -> str:
        return "".join(word.capitalize() for word in right(code, known, width).split("_"))

    with patch.object(names, "enum", wrong):
        return decoder.decode(data)


def texts_with_nul(data: bytes) -> Document:
    """A text is all the bytes that its length counts."""

    def wrong(self: Cursor, length: int, what: str) -> Any:
        raw = self.take((length + 7) // 8 * 8, what)
        return raw[:length].decode("utf-8", "replace") if length else None

    with patch.object(Cursor, "text", wrong):
        return decoder.decode(data)


def stops_at_unknown(data: bytes) -> Document:
    """Reading ends at a block type that has no name."""
    document = decoder.decode(data)
    for index, block in enumerate(document["blocks"]):
        if block["block_type"].startswith("0x"):
            return {**document, "blocks": document["blocks"][:index], "segments": []}
    return document


def no_header_size(data: bytes) -> Document:
    """The first block is looked for at 64."""
    document = decoder.decode(data)
    return document if document["header"]["header_size"] == 64 else {**document, "blocks": []}


class _Word(int):
    """A word of flags of the file header, which the decoder still looks into."""

    def __contains__(self, name: str) -> bool:
        (bit,) = (bit for bit, known in names.HEADER_FLAGS_11.items() if known == name)
        return bool(self >> bit & 1)


def flags_as_numbers(data: bytes) -> Document:
    """Flags are the number that is stored."""

    def number(word: int, *_: object) -> int:
        return _Word(word)

    with patch.object(names, "bits", number), patch.object(names, "block_flags", number):
        return decoder.decode(data)


def guids(data: bytes) -> Document:
    """UUIDs are taken for those of Windows, whose first words are little-endian."""
    right = uuid.UUID

    def wrong(**given: bytes) -> uuid.UUID:
        return right(bytes_le=given["bytes"])

    with patch.object(uuid, "UUID", wrong):
        return decoder.decode(data)


def never_inflates(data: bytes) -> Document:
    """Compressed payloads are read as if they were not."""

    def wrong(stored: bytes, algorithm: int, order: str) -> tuple[bytes, str]:
        return stored, "none"

    with patch.object(decoder, "inflate", wrong):
        return decoder.decode(data)


def failed_as_captured(data: bytes) -> Document:
    """A page that could not be read is one that was."""
    right = layouts.page_runs

    def wrong(raw: bytes, pages: int, states: tuple[str, ...]) -> Any:
        captured, _, *others = states
        found = right(raw, pages, (captured, captured, *others))
        runs: list[list[Any]] = []
        for first, count, state in found["runs"] if isinstance(found, dict) else found:
            if runs and runs[-1][2] == state:
                runs[-1][1] += count
            else:
                runs.append([first, count, state])
        return {**found, "runs": runs} if isinstance(found, dict) else runs

    with patch.object(layouts, "page_runs", wrong):
        return decoder.decode(data)


def signed_addresses(data: bytes) -> Document:
    """A number of eight bytes has a sign."""
    right = Cursor.u64

    def wrong(self: Cursor, what: str) -> int:
        value = right(self, what)
        return value - (1 << 64) if value >> 63 else value

    with patch.object(Cursor, "u64", wrong):
        return decoder.decode(data)


MISTAKES: dict[str, Callable[[bytes], Document]] = {
    one.__name__.replace("_", "-"): one
    for one in (
        byte_order,
        shifted_map,
        no_continuation,
        no_padding,
        other_names,
        texts_with_nul,
        stops_at_unknown,
        no_header_size,
        flags_as_numbers,
        guids,
        never_inflates,
        failed_as_captured,
        signed_addresses,
    )
}


def _without_blocks(data: bytes, left_out: Callable[[Document], bool]) -> Document:
    document = decoder.decode(data)
    return {**document, "blocks": [one for one in document["blocks"] if not left_out(one)]}


def answer(mistake: str, path: Path) -> Document:
    """Exit code and document, or the error."""
    try:
        document = MISTAKES[mistake](path.read_bytes())
    except decoder.NotMsl as error:
        return {"exit": 3, "error": str(error)}
    flags, types = document["header"]["flags"], [b["block_type"] for b in document["blocks"]]
    code = 0
    if "encrypted" in flags:
        code = 5
    elif document["trailing"] or not {"end_of_capture", "EndOfCapture"} & {*types}:
        code = 4
    return {"exit": code, "document": document}


def answers(mistake: str) -> Iterator[Document]:
    """For each path on stdin."""
    for line in sys.stdin:
        yield answer(mistake, Path(line.rstrip("\n")))


def main(mistake: str, path: str = "") -> int:
    """The command line; gives the exit code."""
    if not path:
        for found in answers(mistake):
            print(json.dumps(found), flush=True)
        return 0
    found = answer(mistake, Path(path))
    if "document" in found:
        print(json.dumps(found["document"]))
    else:
        print(found["error"], file=sys.stderr)
    return int(found["exit"])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
