"""Servers that people run are acquired while a client talks to them: it must not notice.

How long an answer may take is measured in benchmarks/bench_acquire_programs.py; here every
answer must come, and be right.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from acquiring import Dump, acquire, linux_only, report_of, root_only, verified
from commands import PLACE
from sampling import sampled

sys.path.insert(0, str(PLACE / "benchmarks"))

from programs import PROGRAMS, Missing

pytestmark = [linux_only, root_only]

ANSWERS = 50
"""Answers that must have come before, and again behind an acquisition."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """One with a short name that other users can enter: a socket's path has 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="msl-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@sampled("name", "compress")
@pytest.mark.parametrize("compress", ["none", "zstd"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_client_sees_no_error(name: str, compress: str, folder: Path, tmp_path: Path) -> None:
    try:
        with PROGRAMS[name](folder) as served, served.client() as client:
            assert not client.errors
            while client.answers < ANSWERS and not client.errors:
                client.join(0.01)
            dump = tmp_path / "dump.msl"
            acquire(served.pid or client.pid, "-o", dump, "--compress", compress)
            seen = client.answers
            while client.answers < seen + ANSWERS and not client.errors:
                client.join(0.01)
            assert client.errors == []
            assert client.is_alive()
    except Missing as missing:
        pytest.skip(f"needs {name}: {missing}")
    assert verified(dump)["complete"]
    assert report_of(dump)["status"] == "complete"
    assert any(region.data for region in Dump(dump).regions)
