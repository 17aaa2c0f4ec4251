"""The whole file: the root, the block, and the types that stand between them and the fields."""

from __future__ import annotations

from itertools import takewhile

from ...drafts import NEWEST_DRAFT
from ...reader.header import ENCRYPTION, EXTENSION
from ...schema import Bit, BlockType, ByteOrder, Draft, Field, Schema
from ...schema.layout import Layout
from ...schema.vocabulary import Coded, Fixed, Flags, Magic
from ..versions import later_layouts
from ..versions import version_of as version_number
from . import expressions
from .attributes import OPAQUE, PADDED_TEXT, add_fields
from .prose import SPECIFICATION, about, of_block, of_field, reference, version_of
from .registries import Registries
from .style import Hex, Node, Prose, Quoted
from .type_builder import Structure, Workshop, byte_order, stored_id

__all__ = ["COMPILER", "document"]

COMPILER = "0.11"
"""The compiler that the file is written for; older ones can't build it for Go."""

_SEGMENTED = (
    "The blocks, those of extension segments included: a segment is what stands behind the "
    "End-of-Capture, or behind another segment, up to its End-of-Extension. Blocks behind the last "
    "block of these two types are those of a segment that nobody closed: they are shown like the "
    "others, and are not to be relied on. Whether a closed segment holds, its hashes say, which "
    "are not verified here."
)
_BLOCK = "block"
_BLOCKS = "blocks"
_ENCRYPTED = "has_ciphertext"
_LOOKAHEAD = "lookahead"
_LOOKAHEAD_TYPE = "block_lookahead"
_PAYLOAD = "payload"
_STORED = "stored"
_KIND = "payload_kind"
_TRAILING = "trailing_data"


def document(draft: Draft) -> Node:
    """The .ksy of a draft as nested mappings in the order in which they are written.

    Raises:
        ExportError: a declaration that some target language can't take.
    """
    schema = draft.bound(ByteOrder.LITTLE)  # widths and names are those of either order
    front, behind = _split(schema.file_header)
    header = schema.file_header.key
    ids = [*(f.key for f in front), header, _LOOKAHEAD, _BLOCKS, _TRAILING]
    workshop = Workshop(draft, schema, Registries(schema, ids))
    types: dict[str, Node] = {}
    types[f"{header}_fields"] = _file_header(workshop, behind)
    types[_BLOCK] = _block(workshop)
    types[_LOOKAHEAD_TYPE] = _lookahead(workshop)
    if schema.encryption_header is not None:
        structure = workshop.structures[schema.encryption_header.key]
        types[schema.encryption_header.key] = structure.node(about(f"{structure.layout.title}."))
    if schema.seal_header is not None:
        types[schema.seal_header.key] = _seal_header(workshop, schema.seal_header)
    types |= _payloads(workshop)
    types[PADDED_TEXT] = _padded_text()
    types[OPAQUE] = _opaque()
    return {
        "meta": _meta(draft),
        "doc": _doc(draft, schema),
        "doc-ref": f"{SPECIFICATION} Memory Slice specification",
        "seq": _root(workshop, front),
        "types": types,
        "enums": workshop.registries.nodes(),
    }


def _meta(draft: Draft) -> Node:
    version = version_of(draft)
    name = "msl" if draft.name == NEWEST_DRAFT else f"msl_{version.replace('.', '_')}"
    return {
        "id": name,
        "title": f"Memory Slice (.msl) dump of a process, {draft.name}, format version {version}",
        "application": ["memslicer", "MemDiver", "msl-construct"],
        "file-extension": "msl",
        "license": "CC0-1.0",
        "ks-version": Quoted(COMPILER),
    }


