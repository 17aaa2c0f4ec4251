"""Files of ours, read by somebody else's reader: memslicer, from PyPI.

It is not a dependency. Name an interpreter that has it in MSL_MEMSLICER_PYTHON, or install
it into this one.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import target
from acquiring import PATIENCE, Dump, acquire, linux_only, stopped
from independent.hashing import digest
from sampling import sampled

pytestmark = linux_only

READER = """
import hashlib, json, struct, sys
from memslicer.msl.iterator import iterate_blocks
from memslicer.msl.verify import verify_slice

with open(sys.argv[1], "rb") as file:
    report = verify_slice(file)
with open(sys.argv[1], "rb") as file:
    blocks = [
        (block.block_type, block.block_uuid.hex(), hashlib.sha256(block.payload).hexdigest(),
         block.payload[:32].hex())
        for block in iterate_blocks(file)
    ]
print(json.dumps({
    "valid": report.valid, "capture_ok": report.capture_ok, "chain_ok": report.chain_ok,
    "file_hash_ok": report.file_hash_ok, "block_count_ok": report.block_count_ok,
    "count": report.eoc_block_count, "trailing": report.trailing_bytes,
    "errors": report.errors, "warnings": report.warnings, "blocks": blocks,
}))
"""


def _interpreter() -> str:
    """One that has memslicer; skips the test, by name, without."""
    named = os.environ.get("MSL_MEMSLICER_PYTHON")
    if named:
        return named
    if importlib.util.find_spec("memslicer") is None:
        pytest.skip("needs memslicer: name an interpreter that has it in MSL_MEMSLICER_PYTHON")
    return sys.executable


def _read(path: Path) -> dict[str, Any]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [_interpreter(), "-c", READER, str(path)],
        capture_output=True,
        env=environment,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return dict(json.loads(done.stdout))


@sampled()
@pytest.mark.parametrize("hashing", ["blake3", "sha256"])
@pytest.mark.parametrize("compress", ["none", "zstd", "lz4"])
def test_memslicer_reads_and_verifies_a_file_of_ours(
    compress: str, hashing: str, tmp_path: Path
) -> None:
    _interpreter()
    out = tmp_path / "out.msl"
    with (
        target("e2e_counter", "2", "64", "8", "100") as (process, _),
        stopped(process.pid),
    ):
        acquire(process.pid, "-o", out, "--hash", hashing, "--compress", compress)
    ours = Dump(out)
    theirs = _read(out)
    assert theirs["errors"] == []
    assert theirs["warnings"] == []
    for key in ("valid", "capture_ok", "chain_ok", "file_hash_ok", "block_count_ok"):
        assert theirs[key] is True, key
    assert theirs["trailing"] == 0
    assert theirs["count"] == len(ours.blocks) == len(theirs["blocks"])
    compressed = [block for block in ours.blocks if "compressed" in block["flags"]]
    assert bool(compressed) is (compress != "none")
    # Payloads as they inflate them, byte for byte what the struct-only decoder inflates.
    for block, (_, uuid, sha256, _) in zip(ours.blocks, theirs["blocks"]):
        assert block["block_uuid"].replace("-", "") == uuid
        payload = bytes(ours.payloads[block["index"]])
        assert digest("sha_256", payload).hex() == sha256, block
    regions = [row for row in theirs["blocks"] if row[0] == 0x0001]
    assert len(regions) == len(ours.regions) > 5
    assert [int.from_bytes(bytes.fromhex(row[3])[:8], "little") for row in regions] == [
        region.base for region in ours.regions
    ]
