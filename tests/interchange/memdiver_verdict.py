"""What MemDiver makes of files: a JSON list on stdout, an object for each line of stdin.

A line is an object with `path` and perhaps one of `passphrase`, a text, and `key` and `private`,
which are hexadecimal. MemDiver wants ML-KEM from liboqs, which is compiled from its source; where
it is not installed, `cryptography` does the one operation in its place, with a seed as private key.
"""

import hashlib
import importlib.util
import json
import sys
import types
from pathlib import Path


class KeyEncapsulation:
    """As much of liboqs as MemDiver uses to open a file."""

    def __init__(self, algorithm, private):
        from cryptography.hazmat.primitives.asymmetric import mlkem

        size = algorithm.rpartition("-")[2]
        self.key = getattr(mlkem, f"MLKEM{size}PrivateKey").from_seed_bytes(private)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def decap_secret(self, enclosed):
        return self.key.decapsulate(enclosed)


sys.modules["oqs"] = types.SimpleNamespace(
    KeyEncapsulation=KeyEncapsulation,
    get_enabled_kem_mechanisms=lambda: ("ML-KEM-768", "ML-KEM-1024"),
    __spec__=importlib.util.spec_from_loader("oqs", None),
)

from memdiver.msl.integrity import verify_chain  # noqa: E402
from memdiver.msl.reader import MslReader  # noqa: E402


def verdict(path, passphrase=None, key=None, private=None):
    given = {
        "passphrase": passphrase and passphrase.encode(),
        "key": key and bytes.fromhex(key),
        "kem_private_key": private and bytes.fromhex(private),
    }
    try:
        with MslReader(Path(path), **given) as reader:
            report = verify_chain(reader)
            status = reader.tag_status.name
            if not report.valid:
                return {"valid": False, "said": "; ".join([status, *report.errors])}
            found = [*reader.iter_blocks(merge_cont=False), *reader.iter_extension_blocks()]
            sealed = reader.sealed_segments()
            behind = report.trailing_bytes + reader.sealed_trailing_bytes
    except Exception as error:
        return {"valid": False, "said": f"{type(error).__name__}: {error}"}
    return {
        "valid": True,
        "said": "; ".join(report.warnings),
        "whole": report.file_hash_ok is True,
        "segments": len(report.verified_segments) + len(sealed),
        "trailing": behind,
        "blocks": [[int(h.block_type), hashlib.sha256(raw).hexdigest()] for h, raw in found],
    }


print(json.dumps([verdict(**json.loads(line)) for line in sys.stdin]))
