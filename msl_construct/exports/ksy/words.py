"""Names that no generated parser can have.

The compiler writes ids into 12 languages, mostly without looking whether they are words of the
language. A name that breaks one of them is refused when the schema is exported, not found out
by whoever compiles the parser.
"""

from __future__ import annotations

import re

from ...errors import ExportError

__all__ = ["checked_id", "checked_type", "member_id"]


_WORDS: dict[str, str] = {
    "C++": """
        alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl
        concept const const_cast constexpr continue decltype default delete do double
        dynamic_cast else enum explicit export extern false float for friend goto if inline int
        long mutable namespace new noexcept not not_eq nullptr operator or or_eq private
        protected public register reinterpret_cast requires return short signed sizeof static
        static_assert static_cast struct switch template this thread_local throw true try
        typedef typeid typename union unsigned using virtual void volatile wchar_t while xor
        xor_eq""",
    "C#": "equals finalize get_hash_code get_type memberwise_clone read to_string",
    "Go": "io read",
    "Java": """
        abstract assert boolean break byte case catch char class const continue default do double
        else enum extends false final finally float for goto if implements import instanceof int
        interface long native new null package private protected public return short static
        strictfp super switch synchronized this throw throws transient true try void volatile
        while clone finalize notify wait get_class hash_code to_string notify_all""",
    "JavaScript": """
        arguments await break case catch class const constructor continue debugger default delete
        do else enum eval export extends false finally for function if implements import in
        instanceof interface let new null package private protected prototype public return
        static super switch this throw true try typeof var void while with yield""",
    "Lua": """
        and break do else elseif end false for function goto if in local nil not or repeat return
        then true until while""",
    "Nim": "io root parent",
    "Perl": "can does import isa new unimport",
    "PHP": "__halt_compiler clone",
    "Python": """
        and as assert async await break class close continue def del elif else except false
        finally for from from_bytes from_file from_io global if import in is lambda nonlocal not
        or pass raise return true try while with yield""",
    "Ruby": """
        alias and begin break case class def defined do else elsif end ensure false for if in
        initialize instance_eval nil not or redo rescue retry return self send super then true
        undef unless until when while yield""",
    "Rust": """
        pos size
        as async await box break const continue crate do dyn else enum extern false fn for gen if
        impl in let loop macro match mod move mut override priv pub ref return self static
        struct super trait true try type typeof unsafe unsized use virtual where while yield""",
}
_RESERVED = {target: frozenset(words.split()) for target, words in _WORDS.items()}

_MEMBERS: dict[str, frozenset[str]] = {
    "Lua": _RESERVED["Lua"],
    "Nim": frozenset(
        ["div", "end", "in", "is", "mod", "nil", "of", "out", "shl", "shr", "type", "xor"]
    ),
    "PHP": frozenset(["class"]),
    "Python": _RESERVED["Python"] | {"mro", "name", "value"},
    "Rust": frozenset(["self", "unknown"]),
}
"""Members mostly stand in capitals or behind their enumeration's name: fewer words break."""

_TYPES = frozenset(["kaitai_stream", "kaitai_struct", "msl", "object", "string"])

_ID = re.compile(r"[a-z][a-z0-9_]*")


def checked_id(name: str, where: str) -> str:
    """The id of an attribute.

    Args:
        where: what the error says it is the id of.

    Raises:
        ExportError: it is a reserved word in some language, or no id at all.
    """
    _well_formed(name, where)
    for target, words in _RESERVED.items():
        if name in words:
            raise ExportError(
                f"{where}: expected an id that every target language can take, found {name!r}, "
                f"which is reserved in {target}; give the field another key in the schema"
            )
    return name


def checked_type(name: str, where: str) -> str:
    """The id of a type or enumeration.

    Raises:
        ExportError: it would hide a class that generated parsers need, or is no id at all.
    """
    _well_formed(name, where)
    if name in _TYPES:
        raise ExportError(
            f"{where}: expected a name of its own, found {name!r}, which generated parsers use "
            "for something else; rename the structure in the schema"
        )
    return name


def member_id(name: str, enumeration: str) -> str:
    """The id of an enumeration's member: with the enumeration's name behind a reserved word.

    Members are renamed and not refused: their names come from the specification's own words
    (nearly every registry of it has an "Unknown", which Rust's generated enumerations use).

    Raises:
        ExportError: no id at all.
    """
    if any(name in words for words in _MEMBERS.values()):
        name = f"{name}_{enumeration}"
    _well_formed(name, f"enumeration {enumeration}")
    return name


def _well_formed(name: str, where: str) -> None:
    if not _ID.fullmatch(name):
        raise ExportError(
            f"{where}: expected an id of lower-case letters, digits and underscores, found "
            f"{name!r}; rename it in the schema"
        )
