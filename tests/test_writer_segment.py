"""Extension segments: appended behind a finished dump, which stays as it is (§4.6)."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from independent import decode, wire
from independent.hashing import ALGORITHMS
from independent.specimens import LE10, LE11, capture
from writing import CLOCK, numbered, uid

import msl_construct
from msl_construct import append_segment
from msl_construct.errors import ConformanceError, EncryptedError, MslError

REGION = uuid.UUID(decode.decode(capture(LE11).data())["blocks"][3]["block_uuid"])
HINT = {"region_uuid": REGION, "region_offset": 0x40, "key_len": 32, "key_type": 3,
        "protocol": 2, "confidence": 1, "key_state": 1, "note": "client write key"}  # fmt: skip


def finished(path: Path, **header: Any) -> bytes:
    path.write_bytes(capture(LE11, **header).data())
    return path.read_bytes()


def append(path: Path, **options: Any) -> Any:
    options.setdefault("producer", "appender 1")
    options.setdefault("new_uuid", numbered(60))
    return append_segment(path, clock=lambda: CLOCK, **options)


@pytest.mark.parametrize(("code", "algorithm"), list(enumerate(ALGORITHMS)))
def test_byte_for_byte(code: int, algorithm: str, tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    before = capture(LE11, hash_algo=code, algorithm=algorithm)
    path.write_bytes(before.data())
    with append(path) as segment:
        segment.add("key_hint", block_uuid=uid(61), **HINT)
        segment.add_opaque("pointer_graph", b"\1\2\3", block_uuid=uid(62), parent_uuid=uid(61))
    hint = wire.key_hint("<", region_uuid=REGION.bytes)
    before.add(wire.KEY_HINT, hint, block_uuid=wire.uuid4(61))
    before.add(0x1003, b"\1\2\3", block_uuid=wire.uuid4(62), parent_uuid=wire.uuid4(61))
    before.end_segment(written_at=CLOCK, block={"block_uuid": wire.uuid4(60)})
    assert path.read_bytes() == before.data()


def test_segment_behind_segment(tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    before = finished(path)
    for number in range(3):
        own = numbered(700 + 10 * number)
        with append(path, producer=None if number else "first", new_uuid=own) as segment:
            segment.add("key_hint", **HINT, block_uuid=uid(70 + number))
        raw = path.read_bytes()
        assert raw.startswith(before)
        before = raw
    document = decode.decode(before)
    assert [len(s["blocks"]) for s in document["segments"]] == [2, 2, 2]
    assert document["trailing"] is None
    verdict = msl_construct.open(before).verify()
    assert (verdict.intact, verdict.complete, verdict.segments) == (True, True, 3)


def test_empty_segment_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    before = finished(path)
    with pytest.raises(ConformanceError, match="at least one block"), append(path):
        pass
    assert path.read_bytes() == before


FORBIDDEN = ["memory_region", "module_entry", "module_list_index", "thread_context",
             "import_provenance", "process_identity", "end_of_capture"]  # fmt: skip
FORBIDDEN_OPAQUE = [0x0012, 0x0015, 0x0050, 0x0054, 0x2345]


@pytest.mark.parametrize("key", FORBIDDEN + FORBIDDEN_OPAQUE)
def test_what_a_segment_must_not_hold(key: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    before = finished(path)
    fields: dict[str, Any] = {
        "memory_region": {"base_addr": 0, "region_size": 0},
        "module_entry": {"base_addr": 0, "module_size": 0},
        "thread_context": {"thread_id": 1},
        "import_provenance": {"source_format": 1, "import_time": 1, "orig_file_size": 1},
        "end_of_capture": {"file_hash": bytes(32), "acq_end": 1},
    }

    def forbidden() -> None:
        with append(path) as segment:
            if isinstance(key, int):
                segment.add_opaque(key, b"")
            else:
                segment.add(key, **fields.get(key, {}))

    with pytest.raises(ConformanceError, match="§"):
        forbidden()
    assert path.read_bytes() == before


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, SystemExit])
def test_exception_restores_the_file(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    before = finished(path)

    def interrupted() -> None:
        with append(path) as segment:
            segment.add("key_hint", **HINT)
            segment.add_opaque("pointer_graph", bytes(1 << 20))
            raise error

    with pytest.raises(error):
        interrupted()
    assert path.read_bytes() == before


def test_closing_that_fails_restores_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    before = finished(path)
    with pytest.raises(ConformanceError), append(path, producer="a\0b") as segment:
        segment.add("key_hint", **HINT)
    assert path.read_bytes() == before


def test_duplicate_uuids_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    before = finished(path)

    def twice() -> None:
        with append(path) as segment:
            segment.add("key_hint", **HINT, block_uuid=uid(61))
            segment.add("key_hint", **HINT, block_uuid=uid(61))

    with pytest.raises(ConformanceError, match=r"§4.1"):
        twice()
    assert path.read_bytes() == before


UNFIT = {
    "first-draft": lambda: capture(LE10).data(),
    "no-end": lambda: capture(LE11, end=False).data(),
    "trailing": lambda: capture(LE11).data() + b"x",
    "cut": lambda: capture(LE11).data()[:-1],
    "bad-segment": lambda: capture(LE11).data() + capture(LE11).data()[64:],
}


@pytest.mark.parametrize("name", UNFIT)
def test_files_that_are_not_appended_to(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    path.write_bytes(UNFIT[name]())
    before = path.read_bytes()
    with pytest.raises(ConformanceError, match=r"§4.6"):
        append(path)
    assert path.read_bytes() == before


def test_not_an_msl(tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    path.write_bytes(b"something else entirely")
    with pytest.raises(MslError):
        append(path)
    with pytest.raises(FileNotFoundError):
        append(tmp_path / "absent.msl")
    assert not (tmp_path / "absent.msl").exists()


def test_encrypted_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    header = wire.file_header(
        version=wire.V11, flags=4, header_size=128, extension=wire.encryption_extension()
    )
    path.write_bytes(header + bytes(200))
    with pytest.raises(EncryptedError):
        append(path)
