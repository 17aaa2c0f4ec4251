"""What memslicer makes of files: a JSON list on stdout, an object for each line of stdin.

A line is an object with `path` and perhaps `passphrase`, a text. memslicer takes no other key.
"""

import hashlib
import json
import sys

from memslicer.msl.iterator import iterate_blocks
from memslicer.msl.verify import verify_slice


def verdict(path, passphrase=None, **others):
    try:
        with open(path, "rb") as file:
            report = verify_slice(file, passphrase)
        if not report.valid:
            return {"valid": False, "said": "; ".join(report.errors)}
        with open(path, "rb") as file:
            blocks = [
                [int(one.block_type), hashlib.sha256(one.payload).hexdigest()]
                for one in iterate_blocks(file, passphrase)
            ]
    except Exception as error:
        return {"valid": False, "said": f"{type(error).__name__}: {error}"}
    segments = [one.verified for one in (*report.segments, *report.sealed_segments)]
    behind = report.trailing_bytes + report.sealed_trailing_bytes
    return {
        "valid": True,
        "said": "; ".join(report.warnings),
        "whole": report.eoc_present and report.file_hash_ok,
        "segments": sum(segments),
        "trailing": behind,
        "blocks": blocks,
    }


print(json.dumps([verdict(**json.loads(line)) for line in sys.stdin]))
