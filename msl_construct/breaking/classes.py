"""The classes of changes, gravest first."""

from __future__ import annotations

from enum import Enum

__all__ = ["ChangeClass"]


class ChangeClass(str, Enum):
    """What a change does to files and readers.

    *Noticed* is what a reader says of its own accord: damage, bytes behind the fields, a type or
    version that it does not know, a hash that does not fit. What only ``msl check`` says of a
    producer is not noticed.
    """

    SILENT_REINTERPRET = "SILENT_REINTERPRET"
    """A file is read without complaint and with another value or meaning."""
    WIRE_BREAK = "WIRE_BREAK"
    """Bytes stand elsewhere or are others; who reads them by the other draft notices."""
    OLD_READER_REJECTS = "OLD_READER_REJECTS"
    """A reader of the old draft must refuse the file."""
    OLD_FILE_INVALID = "OLD_FILE_INVALID"
    """A file of the old draft breaks a demand of the new one."""
    DEGRADED = "DEGRADED"
    """An old reader shows less of something that it knows, and says so."""
    ADDITIVE = "ADDITIVE"
    """An old reader passes over something that it does not know, as it should."""
    SOURCE = "SOURCE"
    """Names in documents and in generated code are others."""
    COSMETIC = "COSMETIC"
    """Texts are others."""

    @property
    def severity(self) -> int:
        """The graver, the higher; 0 is cosmetic."""
        return _SEVERITIES[self]

    @property
    def text(self) -> str:
        """A sentence about it."""
        return _TEXTS[self]


_SEVERITIES = {cls: number for number, cls in enumerate(reversed(ChangeClass))}
_TEXTS = {
    ChangeClass.SILENT_REINTERPRET: "Read without complaint, with another value or meaning.",
    ChangeClass.WIRE_BREAK: "Bytes stand elsewhere or are others, and readers notice.",
    ChangeClass.OLD_READER_REJECTS: "An old reader refuses the file.",
    ChangeClass.OLD_FILE_INVALID: "An old file breaks a demand of the new draft.",
    ChangeClass.DEGRADED: "An old reader shows less of what it knows, and says so.",
    ChangeClass.ADDITIVE: "An old reader passes over what it does not know.",
    ChangeClass.SOURCE: "Names in documents and in generated code are others.",
    ChangeClass.COSMETIC: "Texts are others.",
}
