"""A draft of one's own, a dump in it, and what commands say of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import PLACE, run

from msl_construct.drafts import DRAFTS

__all__ = [
    "BASE",
    "DOCUMENT",
    "FILE",
    "MINE",
    "RULE",
    "a_dump",
    "complained",
    "known_as_before",
    "said",
]

FILE = PLACE / "tests" / "authored" / "mine.py"
MINE = f"{FILE}:MINE"
BASE = "draft-2026-10"
RULE = "MSL-lab-REMARK-WITHOUT-PLACE"

DOCUMENT: dict[str, Any] = {
    "document": 1,
    "format": {"draft": "mine", "byte_order": "little"},
    "header": {
        "cap_bitmap": ["module_list", "process_identity"],
        "os_type": "linux",
        "arch_type": "x86_64",
        "pid": 7,
        "timestamp": "1773528836123456789",
        "clock_source": "clock_realtime",
    },
    "blocks": [
        {
            "block_type": "process_identity",
            "payload": {
                "session_id": 1 << 40,
                "start_time": "1773528800000000000",
                "exe_path": "/bin/true",
                "cmd_line": None,
            },
        },
        {"block_type": "module_list_index", "payload": {"entries": []}},
        {
            "block_type": "analyst_remark",
            "payload": {
                "text": "entry point",
                "certainty": "confirmed",
                "places": [{"address": "0x400000"}],
            },
        },
        {
            "block_type": "end_of_capture",
            "payload": {"acq_end": "1773528837123456789", "block_count": 4},
        },
    ],
}


@pytest.fixture(autouse=True)
def known_as_before() -> Iterator[None]:
    """Whatever a test loads is forgotten: others ask which drafts are known."""
    before = dict(DRAFTS.values_by_name)
    yield
    DRAFTS.values_by_name.clear()
    DRAFTS.values_by_name.update(before)


def said(*words: Any, code: int = 0, data: bytes = b"", folder: Path | None = None) -> str:
    """What a command prints, which must end with a code and blame nobody."""
    done = run(*words, data=data, folder=folder)
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"defect of ours" not in done.stderr
    return done.stdout.decode()


def complained(*words: Any, code: int = 2, folder: Path | None = None) -> str:
    """What a command says on stderr."""
    done = run(*words, folder=folder)
    text = done.stderr.decode()
    assert (done.returncode, done.stdout) == (code, b""), text
    assert "Traceback" not in text
    assert "defect of ours" not in text
    return text


@pytest.fixture(scope="module", name="dump")
def a_dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mine") / "mine.msl"
    said("build", "-", "--draft", MINE, "-o", path, "-q", data=json.dumps(DOCUMENT).encode())
    return path
