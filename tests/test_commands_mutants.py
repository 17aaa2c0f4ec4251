"""Mutants before every command that reads a dump; ``MSL_COMMANDS`` says how many."""

from __future__ import annotations

import os

import pytest
from conftest import SHARED
from fuzzing.commands import COMMANDS, judge
from independent import wire
from independent.memory import known
from independent.specimens import LE11, start
from sampling import part_of

import msl_construct
from msl_construct.cli.group import cli

pytest.importorskip("cryptography")

MUTANTS = int(os.environ.get("MSL_COMMANDS", "64"))
SHARDS = 8
OTHERS = {"acquire", "generate", "import", "keygen", "samples", "schema", "volatility-path"}
"""Commands that read no dump."""


def test_no_command_is_left_out() -> None:
    assert set(COMMANDS) >= set(cli.list_commands(None)) - OTHERS  # type: ignore[arg-type]


@pytest.mark.parametrize("shard", range(SHARDS))
def test_commands_end_as_they_may(shard: int) -> None:
    seeds = [f"{'shared' if SHARED.exists() else 'own'}:{n}" for n in range(shard, MUTANTS, SHARDS)]
    for seed in part_of(seeds):
        try:
            judge(seed)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def test_what_is_known_is_what_the_page_map_says() -> None:
    builder = start(LE11)
    data = bytes(range(256)) * 8
    payload = wire.memory_region(
        "<", [0, 1, 0], base_addr=0x1000, page_size_log2=10, page_data=data
    )
    builder.add(wire.MEMORY_REGION, payload)
    found = known(builder.data())
    assert found.pieces == [(0x1000, data[:1024]), (0x1800, data[1024:])]
    assert found.has(0x1000, data[:1024])
    assert not found.has(0x1400, b"\0")
    assert not found.has(0x13FF, data[1023:1025])
    assert found.at(0x1800) == {data[1024]}
    assert msl_construct.open(builder.data()).memory.read(0x1000, 3072).runs[1][2] == "failed"
