"""Reading a document that is YAML: libyaml's events made into values, a block at a time.

PyYAML's own loaders make nodes of the events first and know of no limits: a key that stands twice
replaces the first, an alias may stand for a gigabyte, and what a word means follows YAML 1.1 alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from ..abbreviated import abbreviated
from ..errors import DocumentError
from .field_path import steps_of
from .plain_scalars import plain_value
from .shape import LISTS
from .text import Text

__all__ = ["YamlDocument"]

_DEEPEST = 64
_ALIASED = 4 << 20
"""Characters that all aliases together may stand for, with as many for each value as follows."""
_EACH = 8
_REMEMBERED = 4096
_TAGS = "tag:yaml.org,2002:"
_SCALARS = {"int": int, "bool": bool, "float": float, "null": type(None)}
_UNREADABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_DIRECTIVE = re.compile("^%(?!YAML)", re.MULTILINE)
_NO_KEY = object()


class YamlDocument:
    """The parts of a YAML document."""

    def __init__(self, text: Text) -> None:
        self._stream = _Stream(text)
        self._next: Any = None
        self._plain: dict[str, Any] = {}
        self._anchors: dict[str, Any] = {}
        self._weights: dict[int, int] = {}
        self._aliased = 0
        self._line = self._begin = 1
        self._field = ""
        self._value: Any = None
        self._lines: dict[int, list[int]] = {}

    def parts(self) -> Iterator[tuple[str, Any]]:
        """``(key, value)`` in order; ``blocks`` and ``segments`` are iterators.

        Raises:
            DocumentError: it is no YAML, or does not mean one thing.
        """
        seen: set[str] = set()
        self._begin_events()
        self._event()  # the stream's start
        if isinstance(self._event(), StreamEndEvent):
            raise DocumentError("the document is empty", line=self._line)
        self._stream.begun = True
        root = self._event()
        if not isinstance(root, MappingStartEvent):
            raise DocumentError("expected a mapping with the parts of a document", line=self._line)
        self._check_tag(root, "map")
        while not isinstance(event := self._event(), MappingEndEvent):
            self._field = ""
            key = self._read(event)
            if not isinstance(key, str):
                raise self._no_key(key, self._line)
            begin = self._line
            if key in seen:
                raise DocumentError(
                    f"{abbreviated(key)} stands here a second time", line=self._line
                )
            seen.add(key)
            event = self._event()
            self._field = key
            if key in LISTS and isinstance(event, SequenceStartEvent):
                self._check_tag(event, "seq")
                rows = self._rows(key)
                yield key, rows
                for _ in rows:
                    pass
            else:
                value = self._read(event)
                self._begin = begin
                yield key, value
        self._field = ""
        self._event()  # the document's end
        if not isinstance(self._event(), StreamEndEvent):
            raise DocumentError("expected one document, found a second one", line=self._line)

    def line_of(self, field: str) -> int:
        """The line of a value that was read last, or of what it stands in."""
        own, steps = steps_of(self._field), steps_of(field)
        if not own or (steps and steps[: len(own)] != own):
            return self._line
        value, line = self._value, self._begin
        for step in steps[len(own) :]:
            lines = self._lines.get(id(value))
            if lines is None:  # a scalar, or what an alias stands for
                break
            if isinstance(value, dict) and step in value:
                line = lines[1 + list(value).index(step)]
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                line = self._lines.get(id(value[step]), [line])[0]
            else:
                break
            value = value[step]
        return min(line, self._stream.lines)

    def _rows(self, key: str) -> Iterator[Any]:
        count = 0
        while not isinstance(event := self._event(), SequenceEndEvent):
            self._field = f"{key}[{count}]"
            yield self._read(event)
            count += 1
        self._field = key

    # -- events ----------------------------------------------------------------------------

    def _begin_events(self) -> None:
        """Let libyaml read, or PyYAML's own parser where there is no libyaml."""
        module, name = (
            ("yaml.cyaml", "CParser") if yaml.__with_libyaml__ else ("yaml", "SafeLoader")
        )
        try:
            self._next = getattr(import_module(module), name)(self._stream).get_event
        except yaml.YAMLError as error:
            raise self._not_yaml(error) from None

    def _event(self) -> Any:
        """The next event.

        Raises:
            DocumentError: what comes is no YAML.
        """
        try:
            event = self._next()
        except yaml.YAMLError as error:
            raise self._not_yaml(error) from None
        self._line = self._line_at(event.start_mark)
        return event

    def _read(self, event: Any) -> Any:
        """The value that begins with an event."""
        self._lines = {}
        self._value = None
        self._begin = self._line = self._line_at(event.start_mark)
        try:
            self._value = self._composed(event)
        except yaml.YAMLError as error:
            raise self._not_yaml(error) from None
        return self._value

    def _composed(self, event: Any) -> Any:
        """The same; what is open stands in a list, so that nothing recurses."""
        get, plain, lines_of = self._next, self._plain, self._lines
        outer: list[tuple[Any, Any, Any]] = []
        box: Any = None
        key: Any = None
        anchor: str | None = None
        while True:
            kind = type(event)
            if kind is ScalarEvent:
                text = event.value
                if event.tag is not None:
                    value = self._tagged(event)
                elif not event.implicit[0]:
                    value = text
                elif text in plain:
                    value = plain[text]
                else:
                    value = self._meant(text, event)
                if event.anchor is not None:
                    self._name(event.anchor, value, event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                if key is _NO_KEY:
                    raise self._no_key("a list or a mapping", self._line_at(event.start_mark))
                if event.tag is not None:
                    self._check_tag(event, "map" if kind is MappingStartEvent else "seq")
                if len(outer) == _DEEPEST:
                    raise DocumentError(
                        f"nested more than {_DEEPEST} deep", line=self._line_at(event.start_mark)
                    )
                outer.append((box, key, anchor))
                anchor = event.anchor
                if anchor is not None:
                    self._check_new(anchor, event)
                box, key = ({}, _NO_KEY) if kind is MappingStartEvent else ([], None)
                lines_of[id(box)] = lines = [event.start_mark.line + 1]
                event = get()
                continue
            elif kind is AliasEvent:
                value = self._alias(event)
            else:  # the end of what is open
                value = box
                if anchor is not None:
                    self._name(anchor, value, event)
                box, key, anchor = outer.pop()
                if box is not None:
                    lines = lines_of[id(box)]
            if box is None:
                return value
            if key is None:
                box.append(value)
            elif key is _NO_KEY:
                if type(value) is not str:
                    raise self._no_key(value, self._line_at(event.start_mark))
                if value in box:
                    raise DocumentError(
                        f"{abbreviated(value)} stands here a second time",
                        line=self._line_at(event.start_mark),
                    )
                key = value
                lines.append(event.start_mark.line + 1)
            else:
                box[key] = value
                key = _NO_KEY
            event = get()

    def _meant(self, text: str, event: Any) -> Any:
        """What a word without quotes means."""
        try:
            value = plain_value(text)
        except ValueError as error:
            raise DocumentError(str(error), line=self._line_at(event.start_mark)) from None
        if len(text) < _EACH * _EACH and len(self._plain) < _REMEMBERED:
            self._plain[text] = value
        return value

    def _tagged(self, event: Any) -> Any:
        """A scalar with a tag: of the kind that the tag says, or refused."""
        name = event.tag.removeprefix(_TAGS)
        if name == "str":
            return event.value
        if name in _SCALARS:
            value = self._meant(event.value, event)
            if type(value) is _SCALARS[name] and (event.value or name == "null"):
                return value
            raise DocumentError(
                f"expected what the tag !!{name} says, found {abbreviated(event.value)}",
                line=self._line_at(event.start_mark),
            )
        raise self._no_tag(event)

    def _check_tag(self, event: Any, name: str) -> None:
        if event.tag not in (None, f"{_TAGS}{name}"):
            raise self._no_tag(event)

    def _no_tag(self, event: Any) -> DocumentError:
        tag = event.tag.replace(_TAGS, "!!") if event.tag.startswith(_TAGS) else event.tag
        return DocumentError(
            f"no document has the tag {abbreviated(tag)}: write the value without it",
            line=self._line_at(event.start_mark),
        )

    def _no_key(self, found: Any, line: int) -> DocumentError:
        return DocumentError(f"expected a name as a key, found {abbreviated(found)}", line=line)

    def _not_yaml(self, error: Any) -> DocumentError:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        if mark is None:
            reason = getattr(error, "reason", "") or "what can't be read"
            return DocumentError(f"not YAML: {reason}", line=self._stream.unreadable())
        said = [getattr(error, name, None) for name in ("context", "problem")]
        return DocumentError(f"not YAML: {', '.join(filter(None, said))}", line=self._line_at(mark))

    def _line_at(self, mark: Any) -> int:
        """The line of a mark; behind the last character libyaml is one line further."""
        return int(min(mark.line + 1, self._stream.lines))

    # -- aliases ---------------------------------------------------------------------------

    def _check_new(self, anchor: str, event: Any) -> None:
        if anchor in self._anchors:
            raise DocumentError(
                f"the anchor {abbreviated(anchor)} stands here a second time",
                line=self._line_at(event.start_mark),
            )

    def _name(self, anchor: str, value: Any, event: Any) -> None:
        """Keep what an anchor names, and how much an alias of it stands for."""
        self._check_new(anchor, event)
        self._anchors[anchor] = value
        self._weights[id(value)] = self._weight(value)

    def _alias(self, event: Any) -> Any:
        anchor = event.anchor
        line = self._line_at(event.start_mark)
        if anchor not in self._anchors:
            raise DocumentError(
                f"the alias {abbreviated(anchor)} stands for nothing that ends before it", line=line
            )
        value = self._anchors[anchor]
        self._aliased += self._weights[id(value)]
        if self._aliased > _ALIASED:
            raise DocumentError(
                "aliases stand for more than 4 MiB: write out what is meant", line=line
            )
        return value

    def _weight(self, value: Any) -> int:
        """How much is in a value, aliases written out; what has a name is not gone through."""
        total, left = 0, [value]
        while left:
            one = left.pop()
            known = self._weights.get(id(one)) if one is not value else None
            if known is not None:
                total += known
                continue
            total += _EACH
            if isinstance(one, str):
                total += len(one)
            elif isinstance(one, dict):
                total += sum(map(len, one))
                left.extend(one.values())
            elif isinstance(one, list):
                left.extend(one)
        return total


class _Stream:
    """What libyaml reads from; it keeps a little of what it gave, to find a place in it.

    Attributes:
        begun: whether the document has, so that no directive can come.
    """

    def __init__(self, text: Text) -> None:
        self._text = text
        self._given: list[tuple[int, str]] = []
        self.begun = False

    def read(self, size: int) -> str:
        """The next piece."""
        line = self._text.line
        piece = self._text.read(size)
        self._given = [*self._given[-1:], (line, piece)]
        found = None if self.begun else _DIRECTIVE.search(piece)
        if found is not None:
            raise DocumentError(
                "no document has directives of YAML beside %YAML",
                line=line + piece.count("\n", 0, found.start()),
            )
        return piece

    @property
    def lines(self) -> int:
        """How many lines there are as far as it was read."""
        return self._text.line

    def unreadable(self) -> int | None:
        """The line of a character that YAML does not allow."""
        for line, piece in self._given:
            found = _UNREADABLE.search(piece)
            if found is not None:
                return line + piece.count("\n", 0, found.start())
        return None
