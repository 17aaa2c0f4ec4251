"""Time stamps by a third party (RFC 3161): the request, and a response held against it offline."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any

from ..errors import SignatureError

__all__ = ["Dated", "make_request", "read_response"]

_LONGEST = 1 << 20
_HASHES = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
"""By their object identifiers."""


@dataclass(frozen=True)
class Dated:
    """A response that holds.

    Attributes:
        when: the time that it states.
        by: name of whoever states it, as its certificate has it.
        trusted: whether a chain of certificates leads to one that was given.
    """

    when: datetime
    by: str
    trusted: bool


def make_request(message: bytes) -> bytes:
    """A request for a time stamp of a message, as a file to send (``application/timestamp-query``).

    Raises:
        SignatureError: rfc3161-client is missing.
    """
    library = _library()
    builder = library.TimestampRequestBuilder().data(message)
    builder = builder.hash_algorithm(library.HashAlgorithm.SHA512).nonce(nonce=True)
    return bytes(builder.cert_request(cert_request=True).build().as_bytes())


def read_response(
    raw: bytes, messages: dict[str, bytes], roots: bytes | None, name: str = ""
) -> tuple[str, Dated]:
    """Hold a response against what it may be of; which of the messages it is of.

    Args:
        messages: by what they are called.
        roots: certificates (PEM) of whom to trust; None: nobody, and the signature is not checked.

    Raises:
        SignatureError: it is no response, of something else, or does not hold.
    """
    library = _library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import InvalidVersion

    if len(raw) > _LONGEST:
        raise SignatureError(f"{name}: no response of a time stamp authority: too long")
    try:
        response = library.decode_timestamp_response(raw)
        info = response.tst_info
        when, imprint = info.gen_time, info.message_imprint
        by = _signer(response)
    except (ValueError, TypeError, InvalidVersion, UnsupportedAlgorithm) as error:
        raise SignatureError(f"{name}: no response of a time stamp authority: {error}") from None
    matching = [what for what, text in messages.items() if _is_of(imprint, text)]
    if not matching:
        raise SignatureError(
            f"{name}: its time stamp is of something else than this dump", disproved=True
        )
    what = matching[0]
    if roots is None:
        return what, Dated(when, by, trusted=False)
    _verify(library, response, messages[what], roots, name)
    return what, Dated(when, by, trusted=True)


def _is_of(imprint: Any, message: bytes) -> bool:
    """Whether a hash is that of a message."""
    name = _HASHES.get(imprint.hash_algorithm.dotted_string)
    return name is not None and hashlib.new(name, message).digest() == bytes(imprint.message)


def _verify(library: Any, response: Any, message: bytes, roots: bytes, name: str) -> None:
    """Check the signature of a response, and whom it leads to.

    Raises:
        SignatureError: it does not hold.
    """
    from cryptography.x509 import load_pem_x509_certificates

    builder = library.VerifierBuilder()
    try:
        for certificate in load_pem_x509_certificates(roots):
            builder = builder.add_root_certificate(certificate)
        builder.build().verify_message(response, message)
    except (library.VerificationError, ValueError) as error:
        text = f"{name}: its time stamp does not hold: {error}"
        raise SignatureError(text, disproved=True) from None


def _signer(response: Any) -> str:
    """Who states the time: the only certificate in a response, or as it says itself."""
    from cryptography.x509 import load_der_x509_certificate

    found = [load_der_x509_certificate(raw) for raw in response.signed_data.certificates]
    if len(found) == 1:
        return str(found[0].subject.rfc4514_string())
    said = getattr(response.tst_info.name, "value", None)
    return "somebody who is not named" if said is None else str(said.rfc4514_string())


def _library() -> Any:
    try:
        return import_module("rfc3161_client")
    except ImportError:
        raise SignatureError(
            "time stamps need rfc3161-client: pip install 'msl-construct[crypto]'"
        ) from None
