"""Where the facts of the drafts say what the statements say: a phrase of the text for each.

Phrases are verbatim, and occur once. What a statement of both drafts says stands in the text
of the first, since the text of the second has the changes only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

DRAFT_03, DRAFT_10 = "draft-2026-03", "draft-2026-10"

WORDS = re.compile(
    r"\b(MUST NOT|MUST|SHALL|SHOULD|MAY|REQUIRED|RECOMMENDED|OPTIONAL)\b"
    r"|\b([Nn]ever|[Ff]orbidden|[Mm]andatory|[Aa]lways|[Ee]xactly|[Rr]efuses|[Rr]ejects?|"
    r"[Ii]gnored?|[Ss]kipped|[Aa]ccepted|[Tt]olerate|[Tt]reat(?:ed)?|must|[Ff]orbids|wins)\b"
)
"""Words of RFC 2119, and others by which the facts demand something."""

PHRASES: dict[str, dict[str, str]] = {
    DRAFT_03: {
        "Byte order of every multi-byte integer: header byte": "ST-1.3-BYTE-ORDER",
        "`pad8(n) = (n + 7) & ~7`": "ST-1.3-PAD8",
        "PageStateMap and NativeBlob are padded to 8 bytes as well": "ST-1.3-PAD8",
        "Every padding byte MUST be 0x00": "ST-1.3-PADDING-ZERO",
        "Strings: UTF-8": "ST-1.3-STRING-UTF-8",
        "NUL-terminated; the length field counts the NUL": "ST-1.3-STRING-NUL",
        "Length 0 means absent: no bytes stored": "ST-1.3-STRING-ABSENT",
        "UUIDs: version 4, 16 raw bytes": "ST-1.3-UUID",
        "Hashes: BLAKE3": "ST-1.3-HASH",
        "Timestamps: u64 nanoseconds since the Unix epoch": "ST-1.3-TIMESTAMP",
        "producers MUST write zero": "ST-1.3-RESERVED-ZERO",
        "consumers MUST ignore them": "ST-1.3-RESERVED-IGNORED",
        "PageData holds memory in the *target's* native order": "ST-1.3-PAGE-DATA-ORDER",
        "typed, length-prefixed blocks with no gaps": "ST-2-NO-GAPS",
        "Blocks end when fewer than 80 bytes remain": "ST-2-END-OF-BLOCKS",
        "Live acquisition: Process Identity (Block 0)": "ST-2-LIVE-ORDER",
        "Import: Import Provenance is Block 0": "ST-2-IMPORT-ORDER",
        "it MUST NOT be represented as forensic-grade": "ST-2.2-NO-TAMPER-EVIDENCE",
        '| Magic | "MEMSLICE"': "ST-3-MAGIC",
        "anything else MUST be rejected": "ST-3-ENDIANNESS",
        "64 in 1.0 (MUST)": "ST-3-HEADER-SIZE",
        "Block 0 starts at this offset, always": "ST-3-BLOCK-0",
        "major in the high byte": "ST-3-VERSION",
        "bit 0 Imported; 1-31 zero": "ST-3-FLAGS-ZERO",
        "acquisition start, wall clock": "ST-3-TIMESTAMP",
        "9 Fuchsia, 0x000A-0x00FF reserved": "ST-3-RESERVED-CODES",
        "0xB LoongArch64, 0x000C-0x00FF reserved, 0x0100-0xFFFE vendor": "ST-3-VENDOR-CODES",
        "unknown major SHOULD be rejected": "ST-3.2-MAJOR",
        "an unknown minor of a known major MAY be parsed": "ST-3.2-MINOR",
        "header + payload, >= 80": "ST-4.1-BLOCK-LENGTH",
        "| PayloadVersion | 1;": "ST-4.1-PAYLOAD-VERSION",
        "an unknown version of a known type is skipped": "ST-4.1-UNKNOWN-VERSION",
        "1.0 neither requires nor forbids trailing zero padding": "ST-4.1-TRAILING-ZEROS",
        "| BlockUUID | v4": "ST-4.1-BLOCK-UUID",
        "parent's BlockUUID or zeros": "ST-4.1-PARENT-UUID",
        "bit 0 Compressed; bits 1-2 CompAlgo (0 none": "ST-4.2-COMPRESSED",
        "2 lz4, 3 reserved)": "ST-4.2-COMP-ALGO-RESERVED",
        "HasKeyHints (a Key Hint references this block)": "ST-4.2-HAS-KEY-HINTS",
        "HasChildren (referenced by a ParentUUID)": "ST-4.2-HAS-CHILDREN",
        "bit 5 Continuation": "ST-4.2-CONTINUATION",
        "6-15 zero": "ST-4.2-FLAGS-ZERO",
        "a consumer MUST ignore bits 1-2": "ST-4.2-COMP-ALGO-IGNORED",
        "a producer MUST write them 00": "ST-4.2-COMP-ALGO-ZERO",
        "0x0000 Invalid, MUST NOT appear": "ST-4.3-TYPE-INVALID",
        "0x2000-0xFFFF reserved": "ST-4.3-TYPE-RANGES",
        "skip unknown types by BlockLength": "ST-4.3-UNKNOWN-TYPE",
        "reject type 0x0000": "ST-4.3-REJECT-INVALID",
        "Block 0: PrevHash = BLAKE3(the HeaderSize header bytes)": "ST-4.4-BLOCK-0",
        "Block i: PrevHash = BLAKE3(all BlockLength on-disk bytes": "ST-4.4-CHAIN",
        "FileHash[32] = BLAKE3 of every byte before this block": "ST-4.5-FILE-HASH",
        "SHOULD: End-of-Capture last": "ST-4.5-LAST",
        "End-of-Capture (0x0FFF), 48 bytes": "ST-4.5-ONE",
        "Present: the acquirer finished": "ST-4.5-PRESENT",
        "Absent: treat the dump as possibly incomplete": "ST-4.5-ABSENT",
        "Blocks appended after it do not change FileHash": "ST-4.5-APPENDED",
        "MUST be a multiple of the page size": "ST-5.1-REGION-SIZE",
        "outside MUST be rejected (producer and consumer)": "ST-5.1-PAGE-SIZE",
        "4 CopyOnWrite, 5-7 zero": "ST-5.1-PROTECTION-ZERO",
        "when this region was read": "ST-5.1-TIMESTAMP",
        "A region above BlockLength's u32 MUST be split": "ST-5.1-SPLIT",
        "the first fragment sets HasChildren": "ST-5.1-FRAGMENTS",
        "consumers reassemble sorted by BaseAddr": "ST-5.1-REASSEMBLE",
        "BlockUUID MUST equal the manifest's ModuleUUID": "ST-5.2-UUID",
        "ParentUUID MUST be the Module List Index": "ST-5.2-PARENT",
        "BLAKE3 of the file on disk, 32 zero bytes when unavailable": "ST-5.2-DISK-HASH",
        "all-zero MUST be read as": "ST-5.2-DISK-HASH-ZERO",
        "NativeBlob SHOULD be": "ST-5.2-NATIVE-BLOB",
        "MUST be Block 1 of a live acquisition": "ST-5.3-SECOND",
        "with pre-assigned UUIDs of every module": "ST-5.3-EVERY-MODULE",
        "MUST be Block 0 of a live acquisition": "ST-5.4-FIRST",
        "Zero = unknown": "ST-5.4-UNKNOWN",
        "+0x00 RegionUUID[16]": "ST-5.6-REGION",
        "RegionOffset u64 (within the region's PageData)": "ST-5.6-OFFSET",
        "a tool that reports the virtual address must map it back": "ST-5.6-MAP-BACK",
        "Page states, 2 bits a page": "ST-6-MAP-LENGTH",
        "01 Failed (mapped, unreadable)": "ST-6-WHY-NOT-CAPTURED",
        "11 reserved": "ST-6-STATE-RESERVED",
        ", treated as Failed": "ST-6-STATE-RESERVED-FAILED",
        "Only 00 contributes bytes": "ST-6-CAPTURED",
        "**Bit order: most significant first.**": "ST-6-PAGE-ORDER",
        "Exactly the bits of the categories captured": "ST-8-CAP-BITMAP",
        "11-63 zero": "ST-8-UNDEFINED-BITS",
        "The header is never rewritten, so a producer must know": "ST-8-NOT-REWRITTEN",
        "Import Provenance (0x0030), exactly one, Block 0": "ST-9-PROVENANCE",
        "header flag Imported": "ST-9-FLAG",
        "OSType/ArchType/PID if known, else": "ST-9-TARGET",
        "raw stream = one region at BaseAddr 0, all Captured": "ST-9-RAW",
        "ELF core from program headers; minidump from its": "ST-9-SOURCES",
        "EoC last": "ST-9-END",
        "never modify what is written, the header included": "ST-12-NEVER-MODIFY",
        "verify the chain": "ST-12-VERIFY-CHAIN",
        "verify FileHash": "ST-12-VERIFY-FILE-HASH",
        "consult CapBitmap first": "ST-12-CAP-BITMAP-FIRST",
        "verify against an external digest": "ST-12-EXTERNAL-DIGEST",
    },
    DRAFT_10: {
        "Version 0x0101 for files that use anything below": "ST-3-VERSION",
        "A consumer MUST parse an unknown minor of major 1": "ST-3-MINOR",
        "SHOULD reject another major": "ST-3.2-MAJOR",
        "Endianness MUST be 1 in a 1.1 file": "ST-3-ENDIANNESS-LITTLE",
        "HeaderSize: 64, or 128 when Encrypted": "ST-3-HEADER-SIZE-ENCRYPTED",
        "blocks of the capture segment, EoC included; 0 unknown": "ST-3-BLOCK-COUNT",
        "Never patched after writing": "ST-3-BLOCK-COUNT-NOT-PATCHED",
        "it selects PrevHash, FileHash, SegmentHash and DiskHash": "ST-3-HASH-ALGO",
        "never key derivation": "ST-3-HASH-ALGO-NOT-KEYS",
        "KEMCtLen u16 (0 / 32": "ST-3-KEM-LENGTH",
        "GCM uses the first 12, the rest zero": "ST-3-NONCE",
        "On disk: UncompressedSize u64, then the codec's stream": "ST-4.2.1-FRAME",
        "stream length, no padding": "ST-4.2.1-NO-PADDING",
        "The inflated length MUST equal UncompressedSize": "ST-4.2.1-INFLATED-LENGTH",
        "What inflates is the whole payload": "ST-4.2.1-WHOLE-PAYLOAD",
        "tolerate up to 7": "ST-4.2.1-TOLERATE-PADDING",
        "a 1.1 producer MUST NOT emit them": "ST-4.3-TYPE-FORBIDDEN",
        "Pointer Graph (producer-defined; extension segments only)": "ST-4.3-POINTER-GRAPH",
        "a producer SHOULD write it": "ST-4.5-COUNT-WRITTEN",
        "Every non-zero count, header or EoC, MUST equal": "ST-4.5-COUNT-EXACT",
        "A 40-byte payload from older producers is accepted": "ST-4.5-SHORT-FORM",
        "A segment is one or more blocks and an End-of-Extension": "ST-4.6-SEGMENT",
        "segment 1 | … | segment n": "ST-4.6-SEGMENTS-READ",
        "The chain continues: the segment's first block": "ST-4.6-CHAIN",
        "SegmentHash[32] (every byte": "ST-4.6-SEGMENT-HASH",
        "BlockCount u32 (exact, this block included)": "ST-4.6-BLOCK-COUNT",
        "Forbidden in a segment": "ST-4.6-TYPES",
        "is trailing data from its first byte and is never presented as verified": (
            "ST-4.6-UNVERIFIED"
        ),
        "An appender never changes existing bytes": "ST-4.6-APPEND-ONLY",
        "refuses to append behind trailing data": "ST-4.6-BEHIND-TRAILING",
        "TargetHash[32]: the related file's FileHash digest": "ST-5.5-TARGET-HASH",
        "The 24-byte form is still read": "ST-5.5-SHORT-FORM",
        "one per thread": "ST-5.7-ONE-PER-THREAD",
        "before the first Memory Region": "ST-5.7-BEFORE-REGIONS",
        "CapBitmap bit 2": "ST-5.7-CAP-BIT",
        "Name (lower case": "ST-5.7-REGISTER-NAMES",
        "PC and SP are mandatory": "ST-5.7-PC-AND-SP",
        "Exactly one thread SHOULD be Current": "ST-5.7-ONE-CURRENT",
        "The last one in the file wins": "ST-5.8-LAST-WINS",
        "Page states MUST NOT be derived from it": "ST-5.8-NO-PAGE-STATES",
        "Usual place: directly before the EoC": "ST-5.8-PLACE",
        "BuildIdLen u8 (0, 16, 20)": "ST-5.10-BUILD-ID-LENGTH",
        "Investigation mode (header flag Investigation)": "ST-6-INVESTIGATION",
        "System Context is Block 2": "ST-6-SYSTEM-CONTEXT",
        "the tables follow with ParentUUID = System Context": "ST-6-TABLES",
        "TableBitmap (bit 0": "ST-6-TABLE-BITMAP",
        "IsTarget u8": "ST-6-IS-TARGET",
        "Ports are ordinary little-endian integers": "ST-6-PORTS",
        "An unknown RowType is skipped by RowLen": "ST-6-UNKNOWN-ROW",
        "CapBitmap: 11 SystemContext": "ST-6-CAP-BITS",
        "11 = NotResident: mapped, never touched": "ST-7-NOT-RESIDENT",
        "at least time 3, memory 65536 KiB": "ST-10-KEY-DERIVATION",
        "One AEAD message over the whole block stream": "ST-10-MESSAGE",
        "Every PrevHash is zero": "ST-10-PREV-HASH-ZERO",
        "FileHash is over the plaintext": "ST-10-FILE-HASH",
        "CipherLen 0: the tag is the last 16 bytes": "ST-10-TAG",
        "With a KEM the key is HKDF-BLAKE3": "ST-10-ENCAPSULATED-KEY",
        "Sealed segments, behind the tag": "ST-10.8-SEALED",
        "Plaintext: exactly one extension segment": "ST-10.8-PLAINTEXT",
        "The first that fails ends the walk": "ST-10.8-WALK",
    },
}

CONFORMANCE = "§12"


def sections(text: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """The sections of a text: the numbers in the heading, where each begins and ends."""
    heads = list(re.finditer(r"^## (.*)$", text, re.M))
    for head, after in zip(heads, [*heads[1:], None]):
        numbers = re.findall(r"§(\d+(?:\.\d+)*)", head[1])
        if re.search(r"§[\d.]+-§", head[1]):
            major, first = numbers[0].split(".")
            last = int(numbers[1].split(".")[1])
            numbers = [f"{major}.{minor}" for minor in range(int(first), last + 1)]
        end = len(text) if after is None else after.start()
        yield tuple(f"§{number}" for number in numbers), head.start(), end


def sections_at(text: str, place: int) -> tuple[str, ...]:
    """Numbers that a place stands under: of its heading, and at the beginning of its line."""
    found: tuple[str, ...] = ()
    for numbers, start, end in sections(text):
        if start <= place < end:
            found = numbers
    line = text[text.rfind("\n", 0, place) + 1 : place]
    own = re.match(r"§(\d+(?:\.\d+)*)", line) or re.match(
        r"§(\d+(?:\.\d+)*)", text[place:] if not line else ""
    )
    return (*found, *([f"§{own[1]}"] if own else []))


def conformance_items(text: str) -> set[str]:
    """The items of §12's lists, as statements call them: ``producer 4``."""
    (bounds,) = [b for b in sections(text) if b[0] == (CONFORMANCE,)]
    body = text[bounds[1] : bounds[2]]
    found = set()
    for line in body.splitlines()[1:]:
        who = "producer" if line.startswith("Producer") else "consumer"
        if not line.startswith(("Producer", "Consumer")):
            continue
        demands, _, wishes = line.partition("SHOULD:")
        numbered, _, live = demands.partition("A live acquirer MUST also:")
        found |= {f"{who} {number}" for number in re.findall(r"\((\d+)\) ", numbered)}
        if live:
            parts = re.split(r", (?=Module)", live)
            found |= {f"live acquirer {number}" for number in range(1, len(parts) + 1)}
        parts = wishes.split("; ")
        found |= {f"{who} SHOULD {number}" for number in range(1, len(parts) + 1)}
    return found