def _doc(draft: Draft, schema: Schema) -> Prose:
    others = [older.name for older in draft.lineage if older is not draft]
    return about(
        "Memory Slice is a file format for the memory of one process and what belongs to it: a "
        "file header, then blocks without gaps, each with its type and length. This file "
        f"describes {draft.name} ({draft.status})"
        + (f"; it reads files of {', '.join(others)} as well." if others else "."),
        "A field is called here as everywhere else where this format is described in snake "
        "case: PathLen is path_len, not len_path, because one name for one thing is worth more "
        "than a prefix. -orig-id has the specification's own spelling. A field of a registry "
        "is a number, NAME_code, and an instance NAME with its enumeration, so that "
        "unregistered numbers are kept; text is its stored bytes, NAME_raw, and an instance "
        "NAME that is decoded when it is asked for, so that bytes that are not UTF-8 don't "
        "end the parse.",
        "Left as bytes: payloads of a type or payload version that the draft gives no layout "
        "for, compressed payloads (behind their uncompressed size)"
        + (f", the blocks of encrypted files (in {_TRAILING})" if schema.encryption_header else "")
        + ", and what stands behind the last block. A block that is not whole ends the blocks. A "
        "payload is read when it is asked for; one that does not hold what its layout says is an "
        "error then, of that block alone. stored has its bytes.",
        "Hashes are not verified. This file is exported from a declaration of the format in "
        "Python; change that, not this.",
        between="\n\n",
    )


def _split(header: Layout) -> tuple[list[Field], list[Field]]:
    """The header's fields before the first whose bytes have an order, and the others.

    The byte order of a type has to be known before anything of the type is read, so what
    tells it stands in the root.
    """
    front = list(takewhile(lambda f: not _ordered(f), header.fields))
    return front, list(header.fields[len(front) :])


def _ordered(one: Field) -> bool:
    return one.type.number and one.type.minimum > 1


def _root(workshop: Workshop, front: list[Field]) -> list[Node]:
    schema = workshop.schema
    header = schema.file_header
    root = Structure(workshop, header)
    read = 0
    for one in front:
        assert isinstance(one.type, Fixed)
        section = reference(workshop.draft, one.section)
        read += one.type.width
        if isinstance(one.type, Coded):
            # On the field itself, against the rule for registries: a `switch-on` needs it, and
            # a byte order that nobody knows leaves nothing to be read.
            registry = one.type.registry
            members = [workshop.registries.member(registry, v.code) for v in registry.values]
            root.add(
                one.key,
                _orig_id=one.name,
                type=f"u{one.type.width}",
                enum=workshop.registries.id_of(registry),
                valid={"any-of": [Quoted(member) for member in members]},
                doc=of_field(one, header),
                doc_ref=section,
            )
        else:
            if one.key == "header_size":
                root.limits[one.key] = {"min": schema.file_header_size}
            add_fields(root, [one])
            root.seq[-1].setdefault("doc-ref", section)
    size = header.field("header_size").key
    root.add(
        header.key,
        size=f"({size}.as<s4> - {read}).as<s4>",
        type=f"{header.key}_fields",
        doc=about("The other fields of the file header."),
    )
    root.add(_LOOKAHEAD, type=_LOOKAHEAD_TYPE, doc=about("Whether there is a block at all."))
    encrypted = _ENCRYPTED if schema.encryption_header is not None else ""
    there = f"{_LOOKAHEAD}.is_block"
    root.add(
        _BLOCKS,
        type=_BLOCK,
        repeat="until",
        repeat_until=f"not _.{there}",
        doc=about(_SEGMENTED if workshop.draft.segments else "The blocks."),
        **{"if": f"not {header.key}.{encrypted} and {there}" if encrypted else there},
    )
    root.add(
        _TRAILING,
        size_eos=True,
        doc=about(
            "Everything behind the last block"
            + ("; of an encrypted file everything else." if encrypted else ".")
        ),
    )
    return root.seq


