"""What an exception says to people."""

from __future__ import annotations

import errno
import os

__all__ = ["error_text", "is_out_of_memory"]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this is what comes of too little memory, a library that can't be loaded included."""
    if isinstance(error, ImportError):
        return "failed to map" in str(error) or os.strerror(errno.ENOMEM) in str(error)
    return isinstance(error, MemoryError) or (
        isinstance(error, OSError) and error.errno == errno.ENOMEM
    )


def _is_nowhere() -> bool:
    """Whether the folder that relative paths begin in is no more."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def error_text(error: BaseException) -> str:
    """What an exception says, in one line and without the interpreter's decoration."""
    if isinstance(error, FileNotFoundError) and not error.filename and _is_nowhere():
        return "the working directory has been deleted"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if is_out_of_memory(error):
        return (
            f"not enough memory, see ulimit -a and the control group ({str(error) or 'allocating'})"
        )
    return " ".join(str(error).split())
