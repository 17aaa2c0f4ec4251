"""Encrypted files: listed and verified, against a core that only decrypts; one page read."""

from __future__ import annotations

import functools
import os
import statistics
import sys
from pathlib import Path
from typing import Any

from bench_acquire import whole
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from live import Live, compiled
from measure import (
    GIB,
    MIB,
    MSL,
    PIECE,
    Row,
    Setting,
    compare,
    in_turns,
    note,
    python,
    run_child,
    watch_child,
)

import msl_construct
from msl_construct import Writer
from msl_construct.encryption.sealing import Encryption

NAME = "encryption"
KEY = bytes(range(32))
PAGES = 1000
REGION = 2 * MIB
DATA = os.urandom(REGION)


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    size = setting.size(4 * GIB, 32 * MIB)
    sealed, key = setting.tmp / "sealed.msl", setting.tmp / "key"
    try:
        note(f"writing {size / MIB:.0f} MiB, encrypted")
        key.write_bytes(KEY)
        rows = [*_writing(setting, sealed, size), *_reading(setting, sealed, key, size)]
        rows += [_memory(sealed, key, size), _page(setting, sealed)]
        sealed.unlink()
        return [*rows, *_acquiring(setting, sealed)]
    finally:
        for path in (sealed, key):
            path.unlink(missing_ok=True)


def _writing(setting: Setting, sealed: Path, size: int) -> list[Row]:
    """Writing a dump that is encrypted, and one that is not."""
    times = in_turns(
        setting.rounds,
        plain=lambda: _write(sealed, size, None),
        encrypted=lambda: _write(sealed, size, Encryption(raw=KEY)),
    )
    return [
        compare(
            NAME,
            f"Writer, {size / GIB:.3g} GiB, AES-256-GCM",
            times,
            ("encrypted", "plain"),
            size / 1e9,
            unit="GB/s",
            bound_name="the same, not encrypted",
            relation=">=",
            target=0.7,
            remark="to disk, in threads",
        )
    ]


def _acquiring(setting: Setting, out: Path) -> list[Row]:
    """Acquiring a live process into an encrypted dump, and into one that is not."""
    if sys.platform != "linux":
        return []
    size = setting.size(2048, 32) * MIB
    sealed = Encryption(raw=KEY)
    with Live(compiled("heap", setting.tmp), size // MIB, "random") as live:
        rows = []
        for where, path in (("to /dev/null", Path(os.devnull)), ("to disk", out)):
            times = in_turns(
                setting.rounds,
                plain=functools.partial(_acquire, live.pid, path),
                encrypted=functools.partial(_acquire, live.pid, path, encryption=sealed),
            )
            rows.append(
                compare(
                    NAME,
                    f"acquiring a heap of {size / MIB:.0f} MiB {where}, AES-256-GCM",
                    times,
                    ("encrypted", "plain"),
                    size / 1e9,
                    unit="GB/s",
                    bound_name="the same, not encrypted",
                    relation=">=",
                    target=0.7,
                )
            )
        return rows


def _acquire(pid: int, path: Path, **options: Any) -> None:
    if path.is_file():  # of the turn before; never the null device
        path.unlink()
    whole(pid, path, **options)


def _reading(setting: Setting, sealed: Path, key: Path, size: int) -> list[Row]:
    """Opening and listing, and the commands, with the start of Python."""
    options = ("--key-file", key, sealed)
    times = in_turns(
        setting.rounds,
        listed=lambda: _list(sealed),
        inspect=lambda: run_child(python(MSL, "inspect", *options), capture=True),
        verify=lambda: run_child(python(MSL, "verify", *options), capture=True),
        cipher=lambda: _through(sealed),
    )
    return [
        compare(
            NAME,
            f"{title}, {size / GIB:.3g} GiB, AES-256-GCM",
            times,
            (name, "cipher"),
            size / 1e9,
            unit="GB/s",
            bound_name="one core reads and decrypts the file",
            relation=">=",
            target=target,
            remark=remark,
        )
        for name, title, target, remark in (
            ("listed", "opened and listed", 0.8, "its tag is verified"),
            ("inspect", "msl inspect", None, "with the start of Python: for information"),
            ("verify", "msl verify", None, "also FileHash, so it is decrypted twice: likewise"),
        )
    ]


def _write(path: Path, size: int, encryption: Encryption | None) -> None:
    header = {
        "cap_bitmap": ["memory_regions", "module_list", "process_identity"],
        "os_type": "linux",
        "arch_type": "x86_64",
        "pid": 1,
    }
    options = {"draft": "draft-2026-10", "overlapped": True, "encryption": encryption}
    with Writer(path, header, **options) as out:
        out.add_process_identity(exe_path="/x", cmd_line=None)
        out.add_module_list_index([])
        for number in range(size // REGION):
            address = (number + 1) << 22
            out.add_memory_region(base_addr=address, data=DATA, protection=["read"])


def _list(sealed: Path) -> None:
    with msl_construct.open(sealed, key=KEY) as dump:
        assert sum(region.region_size for region in dump.regions)


def _through(path: Path) -> None:
    """Read a file and put it through AES-256-GCM, into one buffer."""
    context = Cipher(algorithms.AES(KEY), modes.GCM(bytes(12))).decryptor()
    source, target = memoryview(bytearray(PIECE)), bytearray(PIECE + 16)
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(source):
            context.update_into(source[:count], target)


def _memory(sealed: Path, key: Path, size: int) -> Row:
    command = python(MSL, "verify", "--key-file", key, sealed)
    peaks = watch_child(command).peaks
    return Row(
        NAME,
        f"memory of verify, {size / GIB:.3g} GiB encrypted",
        peaks.get("VmRSS", 0) / MIB,
        "MiB",
        judged="measured",
        target=200.0,
        remark="peak VmRSS",
    )


def _page(setting: Setting, sealed: Path) -> Row:
    """One page of an open dump, wherever it stands."""
    with msl_construct.open(sealed, key=KEY) as dump:
        regions = dump.regions
        addresses = [regions[number * len(regions) // PAGES].base_addr for number in range(PAGES)]
        read = functools.partial(dump.memory.read, size=4096)
        times = in_turns(setting.rounds, pages=lambda: [read(address) for address in addresses])
    return Row(
        NAME,
        "one page of an open encrypted dump",
        1e3 * statistics.median(times["pages"]) / PAGES,
        "ms",
        judged="measured",
        target=10.0,
        remark=f"of {PAGES} pages, one behind the other",
    )
