"""A lake of small dumps, by one process and by two."""

from __future__ import annotations

import shutil
from pathlib import Path

from measure import MIB, MSL, Child, Row, Setting, python, run_child

from msl_construct import Writer

NAME = "lake"
FEW = 10


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    count = 2000 if setting.size(1, 0) else 20
    folder, lake = setting.tmp / "dumps", setting.tmp / "lake"
    folder.mkdir()
    try:
        for number in range(count):
            _write_dump(folder / f"{number}.msl", number)
            if number == FEW:
                _make(folder, lake, 2)  # everybody's modules are compiled, unmeasured
        rows = []
        alone = 0.0
        for workers in (1, 2):
            child = _make(folder, lake, workers)
            alone = alone or child.seconds
            rows.append(
                Row(
                    NAME,
                    f"a lake of {count} dumps of 1 MiB, --workers {workers}",
                    count / child.seconds,
                    "files/s",
                    remark=f"{alone / child.seconds:.2f} of one; "
                    f"{1000 * child.cores / count:.1f} ms of processor time a file",
                )
            )
        return rows
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(lake, ignore_errors=True)


def _make(folder: Path, lake: Path, workers: int) -> Child:
    shutil.rmtree(lake, ignore_errors=True)
    words = ("export", folder, "--to", "parquet", "-o", lake, "--quiet", "--workers", workers)
    return run_child(python(MSL, *map(str, words)))


def _write_dump(path: Path, number: int) -> None:
    capabilities = ["memory_regions", "module_list", "process_identity"]
    header = {"cap_bitmap": capabilities, "os_type": "linux", "arch_type": "x86_64", "pid": 7}
    with path.open("wb") as file, Writer(file, header, draft="draft-2026-10") as out:
        out.add_process_identity(exe_path="/usr/bin/made", cmd_line=f"made {number}")
        out.add_module_list_index([])
        data = number.to_bytes(8, "little") * (MIB // 8)
        out.add_memory_region(base_addr=0x10000, data=data, protection=["read"])
