"""A whole block as one Construct: its header, and its payload by type, inflated if need be."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from construct import stream_seek, stream_tell, stream_write

from ..abbreviated import abbreviated
from ..codecs.compress import compress_lz4, compress_zstd
from ..codecs.inflate import DEFAULT_INFLATE_LIMIT
from ..errors import CompressionError, ConformanceError, LimitError
from ..source import Cursor, Extent
from .base import Vocabulary
from .blocks import BlockType
from .codes import FlagDefinition
from .construct_errors import NotBuilt
from .framing import RAW, algorithm_of, inflated, laid_out
from .layout import REST, Layout
from .misfit import Misfit
from .values import Record
from .vocabulary import Coded

__all__ = ["WholeBlock"]

_HEADER, _PAYLOAD, _COMPRESSION, _STORED, _PROBLEM = (
    "header", "payload", "compression", "stored", "problem",
)  # fmt: skip
_COMPRESSED = "compressed"

Pieces = list["bytes | Extent"]


class WholeBlock(Vocabulary):
    """A block from its magic to the end that its length says.

    Parsed, it is a `Record` of ``header`` and ``payload``. The payload is that of the block's
    type; where the draft gives no layout for it, or it does not inflate, it is ``{raw: bytes}``.
    A compressed one comes with ``compression``, what the header's flags say of it, and with
    ``stored``, the bytes before they were inflated. ``problem`` says why a payload could not be
    decoded to its end.

    To build, lengths, padding and what has a default may be left out, in header and payload.
    A payload that is stored compressed is compressed again unless ``stored`` still holds it.

    Args:
        header, framing: of a block, and of a compressed payload.
        blocks: the block types by code.
        flags: the word that says whether a payload is compressed.
        payload_version: of the layouts in `blocks`.
    """

    title = "Block"

    def __init__(
        self,
        header: Layout,
        framing: Layout,
        blocks: Mapping[int, BlockType],
        flags: FlagDefinition,
        payload_version: int,
    ) -> None:
        super().__init__()
        self.header = header
        self.framing = framing
        self.blocks = dict(blocks)
        self.flags = flags
        self.payload_version = payload_version
        self.order, self.draft = header.order, header.draft
        self._by_key = {block.key: block for block in blocks.values()}
        self._sealed = True

    def __call__(self, key: str | int) -> BlockType:
        """A block type by its key or code.

        Raises:
            KeyError: the draft registers no such type.
        """
        return self._by_key[key] if isinstance(key, str) else self.blocks[key]

    @property
    def minimum(self) -> int:
        return self.header.size

    # -- reading -----------------------------------------------------------------------

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> Record:
        start = cursor.position
        header, end = self._header_at(cursor)
        size = self.header.size
        stored = Extent(cursor.source, start + size, end - start - size)
        cursor.position = end
        return Record({_HEADER: header, **self._content(header, stored)})

    def _header_at(self, cursor: Cursor) -> tuple[Record, int]:
        """A block's header, and where the block ends.

        Raises:
            Misfit: it is none, or the block does not fit what there is.
        """
        start, room = cursor.position, cursor.remaining
        header = self.header.decode_entry(cursor)
        magic = self.header.field("magic").type
        for problem in magic.problems(header["magic"], header):
            raise Misfit(problem.expected, problem.found, path="magic", offset=start)
        length = header["block_length"]
        at = start + self.header.offset_of("block_length")
        if length < self.header.size:
            least = f"at least {self.header.size} bytes"
            raise Misfit(least, str(length), path="block_length", offset=at)
        if length > room:
            found = f"{room} before the end"
            raise Misfit(f"{length} bytes", found, path="block_length", offset=at)
        return header, int(start + length)

    def _content(self, header: Record, stored: Extent) -> dict[str, Any]:
        """What stands behind a header, by key."""
        if header["payload_version"] != self.payload_version:
            return {_PAYLOAD: laid_out(None, stored)}
        found: dict[str, Any] = {}
        content = stored
        if _COMPRESSED in header["flags"]:
            try:
                content, compression = self._inflate(header, stored)
            except (CompressionError, LimitError) as error:
                return {_PAYLOAD: laid_out(None, stored), _PROBLEM: str(error)}
            found[_COMPRESSION] = compression
        layout = self._layout(header["block_type"])
        payload = found[_PAYLOAD] = laid_out(layout, content)
        if _COMPRESSION in found:
            found[_STORED] = stored
        if payload.damage is not None:
            found[_PROBLEM] = f"{layout.title if layout else RAW}: {payload.damage}"
        return found

    def _inflate(self, header: Mapping[str, Any], stored: Extent) -> tuple[Extent, Record]:
        """A payload as it was before it was compressed, and what is said of that.

        Raises:
            CompressionError, LimitError: it does not inflate to what it says.
        """
        algorithm = self._algorithm(header)
        framing, source = inflated(self.framing, stored, algorithm, DEFAULT_INFLATE_LIMIT)
        source.check()
        size = framing["uncompressed_size"]
        said = Record({"algorithm": algorithm, "uncompressed_size": size})
        return Extent(source, 0, size), said

    def _algorithm(self, header: Mapping[str, Any]) -> str:
        return algorithm_of(self.flags, self.flags.encode(header["flags"]))

    def _layout(self, code: int) -> Layout | None:
        block = self.blocks.get(code)
        return None if block is None else block.layout

    # -- writing -----------------------------------------------------------------------

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Record:
        try:
            if not isinstance(obj, Mapping) or not isinstance(obj.get(_HEADER), Mapping):
                raise NotBuilt(f"expected a block's header and payload, found {abbreviated(obj)}")
            header = {k: v for k, v in obj[_HEADER].items() if not str(k).startswith("_")}
            pieces = self._stored(header, obj)
            header.setdefault("parent_uuid", uuid.UUID(int=0))
            length = self.header.size + _total(pieces)
            if header.setdefault("block_length", length) != length:
                raise NotBuilt(
                    f"block_length: says {abbreviated(header['block_length'])}, the block has "
                    f"{length} bytes; leave it out to have it computed",
                    field="header.block_length",
                )
            complete = self.header.complete(header)
            for piece in (self.header.encode(complete), *pieces):
                for chunk in piece.chunks() if isinstance(piece, Extent) else (piece,):
                    stream_write(stream, bytes(chunk), len(chunk), path)
        except NotBuilt:
            raise
        except ConformanceError as error:
            raise NotBuilt(str(error), field=error.field, reason=error.reason) from None
        return Record({**obj, _HEADER: complete})

    def _stored(self, header: dict[str, Any], value: Mapping[str, Any]) -> Pieces:
        """The payload as it is stored; what follows for the header is filled in.

        Raises:
            ConformanceError: it can't be stored.
        """
        kind = self.header.field("block_type").type
        assert isinstance(kind, Coded)
        try:
            code = kind.registry.encode(header["block_type"])
            flags = self.flags.encode(header.get("flags", 0))
            said = value.get(_COMPRESSION)
            if said is not None and not flags:
                flags = self.flags.encode([_COMPRESSED, f"comp_algo_{said['algorithm']}"])
        except KeyError as error:
            raise NotBuilt(f"no {error.args[0]} given", field=str(error.args[0])) from None
        except (ValueError, TypeError) as error:
            raise NotBuilt(f"header: {error}", field="header") from None
        header["block_type"], header["flags"] = code, flags
        given = value.get(_PAYLOAD, {})
        pieces = self._pieces(code, given)
        stored_as_it_is = said is None and (not isinstance(given, Mapping) or RAW in given)
        if not flags & self.flags.mask(_COMPRESSED) or stored_as_it_is:
            return pieces
        return self._compressed(header, pieces, value.get(_STORED))

    def _pieces(self, code: int, given: Any) -> Pieces:
        """A payload before it is compressed."""
        if isinstance(given, Mapping) and set(given) == {RAW}:
            given = given[RAW]
        if isinstance(given, Extent):
            return [given]
        if isinstance(given, (bytes, bytearray, memoryview)):
            return [bytes(given)]
        layout = self._layout(code)
        if not isinstance(given, Mapping) or (layout is None and given):
            expected = f"the fields of {layout.title}" if layout else "bytes"
            raise NotBuilt(f"payload: expected {expected}, found {abbreviated(given)}")
        if layout is None:
            return []
        values = {key: item for key, item in given.items() if not str(key).startswith("_")}
        return list(layout.pieces(values if REST in values else layout.complete(values)))

    def _compressed(self, header: Mapping[str, Any], pieces: Pieces, stored: Any) -> Pieces:
        """The stream of a payload in its framing: the one that was parsed, if it is the same."""
        whole = [piece.view() if isinstance(piece, Extent) else piece for piece in pieces]
        if isinstance(stored, Extent):
            try:
                content, _ = self._inflate(header, stored)
                if content == b"".join(whole):
                    return [stored]
            except (CompressionError, LimitError):
                pass  # it was changed: then what the payload says counts
        algorithm = self._algorithm(header)
        streams = {"zstd": compress_zstd, "lz4": compress_lz4}
        if algorithm not in streams:
            raise NotBuilt(f"header.flags: expected {' or '.join(streams)}, found {algorithm}")
        size, stream = streams[algorithm](whole, None)
        return list(self.framing.pieces({"uncompressed_size": size, "stream": stream}))

    # -- measuring ---------------------------------------------------------------------

    def _actualsize(self, stream: Any, context: Any, path: str) -> int:
        start = int(stream_tell(stream, path))
        try:
            return self._reading(stream, path, lambda cursor: self._header_at(cursor)[1]) - start
        finally:
            stream_seek(stream, start, 0, path)


def _total(pieces: Iterable[bytes | Extent]) -> int:
    return sum(len(piece) for piece in pieces)