def _give_encrypted(structure: Structure) -> None:
    """Add what says whether the blocks are ciphertext, if the draft can say it.

    In a file of an earlier draft the flag is a reserved bit, which readers ignore.
    """
    draft = structure.workshop.draft
    version = stored_id(structure.layout.field("version"))
    for one in structure.layout.fields:
        if isinstance(one.type, Flags):
            for bit in one.type.word.bits:
                if isinstance(bit, Bit) and bit.name == "encrypted":
                    since = f"{version_number(draft, bit.since):#06x}"
                    structure.give(
                        _ENCRYPTED,
                        value=f"{version} >= {since} and {expressions.bit_set(one.key, bit.bit)}",
                        doc=about("Whether the blocks are ciphertext."),
                    )


def _file_header(workshop: Workshop, behind: list[Field]) -> Node:
    schema = workshop.schema
    structure = Structure(workshop, schema.file_header)
    add_fields(structure, behind)
    encryption = schema.encryption_header
    if encryption is not None:
        _give_encrypted(structure)
        add_fields(workshop.structure(encryption), encryption.fields)
        structure.add(
            ENCRYPTION,
            type=encryption.key,
            doc=about("How the blocks are encrypted."),
            doc_ref=reference(workshop.draft, encryption.section),
            **{"if": f"{_ENCRYPTED} and {expressions.REMAINING} >= {encryption.size}.as<s8>"},
        )
    structure.add(EXTENSION, size_eos=True, doc=about("Header bytes behind the known fields."))
    return structure.node(about(f"{schema.file_header.title}, behind its size."))


def _seal_header(workshop: Workshop, layout: Layout) -> Node:
    structure = workshop.structure(layout)
    add_fields(structure, layout.fields)
    return structure.node(
        about(
            f"{layout.title}: stands in front of each segment that was added to an encrypted file. "
            f"Nothing here reads it, as it stands behind ciphertext in {_TRAILING}: make one of a "
            "stream that begins with it."
        )
    )


def _block(workshop: Workshop) -> Node:
    schema = workshop.schema
    header = schema.block_header
    structure = Structure(workshop, header)
    length = header.field("block_length").key
    structure.limits[length] = {"min": schema.block_header_size}
    add_fields(structure, header.fields)
    compressed = _beyond(structure)
    cases: Node = {
        Hex(block.code, 4): block.layout.key for block in schema.blocks.values() if block.layout
    }
    cases[Hex(compressed)] = schema.compressed_payload.key
    cases["_"] = OPAQUE
    structure.add(
        _STORED,
        size=f"{length} - {schema.block_header_size}",
        type=OPAQUE,
        doc=about("The payload as it is stored: bytes."),
    )
    structure.add(_LOOKAHEAD, type=_LOOKAHEAD_TYPE, doc=about("Whether another block follows."))
    _give_payload_kind(structure, compressed)
    structure.give(
        _PAYLOAD,
        io=f"{_STORED}._io",
        pos=0,
        size_eos=True,
        type={"switch-on": _KIND, "cases": cases},
        doc=about(
            "What the block holds, read when it is asked for: a payload that does not hold what "
            "its layout says is an error then, and the blocks behind it can be read all the same."
        ),
    )
    return structure.node(about("A block: a header and a payload."))


def _beyond(block: Structure) -> int:
    """The first number that is no block type."""
    return 1 << 8 * block.width_of("block_type")


def _give_payload_kind(block: Structure, compressed: int) -> None:
    """Add what the payload is read as."""
    schema, draft = block.workshop.schema, block.workshop.draft
    header = schema.block_header
    flags = header.field("flags")
    assert isinstance(flags.type, Flags)
    mask = flags.type.word.mask("compressed")
    code = stored_id(header.field("block_type"))
    framing = schema.block_header_size + schema.compressed_payload.offset_of("stream")
    version = f"_root.{schema.file_header.key}.{stored_id(schema.file_header.field('version'))}"
    later = [
        f"{version} < {since:#06x} and (" + " or ".join(f"{code} == {c:#06x}" for c in codes) + ")"
        for since, codes in later_layouts(draft)
    ]
    raw = f"{compressed + 1:#x}.as<s4>"
    choice = f"{code}.as<s4>"
    for condition in later:
        choice = f"({condition} ? {raw} : {choice}).as<s4>"
    framed = f"({header.field('block_length').key} < {framing} ? {raw} : {compressed:#x}.as<s4>)"
    block.give(
        _KIND,
        value=f"({header.field('payload_version').key} != {draft.payload_version} ? {raw} : "
        f"({flags.key} & {mask:#x} != 0 ? {framed}.as<s4> : {choice}).as<s4>).as<s4>",
        doc=about(
            "What the payload is read as: the block type, or, above all types, compressed "
            f"({compressed:#x}) or bytes without a layout ({compressed + 1:#x}): those of an "
            "unknown payload version, and those too short to be compressed"
            + (
                ", and those of a type that a file of this version has no layout for."
                if later
                else "."
            )
        ),
    )


