"""The specification's own examples: §11, a module, and figure 8, a page map."""

from __future__ import annotations

import io
import struct
from typing import Any

import pytest
from writing import MODULE, uid

import msl_construct
from msl_construct import Writer
from msl_construct.page_map import PageMap

BASE, SIZE = 0x7FFD_D4D0_0000, 0x20_0000
PATH, VERSION = "C:\\Windows\\System32\\ntdll.dll", "10.0.22621.1"
BLOB = bytes(i * 7 & 0xFF for i in range(384))
HASH = bytes(range(100, 132))


def test_numbers_of_the_example_itself() -> None:
    assert (len(PATH) + 1, len(VERSION) + 1, len(BLOB)) == (30, 13, 384)
    assert 24 + 32 + 16 + 32 + 8 + 384 == 496
    assert 496 + 80 == 576 == 0x240


@pytest.mark.parametrize("order", ["little", "big"])
def test_module_entry(order: str) -> None:
    file = io.BytesIO()
    header = {"cap_bitmap": ["process_identity", "module_list"], "os_type": "windows",
              "arch_type": "x86_64", "pid": 4}  # fmt: skip
    module: dict[str, Any] = {"base_addr": BASE, "module_size": SIZE, "path": PATH}
    with Writer(file, header, byte_order=order) as out:
        out.add_process_identity()
        out.add_module_list_index([{"module_uuid": MODULE, **module}], block_uuid=uid(2))
        out.add_module_entry(
            block_uuid=MODULE, **module, version=VERSION, disk_hash=HASH, native_blob=BLOB
        )
    raw = file.getvalue()
    at = raw.index(MODULE.bytes, raw.index(MODULE.bytes) + 1) - 0x10
    o = "<" if order == "little" else ">"
    head = b"MSLC" + struct.pack(o + "HHIHH", 0x0002, 0, 0x240, 1, 0) + MODULE.bytes + uid(2).bytes
    assert raw[at : at + 0x30] == head
    payload = struct.pack(o + "QQHHI", BASE, SIZE, 30, 13, 0)
    payload += PATH.encode() + b"\0\0\0"  # 29 characters, the NUL, two of padding: 32
    payload += VERSION.encode() + b"\0\0\0\0"  # 12 characters, the NUL, three of padding: 16
    payload += HASH + struct.pack(o + "II", 384, 0) + BLOB
    assert len(payload) == 496
    assert raw[at + 80 : at + 576] == payload
    assert raw[at + 576 : at + 580] == b"MSLC"
    block = next(msl_construct.open(raw).blocks.of_type("module_entry"))
    assert (block.length, block.payload["path"], block.payload["version"]) == (576, PATH, VERSION)


FIGURE_8 = "CCCF CCUU CCFC"


def test_figure_8() -> None:
    codes = [{"C": 0, "F": 1, "U": 2}[c] for c in FIGURE_8.replace(" ", "")]
    page_map = PageMap.from_runs([(i, 1, code) for i, code in enumerate(codes)], len(codes))
    assert bytes(page_map.stored) == bytes.fromhex("010a040000000000")
    assert list(page_map.counts())[:3] == [8, 2, 2]


def test_figure_8_written_and_read_back() -> None:
    file = io.BytesIO()
    names = {"C": "captured", "F": "failed", "U": "unmapped"}
    header = {"cap_bitmap": ["process_identity", "module_list", "memory_regions"],
              "os_type": "linux", "arch_type": "x86_64", "pid": 4}  # fmt: skip
    with Writer(file, header) as out:
        out.add_process_identity()
        out.add_module_list_index([])
        with out.region(base_addr=0x1000_0000, region_size=12 * 4096, block_uuid=uid(3)) as region:
            for number, letter in enumerate(FIGURE_8.replace(" ", "")):
                if letter == "C":
                    region.captured(bytes([number]) * 4096)
                else:
                    region.mark(names[letter])
    raw = file.getvalue()
    at = raw.index(uid(3).bytes) - 0x10
    assert struct.unpack_from("<I", raw, at + 8) == (80 + 0x20 + 8 + 8 * 4096,)
    assert raw[at + 80 + 0x20 : at + 80 + 0x28] == bytes.fromhex("010a040000000000")
    data = at + 80 + 0x28
    captured = [i for i, c in enumerate(FIGURE_8.replace(" ", "")) if c == "C"]
    assert [raw[data + 4096 * i] for i in range(8)] == captured
    assert raw[data + 8 * 4096 :][:4] == b"MSLC"


def test_vector_of_four_states() -> None:
    runs = [(0, 1, 0), (1, 1, 1), (2, 1, 2), (3, 1, 0)]
    assert bytes(PageMap.from_runs(runs, 4).stored)[0] == 0x18
