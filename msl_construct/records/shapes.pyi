"""What the stubs of the drafts are made of."""

from collections.abc import Mapping
from os import PathLike
from typing import IO, Any, Generic, TypeVar

from msl_construct.schema import Layout
from msl_construct.schema.values import Damage
from msl_construct.source import Extent

R = TypeVar("R", bound="Fields")

class Fields(dict[str, Any]):
    """A structure's fields by name, as `msl_construct.schema.Record` has them.

    A record is no subclass of it at run time, and has no names of its own for type checkers.
    """

    damage: Damage | None
    charge: object
    offsets: dict[str, tuple[int, int]] | None
    rest: Extent
    """Bytes behind the last field that fits. Not there where there are none."""

class Structure(Layout, Generic[R]):
    """A Construct whose records are of one class."""

    def parse(self, data: bytes | bytearray | memoryview, **contextkw: Any) -> R: ...
    def parse_stream(self, stream: IO[bytes], **contextkw: Any) -> R: ...
    def parse_file(self, filename: str | PathLike[str], **contextkw: Any) -> R: ...
    def build(self, obj: Mapping[str, Any], **contextkw: Any) -> bytes: ...

class NoSuchStructure:
    """What a draft has no Construct of: nothing can be done with it."""
