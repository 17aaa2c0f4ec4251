"""What a decoder says of a field of constant width, and what its numbers and bits are called."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch

from ..exports.ksy.type_builder import stored_id
from ..schema import BitRange, Enumeration, Field
from ..schema.base import Vocabulary
from ..schema.vocabulary import Bytes, Coded, Flags, Timestamp, Uint, Uuid
from ..schema.words import no_words
from .targets import DecoderWords, TargetLanguage

__all__ = ["bytes_of", "names_in", "number_of", "shown_value"]


def bytes_of(name: str, words: DecoderWords, target: TargetLanguage) -> str:
    """The bytes that a generated field holds."""
    return words.bytes.format(id=target.spelling(name))


def number_of(name: str, words: DecoderWords, target: TargetLanguage) -> str:
    """The number that a generated field holds."""
    return words.number.format(id=target.spelling(name))


def shown_value(field: Field, structure: str, words: DecoderWords, target: TargetLanguage) -> str:
    """The call that shows a field.

    Args:
        field: the field; its width is constant.
        structure: whose it is, in the tables of names.
        words: of the decoder.
        target: the language.
    """
    kind = field.type
    if isinstance(kind, (Bytes, Uuid)):
        value = bytes_of(field.key, words, target)
    else:
        value = number_of(stored_id(field) if isinstance(kind, Coded) else field.key, words, target)
    shown = _shown(kind, value, f"{structure}.{field.key}")
    return f"{words.naming}{shown}" if kind.registry_name else shown


@singledispatch
def _shown(kind: Vocabulary, value: str, table: str) -> str:
    """The call that shows a value."""
    raise no_words(kind, __name__)


@_shown.register
def _(kind: Uint, value: str, table: str) -> str:
    if kind.shown == "number":
        return f"number({value})"
    return f"hexadecimal({value}, {2 * kind.width if kind.shown == 'version' else 1})"


@_shown.register
def _(kind: Timestamp, value: str, table: str) -> str:
    return f"timestamp({value})"


@_shown.register
def _(kind: Coded, value: str, table: str) -> str:
    return f'code({value}, {2 * kind.width}, "{table}")'


@_shown.register
def _(kind: Flags, value: str, table: str) -> str:
    return f'flags({value}, {8 * kind.width}, "{table}")'


@_shown.register
def _(kind: Bytes, value: str, table: str) -> str:
    return f"octets({value})"


@_shown.register
def _(kind: Uuid, value: str, table: str) -> str:
    return f"uuid({value})"


def names_in(field: Field) -> Iterator[str]:
    """``CODE=NAME``; of flags ``BIT=NAME``, and ``BIT+BITS:VALUE=NAME`` for numbers inside."""
    kind = field.type
    if isinstance(kind, Flags):
        for bit in kind.word.bits:
            if isinstance(bit, BitRange):
                for value in _values(bit.enumeration):
                    yield f"{bit.bit}+{bit.bits}:{value[0]}={bit.name}_{value[1]}"
            else:
                yield f"{bit.bit}={bit.name}"
    elif isinstance(kind, Coded):
        yield from (f"{code}={name}" for code, name in _values(kind.registry))


def _values(registry: Enumeration) -> Iterator[tuple[int, str]]:
    yield from ((value.code, value.name) for value in registry.values)
