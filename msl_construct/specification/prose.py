"""What the specification says in sentences: ours, and true of the draft that is asked."""

from __future__ import annotations

from collections.abc import Iterator

from ..schema import Draft
from ..schema.blocks import ByteOrder

__all__ = [
    "compression",
    "conventions",
    "encryption",
    "introduction",
    "page_states",
    "reading",
    "security",
    "segments",
]


def introduction(draft: Draft) -> Iterator[str]:
    """What such a file is."""
    yield (
        "A Memory Slice file (`.msl`) is a forensic capture of one process: its memory, page by "
        "page, with the state of every page, and what was known of the process when it was taken."
    )
    yield (
        "A file is a file header and blocks behind it, without gaps. Each block begins with a "
        "header of constant size that says its type and its length on disk. There is no directory "
        "and no count to rely on: whoever reads goes from block to block by BlockLength."
    )
    yield (
        f"This page is rendered from the declaration of {draft.name} (format version "
        f"{draft.version >> 8}.{draft.version & 0xFF}: {draft.status}). Offsets, widths, codes and "
        "demands are the draft's; the sentences around them are ours."
    )


def conventions(draft: Draft) -> Iterator[str]:
    """How bytes become values."""
    both = ByteOrder.BIG in draft.byte_orders
    yield (
        "Integers (u8, u16, u32, u64) are unsigned and have the byte order that the Endianness "
        "byte of the file header names: 1 is little-endian, 2 big-endian. "
        + ("Both are permitted." if both else "This draft permits little-endian only.")
    )
    yield (
        "The fields of a structure stand one behind the other, in the order of its table; nothing "
        "is aligned by itself. Offsets are counted in bytes from the start of the structure, 0x00 "
        "being its first byte. Behind a field of varying length they are not constant: there the "
        "next field begins where the one before ends, padding included."
    )
    yield (
        "pad8(n) is n rounded up to a multiple of 8. `text, XLen` is UTF-8 with a NUL behind it; "
        "the field XLen, earlier in the same structure, counts the NUL and not the padding; zeros "
        "follow up to pad8 of the length. A length of 0 means that there is none: no byte is "
        "stored. `text without NUL` has no NUL; `not padded` has no zeros behind it. `XLen bytes` "
        "are as many bytes, padded with zeros to pad8; `register, XLen` is an integer of as many "
        "bytes in the file's byte order, padded likewise."
    )
    yield (
        "`XCount entries of Y` are as many structures Y, one behind the other, and end where the "
        "last one ends. Where `XSize bytes each` is said and that field is not 0, every entry has "
        "as many bytes, whatever its fields take. `XLen bytes, laid out by Y` are as many bytes, "
        "not padded, whose layout the value of Y chooses; a value without a layout leaves them as "
        "they are. `bytes` are all that is left of the payload."
    )
    yield (
        "UUIDs are version 4, 16 bytes in network order whatever the file's byte order. Times "
        "(`u64, ns`) are nanoseconds since 1970-01-01 00:00 UTC; 0 is unknown. Hashes have 32 "
        "bytes. Zero bytes are reserved: a producer writes zeros, a consumer ignores what stands "
        "there."
    )
    yield (
        "A page map has two bits for each page, the first page in the two highest bits of its "
        "first byte, and is padded with zeros to a multiple of 8 bytes. A region has RegionSize >> "
        "PageSizeLog2 pages. PageData holds the bytes of the captured pages only, one page behind "
        "the other, in the order of their addresses."
    )


def reading(draft: Draft) -> Iterator[str]:
    """How a reader goes through a file."""
    header = draft.file_header.field("header_size").name
    size = draft.bound(draft.byte_orders[0]).file_header_size
    yield (
        f"A reader compares the Magic, takes the byte order from Endianness, and finds Block 0 at "
        f"the offset that {header} says. It refuses a file that does not begin with the Magic or "
        f"is shorter than {header}, an Endianness that is neither, a {header} below {size}, and "
        "an unknown major version. A minor version above those that it knows is read by the "
        "highest draft that it knows of that major version, whose name is shown, and it says so. "
        "Some producers name the wrong byte order: a file may be refused whose Block 0 has a "
        "registered BlockType and a BlockLength that fits the file in the other one only."
    )
    yield (
        "A block begins with the Magic of the block header; the next one begins BlockLength bytes "
        "behind its start. Its payload is what stands behind the block header. The blocks end "
        "where fewer bytes are left than a block header has, or the next four are no Magic, or "
        "BlockLength is less than a block header or more than what is left."
    )
    yield (
        "The capture ends with the first End-of-Capture. Without one the acquirer did not finish: "
        "what stands there is shown, and said to be incomplete. What stands behind the last block "
        "is trailing bytes"
        + (
            ", and so is what follows the End-of-Capture and is no extension segment."
            if draft.segments
            else "; blocks behind the End-of-Capture are read as the others are."
        )
    )
    yield (
        "A payload may be longer than its fields: the bytes behind them are kept. It may end "
        "before a field that says so, and then has none of those behind it either. A payload that "
        "ends anywhere else, within such a field too, is damaged: the fields before it hold."
    )
    yield (
        "A region that BlockLength can't describe is split. The first fragment has the flag "
        "HasChildren; each further one has Continuation, the first one's BlockUUID as its "
        "ParentUUID, and a BaseAddr of its own."
    )


