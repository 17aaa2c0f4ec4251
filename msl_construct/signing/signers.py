"""Whom a key belongs to: an ``allowed_signers`` file of OpenSSH (ssh-keygen(1))."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from fnmatch import fnmatchcase

from ..abbreviated import abbreviated
from ..errors import SignatureError
from .sshsig import NAMESPACE

__all__ = ["Signers", "read_signers"]

_LONGEST = 1 << 20
_KEY_TYPE = "ssh-ed25519"
_OPTION = re.compile(r'([a-z-]+)(?:="([^"]*)")?,?')
_KNOWN = ("namespaces", "valid-after", "valid-before")
_FORMS = ("%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S")


@dataclass(frozen=True)
class _Row:
    principals: str
    key: bytes
    namespaces: str
    after: datetime | None
    before: datetime | None


class Signers:
    """People, and the keys that they sign dumps with."""

    def __init__(self, rows: list[_Row]) -> None:
        self._rows = rows

    def of_key(self, public_key: bytes, when: datetime | None = None) -> list[str]:
        """Who may have signed a dump with a key; empty: nobody that is known.

        Args:
            when: it was signed; now unless given.
        """
        when = when or datetime.now(timezone.utc)
        return [
            row.principals
            for row in self._rows
            if row.key == public_key
            and any(fnmatchcase(NAMESPACE, one) for one in row.namespaces.split(","))
            and (row.after is None or row.after <= when)
            and (row.before is None or when < row.before)
        ]


def read_signers(raw: bytes, name: str = "") -> Signers:
    """The rows of a file with Ed25519 keys; those of other keys and of authorities are left out.

    Raises:
        SignatureError: a line is none of such a file.
    """
    if len(raw) > _LONGEST:
        raise SignatureError(f"{name}: no list of signers: more than {_LONGEST} bytes")
    rows = []
    for number, line in enumerate(raw.decode("utf-8", "replace").splitlines(), 1):
        text = line.strip()
        if text and not text.startswith("#"):
            try:
                row = _row(text)
            except (ValueError, binascii.Error) as error:
                raise SignatureError(f"{name}: line {number}: no signer: {error}") from None
            if row is not None:
                rows.append(row)
    return Signers(rows)


def _row(text: str) -> _Row | None:
    quoted = re.match(r'"([^"]*)"\s+(.*)', text)
    parts = quoted.groups() if quoted else text.split(None, 1)
    if len(parts) != 2:
        raise ValueError("expected principals, options and a key")
    principals, rest = parts
    options: dict[str, str] = {}
    if not _is_key(rest):
        stated, rest = _options(rest)
        options = stated
    words = rest.split()
    if len(words) < 2 or not _is_key(rest):
        raise ValueError("expected a key's type and the key in base64")
    if words[0] != _KEY_TYPE or "cert-authority" in options:
        return None
    unknown = [key for key in options if key not in _KNOWN]
    if unknown:
        raise ValueError(f"unknown option {unknown[0]}")
    return _Row(
        principals,
        base64.b64decode(words[1], validate=True),
        options.get("namespaces", "*"),
        _moment(options.get("valid-after")),
        _moment(options.get("valid-before")),
    )


def _is_key(text: str) -> bool:
    return re.match(r"(ssh|ecdsa|sk)-\S+\s", text) is not None


def _options(text: str) -> tuple[dict[str, str], str]:
    """Options in front of a key, and the rest."""
    found: dict[str, str] = {}
    while text and not text[0].isspace():
        match = _OPTION.match(text)
        if match is None:
            raise ValueError(f"expected an option, found {abbreviated(text)}")
        found[match[1]] = match[2] or ""
        text = text[match.end() :]
    return found, text.strip()


def _moment(text: str | None) -> datetime | None:
    """A time as ssh-keygen takes it: local, or UTC with a Z."""
    if text is None:
        return None
    bare = text.removesuffix("Z")
    for form in _FORMS:
        if len(bare) == len(datetime(2000, 1, 1).strftime(form)):
            found = datetime.strptime(bare, form)
            return found.replace(tzinfo=timezone.utc) if bare != text else found.astimezone()
    raise ValueError(f"expected a time, found {abbreviated(text)}")
