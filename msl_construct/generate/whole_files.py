"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..errors import MslError
from ..outputs import check_name, check_place

__all__ = ["ExistsError", "place"]


class ExistsError(MslError):
    """A file stands where one was to be written."""


def place(folder: Path, files: Mapping[str, str], *, force: bool = False) -> list[Path]:
    """Write texts below a folder, which is created if need be.

    They are written beside the folder first, so that a full disk leaves nothing half done.

    Args:
        files: text by path below the folder, with slashes.
        force: whether files that are there already are replaced.

    Returns:
        The paths of the files, in the order given.

    Raises:
        ExistsError: one is there already and `force` was not given; nothing was written.
        OSError: the disk refuses; what had been moved into place was taken away again.
    """
    check_name(folder)
    targets = {folder / name: text for name, text in files.items()}
    for path in targets if force else ():
        check_place(path, force=True)
    if not force:
        there = [str(path) for path in targets if os.path.lexists(path)]
        if there:
            raise ExistsError(
                f"{there[0]} exists{f', and {len(there) - 1} more' if there[1:] else ''}; "
                "--force overwrites, or choose another folder with -o"
            )
    folder.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=".msl-generate-", dir=folder))
    moved: list[Path] = []
    try:
        for name, text in files.items():
            (staged / name).parent.mkdir(parents=True, exist_ok=True)
            (staged / name).write_text(text, encoding="utf-8", newline="\n")
        for name, target in zip(files, targets):
            target.parent.mkdir(parents=True, exist_ok=True)
            if force:
                os.replace(staged / name, target)
                continue
            _link(staged / name, target)
            moved.append(target)
    except BaseException:
        for path in moved:
            path.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return list(targets)


def _link(source: Path, target: Path) -> None:
    """Move a file to where none is; one that came there meanwhile stays."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise ExistsError(f"{target} exists; --force overwrites it") from None
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise ExistsError(f"{target} exists; --force overwrites it") from None
        os.replace(source, target)
