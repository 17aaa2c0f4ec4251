"""Makes the files of this folder, the same bytes every time.

Run it from anywhere: ``python samples/make.py``. Each file has its expected canonical
document beside it; a test holds both against a decoder that shares no code with the
package.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msl_construct import Writer, append_segment
from msl_construct import open as open_dump
from msl_construct.document import Renderer
from msl_construct.document.emit import write_yaml

HERE = Path(__file__).parent
START = 1_773_528_836_123_456_789  # 2026-03-14 22:53:56 UTC
PAGE = 4096
LIBC = "/usr/lib/x86_64-linux-gnu/libc.so.6"


class Source:
    """UUIDs and times that count up from a number."""

    def __init__(self, seed: int) -> None:
        self._next = seed << 32
        self._time = START

    def new_uuid(self) -> uuid.UUID:
        """A version 4 UUID that says which one it is."""
        self._next += 1
        return uuid.UUID(int=self._next | 4 << 76 | 0b10 << 62)

    def clock(self) -> int:
        """A moment one millisecond after the last one."""
        self._time += 1_000_000
        return self._time


def page(text: str) -> bytes:
    """A page that begins with some text."""
    return text.encode().ljust(PAGE, b"\0")


def header(**others: Any) -> dict[str, Any]:
    """Header fields that the samples share."""
    return {
        "os_type": "linux",
        "arch_type": "x86_64",
        "pid": 4242,
        "clock_source": "clock_realtime",
        "cap_bitmap": ["memory_regions", "module_list", "process_identity"],
        **others,
    }


def live(writer: Writer) -> None:
    """A live acquisition: identity, modules, and regions with every page state."""
    writer.add_process_identity(
        ppid=1,
        session_id=4242,
        start_time=START - 60_000_000_000,
        exe_path="/usr/bin/sleep",
        cmd_line="sleep 1000",
    )
    modules = [
        {"base_addr": 0x5581_2000_0000, "module_size": 3 * PAGE, "path": "/usr/bin/sleep"},
        {"base_addr": 0x7F00_1000_0000, "module_size": 4 * PAGE, "path": LIBC},
    ]
    found = writer.add_module_list_index(modules)
    for block_uuid, module, version in zip(found, modules, (None, "2.36"), strict=True):
        line = f"{module['base_addr']:x}-{module['base_addr'] + PAGE:x} r--p {module['path']}"
        writer.add_module_entry(
            block_uuid=block_uuid, version=version, native_blob=line.encode() + b"\0", **module
        )
    writer.add_memory_region(
        base_addr=0x5581_2000_0000,
        data=page("code") + page("constants") + page("variables"),
        protection=["read", "execute"],
        region_type="image",
        timestamp=writer.clock(),
    )
    with writer.region(
        base_addr=0x5581_3000_0000,
        region_size=16 * PAGE,
        protection=["read", "write"],
        region_type="heap",
        timestamp=writer.clock(),
    ) as heap:
        heap.captured(page("the first page of the heap") + page("the second"))
        heap.mark("failed", 2)
        heap.captured(b"".join(page(f"heap page {number}") for number in range(4, 11)))
        heap.mark("unmapped", 3)
        heap.captured(page("heap page 14") + page("the last"))


def regions(writer: Writer) -> None:
    """What draft 2026-10 adds: threads, not-resident pages, a VAS map, compression."""
    identity = writer.add_process_identity(
        ppid=4241, exe_path="/opt/grün/dienst", cmd_line=None, block_flags="has_children"
    )
    writer.add_module_list_index([])
    writer.add_thread_context(
        parent_uuid=identity,
        thread_id=4242,
        flags=["current"],
        thread_state="sleeping",
        thread_name="dienst",
        registers=[
            {"name": "rip", "width": 8, "flags": ["pc"], "value": 0x7F00_1000_0123},
            {"name": "rsp", "width": 8, "flags": ["sp"], "value": 0x7FFC_0000_0FF0},
            {"name": "eflags", "width": 4, "flags": ["flags"], "value": 0x246},
        ],
    )
    stack = writer.add_memory_region(
        base_addr=0x7FFC_0000_0000,
        region_size=8 * PAGE,
        page_states=[(0, 6, "not_resident"), (6, 2, "captured")],
        data=page("stack") + page("session key: 0123456789abcdef"),
        protection=["read", "write"],
        region_type="stack",
        block_flags="has_key_hints",
        compression="zstd",
    )
    writer.add_memory_region(
        base_addr=0x7FFC_0000_8000,
        data=page("directly behind the stack") * 4,
        protection=["read"],
        region_type="anonymous",
        compression="lz4",
    )
    writer.add_key_hint(
        region_uuid=stack,
        region_offset=PAGE + len("session key: "),
        key_len=16,
        key_type="session_key",
        protocol="tls_1_3",
        confidence="confirmed",
        key_state="active",
        note="found by its label",
    )
    writer.add_vas_map(
        entries=[
            {
                "base_addr": 0x7FFC_0000_0000,
                "region_size": 8 * PAGE,
                "protection": ["read", "write"],
                "region_type": "stack",
                "name_source": "live",
                "mapped_path": "[stack]",
            },
            {"base_addr": 0x7FFC_0000_8000, "region_size": 4 * PAGE, "mapped_path": None},
        ]
    )


RECIPES: dict[str, tuple[int, dict[str, Any], dict[str, Any], Callable[[Writer], None]]] = {
    "live-le": (1, header(), {}, live),
    "live-be": (2, header(), {"byte_order": "big"}, live),
    "regions-1.1": (
        3,
        header(
            cap_bitmap=[
                "memory_regions",
                "module_list",
                "thread_contexts",
                "process_identity",
                "crypto_hints",
            ]
        ),
        {"draft": "draft-2026-10"},
        regions,
    ),
}
"""Seed, header, options of the writer, and what to write."""


def make(folder: Path) -> list[Path]:
    """Write all samples and their documents into a folder."""
    written = []
    for name, (seed, fields, options, recipe) in RECIPES.items():
        source = Source(seed)
        target = io.BytesIO()
        with Writer(
            target, fields, new_uuid=source.new_uuid, clock=source.clock, **options
        ) as writer:
            recipe(writer)
        path = folder / f"{name}.msl"
        path.write_bytes(target.getvalue())
        if name == "regions-1.1":
            with append_segment(
                path, producer="sample", new_uuid=source.new_uuid, clock=source.clock
            ) as segment:
                segment.add("related_dump", related_dump_uuid=uuid.UUID(int=7 | 4 << 76 | 2 << 62))
        document = folder / f"{name}.yaml"
        with open_dump(path) as dump, document.open("w", encoding="utf-8", newline="\n") as out:
            write_yaml(Renderer().parts(dump), out.write)
        written += [path, document]
    return written


if __name__ == "__main__":
    for made in make(HERE):
        print(made.name)
