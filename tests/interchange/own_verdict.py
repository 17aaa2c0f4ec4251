"""What this package makes of files: a JSON list on stdout, an object for each line of stdin."""

import hashlib
import json
import sys

import msl_construct
from msl_construct import Keys
from msl_construct.encryption.private_keys import PrivateKeys
from msl_construct.errors import MslError
from msl_construct.schema.framing import algorithm_of, inflated


def keys(passphrase=None, key=None, private=None):
    raw = bytes.fromhex(private or "")
    half = 32 if len(raw) % 64 else 0
    return Keys(
        raw=key and bytes.fromhex(key),
        passphrase=passphrase and passphrase.encode(),
        private=PrivateKeys(x25519=raw[:half] or None, seed=raw[half:] or None) if raw else None,
    )


def content(block):
    """The payload, inflated."""
    if not block.compressed:
        return bytes(block.stored)
    algorithm = algorithm_of(block.schema.flags["BlockFlags"], block.flags)
    framing = block.schema.compressed_payload
    _, source = inflated(framing, block.stored, algorithm, block.inflate_limit)
    return bytes(source.read(0, source.size))


def verdict(path, **given):
    try:
        with msl_construct.open(path, key=keys(**given) if given else None, dialect="none") as dump:
            found = dump.verify()
            blocks = [
                [int(one.header.block_type), hashlib.sha256(content(one)).hexdigest()]
                for one in dump.blocks
            ]
            behind = dump.trailing.length if dump.trailing is not None else 0
    except MslError as error:
        return {"valid": False, "said": str(error)}
    return {
        "valid": bool(found.intact),
        "said": str(found),
        "whole": found.complete and found.file_hash == "match",
        "segments": found.segments,
        "trailing": behind,
        "blocks": blocks,
    }


print(json.dumps([verdict(**json.loads(line)) for line in sys.stdin]))
