"""Comparing a decoder's document with the expected one.

What the decoder printed may be anything that JSON can say. Only the expected document is
walked; of what was found no more is looked at than stands beside it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from ..document.shape import ABOUT_DIALECT
from .flat_blocks import is_flat, with_segments_flat
from .kinds import DifferenceKind, kind_of
from .levels import INVALID, ComparisonLevel, hidden_in_block, hidden_in_payload, marks_damage
from .unread import Unread, first_unread

__all__ = ["Comparison", "Difference", "compare", "expected_so_far"]

_LIMIT = 8
"""Differences that are kept."""
_SHOWN = 60
"""Characters of a value that are shown."""
_NAMES = 16
"""Names of flags, of which so many are shown."""
_OFFSETS = "offsets"
_DATA = "data"
_BESIDE_DATA = ("length", "uncompressed_size")
"""Keys of what may have `data`: a stretch of the file, a compressed stream."""
_NOTHING = "nothing"
_PADDED_TO = 8
_BLOCK = re.compile(r"^\$\.(?:segments\[\d+\]\.)?blocks\[\d+\]\.")
_OF_PAYLOAD = re.compile(_BLOCK.pattern + r"(?:payload|compression|damage)\b")
_INDEX = re.compile(r"\[\d+\]|^\$\.")


@dataclass(frozen=True)
class Difference:
    """One place where two documents differ.

    Attributes:
        path: JSON path of the place.
        expected: what is to be there, for people; long values are shortened.
        found: what is there.
        kind: how the one differs from the other.
        place: the path without indices; a block has its type in their place.
    """

    path: str
    expected: str
    found: str
    kind: DifferenceKind = DifferenceKind.VALUE
    place: str = ""


@dataclass
class Comparison:
    """What a comparison brought.

    Attributes:
        differences: the first of them, in document order.
        count: how many there are; a value that is missing counts as one, whatever is in it.
        unmarked: whether a block that is expected to have `damage`, or the type ``invalid``,
            looks good.
        data_hidden: stretches of page data, or of long raw bytes, that are expected and were
            not printed.
        unread: the first block that is not shown.
        limit: how many differences are kept.
    """

    differences: list[Difference] = field(default_factory=list)
    count: int = 0
    unmarked: bool = False
    data_hidden: int = 0
    unread: Unread | None = None
    limit: int = _LIMIT

    def note(self, difference: Difference) -> None:
        """Take in a difference."""
        self.count += 1
        if len(self.differences) < self.limit:
            self.differences.append(difference)


def compare(
    expected: dict[str, Any],
    found: dict[str, Any],
    level: ComparisonLevel = ComparisonLevel.FULL,
    *,
    limit: int = _LIMIT,
) -> Comparison:
    """Where a document differs from the expected one, as far as a level looks.

    The order of keys does not matter; keys called `offsets` are passed over. `file.name` is
    not compared, `file.size` where it is known, `format.draft` and `format.dialect` at the
    level `full`. Of `damage` only the presence counts, and of the payload beside it the keys
    that both documents have. Page data may be left out. Below the level `full` the blocks of
    segments may stand among the others.
    """
    result = Comparison(limit=limit)
    if level is not ComparisonLevel.FULL and is_flat(expected, found):
        expected, found = with_segments_flat(expected, found)
    _Comparer(result, level).document(expected, found)
    if result.count:
        result.unread = first_unread(expected, found)
    return result


def expected_so_far(expected: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """The expected document of a decoder that stopped early: up to where its blocks end.

    A segment whose end it does not take is trailing data to it from its first byte (§4.6).
    """
    for key, behind in (("blocks", ("segments", "trailing")), ("segments", ("trailing",))):
        shown = found.get(key)
        if not isinstance(shown, list):
            return expected
        if len(shown) < len(expected[key]):
            cut = {name: value for name, value in expected.items() if name not in behind}
            return {**cut, key: expected[key][: len(shown)]}
    return expected


_FORMAT = ("draft", "dialect", "byte_order")


class _Comparer:
    """One comparison under way."""

    def __init__(self, result: Comparison, level: ComparisonLevel) -> None:
        self._result = result
        self._level = level
        self._block_type = ""
        self._padded = False  # the value before was right, and has padding behind it
        self._is_text = False  # of the file, and no name of a code
        self._as_stored = False  # a compressed payload was not inflated

    def document(self, expected: dict[str, Any], found: dict[str, Any]) -> None:
        special = {
            "file": self._file,
            "format": self._format,
            "blocks": self._blocks,
            "segments": self._segments,
        }
        whole = "trailing" in expected
        for key, value in expected.items():
            path = f"$.{key}"
            if key == "file":
                self._file(value, found.get(key), path)
            elif key not in found:
                self._missing(value, path)
            else:
                special.get(key, self._value)(value, found[key], path)
        known = (*expected, _OFFSETS, *(() if whole else ("segments", "trailing")))
        self._unexpected(known, found, "$")

    def _file(self, expected: dict[str, Any], found: Any, path: str) -> None:
        """The size may be unknown to whoever reads a pipe."""
        if found is None:
            return
        if not isinstance(found, dict):
            self._differs(path, expected, found)
        elif found.get("size") is not None:
            self._value(expected["size"], found["size"], f"{path}.size")

    def _format(self, expected: Any, found: Any, path: str) -> None:
        full = self._level is ComparisonLevel.FULL
        # Who wrote the file, and what tells so, is said in words of one's own.
        keys = tuple(key for key in expected if key in _FORMAT) if full else ("byte_order",)
        self._mapping(
            expected,
            found,
            path,
            keys=keys,
            hidden=ABOUT_DIALECT if full else (*expected, *ABOUT_DIALECT),
        )

    def _blocks(self, expected: list[Any], found: Any, path: str) -> None:
        self._list(expected, found, path, self._block)

    def _segments(self, expected: list[Any], found: Any, path: str) -> None:
        self._list(expected, found, path, self._segment)

    def _segment(self, expected: dict[str, Any], found: Any, path: str) -> None:
        keys = tuple(key for key in expected if key != "blocks")
        self._mapping(expected, found, path, keys=keys, hidden=("blocks",))
        if isinstance(found, dict):
            if "blocks" in found:
                self._blocks(expected["blocks"], found["blocks"], f"{path}.blocks")
            else:
                self._missing(expected["blocks"], f"{path}.blocks")

    def _block(self, expected: dict[str, Any], found: Any, path: str) -> None:
        self._block_type = expected["block_type"]
        self._padded = False
        self._as_stored = isinstance(found, dict) and _is_as_stored(expected, found)
        if not isinstance(found, dict):
            self._differs(path, expected, found)
            return
        if expected["block_type"] == INVALID and found.get("block_type") != INVALID:
            self._result.unmarked = True
        hidden = hidden_in_block(expected, self._level)
        apart = (*hidden, "damage", "payload")
        if "damage" in expected and not ("compression" in expected and "compression" in found):
            apart = (*apart, "compression")
        keys = tuple(key for key in expected if key not in apart)
        self._mapping(expected, found, path, keys=keys, hidden=apart)
        self._damage(expected, found, path)
        if "payload" in hidden:
            return
        if "payload" in found:
            self._payload(expected, found["payload"], f"{path}.payload")
        elif "damage" not in expected:
            self._missing(expected["payload"], f"{path}.payload")

    def _damage(self, expected: dict[str, Any], found: dict[str, Any], path: str) -> None:
        """Only whether it is there; where the reason is out of sight either will do."""
        there = bool(found.get("damage"))
        path = f"{path}.damage"
        if marks_damage(expected, self._level) and not there:
            self._result.unmarked = True
            kind = DifferenceKind.DAMAGE_UNSEEN
            self._note(path, _text(expected["damage"]), _NOTHING, kind)
        in_sight = "damage" not in hidden_in_block(expected, self._level)
        if there and in_sight and "damage" not in expected:
            self._note(path, _NOTHING, _text(found["damage"]), DifferenceKind.DAMAGE_MADE_UP)

    def _payload(self, block: dict[str, Any], found: Any, path: str) -> None:
        expected = block["payload"]
        hidden = hidden_in_payload(block, self._level)
        keys = tuple(key for key in expected if key not in hidden)
        if "damage" not in block:
            self._mapping(expected, found, path, keys=keys, hidden=hidden)
        elif isinstance(found, dict):
            both = tuple(key for key in keys if key in found)
            self._mapping(expected, found, path, keys=both, hidden=tuple(found))
        elif found is not None:
            self._differs(path, expected, found)

    # -- values of any kind ------------------------------------------------------------------

    def _value(self, expected: Any, found: Any, path: str) -> None:
        if isinstance(expected, dict):
            self._mapping(expected, found, path, keys=tuple(expected))
        elif isinstance(expected, list):
            self._list(expected, found, path, self._value)
        elif type(expected) is not type(found) or expected != found:
            self._note(path, *_apart(expected, found), self._kind(path, expected, found))
        else:
            self._padded = False

    def _mapping(
        self,
        expected: dict[str, Any],
        found: Any,
        path: str,
        *,
        keys: tuple[str, ...],
        hidden: tuple[str, ...] = (),
    ) -> None:
        if not isinstance(found, dict):
            self._differs(path, expected, found)
            return
        for key in keys:
            inner = _join(path, key)
            if key == _DATA and isinstance(expected[key], str):
                self._data(expected[key], found, inner)
            elif key not in found:
                self._missing(expected[key], inner)
            else:
                count = self._result.count
                self._is_text = f"{key}_len" in expected
                self._value(expected[key], found[key], inner)
                self._is_text = False
                length = expected.get(f"{key}_len")
                odd = isinstance(length, int) and bool(length % _PADDED_TO)
                self._padded = odd and count == self._result.count
        more = (_DATA,) if any(key in expected for key in _BESIDE_DATA) else ()
        self._unexpected((*keys, *hidden, *more, _OFFSETS), found, path)

    def _data(self, expected: str, found: dict[str, Any], path: str) -> None:
        """Page data, a stored stream, long raw bytes: whoever shows none has not failed.

        Of a stored stream nothing is lost by that: what is inside it is compared.
        """
        if self._level is not ComparisonLevel.FULL:
            return
        if found.get(_DATA) is None:
            self._result.data_hidden += "length" in found
        else:
            self._value(expected, found[_DATA], path)

    def _list(self, expected: list[Any], found: Any, path: str, each: Any) -> None:
        kind = self._kind(path, expected, found)
        if not isinstance(found, list) or (kind.is_telling and expected != found):
            self._note(path, _text(expected), _text(found), kind)
            return
        if len(expected) != len(found):
            self._note(path, _text(expected), _text(found), DifferenceKind.LIST_LENGTH)
        for index, (left, right) in enumerate(zip(expected, found)):
            each(left, right, f"{path}[{index}]")

    def _missing(self, expected: Any, path: str) -> None:
        self._note(path, _text(expected), _NOTHING, DifferenceKind.MISSING)

    def _unexpected(self, known: tuple[str, ...], found: dict[str, Any], path: str) -> None:
        for key in found:
            if key not in known:
                inner = _join(path, key)
                self._note(inner, _NOTHING, _text(found[key]), DifferenceKind.UNEXPECTED)

    # -- what is noted -----------------------------------------------------------------------

    def _differs(self, path: str, expected: Any, found: Any) -> None:
        self._note(path, _text(expected), _text(found), self._kind(path, expected, found))

    def _kind(self, path: str, expected: Any, found: Any) -> DifferenceKind:
        key = re.sub(r"(?:\[\d+\])+\Z", "", path).rpartition(".")[2]
        return kind_of(key, expected, found, padded=self._padded, is_text=self._is_text)

    def _note(self, path: str, expected: str, found: str, kind: DifferenceKind) -> None:
        if self._as_stored and _OF_PAYLOAD.match(path):
            kind = DifferenceKind.COMPRESSED_AS_STORED
        place = _BLOCK.sub(f"{self._block_type}.", path)
        self._result.note(Difference(path, expected, found, kind, _INDEX.sub("", place)))
        self._padded = False


def _is_as_stored(expected: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether a payload is compressed, and not shown as compressed in the same way."""
    due, shown = expected.get("compression"), found.get("compression")
    if not isinstance(due, dict) or "damage" in expected:
        return False
    return not isinstance(shown, dict) or shown.get("algorithm") != due.get("algorithm")


def _join(path: str, key: str) -> str:
    if key.isascii() and key.isidentifier():
        return f"{path}.{key[:_SHOWN]}"
    return f"{path}[{_text(key)}]"


def _apart(expected: Any, found: Any) -> tuple[str, str]:
    """Two values for people, long texts from where they part."""
    if not (isinstance(expected, str) and isinstance(found, str)):
        return _text(expected), _text(found)
    same = 0
    for left, right in zip(expected, found):
        if left != right:
            break
        same += 1
    if max(len(expected), len(found)) <= _SHOWN or same < _SHOWN // 2:
        return _text(expected), _text(found)
    start = same - 8
    where = f" at character {same}"
    return f"…{_text(expected[start:])}{where}", f"…{_text(found[start:])}{where}"


def _text(value: Any) -> str:
    """A value for people; of what has parts only how many."""
    if isinstance(value, dict):
        return f"an object of {len(value)} keys"
    if isinstance(value, list) and not _are_names(value):
        return f"a list of {len(value)}"
    text = json.dumps(value[: _SHOWN + 1] if isinstance(value, str) else value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _are_names(value: list[Any]) -> bool:
    return len(value) < _NAMES and all(isinstance(one, str) and len(one) < _SHOWN for one in value)
