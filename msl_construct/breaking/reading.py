"""What a reader says of a file: of which bytes, what they are, and what it complains of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from ..document import Renderer
from ..drafts import schema
from ..encryption.parameters import TAG
from ..errors import FormatError
from ..exports.description import bit_place, case_place
from ..hashing import new_hasher
from ..reader import open_dump
from ..reader.header import ENCRYPTION
from ..rules import Level, check
from ..rules.compression import STREAM
from ..schema import Layout, Schema
from ..schema.base import DocumentOptions
from ..schema.blocks import Start
from ..schema.choice import Choice
from ..schema.fields import Field
from ..schema.layout import OFFSETS, REST
from ..schema.pages import PageStateMap
from ..schema.table import Table
from ..schema.vocabulary import Coded, Fixed, Flags, Reserved, Timestamp
from ..source import BufferSource, Cursor
from .verdicts import zero_is_unknown

__all__ = ["A_TABLE", "BLOCK", "TABLE", "ReaderAccount", "ReaderClaim", "told"]

_RAW = "raw"
_SIZED = "as its entry's size says"
"""Said of bytes behind the fields of an entry: whoever states a size of entries expects them."""
A_TABLE = "a table"
"""How a table as a whole is shown."""
TABLE, BLOCK = "table", "block"
"""The forms of what is said of a table as a whole, beside its entries, and of a block's header."""


@dataclass(frozen=True)
class ReaderClaim:
    """What a reader says of some bytes.

    Attributes:
        start, end: the bytes, as offsets in the file.
        where: path of the field, as differences have it: ``key_hint.key_len``.
        block: index of the block; -1: the file header.
        form: what kind of value it is, as far as readers may differ about it.
        value: the value without its name: of a code its number, of times and numbers the number.
        sense: what it means; of a code what that code means.
        shown: how a document shows it.
        known: ``value``; ``reserved`` bytes or code; ``unknown`` code; ``raw`` bytes of a known
            type; ``new`` bytes of a type that is not known.
        registry: path of its code: ``OSType.0x0001``; empty where it has none.
        own: what the field means, whatever its code.
        says_zero: whether zero is a value like others, and not that nothing is known.
    """

    start: int
    end: int
    where: str
    block: int
    form: str
    value: str
    sense: str
    shown: str
    known: str = "value"
    registry: tuple[str, ...] = ()
    own: str = ""
    says_zero: bool = False


@dataclass
class ReaderAccount:
    """What a reader says of a file.

    Attributes:
        refused: why it refuses the file; empty: it does not.
        wrong_magic: whether that is because it begins otherwise.
        claims: about its bytes, in file order.
        complaints: by the index of the block that they are about; -1: the whole file.
        findings: ids and paths of what the file breaks by the reader's draft; no SHOULD.
        may_end_before: paths of the fields that the reader takes for missing where nothing is left.
        segments: how many extension segments it shows.
        knows_segments: whether its draft has such.
    """

    refused: str = ""
    wrong_magic: bool = False
    claims: list[ReaderClaim] = field(default_factory=list)
    complaints: dict[int, list[str]] = field(default_factory=dict)
    findings: list[tuple[str, str]] = field(default_factory=list)
    may_end_before: set[str] = field(default_factory=set)
    segments: int = 0
    knows_segments: bool = False

    def complain(self, block: int, text: str) -> None:
        """Take in a complaint."""
        self.complaints.setdefault(block, []).append(text)


