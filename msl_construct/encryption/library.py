"""The package ``cryptography``, which not everybody has."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..errors import EncryptedError

__all__ = ["part_of_library"]

_PACKAGE = "cryptography.hazmat.primitives"


def part_of_library(name: str, wanted: str) -> Any:
    """A module of ``cryptography.hazmat.primitives``, imported now.

    Args:
        name: its name.
        wanted: what it is needed for, for the message.

    Raises:
        EncryptedError: it is not installed, or too old to have it.
    """
    try:
        return import_module(f"{_PACKAGE}.{name}")
    except ModuleNotFoundError as error:
        what = "a later version of the package" if _is_there() else "the package"
        raise EncryptedError(
            f"{wanted} needs {what} cryptography: pip install --upgrade 'msl-construct[crypto]'"
        ) from error


def _is_there() -> bool:
    try:
        import_module(_PACKAGE)
    except ModuleNotFoundError:
        return False
    return True
