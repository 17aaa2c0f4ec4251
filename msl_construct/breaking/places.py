"""Places in a canonical document by the paths that changes have, and what a reader says there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..drafts import schema
from ..errors import MslError
from ..exports.description import bit_place, case_place
from ..harness.levels import ComparisonLevel, blocks_of, hidden_in_block, hidden_in_payload
from ..schema import Layout, Schema
from ..schema.base import Vocabulary
from ..schema.choice import Choice
from ..schema.codes import BitRange, Enumeration, FlagDefinition
from ..schema.table import Table
from ..schema.vocabulary import Coded, Flags, Reserved
from .classify import Classified
from .paths import layouts_by_path

__all__ = ["NOT_THERE", "DocumentPlace", "LookedAt", "value_at"]

NOT_THERE = object()
"""What stands where a document has nothing."""

Step = str | int
_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]")
_NUMBER = re.compile(r"0x[0-9a-f]+")
_NAMELESS = re.compile(r"bit_\d+|\w+_0x[0-9a-f]+")
_HEADER, _BLOCK_HEADER, _ENCRYPTION = "file_header", "block_header", "encryption_header"
_OF_THE_BLOCK = ("block_type", "damage", "payload")
"""Keys of a block in a document that are about its structure as a whole."""


def _steps(path: str) -> list[Step]:
    """The steps of a JSON path."""
    return [name or int(index) for name, index in _STEP.findall(path)]


def value_at(path: str, document: Any) -> Any:
    """What stands at a JSON path; `NOT_THERE` if nothing does."""
    found = document
    for step in _steps(path):
        known = isinstance(found, dict) if isinstance(step, str) else isinstance(found, list)
        if not known or (step not in found if isinstance(step, str) else step >= len(found)):
            return NOT_THERE
        found = found[step]
    return found


@dataclass(frozen=True)
class DocumentPlace:
    """A place where a reader's document differs from its writer's.

    Attributes:
        paths: as changes have them: of the field, and of the codes or flags that differ.
        is_less: whether the reader shows nothing else there, but less: a number for a name.
    """

    paths: tuple[str, ...]
    is_less: bool

    @classmethod
    def of(
        cls, path: str, expected: dict[str, Any], found: dict[str, Any], draft: str
    ) -> DocumentPlace:
        """A place by its JSON path.

        Args:
            expected: the document as the writer's draft has it.
            found: that of the reader.
            draft: name of the writer's draft.
        """
        where, kind = _located(_steps(path), expected, schema(draft))
        if isinstance(kind, Flags):
            path, where = path.rstrip("[]0123456789"), where.removesuffix("[]")
        meant, shown = value_at(path, expected), value_at(path, found)
        less = shown is NOT_THERE or shown is None or isinstance(kind, Reserved)
        if isinstance(kind, Coded) or where.endswith(".block_type"):
            less = less or (not _is_number(meant) and _is_number(shown))
        elif isinstance(kind, Flags) and isinstance(shown, list):
            less = less or all(one in meant or _NAMELESS.fullmatch(str(one)) for one in shown)
        paths = (where, *_codes(kind, meant, shown)) if where else ()
        return cls(paths, less)


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and bool(_NUMBER.fullmatch(value))


def _codes(kind: Vocabulary | None, meant: Any, shown: Any) -> Iterator[str]:
    """Paths of the codes or flags that a writer means, and the reader does not show."""
    if isinstance(kind, Coded):
        yield from _code(kind.registry, meant)
    if not isinstance(kind, Flags) or not isinstance(meant, list):
        return
    gone = set(meant) - set(shown if isinstance(shown, list) else ())
    for bit in kind.word.bits:
        for name in gone:
            if isinstance(bit, BitRange) and name.startswith(f"{bit.name}_"):
                yield f"{kind.word.name}.{bit_place(bit)}"
                yield from _code(bit.enumeration, name.removeprefix(f"{bit.name}_"))
            elif name == bit.name:
                yield f"{kind.word.name}.{bit_place(bit)}"
    for name in gone:
        if name.startswith("bit_"):
            yield f"{kind.word.name}.{name.removeprefix('bit_')}"


def _code(registry: Enumeration, name: Any) -> Iterator[str]:
    try:
        code = int(registry.encode(name))
    except (MslError, ValueError, KeyError, TypeError):
        return
    yield f"{registry.name}.0x{code:0{2 * registry.width}x}"


def _located(
    steps: list[Step], expected: dict[str, Any], form: Schema
) -> tuple[str, Vocabulary | None]:
    """The path that changes have, and what stands there; empty: it is about the whole file."""
    if steps[0] == "header" and steps[1:2] == ["encryption"]:
        return _inside(_ENCRYPTION, form.encryption_header, None, steps[2:])
    if steps[0] == "header":
        return _inside(_HEADER, form.file_header, None, steps[1:])
    block, inside = _block_of(steps, expected)
    if block is None:
        return "", None
    key = str(block["block_type"])
    if not inside:
        return key, None
    if inside[0] == "compression":
        layout = form.compressed_payload
        return _inside(layout.key, layout, None, inside[1:])
    if inside[0] in _OF_THE_BLOCK and inside[0] != "payload":
        return f"{key}.{inside[0]}", None
    if inside[0] != "payload":
        return _inside(_BLOCK_HEADER, form.block_header, None, inside)
    return _inside(key, form.layouts.get(key), block["payload"], inside[1:])


def _block_of(
    steps: list[Step], expected: dict[str, Any]
) -> tuple[dict[str, Any] | None, list[Step]]:
    """The block that a path leads into, and the rest of the path."""
    if steps[0] == "segments" and len(steps) > 3 and steps[2] == "blocks":
        blocks, index, rest = expected["segments"][steps[1]]["blocks"], steps[3], steps[4:]
    elif steps[0] == "blocks" and len(steps) > 1:
        # Whoever can't hash has all blocks in one list.
        blocks, index, rest = list(blocks_of(expected)), steps[1], steps[2:]
    else:
        return None, []
    return (blocks[index], rest) if isinstance(index, int) and index < len(blocks) else (None, [])


def _inside(
    where: str, layout: Layout | None, value: Any, steps: list[Step]
) -> tuple[str, Vocabulary | None]:
    kind: Vocabulary | None = None
    for step in steps:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
            where += "[]"
            continue
        where += f".{step}"
        field = next((one for one in layout.fields if one.key == step), None) if layout else None
        kind = field.type if field is not None else None
        inner: Layout | None = None
        if layout is not None and field is not None and isinstance(kind, Choice):
            tag = _tag(layout, kind, value)
            inner = None if tag is None else kind.cases.get(tag)
            if tag is not None and inner is not None:
                where += f"<{case_place(field, tag, layout)}>"
        elif isinstance(kind, Table):
            inner = kind.entry
        layout, value = inner, value.get(step) if isinstance(value, dict) else None
    return where, kind


def _tag(layout: Layout, kind: Choice, row: Any) -> int | None:
    """The code by which a row of a document says what its body is."""
    said = row.get(kind.tag_key) if isinstance(row, dict) else None
    chooser = layout.field(kind.tag_key).type
    if isinstance(chooser, Coded) and isinstance(said, str):
        return int(chooser.registry.encode(said))
    return said if isinstance(said, int) else None


class LookedAt:
    """What of a file a reader is asked of: what it is not asked of, it does not say the same of.

    Args:
        expected: the file's document.
        draft: name of the writer's draft.
        level: how much is compared.
    """

    def __init__(self, expected: dict[str, Any], draft: str, level: ComparisonLevel) -> None:
        self._form: Schema = schema(draft)
        self._structures = {_HEADER, _BLOCK_HEADER}
        self._hidden: set[str] = set()
        if "encryption" in expected["header"]:
            self._structures.add(_ENCRYPTION)
        for block in blocks_of(expected):
            hidden = hidden_in_block(block, level)
            if "payload" not in hidden:
                self._structures.add(block["block_type"])
                self._hidden.update(hidden_in_payload(block, level))
            if "compression" in block and "compression" not in hidden:
                self._structures.add(self._form.compressed_payload.key)

    def has(self, change: Classified) -> bool:
        """Whether a change is of something that is compared."""
        if change.kind == "draft":
            return True
        if change.kind == "hash":
            return False  # a document has stored hashes, and no word about what they cover
        if change.kind in ("structure", "field"):
            outer, *inner = re.split(r"[.\[<]", change.where)
            return outer in self._structures and not (inner and inner[-1] in self._hidden)
        name = change.where if change.kind == "registry" else change.where.rpartition(".")[0]
        return name in self._registries()

    def _registries(self) -> Iterator[str]:
        """The registries whose codes and flags stand in what is compared."""
        for where, layout in layouts_by_path(self._form):
            if re.split(r"[.\[<]", where)[0] not in self._structures:
                continue
            for one in layout.fields:
                if one.type.registry_name and one.key not in self._hidden:
                    yield one.type.registry_name
                if isinstance(one.type, Flags):
                    yield from _numbers_of(one.type.word)


def _numbers_of(word: FlagDefinition) -> Iterator[str]:
    """The registries of numbers in several bits of a word."""
    yield from (bit.enumeration.name for bit in word.bits if isinstance(bit, BitRange))