def told(data: bytes, draft: str) -> ReaderAccount:
    """What the reader of a draft says of a file, whatever its version."""
    found = ReaderAccount()
    try:
        opened = open_dump(data, draft=draft)
    except FormatError as error:
        found.refused = str(error)
        magic = schema(draft).file_magic
        found.wrong_magic = data[: len(magic)] != magic
        return found
    with opened as dump:
        form = schema(draft, dump.header.schema.byte_order)
        document = dict(Renderer(offsets=True).parts(dump))
        header = document["header"]
        if header["magic"] != form.file_magic.decode("latin-1"):
            found.refused, found.wrong_magic = f"it begins with {header['magic']}", True
            return found
        order = dump.header.schema.byte_order
        newer = int(header["version"], 16) > form.draft.version
        if newer and order not in form.draft.byte_orders:
            found.refused = f"{order.value}-endian"
            return found
        major = int(header["version"], 16) >> 8
        if major != form.draft.version >> 8:
            found.refused = f"major version {major}"
            return found
        found.may_end_before = {
            f"{key}.{one.key}"
            for key, layout in form.layouts.items()
            for one in layout.fields
            if one.optional
        }
        found.claims += _claims(form.file_header, header, form.file_header.key, -1)
        found.claims += _of_encryption(found, form, header, data)
        document["blocks"] = list(document["blocks"])
        document["segments"] = [
            {**each, "blocks": list(each["blocks"])} for each in document["segments"]
        ]
        for block in document["blocks"]:
            _block(found, form, block, data)
        found.segments, found.knows_segments = len(document["segments"]), form.draft.segments
        for segment in document["segments"]:
            for block in segment["blocks"]:
                _block(found, form, block, data)
        if document["trailing"] and not dump.locked:
            found.complain(-1, "bytes behind the last block")
        if not dump.complete and not dump.locked:
            found.complain(-1, "no End-of-Capture")
        captured = [one["block_type"] for one in document["blocks"]]
        appended = [one["block_type"] for each in document["segments"] for one in each["blocks"]]
        keys = captured + appended
        broken = {
            (one.rule.id, _path(found, one.found.block, one.found.field, keys))
            for one in check(dump)
            if one.rule.level is not Level.SHOULD
        }
        found.findings = sorted(broken | set(_misplaced(form, captured)))
    for block, text in _hashes(data, form):
        found.complain(block, text)
    return found


def _path(found: ReaderAccount, block: int | None, field_path: str, keys: list[str]) -> str:
    """The path of a finding as differences have it."""
    inside = re.sub(r"\[\d+\]", "[]", field_path)
    if block is None:
        return f"file_header.{inside}" if inside else ""
    if inside == STREAM:  # whoever can't inflate it complains of its size
        named = "uncompressed_size" if found.complaints.get(block) else STREAM
        return f"compressed_payload.{named}"
    key = keys[block] if block < len(keys) else ""
    return f"{key}.{inside}" if inside and inside != "block_type" else key


def _misplaced(form: Schema, keys: list[str]) -> Iterator[tuple[str, str]]:
    """Types of which no block may stand in a capture."""
    for block in form.blocks.values():
        if block.key in keys and not block.in_capture:
            yield "a block that captures may not hold", block.key


def _block(found: ReaderAccount, form: Schema, block: dict[str, Any], data: bytes) -> None:
    index = len(found.complaints.get(-2, []))
    found.complain(-2, "")  # counts the blocks
    kind = next((one for one in form.blocks.values() if one.key == block["block_type"]), None)
    payload = block["payload"]
    if "damage" in block:
        found.complain(index, str(block["damage"]))
    if kind is None:
        found.complain(index, f"unknown block type {block['block_type']}")
    elif block["payload_version"] != form.draft.payload_version:
        found.complain(index, f"unknown PayloadVersion {block['payload_version']}")
    layout = None if kind is None else kind.layout
    offset = int(block["offset"], 16)
    start, end = offset + form.block_header_size, offset + block["block_length"]
    code = block["block_type"]
    found.claims.append(
        ReaderClaim(
            offset,
            start,
            code if kind is not None else "block_header.block_type",
            index,
            BLOCK,
            code if kind is None else f"{kind.code:#06x}",
            kind.meaning if kind else "",
            code,
            "value" if kind else "new",
        )
    )
    fields = {key: one for key, one in block.items() if key not in ("block_type", "payload")}
    found.claims += _claims(form.block_header, fields, form.block_header.key, index)
    if "compressed" in block["flags"]:
        stored = form.compressed_payload
        record = stored.decode(Cursor(BufferSource(data), start, end), offsets=True)
        stated = stored.to_document(record, DocumentOptions(offsets=True))
        found.claims += _claims(stored, stated, stored.key, index)
        return
    if layout is None or not isinstance(payload, dict) or _RAW in payload:
        if end > start:
            known = "new" if kind is None else "raw"
            where = code if kind is not None else ""
            found.claims.append(ReaderClaim(start, end, where, index, _RAW, "", "", "bytes", known))
        return
    claims = list(_claims(layout, payload, block["block_type"], index))
    if any(one.form == REST and one.value != _SIZED for one in claims):
        found.complain(index, "bytes behind the fields")
    found.claims += claims


