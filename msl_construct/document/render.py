"""From a dump to the canonical document, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from ..drafts.dialects import Recognition
from ..reader.block import RAW, Block
from ..reader.header import ENCRYPTION, EXTENSION, FileHeader
from ..reader.opened import Indexed
from ..reader.segments import Segment
from ..schema.codes import Name
from ..schema.layout import OFFSETS, offsets_to_document
from ..schema.raw import Base64, extent_to_document, raw_to_document
from ..schema.vocabulary import DocumentOptions
from ..source import Extent
from .lines import Line, Lines
from .shape import VERSION

__all__ = ["Renderable", "Renderer"]

T = TypeVar("T")


class Renderable(Protocol):
    """What a dump and a dump that is only passing by have in common."""

    name: str
    header: FileHeader
    segments: list[Segment]
    recognition: Recognition
    segment_recognitions: dict[int, Recognition]

    @property
    def size(self) -> int | None:
        """Bytes of the file; None while unknown."""

    @property
    def draft(self) -> str:
        """Name of the draft."""

    @property
    def dialect(self) -> str | None:
        """Name of the dialect."""

    def each_capture_block(self, function: Callable[[Block], T]) -> Iterator[T]:
        """What a function makes of each block of the capture segment."""

    def segment_blocks(self, segment: Segment) -> Iterable[Block]:
        """Blocks of an extension segment."""

    @property
    def trailing(self) -> Extent | None:
        """Bytes behind the last block."""


class Renderer:
    """Makes the parts of the canonical document.

    Args:
        with_data: include page data and large undecoded payloads, base64.
        offsets: include every field's file offset and length.
        lines: give blocks of the capture as lines of JSON where that can be; for `write_json`.
    """

    def __init__(
        self, *, with_data: bool = False, offsets: bool = False, lines: bool = False
    ) -> None:
        self.options = DocumentOptions(with_data=with_data, offsets=offsets)
        self._lines = Lines() if lines and not with_data and not offsets else None

    def parts(self, dump: Renderable) -> Iterator[tuple[str, Any]]:
        """``(key, value)`` of the document in order; ``blocks`` and ``segments`` are iterators."""
        yield "document", VERSION
        yield "file", {"name": dump.name, "size": dump.size}
        yield "format", self.format(dump)
        yield "header", self.header(dump.header)
        if self._lines is not None and isinstance(dump, Indexed):
            yield "blocks", self._lines_of(dump, self._lines)
        else:
            show = self.block if self._lines is None else self._line_or_block
            yield "blocks", iter(dump.each_capture_block(show))
        yield "segments", (self.segment(dump, segment) for segment in dump.segments)
        trailing = dump.trailing
        yield (
            "trailing",
            None if trailing is None else extent_to_document(trailing, self.options),
        )

    def document(self, dump: Renderable) -> dict[str, Any]:
        """The whole document as plain values, page data included only as `with_data` says."""
        return {key: plain(value) for key, value in self.parts(dump)}

    def format(self, dump: Renderable) -> dict[str, Any]:
        """What the file is read with, and of a dialect who writes it and what tells so."""
        shown: dict[str, Any] = {
            "draft": dump.draft,
            "dialect": dump.dialect,
            "byte_order": Name(dump.header.schema.byte_order.value),
        }
        recognition = dump.recognition
        if recognition.dialect is not None:
            shown["producer"] = recognition.producer
            shown["recognised_by"] = list(recognition.reasons)
            if recognition.others:
                shown["also_fits"] = list(recognition.others)
        return shown

    def header(self, header: FileHeader) -> dict[str, Any]:
        """The file header (§3)."""
        record = header.record
        shown = header.schema.file_header.to_document(record, self.options)
        listed = shown.pop(OFFSETS, None)
        if ENCRYPTION in record:
            encryption = header.schema.encryption_header
            assert encryption is not None
            shown[ENCRYPTION] = encryption.to_document(record[ENCRYPTION], self.options)
        if EXTENSION in record:
            shown[EXTENSION] = record[EXTENSION].hex()
        if listed is not None:
            shown[OFFSETS] = listed
        return shown

    def block(self, block: Block) -> dict[str, Any]:
        """One block (§4.1)."""
        options = self.options
        if options.offsets:
            header, payload = block.with_offsets()
        else:
            header, payload = block.header, block.payload
        shown: dict[str, Any] = {"index": block.index, "offset": f"{block.offset:#x}"}
        fields = block.schema.block_header.to_document(header, options)
        fields.pop("magic")  # it is what makes a block a block
        listed = fields.pop(OFFSETS, None)
        shown.update(fields)
        if block.compression is not None:
            shown["compression"] = {
                "algorithm": Name(block.compression.algorithm),
                "uncompressed_size": block.compression.uncompressed_size,
            }
            if block.compression.bare:
                shown["compression"]["bare"] = True
            if options.with_data:
                shown["compression"]["data"] = Base64(block.compression.stream)
        problem = block.problem
        if options.with_data and problem is None:
            problem = block.inflation_problem()
            if problem is not None:
                options = replace(options, with_data=False)  # the stored stream says it all
        if problem is not None:
            shown["damage"] = problem
        if RAW in payload:
            content = {RAW: raw_to_document(payload[RAW], options)}
            if payload.offsets is not None:
                content[OFFSETS] = offsets_to_document(payload.offsets)
        else:
            assert block.type is not None
            assert block.type.layout is not None
            content = block.type.layout.to_document(payload, options)
        shown["payload"] = content
        if listed is not None:
            shown[OFFSETS] = listed
        return shown

    def _line_or_block(self, block: Block) -> Line | dict[str, Any]:
        assert self._lines is not None
        line = self._lines.line(block.source, block.schema, block.index, block.offset, block.length)
        return self.block(block) if line is None else line

    def _lines_of(self, dump: Indexed, lines: Lines) -> Iterator[Line | dict[str, Any]]:
        """The same of all blocks of a capture, made only where that has to be."""
        source, schema, line_of = dump.source, dump.schema, lines.line
        offsets, lengths = dump.index.offsets, dump.index.lengths
        for index in range(dump.capture_count):
            line = line_of(source, schema, index, offsets[index], lengths[index])
            yield self.block(dump.block(index)) if line is None else line

    def segment(self, dump: Renderable, segment: Segment) -> dict[str, Any]:
        """One extension segment; only those that verify are shown as such."""
        found = dump.segment_recognitions.get(segment.index)
        other = {} if found is None else {"dialect": found.name, "producer": found.producer}
        return {
            "index": segment.index,
            "offset": f"{segment.offset:#x}",
            **other,
            "blocks": (self.block(block) for block in dump.segment_blocks(segment)),
            "verdict": {"intact": True},
        }


def plain(value: Any) -> Any:
    """A value with its iterators and data leaves turned into lists and text."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (str, int, float)) or value is None:
        return value
    if isinstance(value, Base64):
        return str(value)
    return [plain(inner) for inner in value]
