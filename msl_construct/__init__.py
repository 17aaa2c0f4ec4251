"""Memory Slice (.msl): the toolkit around one declaration of the format.

>>> import msl_construct
>>> with msl_construct.open("dump.msl") as dump:
...     for region in dump.regions:
...         print(hex(region.base_addr), region.counts)

Everything is imported when it is first used, so that a command that needs little starts fast.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any

from . import errors

if TYPE_CHECKING:
    from .builder import SegmentWriter, Writer, append_segment
    from .drafts import schema
    from .encryption import Keys
    from .reader import Dump, Memory, Region, Verdict
    from .reader.stream import PassingDump
    from .schema import ByteOrder, Draft, Schema

__version__ = "0.1.0"

__all__ = [
    "Dump",
    "Keys",
    "Memory",
    "PassingDump",
    "Region",
    "Schema",
    "SegmentWriter",
    "Verdict",
    "Writer",
    "__version__",
    "append_segment",
    "errors",
    "open",
    "schema",
]

_HOMES = {
    "Dump": "reader",
    "Keys": "encryption",
    "Memory": "reader",
    "PassingDump": "reader.stream",
    "Region": "reader",
    "Schema": "schema",
    "SegmentWriter": "builder",
    "Verdict": "reader",
    "Writer": "builder",
    "append_segment": "builder",
}


def open(  # noqa: A001 - the name is part of the public interface
    file: str | os.PathLike[str] | IO[bytes] | bytes | bytearray | memoryview,
    *,
    draft: str | Draft | None = None,
    dialect: str | None = None,
    key: bytes | str | Keys | None = None,
    byte_order: str | None = None,
    max_inflate: int | None = None,
    max_memory: int | None = None,
    max_spool: int | None = None,
) -> Dump:
    """Open a Memory Slice file for reading.

    Args:
        file: a path, a binary file object, or bytes. A pipe or a device that begins like a
            dump is spooled to a temporary file; to read it while it comes, see `PassingDump`.
        draft: read with this draft whatever the header says: a draft, or the name of a known
            one, for example ``draft-2026-03``.
        dialect: read with this dialect whatever the file looks like, or with ``none``; by
            default it is recognised by the structure of the blocks in question, unless `draft`
            is given.
        key: for encrypted files: 32 bytes, which are the raw key; a passphrase; or `Keys`. The
            tag is verified before this returns. For others it is not used.
        byte_order: ``little`` or ``big``, whatever the header says.
        max_inflate: bytes that one compressed payload may inflate to; 1 GiB by default.
        max_memory: bytes that may be kept of all that is inflated; by default 256 MiB and eight
            times the size of the file.
        max_spool: bytes of a pipe that may be put on disk; by default half of what is free for
            temporary files.

    Raises:
        FormatError: not a Memory Slice file, or one that can't be read; see its subclasses.
        EncryptedError: the key is none for this file; `WrongKeyError`: it does not open it.
        TamperedError: the file is encrypted, and not what was written.
        ValueError: no such draft, dialect or byte order.
        LimitError: a pipe gives more than may be put on disk.
        StreamError: nobody writes to the named pipe.
        OSError: the file can't be opened.
    """
    from .reader import DEFAULT_INFLATE_LIMIT, open_dump

    return open_dump(
        file,
        draft=draft,
        dialect=dialect,
        byte_order=byte_order,
        key=key,
        max_inflate=DEFAULT_INFLATE_LIMIT if max_inflate is None else max_inflate,
        max_memory=max_memory,
        max_spool=max_spool,
    )


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Callable(ModuleType):
    """The package `schema`, which users call like a function."""

    def __call__(
        self, draft: str | Draft | None = None, byte_order: str | ByteOrder = "little"
    ) -> Schema:
        from .drafts import DEFAULT_DRAFT
        from .drafts import schema as bound

        return bound(DEFAULT_DRAFT if draft is None else draft, byte_order)


class _Package(ModuleType):
    """This package, in which `schema` is a package to the interpreter and a function to users.

    Whoever imports `schema` has the interpreter put it here, in the place of any function of
    that name; so that is where it learns to be called.
    """

    @property
    def schema(self) -> ModuleType:
        return import_module(".schema", __name__)

    @schema.setter
    def schema(self, package: ModuleType) -> None:
        package.__class__ = _Callable


sys.modules[__name__].__class__ = _Package
