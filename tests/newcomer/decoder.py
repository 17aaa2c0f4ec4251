"""A decoder that somebody writes who has the rendered specification, and nothing else.

    python decoder.py PAGE.html... < paths

The conventions of the page are the code below; structures, registries and magic bytes are read from
the page's tables. It imports nothing of the package, inflates nothing and computes no hash. It
answers as ``samples run --batch`` wants it: a path a line in, ``{"exit": …, "document": …}`` out.
"""

from __future__ import annotations

import json
import re
import struct
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from page_tables import Cell, sections

REFUSED, INCOMPLETE, ENCRYPTED = 3, 4, 5
_FIELDS = ("Offset", "Bytes", "Field", "Key", "Stored as", "Meaning")
_CODES = ("Code", "Name", "Key", "Meaning")
_BITS = ("Bits", "Name", "Key", "Meaning")


class Refused(Exception):
    """The file is not to be read."""


class TooShort(Exception):
    """A field does not fit what is left of its structure; `value` is what was whole of it."""

    def __init__(self, value: Any = None) -> None:
        super().__init__("the payload ends too early")
        self.value = value


@dataclass
class Row:
    """A row of a structure's table."""

    key: str
    name: str
    stored: str
    links: list[str]
    codes: list[str]
    may_be_absent: bool
    permitted: tuple[int, int] | None


def _row(cells: dict[str, Cell]) -> Row:
    stored, meaning = cells["Stored as"], cells["Meaning"].text
    between = re.search(r"Permitted: a value of (\d+) to (\d+)\.", meaning)
    return Row(
        cells["Key"].text,
        cells["Field"].text,
        stored.text,
        stored.links,
        stored.codes,
        "The structure may end before it." in meaning,
        None if between is None else (int(between[1]), int(between[2])),
    )


class Draft:
    """What a page says."""

    def __init__(self, page: str) -> None:
        found = sections(page)
        self.name = next(one for one in found if one.at == "top").title.rpartition(", ")[2]
        self.sections = {one.at: one for one in found}
        self.structures: dict[str, list[Row]] = {}
        self.blocks: dict[int, str] = {}
        for one in found:
            rows = one.table(*_FIELDS)
            if rows is not None:
                self.structures[one.at] = [_row(row) for row in rows]
            code = re.search(r"\((0x[0-9a-f]{4})\)$", one.title)
            if code is not None:
                self.blocks[int(code[1], 16)] = one.at
        self._codes: dict[str, dict[int, str]] = {}
        version = re.search(r"Format version (\d+)\.(\d+)", page)
        assert version is not None
        self.version = int(version[1]), int(version[2])

    def codes(self, registry: str) -> dict[int, str]:
        """The keys of a registry by code."""
        if registry not in self._codes:
            rows = self.sections[registry].table(*_CODES)
            assert rows is not None, registry
            self._codes[registry] = {int(r["Code"].text, 16): r["Key"].text for r in rows}
        return self._codes[registry]

    def bits(self, registry: str) -> Iterator[tuple[int, int, str, str]]:
        """First bit, how many, the key, and the registry of a number in them."""
        rows = self.sections[registry].table(*_BITS)
        assert rows is not None, registry
        for row in rows:
            first, _, last = row["Bits"].text.partition(" to ")
            bits = int(last or first) - int(first) + 1
            inner = row["Name"].links[0] if row["Name"].links else ""
            yield int(first), bits, row["Key"].text, inner

    def flags(self, registry: str, word: int, width: int) -> list[str]:
        named, names = 0, []
        for first, bits, key, inner in self.bits(registry):
            mask = (1 << bits) - 1
            value, named = word >> first & mask, named | mask << first
            if bits > 1 and value:
                names.append((first, f"{key}_{self.codes(inner).get(value, hex(value))}"))
            elif value:
                names.append((first, key))
        for bit in range(8 * width):
            if word >> bit & 1 and not named >> bit & 1:
                names.append((bit, f"bit_{bit}"))
        return [name for _, name in sorted(names)]