def _of_encryption(
    found: ReaderAccount, form: Schema, header: dict[str, Any], data: bytes
) -> Iterator[ReaderClaim]:
    """What stands beside the ciphertext: the encryption's own header, and that of a segment."""
    layout, seal = form.encryption_header, form.seal_header
    stated = header.get(ENCRYPTION)
    if layout is None or stated is None:
        return
    yield from _claims(layout, stated, layout.key, -1)
    sizes = [stated.get("kem_ct_len"), stated.get("cipher_len")]
    if seal is None or not all(isinstance(one, int) for one in sizes) or not sizes[1]:
        return
    at = header["header_size"] + sum(sizes) + TAG
    if at >= len(data):
        return
    if data[at : at + len(form.seal_magic)] != form.seal_magic:
        found.complain(-1, f"{seal.key}.magic does not fit")
        return
    record = seal.decode(Cursor(BufferSource(data), at, len(data)), offsets=True)
    yield from _claims(seal, seal.to_document(record, DocumentOptions(offsets=True)), seal.key, -1)


def _claims(
    layout: Layout, values: dict[str, Any], where: str, block: int, sized: bool = False
) -> Iterator[ReaderClaim]:
    offsets = values.get(OFFSETS, {})
    read = {name for one in layout.fields for name, _ in one.type.reads()}
    for one in layout.fields:
        if one.key not in values or one.key not in offsets:
            continue
        start, length = int(offsets[one.key][0], 16), offsets[one.key][1]
        path = f"{where}.{one.key}"
        value = values[one.key]
        if isinstance(one.type, Table):
            if length:
                yield ReaderClaim(
                    start, start + length, path, block, TABLE, "", one.meaning, A_TABLE
                )
            size = values.get(one.type.entry_size_key) if one.type.entry_size_key else 0
            for row in value:
                yield from _claims(one.type.entry, row, f"{path}[]", block, bool(size))
            continue
        if isinstance(one.type, Choice):
            yield from _chosen(layout, one, values, where, block, (start, start + length))
            continue
        claim = _claim(one, value, path, block, start, start + length)
        counts = one.name in read or not isinstance(one.type, Fixed)
        yield replace(claim, says_zero=not counts and not zero_is_unknown(one))
    if REST in values and REST in offsets:
        start, length = int(offsets[REST][0], 16), offsets[REST][1]
        told = _SIZED if sized else ""
        yield ReaderClaim(start, start + length, where, block, REST, told, "", "bytes", "raw")


def _chosen(
    layout: Layout, one: Field, values: dict[str, Any], where: str, block: int, at: tuple[int, int]
) -> Iterator[ReaderClaim]:
    """A body whose layout another field chooses: its fields, or bytes that nobody lays out."""
    kind, value = one.type, values[one.key]
    assert isinstance(kind, Choice)
    chooser, tag = layout.field(kind.tag_key).type, values[kind.tag_key]
    if isinstance(chooser, Coded):
        tag = int(chooser.registry.encode(tag))
    path = f"{where}.{one.key}"
    inner = kind.cases.get(tag)
    if inner is None or _RAW in value:
        named = isinstance(chooser, Coded) and any(v.code == tag for v in chooser.registry.values)
        known = "raw" if named else "new"
        yield ReaderClaim(*at, path, block, _RAW, "", one.meaning, "bytes", known)
    else:
        yield from _claims(inner, value, f"{path}<{case_place(one, tag, layout)}>", block)


