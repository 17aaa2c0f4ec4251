"""Files that this package writes, each with one thing that a reader may or may not know."""

from __future__ import annotations

import hashlib
import struct
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

from independent.decode import inflate
from writing import CLOCK, header, numbered, uid

from msl_construct import Writer, append_segment
from msl_construct.encryption.public_keys import PublicKeys
from msl_construct.encryption.sealing import Encryption

__all__ = ["FILES", "Made", "Specimen", "comparable", "make", "walked"]

PASSPHRASE = "correct horse"
RAW = bytes(range(32))
PAGE = 4096

Fill = Callable[[Writer], None]


@dataclass(frozen=True)
class Specimen:
    """A kind of file.

    Attributes:
        title: what is in it, for people.
        make: writes it; gives the key that opens it.
        segments: how many stand behind the capture.
        ended: whether it has an End-of-Capture.
        readable: whether it is in the clear.
    """

    title: str
    make: Callable[[Path], dict[str, str]]
    segments: int = 0
    ended: bool = True
    readable: bool = True


@dataclass(frozen=True)
class Made:
    """A file that was made.

    Attributes:
        words: for the readers: its path, and its key.
        blocks: type and SHA-256 of the payload of each block that was written, hashes of the file
            itself left out.
    """

    specimen: Specimen
    words: dict[str, str]
    blocks: list[tuple[int, str | None]]


def _capture(out: Writer) -> None:
    """A live capture: a module, a region of every state there is, and one of fragments."""
    out.add_process_identity(ppid=1, exe_path="/usr/bin/target", cmd_line="target --now")
    module = uid(9)
    rows = [{"module_uuid": module, "base_addr": 0x400000, "module_size": PAGE, "path": "/bin/t"}]
    out.add_module_list_index(rows)
    shared = {"base_addr": 0x400000, "module_size": PAGE, "path": "/bin/t"}
    out.add_module_entry(block_uuid=module, **shared)
    states = [(0, 1, "captured"), (1, 1, "failed"), (2, 1, "unmapped"), (3, 1, "captured")]
    out.add_memory_region(
        base_addr=0x400000,
        region_size=4 * PAGE,
        page_size_log2=12,
        page_states=states,
        data=bytes(range(256)) * 16 + b"\x90" * PAGE,
        protection=["read", "execute"],
        region_type="image",
    )


def _without(out: Writer) -> None:
    """The same, without an End-of-Capture."""
    _capture(out)
    out.abandon()


def _states_of_2026_10(out: Writer) -> None:
    _capture(out)
    out.add_memory_region(
        base_addr=0x900000,
        region_size=2 * PAGE,
        page_size_log2=12,
        page_states=[(0, 1, "not_resident"), (1, 1, "captured")],
        data=b"\x01" * PAGE,
    )


def _threads(out: Writer) -> None:
    out.add_process_identity(ppid=1, exe_path="/usr/bin/target")
    out.add_module_list_index([])
    registers = [
        {"name": "rip", "width": 8, "value": 0x401000, "flags": ["pc"]},
        {"name": "rsp", "width": 8, "value": 0x7FFC_0010, "flags": ["sp"]},
    ]
    out.add_thread_context(thread_id=7, flags=["current"], thread_name="t", registers=registers)
    out.add_memory_region(base_addr=0x400000, data=b"\x90" * PAGE)
    row = {"base_addr": 0x400000, "region_size": PAGE, "name_source": "live", "mapped_path": "/t"}
    out.add_vas_map(entries=[row])


def _fragments(out: Writer) -> None:
    out.add_process_identity(ppid=1, exe_path="/usr/bin/target")
    out.add_module_list_index([])
    with out.region(base_addr=0x400000, region_size=3 * PAGE) as region:
        for number in range(3):
            region.captured(bytes([number]) * PAGE)


def _plain(**options: Any) -> Callable[[Path], dict[str, str]]:
    def make(path: Path) -> dict[str, str]:
        _write(path, **options)
        return {}

    return make


def _write(
    path: Path,
    *,
    fill: Fill = _capture,
    draft: str = "draft-2026-10",
    hash_algo: str = "blake3",
    bits: tuple[str, ...] = ("process_identity", "module_list", "memory_regions"),
    **options: Any,
) -> None:
    fields = {} if draft == "draft-2026-03" else {"hash_algo": hash_algo}
    told = header(*bits, **fields)
    own: dict[str, Any] = {"new_uuid": numbered(), "clock": lambda: CLOCK}
    with Writer(path, told, draft=draft, **own, **options) as out:
        fill(out)


def _encrypted(
    key: str, *, sealed: bool = False, **options: Any
) -> Callable[[Path], dict[str, str]]:
    def make(path: Path) -> dict[str, str]:
        own: dict[str, Any]
        if key == "passphrase":
            own, words = {"passphrase": PASSPHRASE.encode()}, {"passphrase": PASSPHRASE}
        elif key == "raw":
            own, words = {"raw": RAW}, {"key": RAW.hex()}
        else:
            public, private = _pair(key)
            own, words = {"public": public}, {"private": private.hex()}
        _write(path, encryption=Encryption(**own, **options))
        if sealed:
            _append(path, key=PASSPHRASE)
        return words

    return make


