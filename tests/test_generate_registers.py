"""Registers as numbers in generated parsers, in languages of which a program is a few lines."""

from __future__ import annotations

import shlex
from pathlib import Path

import generated_parsers
import pytest
from independent import wire
from independent.specimens import LE11, start
from languages.toolchains import Missing
from sampling import sampled

WIDEST = 8

PROGRAMS = {
    "python": (
        "registers.py",
        """
import sys
from msl import Msl
for block in Msl.from_file(sys.argv[1]).blocks:
    if isinstance(block.payload, Msl.ThreadContext):
        for one in block.payload.registers:
            print(one.name, "-" if one.value_number is None else one.value_number)
""",
        "python registers.py",
    ),
    "javascript": (
        "registers.js",
        """
const fs = require('fs');
const KaitaiStream = require('kaitai-struct/KaitaiStream');
const {Msl} = require('./Msl');
for (const block of new Msl(new KaitaiStream(fs.readFileSync(process.argv[2]))).blocks) {
  if (!(block.payload instanceof Msl.ThreadContext)) continue;
  for (const one of block.payload.registers) {
    console.log(one.name, one.valueNumber === undefined ? '-' : BigInt(one.valueNumber).toString());
  }
}
""",
        "node registers.js",
    ),
    "ruby": (
        "registers.rb",
        """
require_relative 'msl'
Msl.from_file(ARGV[0]).blocks.each do |block|
  next unless block.payload.is_a?(Msl::ThreadContext)
  block.payload.registers.each { |one| puts "#{one.name} #{one.value_number || '-'}" }
end
""",
        "bundle exec ruby registers.rb",
    ),
    "php": (
        "registers.php",
        """
<?php
require __DIR__ . '/vendor/autoload.php';
foreach (\\Msl::fromFile($argv[1])->blocks() as $block) {
    if (!$block->payload() instanceof \\Msl\\ThreadContext) continue;
    foreach ($block->payload()->registers() as $one) {
        $number = $one->valueNumber();
        $shown = is_float($number) ? sprintf('%.0f', $number) : ($number ?? '-');
        echo $one->name(), ' ', $shown, "\\n";
    }
}
""",
        "php registers.php",
    ),
    "lua": (
        "registers.lua",
        """
package.path = "./?.lua;runtime/?.lua;" .. package.path
require("msl")
for _, block in ipairs(Msl:from_file(arg[1]).blocks) do
  for _, one in ipairs(block.payload.registers or {}) do
    print(one.name .. " " .. (one.value_number and ("%u"):format(one.value_number) or "-"))
  end
end
""".replace('("%u"):format(one.value_number)', 'string.format("0x%x", one.value_number)'),
        "lua registers.lua",
    ),
    "perl": (
        "registers.pl",
        """
use Msl;
for my $block (@{Msl->from_file($ARGV[0])->blocks()}) {
    next unless $block->payload()->isa('Msl::ThreadContext');
    for my $one (@{$block->payload()->registers()}) {
        my $number = $one->value_number();
        print $one->name(), ' ', defined $number ? sprintf('%u', $number) : '-', "\\n";
    }
}
""",
        "perl -I. registers.pl",
    ),
}
EXACT_TO = {"javascript": 53, "php": 63}
"""Bits up to which a number is exact, where it may have fewer than 64."""


REGISTERS = [
    ("none", 0, 0),
    ("al", 1, 0xFE),
    ("ax", 2, 0xFEDC),
    ("odd", 3, 0xFEDCBA),
    ("eax", 4, 0xFEDCBA98),
    ("rip", 8, 0x0000_7F12_3456_789A),
    ("kernel", 8, 0xFFFF_8000_1234_5678),
    ("ones", 8, (1 << 64) - 1),
    ("xmm0", 16, 1 << 127),
]
"""Name, width, value."""


@sampled("language")
@pytest.mark.parametrize("language", PROGRAMS)
def test_registers_are_numbers(language: str, tmp_path: Path) -> None:
    try:
        folder = generated_parsers.ready(language)
    except Missing as missing:
        pytest.skip(f"{language}: {missing}")
    name, program, words = PROGRAMS[language]
    (folder / name).write_text(program.lstrip())
    words = generated_parsers.here(language, words)
    builder = start(LE11)
    rows = [wire.register("<", called, value, width=width) for called, width, value in REGISTERS]
    builder.add(wire.THREAD_CONTEXT, wire.thread_context("<", rows))
    dump = tmp_path / "registers.msl"
    dump.write_bytes(builder.data())
    command = f"{words} {shlex.quote(str(dump))}"
    code, shown, said = generated_parsers.example(folder, command)
    assert (code, said) == (0, "")
    found = [line.split(" ") for line in shown.splitlines()]
    assert [one for one, _ in found] == [one for one, _, _ in REGISTERS]
    for (register, value), (_, width, number) in zip(found, REGISTERS):
        if not 0 < width <= WIDEST:
            assert value == "-", register
        elif number >> EXACT_TO.get(language, 64):
            assert int(value, 0) == int(float(number)), register
        else:
            assert int(value, 0) == number, register
