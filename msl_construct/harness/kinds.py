"""What kind of difference two values make, and what a decoder does that makes it.

A value of a document is compared with what stands in its place. Most mistakes of decoders leave
a trace in it: bytes in the other order, a NUL at the end, a name that is spelled otherwise.
"""

from __future__ import annotations

import re
from enum import Enum
from itertools import islice
from typing import Any

__all__ = ["HINTS", "DifferenceKind", "kind_of"]


class DifferenceKind(str, Enum):
    """How a value differs from the expected one."""

    MISSING = "missing"
    """The key is not there."""
    UNEXPECTED = "unexpected"
    """There is a key that is not expected."""
    BYTES_REVERSED = "bytes-reversed"
    """The number with its bytes in the other order."""
    UUID_WORDS = "uuid-words"
    """The UUID with the bytes of its first words, or all, in the other order."""
    FLAGS_AS_NUMBER = "flags-as-number"
    """A number where the names of flags are expected."""
    FLAGS = "flags"
    """Other flags."""
    CODE_AS_NUMBER = "code-as-number"
    """A number where the name of a code is expected."""
    CODE_NAME = "code-name"
    """Another name of a code."""
    TEXT_WITH_NUL = "text-with-nul"
    """The text, and the NUL or the padding behind it."""
    TEXT_CUT = "text-cut"
    """The beginning of the text."""
    LENGTH_WITHOUT_NUL = "length-without-nul"
    """A text's length that is off by one."""
    MAP_SHIFTED = "map-shifted"
    """The states of the pages before or behind."""
    MAP_ORDER = "map-order"
    """The states of four pages, which share a byte, in another order."""
    MAP_STATES = "map-states"
    """One state of pages in the place of another, throughout."""
    MAP_SHIFTED_OR_STATES = "map-shifted-or-states"
    """Either: there are too few pages to tell."""
    SIGNED = "signed"
    """The number below zero that has the same bytes."""
    COMPRESSED_AS_STORED = "compressed-as-stored"
    """Anything of a payload that is compressed and was not inflated."""
    BEHIND_PADDING = "behind-padding"
    """Wrong, and the first value behind one whose length is no multiple of 8."""
    NUMBER_AS_TEXT = "number-as-text"
    """A number in quotes, or the number of what is expected as text."""
    ANOTHER_BASE = "another-base"
    """The same number, written in another base or with other leading zeros."""
    OFF_BY_ONE = "off-by-one"
    """The number before or behind."""
    LIST_LENGTH = "list-length"
    """A list that is shorter or longer."""
    TYPE = "type"
    """A value of another JSON type."""
    DAMAGE_UNSEEN = "damage-unseen"
    """A block that is not what it says looks good."""
    DAMAGE_MADE_UP = "damage-made-up"
    """A block that is good is called damaged."""
    VALUE = "value"
    """Another value of the same type."""

    @property
    def is_telling(self) -> bool:
        """Whether it says what the decoder does wrong, wherever it stands."""
        return self in HINTS


