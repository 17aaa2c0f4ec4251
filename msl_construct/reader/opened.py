"""What a dump in a file and a dump from a pipe have in common."""

from __future__ import annotations

from ..errors import EncryptedError
from ..schema import Schema
from .header import FileHeader
from .segments import Segment
from .walk import Ending

__all__ = ["Opened"]


class Opened:
    """An opened dump: its header, what it is read with, and where its blocks end.

    Attributes:
        name: the file's name, without its folder.
        header: the file header as found.
        schema: the draft, in the file's byte order.
        ending: why the blocks end where they do.
        segments: the intact extension segments.
        problems: by block index, why a payload could not be decoded to its end; of the
            blocks that were decoded so far.
    """

    name: str
    header: FileHeader
    schema: Schema
    ending: Ending
    segments: list[Segment]
    problems: dict[int, str]

    @property
    def draft(self) -> str:
        """Name of the draft that the file is read with."""
        return self.schema.name

    def require_key(self) -> None:
        """Refuse to go on with ciphertext.

        Raises:
            EncryptedError: the blocks are encrypted.
        """
        if self.header.encrypted:
            raise EncryptedError(
                f"{self.encryption().text}; this version reads only the header of such files",
                offset=self.header.size,
            )

    def encryption(self) -> Ending:
        """How the blocks of an encrypted file end: before they begin."""
        start = self.header.size
        text = f"everything from {start:#x} on, behind the header, is ciphertext (§10)"
        return Ending(start, "encrypted", text)
