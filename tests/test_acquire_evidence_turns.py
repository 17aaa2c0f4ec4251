"""Evidence that does not answer, or for which there is no time while the target stands still."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from acquire_targets import target
from acquiring import linux_only

from msl_acquire.evidence import EvidenceFolder, EvidenceLimits
from msl_acquire.linux.evidence import LinuxEvidence
from msl_acquire.linux.evidence.files_in_turn import Turn, in_turn
from msl_acquire.linux.maps import mappings

pytestmark = linux_only


def test_what_does_not_answer_is_left_behind(tmp_path: Path) -> None:
    folder = EvidenceFolder(tmp_path / "evidence")
    go_on, ended = threading.Event(), threading.Event()

    def take(item: int, turn: Turn) -> str:
        with turn:
            turn.output = output = folder.new("word")
            output.write(b"half")
        if item == 2:
            go_on.wait(60)  # a server that answers after all
            ended.set()
        with turn:
            turn.output = None
            output.finish()
        return str(item)

    began = time.monotonic()
    found = in_turn(
        [1, 2, 3], take, lambda item: f"{item} stalled", deadline=began + 60, patience=1.0
    )
    assert found == ["1", "2 stalled", "3"]
    go_on.set()
    assert ended.wait(60)
    time.sleep(0.05)
    names = sorted(path.name for path in (tmp_path / "evidence" / "files").iterdir())
    assert names == ["00001-word", "00003-word"]
    folder.abandon()
    assert not (tmp_path / "evidence").exists()


def test_the_time_is_up(tmp_path: Path) -> None:
    began = time.monotonic()
    found = in_turn(
        range(1000),
        lambda item, _: time.sleep(0.01) or item,
        lambda item: item,
        deadline=began + 1.0,
        patience=10,
    )
    assert found == list(range(len(found)))
    assert 0 < len(found) < 1000


def test_an_error_of_ours_is_not_hidden() -> None:
    def take(item: int, _: Turn) -> int:
        raise KeyError(item)

    with pytest.raises(KeyError):
        in_turn([1], take, lambda item: item, deadline=time.monotonic() + 9, patience=9)


@pytest.mark.parametrize("seconds", [0.0, 20.0])
def test_what_there_was_no_time_for_is_taken_afterwards(seconds: float, tmp_path: Path) -> None:
    place = tmp_path / "evidence"
    with target("e2e_counter", "20", "64", "1", "100") as (process, _):
        path = f"/proc/{process.pid}"
        evidence, folder = LinuxEvidence(path), EvidenceFolder(place)
        folder.begin({})
        began = time.monotonic()
        evidence.frozen("frozen", mappings(process.pid), seconds)
        assert seconds or time.monotonic() - began < 5
        evidence.after(folder, EvidenceLimits(1 << 20, 1 << 20), lambda: False)
        folder.close({})
    entries = json.loads((place / "manifest.json").read_text())["entries"]
    moments = {
        entry["source"]: entry["moment"] for entry in entries if "/fd/" not in entry["source"]
    }
    expected = "frozen" if seconds else "after"
    for name in ("maps", "status", "fdinfo/1", "comm"):
        assert moments[f"{path}/{name}"] == expected
    assert len([source for source in moments if "/task/" in source]) >= 4 * 20
