"""Shapes of what is looked for: data files, ours and those of users, in one format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ...abbreviated import abbreviated
from ...errors import PatternError
from ..patterns import SearchPattern, hex_pattern, text_pattern

__all__ = ["CHECKS", "MemoryShape", "NearbyBytes", "library", "load_shapes"]

FORMAT = 1
_MOST_BYTES = 1 << 20
_MOST_SHAPES = 1000
_MOST_LENGTH = 4096
_MOST_AWAY = 4096
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SHAPE = {
    "name",
    "title",
    "schedule",
    "hex",
    "text",
    "lengths",
    "align",
    "context",
    "check",
    "weight",
    "key_type",
    "protocol",
}
_OF_PATTERNS = (
    "pkcs1_private_key",
    "pkcs8_private_key",
    "sec1_private_key",
    "openssh_private_key",
    "ssh_shielded_key",
)
CHECKS = {
    **dict.fromkeys(_OF_PATTERNS, ()),
    "rsa_factor": (64, 96, 128, 192, 256),
    "p256_pair": (32,),
    "x25519_pair": (32,),
    "ed25519_pair": (32,),
    "tls_1_3_secret": (32, 48),
    "tls_1_2_master_secret": (48,),
    "ssh_session_key": (16, 24, 32, 64),
}
"""What can be computed of bytes to find out whether they are what they look like, and of how many
bytes; none: of those that a pattern begins."""


@dataclass(frozen=True)
class NearbyBytes:
    """Bytes that stand near what is found.

    Attributes:
        at: where, from its first byte.
        pattern: what they are.
    """

    at: int
    pattern: SearchPattern


@dataclass(frozen=True)
class MemoryShape:
    """Something that is looked for.

    Attributes:
        name: in results.
        title: what it is.
        schedule: bits of the AES key whose schedule it is; None: it is none.
        patterns: bytes that it begins with; of several, any.
        lengths: bytes that it may have, where it is known by looking like a key.
        align: its address is a multiple of this.
        context: bytes near it.
        check: a computation that it must pass, of `CHECKS`; None: there is none.
        weight: what it is worth, from 0 to 1.
        key_type, protocol: names in the schema, for Key Hints.
        place: file and line that it is from.
    """

    name: str
    title: str
    schedule: int | None = None
    patterns: tuple[SearchPattern, ...] = ()
    lengths: tuple[int, ...] = ()
    align: int = 1
    context: tuple[NearbyBytes, ...] = ()
    check: str | None = None
    weight: float = 0.1
    key_type: str = "unknown"
    protocol: str = "unknown"
    place: str = field(default="", compare=False)


@cache
def library() -> tuple[MemoryShape, ...]:
    """The shapes that come with this package."""
    folder = Path(__file__).parent / "library"
    return load_shapes(sorted(folder.glob("*.yaml")))


def load_shapes(
    paths: Iterable[str | Path], *, besides: Iterable[MemoryShape] = ()
) -> tuple[MemoryShape, ...]:
    """Shapes of files.

    Args:
        besides: others that are looked for, too: no two may be called the same.

    Raises:
        PatternError: a file does not hold shapes, with the place in it.
        OSError: one can't be read.
    """
    found: dict[str, MemoryShape] = {}
    names = {one.name for one in besides}
    for path in paths:
        with open(path, "rb") as file:
            raw = file.read(_MOST_BYTES + 1)
        if len(raw) > _MOST_BYTES:
            raise PatternError(f"{path}: expected at most {_MOST_BYTES} bytes of shapes")
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            whole = yaml.load(raw, Loader=loader)
            nodes = yaml.compose(raw, Loader=loader)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            line = "" if mark is None else f":{mark.line + 1}"
            raise PatternError(f"{path}{line}: is no YAML: {abbreviated(str(error))}") from None
        for shape in _shapes(whole, str(path), _lines(nodes)):
            if shape.name in names:
                raise PatternError(f"{shape.place}: two shapes are called {shape.name}")
            names.add(shape.name)
            found[shape.name] = shape
    return tuple(found.values())


def _lines(root: Any) -> list[dict[str, int]]:
    """Of each shape of a file the lines of its keys; its own under an empty one."""
    found: list[dict[str, int]] = []
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value != "shapes" or not isinstance(value, yaml.SequenceNode):
            continue
        for one in value.value:
            lines = {"": one.start_mark.line + 1}
            if isinstance(one, yaml.MappingNode):
                lines |= {str(inner.value): inner.start_mark.line + 1 for inner, _ in one.value}
            found.append(lines)
    return found


def _shapes(whole: object, path: str, lines: list[dict[str, int]]) -> Iterable[MemoryShape]:
    """The shapes of a file.

    Args:
        lines: from `_lines`.
    """
    if not isinstance(whole, Mapping) or whole.get("msl_shapes") != FORMAT:
        raise PatternError(f"{path}: msl_shapes: expected {FORMAT}, the version of the format")
    unknown = [str(key) for key in whole if key not in ("msl_shapes", "shapes")]
    shapes = whole.get("shapes")
    if unknown or not isinstance(shapes, list) or len(shapes) > _MOST_SHAPES:
        raise PatternError(f"{path}: expected msl_shapes, and shapes: at most {_MOST_SHAPES}")
    for number, one in enumerate(shapes):
        known = lines[number] if number < len(lines) else {}
        line = known.get("", 1)
        if not isinstance(one, Mapping):
            raise PatternError(
                f"{path}:{line}: shapes[{number}]: expected a shape, found {abbreviated(one)}"
            )
        try:
            yield replace(_shape(one), place=f"{path}:{line}")
        except PatternError as error:
            key = str(error).partition(":")[0].partition(".")[0].strip("'")
            line = known.get(key, line)
            raise PatternError(f"{path}:{line}: shapes[{number}]: {error}") from None


def _shape(one: Mapping[Any, Any]) -> MemoryShape:
    for key in one:
        if key not in _SHAPE:
            raise PatternError(
                f"{abbreviated(str(key))}: expected one of {', '.join(sorted(_SHAPE))}"
            )
    name = one.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PatternError(f"name: expected small letters and digits, found {_said(name)}")
    ways = [key for key in ("schedule", "hex", "text", "lengths") if one.get(key) not in (None, [])]
    if len(ways) != 1:
        raise PatternError("expected one of schedule, hex, text and lengths, to be known by")
    schedule = one.get("schedule")
    if schedule not in (None, 128, 192, 256):
        raise PatternError(f"schedule: expected 128, 192 or 256, found {_said(schedule)}")
    lengths = _several(one.get("lengths", []))
    for length in lengths:
        _number("lengths", length, 16, _MOST_LENGTH)
    patterns = [_pattern("hex", text, hex_pattern) for text in _several(one.get("hex", []))]
    patterns += [_pattern("text", text, text_pattern) for text in _several(one.get("text", []))]
    check = one.get("check")
    if check is not None and (not isinstance(check, str) or check not in CHECKS):
        raise PatternError(f"check: expected one of {', '.join(CHECKS)}, found {_said(check)}")
    if check is not None:
        _fits_its_check(check, ways[0], lengths)
    weight = one.get("weight", 0.1)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight <= 1:
        raise PatternError(f"weight: expected a number from 0 to 1, found {_said(weight)}")
    return MemoryShape(
        name,
        _text("title", one.get("title", name)),
        schedule,
        tuple(patterns),
        tuple(sorted(lengths)),
        _number("align", one.get("align", 1), 1, 4096),
        tuple(_context(part) for part in _several(one.get("context", []))),
        check,
        float(weight),
        _word("key_type", one.get("key_type", "unknown")),
        _word("protocol", one.get("protocol", "unknown")),
    )


def _fits_its_check(check: str, way: str, lengths: list[int]) -> None:
    possible = CHECKS[check]
    if bool(possible) != (way == "lengths") or (not possible and way not in ("hex", "text")):
        other = "lengths" if possible else "hex or text"
        raise PatternError(f"check: {check} goes with {other}, found {way}")
    for length in lengths:
        if length not in possible:
            raise PatternError(f"check: {check} is of {possible} bytes, found {length}")


def _context(part: object) -> NearbyBytes:
    if not isinstance(part, Mapping) or set(part) != {"at", "hex"}:
        raise PatternError(f"context: expected at and hex, found {_said(part)}")
    at = _number("context.at", part["at"], -_MOST_AWAY, _MOST_AWAY)
    pattern = _pattern("context.hex", part["hex"], hex_pattern)
    if pattern.longest > _MOST_AWAY:
        raise PatternError(f"context.hex: expected at most {_MOST_AWAY} bytes")
    return NearbyBytes(at, pattern)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _number(key: str, value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise PatternError(f"{key}: expected a number from {least} to {most}, found {_said(value)}")
    return value


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise PatternError(f"{key}: expected a text, in quotes, found {_said(value)}")
    return value


def _pattern(key: str, value: object, pattern_of: Callable[[str], SearchPattern]) -> SearchPattern:
    text = _text(key, value)
    try:
        return pattern_of(text)
    except PatternError as error:
        raise PatternError(f"{key}: {error}") from None


def _word(key: str, value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise PatternError(f"{key}: expected a name of the schema, found {_said(value)}")
    return value


def _said(value: object) -> str:
    return abbreviated(value)
