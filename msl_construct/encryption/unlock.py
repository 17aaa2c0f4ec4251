"""Opening an encrypted file: key, tag, and a source that gives its plaintext."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import EncryptedError, LimitError, TamperedError, WrongKeyError
from ..source import BufferSource, Source
from .changed import what_was_changed
from .ciphers import Cipher, cipher_named, is_known
from .derive import Candidate, candidates
from .diagnosis import begins_a_block, fits_in_spite
from .keys import Keys
from .parameters import ENCLOSED, TAG, Envelope
from .source import DecryptedSource, PartedSource

__all__ = ["Unlocked", "unlock"]


@dataclass(frozen=True)
class Unlocked:
    """An encrypted file whose tag was found to match.

    Attributes:
        envelope: what stands in the open around it.
        stored: the bytes of the file as they are.
        enclosed: the enclosed key.
        capture: the plaintext of the message; blocks begin at `start`.
        start, end: offsets of the ciphertext.
        behind: offset of what stands behind the tag.
        tag: the tag.
        key: the content key.
    """

    envelope: Envelope
    stored: Source
    enclosed: bytes
    capture: DecryptedSource
    start: int
    end: int
    behind: int
    tag: bytes
    candidate: Candidate

    @property
    def ends(self) -> bool:
        """Whether nothing stands behind the tag."""
        return self.behind == self.stored.size

    @property
    def covered(self) -> bytes:
        """What the tag covers beside the message."""
        return self.envelope.covered_header + self.enclosed

    def source(self) -> PartedSource:
        """The file with plaintext in the place of ciphertext, and CipherLen zero.

        So FileHash covers it. What stands behind the message is as it is in the file.
        """
        size = self.stored.size
        assert size is not None
        return PartedSource(
            [
                (BufferSource(self.envelope.covered_header + self.enclosed), self.start),
                (self.capture, self.end),
                (self.stored, size),
            ]
        )


def unlock(source: Source, envelope: Envelope, keys: Keys) -> Unlocked:
    """Find the key among what was given and verify the tag: every byte of the message is read.

    Raises:
        EncryptedError: no key that fits the header was given.
        WrongKeyError: the key does not open it.
        TamperedError: the key is right, and something is not what was written.
        LimitError: deriving the key, or the message, takes more than is possible.
    """
    size = source.size
    assert size is not None
    start = envelope.start
    end = start + envelope.stated_length if envelope.stated_length else size - TAG
    if end < start or end + TAG > size:
        raise _cut(envelope, end, size)
    enclosed = source.read(len(envelope.header), start - len(envelope.header))
    try:
        found = _opened(source, envelope, enclosed, keys)
    except (EncryptedError, LimitError):
        what = what_was_changed(source, envelope, enclosed, keys)
        if what:
            raise _changed(envelope, "a key that was given", what) from None
        raise
    likely = next(((c, cipher) for c, cipher in found if _fits(source, envelope, cipher)), None)
    for candidate, cipher in [likely] if likely is not None else found:
        if end - start > cipher.most:
            raise TamperedError(
                f"{end - start} bytes of ciphertext are more than {envelope.cipher} can encrypt "
                f"under one nonce ({cipher.most})",
                offset=start,
            )
        tag = source.read(end, TAG)
        if _verified(source, envelope, enclosed, cipher, start, end, tag):
            capture = DecryptedSource(source, cipher, start, end - start)
            return Unlocked(
                envelope, source, enclosed, capture, start, end, end + TAG, tag, candidate
            )
    raise _refused(source, envelope, enclosed, keys, found, likely is not None, end)


def _opened(
    source: Source, envelope: Envelope, enclosed: bytes, keys: Keys
) -> list[tuple[Candidate, Cipher]]:
    """The content keys that may be the right ones, each in the file's cipher."""
    found = list(candidates(envelope, enclosed, keys))
    if not is_known(envelope.cipher):
        if any(fits_in_spite(source, envelope, one.key) for one in found):
            raise TamperedError(
                f"not intact: EncAlgo says {envelope.cipher}, which no draft has, and the key "
                "opens the file with another cipher: the header was changed",
                offset=envelope.offset_of("enc_algo"),
            )
        raise EncryptedError(
            f"EncAlgo is {envelope.cipher}, which no draft has: nothing can be decrypted",
            offset=envelope.offset_of("enc_algo"),
        )
    nonce = envelope.stated["nonce"]
    return [(one, cipher_named(envelope.cipher, one.key, nonce)) for one in found]


def _fits(source: Source, envelope: Envelope, cipher: Cipher) -> bool:
    return begins_a_block(source, envelope.schema, cipher, envelope.start)


def _verified(
    source: Source,
    envelope: Envelope,
    enclosed: bytes,
    cipher: Cipher,
    start: int,
    end: int,
    tag: bytes,
) -> bool:
    tagger = cipher.tagger(envelope.covered_header + enclosed)
    for piece in source.pieces(start, end - start):
        tagger.take(piece)
    return tagger.matches(tag)


def _cut(envelope: Envelope, end: int, size: int) -> TamperedError:
    """What to say of a file that ends before its tag does, whatever the key."""
    text = (
        f"CipherLen and the header put the tag at {end:#x}, the file ends at {size:#x}"
        if envelope.stated_length
        else f"the file ends at {size:#x}, before a tag of {TAG} bytes can begin"
    )
    return TamperedError(
        f"not intact: {text}: it was cut short, or the header was changed; nothing is shown of it",
        offset=min(max(end, 0), size),
    )


def _changed(envelope: Envelope, origin: str, what: str) -> TamperedError:
    return TamperedError(
        f"not intact: {origin} opens the file if {what}: that was changed; nothing is shown",
        offset=envelope.offset_of("enc_algo"),
    )


def _refused(
    source: Source,
    envelope: Envelope,
    enclosed: bytes,
    keys: Keys,
    found: list[tuple[Candidate, Cipher]],
    fits: bool,
    end: int,
) -> TamperedError | WrongKeyError:
    """Whether the key is wrong or the file was changed, as far as anybody can tell."""
    where = f"the tag at {end:#x} does not match"
    if fits:
        return TamperedError(
            f"not intact: {where} though the key is right (Block 0 begins as a block does): some "
            f"of the {end} bytes before it, or its own, are not what was written; nothing is "
            "shown of them",
            offset=end,
        )
    for candidate, _ in found:
        what = fits_in_spite(source, envelope, candidate.key)
        if what:
            return _changed(envelope, candidate.origin, what)
    what = what_was_changed(source, envelope, enclosed, keys)
    if what:
        return _changed(envelope, "the key that was given", what)
    changed = ["nonce", *(field for one, _ in found for field in one.varied)]
    names = ", ".join(dict.fromkeys(changed))
    origins = " and ".join(dict.fromkeys(one.origin for one, _ in found))
    if envelope.enclosure in ENCLOSED and envelope.enclosure != "none":
        names += ", the enclosed key"
    tried = keys.searched or not keys.has_passphrase
    apart = "in more than a bit" if tried else "(nobody looked whether a bit of it was)"
    return WrongKeyError(
        f"{origins} does not open it: {where} and Block 0 does not come out as a block; it is "
        f"another key, or what the key is made with ({names}) was changed {apart}",
        offset=end,
    )
