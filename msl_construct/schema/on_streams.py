"""How the vocabulary reads and writes the streams that Construct gives it."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from construct import Construct, stream_seek, stream_tell, stream_write

from ..source import Cursor, FileSource, Short
from .construct_errors import NotBound, NotBuilt, NotParsed, NotSized
from .misfit import Misfit

__all__ = ["OnStreams"]

T = TypeVar("T")


class OnStreams(Construct):
    """A Construct that reads at a cursor, and writes bytes that are made first."""

    order = ""
    """The `struct` prefix of the byte order; empty before `bound`."""
    title = ""
    """What the specification calls it, where it has a name of its own."""

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> Any:
        """The value at the cursor; earlier fields of the structure are in `record`.

        Raises:
            Short, Misfit: the payload does not hold it.
        """
        raise NotImplementedError

    def encode(self, value: Any, record: Mapping[str, Any]) -> Any:
        """The stored bytes (or an Extent that names them) of a value.

        Raises:
            ValueError: the value can't be stored in this field.
        """
        raise NotImplementedError

    def _demand_order(self) -> None:
        """Refuse to read or write what was declared, but not bound to a byte order.

        Raises:
            UnboundError: it has none; it is a ConstructError, too.
        """
        if not self.order:
            name = self.title or type(self).__name__
            raise NotBound(
                f"{name} has no byte order: take it from a schema, as in "
                'msl_construct.schema(draft, "little")'
            )

    def parse_file(self, filename: str | os.PathLike[str], **contextkw: Any) -> Any:
        """Parse a file; bytes that are named and not read stay readable behind it."""
        return self.parse_stream(_ClosedWhenUnused(filename), **contextkw)

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        return self._reading(stream, path, lambda cursor: self._take(cursor, context))

    def _reading(self, stream: Any, path: str, take: Callable[[Cursor], T]) -> T:
        """What `take` finds at the stream's position, which is behind it then.

        Raises:
            PayloadError: it does not fit; a ConstructError, too.
        """
        self._demand_order()
        start = stream_tell(stream, path)
        stream_seek(stream, start, 0, path)
        source = _Borrowed(stream)
        cursor = Cursor(source, start, source.size)
        where = path.removeprefix("(parsing)").removeprefix(" -> ").replace(" -> ", ".")
        try:
            value = take(cursor)
        except Short as short:
            at = cursor.position
            found = f"{short.remaining} before the end"
            raise self._unparsed(where, "", at, f"{short.needed} bytes", found) from None
        except Misfit as misfit:
            at = max(misfit.offset, start)
            raise self._unparsed(where, misfit.path, at, misfit.expected, misfit.found) from None
        except KeyError as error:
            name = where or self.title or type(self).__name__
            message = f"{name}: needs {error}, and nothing in front of it is called so"
            raise NotParsed(message, offset=start, field=where) from None
        stream_seek(stream, cursor.position, 0, path)
        return value

    def _take(self, cursor: Cursor, context: Any) -> Any:
        """The value at a cursor that may have more behind it."""
        return self.decode(cursor, context)

    def _unparsed(
        self, where: str, inside: str, offset: int, expected: str, found: str
    ) -> NotParsed:
        dot = "." if where and inside[:1] not in ("", ".", "[") else ""
        field = f"{where}{dot}{inside}"
        place = field if where else f"{self.title or type(self).__name__}: {inside}".rstrip(": ")
        message = f"{place} at {offset:#x}: expected {expected}, found {found}"
        return NotParsed(message, offset=offset, field=field)

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        self._demand_order()
        try:
            raw = bytes(self.encode(obj, context))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, Misfit) as error:
            raise NotBuilt(f"{path.removeprefix('(building) -> ')}: {error}") from None
        stream_write(stream, raw, len(raw), path)
        return obj

    def _sizeof(self, context: Any, path: str) -> int:
        raise NotSized(f"{self.title or type(self).__name__} has no constant size")

    def _actualsize(self, stream: Any, context: Any, path: str) -> int:
        """The size of what stands in the stream, which is left where it stood."""
        start = stream_tell(stream, path)
        try:
            self._parse(stream, context, path)
            return int(stream_tell(stream, path)) - int(start)
        finally:
            stream_seek(stream, start, 0, path)


class _ClosedWhenUnused(io.FileIO):
    """A file that is open while something still names bytes of it."""

    def __del__(self) -> None:
        self.close()


class _Borrowed(FileSource):
    """A stream that is somebody else's: whatever is read of it, it stands where it stood."""

    def __init__(self, file: Any) -> None:
        position = file.tell()
        super().__init__(file)
        file.seek(position)

    def read(self, offset: int, length: int) -> bytes:
        position = self._file.tell()
        try:
            return super().read(offset, length)
        finally:
            self._file.seek(position)
