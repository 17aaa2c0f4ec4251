"""The words that a draft is declared in: structures, fields, codes, flags.

Nothing here knows a draft, reads files or judges them.
"""

from __future__ import annotations

from .blocks import BlockType, ByteOrder, Coverage, Start
from .codes import Bit, BitRange, Code, Enumeration, FlagDefinition, FlagValue, Span, Value
from .fields import Field, Note
from .layout import Layout
from .model import Draft, Identified, Schema
from .table import Table
from .values import PaddedBytes, Record, StoredText

__all__ = [
    "Bit",
    "BitRange",
    "BlockType",
    "ByteOrder",
    "Code",
    "Coverage",
    "Draft",
    "Enumeration",
    "Field",
    "FlagDefinition",
    "FlagValue",
    "Identified",
    "Layout",
    "Note",
    "PaddedBytes",
    "Record",
    "Schema",
    "Span",
    "Start",
    "StoredText",
    "Table",
    "Value",
]
