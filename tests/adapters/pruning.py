"""Takes out of expected documents what a reader does not expose, so that the rest is compared.

A list of it, NAME.lacks, has on each line ``pattern  # reason``. Patterns are of paths:
``header.KEY``, ``blocks.TYPE.KEY``, ``blocks.TYPE.payload.KEY`` and so on, where TYPE is the
block's and rows of tables have no number; ``*`` stands for anything. Blocks of segments are
blocks; what stands behind the header of an encrypted file is ``encrypted.trailing``.
"""

import json
import shutil
from fnmatch import fnmatchcase

EMPTIED = {"payload": {}, "trailing": None}
"""Keys that stand, with what is left of them, where a reader lacks what is in them."""


def patterns(path):
    """The patterns of a list; none without one."""
    if not path.is_file():
        return ()
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(filter(None, (line.partition("#")[0].strip() for line in lines)))


def pruned(value, lacks, path=""):
    """A document, or a part of one, without what a reader lacks."""
    if isinstance(value, list):
        return [pruned(one, lacks, path) for one in value]
    if not isinstance(value, dict):
        return value
    if "block_type" in value:
        path = f"blocks.{value['block_type']}"
    elif "encrypted" in value.get("header", {}).get("flags", ()):
        lacks = tuple(one.replace("encrypted.trailing", "trailing") for one in lacks)
    found = {}
    for key, one in value.items():
        inner = f"{path}.{key}".lstrip(".")
        if not any(fnmatchcase(inner, pattern) for pattern in lacks):
            found[key] = pruned(one, lacks, inner)
        elif key in EMPTIED:
            found[key] = EMPTIED[key]
    return found


def corpus(manifest, lacks, folder):
    """A copy of a corpus in which nothing is expected that a reader lacks."""
    for sample in manifest:
        (folder / sample.file).parent.mkdir(parents=True, exist_ok=True)
        if not (manifest.folder / sample.file).exists():
            continue  # made when it is asked for; the harness reports it as not run
        (folder / sample.file).symlink_to((manifest.folder / sample.file).resolve())
        expected = manifest.expected(sample)
        if expected is not None:
            text = json.dumps(pruned(expected, lacks))
            (folder / sample.document_file).write_text(text, encoding="utf-8")
    shutil.copy(manifest.folder / "manifest.json", folder)
    return type(manifest).load(folder)
