"""Structures: fields with names, sections and sentences, laid out one behind the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from struct import Struct
from typing import Any

from construct import stream_write

from ..abbreviated import abbreviated
from ..errors import ConformanceError, DocumentError
from ..source import Cursor, Extent
from .base import DocumentOptions, Problem, Refused, Sound, Vocabulary, refusal
from .construct_errors import NotBuilt, NotSized
from .field_list import FieldList
from .fields import Field
from .misfit import Misfit
from .names import snake_case
from .raw import raw_from_document, raw_to_document
from .steps import Ended, reading_steps
from .values import Damage, Record
from .vocabulary import Fixed

__all__ = ["OFFSETS", "REST", "Layout", "inner_layouts", "loaded", "offsets_to_document", "surplus"]

_NOTHING: Mapping[str, Any] = {}
_LIKE_A_KEY = re.compile("[a-z_0-9]{1,64}")

OFFSETS = "offsets"
"""Key under which the document lists each field's file offset and length."""

REST = "rest"
"""Key of the bytes behind a structure's last decoded field; no field may be called so."""


def offsets_to_document(offsets: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    """File offset and length of each field, as the document lists them."""
    return {key: [f"{start:#x}", length] for key, (start, length) in offsets.items()}


def surplus(key: str, value: Mapping[str, Any]) -> Iterator[tuple[str, Problem]]:
    """The problem of a structure within another that has bytes behind its fields, if it has."""
    if REST in value:
        found = f"{len(value[REST])} bytes"
        yield f"{key}.{REST}", Problem("surplus-bytes", "nothing behind the fields", found)


def loaded(key: str, function: Callable[..., Any], *values: Any) -> Any:
    """What a function makes of a document's values; what it refuses is told with their path.

    Raises:
        DocumentError: they are of a form that no document has.
    """
    try:
        return function(*values)
    except DocumentError as error:
        raise error.within(key) from None
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise DocumentError(str(error), field=key) from None
    except KeyError as error:
        raise DocumentError(f"expected {error}, which is missing", field=key) from None


def inner_layouts(kind: Vocabulary) -> dict[int | None, Layout]:
    """The layouts inside of a field: a table's entry under None, a choice's cases by their tag."""
    return {tag: one for tag, one in kind.inner().items() if isinstance(one, Layout)}


def _looks_inside(kind: Vocabulary) -> bool:
    """Whether problems of a value of this kind have paths of their own."""
    return type(kind).problems_within is not Vocabulary.problems_within


def _knows_problems(kind: Vocabulary) -> bool:
    """Whether `sound` was written for what `problems` says: no derived class says otherwise."""
    looks = _who_has(kind, "sound")
    return all(issubclass(looks, _who_has(kind, name)) for name in ("problems", "problems_within"))


def _who_has(kind: Vocabulary, name: str) -> type:
    return next(one for one in type(kind).__mro__ if name in vars(one))


class Layout(FieldList):
    """A structure, as a Construct: fields in stored order.

    Runs of fields of constant width are read by one precompiled `struct.Struct` each, so
    that declaring a header costs no more than hand-writing its format string would.

    Args:
        name: the specification's name of the structure.
        section: where it is specified.
        fields: the fields in stored order.

    Raises:
        ValueError: two of them have the same name.
    """

    _steps: tuple[Callable[[Cursor, Record], None], ...]
    _documented: list[tuple[str, Callable[[Any, DocumentOptions], Any] | None]]
    _judged: list[tuple[str, Vocabulary, bool]]
    _sounds: list[tuple[str, Vocabulary, Sound | None]]
    _stored: tuple[Struct, list[Sound]] | None
    _made_later = ("_by_key", "_steps", "_documented", "_judged", "_sounds", "_stored")

    def _derived(self) -> dict[str, Any]:
        steps = tuple(reading_steps(self.fields, self.order)) if self.order else ()
        return {
            **super()._derived(),
            "_steps": steps or (self._refuse_to_read,),
            "_documented": [
                (f.key, None if f.type.shown_as_it_is else f.type.to_document) for f in self.fields
            ],
            "_judged": [
                (f.key, f.type, _looks_inside(f.type)) for f in self.fields if f.type.judges
            ],
            "_sounds": [
                (f.key, f.type, self.sound_of(f.key)) for f in self.fields if f.type.judges
            ],
            "_stored": self._look_at_stored() if self.order else None,
        }

    def _look_at_stored(self) -> tuple[Struct, list[Sound]] | None:
        """How the values that can have problems are taken out of the bytes, and looked at."""
        looks: dict[str, Sound] = {}
        for field in self.fields:
            kind = field.type
            if not isinstance(kind, Fixed):
                return None
            if kind.judges:
                look = kind.sound_stored if _knows_problems(kind) else None
                if look is None:
                    return None
                looks[field.key] = look
        return (self.unpacker(*looks), list(looks.values())) if looks else None

    def _refuse_to_read(self, cursor: Cursor, record: Record) -> None:
        """The only step of a layout that was not bound: reading it would be guessing."""
        self._demand_order()

    # -- reading -----------------------------------------------------------------------

    def decode(
        self, cursor: Cursor, record: Mapping[str, Any] | None = None, *, offsets: bool = False
    ) -> Record:
        """Everything up to the cursor's end as one structure; never raises for its content.

        Fields that don't fit are left out, `Record.damage` says why, and the bytes from
        the first of them are under ``rest``, as are bytes behind the last field.
        """
        found = Record()
        if offsets:
            found.offsets = {}
        try:
            for step in self._steps:
                step(cursor, found)
        except Ended:
            return found
        except Misfit as misfit:
            found.damage = Damage(misfit.path, misfit.offset, misfit.expected, misfit.found)
            cursor.position = misfit.restart
        if cursor.remaining or found.damage is not None:
            if found.offsets is not None:
                found.offsets[REST] = (cursor.position, cursor.remaining)
            found[REST] = cursor.rest()
        return found

    def decode_entry(self, cursor: Cursor, *, offsets: bool = False) -> Record:
        """One structure of many: ends behind its last field.

        Raises:
            Misfit: it does not fit.
        """
        found = Record()
        if offsets:
            found.offsets = {}
        with suppress(Ended):
            for step in self._steps:
                step(cursor, found)
        return found

    # -- as a Construct ----------------------------------------------------------------

    def _take(self, cursor: Cursor, context: Any) -> Record:
        """One structure of a stream: it ends behind its last field."""
        return self.decode_entry(cursor)

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Record:
        """Construct's way to write: what follows from the values given need not be given."""
        self._demand_order()
        try:
            if not isinstance(obj, Mapping):
                raise NotBuilt(f"expected the fields of {self.title}, found {abbreviated(obj)}")
            # A Container that was parsed holds its stream under `_io`.
            given = {key: value for key, value in obj.items() if not str(key).startswith("_")}
            # What was parsed with bytes behind its fields may lack some: it is complete as it is.
            record = Record(given) if REST in given else self.complete(given)
            for piece in self.pieces(record):
                chunks = piece.chunks() if isinstance(piece, Extent) else (piece,)
                for chunk in chunks:
                    stream_write(stream, bytes(chunk), len(chunk), path)
        except NotBuilt:
            raise
        except ConformanceError as error:
            raise NotBuilt(str(error), field=error.field, reason=error.reason) from None
        return record

    def _sizeof(self, context: Any, path: str) -> int:
        self._demand_order()
        if any(field.optional for field in self.fields):
            raise NotSized(f"{self.title} may end before its last field")
        try:
            return self.size
        except TypeError as error:
            raise NotSized(str(error)) from None

    # -- writing -----------------------------------------------------------------------

    def example(self) -> Record:
        """A value that conforms, as far as the fields say what that is.

        Raises:
            TypeError: a field is of a kind that has no example of its own.
        """
        read = {snake_case(name) for field in self.fields for name, _ in field.type.reads()}
        values: dict[str, Any] = {}
        for field in self.fields:
            follows = isinstance(field.type, Fixed) and field.default is not None
            if field.key not in read and not follows:
                values[field.key] = field.type.example()
        return self.complete(values)

    def pieces(self, values: Mapping[str, Any]) -> Iterator[bytes | Extent]:
        """The stored bytes of a structure, piece by piece; large data is passed through.

        Fields are written as they are: nothing is derived or repaired. Where ``rest`` is
        given, fields that are missing are left out; it is written behind the others.

        Raises:
            ConformanceError: a field is missing, or its value can't be stored.
        """
        self._demand_order()
        open_ended = REST in values
        for field in self.fields:
            if field.key not in values:
                if open_ended or field.optional:
                    continue
                raise self._refused(field, f"no value given ({field.section}: {field.text})")
            try:
                yield field.type.encode(values[field.key], values)
            except (ValueError, Misfit) as error:
                raise self._refused(field, f"{error} ({field.section})") from None
        if open_ended:
            yield values[REST]

    def encode(self, value: Mapping[str, Any], record: Mapping[str, Any] | None = None) -> bytes:
        """The stored bytes of a structure in one piece."""
        return b"".join(bytes(piece) for piece in self.pieces(value))

    def complete(self, values: Mapping[str, Any]) -> Record:
        """`values` with what follows from them: lengths, counts, zeros, defaults.

        Whatever is given stays as given. Keys come out in stored order.

        Raises:
            ConformanceError: a key is no field of this structure.
        """
        unknown = [key for key in values if key not in self._by_key and key != REST]
        if unknown:
            raise ConformanceError(
                f"{self.title} has no field {', '.join(map(abbreviated, unknown[:8]))}; its fields "
                f"are {', '.join(self._by_key)} ({self.section})"
            )
        full: dict[str, Any] = dict(values)
        tail = any(f.optional and f.key in full for f in self.fields)  # whole or absent
        for field in self.fields:
            for chooser in field.type.chosen_by:
                if chooser in full:
                    full[chooser] = self._loaded(self._by_key[chooser], full[chooser])
            if field.key in full or tail or not field.optional:
                full.update(self._completed(field, full))
        for field in self.fields:
            if field.key in full and isinstance(field.type, Fixed):
                full[field.key] = self._loaded(field, full[field.key])
        record = Record({f.key: full[f.key] for f in self.fields if f.key in full})
        if REST in full:
            record[REST] = full[REST]
        return record

    def _completed(self, field: Field, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a field's kind adds to the values."""
        try:
            return field.type.completed(field.key, values, field.default)
        except ConformanceError as error:
            if not error.field:
                raise
            raise refusal(error.field, error.reason, title=self.title) from None
        except Refused as error:
            raise self._refused(field, f"{error} ({field.section})") from None
        except (TypeError, ValueError, AttributeError, OverflowError):
            found = values.get(field.key, field.default)
            raise self._refused(
                field,
                f"{abbreviated(found)} can't be stored as {type(field.type).__name__} "
                f"({field.section})",
            ) from None

    def _refused(self, field: Field, reason: str) -> ConformanceError:
        return refusal(field.key, reason, title=self.title)

    def _loaded(self, field: Field, value: Any) -> Any:
        """A caller's value (a name, a list of flags, a UUID as text) as parsing would give it."""
        kind = field.type
        assert isinstance(kind, Fixed)
        try:
            return kind.load(kind.store(value))
        except (ValueError, TypeError) as error:
            raise self._refused(field, f"{error} ({field.section})") from None

    def problems_of(self, record: Mapping[str, Any]) -> Iterator[tuple[str, Problem]]:
        """``(field path, problem)`` for every value that the draft forbids."""
        for key, kind, looks_inside in self._judged:
            if key not in record:
                continue
            if looks_inside:
                yield from kind.problems_within(key, record)
            else:
                for problem in kind.problems(record[key], record):
                    yield key, problem

    def sound_of(self, key: str) -> Sound | None:
        """What looks at a field's value before problems are asked for, see `Vocabulary.sound`."""
        kind = next(field.type for field in self.fields if field.key == key)
        return kind.sound if self.order and _knows_problems(kind) else None

    def is_sound(self, record: Mapping[str, Any]) -> bool:
        """Whether `problems_of` has nothing to say, found out sooner; for loops over many."""
        for key, kind, sound in self._sounds:
            if key not in record or (sound is not None and sound(record[key], record)):
                continue
            if next(kind.problems_within(key, record), None) is not None:
                return False
        return True

    def is_sound_stored(self, raw: bytes) -> bool:
        """Whether stored bytes are surely such that `problems_of` has nothing to say of them.

        Where it says no, the record has to be asked.

        Args:
            raw: begins with a structure all of whose fields have constant width.
        """
        if self._stored is None:
            return False
        unpacker, looks = self._stored
        return len(raw) >= unpacker.size and all(
            look(value, _NOTHING) for look, value in zip(looks, unpacker.unpack_from(raw))
        )

    # -- the canonical document --------------------------------------------------------

    def to_document(self, value: Record, options: DocumentOptions) -> dict[str, Any]:
        """A structure as a mapping, keys in stored order."""
        shown = {
            key: value[key] if to_document is None else to_document(value[key], options)
            for key, to_document in self._documented
            if key in value
        }
        if REST in value:
            shown[REST] = raw_to_document(value[REST], options)
        if options.offsets and value.offsets is not None:
            shown[OFFSETS] = offsets_to_document(value.offsets)
        return shown

    def from_document(self, value: Any) -> Record:
        """The inverse of `to_document`; keys that are left out stay out.

        Raises:
            DocumentError: an unknown key, or a value of a form that no document has.
        """
        if not isinstance(value, Mapping):
            raise DocumentError(f"expected the fields of {self.title}, found {abbreviated(value)}")
        record = Record()
        for key in value:
            if key not in self._by_key and key not in (REST, OFFSETS):
                raise DocumentError(
                    f"{self.title} has no field {abbreviated(key)}; its fields are "
                    f"{', '.join(self._by_key)}",
                    field=key if _LIKE_A_KEY.fullmatch(key) else "",
                )
        for field in self.fields:
            if field.key in value:
                record[field.key] = loaded(
                    field.key, field.type.load_document, value[field.key], record
                )
        if REST in value:
            record[REST] = loaded(REST, raw_from_document, value[REST])
        return record
