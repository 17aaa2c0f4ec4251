"""The one import of a file that declares a draft of one's own.

>>> from msl_construct.author import *
>>> MINE = DRAFTS["draft-2026-10"].overlay(
...     "mine", version=0x0102, status="ours",
...     layouts={"process_identity": lambda layout: layout.changing("SessionID", type=U64)},
... )

Every command that takes ``--draft`` then takes ``--draft FILE.py:MINE``.
"""

from __future__ import annotations

from .drafts import DRAFTS, register
from .drafts.draft_2026_03.payloads import reserved
from .reader import Block, FileHeader
from .rules.declare import before, every, rule, since, with_segments
from .rules.facts import Facts
from .rules.model import Found, Level, Pick, Role, Rule, Scope
from .rules.statements import Statement, Word, st
from .schema.amended_fields import carve, retype, widen
from .schema.amended_names import (
    deprecate,
    forbid,
    give_payload,
    redefine,
    rename,
    renumber,
    reword,
)
from .schema.amendments import Amendment
from .schema.base import Between, OneOf, Vocabulary
from .schema.blocks import BlockType, ByteOrder, Coverage, Start
from .schema.choice import Choice
from .schema.codes import Bit, BitRange, Code, Enumeration, FlagDefinition, FlagValue, Span, Value
from .schema.fields import Field, Note
from .schema.layout import Layout
from .schema.model import Draft
from .schema.pages import PageData, PageStateMap
from .schema.table import Table
from .schema.values import Record
from .schema.variable import Blob, RegisterValue, Rest, Utf8, Utf8Z
from .schema.vocabulary import (
    ADDRESS,
    HASH,
    TIMESTAMP,
    U8,
    U16,
    U32,
    U64,
    UUID,
    VERSION,
    Bytes,
    Coded,
    Flags,
    Hash,
    Magic,
    Reserved,
    Timestamp,
    Uint,
    Uuid,
)

__all__ = [
    "ADDRESS",
    "DRAFTS",
    "HASH",
    "TIMESTAMP",
    "U8",
    "U16",
    "U32",
    "U64",
    "UUID",
    "VERSION",
    "Amendment",
    "Between",
    "Bit",
    "BitRange",
    "Blob",
    "Block",
    "BlockType",
    "ByteOrder",
    "Bytes",
    "Choice",
    "Code",
    "Coded",
    "Coverage",
    "Draft",
    "Enumeration",
    "Facts",
    "Field",
    "FileHeader",
    "FlagDefinition",
    "FlagValue",
    "Flags",
    "Found",
    "Hash",
    "Layout",
    "Level",
    "Magic",
    "Note",
    "OneOf",
    "PageData",
    "PageStateMap",
    "Pick",
    "Record",
    "RegisterValue",
    "Reserved",
    "Rest",
    "Role",
    "Rule",
    "Scope",
    "Span",
    "Start",
    "Statement",
    "Table",
    "Timestamp",
    "Uint",
    "Utf8",
    "Utf8Z",
    "Uuid",
    "Value",
    "Vocabulary",
    "Word",
    "before",
    "carve",
    "deprecate",
    "every",
    "forbid",
    "give_payload",
    "redefine",
    "register",
    "rename",
    "renumber",
    "reserved",
    "retype",
    "reword",
    "rule",
    "since",
    "st",
    "widen",
    "with_segments",
]
