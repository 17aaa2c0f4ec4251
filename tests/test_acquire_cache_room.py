"""How much of the page cache a dump may take."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from msl_acquire import room
from msl_acquire.model import Limit

GIB = 1 << 30


def limit(left: int, *, kind: str = "memory", shared: bool = False) -> Limit:
    return Limit(kind, "a limit", "somewhere", left + GIB, GIB, shared)


@pytest.mark.parametrize(
    ("machine", "limits", "wanted"),
    [
        (16, [], 2 * GIB),
        (16, [limit(GIB)], GIB // 8),
        (16, [limit(0)], 0),
        (16, [limit(5, kind="tasks", shared=True)], 2 * GIB),
        (16, [limit(64 * GIB, shared=True)], 0),  # the target's, too
        (None, [limit(GIB)], 0),  # nothing is known of the machine
    ],
)
def test_a_part_of_what_is_left(
    machine: int | None, limits: Sequence[Limit], wanted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [] if machine is None else [limit(machine * GIB, shared=True)]
    monkeypatch.setattr(room, "_machine", lambda: known)
    assert room.cache_room(limits) == wanted