@dataclass
class Decoding:
    """Bytes of one structure, and how far they were read."""

    draft: Draft
    data: bytes
    at: int
    end: int
    big: bool
    plain: dict[str, int] = field(default_factory=dict)
    """Numbers of the structure by the names of their fields."""

    def take(self, many: int) -> bytes:
        if many > self.end - self.at:
            raise TooShort
        self.at += many
        return self.data[self.at - many : self.at]

    def number(self, raw: bytes) -> int:
        return int.from_bytes(raw, "big" if self.big else "little")


def pad8(many: int) -> int:
    return (many + 7) // 8 * 8


def raw(data: bytes, start: int, end: int) -> Any:
    """Bytes that nobody decodes."""
    if end - start <= 256:
        return data[start:end].hex()
    return {"offset": hex(start), "length": end - start}


def structure(
    draft: Draft, at: str, data: bytes, start: int, end: int, big: bool
) -> tuple[dict[str, Any], int, bool]:
    """The fields of a structure, where they end, and whether it is whole."""
    now = Decoding(draft, data, start, end, big)
    shown: dict[str, Any] = {}
    for row in draft.structures[at]:
        if row.may_be_absent and now.at == end:
            break
        before = now.at
        try:
            shown[row.key] = value(now, row, shown)
        except TooShort as short:
            now.at = before
            if short.value is not None:
                shown[row.key], now.at = short.value
            return shown, now.at, False
    return shown, now.at, True


def value(now: Decoding, row: Row, shown: dict[str, Any]) -> Any:
    """The value of the field that comes next."""
    for pattern, decode in _KINDS:
        found = re.fullmatch(pattern, row.stored)
        if found is not None:
            return decode(now, row, found)
    raise AssertionError(f"the page does not say what {row.stored!r} is")


def _integer(now: Decoding, row: Row, found: re.Match[str]) -> Any:
    width = int(found[1]) // 8
    number = now.plain[row.name] = now.number(now.take(width))
    form = found[2] or ""
    if form == ", address":
        return hex(number)
    if form == ", version":
        return f"0x{number:0{2 * width}x}"
    return str(number) if form == ", ns" else number


def _code(now: Decoding, row: Row, found: re.Match[str]) -> str:
    width = int(found[1]) // 8
    number = now.plain[row.name] = now.number(now.take(width))
    return now.draft.codes(row.links[0]).get(number, f"0x{number:0{2 * width}x}")


def _flags(now: Decoding, row: Row, found: re.Match[str]) -> list[str]:
    width = int(found[1]) // 8
    number = now.plain[row.name] = now.number(now.take(width))
    return now.draft.flags(row.links[0], number, width)


def _bytes(now: Decoding, row: Row, found: re.Match[str]) -> str:
    return now.take(int(found[1])).hex()


def _magic(now: Decoding, row: Row, found: re.Match[str]) -> Any:
    expected = bytes.fromhex(row.codes[0])
    stored = now.take(len(expected))
    return stored.decode() if stored == expected else {"raw": stored.hex()}


def _uuid(now: Decoding, row: Row, found: re.Match[str]) -> str:
    return str(uuid.UUID(bytes=now.take(16)))


def _text(now: Decoding, row: Row, found: re.Match[str]) -> Any:
    with_nul, length = not found[1], now.plain[found[2]]
    if not length:
        return None
    stored = now.take(length if found[3] else pad8(length))
    text, behind = stored[:length], stored[length:]
    if with_nul:
        text, nul, more = stored[:length].partition(b"\0")
        behind += more if nul else b"no NUL"
    try:
        if not any(behind) and not (with_nul and len(text) + 1 != length):
            return text.decode()
    except UnicodeDecodeError:
        pass
    return {"text": text.decode(errors="replace"), "raw": stored.hex()}