def _lookahead(workshop: Workshop) -> Node:
    """What the next bytes are.

    A type of its own, as in Rust the element of a repetition can't look behind itself; and
    safe at the end of the file, as Go evaluates both sides of every `and`.
    """
    schema = workshop.schema
    header = schema.block_header
    magic = next(f for f in header.fields if isinstance(f.type, Magic))
    length = header.field("block_length")
    assert isinstance(length.type, Fixed)
    least = schema.block_header_size
    left = expressions.REMAINING
    pattern = ", ".join(f"{byte:#04x}" for byte in schema.block_magic)
    return {
        "meta": {"endian": byte_order(workshop)},
        "doc": about(
            "Whether a whole block follows. Blocks end where it does not: what is left is "
            f"shorter than a block header ({least} bytes), begins otherwise, or ends inside "
            "the block. Reads nothing; a program that writes files disables the instances."
        ),
        "doc-ref": reference(workshop.draft, header.section),
        "seq": [{"id": "mark", "size": 0}],
        "instances": {
            magic.key: {
                "pos": "_io.pos",
                "size": f"{left} < {least}.as<s8> ? 0 : {magic.type.minimum}",
            },
            f"has_{magic.key}": {"value": f"{magic.key} == [{pattern}]"},
            length.key: {
                "pos": f"_io.pos + {header.offset_of(length.key)}",
                "type": f"u{length.type.width}",
                "if": f"has_{magic.key}",
            },
            "is_block": {
                "value": f"has_{magic.key} and {expressions.wide(length.key)} >= {least}.as<s8> "
                f"and {expressions.wide(length.key)} <= {left}"
            },
        },
    }


def _payloads(workshop: Workshop) -> dict[str, Node]:
    """The type of every payload, each followed by the types of its entries."""
    schema = workshop.schema
    made: dict[str, Node] = {}
    payloads: list[tuple[Layout, BlockType | None]] = [
        (block.layout, block) for block in schema.blocks.values() if block.layout
    ]
    payloads.append((schema.compressed_payload, None))
    for layout, block in payloads:
        known = set(workshop.structures)
        structure = workshop.structure(layout)
        add_fields(structure, layout.fields)
        structure.rest()
        made[layout.key] = structure.node(
            of_block(block, layout) if block else about(f"{layout.title}.")
        )
        for key, entry in workshop.structures.items():
            if key not in known and entry is not structure:
                made[key] = entry.node(about(f"{entry.layout.title}."))
    return made


def _padded_text() -> Node:
    # Not a field up to the NUL and one behind it: without a NUL, Go's runtime drops the last
    # byte of such a field, and where nothing is stored it crashes.
    return {
        "doc": about(
            "UTF-8 text, a NUL, and zeros up to the next multiple of 8 bytes. A program that "
            "writes files disables the instance: what it says stands in the field."
        ),
        "seq": [{"id": "stored", "size-eos": True, "doc": about("All of it.")}],
        "instances": {
            "content": {
                "pos": 0,
                "size-eos": True,
                "terminator": 0,
                "doc": about("Up to the NUL, or all of it where there is none."),
            },
        },
    }


def _opaque() -> Node:
    return {
        "doc": about("Bytes that nothing more is known about."),
        "seq": [{"id": "data", "size-eos": True}],
    }
