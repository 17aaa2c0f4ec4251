"""The exceptions of the package: one small tree.

::

    MslError
    ├── FormatError           the bytes are not a Memory Slice file we can read
    │   ├── HeaderError       bad magic, byte order, header size or version
    │   └── DialectError      a layout from before (or beside) the public drafts
    ├── DamageError           structure is lost at a known offset
    │   ├── PayloadError      a payload does not fit its block's layout
    │   └── CompressionError  a stored payload does not inflate as declared
    ├── LimitError            a configured limit would be exceeded
    ├── EncryptedError        a key is needed to read on
    │   └── WrongKeyError     the one that was given does not open the file
    ├── TamperedError         an encrypted file is not what was written
    ├── MemoryAccessError     an address range holds pages without bytes
    ├── AddressError          an address that was named is not in the dump, or not only once
    ├── PatternError          what is to be searched for can't be
    ├── ImageError            what lies in memory can't be told as a program's file
    ├── ConformanceError      the builder refuses what the draft forbids
    ├── DocumentError         a canonical document cannot be turned into a file
    ├── ChangedError          a file was written to while it was read
    ├── StreamError           a forward-only source was asked to go back
    ├── TargetError           a process can't be acquired
    ├── SignatureError        a signature or a time stamp can't be made, read or believed
    ├── DraftError            a draft of one's own can't be used
    │   └── NoFieldError      it lacks a field, or renames it, that is asked for by its name
    ├── UnboundError          a structure was used that has no byte order yet
    ├── ExportError           the schema declares what an exported form can't say
    ├── CompilerError         kaitai-struct-compiler is missing, or refused a schema
    └── HarnessError          a decoder can't be run over a corpus as it was asked for

Beside it stands WrongDialectError, a ValueError: a dialect that the file can't be in.

Every message says where (file offset, block, field), what was expected, what was
found and, where there is something to do about it, what to do.
"""

from __future__ import annotations

__all__ = [
    "AddressError",
    "ChangedError",
    "CompilerError",
    "CompressionError",
    "ConformanceError",
    "DamageError",
    "DialectError",
    "DocumentError",
    "DraftError",
    "EncryptedError",
    "ExportError",
    "FormatError",
    "HarnessError",
    "HeaderError",
    "ImageError",
    "LimitError",
    "MemoryAccessError",
    "MslError",
    "NoFieldError",
    "PatternError",
    "PayloadError",
    "SignatureError",
    "StreamError",
    "TamperedError",
    "TargetError",
    "UnboundError",
    "WrongDialectError",
    "WrongKeyError",
]


class MslError(Exception):
    """Base of everything this package raises on purpose."""

    offset: int | None
    """File offset the message is about, where there is one."""
    file: str
    """Name of the file that it is about, where somebody has said so; no part of the message."""

    def __init__(self, message: str, *, offset: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset
        self.file = ""


class FormatError(MslError):
    """The input is not a Memory Slice file that this package can read."""


class HeaderError(FormatError):
    """The file header is missing, damaged, or of a version we do not know (§3)."""


class WrongDialectError(ValueError):
    """A dialect that was asked for is unknown, or none of the file's draft."""


class DialectError(FormatError):
    """A known layout that no public draft describes."""


class DamageError(MslError):
    """Structure is lost at `offset`; everything before it stays readable."""


class PayloadError(DamageError):
    """A payload does not fit the layout of its block type.

    `field` is the path of the first field that does not fit, for example
    ``entries[3].path``.
    """

    field: str

    def __init__(self, message: str, *, offset: int | None = None, field: str = "") -> None:
        super().__init__(message, offset=offset)
        self.field = field


class CompressionError(DamageError):
    """A stored payload does not inflate to what it declares (§4.2)."""


class LimitError(MslError):
    """A configured limit (inflation, buffering) would be exceeded."""


class EncryptedError(MslError):
    """The blocks are encrypted and no usable key was given (§10)."""


class WrongKeyError(EncryptedError):
    """The key that was given does not open the file; where nobody can tell, the message says so."""


class TamperedError(MslError):
    """The tag of an encrypted file does not match though the key is right (§10).

    Nothing of the file's content is shown.
    """


class MemoryAccessError(MslError):
    """A memory read met pages that hold no bytes and no fill was chosen."""


class AddressError(MslError):
    """An address was named that the dump does not know, or knows more than once."""


class PatternError(MslError):
    """A pattern is malformed, or would match everywhere."""


class ImageError(MslError):
    """An image in memory can't become a file: its headers are not captured, or make no sense."""


class ConformanceError(MslError):
    """The builder refuses to write what the draft forbids; the message cites the section.

    `field` and `reason` repeat parts of the message where it is about one field.
    """

    field: str
    reason: str

    def __init__(self, message: str, *, field: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.reason = reason


class DocumentError(MslError):
    """A canonical document is malformed; the message gives the line, and the path inside it.

    Attributes:
        reason: the message without line and path.
        field: the path of what is wrong, for example ``blocks[3].payload.exe_path``; or empty.
        line: where that stands in the text, counted from 1; None where nobody knows.
    """

    reason: str
    field: str
    line: int | None

    def __init__(self, reason: str, *, field: str = "", line: int | None = None) -> None:
        places = [*([] if line is None else [f"line {line}"]), *([field] if field else []), reason]
        super().__init__(": ".join(places))
        self.reason = reason
        self.field = field
        self.line = line

    def within(self, where: str) -> DocumentError:
        """The same, seen from the structure whose part `where` this is about."""
        between = "." if where and self.field and not self.field.startswith("[") else ""
        return DocumentError(self.reason, field=f"{where}{between}{self.field}", line=self.line)

    def at(self, line: int | None) -> DocumentError:
        """The same, with the line in the text; a line that is known already stays."""
        known = line if self.line is None else self.line
        return DocumentError(self.reason, field=self.field, line=known)


class ChangedError(MslError):
    """A file was cut, extended or written to while it was read.

    What was read of it need not belong together, so nothing is said of it.
    """


class StreamError(MslError):
    """A forward-only source (a pipe) was asked for bytes that have gone by."""


class TargetError(MslError):
    """A process can't be acquired: not permitted, or gone.

    `remedy` says what to do about it, where something can be done; it is part of the message.
    """

    remedy: str

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(f"{message}; {remedy}" if remedy else message)
        self.remedy = remedy


class ExportError(MslError):
    """The schema declares something that the language of an export can't say."""


class CompilerError(MslError):
    """There is no kaitai-struct-compiler that can do it, or it refused the schema."""


class HarnessError(MslError):
    """A decoder can't be run over a corpus as it was asked for.

    It can't be started, a list of samples can't be read, or what was asked for names nothing
    that the corpus has.
    """


class SignatureError(MslError):
    """A signature, a time stamp or what goes with them can't be made, read or believed.

    `disproved`: it can be read, and does not hold for what it was held against.
    """

    disproved: bool

    def __init__(self, message: str, *, disproved: bool = False) -> None:
        super().__init__(message)
        self.disproved = disproved


class DraftError(MslError):
    """A draft of one's own can't be used: what is wrong, with the file and the line."""


class NoFieldError(DraftError, TypeError):
    """A structure of a draft lacks a field that this package reads or writes by its name."""


class UnboundError(MslError):
    """A structure was used as it was declared, without a byte order."""
