"""Statements of §6 and §8 to §12: investigation, capabilities, import, encryption, conformance."""

from __future__ import annotations

from ..declare import since
from ..model import Pick, Role
from .model import Word, st

__all__ = ["STATEMENTS"]

_P, _C, _A = Role.PRODUCER, Role.CONSUMER, Role.APPENDER
_LIVE, _IMPORTER = Role.LIVE_ACQUIRER, Role.IMPORTER
_MUST, _NOT, _SHOULD, _MAY = Word.MUST, Word.MUST_NOT, Word.SHOULD, Word.MAY
_KEY = "it takes the key to see, and no reader of the samples is given one"

# fmt: off
STATEMENTS = (
    # -- §6 of draft 2026-10: investigation mode
    st("ST-6-INVESTIGATION", _MUST, _P,
       "A file in investigation mode says so in its header.",
       "MSL-6-INVESTIGATION-FLAG-MISSING", samples=(Pick("investigation"),),
       drafts=since("draft-2026-10")),
    st("ST-6-SYSTEM-CONTEXT", _MUST, (_LIVE, _IMPORTER),
       "In investigation mode there is a System Context; it is Block 2 of a live acquisition.",
       "MSL-6-SYSTEM-CONTEXT-NOT-THIRD", "MSL-6-SYSTEM-CONTEXT-ABSENT",
       drafts=since("draft-2026-10")),
    st("ST-6-TABLES", _MUST, _P,
       "The tables follow the System Context, and have it as their parent.",
       "MSL-6-TABLE-WITHOUT-SYSTEM-CONTEXT", samples=(Pick("tables"),),
       drafts=since("draft-2026-10")),
    st("ST-6-TABLE-BITMAP", _MUST, _P,
       "TableBitmap says which tables were captured.",
       untestable="a table may be captured and hold nothing, or be announced and left out",
       drafts=since("draft-2026-10")),
    st("ST-6-IS-TARGET", _MUST, _P,
       "IsTarget is a truth value.",
       "MSL-6-PROCESS-ENTRY-VALUE-NOT-PERMITTED", drafts=since("draft-2026-10")),
    st("ST-6-PORTS", _MUST, _P,
       "Ports are integers in the file's byte order, not the network's.",
       untestable="a port is a plausible number in either order", drafts=since("draft-2026-10")),
    st("ST-6-UNKNOWN-ROW", _MUST, _C,
       "Rows of an unknown RowType are skipped by RowLen.",
       "MSL-6-READER-STOPS-AT-UNKNOWN-ROW", drafts=since("draft-2026-10")),
    st("ST-6-CAP-BITS", _MUST, _P,
       "The System Context and the tables have their bits in CapBitmap.",
       "MSL-8-CAP-BITMAP-*", drafts=since("draft-2026-10")),
    # -- §8: CapBitmap
    st("ST-8-CAP-BITMAP", _MUST, _P,
       "CapBitmap has exactly the bits of the categories that were captured.",
       "MSL-8-CAP-BITMAP-BIT-WITHOUT-BLOCK", "MSL-8-CAP-BITMAP-BLOCK-WITHOUT-BIT",
       also=("producer 8",)),
    st("ST-8-UNDEFINED-BITS", _MUST, _P,
       "Bits of CapBitmap that have no meaning are zero.",
       "MSL-3-FILE-HEADER-UNDEFINED-FLAG"),
    st("ST-8-NOT-REWRITTEN", _NOT, _P,
       "The header is not rewritten: CapBitmap is known before the first byte is written.",
       untestable="a file does not show how it came to hold its bytes", also=("producer 7",)),
    # -- §9: import
    st("ST-9-PROVENANCE", _MUST, _IMPORTER,
       "A converted dump has exactly one Import Provenance, as Block 0.",
       "MSL-9-IMPORT-PROVENANCE-NOT-FIRST", "MSL-9-IMPORT-PROVENANCE-REPEATED",
       also=("producer 9",), samples=(Pick("import"),)),
    st("ST-9-FLAG", _MUST, _IMPORTER,
       "A converted dump has the header flag Imported.",
       "MSL-9-IMPORTED-FLAG-MISSING", also=("producer 9",)),
    st("ST-9-TARGET", _MUST, _IMPORTER,
       "Operating system, architecture and PID are what the source says, else unknown.",
       untestable="it takes the source to see what it says"),
    st("ST-9-RAW", _MUST, _IMPORTER,
       "A raw stream becomes one region at address 0 with all its pages Captured.",
       "MSL-9-RAW-STREAM-NOT-ONE-REGION", "MSL-9-RAW-STREAM-NOT-CAPTURED"),
    st("ST-9-SOURCES", _MUST, _IMPORTER,
       "Regions and modules of a core or minidump are those of its own tables.",
       untestable="it takes the source to see what its tables say"),
    st("ST-9-END", _MUST, _IMPORTER,
       "A converted dump ends with the End-of-Capture as well.",
       "MSL-4.5-END-OF-CAPTURE-ABSENT"),
    # -- §10 of draft 2026-10: encryption
    st("ST-10-KEY-DERIVATION", _MUST, _P,
       "Argon2id has at least the stated cost.",
       "MSL-10-KEY-DERIVATION-TOO-WEAK", samples=(Pick("encrypted"),),
       drafts=since("draft-2026-10")),
    st("ST-10-MESSAGE", _MUST, (_P, _C),
       "The block stream is one authenticated message; header and encapsulated key belong to it.",
       untestable=_KEY, drafts=since("draft-2026-10")),
    st("ST-10-PREV-HASH-ZERO", _MUST, _P,
       "In an encrypted file every PrevHash is zero.",
       untestable=_KEY, drafts=since("draft-2026-10")),
    st("ST-10-FILE-HASH", _MUST, _P,
       "FileHash of an encrypted file is over the plaintext, CipherLen taken as zero.",
       untestable=_KEY, drafts=since("draft-2026-10")),
    st("ST-10-TAG", _MUST, (_P, _C),
       "The tag stands where CipherLen says; at the end of the file where that is zero.",
       untestable=_KEY, drafts=since("draft-2026-10")),
    st("ST-10-ENCAPSULATED-KEY", _MUST, (_P, _C),
       "With an encapsulation scheme the key is derived from the shared secret as stated.",
       untestable=_KEY, drafts=since("draft-2026-10")),
    st("ST-10.8-SEALED", _MUST, (_A, _C),
       "Sealed segments stand behind the tag, numbered, each bound to the tag before.",
       untestable=_KEY, drafts=since("draft-2026-10")),
    st("ST-10.8-PLAINTEXT", _MUST, _A,
       "What is sealed is exactly one extension segment, every PrevHash zero.",
       untestable=_KEY, drafts=since("draft-2026-10")),
    st("ST-10.8-WALK", _MUST, _C,
       "The first sealed segment that fails ends the walk; the rest is trailing data.",
       untestable=_KEY, drafts=since("draft-2026-10")),
    # -- §12: what its lists add
    st("ST-12-NEVER-MODIFY", _NOT, _P,
       "What is written is never modified, the header included.",
       untestable="a file does not show how it came to hold its bytes", also=("producer 7",)),
    st("ST-12-VERIFY-CHAIN", _SHOULD, _C,
       "The chain is verified.",
       "MSL-4.4-READER-DOES-NOT-VERIFY-CHAIN", also=("consumer SHOULD 1",)),
    st("ST-12-VERIFY-FILE-HASH", _SHOULD, _C,
       "FileHash is verified.",
       "MSL-4.5-READER-DOES-NOT-VERIFY-FILE-HASH", also=("consumer SHOULD 2",)),
    st("ST-12-CAP-BITMAP-FIRST", _SHOULD, _C,
       "CapBitmap is consulted first.",
       "MSL-8-READER-IGNORES-CAP-BITMAP",
       untestable="what a reader prints does not show in which order it looked",
       also=("consumer SHOULD 3",)),
    st("ST-12-EXTERNAL-DIGEST", _SHOULD, _C,
       "A dump without an End-of-Capture is verified against a digest from elsewhere.",
       "MSL-4.5-READER-WITHOUT-EXTERNAL-DIGEST",
       untestable="the digest is not in the file, and how a reader is given it is its own affair",
       also=("consumer SHOULD 4",)),
)
# fmt: on
"""In the order of the specification."""
