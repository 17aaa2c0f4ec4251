"""MemDiver's reader as a decoder under test.

Usage: python memdiver_reader.py DUMP, with an interpreter that has memdiver 1.0.2.
"""

from itertools import count
from pathlib import Path

from ending import run
from memdiver.msl import MslEncryptedError, MslParseError
from memdiver.msl.integrity import verify_extension_segments
from memdiver.msl.reader import MslReader
from memdiver_payloads import payload
from translate import block, fields

ORDERS = {1: "little", 2: "big"}


def header_of(reader):
    found = reader.file_header
    shown = {"endianness": ORDERS[found.endianness]}
    shown["version"] = f"0x{found.version_major:02x}{found.version_minor:02x}"
    return shown | fields("header", found, found.version_minor > 0)


def main(path):
    with MslReader(Path(path)) as reader:
        revised = reader.file_header.version_minor > 0
        indexes = count()

        def shown(header, stored):
            one = block(next(indexes), header.file_offset, header, revised)
            return one | payload(reader, one["block_type"], header, stored, revised)

        # Merging continuations would show blocks in another order than the file's.
        blocks = [shown(*one) for one in reader.iter_blocks(merge_cont=False)]
        verified = {one.index for one in verify_extension_segments(reader)[0] if one.verified}
        segments = [
            {
                "index": one.index + 1,
                "offset": hex(one.start),
                "blocks": [shown(h, reader.read_block_payload(h)) for h in one.headers],
            }
            for one in reader.scan_extension_segments()
            if one.index in verified
        ]
        behind = reader.trailing_bytes
        header = header_of(reader)
        return {
            "format": {"byte_order": header["endianness"]},
            "header": header,
            "blocks": blocks,
            "segments": segments,
            "trailing": {"length": behind} if behind else None,
        }


if __name__ == "__main__":
    run(main, (MslParseError, MslEncryptedError))
