"""JSON Schema (2020-12) of the canonical document.

It describes what ``msl inspect --json`` prints, damaged files included, and is as strict as
a JSON Schema can be: every key that a block type does not have is refused.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from ..document.shape import ABOUT_DIALECT, VERSION
from ..drafts import DIALECTS, dialect_schema
from ..drafts.dialects import Dialect
from ..reader.block import RAW
from ..reader.header import ENCRYPTION, EXTENSION
from ..schema import BitRange, BlockType, ByteOrder, Draft, Schema
from ..schema.framing import PerhapsBareFrame
from ..schema.layout import OFFSETS, REST
from ..schema.vocabulary import Magic
from .description import version_text
from .json_values import ANY_ADDRESS, BASE64, COUNT, SOME_HEX, Definitions, closed, needed

__all__ = ["DIALECT_OF_SCHEMA", "export", "identifier"]

DIALECT_OF_SCHEMA = "https://json-schema.org/draft/2020-12/schema"


def identifier(draft: Draft | None) -> str:
    """The ``$id`` of the schema of a draft's documents; None: of any draft's.

    It is a name, and no address: the files are given to a validator, which fetches none.
    """
    name = "urn:msl-construct:document"
    return name if draft is None else f"{name}:{quote(draft.name, safe='')}"


def export(draft: Draft) -> str:
    """The JSON Schema of documents of one draft.

    Raises:
        MslError: a class of the vocabulary whose form in the document is not known.
    """
    # Byte order does not show in the document's form; everything else is the same in both.
    document = _Document(draft.bound(ByteOrder.LITTLE)).whole()
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _dialects_of(draft: Draft) -> list[Dialect]:
    """The dialects of a draft; a dialect has none."""
    return [one for one in DIALECTS.values() if one.draft.name == draft.name]


class _Document:
    """The parts of the schema, put together from the outside in."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._definitions = Definitions()

    def whole(self) -> dict[str, Any]:
        """The schema of the document."""
        draft = self._schema.draft
        blocks = self._define_blocks()
        forms = [self._form(None, blocks)]
        for dialect in _dialects_of(draft):
            inside = _Document(dialect_schema(dialect.name, self._schema.byte_order))
            inside._definitions = self._definitions
            self._definitions.variant = dialect.name
            forms.append(inside._form(dialect.name, inside._define_blocks()))
            self._definitions.variant = ""
        parts = closed(
            {
                "document": {"const": VERSION, "description": "Version of the document's form."},
                "file": closed(
                    {
                        "name": {"type": "string"},
                        "size": {**COUNT, "type": ["integer", "null"]},
                    }
                ),
                "format": self._format(),
                "header": {"type": "object"},
                "blocks": {"type": "array"},
                "segments": {"type": "array"},
                "trailing": {
                    "description": "Bytes behind the last block.",
                    "anyOf": [{"type": "null"}, self._definitions.extent()],
                },
            }
        )
        parts["allOf"] = forms
        return {
            "$schema": DIALECT_OF_SCHEMA,
            "$id": identifier(draft),
            "title": f"Memory Slice document, {draft.name}",
            "description": "What msl inspect --json prints of a file of format version "
            f"{version_text(draft.version)}; --show leaves parts out, which this schema does not. "
            "Written by msl schema export; do not edit.",
            **parts,
            "$defs": dict(sorted(self._definitions.found.items())),
        }

    def _format(self) -> dict[str, Any]:
        """What the file was read with; of a dialect, who writes it and what tells so."""
        dialects = [dialect.name for dialect in _dialects_of(self._schema.draft)]
        sentences = {"type": "array", "items": {"type": "string"}, "minItems": 1}
        form = closed(
            {
                "draft": {"const": self._schema.draft.name},
                "dialect": {"enum": [None, *dialects]},
                "byte_order": {"enum": [order.value for order in ByteOrder]},
                "producer": {"type": "string"},
                "recognised_by": sentences,
                "also_fits": {"type": "array", "items": {"enum": dialects}, "minItems": 1},
            },
            ["draft", "dialect", "byte_order"],
        )
        return {
            **form,
            "if": {"properties": {"dialect": {"const": None}}},
            "then": dict.fromkeys(("properties",), dict.fromkeys(ABOUT_DIALECT, False)),
            "else": {"required": ["producer", "recognised_by"]},
        }

    def _form(self, dialect: str | None, blocks: dict[str, Any]) -> dict[str, Any]:
        """What a document of one dialect is like, or one of none."""
        return {
            "if": {
                "properties": {
                    "format": {
                        "properties": {"dialect": {"const": dialect}},
                        "required": ["dialect"],
                    }
                },
                "required": ["format"],
            },
            "then": {
                "properties": {
                    "header": self._header(),
                    "blocks": blocks,
                    "segments": {"type": "array", "items": self._segment(blocks)},
                }
            },
        }

    def _define_blocks(self) -> dict[str, Any]:
        return {"type": "array", "items": self._definitions.define("block", self._block())}

    def _header(self) -> dict[str, Any]:
        layout = self._schema.file_header
        header = self._definitions.structure(layout, open_ended=False)
        inside = [field.key for field in layout.fields]
        offsets = header["properties"].pop(OFFSETS)
        encryption = self._schema.encryption_header
        if encryption is not None:
            whole = self._definitions.structure(encryption, open_ended=False)
            whole["required"] = needed(encryption)
            header["properties"][ENCRYPTION] = self._definitions.define(
                f"structure.{encryption.key}", whole
            )
            inside.append(ENCRYPTION)
        header["properties"][EXTENSION] = {
            **SOME_HEX,
            "description": "Header bytes behind the fields that the draft describes.",
        }
        offsets["propertyNames"]["enum"] = [*inside, EXTENSION]
        header["properties"][OFFSETS] = offsets
        header["required"] = needed(layout)
        return header

    def _segment(self, blocks: dict[str, Any]) -> dict[str, Any]:
        verdict = closed({"intact": {"const": True}})
        return closed(
            {
                "index": COUNT,
                "offset": ANY_ADDRESS,
                "dialect": {"type": ["string", "null"]},
                "producer": {"type": ["string", "null"]},
                "blocks": {"type": "array"},
                "verdict": verdict,
            },
            ["index", "offset", "blocks", "verdict"],
        ) | {
            # One that says its dialect is written by somebody else than the capture.
            "if": {"not": {"required": ["dialect"]}},
            "then": {"properties": {"blocks": blocks}},
        }

    # -- blocks ----------------------------------------------------------------------------

    def _block(self) -> dict[str, Any]:
        layout = self._schema.block_header
        shown = [field for field in layout.fields if not isinstance(field.type, Magic)]
        fields = {field.key: self._definitions.field(field) for field in shown}
        properties = {
            "index": COUNT,
            "offset": ANY_ADDRESS,
            **fields,
            "compression": self._compression(),
            "damage": {"type": "string", "description": "What did not fit.", "minLength": 1},
            "payload": {"type": "object"},
            OFFSETS: self._definitions.offsets([field.key for field in layout.fields]),
        }
        required = ["index", "offset", *fields, "payload"]
        return {**closed(properties, required), **self._payload_rules()}

    def _compression(self) -> dict[str, Any]:
        """How an inflated payload is stored."""
        words = self._schema.flags.values()
        numbers = [bit for word in words for bit in word.bits if isinstance(bit, BitRange)]
        values = [value for number in numbers for value in number.enumeration.values]
        codecs = [v.name for v in values if v.code and not v.reserved]
        framing = self._schema.compressed_payload
        size, stream = framing.fields
        about = "A frame of the codec without the framing of the drafts."
        known = isinstance(framing, PerhapsBareFrame)
        bare = {"bare": {"const": True, "description": about}} if known else {}
        return closed(
            {
                "algorithm": {"enum": codecs},
                size.key: self._definitions.field(size),
                **bare,
                "data": {**BASE64, "description": stream.text},
            },
            ["algorithm", size.key],
        )

    def _payload_rules(self) -> dict[str, Any]:
        """Which payload belongs to which block.

        PayloadVersion comes first: of another one than the draft's nothing is decoded.
        """
        draft = self._schema.draft
        version = self._schema.block_header.field("payload_version").key
        raw = self._raw_payload()
        kind = self._schema.block_header.field("block_type").key
        decoded = [b for b in self._schema.blocks.values() if b.layout is not None]
        rules = [
            {
                "if": {"properties": {kind: {"const": block.key}}},
                "then": self._payload_of(block, raw),
            }
            for block in decoded
        ]
        shown = [block.key for block in decoded]
        rules.append(
            {
                "if": {"properties": {kind: {"not": {"enum": shown}}}},
                "then": {"properties": {"payload": raw}},
            }
        )
        rules.append(
            {
                "if": {"required": ["damage"], "not": {"required": ["compression"]}},
                "then": {
                    "properties": {"payload": {"anyOf": [{"required": [k]} for k in (RAW, REST)]}}
                },
            }
        )
        return {
            "if": {"properties": {version: {"const": draft.payload_version}}},
            "then": {"allOf": rules},
            "else": {
                "properties": {"payload": raw, "compression": False, "damage": False},
            },
        }

    def _raw_payload(self) -> dict[str, Any]:
        properties = {RAW: self._definitions.raw(), OFFSETS: self._definitions.offsets([RAW])}
        return self._definitions.define("payload.raw", closed(properties, [RAW]))

    def _payload_of(self, block: BlockType, raw: dict[str, Any]) -> dict[str, Any]:
        """The payload of a type that has a layout: whole unless the block is damaged."""
        assert block.layout is not None
        structure = self._definitions.structure(block.layout, open_ended=True)
        part = self._definitions.define(f"payload.{block.key}", structure)
        return {
            "if": {"required": ["damage"]},
            "then": {
                "if": {"properties": {"payload": {"required": [RAW]}}},
                "then": {"properties": {"payload": raw}},
                "else": {"properties": {"payload": part}},
            },
            "else": {"properties": {"payload": {**part, "required": needed(block.layout)}}},
        }
