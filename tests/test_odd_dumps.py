"""Every odd dump that was ever reported, by name: what each command says of it, with little memory.

What is expected follows from what its README says each file is, not from what we print.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from commands import COMMAND, PATIENCE, PLACE, run
from independent import wire
from independent.specimens import LE11, start
from sampling import sampled

import msl_construct
from msl_construct.reader.unread import unread
from msl_construct.rewrite import convert
from msl_construct.rules import Check
from msl_construct.rules.engine import gaps

ODD = Path(__file__).parent / "data" / "odd" / "dumps"
SPACE = 640 << 20
"""Bytes of address space: one of the files would like to have 821 MiB, another 10 GiB."""
FINE, FINDINGS, INCOMPLETE = 0, 1, 4


@dataclass(frozen=True)
class Fate:
    """What becomes of a file.

    Attributes:
        inspect, verify, check: exit codes.
        says: what stderr has where a command ends with 4.
        gap: the block that could not be looked at.
    """

    inspect: int
    verify: int
    check: int
    says: str = ""
    gap: int | None = None


FATES = {
    # Pages without their bytes: a region lacks what it promises, and nothing follows.
    "01-min-184B": Fate(INCOMPLETE, INCOMPLETE, FINDINGS, "no End-of-Capture"),
    # Large, and in order: no reader may say otherwise for want of memory.
    "30-pagemap-bomb-14KB": Fate(FINE, FINE, FINDINGS),
    "31-zstd-window-misreported": Fate(FINE, FINE, FINDINGS),
    "34-v10-region-not-inflatable-check0": Fate(INCOMPLETE, INCOMPLETE, INCOMPLETE, "block 2", 2),
    "35-hashalgo-unknown-check0": Fate(INCOMPLETE, INCOMPLETE, INCOMPLETE, "hash algorithm 0x03"),
    "36-evil-strings": Fate(FINE, FINE, FINDINGS),
}

FORMS = {
    "inspect": [["--json"], []],
    "verify": [[]],
    "check": [[]],
}


def test_every_file_has_its_fate() -> None:
    assert {path.stem for path in ODD.iterdir()} == set(FATES)


@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS")
@sampled("name", "command", "piped")
@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
@pytest.mark.parametrize("command", list(FORMS))
@pytest.mark.parametrize("name", list(FATES))
def test_what_commands_say_of_it_with_little_memory(name: str, command: str, piped: bool) -> None:
    path, fate = ODD / f"{name}.msl", FATES[name]
    code = getattr(fate, command)
    for form in FORMS[command][: 1 if piped else None]:
        done = subprocess.run(
            [*COMMAND, command, *form, "-" if piped else str(path)],
            input=path.read_bytes() if piped else None, capture_output=True, cwd=PLACE,
            timeout=PATIENCE,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (SPACE, SPACE)),
        )  # fmt: skip
        errors = done.stderr.decode()
        assert done.returncode == code, (form, errors)
        assert "Traceback" not in errors
        assert done.stdout, form
        if code == INCOMPLETE:
            assert errors.count("\n") == 1, errors
            assert fate.says in errors
        assert b"damaged" not in done.stdout + done.stderr or name.startswith(("01", "34"))
        acting = [c for c in done.stdout.decode() if c != "\n" and not c.isprintable()]
        assert not acting, f"{form}: {acting[0]!r}"


@sampled()
@pytest.mark.parametrize("name", list(FATES))
def test_what_the_library_says_of_it(name: str) -> None:
    fate = FATES[name]
    with msl_construct.open(ODD / f"{name}.msl") as dump:
        verdict = dump.verify()
        under_way = Check(dump)
        findings = list(under_way)
        missing = [*gaps(dump), *under_way.unchecked]
        for block in dump.blocks:
            block.hold()
        assert dump.regions or name[:2] in ("34", "35", "36")
    assert verdict.findings == []
    assert verdict.complete == (fate.verify == FINE)
    assert bool(verdict.gaps) == (fate.verify == INCOMPLETE)
    if fate.gap is not None:
        assert [gap.block for gap in verdict.gaps] == [fate.gap]
        assert dump.problems.unread == {fate.gap}
    assert bool(findings) or fate.check != FINDINGS
    assert missing or fate.check != INCOMPLETE


def test_a_limit_is_no_damage_for_whoever_writes_it_anew(tmp_path: Path) -> None:
    """Of 12 regions with maps of 32 MiB not all can be kept at a time."""
    with msl_construct.open(ODD / "30-pagemap-bomb-14KB.msl", max_memory=220 << 20) as dump:
        kept = {one.block.index for region in dump.regions for one in region.fragments}
        regions = {block.index for block in dump.capture_blocks.of_type("memory_region")}
        assert 0 < len(kept) < len(regions)
        lines = list(unread(dump))
        assert len(lines) == len(regions - kept)
        assert all("--max-memory" in line for line in lines)
        with (tmp_path / "new.msl").open("w+b") as file:
            found = convert(dump, file)
    kinds = [loss.kind for loss in found.losses if "max-memory" in loss.text]
    assert kinds == ["limit"] * len(lines)
    assert not [loss for loss in found.losses if loss.kind == "damage"]


def test_recover_says_what_it_could_not_look_at(tmp_path: Path) -> None:
    path = ODD / "30-pagemap-bomb-14KB.msl"
    done = run("recover", path, "-o", tmp_path / "new.msl", "--max-memory", 220 << 20, "--quiet")
    assert done.returncode == INCOMPLETE
    assert f"msl: {path}: limit: block 3 (memory_region) at 0xdc3: " in done.stderr.decode()


def test_recover_keeps_the_blocks_of_a_file_whose_hashes_nobody_knows(tmp_path: Path) -> None:
    path, made = ODD / "35-hashalgo-unknown-check0.msl", tmp_path / "new.msl"
    done = run("recover", path, "-o", made, "--quiet")
    assert done.returncode == INCOMPLETE, done.stderr
    assert "hashes by 0x03: nobody can compute them" in done.stderr.decode()
    with msl_construct.open(path) as dump, msl_construct.open(made) as new:
        assert [block.key for block in new.blocks][1:] == [block.key for block in dump.blocks]
        assert new.verify().intact


def test_a_region_that_goes_on_behind_the_last_address_is_exported(tmp_path: Path) -> None:
    builder = start(LE11)
    pages = b"a" * 0x1000 + b"b" * 0x1000
    payload = wire.memory_region("<", [0, 0], base_addr=(1 << 64) - 0x1000, page_data=pages)
    builder.add(wire.MEMORY_REGION, payload)
    builder.end_capture(block_count=2)
    path, core = tmp_path / "dump.msl", tmp_path / "core"
    path.write_bytes(builder.data())
    done = run("export", path, "--to", "elf-core", "-o", core)
    assert done.returncode in (FINE, INCOMPLETE), done.stderr
    assert pages[:0x1000] in core.read_bytes()
    assert pages[0x1000:] not in core.read_bytes()
    assert "beyond_the_address_space" in (tmp_path / "core.holes.json").read_text()
