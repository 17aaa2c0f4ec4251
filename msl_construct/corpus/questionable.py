"""Files that are legal, as far as the draft goes, and over which readers may disagree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..drafts.draft_2026_10 import examples
from .assemble import payload_of
from .base_plans import MANIFESTS, imported, minimal, vas_map, with_regions
from .dialect_plans import (
    before_first_draft,
    module_without_blob_len,
    thread_and_no_modules,
    threads_of_later_layouts,
    vendor_tables,
)
from .manifest import Consumer
from .payloads import BASE, KIB, REGISTERS, key_hint, module, module_list, region, related, thread
from .plan import Form, Plan, PlannedBlock, Tail, Which, before, every, since
from .streams import stream_of

__all__ = ["QUESTIONS", "Question"]


@dataclass(frozen=True)
class Question:
    """A questionable sample.

    Attributes:
        name: without folder and form.
        shows: what it shows.
        question: what the draft leaves open.
        make: gives the plan.
        forms: in which forms.
        features: short codes of what it has.
        rules: rules of ours that it breaks.
        exit: exit code of a reader that shows all it can.
        consumer: what a conformant consumer does with it.
    """

    name: str
    shows: str
    question: str
    make: Callable[[Form], Plan]
    forms: Which
    features: tuple[str, ...]
    rules: tuple[str, ...]
    exit: int = 0
    consumer: Consumer = Consumer.ACCEPT


QUESTIONS: list[Question] = []
"""All of them, in the order in which they are declared."""


def _question(
    question: str,
    *features: str,
    forms: Which = every,
    rules: tuple[str, ...] = (),
    consumer: Consumer = Consumer.ACCEPT,
) -> Callable[[Callable[[Form], Plan]], Callable[[Form], Plan]]:
    def noted(make: Callable[[Form], Plan]) -> Callable[[Form], Plan]:
        name = make.__name__.replace("_", "-")
        shows = " ".join((make.__doc__ or "").split())
        QUESTIONS.append(
            Question(name, shows, question, make, forms, features, rules, consumer=consumer)
        )
        return make

    return noted


@_question(
    "May a payload end with zeros up to the next multiple of 8? 1.0 neither demands nor forbids "
    "it, and some producers pad every block.",
    "hints",
)
def hint_padded(form: Form) -> Plan:
    """A Key Hint with four zeros behind its last field, so that the next block is aligned."""
    plan = with_regions(form, region("C"))
    plan.fields("region", flags=["has_key_hints"])
    plan.put("hint", "key_hint", key_hint("region")).extra = bytes(4)
    return plan


@_question(
    "Must blocks begin at multiples of 8? The note of a Key Hint begins at +0x2C, so what "
    "follows such a block need not.",
    "hints",
)
def blocks_unaligned(form: Form) -> Plan:
    """Blocks that begin at offsets that are no multiple of 8, behind a Key Hint without padding."""
    plan = with_regions(form, region("C"))
    plan.fields("region", flags=["has_key_hints"])
    plan.put("hint", "key_hint", key_hint("region", note=None))
    plan.put("next", "memory_region", region("C", BASE + (1 << 20)))
    return plan


@_question(
    "May a region have no page? Nothing forbids a RegionSize of 0.",
    rules=("MSLX-5.1-REGION-EMPTY",),
)
def region_of_nothing(form: Form) -> Plan:
    """A region whose RegionSize is 0: a page map of no bytes, and no PageData."""
    return with_regions(form, region(""))


@_question(
    "How is a compressed payload framed in 1.0, which does not say it? Producers of 1.0 write "
    "what 1.1 says, some with padding: UncompressedSize and the stream.",
    "padded-stream",
    "zst",
    forms=before("draft-2026-10"),
)
def stream_padded_in_1_0(form: Form) -> Plan:
    """A compressed payload of 1.0 with zeros behind its stream, up to a multiple of 8."""
    plan = minimal(form)
    block = plan.put("related", "related_dump", related())
    block.fields["flags"] = ["compressed", "comp_algo_zstd"]
    stream = stream_of(form.schema, payload_of(form.schema, block, {}), "zstd")
    block.stream = stream + bytes(-len(stream) % 8)
    return plan


@_question(
    "Does RegionSize of a first fragment span the whole region or the fragment? The draft says "
    "only that each fragment has its own BaseAddr.",
    "cont",
)
def fragment_sizes(form: Form) -> Plan:
    """A region in two fragments, each with the RegionSize of its own pages."""
    plan = minimal(form)
    plan.put("first", "memory_region", region("CF", BASE), flags=["has_children"])
    plan.put(
        "next",
        "memory_region",
        region("FC", BASE + 2 * KIB, first=2),
        flags=["continuation"],
        parent_uuid=plan.uuid("first"),
    )
    return plan


@_question(
    "Is a region whose only fragment is the first one split at all? HasChildren may have another "
    "reason: here another block is its child.",
    "cont",
)
def parent_without_fragments(form: Form) -> Plan:
    """A region that is the parent of a Related Dump, and no fragment follows."""
    plan = minimal(form)
    plan.put("first", "memory_region", region("C"), flags=["has_children"])
    plan.put("related", "related_dump", related(), parent_uuid=plan.uuid("first"))
    return plan


@_question(
    "Is a string of length 1, a NUL alone, another thing than one of length 0, which is absent?",
    "empty-strings",
)
def note_empty(form: Form) -> Plan:
    """A Key Hint whose note is there and empty."""
    plan = with_regions(form, region("C"))
    plan.fields("region", flags=["has_key_hints"])
    plan.put("hint", "key_hint", key_hint("region", note=""))
    return plan


@_question(
    "May a Module List Index list nothing? A target without modules, or an acquirer that could "
    "not list them, must write one all the same.",
    "zeromod",
)
def modules_none(form: Form) -> Plan:
    """A live acquisition with an empty Module List Index, and regions."""
    return with_regions(form, region("CF"))


@_question(
    "What do codes of HandleType from 5 on mean? Two producers give them different meanings, and "
    "the draft lists none.",
    "tables",
    "investigation",
    forms=since("draft-2026-10"),
)
def handle_types(form: Form) -> Plan:
    """A Handle Table with the HandleTypes 5, 6, 7 and 255."""
    plan = _investigated(form)
    rows = [{"pid": 4242, "fd": n, "handle_type": n, "path": None} for n in (5, 6, 7, 255)]
    plan.put("handles", "handle_table", {"entries": rows}, parent_uuid=plan.uuid("system"))
    return plan


def _investigated(form: Form, context: bytes | None = None) -> Plan:
    plan = minimal(form)
    plan.header["flags"] = ["investigation"]
    payload = examples.SYSTEM_CONTEXT if context is None else {"raw": context.hex()}
    plan.put("system", "system_context", payload, flags=["has_children"])
    return plan


for _name, _context, _text, _rules in (
    (
        "packed",
        "00ca9a3b00000000" "01" "0f000000" "0400" "0400" "0000" "0000" "0000" + "00" * 9,
        "TargetCount is one byte and TableBitmap follows at once",
        (),
    ),
    (
        "aligned",
        "00ca9a3b00000000" "01000000" "0f000000" "0400" "0400" "0000" "0000" "0000" + "00" * 6,
        "TargetCount and TableBitmap have four bytes each",
        ("MSL-6-SYSTEM-CONTEXT-UNDEFINED-FLAG", "MSL-6-SYSTEM-CONTEXT-LENGTH-TOO-LARGE"),
    ),
):  # fmt: skip

    def _context_of(form: Form, context: str = _context) -> Plan:
        strings = b"eve\0\0\0\0\0srv\0\0\0\0\0"
        plan = _investigated(form, bytes.fromhex(context) + strings)
        plan.fields("system", flags=[])
        return plan

    QUESTIONS.append(
        Question(
            f"system-context-{_name}",
            f"A System Context in which {_text}.",
            "How wide are TargetCount and TableBitmap of a System Context? The draft leaves it "
            "open, and its two producers differ. Read here as memslicer writes it, which acquires "
            "for the authors of the format.",
            _context_of,
            since("draft-2026-10"),
            ("investigation",),
            _rules,
        )
    )


@_question(
    "Which bit of CapBitmap says what no block can hold? SharedMemory has a bit and no block type.",
    rules=(),
)
def shared_memory_announced(form: Form) -> Plan:
    """CapBitmap announces shared memory; a region of that type is all that there is of it."""
    plan = with_regions(form, region("CF", region_type="shared_mem"))
    plan.header["cap_bitmap"] = [*plan.capabilities, "shared_memory"]
    return plan


@_question(
    "May a register have no bytes? Width is not bounded from below.",
    "threads",
    forms=since("draft-2026-10"),
)
def register_of_nothing(form: Form) -> Plan:
    """A thread whose last register has the Width 0."""
    plan = minimal(form)
    nothing = {"name": "x", "width": 0, "flags": [], "value": "0x"}
    plan.put(
        "thread", "thread_context", thread(1, flags=["current"], registers=[*REGISTERS, nothing])
    )
    return plan


@_question(
    "Who sets HasKeyHints when a hint is appended? The region's header can't be changed any more, "
    "and neither can bit CryptoHints of CapBitmap.",
    "ext",
    forms=since("draft-2026-10"),
)
def hint_appended_unannounced(form: Form) -> Plan:
    """A Key Hint in an extension segment, at a region that does not have HasKeyHints."""
    plan = with_regions(form, region("C"))
    plan.segments = [Tail({"late": PlannedBlock("key_hint", key_hint("region"))})]
    return plan


@_question(
    "Where does the Module List Index stand in an import? For live acquisitions it is Block 1; of "
    "converted files it is only said that their modules come from the source's list.",
    "modules",
)
def modules_imported(form: Form) -> Plan:
    """A converted file with a module, its list behind the Process Identity."""
    plan = imported(form)
    plan.put("index", "module_list_index", module_list("module"), flags=["has_children"])
    plan.put("module", "module_entry", module(0), parent_uuid=plan.uuid("index"))
    return plan


@_question(
    "What is a block of type 0x0055? One producer writes a Connectivity Table so, another a Kernel "
    "Symbol Bundle, and the draft registers neither.",
    "unkblk",
    forms=since("draft-2026-10"),
    rules=("MSLX-4.3-BLOCK-TYPE-UNREGISTERED",),
)
def type_0x0055(form: Form) -> Plan:
    """A block of type 0x0055 whose payload is an empty table in either reading."""
    plan = _investigated(form)
    plan.put("either", 0x0055, {"raw": bytes(8).hex()}, parent_uuid=plan.uuid("system"))
    return plan


_question(
    "May a Module Entry end behind DiskHash? One producer stores neither BlobLen nor NativeBlob, "
    "and the draft demands both.",
    "modules",
    forms=since("draft-2026-10"),
    rules=("MSL-5.2-MODULE-ENTRY-TOO-SHORT",),
)(module_without_blob_len)
_question(
    "What are blocks 0x0055 to 0x0058? One producer writes tables of the machine so, and the draft "
    "registers none of them.",
    "unkblk",
    forms=since("draft-2026-10"),
    rules=("MSLX-4.3-BLOCK-TYPE-UNREGISTERED",) * 4,
)(vendor_tables)
_question(
    "Is a file from before the first draft one that a reader may refuse? Its version is 0.1 as the "
    "drafts read it, and its blocks are laid out otherwise.",
    forms=before("draft-2026-10", "little"),
    rules=(
        "MSL-3-FILE-HEADER-VALUE-NOT-PERMITTED",
        *("MSL-4.1-BLOCK-HEADER-VALUE-NOT-PERMITTED",) * 2,
        "MSL-4.2-COMPRESSED-WITHOUT-COMP-ALGO",
        *("MSL-4.1-BLOCK-HEADER-VALUE-NOT-PERMITTED",) * 2,
        "MSL-5.4-PROCESS-IDENTITY-NOT-FIRST",
    ),
    consumer=Consumer.EITHER,
)(before_first_draft)
_question(
    "Are threads and a VAS Map in a file of the first draft laid out as the second has it? The "
    "first names them alone, and one producer writes them so.",
    "vas",
    forms=before("draft-2026-10"),
)(threads_of_later_layouts)
_question(
    "May a live capture go without a Module List Index and BlockCount? One producer lists no "
    "modules and counts no blocks.",
    "hash-sha256",
    forms=since("draft-2026-10"),
    rules=("MSL-4.5-BLOCK-COUNT-ABSENT", "MSL-5.3-MODULE-LIST-INDEX-NOT-SECOND"),
)(thread_and_no_modules)


@_question(
    "Must the entries of a VAS Map agree with the regions, and may they overlap? It is not said.",
    "vas",
    forms=since("draft-2026-10"),
)
def mappings_overlap(form: Form) -> Plan:
    """A VAS Map with two entries for one address, one of which no region covers."""
    plan = minimal(form)
    row = vas_map()["entries"][0]
    plan.put("map", "vas_map", {"entries": [row, {**row, "region_size": 64 * KIB}]})
    return plan


@_question(
    "May a capture hold a manifest, or only an extension segment? The types are allowed in "
    "segments, and nothing forbids them before the End-of-Capture.",
    "tables",
    forms=since("draft-2026-10"),
)
def manifest_in_capture(form: Form) -> Plan:
    """A Region Omission Manifest in the capture segment."""
    plan = minimal(form)
    plan.put("omitted", "region_omission_manifest", MANIFESTS["region_omission_manifest"])
    return plan


@_question(
    "Does a thread with an empty name have one? A producer that can't read the name has no other "
    "way to say so than length 0.",
    "threads",
    forms=since("draft-2026-10"),
)
def thread_without_name(form: Form) -> Plan:
    """A thread whose name is absent, and one whose name is empty."""
    plan = minimal(form)
    plan.put("thread", "thread_context", thread(1, flags=["current"], thread_name=None))
    plan.put("other", "thread_context", thread(2, thread_name=""))
    return plan


_KEMS = (
    ("x25519", 32),
    ("ml_kem_768", 1088),
    ("ml_kem_1024", 1568),
    ("x25519_ml_kem_768", 1120),
    ("other", 48),
)
for _kem, _length in _KEMS:

    def _enclosed(form: Form, kem: str = _kem, length: int = _length) -> Plan:
        plan = Plan(form, flags=["encrypted"])
        plan.encryption = {
            "enc_algo": "xchacha20_poly1305",
            "key_encap": kem,
            "kem_ct_len": length,
            "nonce": bytes(range(0x41, 0x59)).hex(),
            "cipher_len": 0x1122_3344,
        }
        plan.end = None
        plan.tail = bytes(i % 253 for i in range(length + 200))
        return plan

    QUESTIONS.append(
        Question(
            f"encrypted-{_kem.replace('_', '-')}",
            f"A file whose key is enclosed by {_kem}, with a CipherLen far beyond the file. What "
            "stands in the ciphertext's place was never encrypted: no key opens it.",
            "What may a reader without a key say of a CipherLen that the file can't hold? The "
            "header is all that it can look at.",
            _enclosed,
            since("draft-2026-10"),
            ("encrypted", "hdr128"),
            (),
            exit=5,
        )
    )
