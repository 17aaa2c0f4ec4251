"""One fact at a time: its value, or what the system said instead."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any, TypeVar

from ..proc_text import text

__all__ = ["item", "link", "not_read"]

_Argument = TypeVar("_Argument")


def not_read(error: OSError) -> dict[str, str]:
    """What stands in the place of a fact that could not be read."""
    code = errno.errorcode.get(error.errno or 0, "unknown")
    return {"error": code, "detail": error.strerror or str(error)}


def item(read: Callable[[_Argument], Any], argument: _Argument) -> Any:
    """The result of `read`, or `not_read`; a fact in an unknown form is one that failed, too."""
    try:
        return read(argument)
    except OSError as error:
        return not_read(error)
    except (ValueError, IndexError, KeyError) as error:
        return {"error": "format", "detail": f"{type(error).__name__}: {error}"}


def link(path: str) -> str:
    """Where a symbolic link of /proc leads.

    Raises:
        OSError: as the system says it.
    """
    return text(os.readlink(os.fsencode(path)))