def _blob(now: Decoding, row: Row, found: re.Match[str]) -> Any:
    length = now.plain[found[1]]
    stored = now.take(pad8(length))
    shown = stored[:length].hex()
    return {"bytes": shown, "raw": stored.hex()} if any(stored[length:]) else shown


def _register(now: Decoding, row: Row, found: re.Match[str]) -> Any:
    length = now.plain[found[1]]
    stored = now.take(pad8(length))
    content = stored[:length] if now.big else stored[:length][::-1]
    shown = f"0x{content.hex()}"
    return {"value": shown, "raw": stored.hex()} if any(stored[length:]) else shown


def _entries(now: Decoding, row: Row, found: re.Match[str]) -> list[Any]:
    count, size = now.plain[found[1]], now.plain[found[2]] if found[2] else 0
    entries: list[Any] = []
    for _ in range(count):
        end = now.at + size if size else now.end
        if end > now.end:
            raise TooShort((entries, now.at))
        one, at, whole = structure(now.draft, row.links[0], now.data, now.at, end, now.big)
        if not whole:
            raise TooShort((entries, now.at))
        if size and at < end:
            one["rest"] = raw(now.data, at, end)
        entries.append(one)
        now.at = end if size else at
    return entries


def _choice(now: Decoding, row: Row, found: re.Match[str]) -> Any:
    length, chosen = now.plain[found[1]], now.plain[found[2]]
    if length > now.end - now.at:
        raise TooShort
    end, cases = now.at + length, {int(c, 16): to for c, to in zip(row.codes, row.links)}
    if chosen not in cases:
        shown: Any = {"raw": raw(now.data, now.at, end)}
    else:
        shown, at, whole = structure(now.draft, cases[chosen], now.data, now.at, end, now.big)
        if not whole:
            raise TooShort
        if at < end:
            shown["rest"] = raw(now.data, at, end)
    now.at = end
    return shown


