"""Names that dialects of other producers give to codes and bits, from what is known of them.

Typed in, and not taken from the package: what a document calls a thing is checked with these.
"""

from __future__ import annotations

MEMSLICER_BLOCK = {
    0x0055: "kernel_symbol_bundle",
    0x0056: "persistence_manifest",
    0x0057: "kernel_module_list",
    0x0058: "target_introspection",
}

MEMDIVER_BLOCK = {0x0055: "memdiver_connectivity_table"}

TABLE_BITMAP = {
    0: "process_table",
    1: "connection_table",
    2: "handle_table",
    3: "connectivity_table",
    4: "kernel_symbol_bundle",
    6: "persistence_manifest",
    7: "kernel_module_list",
    9: "target_introspection",
}

MEMSLICER_HANDLE = {
    0: "unknown",
    1: "file",
    2: "directory",
    3: "socket",
    4: "pipe",
    5: "device",
    6: "registry",
    0xFF: "other",
}

MEMDIVER_HANDLE = {
    0: "unknown",
    1: "file",
    2: "directory",
    3: "socket",
    4: "pipe",
    5: "mutex",
    6: "timer",
    7: "other",
}

MEMDIVER_SOURCE_FORMAT = {4: "materialised_msl", 5: "raw_with_maps"}

MEMDIVER_RELATIONSHIP = {3: "sibling", 4: "same_process_later", 5: "same_process_earlier"}

MEMDIVER_CAPABILITY = {15: "page_states_inferred"}

PERSISTENCE_SOURCE = {
    1: "systemd_system",
    2: "systemd_user",
    3: "cron_system",
    4: "cron_user",
    5: "rc_local",
    6: "profile_d",
    7: "pam_d",
    8: "udev_rules",
    9: "modprobe_d",
    10: "system_generators",
    11: "modules_load",
}

KERNEL_TAG = {
    0x01: "page_size",
    0x02: "kernel_build_id",
    0x03: "kaslr_text_va",
    0x04: "kernel_page_offset",
    0x05: "la57_enabled",
    0x06: "pti_active",
    0x07: "btf_sha256",
    0x08: "btf_size",
    0x09: "vmcoreinfo_sha256",
    0x0A: "kernel_config_sha256",
    0x0B: "clock_realtime",
    0x0C: "clock_monotonic",
    0x0D: "clock_boottime",
    0x0E: "clocksource",
    0x0F: "thp_mode",
    0x10: "ksm_active",
    0x11: "directmap_4k_kib",
    0x12: "directmap_2m_kib",
    0x13: "directmap_1g_kib",
    0x14: "zram_devices_json",
    0x15: "zswap_enabled",
}

TARGET_TAG = {
    0x01: "tracer_pid",
    0x02: "login_uid",
    0x03: "audit_session",
    0x04: "selinux_context",
    0x05: "namespaces",
    0x06: "namespace_scope",
    0x07: "smaps_pss_kib",
    0x08: "smaps_swap_kib",
    0x09: "smaps_anon_huge_kib",
    0x0A: "rwx_region_count",
    0x0B: "cgroup",
    0x0C: "working_directory",
    0x0D: "root",
    0x0E: "capabilities_effective",
    0x0F: "capabilities_ambient",
    0x10: "no_new_privs",
    0x11: "seccomp_mode",
    0x12: "core_dumping",
    0x13: "thread_count",
    0x14: "caught_signals",
    0x15: "io_read_chars",
    0x16: "io_write_chars",
    0x17: "io_read_bytes",
    0x18: "io_write_bytes",
    0x19: "limit_core",
    0x1A: "limit_memlock",
    0x1B: "limit_nofile",
    0x1C: "personality",
    0x1D: "ancestry",
    0x1E: "exe_comm_mismatch",
    0x1F: "environ",
    0x20: "redacted_environ_keys",
}

NODE_KIND = {1: "address", 2: "offset", 3: "symbol"}
EDGE_KIND = {1: "pointer", 2: "call", 3: "import"}
GRAPH_FLAGS = {0: "integrity_present"}
