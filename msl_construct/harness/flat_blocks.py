"""Documents in which the blocks of segments stand among the others.

Whoever can't hash can't tell a segment from what is trailing (§4.6): such a decoder shows every
block in one list.
"""

from __future__ import annotations

from typing import Any

from .levels import blocks_of

__all__ = ["is_flat", "with_segments_flat"]

_END = "end_of_capture"


def is_flat(expected: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether a decoder shows blocks behind those of the capture in the list of these.

    Args:
        expected: the expected document.
        found: what the decoder printed, which may be anything.
    """
    blocks, due = found.get("blocks"), expected["blocks"]
    return (
        not found.get("segments")
        and bool(expected.get("segments") or expected.get("trailing"))
        and bool(due and due[-1]["block_type"] == _END)
        and isinstance(blocks, list)
        and len(blocks) > len(due)
    )


def with_segments_flat(
    expected: dict[str, Any], found: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both documents with all blocks in one list, as far as they can be held against each other.

    Blocks behind a segment that is not whole are trailing data to whoever hashes. Whoever does not
    shows them as blocks; those, and what is trailing then, are not compared.

    Args:
        expected: the expected document.
        found: a flat document of the same file.
    """
    blocks = list(blocks_of(expected))
    flat, shown = {**expected, "blocks": blocks, "segments": []}, dict(found)
    if len(found["blocks"]) > len(blocks) and expected.get("trailing"):
        shown["blocks"] = found["blocks"][: len(blocks)]
        if "trailing" in shown:
            shown["trailing"] = flat["trailing"]
    return flat, shown
