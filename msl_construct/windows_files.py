"""What a name means to Windows beyond naming a file, and files that are their owner's alone there.

Windows gives a file the access list of its folder whatever mode is asked for, opens devices by
names such as ``COM1`` in every folder, writes what follows a colon into a stream that no listing
shows, and drops a dot or a space at the end.
"""

from __future__ import annotations

import ctypes
import errno
import glob
import os
import re
import sys
from pathlib import PureWindowsPath

from .abbreviated import abbreviated

__all__ = ["expanded", "new_file", "path_of", "refused_name", "with_slashes"]

_DEVICE = re.compile(r"(?:CON|PRN|AUX|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3])")
_DEVICE_SPACES = re.compile(
    r"\\\\\.(?:\\|$)"  # \\.\PhysicalDrive0
    r"|\\\?\?\\"  # \??\C:, the kernel's own way to write it
    # What is no drive, share or volume; or one alone, which is the disk itself.
    r"|\\\\\?\\(?![A-Z]:\\|UNC\\|VOLUME\{[^\\]*\}\\|NUL$)"
    r"|\\\\(?:\?\\UNC\\+)?[^\\]+\\+(?:PIPE|MAILSLOT)[ .]*(?:\\|$)",  # of this machine or another
    re.IGNORECASE,
)
_FORBIDDEN = '<>"|?*'
_OWNER_ONLY = "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;OW)"
"""An access list that is not inherited: the system, administrators, the owner. Who is an
administrator can take any file."""

_GENERIC_READ_WRITE, _DELETE = 0xC000_0000, 0x0001_0000
_SHARE_ALL, _CREATE_NEW, _NORMAL = 7, 1, 0x80
_SDDL_REVISION = 1
_LONGEST_PATH = 32768


def refused_name(path: str) -> str:
    """Why no file can have this name on Windows; empty if one can. ``NUL`` is nobody's file."""
    slashed = path.replace("/", "\\")
    if _DEVICE_SPACES.match(slashed):
        return "names a device: choose a file"
    rest = slashed[4:] if slashed.startswith("\\\\?\\") else slashed
    _, _, below = rest.partition(":") if rest[1:2] == ":" else ("", "", rest)
    if ":" in below:
        return "names a stream of a file, which no listing shows: choose a name without a colon"
    name = PureWindowsPath(slashed).name
    device = name.partition(".")[0].rstrip(" ").upper()
    if _DEVICE.fullmatch(device):
        return f"{device} is a device of Windows: choose another name"
    if device == "NUL" and name.upper() != "NUL":
        return "NUL takes everything and keeps nothing: choose another name"
    if name != name.rstrip(" .") and name not in (".", ".."):
        return "ends with a dot or a space, which Windows drops: choose another name"
    found = next((c for c in name if c in _FORBIDDEN or c < " "), "")
    return f"has a {abbreviated(found)}, which no name can have on Windows" if found else ""


def expanded(name: str) -> list[str]:
    """The files that a name with wildcards means; the name itself where it means none.

    They are written with ``/``, as on other systems, but for paths of which that changes the
    meaning.
    """
    found = [] if os.path.lexists(name) else sorted(glob.glob(name))
    return [with_slashes(each) for each in found or [name]]


def with_slashes(name: str) -> str:
    """A path of Windows as other systems write it."""
    return name if name.startswith("\\\\") else name.replace("\\", "/")


def new_file(path: str, *, secret: bool) -> int:
    """A descriptor of a new file that may be renamed while it is open.

    Args:
        secret: nobody has access but its owner and administrators; else whom the folder permits.

    Raises:
        FileExistsError: there is one.
        OSError: it can't be made.
    """
    if sys.platform != "win32":
        raise OSError(errno.ENOSYS, "is for Windows", path)
    import msvcrt

    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    attributes = _SecurityAttributes(ctypes.sizeof(_SecurityAttributes), None, 0)
    if secret:
        convert = ctypes.WinDLL(
            "advapi32", use_last_error=True
        ).ConvertStringSecurityDescriptorToSecurityDescriptorW
        descriptor = ctypes.c_void_p()
        if not convert(_OWNER_ONLY, _SDDL_REVISION, ctypes.byref(descriptor), None):
            raise ctypes.WinError(ctypes.get_last_error())
        attributes.descriptor = descriptor
    try:
        create = kernel32.CreateFileW
        create.restype = ctypes.c_void_p
        handle = create(
            ctypes.c_wchar_p(path),
            *(_GENERIC_READ_WRITE | _DELETE, _SHARE_ALL, ctypes.byref(attributes)),
            *(_CREATE_NEW, _NORMAL, None),
        )
        if handle in (None, ctypes.c_void_p(-1).value):
            error = ctypes.get_last_error()
            raise OSError(0, ctypes.FormatError(error), path, error)
    finally:
        if attributes.descriptor:
            free = kernel32.LocalFree
            free.argtypes = (ctypes.c_void_p,)
            free(attributes.descriptor)
    return msvcrt.open_osfhandle(handle, os.O_RDWR | os.O_BINARY | os.O_NOINHERIT)


def path_of(descriptor: int) -> str:
    """Where an open file is.

    Raises:
        OSError: that can't be learnt.
    """
    if sys.platform != "win32":
        raise OSError(errno.ENOSYS, "is for Windows")
    import msvcrt

    ask = ctypes.WinDLL("kernel32", use_last_error=True).GetFinalPathNameByHandleW
    ask.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)
    ask.restype = ctypes.c_uint32
    buffer = ctypes.create_unicode_buffer(_LONGEST_PATH)
    if not ask(msvcrt.get_osfhandle(descriptor), buffer, _LONGEST_PATH, 0):
        raise ctypes.WinError(ctypes.get_last_error())
    return buffer.value


class _SecurityAttributes(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_uint32),
        ("descriptor", ctypes.c_void_p),
        ("inherit", ctypes.c_int),
    )
