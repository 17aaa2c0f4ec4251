"""The memory regions of a dump with msl_construct: regions_package.py DUMP."""

import json
import sys
import time

import msl_construct
import msl_construct.reader.opening  # imported by the first dump otherwise
from msl_construct.drafts import DRAFTS, schema

for known in DRAFTS.values():
    schema(known)  # what importing the generated parser comes down to


def main(path: str) -> None:
    begin = time.perf_counter()
    with msl_construct.open(path) as dump:
        regions = dump.regions
        total = sum(region.base_addr for region in regions)
    print(json.dumps([time.perf_counter() - begin, len(regions), total]))


main(*sys.argv[1:])
