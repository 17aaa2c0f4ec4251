"""Compare what a generated parser shows of a file with what ours shows, value by value.

Both are the canonical document, ours with the page data. What a generated parser can't do by
its nature is listed in `EXEMPTIONS`, each with its reason; every use is counted, so that one
that nothing needs any more can be found out.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msl_construct
from msl_construct.document.render import Renderer, plain
from msl_construct.drafts import recognised
from msl_construct.errors import FormatError
from msl_construct.reader import Dump
from msl_construct.reader.block import Block
from msl_construct.reader.walk import Walk
from msl_construct.schema import Draft, Schema
from msl_construct.schema.layout import REST
from msl_construct.schema.vocabulary import Flags

__all__ = ["EXEMPTIONS", "Comparison", "Exemption", "Ours", "ours"]


@dataclass(frozen=True)
class Exemption:
    """What may differ.

    Args:
        reason: why.
        languages: in which; in all of them without any.
    """

    reason: str
    languages: frozenset[str] = frozenset()

    def permits(self, language: str) -> bool:
        """Whether it is for this language."""
        return not self.languages or language in self.languages


EXEMPTIONS = {
    "compressed": Exemption(
        "a .ksy without `process` does not inflate: the uncompressed size and the stored stream "
        "are compared, not the payload inside of it"
    ),
    "unverified-segment": Exemption(
        "a .ksy can't hash, so it shows blocks behind the capture as blocks that ours holds back "
        "as trailing data; they are compared with what ours makes of them when it walks on"
    ),
    "damage": Exemption(
        "Kaitai has no damaged structures: a payload that does not fit is refused, of which the "
        "stored bytes are compared, or accepted by a wider rule: bytes behind the fields are the "
        "rest, and of "
        "fields before which the structure may end all are there or none; what is accepted has "
        "to be the same as far as ours goes"
    ),
    "no-offset": Exemption(
        "a structure inside of another does not know where in the file it stands: length and "
        "bytes are compared"
    ),
    "runs-on": Exemption(
        "text without a NUL inside of its length goes on up to the next NUL in its padding, which "
        "should be zeros: a type of Kaitai has no parameters in Perl, and so no length to end at"
    ),
    "replacement": Exemption(
        "runtimes put another number of U+FFFD for bytes that are not UTF-8: the stored bytes "
        "are compared",
        frozenset({"java", "go"}),
    ),
    "byte-order-mark": Exemption(
        "JavaScript's TextDecoder drops U+FEFF in front of a text: the stored bytes are compared",
        frozenset({"javascript"}),
    ),
    "rounded": Exemption(
        "JavaScript's numbers are doubles: a u8 above 2^53 is the nearest one, and that one it "
        "has to be",
        frozenset({"javascript"}),
    ),
}
"""What may differ, by a name under which its uses are counted."""

_BESIDE = {"index", "compression", "damage"}
"""What the document says of a block beside its fields; `offset` is compared."""

_EXACT = 1 << 53


@dataclass(frozen=True)
class Ours:
    """Our document of a file, and what else the comparison needs of it.

    Attributes:
        refused: why ours does not read the file at all; then there is nothing else.
        blocks: those of the capture segment and of the extension segments that verify.
        unverified: blocks behind them.
        trailing: what is no block.
        stored: the payloads of damaged blocks as they are stored, by the block's number.
    """

    refused: str = ""
    header: Mapping[str, Any] = field(default_factory=dict)
    blocks: tuple[Mapping[str, Any], ...] = ()
    unverified: tuple[Mapping[str, Any], ...] = ()
    trailing: Mapping[str, Any] | None = None
    schema: Schema | None = None
    stored: Mapping[int, bytes] = field(default_factory=dict)

    @property
    def damaged(self) -> bool:
        """Whether a generated parser may refuse the file, or a payload of it."""
        return bool(self.refused or self.stored)


def ours(path: Path, draft: Draft) -> Ours:
    """What ours shows of a file when it is told the draft."""
    try:
        dump = msl_construct.open(path, draft=draft.name)
    except FormatError as error:
        return Ours(refused=str(error))
    with dump:
        if dump.header.record["version"] >> 8 != draft.version >> 8:
            return Ours(refused="of another major version")
        renderer = Renderer(with_data=True)
        document = renderer.document(dump)
        blocks = [*document["blocks"], *(b for s in document["segments"] for b in s["blocks"])]
        unverified: list[Mapping[str, Any]] = []
        stored: dict[int, bytes] = {}
        own = _own_schema(dump, draft)

        def seen(block: Block, shown: Mapping[str, Any]) -> Mapping[str, Any]:
            code = block.header["block_type"]
            if own is not None and (code not in own.blocks or own.blocks[code].layout is None):
                read = Block(dump.source, own, block.index, block.offset, block.length)
                payload = plain(renderer.block(read))["payload"]
                shown = {**shown, "payload": payload}
                shown.pop("damage", None)
            if "damage" in shown:
                stored[block.index] = bytes(block.stored)
            return shown

        blocks = [seen(block, shown) for block, shown in zip(dump.blocks, blocks)]
        ending, trailing = dump.ending, document["trailing"]
        if ending.kind == "segment":
            walk = Walk(dump.source, dump.schema, ending.offset)
            for index, (offset, _, _, length) in enumerate(walk, len(blocks)):
                block = Block(dump.source, dump.schema, index, offset, length)
                unverified.append(seen(block, plain(renderer.block(block))))
            assert walk.ending is not None
            ending = walk.ending
            data = path.read_bytes()[ending.offset :]
            place = {"offset": f"{ending.offset:#x}", "length": len(data)}
            trailing = {**place, "data": base64.b64encode(data).decode()} if data else None
        return Ours(
            header=document["header"],
            blocks=tuple(blocks),
            unverified=tuple(unverified),
            trailing=trailing,
            schema=dump.schema,
            stored=stored,
        )


def _own_schema(dump: Dump, draft: Draft) -> Schema | None:
    """The schema of the version that a file says, if the draft reads it as one of an earlier one.

    What has no layout in it is bytes for a generated parser, whatever the draft says of it.
    """
    own = recognised(dump.header.record["version"])
    if own is None or own is draft or own not in tuple(draft.lineage):
        return None
    return own.bound(dump.schema.byte_order)


@dataclass
class Comparison:
    """Compares what one language's parser shows.

    Attributes:
        used: how often each exemption was needed.
    """

    language: str
    used: Counter[str] = field(default_factory=Counter)
    _schema: Schema | None = None

    def differences(self, expected: Ours, found: Mapping[str, Any]) -> Iterator[str]:
        """One line for each value that is not what it has to be."""
        if expected.refused:
            if "error" not in found:
                yield f"accepted; ours refuses it: {expected.refused}"
            return
        blocks = (*expected.blocks, *expected.unverified)
        if "error" in found:
            yield f"refused: {found['error']}"
            return
        self._schema = expected.schema
        if expected.unverified:
            self.used["unverified-segment"] += 1
        yield from self._same("header", expected.header, found["header"])
        yield from self._same("trailing", expected.trailing, found["trailing"])
        if len(blocks) != len(found["blocks"]):
            yield f"blocks: expected {len(blocks)}, found {len(found['blocks'])}"
            return
        for index, (one, other) in enumerate(zip(blocks, found["blocks"])):
            yield from self._block(f"blocks[{index}]", one, other, expected.stored.get(index))

    def _may(self, name: str) -> bool:
        return EXEMPTIONS[name].permits(self.language)

    def _block(self, path: str, expected: Any, found: Any, stored: bytes | None) -> Iterator[str]:
        fields = {k: v for k, v in expected.items() if k not in _BESIDE and k != "payload"}
        other = {k: v for k, v in found.items() if k not in ("payload", "error")}
        yield from self._same(path, fields, other)
        payload, shown = expected["payload"], found["payload"]
        path += ".payload"
        if "error" in found:
            if stored is None:
                yield f"{path}: refused: {found['error']}"
            elif _raw(shown["raw"]) != stored:
                yield f"{path}: refused, and not what is stored"
            self.used["damage"] += 1
            return
        if set(shown) == {"uncompressed_size", "stream"}:
            yield from self._compressed(path, expected, shown)
        elif "damage" in expected:
            self.used["damage"] += 1
            tail = self._tail(expected["block_type"])
            gone = {key for key in tail if key not in shown} if REST in shown else set()
            known = {k: value for k, value in payload.items() if k != REST and k not in gone}
            yield from self._same(path, known, {key: shown[key] for key in known if key in shown})
        else:
            yield from self._same(path, payload, shown)

    def _tail(self, block_type: str) -> set[str]:
        """Keys of the fields before which a payload may end: a parser has all or none."""
        assert self._schema is not None
        layout = self._schema.layouts.get(block_type)
        fields = layout.fields if layout is not None else ()
        return {one.key for one in fields if one.optional or one.omitted_by}

    def _compressed(self, path: str, expected: Any, found: Any) -> Iterator[str]:
        """The framing; where ours could not inflate the payload, it shows just the stored bytes."""
        self.used["compressed"] += 1
        stream = _raw(found["stream"])
        if "compression" in expected:
            size = expected["compression"]["uncompressed_size"]
            stored = base64.b64decode(expected["compression"]["data"])
        else:
            assert self._schema is not None
            size_field = self._schema.compressed_payload.fields[0]
            whole = _raw(expected["payload"]["raw"])
            width = size_field.type.minimum
            size, stored = size_field.type.parse(whole[:width]), whole[width:]
        yield from self._same(f"{path}.uncompressed_size", size, found["uncompressed_size"])
        if stream != stored:
            yield f"{path}.stream: expected {_short(stored.hex())}, found {_short(stream.hex())}"

    def _same(self, path: str, expected: Any, found: Any) -> Iterator[str]:
        marked = isinstance(expected, str) and expected.startswith("\ufeff")
        if marked and isinstance(found, dict) and self._may("byte-order-mark"):
            stored = bytes.fromhex(found["raw"]).rstrip(b"\0")
            if found["text"] == expected[1:] and stored == expected.encode():
                self.used["byte-order-mark"] += 1
                return
        if expected == found and isinstance(expected, bool) == isinstance(found, bool):
            return
        if isinstance(expected, dict) and isinstance(found, dict):
            yield from self._mapping(path, expected, found)
        elif isinstance(expected, list) and isinstance(found, list):
            if len(expected) == len(found) and not self._flags(path, expected, found):
                for index, (one, other) in enumerate(zip(expected, found)):
                    yield from self._same(f"{path}[{index}]", one, other)
            elif not self._flags(path, expected, found):
                yield f"{path}: expected {_short(expected)}, found {_short(found)}"
        elif not self._rounded(expected, found):
            yield f"{path}: expected {_short(expected)}, found {_short(found)}"

    def _mapping(self, path: str, expected: Any, found: Any) -> Iterator[str]:
        if self._may("replacement") and set(expected) == {"text", "raw"} == set(found):
            one, other = (shown["text"].replace("\ufffd", "") for shown in (expected, found))
            if one == other and expected["raw"] == found["raw"] and expected != found:
                self.used["replacement"] += 1
                return
        if set(expected) == {"text", "raw"} == set(found) and expected["raw"] == found["raw"]:
            whole = bytes.fromhex(found["raw"]).partition(b"\0")[0].decode(errors="replace")
            one, other, whole = (
                text.replace("\ufffd", "") for text in (expected["text"], found["text"], whole)
            )
            if other == whole and other.startswith(one):
                self.used["runs-on"] += expected["text"] != found["text"]
                return
        if "length" in found and "offset" in expected and "offset" not in found:
            self.used["no-offset"] += 1
            expected = {key: value for key, value in expected.items() if key != "offset"}
        for key in expected:
            if key not in found:
                yield f"{path}.{key}: expected {_short(expected[key])}, not there"
            else:
                yield from self._same(f"{path}.{key}", expected[key], found[key])
        for key in found:
            if key not in expected:
                yield f"{path}.{key}: found {_short(found[key])}, not expected"

    def _rounded(self, expected: Any, found: Any) -> bool:
        """Whether a number is the double that is nearest to the right one."""
        if not self._may("rounded"):
            return False
        one, other = _number(expected), _number(found)
        if one is None or other is None or one <= _EXACT or float(one) != float(other):
            return False
        self.used["rounded"] += 1
        return True

    def _flags(self, path: str, expected: list[Any], found: list[Any]) -> bool:
        """Whether flags are those of the double that is nearest to the right word."""
        if not self._may("rounded") or self._schema is None:
            return False
        for one in self._schema.file_header.fields:
            if isinstance(one.type, Flags) and path == f"header.{one.key}":
                word = int(float(one.type.word.encode(expected)))
                if word > _EXACT and one.type.word.names(word) == found:
                    self.used["rounded"] += 1
                    return True
        return False


def _number(value: Any) -> int | None:
    """The number that a value of the document stands for."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return int(value, 0) if isinstance(value, str) else int(value)
    except ValueError:
        return None


def _raw(value: Any) -> bytes:
    return bytes.fromhex(value) if isinstance(value, str) else base64.b64decode(value["data"])


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:80]}… ({len(text)} characters)"
