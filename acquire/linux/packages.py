"""Which package a file came with, from the package database, without running a program.

Known are dpkg (its file lists, and the ``status.d`` of images without dpkg itself) and apk.
An rpm database is an SQLite or Berkeley DB file and is not read: no version, rather than one
from a query that might write to it. What is said is what the database says of the *path*;
whether the file there is still the package's own, its hash tells.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from typing import NamedTuple

from .files_of_target import RootFolder

__all__ = ["Package", "find_packages"]

_LISTS = "/var/lib/dpkg/info"
_DISTROLESS = "/var/lib/dpkg/status.d"
_APK = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
_LIMIT = 64 << 20
_MAX_LISTS = 50_000
_MERGED = re.compile(rb"/(usr/)?((?:bin|sbin|lib|lib32|lib64|libx32)/)")


class Package(NamedTuple):
    """A package that holds a file."""

    name: str
    version: str


def find_packages(root: str, paths: Iterable[str], deadline: float) -> dict[str, Package]:
    """The packages of `paths`; those that no database knows are left out.

    All lists are gone through once for all paths: ask for many together.

    Args:
        root: folder that the paths are in, for example ``/proc/7/root``.
        paths: absolute, as the target sees them.
        deadline: of `time.monotonic`; what isn't found by then is left out.

    Returns:
        Path to package. Empty where the root can't be opened.
    """
    asked = {os.fsencode(path): path for path in paths if path.startswith("/")}
    if not asked:
        return {}
    try:
        with RootFolder(root) as folder:
            wanted = _with_aliases(folder, asked)
            found = _from_dpkg(folder, wanted, deadline)
            if len(found) < len(asked):
                found = {**_from_distroless(folder, wanted, deadline), **found}
            if len(found) < len(asked):
                found = {**_from_apk(folder, wanted), **found}
            return found
    except OSError:
        return {}


def _with_aliases(folder: RootFolder, asked: dict[bytes, str]) -> dict[bytes, str]:
    """The same paths, and those that lists may know them by where /lib is a link to /usr/lib."""
    wanted = dict(asked)
    for path, name in asked.items():
        match = _MERGED.match(path)
        if match and folder.is_link(match[2].rstrip(b"/")):
            rest = path[match.start(2) :]
            wanted.setdefault(b"/" + rest, name)
            wanted.setdefault(b"/usr/" + rest, name)
    return wanted


def _from_dpkg(folder: RootFolder, wanted: dict[bytes, str], deadline: float) -> dict[str, Package]:
    try:
        names = folder.names(_LISTS)[:_MAX_LISTS]
    except OSError:
        return {}
    diverted = _diverted(folder)
    missing = {path for path in wanted if path not in diverted}
    owners: dict[str, str] = {}
    for name in names:
        if not missing or time.monotonic() > deadline:
            break
        if not name.endswith(".list"):
            continue
        try:
            lines = folder.read(f"{_LISTS}/{name}", _LIMIT).split(b"\n")
        except OSError:
            continue
        # A set asked about each line costs a fraction of searching for each path.
        if missing.isdisjoint(lines):
            continue
        for path in missing.intersection(lines):
            missing.discard(path)
            owners.setdefault(wanted[path], name[: -len(".list")])
    versions = _dpkg_versions(folder, set(owners.values()))
    return {
        path: Package(owner.partition(":")[0], versions[owner])
        for path, owner in owners.items()
        if owner in versions
    }


def _diverted(folder: RootFolder) -> set[bytes]:
    """Paths of which two packages claim the one or the other name: nothing is said of them."""
    try:
        lines = folder.read("/var/lib/dpkg/diversions", _LIMIT).split(b"\n")
    except OSError:
        return set()
    return {line for line in lines if line.startswith(b"/")}


def _dpkg_versions(folder: RootFolder, owners: set[str]) -> dict[str, str]:
    """Version of each owner, named as its list is: ``bash`` or ``libc6:amd64``."""
    if not owners:
        return {}
    try:
        stanzas = folder.read("/var/lib/dpkg/status", _LIMIT).split(b"\n\n")
    except OSError:
        return {}
    found = {}
    for stanza in stanzas:
        fields = _fields(stanza)
        name, version = fields.get("Package", ""), fields.get("Version", "")
        for owner in (name, f"{name}:{fields.get('Architecture', '')}"):
            if version and owner in owners:
                found[owner] = version
    return found


def _fields(stanza: bytes) -> dict[str, str]:
    """The short fields in front of a stanza's long ones; the three that matter are."""
    found = {}
    for key in ("Package", "Architecture", "Version"):
        mark = key.encode() + b": "
        start = 0 if stanza.startswith(mark) else stanza.find(b"\n" + mark) + 1
        if start or stanza.startswith(mark):
            value, _, _ = stanza[start + len(mark) :].partition(b"\n")
            found[key] = value.decode("utf-8", "backslashreplace").strip()
    return found


def _from_distroless(
    folder: RootFolder, wanted: dict[bytes, str], deadline: float
) -> dict[str, Package]:
    try:
        names = folder.names(_DISTROLESS)[:_MAX_LISTS]
    except OSError:
        return {}
    found: dict[str, Package] = {}
    for name in names:
        if time.monotonic() > deadline:
            break
        if not name.endswith(".md5sums"):
            continue
        try:
            lines = folder.read(f"{_DISTROLESS}/{name}", _LIMIT).split(b"\n")
            fields = _fields(folder.read(f"{_DISTROLESS}/{name[: -len('.md5sums')]}", _LIMIT))
        except OSError:
            continue
        if "Package" not in fields or "Version" not in fields:
            continue
        for line in lines:
            path = wanted.get(b"/" + line[34:])
            if path is not None:
                found.setdefault(path, Package(fields["Package"], fields["Version"]))
    return found


def _from_apk(folder: RootFolder, wanted: dict[bytes, str]) -> dict[str, Package]:
    found: dict[str, Package] = {}
    for place in _APK:
        try:
            lines = folder.read(place, _LIMIT).split(b"\n")
        except OSError:
            continue
        name = version = ""
        within = b""
        for line in lines:
            mark, value = line[:2], line[2:]
            if mark == b"P:":
                name, version, within = value.decode("utf-8", "backslashreplace"), "", b""
            elif mark == b"V:":
                version = value.decode("utf-8", "backslashreplace")
            elif mark == b"F:":
                within = value
            elif mark == b"R:" and version:
                path = wanted.get(b"/" + within + b"/" + value if within else b"/" + value)
                if path is not None:
                    found.setdefault(path, Package(name, version))
    return found
