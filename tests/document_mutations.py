# ruff: noqa: E501 - rows of words
"""Random damage to documents: from a seed to a mutated text, the same on every machine."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

Mutation = Callable[[random.Random, str, Sequence[str]], str]

WORDS = (
    "yes", "no", "on", "~", "null", "true", "010", "0x10", "1:30:45", "1e3", ".5", "-1", "0", "5",
    "18446744073709551616", "9" * 5000, "0x" + "f" * 3000, "''", '""', "x", "[]", "{}", "[[]]", "[1, 2]",
    "{raw: 5}", '{"raw": "00"}', '{"text": "a", "raw": "6100"}', "!!bool maybe", "!!binary AAAA", "!x y",
    "&a x", "*a", "&a [*a]", "<<", "? a", "- ", "2026-11-30", "NaN", "-Infinity", "1.5", "\x00", "\x85",
    "\u2028", "\ud800", "\ufeff", "\N{PILE OF POO}", '"\\ud83d"', '"\\x"', "# no", "%TAG ! x", "---", "...", "|", ">-",
    '"' + "A" * 3000 + '"', "[" * 200, "{a: " * 100, "'", '"', "\t", "captured", "zstd", "process_identity",
)  # fmt: skip
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|[A-Za-z0-9_.+-]+')
_MARK = re.compile(r"[\[\]{}:,\"'&*#|>%@`!?-]")


def _span(rng: random.Random, text: str, pattern: re.Pattern[str]) -> tuple[int, int]:
    found = pattern.search(text, rng.randrange(len(text) + 1)) or pattern.search(text)
    return found.span() if found else (0, 0)


def replace_value(rng: random.Random, text: str, _: Sequence[str]) -> str:
    start, end = _span(rng, text, _TOKEN)
    return text[:start] + rng.choice(WORDS) + text[end:]


def swap_values(rng: random.Random, text: str, _: Sequence[str]) -> str:
    (a, b), (c, d) = sorted((_span(rng, text, _TOKEN), _span(rng, text, _TOKEN)))
    return text if b > c else text[:a] + text[c:d] + text[b:c] + text[a:b] + text[d:]


def copy_value(rng: random.Random, text: str, pool: Sequence[str]) -> str:
    other = rng.choice(pool)
    (a, b), (c, d) = _span(rng, text, _TOKEN), _span(rng, other, _TOKEN)
    return text[:a] + other[c:d] + text[b:]


def change_mark(rng: random.Random, text: str, _: Sequence[str]) -> str:
    start, end = _span(rng, text, _MARK)
    return text[:start] + rng.choice(["", *"[]{}:,\"'&*#|>%@`!?-", "\n", " "]) + text[end:]


def line_twice(rng: random.Random, text: str, _: Sequence[str]) -> str:
    lines = text.split("\n")
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
    return "\n".join(lines)


def line_away(rng: random.Random, text: str, _: Sequence[str]) -> str:
    lines = text.split("\n")
    del lines[rng.randrange(len(lines))]
    return "\n".join(lines)


def swap_lines(rng: random.Random, text: str, _: Sequence[str]) -> str:
    lines = text.split("\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return "\n".join(lines)


def indent(rng: random.Random, text: str, _: Sequence[str]) -> str:
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    lines[at] = rng.choice(
        (f" {lines[at]}", lines[at].removeprefix(" "), f"\t{lines[at]}", f"- {lines[at]}")
    )
    return "\n".join(lines)


def cut(rng: random.Random, text: str, _: Sequence[str]) -> str:
    return text[: rng.randrange(len(text) + 1)]


def splice(rng: random.Random, text: str, pool: Sequence[str]) -> str:
    other = rng.choice(pool)
    return text[: rng.randrange(len(text) + 1)] + other[rng.randrange(len(other) + 1) :]


def append(rng: random.Random, text: str, pool: Sequence[str]) -> str:
    return text + rng.choice(("", "\n", "---\n", "}", "]")) + rng.choice((*WORDS, rng.choice(pool)))


def characters(rng: random.Random, text: str, _: Sequence[str]) -> str:
    at = rng.randrange(len(text) + 1)
    return (
        text[:at]
        + chr(rng.choice((0, 1, 9, 10, 0x7F, 0x85, 0x2028, 0xD800, 0xFEFF, 0x1F4A9)))
        + text[at:]
    )


MUTATIONS: tuple[Mutation, ...] = (
    replace_value, replace_value, replace_value, replace_value, swap_values, copy_value, change_mark,
    change_mark, line_twice, line_away, swap_lines, indent, cut, splice, append, characters,
)  # fmt: skip


def mutated_document(seed: str, pool: Sequence[str]) -> str:
    """The document of a seed."""
    rng = random.Random(seed)
    text = rng.choice(pool)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        text = rng.choice(MUTATIONS)(rng, text, pool) or "x"
    return text