HINTS = {
    DifferenceKind.BYTES_REVERSED: "Numbers have their bytes in the other order: Endianness in the "
    "file header (§3) says in which order the bytes of every number stand.",
    DifferenceKind.UUID_WORDS: "Words of UUIDs are swapped: a UUID is sixteen bytes in the order "
    "in which they are written, whatever the file's byte order (RFC 4122), and no GUID.",
    DifferenceKind.FLAGS_AS_NUMBER: "Flags are shown as a number: the document has a list of "
    "names, and bit_N for a bit without one.",
    DifferenceKind.FLAGS: "Other flags are shown: bits are counted from the lowest one of the "
    "number, and one without a name is bit_N.",
    DifferenceKind.CODE_AS_NUMBER: "Codes of enumerations are shown as numbers: the document has "
    "their names, and 0x and digits for a code without one.",
    DifferenceKind.CODE_NAME: "Names of enumerations' codes are others: the document has the "
    "specification's names in snake_case; msl schema show lists them.",
    DifferenceKind.TEXT_WITH_NUL: "Texts end with the NUL: the length of a text counts it "
    "(§1.3), and it is no part of the text.",
    DifferenceKind.TEXT_CUT: "Texts are cut short: the length of a text counts its NUL, and "
    "bytes of UTF-8, not characters (§1.3).",
    DifferenceKind.LENGTH_WITHOUT_NUL: "Lengths of texts are off by one: they are shown as "
    "stored, which counts the NUL (§1.3).",
    DifferenceKind.MAP_SHIFTED: "Page states are off by one page: the map (§5.1) is shifted, "
    "and its first two bits are the state of page 0.",
    DifferenceKind.MAP_ORDER: "Page states of the four pages of a byte stand in another order: "
    "page 0 is in the two highest bits of byte 0 (§5.1).",
    DifferenceKind.MAP_STATES: "A state of pages is shown as another, such as failed as captured: "
    "each value of a page's two bits (§5.1) is a state of its own, and only captured pages have "
    "bytes.",
    DifferenceKind.MAP_SHIFTED_OR_STATES: "Page states are off by one page, or one state is shown "
    "as another (§5.1).",
    DifferenceKind.SIGNED: "Numbers have a sign: every number of the format is unsigned, so that "
    "addresses and times from 2^63 on are not below zero.",
    DifferenceKind.COMPRESSED_AS_STORED: "Compressed payloads are read as they are stored: where "
    "a block's flags have Compressed, its payload is inflated first (§4.2).",
    DifferenceKind.BEHIND_PADDING: "Padding is not passed over: texts and blobs are stored "
    "padded to a multiple of 8 bytes (§1.3), and the next field stands behind the padding.",
    DifferenceKind.NUMBER_AS_TEXT: "Numbers and texts are confused: the document has times "
    "as decimal strings, addresses and masks as hex strings, and everything else as numbers.",
    DifferenceKind.ANOTHER_BASE: "Numbers are written in another form: hex strings have lower-case "
    "digits and no leading zeros, but for codes and versions; times are decimal strings.",
    DifferenceKind.DAMAGE_UNSEEN: "Blocks look good that are not what they say: they need "
    "damage, or the file has to be refused.",
    DifferenceKind.DAMAGE_MADE_UP: "Blocks are called damaged that are good.",
}
"""What is to be done about a kind, where one kind has one cause."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_HEX = re.compile(r"[0-9a-f-]{4,}")
_WIDTHS = (2, 4, 8)
_MAP_KEY = "page_state_map"
_RUNS = "runs"
"""Where the runs of a map stand that has bits behind its last page."""
_LENGTH = "_len"
_PAGES_LOOKED_AT = 4096
_ORDERS = ((3, 2, 1, 0), (1, 0, 3, 2), (2, 3, 0, 1))
"""Pages of a byte when it is read from its other end, by halves, by pairs."""


def kind_of(
    key: str, expected: Any, found: Any, *, padded: bool = False, is_text: bool = False
) -> DifferenceKind:
    """The kind of a difference between two values that are both there.

    Args:
        key: the key of the value, that of the list for an element of one.
        expected: what is to be there.
        found: what is there.
        padded: whether the value before it was right, and has padding behind it.
        is_text: whether it is a text of the file, and no name of a code.
    """
    kind = _told(key, expected, found, is_text)
    if padded and not kind.is_telling:
        return DifferenceKind.BEHIND_PADDING
    return kind


def _told(key: str, expected: Any, found: Any, is_text: bool) -> DifferenceKind:
    if isinstance(expected, list):
        return _of_list(key, expected, found)
    if isinstance(expected, str) and isinstance(found, str):
        return _of_texts(expected, found, is_text)
    if _is_number(expected) and _is_number(found):
        return _of_numbers(key, expected, found)
    if isinstance(expected, str) and _is_number(found):
        is_number = _number(expected) is not None
        return DifferenceKind.NUMBER_AS_TEXT if is_number else DifferenceKind.CODE_AS_NUMBER
    if _is_number(expected) and isinstance(found, str):
        same = _number(found) == expected
        return DifferenceKind.NUMBER_AS_TEXT if same else DifferenceKind.TYPE
    return DifferenceKind.TYPE if type(expected) is not type(found) else DifferenceKind.VALUE


def _of_list(key: str, expected: list[Any], found: Any) -> DifferenceKind:
    flags = all(isinstance(one, str) for one in expected)
    if flags and (_is_number(found) or (isinstance(found, str) and _number(found) is not None)):
        return DifferenceKind.FLAGS_AS_NUMBER
    if key == _MAP_KEY and isinstance(found, dict):
        found = found.get(_RUNS)  # the bits behind the last page are set
    if not isinstance(found, list):
        return DifferenceKind.TYPE
    if key in (_MAP_KEY, _RUNS):
        return _of_maps(expected, found)
    if flags and all(isinstance(one, str) for one in found):
        spelled = {_plain(one) for one in expected} == {_plain(one) for one in found}
        return DifferenceKind.CODE_NAME if spelled and expected else DifferenceKind.FLAGS
    return DifferenceKind.LIST_LENGTH if len(expected) != len(found) else DifferenceKind.VALUE


def _of_texts(expected: str, found: str, is_text: bool) -> DifferenceKind:
    if not is_text and _HEX.fullmatch(expected) and _digits(found) == _digits(expected):
        return DifferenceKind.ANOTHER_BASE
    if _UUID.match(expected):
        swapped = _swapped(expected, found)
        return DifferenceKind.UUID_WORDS if swapped else DifferenceKind.VALUE
    number, other = _number(expected), _number(found)
    if number is not None:
        if other is None:
            return DifferenceKind.VALUE
        return DifferenceKind.ANOTHER_BASE if number == other else _of_numbers("", number, other)
    if expected and found.startswith(expected) and not found[len(expected) :].strip("\0"):
        return DifferenceKind.TEXT_WITH_NUL
    is_name = not is_text and re.fullmatch(r"[a-z][a-z0-9_]*", expected)
    if is_name and re.fullmatch(r"[\w .:/-]+", found):
        due, shown = _plain(expected), _plain(found)
        alike = shown and (due in shown or shown in due)
        return DifferenceKind.CODE_NAME if alike else DifferenceKind.VALUE
    cut = found and expected.startswith(found)
    return DifferenceKind.TEXT_CUT if cut else DifferenceKind.VALUE


def _of_numbers(key: str, expected: int, found: int) -> DifferenceKind:
    for width in _WIDTHS:
        if 0 <= expected < 1 << 8 * width:
            raw = expected.to_bytes(width, "big")
            if raw[::-1] != raw and int.from_bytes(raw, "little") == found:
                return DifferenceKind.BYTES_REVERSED
    if found < 0 and expected - found in (1 << 8 * width for width in _WIDTHS):
        return DifferenceKind.SIGNED
    if abs(expected - found) == 1:
        of_text = key.endswith(_LENGTH) and found == expected - 1
        return DifferenceKind.LENGTH_WITHOUT_NUL if of_text else DifferenceKind.OFF_BY_ONE
    return DifferenceKind.VALUE


def _of_maps(expected: list[Any], found: list[Any]) -> DifferenceKind:
    """Two lists of runs, ``[first page, pages, state]``."""
    due, shown = _states(expected), _states(found)
    if due is None or shown is None:
        return DifferenceKind.VALUE
    merged = _merged(due, shown)
    if len(due) < 2:
        return DifferenceKind.MAP_STATES if merged else DifferenceKind.VALUE
    if len(due) == len(shown):
        if due[:-1] == shown[1:] or due[1:] == shown[:-1]:
            unsure = DifferenceKind.MAP_SHIFTED_OR_STATES
            return unsure if merged else DifferenceKind.MAP_SHIFTED
        if merged:
            return DifferenceKind.MAP_STATES
        for order in _ORDERS:
            whole = len(due) // 4 * 4
            turned = [due[at // 4 * 4 + order[at % 4]] for at in range(whole)]
            if whole and turned == shown[:whole]:
                return DifferenceKind.MAP_ORDER
    elif abs(len(due) - len(shown)) == 1 and (due[1:] == shown or due == shown[1:]):
        return DifferenceKind.MAP_SHIFTED
    return DifferenceKind.VALUE


def _merged(due: list[str], shown: list[str]) -> bool:
    """Whether each state is shown as one, and two as the same, or the only one as another."""
    if len(due) != len(shown):
        return False
    names: dict[str, str] = {}
    if any(names.setdefault(one, other) != other for one, other in zip(due, shown)):
        return False
    spelled = all(_plain(one) == _plain(other) for one, other in names.items())
    return not spelled and (len(names) == 1 or len({*names.values()}) < len(names))


def _states(runs: list[Any]) -> list[str] | None:
    """The state of each page, of so many as are looked at; None: these are no runs."""
    states: list[str] = []
    for run in runs:
        if not (isinstance(run, list) and len(run) == 3 and _is_number(run[1])):
            return None
        room = _PAGES_LOOKED_AT - len(states)
        states += [str(run[2])] * max(0, min(int(run[1]), room))
    return states


def _swapped(expected: str, found: str) -> bool:
    """Whether words of a UUID have their bytes in the other order."""
    try:
        due, shown = bytes.fromhex(expected.replace("-", "")), _sixteen(found)
    except ValueError:
        return False
    if due == shown:
        return False
    guid = due[3::-1] + due[5:3:-1] + due[7:5:-1] + due[8:]
    words = b"".join(due[at : at + 4][::-1] for at in range(0, 16, 4))
    halves = due[7::-1] + due[:7:-1]
    return shown in (guid, words, halves, due[8:] + due[:8], due[::-1])


def _sixteen(text: str) -> bytes:
    digits = "".join(islice((c for c in text if c in "0123456789abcdefABCDEF"), 33))
    return bytes.fromhex(digits)


def _digits(text: str) -> str:
    """Hex digits of bytes or of a UUID, however they are written."""
    return re.sub(r"[-{}: ]|^0[xX]", "", text).lower()


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(text: str) -> int | None:
    """The number that a text is, decimal or in hex behind 0x."""
    if re.fullmatch(r"-?0[xX][0-9a-fA-F]{1,32}", text):
        return int(text, 16)
    return int(text) if re.fullmatch(r"-?[0-9]{1,39}", text) else None


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
