"""Reading a document: YAML and JSON lines a block at a time, JSON as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from typing import IO, Any

from ..abbreviated import abbreviated
from ..errors import DocumentError

__all__ = ["load"]

_LISTS = ("blocks", "segments")


def load(file: IO[str]) -> Iterator[tuple[str, Any]]:
    """``(key, value)`` of a document in order; ``blocks`` and ``segments`` are iterators.

    Each iterator must be used up before the next part is asked for.

    Raises:
        DocumentError: the text is neither YAML nor JSON, or is no document.
    """
    text = _Text(file)
    try:
        first = text.first()
        if first.startswith("{"):
            line = text.readline()
            head = _whole(line)
            if isinstance(head, dict) and head.get("record") == "document":
                yield from _lines(head, text)
            else:
                yield from _mapping(_json_or_flow(line + text.read()))
        else:
            yield from _yaml(text)
    except RecursionError:
        raise DocumentError("the document is nested too deeply") from None
    except ValueError as error:
        raise DocumentError(f"not a document: {error}") from None


class _Text:
    """A text stream of which the first line that isn't blank has been looked at."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._held = ""

    def first(self) -> str:
        """The first line that isn't blank, left in place."""
        while not self._held.strip():
            line = self._file.readline()
            if not line:
                raise DocumentError("the document is empty")
            self._held = line.removeprefix("\ufeff")
        return self._held.lstrip()

    def readline(self) -> str:
        """The next line."""
        held, self._held = self._held, ""
        return held or self._file.readline()

    def read(self, size: int = -1) -> str:
        """What PyYAML and json ask for."""
        held, self._held = self._held, ""
        return held + self._file.read() if size < 0 else held or self._file.read(size)


def _whole(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _json_or_flow(text: str) -> Any:
    """JSON, or the YAML flow mapping that looks like it at the first brace."""
    try:
        return json.loads(text)
    except ValueError as error:
        import yaml

        try:
            return yaml.safe_load(text)
        except yaml.YAMLError:
            raise error from None


def _mapping(document: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(document, dict):
        raise DocumentError(
            f"expected a mapping with the parts of a document, found {abbreviated(document)}"
        )
    for key, value in document.items():
        if key in _LISTS and not isinstance(value, list):
            raise DocumentError(f"{key}: expected a list, found {abbreviated(value)}")
        yield key, iter(value) if key in _LISTS else value


def _lines(head: dict[str, Any], text: _Text) -> Iterator[tuple[str, Any]]:
    """JSON lines, as `write_ndjson` writes them."""
    head.pop("record")
    yield from head.items()
    held: list[dict[str, Any]] = []

    def take() -> dict[str, Any] | None:
        if held:
            return held.pop()
        while line := text.readline():
            if line.strip():
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise DocumentError(
                        f"not a JSON record: {error}: {abbreviated(line)}"
                    ) from None
                if not isinstance(row, dict):
                    raise DocumentError(f"expected one record a line, found {abbreviated(line)}")
                return row
        return None

    def of_kind(kind: str, segment: int | None = None) -> Iterator[dict[str, Any]]:
        while (row := take()) is not None:
            if row.get("record") != kind or row.get("segment") != segment:
                held.append(row)
                return
            row.pop("record")
            row.pop("segment", None)
            yield row

    def segments() -> Iterator[dict[str, Any]]:
        for row in of_kind("segment"):
            yield {**row, "blocks": of_kind("block", row.get("index"))}

    yield "blocks", of_kind("block")
    yield "segments", segments()
    trailing = take()
    if trailing is not None:
        if trailing.get("record") != "trailing":
            raise DocumentError(
                f"expected a trailing record, found {abbreviated(trailing.get('record'))}"
            )
        yield "trailing", trailing.get("trailing")


def _yaml(text: _Text) -> Iterator[tuple[str, Any]]:
    """YAML events from libyaml, composed one block at a time."""
    import yaml
    from yaml.composer import Composer
    from yaml.constructor import SafeConstructor
    from yaml.resolver import Resolver

    class Loader(Composer, SafeConstructor, Resolver):
        """PyYAML's safe loader, fed by whichever parser is there."""

        def __init__(self, stream: Any) -> None:
            fast = import_module("yaml.cyaml").CParser if yaml.__with_libyaml__ else None
            self._parser: Any = fast(stream) if fast else yaml.SafeLoader(stream)
            Composer.__init__(self)
            SafeConstructor.__init__(self)
            Resolver.__init__(self)
            self.check_event = self._parser.check_event
            self.get_event = self._parser.get_event
            self.peek_event = self._parser.peek_event

        def value(self) -> Any:
            """The next node as plain values."""
            node = self.compose_node(None, 0)
            found = self.construct_object(node, deep=True)
            self.constructed_objects = {}
            self.recursive_objects = {}
            return found

        def skip(self, *kinds: Any) -> bool:
            """Pass over the next event if it is one of these."""
            if self.check_event(*kinds):
                self.get_event()
                return True
            return False

    def items(loader: Loader) -> Iterator[Any]:
        try:
            while not loader.skip(yaml.SequenceEndEvent):
                yield loader.value()
        except yaml.YAMLError as error:
            raise _not_yaml(error) from None
        except RecursionError:
            raise DocumentError("the document is nested too deeply") from None
        except ValueError as error:
            raise DocumentError(f"not a document: {error}") from None

    try:
        loader = Loader(text)
        loader.skip(yaml.StreamStartEvent)
        loader.skip(yaml.DocumentStartEvent)
        if not loader.skip(yaml.MappingStartEvent):
            raise DocumentError("expected a mapping with the parts of a document")
        while not loader.skip(yaml.MappingEndEvent):
            key = loader.value()
            if key in _LISTS and loader.skip(yaml.SequenceStartEvent):
                rows = items(loader)
                yield key, rows
                for _ in rows:
                    pass
            else:
                yield str(key), loader.value()
    except yaml.YAMLError as error:
        raise _not_yaml(error) from None


def _not_yaml(error: Exception) -> DocumentError:
    return DocumentError(f"not YAML: {' '.join(str(error).split())}")
