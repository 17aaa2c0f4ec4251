"""objects.py MIB [HEARTBEAT]: an ordinary Python whose objects occupy so many MiB.

Speaks as the programs in C do, see target.h.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time

BEAT, NOTABLE = 200_000, 2_000_000
gaps = [0, 0]


def heartbeat() -> None:
    """Note how long a sleep of 0.2 ms really was."""
    last = time.monotonic_ns()
    while True:
        time.sleep(BEAT / 1e9)
        now = time.monotonic_ns()
        gap, last = now - last, now
        gaps[0] = max(gaps[0], gap)
        if gap > NOTABLE:
            gaps[1] += gap


def resident() -> int:
    """Bytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def record(number: int, chance: random.Random) -> dict[str, object]:
    """What a program that keeps books might hold."""
    first, second = chance.choice(NAMES), chance.choice(NAMES)
    return {
        "id": number,
        "name": f"{first} {second}",
        "mail": f"{first}.{second}@example.org".lower(),
        "price": round(chance.random() * 1000, 2),
        "tags": [chance.choice(NAMES) for _ in range(chance.randrange(8))],
        "seen": {chance.randrange(500) for _ in range(4)},
        "text": f"order {number} of {first}: {chance.choice(NAMES)}, {chance.randrange(10**6)}",
        "parent": (number - 1, None, True),
    }


NAMES = ["Ada", "Grace", "Edsger", "Barbara", "Donald", "Frances", "Niklaus", "Margaret", "Alan"]


def main() -> None:
    """The conversation."""
    wanted = int(sys.argv[1]) << 20
    chance = random.Random(1)
    records: list[dict[str, object]] = []
    while resident() < wanted:
        records += [record(len(records) + more, chance) for more in range(1000)]
    if sys.argv[2:3] == ["1"]:
        threading.Thread(target=heartbeat, daemon=True).start()
    print("ready", flush=True)
    for _ in sys.stdin:
        answer = f"{gaps[0]} {gaps[1]}"
        gaps[:] = [0, 0]
        print(answer, flush=True)


if __name__ == "__main__":
    main()
