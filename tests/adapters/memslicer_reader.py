"""memslicer's reader as a decoder under test.

Usage: python memslicer_reader.py DUMP, with an interpreter that has memslicer 0.5.2.
"""

from types import SimpleNamespace

from ending import run
from memslicer.msl import writer
from memslicer.msl.iterator import is_encrypted, iterate_blocks, read_file_header_info
from memslicer.msl.verify import verify_slice
from translate import block, fields

PARSERS = {
    "thread_context": writer.parse_thread_context,
    "vas_map": lambda payload: SimpleNamespace(entries=writer.parse_vas_map(payload)),
    "module_build_id_manifest": writer.parse_module_build_id_manifest,
    "region_omission_manifest": writer.parse_region_omission_manifest,
    "end_of_capture": writer.parse_end_of_capture,
    "end_of_extension": writer.parse_end_of_extension,
}
"""Those of its parsers that are for its users; no other payload is read as a whole."""
FORMAT = {"format": {"byte_order": "little"}}  # it has no other way to read a number


def shown(index, found):
    named = SimpleNamespace(block_length=found.length, **vars(found))
    one = block(index, found.start_offset, named)
    parse = PARSERS.get(one["block_type"])
    try:
        return one | {"payload": fields(one["block_type"], parse(found.payload)) if parse else {}}
    except ValueError as error:  # as its parsers announce it
        return one | {"damage": str(error)}


def main(path):
    with open(path, "rb") as file:
        size, _, flags = read_file_header_info(file)  # it looks at no version: see README.md
        header = fields("header", SimpleNamespace(header_size=size, flags=flags))
        if is_encrypted(file):
            return {**FORMAT, "header": header, "blocks": [], "segments": [], "trailing": None}
        blocks = [(one.segment, shown(i, one)) for i, one in enumerate(iterate_blocks(file))]
        report = verify_slice(file)
    segments = [
        {"index": number, "blocks": [one for segment, one in blocks if segment == number]}
        for number in sorted({segment for segment, _ in blocks} - {0})
    ]
    return {
        **FORMAT,
        "header": header,
        "blocks": [one for segment, one in blocks if segment == 0],
        "segments": segments,
        "trailing": {"length": report.trailing_bytes} if report.trailing_bytes else None,
    }


if __name__ == "__main__":
    run(main, (ValueError, NotImplementedError))  # what the functions above are said to raise
