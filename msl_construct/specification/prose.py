"""What the specification says in sentences: ours, and true of the draft that is asked."""

from __future__ import annotations

from collections.abc import Iterator

from ..schema import Draft
from ..schema.blocks import ByteOrder

__all__ = [
    "compression",
    "conventions",
    "document",
    "encryption",
    "introduction",
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
        "Offsets in the tables are counted in bytes from the start of the structure, 0x00 being "
        "its first byte. Behind a field of varying length they are not constant: there the next "
        "field begins where the one before ends, padding included. Nothing is aligned by itself."
    )
    yield (
        "pad8(n) is n rounded up to a multiple of 8. Text with a length field (`text, XLen`) is "
        "UTF-8 with a NUL behind it; the length counts the NUL and not the padding; zeros follow "
        "up to pad8 of the length. A length of 0 means that there is none: no byte is stored. "
        "`text without NUL` has no NUL; `not padded` has no zeros behind it. `XLen bytes` are as "
        "many bytes, padded with zeros to pad8."
    )
    yield (
        "`XCount entries` are as many structures of the layout that is given, one behind the "
        "other. `XLen bytes, laid out by Y` are as many bytes, whose layout the value of Y "
        "chooses; an unknown value leaves them as they are."
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
    yield (
        f"A reader compares the Magic, takes the byte order from Endianness, and finds Block 0 at "
        f"the offset that {header} says. A block begins with the Magic of the block header; the "
        "next one begins BlockLength bytes behind its start. The blocks end where fewer bytes are "
        "left than a block header has, or the next four are no Magic, or BlockLength is less than "
        "a block header or more than what is left."
    )
    yield (
        "The capture ends with the End-of-Capture. Without one the acquirer did not finish: what "
        "stands there is shown, and said to be incomplete. What stands behind the last block is "
        "trailing bytes."
    )
    yield (
        "A payload may be longer than its fields: the bytes behind them are kept. A payload that "
        "ends within a field is damaged: the fields before it hold. An unknown major version is "
        "rejected; of an unknown minor version a reader shows what it knows, and says so."
    )
    yield (
        "A region that BlockLength can't describe is split. The first fragment has the flag "
        "HasChildren; each further one has Continuation, the first one's BlockUUID as its "
        "ParentUUID, and a BaseAddr of its own."
    )


def document(draft: Draft) -> Iterator[str]:
    """How readers are compared: the document that they print."""
    yield (
        "What a reader makes of a file can be compared when it prints the canonical document as "
        "JSON: `document: 1`, `file` (`name`, `size`), `format` (`draft`, `dialect`, "
        "`byte_order`), `header`, `blocks`, `segments`, `trailing` (null, or `offset` and "
        "`length`). A block has `index`, `offset` (hex), the fields of its header but for the "
        "Magic, and `payload`."
    )
    yield (
        "Keys are those of the tables, in stored order, lengths and reserved bytes included. A "
        "code is its name, one without a name a hex string of the field's width. A flag word is a "
        "list of names in the order of bits, `bit_9` where a bit has none; a number in it is "
        "`comp_algo_zstd`, and absent where it is 0."
    )
    yield (
        "Counts, sizes and lengths are numbers; addresses and offsets hex strings with `0x`; "
        "versions likewise, of full width; hashes, UUIDs and bytes hex without it (UUIDs with "
        "dashes); times decimal strings. Text loses NUL and padding; none is null. A page map is a "
        "list of runs, `[first page, count, state]`; page data an object of `offset` and `length`. "
        "A payload without a layout is `{raw: hex}`, above 256 bytes `{raw: {offset, length}}`; "
        "bytes behind the fields are under `rest` in the same way; a payload that ends too early "
        "has its whole fields, and its block has `damage`."
    )
    yield (
        "Exit codes: 0 it was read; 3 it is refused; 4 it is incomplete, with what could be read; "
        "5 a key is missing. `msl samples run --decoder 'CMD {}'` compares a program with every "
        "sample."
    )


def compression(draft: Draft) -> Iterator[str]:
    """What stands behind a block header with the flag Compressed."""
    yield (
        "A block whose Flags have Compressed stores its whole payload compressed, with the codec "
        "that CompAlgo names, in the structure that follows. BlockLength counts what is stored. "
        "Fields and offsets of the payload are those of the inflated bytes."
    )
    yield (
        "The stream is one zstd frame, or a u32 in little-endian order with the size of one LZ4 "
        "block, and that block behind it. Hashes of the chain cover the bytes as they are stored."
    )


def segments(draft: Draft) -> Iterator[str]:
    """What may be appended."""
    if not draft.segments:
        yield (
            "This draft has no extension segments. Bytes behind the End-of-Capture belong to "
            "nothing; a reader says that they are there."
        )
        return
    yield (
        "Behind the End-of-Capture anybody may append extension segments: blocks, closed by an "
        "End-of-Extension, whose SegmentHash covers the segment's bytes before that block and "
        "whose BlockCount counts its blocks, itself included. PrevHash goes on from the block "
        "before. A segment that does not hold what it says is trailing bytes."
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
        "taken as zero, are the associated data; the tag of 16 bytes ends the message."
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
