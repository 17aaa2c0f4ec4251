"""Says in the canonical document's words what another reader's objects hold.

`FIELDS` names, by block type, the keys that readers expose: ``key=attribute:how``, where the
attribute is the key unless it is given, and `how` is ``x`` (address), ``t`` (time), or a table
of `independent.names`: with a width it is an enumeration's, without one that of flags. What a
reader does not expose is left out.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from independent import names

__all__ = ["FIELDS", "names"]

REGION = "base_addr:x region_size protection:PROTECTION region_type:REGION_TYPE/1"
FIELDS = {
    "header": "header_size flags:HEADER_FLAGS cap_bitmap:CAP_BITMAP dump_uuid os_type:OS_TYPE/2 "
    "timestamp=timestamp_ns:t arch_type:ARCH_TYPE/2 pid clock_source:CLOCK_SOURCE/1",
    "memory_region": f"{REGION} page_size_log2 timestamp=timestamp_ns:t",
    "module_entry": "base_addr:x module_size path version disk_hash",
    "module_list_index": "entry_count entries",
    "module_list_index.entries": "module_uuid base_addr:x module_size path",
    "thread_context": "thread_id start_time=start_time_ns:t flags:THREAD_FLAGS "
    "thread_state=state:THREAD_STATE/1 arch thread_name=name registers",
    "thread_context.registers": "width flags:REGISTER_FLAGS name",
    "key_hint": "region_uuid region_offset:x key_len=key_length key_type:KEY_TYPE/2 note "
    "protocol:PROTOCOL/2 confidence:CONFIDENCE/1 key_state:KEY_STATE/1",
    "import_provenance": "source_format:SOURCE_FORMAT/2 import_time=import_time_ns:t "
    "orig_file_size tool_name note",
    "process_identity": "ppid session_id start_time=start_time_ns:t exe_path cmd_line",
    "related_dump": "related_dump_uuid related_pid relationship:RELATIONSHIP/2",
    "process_table": "entry_count entries",
    "process_table.entries": "pid ppid uid is_target start_time=start_time_ns:t rss "
    "exe=exe_name cmd=cmd_line user",
    "connection_table": "entry_count entries",
    "connection_table.entries": "pid family:FAMILY/1 protocol:TRANSPORT/1 state local_addr "
    "local_port remote_addr remote_port",
    "handle_table": "entry_count entries",
    "handle_table.entries": "pid fd handle_type path",
    "vas_map": "count=entry_count entries",
    "vas_map.entries": f"{REGION} mapped_path name_source:NAME_SOURCE/1",
    "module_build_id_manifest": "entries=rows",
    "module_build_id_manifest.entries": "base_addr:x build_id_len disk_hash flags:BUILD_ID_FLAGS "
    "build_id_source:BUILD_ID_SOURCE/1",
    "region_omission_manifest": "scope entries=rows",
    "region_omission_manifest.entries": "base_addr:x region_size=size protection:PROTECTION "
    "region_type:REGION_TYPE/1 reason:OMISSION_REASON/1 name",
    "end_of_capture": "file_hash acq_end=acq_end_ns:t",
    "end_of_extension": "segment_hash written_at=written_at_ns:t block_count producer",
}
"""Fields by block type; ``type.key`` is what a row of a table has."""
