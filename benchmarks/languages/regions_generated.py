"""The memory regions of a dump with the generated Python parser: regions_generated.py DUMP."""

import json
import sys
import time

from msl import Msl


def main(path: str) -> None:
    begin = time.perf_counter()
    blocks = Msl.from_file(path).blocks
    payloads = (block.payload for block in blocks)
    regions = [payload for payload in payloads if isinstance(payload, Msl.MemoryRegion)]
    total = sum(region.base_addr for region in regions)
    print(json.dumps([time.perf_counter() - begin, len(regions), total]))


main(*sys.argv[1:])
