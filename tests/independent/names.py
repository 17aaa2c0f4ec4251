"""Names of the codes and flag bits in the canonical document."""

from __future__ import annotations


def _numbered(names: str, *extra: tuple[int, str]) -> dict[int, str]:
    return dict(enumerate(names.split())) | dict(extra)


OS_TYPE = _numbered(
    "windows linux macos android ios freebsd netbsd openbsd qnx fuchsia", (0xFFFF, "unknown")
)
ARCH_TYPE = _numbered(
    "x86 x86_64 arm64 arm32 mips32 mips64 riscv32 riscv64 ppc32 ppc64 s390x loongarch64",
    (0xFFFF, "unknown"),
)
CLOCK_SOURCE = _numbered(
    "unknown clock_realtime clock_monotonic_raw query_performance_counter mach_absolute_time",
    (0xFF, "other"),
)
HASH_ALGO = _numbered("blake3 sha_256 sha_512_256", (0xFF, "other"))
REGION_TYPE = _numbered(
    "unknown heap stack image mapped_file anonymous shared_mem", (0xFF, "other")
)
RELATIONSHIP = _numbered(
    "unknown parent child shared_memory ipc_peer thread_group", (0xFFFF, "other")
)
KEY_TYPE_10 = _numbered(
    "unknown pre_master_secret master_secret session_key handshake_secret"
    " application_traffic_secret rsa_private_key ecdh_private_key ike_sa_key esp_ah_key"
    " ssh_session_key wireguard_key",
    (0xFFFF, "other"),
)
KEY_TYPE_11 = KEY_TYPE_10 | {0x000C: "ml_kem_private_key"}
PROTOCOL = _numbered(
    "unknown tls_1_2 tls_1_3 dtls_1_2 dtls_1_3 quic ikev2_ipsec ssh wireguard pq_tls",
    (0xFFFF, "other"),
)
CONFIDENCE = _numbered("speculative heuristic confirmed")
KEY_STATE = _numbered("unknown active expired")
SOURCE_FORMAT = _numbered(
    "unknown raw_byte_stream elf_core windows_minidump macos_core procdump", (0xFFFF, "other")
)
THREAD_STATE = _numbered("unknown running sleeping stopped waiting uninterruptible halted zombie")
NAME_SOURCE = _numbered("unspecified live source_metadata synthesized")
ENC_ALGO = {1: "aes_256_gcm", 2: "xchacha20_poly1305"}
KDF_TYPE = _numbered("none argon2id")
KEY_ENCAP = _numbered("none x25519 ml_kem_768 ml_kem_1024 x25519_ml_kem_768", (0xFF, "other"))
FAMILY = {2: "ipv4", 10: "ipv6"}
TRANSPORT = {6: "tcp", 17: "udp"}
ROW_TYPE = {
    1: "ipv4_route",
    2: "ipv6_route",
    3: "arp",
    4: "packet_socket",
    5: "interface_counters",
    6: "socket_family",
    7: "mib_counter",
}
BUILD_ID_SOURCE = _numbered("none bridge map_files on_disk captured_region retroactive")
OMISSION_REASON = {1: "module_exclude", 2: "scope"}

BLOCK_TYPE_10 = {
    0x0000: "invalid",
    0x0001: "memory_region",
    0x0002: "module_entry",
    0x0010: "module_list_index",
    0x0011: "thread_context",
    0x0012: "file_descriptor",
    0x0013: "network_connection",
    0x0014: "environment_block",
    0x0015: "security_token",
    0x0020: "key_hint",
    0x0030: "import_provenance",
    0x0040: "process_identity",
    0x0041: "related_dump",
    0x0FFF: "end_of_capture",
    0x1001: "vas_map",
    0x1003: "pointer_graph",
}
BLOCK_TYPE_11 = BLOCK_TYPE_10 | {
    0x0051: "process_table",
    0x0052: "connection_table",
    0x0054: "connectivity_table",
    0x0059: "physical_memory_map",
    0x005A: "module_build_id_manifest",
    0x005B: "region_omission_manifest",
    0x0FFE: "end_of_extension",
}

PROTECTION = _numbered("read write execute guard copy_on_write")
HEADER_FLAGS_10 = _numbered("imported")
HEADER_FLAGS_11 = _numbered("imported investigation encrypted redacted")
CAP_BITMAP_10 = _numbered(
    "memory_regions module_list thread_contexts file_descriptors network_state"
    " environment_vars shared_memory security_context process_identity related_dumps"
    " crypto_hints"
)
CAP_BITMAP_11 = CAP_BITMAP_10 | {
    11: "system_context",
    12: "system_process_table",
    13: "system_network_table",
    14: "system_handle_table",
}
THREAD_FLAGS = _numbered("current crashed suspended partial")
REGISTER_FLAGS = _numbered("pc sp fp flags thread_pointer link_register")
BUILD_ID_FLAGS = _numbered("deleted mem_fd anon_rwx unlinked")

STATES_10 = ("captured", "failed", "unmapped", "reserved")
STATES_11 = ("captured", "failed", "unmapped", "not_resident")

_COMP_ALGO = {1: "comp_algo_zstd", 2: "comp_algo_lz4", 3: "comp_algo_reserved"}
_BLOCK_BITS = {0: "compressed", 3: "has_key_hints", 4: "has_children", 5: "continuation"}


def enum(value: int, names: dict[int, str], width: int) -> str:
    """The name of a code, or its hex at the full width of the field."""
    return names.get(value, f"0x{value:0{2 * width}x}")


def bits(value: int, names: dict[int, str]) -> list[str]:
    """The names of the set bits, lowest bit first."""
    return [names.get(i, f"bit_{i}") for i in range(value.bit_length()) if value >> i & 1]


def block_flags(value: int) -> list[str]:
    """Like :func:`bits`, but bits 1-2 are one number with one name."""
    out: list[str] = []
    for i in range(16):
        if i == 1 and value >> 1 & 3:
            out.append(_COMP_ALGO[value >> 1 & 3])
        elif i not in (1, 2) and value >> i & 1:
            out.append(_BLOCK_BITS.get(i, f"bit_{i}"))
    return out