@cache
def _pair(enclosure: str) -> tuple[PublicKeys, bytes]:
    """A public key, and the bytes of its private one: of an ML-KEM its seed."""
    from cryptography.hazmat.primitives.asymmetric import mlkem, x25519

    makers = {
        "x25519": x25519.X25519PrivateKey,
        "ml_kem_768": mlkem.MLKEM768PrivateKey,
        "ml_kem_1024": mlkem.MLKEM1024PrivateKey,
    }
    halves = ("x25519", "ml_kem_768") if enclosure == "x25519_ml_kem_768" else (enclosure,)
    keys = [makers[half].generate() for half in halves]
    own = b"".join(key.private_bytes_raw() for key in keys)
    return PublicKeys(enclosure, [key.public_key() for key in keys]), own


def _with_segments(count: int) -> Callable[[Path], dict[str, str]]:
    def make(path: Path) -> dict[str, str]:
        _write(path)
        for _ in range(count):
            _append(path)
        return {}

    return make


def _append(path: Path, **options: Any) -> None:
    with append_segment(path, producer="interchange", clock=lambda: CLOCK, **options) as segment:
        segment.add(
            "related_dump",
            related_dump_uuid=uuid.UUID(int=uid(3).int),
            related_pid=8,
            relationship="child",
        )


WITH_THREADS = ("process_identity", "module_list", "memory_regions", "thread_contexts")

FILES = {
    "plain": Specimen("plain", _plain()),
    "zstd": Specimen("compressed with zstd", _plain(compression="zstd")),
    "lz4": Specimen("compressed with lz4", _plain(compression="lz4")),
    "sha-256": Specimen("HashAlgo SHA-256", _plain(hash_algo="sha_256")),
    "sha-512-256": Specimen("HashAlgo SHA-512/256", _plain(hash_algo="sha_512_256")),
    "not-resident": Specimen("pages that are not resident", _plain(fill=_states_of_2026_10)),
    "threads": Specimen("threads and a VAS Map", _plain(fill=_threads, bits=WITH_THREADS)),
    "fragments": Specimen(
        "a region in three fragments",
        _plain(fill=_fragments, compression="zstd", buffer_limit=PAGE),
    ),
    "interrupted": Specimen("no End-of-Capture", _plain(fill=_without), ended=False),
    "segment": Specimen("an extension segment", _with_segments(1), segments=1),
    "segments": Specimen("two extension segments", _with_segments(2), segments=2),
    "1.0": Specimen("draft-2026-03", _plain(draft="draft-2026-03")),
    "1.0-zstd": Specimen(
        "draft-2026-03, compressed with zstd", _plain(draft="draft-2026-03", compression="zstd")
    ),
    "1.0-big": Specimen(
        "draft-2026-03, big-endian", _plain(draft="draft-2026-03", byte_order="big")
    ),
    "passphrase": Specimen("AES-256-GCM by passphrase", _encrypted("passphrase"), readable=False),
    "passphrase-xchacha": Specimen(
        "XChaCha20-Poly1305 by passphrase",
        _encrypted("passphrase", cipher="xchacha20_poly1305"),
        readable=False,
    ),
    "raw": Specimen("AES-256-GCM by raw key", _encrypted("raw"), readable=False),
    "raw-xchacha": Specimen(
        "XChaCha20-Poly1305 by raw key",
        _encrypted("raw", cipher="xchacha20_poly1305"),
        readable=False,
    ),
    "x25519": Specimen("AES-256-GCM by X25519", _encrypted("x25519"), readable=False),
    "ml-kem-768": Specimen("AES-256-GCM by ML-KEM-768", _encrypted("ml_kem_768"), readable=False),
    "ml-kem-1024": Specimen(
        "AES-256-GCM by ML-KEM-1024", _encrypted("ml_kem_1024"), readable=False
    ),
    "hybrid": Specimen(
        "AES-256-GCM by X25519 and ML-KEM-768", _encrypted("x25519_ml_kem_768"), readable=False
    ),
    "sealed": Specimen(
        "a sealed segment behind AES-256-GCM",
        _encrypted("passphrase", sealed=True),
        segments=1,
        readable=False,
    ),
}
"""By their names, in the order of the table's rows."""

_HASHED = (0x0FFF, 0x0FFE)  # their payloads hold hashes, which differ with the way of storing


def make(name: str, folder: Path) -> Made:
    """Write a file of this name."""
    path = folder / f"{name}.msl"
    specimen = FILES[name]
    words = {"path": str(path), **specimen.make(path)}
    return Made(specimen, words, _expected(name, folder))


def comparable(blocks: list[list[Any]]) -> list[tuple[int, str | None]]:
    """Blocks of a verdict as they are held against what was written."""
    return [(kind, None if kind in _HASHED else digest) for kind, digest in blocks]


def _expected(name: str, folder: Path) -> list[tuple[int, str | None]]:
    """The blocks of the same file, or of the one that was encrypted, by hand."""
    plain = name if FILES[name].readable else "segment" if FILES[name].segments else "plain"
    path = folder / f"{name}.expected"
    FILES[plain].make(path)
    found = list(walked(path.read_bytes()))
    path.unlink()
    return found


def walked(data: bytes) -> Iterator[tuple[int, str | None]]:
    order = "<" if data[8] == 1 else ">"
    at = data[9]
    while at < len(data):
        kind, flags, length = struct.unpack_from(f"{order}HHI", data, at + 4)
        payload = data[at + 80 : at + length]
        if flags & 1:
            payload, _ = inflate(payload, flags >> 1 & 3, order)
        yield kind, None if kind in _HASHED else hashlib.sha256(payload).hexdigest()
        at += length
