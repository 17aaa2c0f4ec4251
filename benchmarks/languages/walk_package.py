"""A dump walked with msl_construct: walk_package.py DUMP headers|full."""

import json
import sys
import time

import msl_construct
import msl_construct.reader  # imported by the first dump otherwise


def main(path: str, how: str) -> None:
    begin = time.perf_counter()
    blocks = pages = size = total = 0
    with msl_construct.open(path) as dump:
        for block in dump.blocks:
            blocks += 1
            size += block.length
            if how == "full" and block.key == "memory_region":
                region = block.payload
                for _, count, state in region.page_state_map.runs():
                    pages += count if state == 0 else 0
                with region.page_data.view() as data:
                    total += sum(data[:: 1 << region.page_size_log2])
    seconds = time.perf_counter() - begin
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    print(json.dumps([seconds, peak, blocks, size, pages, total]))


main(*sys.argv[1:])