def _claim(one: Field, value: Any, path: str, block: int, start: int, end: int) -> ReaderClaim:
    kind, shown = one.type, str(value)
    if isinstance(kind, Reserved):
        return ReaderClaim(start, end, path, block, "reserved", shown, "", shown, "reserved")
    if isinstance(kind, Coded):
        number = int(kind.registry.encode(value))
        digits = 2 * kind.width
        known = next((each for each in kind.registry.values if each.code == number), None)
        state = "unknown" if known is None else "reserved" if known.reserved else "value"
        sense = f"{one.meaning} {known.meaning}" if known else one.meaning
        registry: tuple[str, ...] = (f"{kind.registry.name}.0x{number:0{digits}x}",)
        return ReaderClaim(
            start,
            end,
            path,
            block,
            "number",
            f"{number}",
            sense,
            shown,
            state,
            registry,
            one.meaning,
        )
    if isinstance(kind, Flags):
        word = kind.word.encode(value)
        bits = [each for each in kind.word.bits if word & getattr(each, "mask", 1 << each.bit)]
        sense = " ".join([one.meaning, *(each.meaning for each in bits)])
        registry = tuple(f"{kind.word.name}.{bit_place(each)}" for each in bits)
        state = "unknown" if word & ~kind.word.defined else "value"
        return ReaderClaim(
            start, end, path, block, "number", str(word), sense, shown, state, registry, one.meaning
        )
    if isinstance(kind, PageStateMap) and kind.states is not None:
        codes = kind.states.values
        runs = value["runs"] if isinstance(value, dict) else value
        used = [each for each in codes if any(run[2] == each.name for run in runs)]
        state = "reserved" if any(each.reserved for each in used) else "value"
        registry = tuple(f"{kind.states.name}.0x{each.code:02x}" for each in codes if each in used)
        sense = " ".join([one.meaning, *(each.meaning for each in used)])
        return ReaderClaim(
            start, end, path, block, "states", str(runs), sense, shown, state, registry, one.meaning
        )
    form = "text"
    if isinstance(kind, Fixed):
        form = "time" if isinstance(kind, Timestamp) else "number" if kind.number else "bytes"
        if form == "number":
            value = int(value, 16) if isinstance(value, str) else value
        if form == "bytes":
            value = str(value).replace("-", "")
    return ReaderClaim(start, end, path, block, form, str(value), one.meaning, shown)


def _hashes(data: bytes, form: Schema) -> Iterator[tuple[int, str]]:
    """Blocks whose stored hashes are not those of what the draft says that they cover."""
    header = form.block_header
    magic, at, before, index = form.block_magic, form.file_header_size, 0, 0
    segment = at
    sizes = header.unpacker("block_type", "block_length")
    links = {link.structure: link for link in form.draft.chain}
    while data[at : at + 4] == magic and len(data) - at >= header.size:
        code, length = sizes.unpack(data[at : at + sizes.size])
        block = form.blocks.get(code)
        for key, base in ((header.key, at), (block.key if block else "", at + header.size)):
            link = links.get(key)
            layout = header if key == header.key else block.layout if block else None
            if link is None or layout is None:
                continue
            place = base + layout.offset_of(link.field)
            start = {Start.FILE: 0, Start.PREVIOUS: before, Start.SEGMENT: segment}[link.start]
            hasher = new_hasher()
            hasher.update(data[start:at])
            if data[place : place + 32] != hasher.digest():
                yield index, f"{key}.{link.field} does not fit"
        before, at, index = at, at + length, index + 1
        if block is not None and block.key in ("end_of_capture", "end_of_extension"):
            segment = at
        if length < header.size:
            return
