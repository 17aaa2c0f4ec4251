"""Gallery: the rows of a Connectivity Table, each with a layout that its type chooses."""

from __future__ import annotations

from itertools import chain

from . import wire
from . import wire_tables as wt
from .specimens import LE11, Named, one
from .wire import Text

U16, U32, U64 = 0xFFFF, 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF
NAME = LE11.name


def connectivity(o: str) -> Named:
    kind = wt.CONNECTIVITY_TABLE

    def row(row_type: int, body: bytes) -> bytes:
        return wt.connectivity_row(o, row_type, body)

    bodies = wt.connectivity_bodies(o)
    for row_type, body in bodies.items():
        yield f"connectivity-{row_type}-{NAME}", one(LE11, kind, wt.table(o, [row(row_type, body)]))
        rows = [row(row_type, body + wire.opaque(n, 1)) for n in (1, 8, 255, 256, 257, 0)]
        yield f"connectivity-surplus-{row_type}-{NAME}", one(LE11, kind, wt.table(o, rows))
        # Cut anywhere: in the row's head, in its body, at its end.
        table = wt.table(o, [row(wt.SOCKET_FAMILY, bodies[wt.SOCKET_FAMILY]), row(row_type, body)])
        cuts = (table[:size] for size in range(28, len(table)))
        yield f"cut-connectivity-{row_type}-{NAME}", one(LE11, kind, *cuts)
    every = [row(row_type, body) for row_type, body in chain(bodies.items(), bodies.items())]
    yield f"connectivity-every-{NAME}", one(LE11, kind, wt.table(o, every))
    for row_type in (0, 8, 9, 0x7F, 0x80, 0xFF):
        rows = [row(row_type, wire.opaque(n)) for n in (0, 1, 28, 255, 256)]
        between = [row(1, bodies[1]), *rows, row(2, bodies[2])]
        file = one(LE11, kind, wt.table(o, between))
        yield f"connectivity-unknown-{row_type:02x}-{NAME}", file
    rows = [row(0x42, wire.opaque(n)) for n in (257, 5000)]
    yield f"connectivity-unknown-long-{NAME}", one(LE11, kind, wt.table(o, rows))
    for codec in ("zstd", "lz4"):
        # Inside a compressed payload places count from its start.
        rows = [row(0x42, wire.opaque(300)), row(6, bodies[6] + wire.opaque(300))]
        file = one(LE11, kind, wt.table(o, rows), compression=codec)
        yield f"connectivity-long-{codec}-{NAME}", file
    longest = [row(0x42, wire.opaque(40_000))]
    yield f"connectivity-row-long-{NAME}", one(LE11, kind, wt.table(o, longest))
    families = (0, 1, 2, 3, 10, 17, 255)
    rows = [row(wt.ARP, wt.arp(o, family=i)) for i in families]
    rows += [row(wt.SOCKET_FAMILY, wt.socket_family(o, family=i)) for i in families]
    yield f"codes-connectivity-families-{NAME}", one(LE11, kind, wt.table(o, rows))
    yield (
        f"connectivity-numbers-{NAME}",
        one(
            LE11, kind, wt.table(o, [row(*pair) for v in (0, 1) for pair in _numbers(o, v).items()])
        ),
    )
    # The name's length lies: it takes what belongs to the fields behind, or more than there is.
    rows = [row(1, wt.ipv4_route(o, iface=Text(b"eth0", length=n, padding=b""))) for n in (0, 3)]
    yield f"connectivity-name-short-{NAME}", one(LE11, kind, wt.table(o, rows))
    for row_type, long in (
        (1, wt.ipv4_route(o, iface=Text(b"eth0", length=5, padding=b""))),
        (3, wt.arp(o, iface=Text(b"eth0", length=U16, padding=b""))),
        (7, wt.mib_counter(o, counter=Text(b"in", length=U16, padding=b""))),
    ):
        file = one(LE11, kind, wt.table(o, [row(6, bodies[6]), row(row_type, long)]))
        yield f"connectivity-name-long-{row_type}-{NAME}", file


def _numbers(o: str, top: int) -> dict[int, bytes]:
    """Every number of every row at its smallest or largest."""
    b16, b32, b64 = U16 * top, U32 * top, U64 * top
    four, sixteen = bytes([255 * top] * 4), bytes([255 * top] * 16)
    return {
        1: wt.ipv4_route(
            o, dest=four, gateway=four, mask=four, flags=b16, metric=b32, mtu=b32, iface=None
        ),
        2: wt.ipv6_route(
            o, dest=sixteen, prefix=255 * top, next_hop=sixteen, metric=b32, flags=b32, iface=None
        ),
        3: wt.arp(o, ip=four, hw_type=b16, flags=b16, hw_addr=sixteen[:6], iface=None),
        4: wt.packet_socket(o, pid=b32, inode=b64, proto=b16, if_index=b32, user=b32, r_mem=b64),
        5: wt.interface_counters(o, iface=None, counters=[b64] * 8),
        6: wt.socket_family(o, in_use=b32, alloc=b32, mem=b64),
        7: wt.mib_counter(o, mib=None, counter=None, value=b64),
    }


def short_rows() -> Named:
    """Rows whose RowLen leaves no room for their fields."""
    bodies = wt.connectivity_bodies("<")
    good = wt.connectivity_row("<", wt.SOCKET_FAMILY, wt.socket_family("<"))
    for row_type, body in bodies.items():
        # Every RowLen that stops before the last field ends, behind a whole row.
        short = (wt.connectivity_row("<", row_type, body[:size]) for size in range(len(body)))
        files = [wt.table("<", [good, row, good]) for row in short]
        yield f"connectivity-short-{row_type}-{NAME}", one(LE11, wt.CONNECTIVITY_TABLE, *files)
        # RowLen alone is too short: the rest of the body is taken for the next row.
        row = wt.connectivity_row("<", row_type, body, row_len=len(body) - 1)
        file = one(LE11, wt.CONNECTIVITY_TABLE, wt.table("<", [row, good]))
        yield f"connectivity-short-length-{row_type}-{NAME}", file
