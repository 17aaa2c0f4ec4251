"""What is asked first of the many blocks that break no rule: it must never hide one that does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from commands import PLACE
from sampling import part_of

import msl_construct
from msl_construct.drafts import PUBLIC, schema
from msl_construct.errors import MslError
from msl_construct.reader.block import RAW, Block
from msl_construct.rules import Scope, rules_for
from msl_construct.rules.engine import known_rules
from msl_construct.rules.model import any_block
from msl_construct.schema import Field, Layout
from msl_construct.schema.base import Between, Binding, OneOf
from msl_construct.schema.vocabulary import Coded, Fixed, Uint

SAMPLES = sorted((PLACE / "samples").rglob("*.msl"))
_MOST = 100_000


def blocks(path: Path) -> Iterator[Block]:
    if path.stat().st_size > _MOST:
        return
    try:
        with msl_construct.open(path) as dump:
            if not dump.locked:
                yield from dump.blocks
    except MslError:
        return


def test_a_rule_says_nothing_of_blocks_that_it_does_not_concern() -> None:
    concerned = 0
    for path in part_of(SAMPLES, lambda path: path.parent.name):
        for block in blocks(path):
            code, flags, *_ = block.identity
            for rule in rules_for(block.schema.draft):
                if rule.scope is not Scope.BLOCK or rule.derived:
                    continue
                if rule.concerns(block.schema.blocks.get(code), flags):
                    concerned += 1
                else:
                    assert not list(rule.find(block)), (path, rule.id)
    assert concerned


def test_a_sound_value_has_no_problem() -> None:
    """Of the corpus, which has one fault of every kind, and of headers with bits turned over."""
    rng = random.Random(11)
    seen = dict.fromkeys((True, False), 0)
    for path in part_of(SAMPLES, lambda path: path.parent.name):
        for block in blocks(path):
            layout = block.schema.block_header
            raw = bytearray(block.source.read(block.offset, layout.size))
            for _ in range(3):
                record = layout.parse(bytes(raw))
                sound = layout.is_sound_stored(bytes(raw))
                assert not (sound and list(layout.problems_of(record))), path
                assert layout.is_sound(record) == (not list(layout.problems_of(record)))
                raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
            kind = block.type
            if kind is None or kind.layout is None or RAW in block.payload:
                continue
            problems = list(kind.layout.problems_of(block.payload))
            assert kind.layout.is_sound(block.payload) == (not problems), (path, block)
            seen[not problems] += 1
    assert min(seen.values())


def test_every_code_and_number_is_looked_at_as_it_is_judged() -> None:
    """Of fields of one or two bytes, in every structure of every draft."""
    looked = 0
    for draft in PUBLIC:
        for layout in schema(draft).layouts.values():
            for part in layout.structures():
                for field in part.fields:
                    kind = field.type
                    if not isinstance(kind, (Coded, Uint)) or kind.width > 2:
                        continue
                    assert isinstance(part, Layout)
                    sound = part.sound_of(field.key)
                    if sound is None:
                        continue
                    looked += 1
                    for value in _values(kind):
                        decoded = kind.load(value)
                        bad = list(kind.problems(decoded, {}))
                        assert not (sound(decoded, {}) and bad), (draft, part, field.key, value)
    assert looked > 20


def _values(kind: Fixed) -> set[int]:
    """All of a byte; of two the registered codes, what is next to them, and others."""
    if kind.width == 1:
        return set(range(256))
    known = [one.code for one in kind.registry.values] if isinstance(kind, Coded) else []
    near = {code + step for code in known for step in (-1, 0, 1)}
    return {value for value in near if 0 <= value < 1 << 16} | set(range(0, 1 << 16, 251))


def test_a_class_that_says_otherwise_what_a_problem_is_is_asked_itself() -> None:
    """Nobody has to think of the first look: without one of its own, a derived class has none."""

    class Odd(Uint):
        def problems(self, value, record):  # type: ignore[no-untyped-def]
            return iter(())

    plain = Field("A", Uint(1, valid=OneOf((1,))), "A number.")
    odd = Field("B", Odd(1, valid=OneOf((1,))), "A number.")
    bound = Layout("Thing", "§1", [plain, odd])
    binding = _binding()
    layout = bound.bound(binding)
    assert layout.sound_of("a") is not None
    assert layout.sound_of("b") is None
    assert not layout.is_sound_stored(b"\1\1")
    assert layout.is_sound(layout.parse(b"\1\2"))
    assert not layout.is_sound(layout.parse(b"\2\2"))


def test_codes_may_be_limited_to_a_range_as_numbers_are() -> None:
    kind = Coded("OSType", valid=Between(0, 2))  # type: ignore[arg-type]
    layout = Layout("Thing", "§1", [Field("A", kind, "A code.")]).bound(_binding())
    width = layout.size
    for code in range(5):
        assert layout.is_sound_stored(code.to_bytes(width, "little")) == (code <= 2)


def _binding():  # type: ignore[no-untyped-def]
    own = schema(PUBLIC[-1])
    return Binding("<", own.enumerations, own.flags, own.page_states, own.name)


def test_every_written_rule_of_blocks_says_what_it_concerns() -> None:
    """One that does not is put to every block, which costs everybody."""
    for draft in PUBLIC:
        for rule in known_rules(schema(draft).draft):
            if rule.scope is Scope.BLOCK and not rule.derived:
                assert rule.concerns is not any_block, rule.id