def page_states(draft: Draft) -> Iterator[str]:
    """What is known of pages."""
    yield (
        "Every page of a region has a state, and only captured pages have bytes. A consumer makes "
        "none up: what was not captured is not zero, and whoever asks for its bytes is told its "
        "state."
    )
    yield (
        "The map begins with the first page, in the two highest bits of its first byte; bits "
        "behind the last page are zero. The position of a captured page in PageData is the number "
        "of captured pages in front of it, times the size of a page. PageData that is too short is "
        "shown as it is: the pages that it lacks have no bytes, whatever their state says. Bytes "
        "behind the last captured page belong to none."
    )


def compression(draft: Draft) -> Iterator[str]:
    """What stands behind a block header with the flag Compressed."""
    yield (
        "A block whose Flags have Compressed stores its whole payload compressed, with the codec "
        "that CompAlgo names, in the structure that follows. BlockLength counts what is stored. "
        "Fields and offsets of the payload are those of the inflated bytes."
    )
    yield (
        "The stream is one zstd frame; or a u32, in little-endian order whatever the file's byte "
        "order, that repeats UncompressedSize (it is not the stored length), and one LZ4 block (no "
        "LZ4 frame) behind it, up to the end of the stored payload. Hashes of the chain cover the "
        "bytes as they are stored."
    )


def segments(draft: Draft) -> Iterator[str]:
    """What may be appended."""
    if not draft.segments:
        yield (
            "This draft has no extension segments. Blocks behind the End-of-Capture are read like "
            "the others; only what is no block is trailing bytes, of which a reader says that they "
            "are there."
        )
        return
    yield (
        "Behind the End-of-Capture anybody may append extension segments: blocks, closed by an "
        "End-of-Extension, whose SegmentHash covers the segment's bytes before that block and "
        "whose BlockCount counts its blocks, itself included. PrevHash goes on from the block "
        "before. A segment holds what it says where SegmentHash, BlockCount and every PrevHash "
        "agree, and its End-of-Extension is of a PayloadVersion that the draft has. One that does "
        "not is trailing bytes, with all that stands behind it."
    )


def encryption(draft: Draft) -> Iterator[str]:
    """How an encrypted file looks."""
    if draft.encryption_header is None:
        yield "This draft has no encryption."
        return
    yield (
        "Where the header's Flags have Encrypted, HeaderSize is 128: the encryption header stands "
        "behind the file header, and one AEAD message in place of the blocks. Its plaintext is the "
        "blocks as they are written here, with PrevHash zero. The bytes of both headers, CipherLen "
        "taken as zero, are the associated data; the tag of 16 bytes ends the message. Where "
        "HeaderSize leaves no room for the encryption header, the file is refused, or shown "
        "without it and without blocks."
    )
    if draft.seal_header is not None:
        yield (
            "An extension segment of such a file is a message of its own behind the tag: a seal "
            "header, ciphertext, and a tag of 16 bytes. What is no such message is trailing bytes."
        )


def security(draft: Draft) -> Iterator[str]:
    """What the hashes are worth, and what a reader must not believe."""
    yield (
        "The chain has no key. Whoever changes a file can compute all hashes anew. They show "
        "damage and naive edits, and are no evidence of tampering unless the last of them is kept "
        "elsewhere: signed, time-stamped, or on storage that is written once (§2.2)."
    )
    yield (
        "No length and no count of a file may be believed before it was compared with the bytes "
        "that are there. A decompressed size is a claim: a reader bounds it. Tables may say that "
        "they have four billion entries."
    )
    yield (
        "A dump holds what the process held: keys, passwords, messages. Whoever hands it on hands "
        "them on. Text from a dump is the target's: it may hold control characters."
    )
