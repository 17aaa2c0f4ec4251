"""What binds those who write readers (§12 and elsewhere): listed, and never put to a file.

Each names the samples of the corpus that a reader which breaks it gets wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .declare import before, every, rule, since
from .model import Applies, Found, Level, Pick, Role, Rule, Scope

__all__ = ["CONSUMERS"]

_FILE, _BLOCK = "reject-file", "reject-block"


def _never(_: Any) -> Iterator[Found]:
    """No file breaks such a rule."""
    return iter(())


def _reader(
    id: str,  # noqa: A002 - what the rule calls it
    requirement: str,
    wrong: str,
    why: str,
    *samples: Pick,
    level: Level = Level.MUST,
    drafts: Applies = every,
) -> Rule:
    declared = rule(
        id,
        level,
        Scope.READER,
        requirement=requirement,
        wrong=wrong,
        why=why,
        who=(Role.CONSUMER,),
        drafts=drafts,
        samples=samples,
    )
    return declared(_never)


_STATES = (
    "A reader finds the state of page i in the two bits that follow the 2i highest ones, and "
    "bytes in PageData for Captured pages only.",
    "The reader takes the lowest bits first, or counts pages without data as data.",
    "Bytes are shown at addresses where they were not.",
    Pick("failed"),
    Pick("unmapped"),
)

CONSUMERS: tuple[Rule, ...] = (
    # -- the file
    _reader(
        "MSL-1.3-READER-ASSUMES-BYTE-ORDER",
        "A reader takes all integers of the structure in the byte order that Endianness says.",
        "The reader reads every file as little-endian.",
        "Dumps of big-endian machines become unreadable, or are read as nonsense.",
        Pick("be"),
        drafts=before("draft-2026-10"),
    ),
    _reader(
        "MSL-1.3-READER-BELIEVES-RESERVED",
        "A reader ignores what reserved fields hold.",
        "The reader refuses, or reads differently, a file whose reserved fields are not zero.",
        "Later versions use these fields; files of theirs that it could read get lost.",
        Pick("reserved-nonzero"),
    ),
    _reader(
        "MSL-1.3-READER-MISREADS-STRINGS",
        "A reader takes strings as UTF-8, as long as their length says; none where it is 0.",
        "The reader expects bytes of an absent string, or decodes names by another encoding.",
        "Everything behind the string moves; the names that it shows are not the ones stored.",
        Pick("absent-strings"),
        Pick("empty-strings"),
        Pick("utf8"),
    ),
    _reader(
        "MSL-2-READER-OVERRUNS-BLOCKS",
        "For a reader the blocks end where fewer than 80 bytes remain or no block magic stands.",
        "The reader takes what follows for a block, or loses the blocks before it.",
        "Bytes of no block are shown as evidence; a cut file seems to be lost as a whole.",
        Pick("trail"),
        Pick("magic"),
    ),
    _reader(
        "MSL-3-READER-ACCEPTS-BAD-MAGIC",
        "A reader refuses a file that does not begin with the magic.",
        "The reader reads a file of another kind.",
        "Whatever it shows of such a file is made up.",
        Pick(name="invalid/refuse-magic-*", consumer=_FILE),
    ),
    _reader(
        "MSL-3-READER-ACCEPTS-BAD-ENDIANNESS",
        "A reader refuses a file whose Endianness is no byte order.",
        "The reader guesses a byte order.",
        "Every number that it shows may be wrong.",
        Pick(name="invalid/refuse-endianness-*", consumer=_FILE),
    ),
    _reader(
        "MSL-3-READER-ASSUMES-HEADER-SIZE",
        "A reader finds Block 0 at HeaderSize, whatever that is.",
        "The reader looks for Block 0 behind the fields that it knows.",
        "Files with a larger header seem to be empty.",
        Pick("hdr128"),
        Pick("hdr72", draft="draft-2026-03"),
    ),
    _reader(
        "MSL-3-READER-ASSUMES-HASH",
        "A reader computes the hashes of a file with the algorithm that HashAlgo names.",
        "The reader computes BLAKE3, whatever HashAlgo says.",
        "An intact file is called broken.",
        Pick("hash-sha256"),
        Pick("hash-sha512"),
        drafts=since("draft-2026-10"),
    ),
    _reader(
        "MSL-3-READER-REFUSES-MINOR",
        "A reader parses files of a minor version that it does not know.",
        "The reader refuses the file.",
        "A minor version changes nothing that it would have to know.",
        Pick("minor"),
        drafts=since("draft-2026-10"),
    ),
    _reader(
        "MSL-3.2-READER-ACCEPTS-MAJOR",
        "A reader refuses files of a major version that it does not know.",
        "The reader parses the file as if it knew the version.",
        "Another major version may mean something else by every byte.",
        Pick(name="invalid/refuse-major-*"),
        level=Level.SHOULD,
    ),
    _reader(
        "MSLX-3-READER-READS-PART-OF-HEADER",
        "A reader refuses a file that does not hold a whole header, or whose header denies it.",
        "The reader makes up what is missing, ends without a word, or crashes.",
        "Whoever sees its output can't tell such a file from one that is empty.",
        Pick(name="invalid/refuse-*", consumer=_FILE),
        level=Level.OURS,
    ),
    # -- blocks
    _reader(
        "MSL-4.1-READER-DECODES-UNKNOWN-VERSION",
        "A reader skips, by BlockLength, a block of a PayloadVersion that it does not know.",
        "The reader decodes the payload as version 1, or reads no further.",
        "Fields of another layout are shown as facts.",
        Pick("pv2"),
    ),
    _reader(
        "MSL-4.2-READER-HEEDS-COMP-ALGO",
        "A reader ignores CompAlgo in a block that is not Compressed.",
        "The reader inflates a payload that is not compressed, or refuses it.",
        "The block is lost, although it is all there.",
        Pick("complago"),
    ),
    _reader(
        "MSL-4.2-READER-LEAVES-PAYLOAD-COMPRESSED",
        "A reader inflates the payload of a Compressed block by the codec that CompAlgo names.",
        "The reader takes the stored stream for the payload.",
        "What it shows of the block is noise.",
        Pick("zst"),
        Pick("lz4"),
    ),
    _reader(
        "MSL-4.2.1-READER-REFUSES-PADDED-STREAM",
        "A reader tolerates up to 7 zero bytes behind the stream of a compressed payload.",
        "The reader refuses the block, or hands the zeros to the codec.",
        "Older producers padded: all their compressed regions would be lost.",
        Pick("padded-stream"),
        drafts=since("draft-2026-10"),
    ),
    _reader(
        "MSL-4.2.1-READER-ACCEPTS-OTHER-LENGTH",
        "A reader rejects a payload that does not inflate to UncompressedSize bytes.",
        "The reader goes on with what came out, or fills up what is missing.",
        "Memory is shown that nobody captured.",
        Pick(rule="MSL-4.2.1-PAYLOAD-NOT-INFLATABLE"),
        drafts=since("draft-2026-10"),
    ),
    _reader(
        "MSL-4.3-READER-STOPS-AT-UNKNOWN-TYPE",
        "A reader skips blocks of a type that it does not know, by BlockLength.",
        "The reader refuses the file, or reads no further.",
        "What stands behind the block is lost.",
        Pick("unkblk"),
    ),
    _reader(
        "MSL-4.3-READER-ACCEPTS-INVALID-TYPE",
        "A reader rejects a block of type 0x0000.",
        "The reader passes over the block as over an unknown one.",
        "Zeroed parts of a damaged file go unnoticed.",
        Pick(rule="MSL-4.3-BLOCK-TYPE-INVALID", consumer=_BLOCK),
    ),
    _reader(
        "MSL-4.4-READER-DOES-NOT-VERIFY-CHAIN",
        "A reader verifies PrevHash of every block.",
        "The reader says nothing of a chain that is broken.",
        "Corruption goes unnoticed.",
        Pick(rule="MSL-4.4-PREV-HASH-MISMATCH"),
        level=Level.SHOULD,
    ),
    _reader(
        "MSL-4.5-READER-DOES-NOT-VERIFY-FILE-HASH",
        "A reader verifies FileHash.",
        "The reader says nothing of a FileHash that does not match.",
        "Corruption goes unnoticed.",
        Pick(rule="MSL-4.5-FILE-HASH-MISMATCH"),
        level=Level.SHOULD,
    ),
    _reader(
        "MSL-4.5-READER-HIDES-MISSING-END",
        "A reader treats a dump without an End-of-Capture as possibly incomplete.",
        "The reader presents the dump like one that is complete.",
        "What is not in the dump is taken for what was not in the process.",
        Pick("noeoc"),
        Pick("trunc"),
    ),
    _reader(
        "MSL-4.5-READER-STOPS-AT-END-OF-CAPTURE",
        "A reader goes on behind the End-of-Capture: chain and blocks do, FileHash does not.",
        "The reader drops blocks behind it, or lets FileHash cover them.",
        "What was added later is lost, or an intact file is called broken.",
        Pick("aftereoc"),
        drafts=before("draft-2026-10"),
    ),
    _reader(
        "MSL-4.5-READER-REFUSES-SHORT-END",
        "A reader accepts an End-of-Capture of 40 bytes: its BlockCount is unknown.",
        "The reader takes the block for damaged, and the dump for unfinished.",
        "Older producers wrote this form.",
        Pick("short-end"),
        drafts=since("draft-2026-10"),
    ),
    _reader(
        "MSL-4.5-READER-WITHOUT-EXTERNAL-DIGEST",
        "A reader verifies a dump without an End-of-Capture against a digest from elsewhere.",
        "The reader has no way to be given one.",
        "Nothing in such a file covers its last block.",
        level=Level.SHOULD,
    ),
    _reader(
        "MSL-4.6-READER-LOSES-SEGMENTS",
        "A reader finds extension segments behind the capture, and verifies each.",
        "The reader stops at the End-of-Capture, or takes segments for trailing data.",
        "What analysts added is lost.",
        Pick("ext"),
        drafts=since("draft-2026-10"),
    ),
    _reader(
        "MSL-4.6-READER-PRESENTS-UNVERIFIED-SEGMENT",
        "A reader treats a segment that can't be verified, and all behind it, as trailing data.",
        "The reader presents its blocks as verified.",
        "Anybody could have appended them.",
        Pick(rule="MSL-4.6-SEGMENT-CHAIN"),
        Pick(rule="MSL-4.6-SEGMENT-HASH-MISMATCH"),
        Pick(rule="MSL-4.6-SEGMENT-BLOCK-COUNT"),
        Pick(rule="MSL-4.6-SEGMENT-NOT-CLOSED"),
        drafts=since("draft-2026-10"),
    ),
    # -- payloads
    _reader(
        "MSL-5.1-READER-ACCEPTS-PAGE-SIZE",
        "A reader rejects a region whose PageSizeLog2 is none that is permitted.",
        "The reader computes with the size all the same, or assumes another.",
        "Shifts overflow; the pages that it shows are not the ones captured.",
        Pick(rule="MSL-5.1-MEMORY-REGION-VALUE-NOT-PERMITTED", consumer=_BLOCK),
    ),
    _reader(
        "MSL-5.1-READER-LOSES-FRAGMENTS",
        "A reader puts the fragments of a region together, sorted by BaseAddr.",
        "The reader shows the first fragment alone, or in the order of the file.",
        "Memory that was captured is not found.",
        Pick("cont"),
    ),
    _reader(
        "MSL-5.2-READER-BELIEVES-ZERO-HASH",
        "For a reader a DiskHash of zeros means that none is available.",
        "The reader compares zeros with the hash of a file.",
        "Every such module seems to have been tampered with.",
        Pick("zero-diskhash"),
    ),
    _reader(
        "MSL-5.5-READER-REFUSES-SHORT-RELATED-DUMP",
        "A reader accepts a Related Dump of 24 bytes, which has no TargetHash.",
        "The reader takes the block for damaged.",
        "Files of the draft before have this form.",
        Pick("rel24"),
        drafts=since("draft-2026-10"),
    ),
    _reader(
        "MSL-5.8-READER-TAKES-FIRST-VAS-MAP",
        "For a reader the last VAS Map of the file is the one that holds.",
        "The reader shows an earlier map, or a mixture.",
        "The map is out of date.",
        Pick(name="valid/mappings-twice-*"),
        drafts=since("draft-2026-10"),
    ),
    _reader(
        "MSL-5.8-READER-DERIVES-PAGE-STATES",
        "A reader takes page states from regions only, never from a VAS Map.",
        "The reader shows pages as captured, or as missing, because a VAS Map lists them.",
        "A map says what was mapped, not what was read.",
        Pick("vas"),
        drafts=since("draft-2026-10"),
    ),
    _reader("MSL-6-READER-MISPLACES-PAGES", *_STATES, drafts=before("draft-2026-10")),
    _reader("MSL-7-READER-MISPLACES-PAGES", *_STATES, drafts=since("draft-2026-10")),
    _reader(
        "MSL-6-READER-MISTAKES-RESERVED-STATE",
        "A reader of draft 2026-03 treats pages of the reserved state 11 as Failed.",
        "The reader expects bytes for them, or refuses the region.",
        "The region is lost, or its bytes are shown at wrong addresses.",
        Pick("reserved-state"),
        drafts=before("draft-2026-10"),
    ),
    _reader(
        "MSL-7-READER-MISTAKES-NOT-RESIDENT",
        "For a reader pages of state 11 were mapped and never touched: zeros, without PageData.",
        "The reader calls them failed, or expects bytes for them.",
        "Known zeros are taken for unknown bytes.",
        Pick("notres"),
        drafts=since("draft-2026-10"),
    ),
    _reader(
        "MSL-6-READER-STOPS-AT-UNKNOWN-ROW",
        "A reader skips rows of the Connectivity Table of an unknown RowType, by RowLen.",
        "The reader refuses the table, or loses the rows behind.",
        "Later producers add kinds of rows.",
        Pick(rule="MSLX-6-CONNECTIVITY-ROW-UNREGISTERED-CODE"),
        drafts=since("draft-2026-10"),
    ),
    _reader(
        "MSL-8-READER-IGNORES-CAP-BITMAP",
        "A reader consults CapBitmap before it searches the file for a category.",
        "The reader reads the whole file to learn that something is not in it.",
        "It costs time, no more.",
        level=Level.SHOULD,
    ),
)
"""In the order of the specification."""
