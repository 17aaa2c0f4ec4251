"""What ``msl --version`` prints."""

from __future__ import annotations

from .. import __version__

__all__ = ["version_text"]

_LIBRARIES = ("construct", "blake3", "lz4", "zstandard", "click", "PyYAML")


def version_text() -> str:
    """Tool, drafts and library versions, one a line."""
    from importlib.metadata import PackageNotFoundError, version

    from ..drafts import PUBLIC

    lines = [f"msl {__version__}"]
    lines.append("drafts: " + ", ".join(PUBLIC))
    found = []
    for library in _LIBRARIES:
        try:
            found.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            found.append(f"{library} missing")
    lines.append("libraries: " + ", ".join(found))
    return "\n".join(lines)
