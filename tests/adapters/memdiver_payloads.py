"""What MemDiver's decoders make of a payload."""

import base64
import struct

from memdiver.msl import MslGenericBlock, MslParseError, decoders
from memdiver.msl.decoders_ext import decode_thread_context
from memdiver.msl.page_map import get_region_page_data
from translate import fields, names

DECODERS = {
    "memory_region": decoders.decode_memory_region,
    "module_entry": decoders.decode_module_entry,
    "module_list_index": decoders.decode_module_list_index,
    "thread_context": decode_thread_context,
    "key_hint": decoders.decode_key_hint,
    "import_provenance": decoders.decode_import_provenance,
    "process_identity": decoders.decode_process_identity,
    "related_dump": decoders.decode_related_dump,
    "process_table": decoders.decode_process_table,
    "connection_table": decoders.decode_connection_table,
    "handle_table": decoders.decode_handle_table,
    "vas_map": decoders.decode_vas_map,
    "end_of_capture": decoders.decode_end_of_capture,
    "end_of_extension": decoders.decode_end_of_extension,
}
"""Those for blocks that the drafts lay out."""
DAMAGE = (MslParseError, struct.error, IndexError, OverflowError)
"""What its own collecting takes for a malformed block, and skips."""


def payload(reader, kind, header, stored, revised):
    """The payload, or the damage that the reader finds in it, as entries of the block."""
    if kind not in DECODERS:
        return {"payload": {}}
    try:
        found = DECODERS[kind](header, stored, "<")
        if isinstance(found, MslGenericBlock):
            return {"damage": "decoded to a generic block"}  # its word for a malformed one
        shown = fields(kind, found, revised)
        if kind == "memory_region":
            shown |= _pages(reader, found, names.STATES_11 if revised else names.STATES_10)
        elif kind == "thread_context":
            for row, register in zip(shown.get("registers", ()), found.registers):
                row["value"] = f"0x{register.value[::-1].hex()}"
        return {"payload": shown}
    except DAMAGE as error:
        return {"damage": str(error)}


def _pages(reader, region, states):
    runs = [[run.start_page, run.count, states[run.state]] for run in region.page_intervals]
    data = get_region_page_data(reader, region)
    place = {"length": len(data), "data": base64.b64encode(data).decode()}
    return {"page_state_map": runs, "page_data": place}
