"""Cores that an emulator wrote of a real program, on ten processors of both byte orders."""

from __future__ import annotations

import io
import lzma
from pathlib import Path

import pytest
from commands import PLACE
from sampling import sampled
from test_import_made import imported

FOLDER = PLACE / "tests" / "data" / "guests"
MARK = b"MARKER of a guest"

GUESTS = {
    # ArchType, and where the symbol table of the program has _start and mark.
    "aarch64": ("arm64", 0x2101A8, 0x2201D0),
    "arm": ("arm32", 0x2013C, 0x3016C),
    "i386": ("x86", 0x401110, 0x402144),
    "mips": ("mips32", 0x20180, 0x301B4),
    "mips64": ("mips64", 0x20260, 0x30298),
    "mipsel": ("mips32", 0x20180, 0x301B4),
    "ppc": ("ppc32", 0x10010110, 0x1002015C),
    "ppc64": ("ppc64", 0x10010218, 0x10030260),
    "ppc64le": ("ppc64", 0x10010220, 0x10030268),
    "x86_64": ("x86_64", 0x2011B0, 0x2021E0),
}
LONGEST = 0x40
"""Bytes of code that the program has at most."""


@sampled()
@pytest.mark.parametrize("name", GUESTS)
def test_a_guest_is_what_its_program_says(name: str, tmp_path: Path) -> None:
    elffile = pytest.importorskip("elftools.elf.elffile")
    arch_type, start, mark = GUESTS[name]
    data = lzma.decompress((FOLDER / f"{name}.core.xz").read_bytes())
    with imported(data, tmp_path) as dump:
        assert dump.header.record["arch_type"].name == arch_type
        (thread,) = dump.threads
        roles = {
            role: int.from_bytes(bytes(one["value"]), "little")
            for one in thread["registers"]
            for role in one["flags"].names
        }
        assert start < roles["pc"] < start + LONGEST
        assert dump.memory.read(roles["sp"] & ~0xFFF, 4096).complete
        assert bytes(dump.memory.read(mark, len(MARK)).data) == MARK
        reached = not name.startswith("mips")  # where it ends at the first look into its GOT
        assert bytes(dump.memory.read(mark + 100, 1).data) == (b"\7" if reached else b"\0")
        note = dump.blocks[0].payload["note"]
        assert "signal=11" in note
        compared = statuses = 0
        core = elffile.ELFFile(io.BytesIO(data))
        for segment in core.iter_segments():
            if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]:
                memory = dump.memory.read(segment["p_vaddr"], segment["p_filesz"])
                assert bytes(memory.data) == segment.data()
                compared += segment["p_filesz"]
            elif segment["p_type"] == "PT_NOTE":
                kinds = [one["n_type"] for one in segment.iter_notes()]
                statuses = kinds.count("NT_PRSTATUS")
        assert statuses == len(dump.threads)
        assert compared > 8 << 20
