"""Print what the layer shows of the dumps, and reads at the addresses, that a file asks for."""

import sys
from pathlib import Path

from msl_dump import Dump


def shown(value):
    return "-" if value is None else f"{value:x}"


for line in Path(sys.argv[1]).read_text("utf-8").splitlines():
    what, _, rest = line.partition(" ")
    if what == "dump":
        dump = Dump(rest)
        print("dump", rest)
        for one in dump.regions:
            print(f"region {one.address:x} {one.size:x} {one.rights}")
        for one in dump.modules:
            print(f"module {one.address:x} {one.size:x} {one.path}")
        for one in dump.threads:
            for name, value in one.registers.items():
                print(f"register {one.id:x} {name} {shown(value)}")
        for index in dump.damaged:
            print("damaged", index)
    else:
        address, length = (int(word, 16) for word in rest.split())
        for run in dump.read(address, length):
            print(f"run {run.address:x} {run.length:x} {run.state} {(run.data or b'').hex()}")