def _page_map(now: Decoding, row: Row, found: re.Match[str]) -> Any:
    (log2,) = (one for one in now.draft.structures["memory-region"] if one.name == "PageSizeLog2")
    assert log2.permitted is not None
    exponent = now.plain[log2.name]
    if not log2.permitted[0] <= exponent <= log2.permitted[1]:
        raise TooShort
    pages = now.plain["RegionSize"] >> exponent
    stored = now.take(pad8((pages + 3) // 4))
    states, runs = now.draft.codes(row.links[0]), []
    for page in range(min(pages, 1 << 16)):
        state = states.get(stored[page // 4] >> (6 - 2 * (page % 4)) & 3, "?")
        if runs and runs[-1][2] == state:
            runs[-1][1] += 1
        else:
            runs.append([page, 1, state])
    behind = stored[pages // 4 :]
    if any(behind) and int.from_bytes(behind, "big") & (1 << 8 * len(behind) - 2 * (pages % 4)) - 1:
        return {"runs": runs, "padding": behind.hex()}
    return runs


def _rest(now: Decoding, row: Row, found: re.Match[str]) -> Any:
    start, now.at = now.at, now.end
    return {"offset": hex(start), "length": now.end - start}


_KINDS: list[tuple[str, Callable[[Decoding, Row, re.Match[str]], Any]]] = [
    (r"u(\d+)(, address|, version|, ns)?", _integer),
    (r"u(\d+), code of .*", _code),
    (r"u(\d+), flags of .*", _flags),
    (r"(\d+) bytes: .*", _magic),
    (r"(\d+)(?: bytes| zero bytes|-byte hash)", _bytes),
    (r"UUID", _uuid),
    (r"text( without NUL)?, (\w+)(, not padded)?", _text),
    (r"register, (\w+)", _register),
    (r"(\w+) entries of [^,]*(?:, (\w+) bytes each unless that is 0)?", _entries),
    (r"(\w+) bytes, laid out by (\w+); .*", _choice),
    (r"(\w+) bytes", _blob),
    (r"2 bits a page, padded to 8 bytes, .*", _page_map),
    (r"bytes", _rest),
]


def block(draft: Draft, data: bytes, offset: int, index: int, big: bool) -> dict[str, Any]:
    """One block, which is whole."""
    header, at, _ = structure(draft, "block-header", data, offset, len(data), big)
    kind, length = struct.unpack_from(">HxxI" if big else "<HxxI", data, offset + 4)
    del header["magic"]
    shown: dict[str, Any] = {"index": index, "offset": hex(offset), **header}
    end, name = offset + length, draft.blocks.get(kind, "")
    if header["payload_version"] != 1:
        shown["payload"] = {"raw": raw(data, at, end)}
    elif "compressed" in header["flags"]:
        algo = next((one for one in header["flags"] if one.startswith("comp_algo_")), "none")
        if len(data[at:end]) >= 8:
            size = int.from_bytes(data[at : at + 8], "big" if big else "little")
            algorithm = algo.removeprefix("comp_algo_")
            shown["compression"] = {"algorithm": algorithm, "uncompressed_size": size}
        shown["payload"] = {}
    elif name not in draft.structures:
        shown["payload"] = {"raw": raw(data, at, end)}
    else:
        payload, at, whole = structure(draft, name, data, at, end, big)
        if not whole:
            shown["damage"] = "the payload does not fit its layout"
        if at < end:
            payload["rest"] = raw(data, at, end)
        shown["payload"] = payload
    return shown


def decode(drafts: list[Draft], path: str) -> tuple[int, Any]:
    """The exit code and the document of a file."""
    data = Path(path).read_bytes()
    newest = drafts[-1]
    magic = bytes.fromhex(newest.structures["file-header"][0].codes[0])
    block_magic = bytes.fromhex(newest.structures["block-header"][0].codes[0])
    if not data.startswith(magic) or len(data) < 64 or data[8] not in (1, 2):
        raise Refused
    big = data[8] == 2
    header_size, version = data[9], (data[10:12] if big else data[11:9:-1])
    known = {draft.version: draft for draft in drafts}
    if header_size < 64 or header_size > len(data) or version[0] not in {v[0] for v in known}:
        raise Refused
    draft = known.get((version[0], version[1]), newest)
    header, at, _ = structure(draft, "file-header", data, 0, 64, big)
    if "encrypted" in header["flags"] and header_size >= at + 64:
        header["encryption"], at, _ = structure(draft, "encryption-header", data, at, at + 64, big)
    if at < header_size:
        header["extension"] = data[at:header_size].hex()
    document: dict[str, Any] = {
        "document": 1,
        "file": {"name": Path(path).name, "size": len(data)},
        "format": {"draft": draft.name, "dialect": None, "byte_order": header["endianness"]},
        "header": header,
        "blocks": [],
        "segments": [],
        "trailing": None,
    }
    at = header_size
    if "encrypted" in header["flags"]:
        if at < len(data):
            document["trailing"] = {"offset": hex(at), "length": len(data) - at}
        return ENCRYPTED, document
    ended = False
    while len(data) - at >= 80 and data[at : at + 4] == block_magic:
        (length,) = struct.unpack_from(">I" if big else "<I", data, at + 8)
        if not 80 <= length <= len(data) - at:
            break
        document["blocks"].append(block(draft, data, at, len(document["blocks"]), big))
        ended = ended or document["blocks"][-1]["block_type"] == "end_of_capture"
        at += length
    if at < len(data):
        document["trailing"] = {"offset": hex(at), "length": len(data) - at}
    return (0 if ended and at == len(data) else INCOMPLETE), document


def main() -> None:
    """Answer for every path."""
    drafts = [Draft(Path(page).read_text("utf-8")) for page in sys.argv[1:]]
    drafts.sort(key=lambda draft: draft.version)
    for line in sys.stdin:
        try:
            code, document = decode(drafts, line.rstrip("\n"))
            answer = {"exit": code, "document": document}
        except Refused:
            answer = {"exit": REFUSED}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
