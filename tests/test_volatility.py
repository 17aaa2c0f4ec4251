"""Volatility 3 on dumps: its own scanners run on our layer, and holes stay holes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import PLACE, run
from sampling import only_whole, sampled
from test_convert_limits import made

SAMPLE = PLACE / "samples" / "live-le.msl"


def test_the_folder_is_printed() -> None:
    done = run("volatility-path")
    assert done.returncode == 0
    folder = Path(done.stdout.decode().rstrip("\n"))
    assert [path.name for path in folder.glob("*.py")] == ["msl.py"]


def volatility(*words: str, cache: Path, sample: Path = SAMPLE, plugins: Path | None = None) -> str:
    pytest.importorskip("volatility3")
    folder = str(PLACE / "msl_construct" / "volatility" / "plugins")
    folder += "" if plugins is None else f";{plugins}"
    program = "import sys; sys.argv[0] = 'vol'; from volatility3.cli import main; main()"
    command = [sys.executable, "-c", program, "-q", "--cache-path", str(cache), "-p", folder]
    done = subprocess.run(
        [*command, "-f", str(sample), "-r", "csv", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(PLACE)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_regions_and_modules_are_those_of_the_dump(tmp_path: Path) -> None:
    import msl_construct

    only_whole("its scanners run on the same layer")
    with msl_construct.open(SAMPLE) as dump:
        shown = volatility("msl.Regions", cache=tmp_path)
        for region in dump.regions:
            assert f"{region.base_addr:#x},{region.end:#x}" in shown
        shown = volatility("msl.Modules", cache=tmp_path)
        for module in dump.modules:
            assert module["path"] in shown


@sampled()
@pytest.mark.parametrize(
    ("scanner", "option"),
    [("regexscan.RegExScan", "--pattern"), ("yarascan.YaraScan", "--yara-string")],
)
def test_its_own_scanners_find_what_is_in_captured_memory(
    scanner: str, option: str, tmp_path: Path
) -> None:
    """At its virtual address, as often as it stands there, and nowhere else."""
    import msl_construct

    if scanner.startswith("yara"):
        pytest.importorskip("yara_x")
    with msl_construct.open(SAMPLE) as dump:
        address, length, _ = next(
            one for one in dump.memory.states(*next(dump.memory.ranges())) if one[2] == "captured"
        )
        data = bytes(dump.memory.read(address, length))
        text = next(data[at : at + 8] for at in range(len(data) - 8) if data[at : at + 8].isalnum())
        expected = set()
        for start, end in dump.memory.ranges():
            for at, size, state in dump.memory.states(start, end):
                part = bytes(dump.memory.read(at, size)) if state == "captured" else b""
                expected |= {at + hit.start() for hit in re.finditer(re.escape(text), part)}
    shown = volatility(scanner, option, text.decode(), cache=tmp_path)
    assert {int(one, 16) for one in re.findall(r"^\d+,(0x[0-9a-f]+)", shown, re.M)} == expected


def dump_of_a_thread(*flags: str) -> bytes:
    """A dump whose one thread has a stack pointer with these flags."""
    pc = {"name": "rip", "value": bytes(range(1, 9)), "flags": ["pc"]}
    sp = {"name": "rsp", "value": bytes(range(8)), "flags": list(flags)}
    return made([(0x10000, [("captured", 1)])], registers=[pc, sp])


def test_a_register_that_nobody_knows_is_not_zero(tmp_path: Path) -> None:
    only_whole("its scanners run on the same layer")
    data = bytearray(dump_of_a_thread("sp"))
    others = dump_of_a_thread("sp", "fp")
    data[next(at for at in range(len(data)) if data[at] != others[at])] = 0
    sample = tmp_path / "dump.msl"
    sample.write_bytes(data)
    shown = volatility("msl.Threads", cache=tmp_path, sample=sample)
    (row,) = [line for line in shown.splitlines() if "0x807060504030201" in line]
    assert not row.endswith("0x0")
