"""Where bytes come from: files, buffers and pipes behind one small interface.

`Source.read` serves structure (headers, names, counts): short pieces. `Source.view` serves
page data that somebody asks for as one buffer, `Source.pieces` whatever only passes through.
A `Cursor` walks one payload and never hands out a byte beyond its end; an `Extent` names
bytes without touching them.
"""

from __future__ import annotations

from .base import CHUNK, BufferSource, ShiftedSource, Short, Source
from .cursor import Cursor, Extent
from .files import FileSource, PathSource
from .gapped import GappedFile, GappedSource
from .pipe import StreamSource
from .remote import RemoteSource, is_remote
from .shared_pass import SharedPass, WindowReader

__all__ = [
    "CHUNK",
    "BufferSource",
    "Cursor",
    "Extent",
    "FileSource",
    "GappedFile",
    "GappedSource",
    "PathSource",
    "RemoteSource",
    "SharedPass",
    "ShiftedSource",
    "Short",
    "Source",
    "StreamSource",
    "WindowReader",
    "is_remote",
]
