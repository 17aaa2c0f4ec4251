"""Dialect `radare2`: draft-2026-10 as the dump command of radare2-extras writes it."""

from __future__ import annotations

from collections.abc import Iterator

from ...schema import Layout, Schema
from ..draft_2026_10.draft import DRAFT as DRAFT_2026_10
from .model import Dialect, Evidence, Producer, laid_out_otherwise, told_anew

__all__ = ["DIALECT"]

_NAME = "radare2"
_BEHIND_PATH = ("DiskHash", "BlobLen", "Reserved2", "NativeBlob")


def _marks(seen: Evidence, schema: Schema) -> Iterator[str]:
    """The threads come right behind the identity, and nothing lists the modules."""
    code = {key: schema.block(key).code for key in ("process_identity", "thread_context")}
    index = schema.block("module_list_index").code
    if seen.header["hash_algo"].name != "sha_256" or seen.header["block_count"]:
        return
    if tuple(seen.types[:2]) != tuple(code.values()) or index in seen.types:
        return
    closing = schema.block("end_of_capture").code
    for number, kind in enumerate(seen.types):
        if kind == closing:
            block = seen.block(schema, number)
            if block is None or block.payload.get("block_count", 1):
                return
    yield (
        "SHA-256, a Thread Context as Block 1, no Module List Index, and no BlockCount in the "
        "End-of-Capture"
    )


def _until_path(layout: Layout) -> Layout:
    for name in _BEHIND_PATH:
        layout = layout.replacing(name, _NAME)
    return layout


_DRAFT = told_anew(DRAFT_2026_10, _NAME, layouts={"module_entry": _until_path})

DIALECT = Dialect(
    name=_NAME,
    title="radare2 (radare2-extras, dgm)",
    text="SHA-256 always, no Module List Index, no BlockCount, only the registers of the current "
    "thread; what its test generator writes ends Module Entries behind Version.",
    source="radare2-extras, merged 2026-06, and files of its test generator",
    producers=(Producer("radare2", "", ("radare2-extras of 2026-06",)),),
    draft=_DRAFT,
    codes=frozenset(laid_out_otherwise(_DRAFT, DRAFT_2026_10)),
    marks=_marks,
    differences={"module_entry": "Module Entries end behind Version."},
    explains={
        "MSL-5.3-MODULE-LIST-INDEX-*": "radare2 lists no modules.",
        "MSL-4.5-BLOCK-COUNT-ABSENT": "radare2 does not count its blocks.",
        "MSL-*-UUID-NIL": "The test generator of radare2-extras writes UUIDs of zeros.",
        "MSL-8-CAP-BITMAP-BLOCK-WITHOUT-BIT": "The test generator of radare2-extras writes a "
        "Module Entry without its bit.",
    },
)
