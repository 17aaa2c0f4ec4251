"""A dump walked with the generated Python parser: walk_generated.py DUMP headers|full."""

import json
import sys
import time

from msl import Msl


def main(path: str, how: str) -> None:
    begin = time.perf_counter()
    blocks = pages = size = total = 0
    dump = Msl.from_file(path)
    for block in dump.blocks:
        blocks += 1
        size += block.block_length
        if how == "full" and isinstance(block.payload, Msl.MemoryRegion):
            region = block.payload
            for state in region.page_states:
                pages += state == Msl.PageState.captured
            data = region.page_data
            total += sum(data[:: region.page_size])
    seconds = time.perf_counter() - begin
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    print(json.dumps([seconds, peak, blocks, size, pages, total]))


main(*sys.argv[1:])
