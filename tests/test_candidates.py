"""``msl candidates``: byte classes against a naive look, and keys that are known."""

from __future__ import annotations

import io
import json
import random
import re
import struct
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from commands import PLACE, files_of_every_fate, one_line, run
from hypothesis import given, settings
from hypothesis import strategies as st
from independent import wire
from independent.specimens import LE11, finish
from independent.specimens import start as specimen
from random_memory import RandomMemory, memories
from sampling import part_of
from writing import live

import msl_construct
from msl_construct.analysis import candidates as finding
from msl_construct.errors import MslError, PatternError

__all__ = ["files_of_every_fate"]

np = pytest.importorskip("numpy")
pytest.importorskip("cryptography")

PAGE = 4096
HEAP = 0x555500000000
# FIPS 197, appendix A: the keys that it expands, and the last round key of each.
SCHEDULES = {
    "2b7e151628aed2a6abf7158809cf4f3c": "d014f9a8c9ee2589e13f0cc8b6630ca6",
    "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b": "e98ba06f448c773c8ecc720401002202",
    "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4": (
        "fe4890d1e6188d0b046df344706c631e"
    ),
}


# --- byte classes ------------------------------------------------------------------------------


def known_bytes(memory: RandomMemory) -> dict[int, int]:
    return {at + n: one for at, data in memory.runs for n, one in enumerate(data)}


def naive_classes(spaces: Sequence[dict[int, int]], orders: Sequence[str]) -> Counter[str]:
    """What is said of each class, byte by byte; the dumps are aligned by address."""
    first, others = spaces[0], spaces[1:]
    found: Counter[str] = Counter()
    text = set()
    for at in first:
        if all(0x20 <= first.get(at + n, 0) < 0x7F or first.get(at + n) == 9 for n in range(6)):
            text |= {at + n for n in range(6)}
    dense = {
        at for at in first if at % 16 == 0 and is_dense([first.get(at + n) for n in range(16)])
    }
    for at, byte in first.items():
        changed = any(at in one and one[at] != byte for one in others)
        if counts(spaces, orders, at):
            found["counter"] += 1
        elif at in text:
            found["text"] += 1
        elif at - at % 16 in dense:
            found["high_entropy"] += 1
        elif changed:
            found["changing"] += 1
        elif others and all(at in one for one in others):
            found["constant"] += 1
        else:
            found["unknown"] += 1
    return found


def is_dense(block: Sequence[int | None]) -> bool:
    if None in block:
        return False
    halves = block[:8], block[8:]
    pairs = [pair for half in halves for pair in (half[:2], half[-2:])]
    letters = all(one in (9, 10) or 0x20 <= one < 0x7F for one in block if one is not None)
    return len(set(block)) >= 12 and not letters and all(any(pair) for pair in pairs)


def counts(spaces: Sequence[dict[int, int]], orders: Sequence[str], at: int) -> bool:
    word = at - at % 8
    if any(word + n not in spaces[0] for n in range(8)):
        return False
    if not any(
        word + n in one and one[word + n] != spaces[0][word + n]
        for one in spaces[1:]
        for n in range(8)
    ):
        return False
    for start, size, step in ((word, 8, 1 << 32), (at - at % 4, 4, 1 << 16)):
        values = [
            int.from_bytes(bytes(one[start + n] for n in range(size)), order)  # type: ignore[arg-type]
            for one, order in zip(spaces, orders)
            if all(start + n in one for n in range(size))
        ]
        steps = [b - a for a, b in pairwise(values)]
        if steps and (all(0 < n < step for n in steps) or all(0 < -n < step for n in steps)):
            return True
    return False


WORDS = (
    b"a text of some length", b"\x01\0\0\0\0\0\0\0", b"\x02\0\0\0\0\0\0\0", bytes(range(7, 71)),
    bytes(range(200, 232)), b"\xff" * 8,
)  # fmt: skip


@given(st.lists(st.sampled_from([*range(20), 0x41, 0x42, 200, 255]), max_size=100).map(bytes))
def test_dense_blocks_are_those_that_are_said_to_be(data: bytes) -> None:
    numbers = np.frombuffer(data, np.uint8)
    found = finding.measures.dense_blocks(np, numbers).tolist()
    assert bytes(numbers) == data  # which nobody has put in order
    blocks = [data[at : at + 16] for at in range(0, len(data) - 15, 16)]
    zero = b"\0\0"
    assert found == [
        len(set(one)) >= 12
        and zero not in (one[:2], one[6:8], one[8:10], one[14:])
        and not all(byte in (9, 10) or 0x20 <= byte < 0x7F for byte in one)
        for one in blocks
    ]


@settings(max_examples=40)
@given(st.lists(memories(WORDS), min_size=1, max_size=3))
def test_each_byte_is_of_the_class_that_a_naive_look_gives(some: list[RandomMemory]) -> None:
    dumps = [msl_construct.open(one.file) for one in some]
    found = finding.find_candidates(np, dumps, (), how="address")
    orders = [dump.schema.byte_order.value for dump in dumps]
    expected = naive_classes([known_bytes(one) for one in some], orders)
    uncaptured = sum(
        len(memory_states) * 1024
        for region in some[0].regions
        for memory_states in [[state for state in region.states if state]]
    )
    expected["unknown"] += uncaptured
    assert found.classes == {name: expected[name] for name in finding.CLASSES}
    assert sum(found.classes.values()) == len(known_bytes(some[0])) + uncaptured
    common = [len(known_bytes(some[0]).keys() & known_bytes(one).keys()) for one in some[1:]]
    assert [one.compared for one in found.coverage] == [0, *common]


# --- dumps of keys that are known --------------------------------------------------------------


def heap_dump(
    data: bytes, base: int = HEAP, states: Sequence[tuple[int, int, str]] = (), **options: Any
) -> bytes:
    """One heap; `data` are its captured pages."""
    file = io.BytesIO()
    pages = max([first + count for first, count, _ in states], default=len(data) // PAGE)
    with live(file, LE11, "memory_regions", **options) as out:
        out.add_memory_region(
            base_addr=base,
            region_size=pages * PAGE,
            protection=["read", "write"],
            region_type="heap",
            page_states=list(states) or [(0, pages, "captured")],
            data=data,
        )
    return file.getvalue()


def chunks(*contents: bytes, size: int = 4 * PAGE) -> tuple[bytes, list[int]]:
    """Memory as glibc hands it out, and where each content begins."""
    data, places = bytearray(8), []
    for content in contents:
        room = max(24, len(content))
        room += -(room + 8) % 16
        data += struct.pack("<Q", room + 8 | 1)
        places.append(len(data))
        data += content.ljust(room, b"\0")
    data += struct.pack("<Q", (size - len(data)) // 16 * 16 | 1)
    return bytes(data.ljust(size, b"\0")), places


def found_in(*files: bytes, **options: Any) -> finding.CandidateSearch:
    dumps = [msl_construct.open(one) for one in files]
    return finding.find_candidates(np, dumps, finding.library(), **options)


@pytest.mark.parametrize("key", SCHEDULES)
@pytest.mark.parametrize("swapped", [False, True])
def test_key_schedules_of_the_standard(key: str, swapped: bool) -> None:
    from msl_construct.analysis.candidates.aes_schedules import expanded

    schedule = expanded(bytes.fromhex(key))
    assert schedule[-16:].hex() == SCHEDULES[key]
    if swapped:
        schedule = b"".join(schedule[at : at + 4][::-1] for at in range(0, len(schedule), 4))
    data, (place,) = chunks(schedule)
    (found,) = [one for one in found_in(heap_dump(data)).candidates if one.checked]
    assert (found.shape, found.address) == (f"aes_{4 * len(key)}_key_schedule", HEAP + place)
    assert found.length == len(schedule)
    for bit in range(0, 8 * len(schedule), 401):
        broken = bytearray(data)
        broken[place + bit // 8] ^= 1 << bit % 8
        assert not [one for one in found_in(heap_dump(bytes(broken))).candidates if one.checked]


def private_keys() -> dict[str, tuple[bytes, ...]]:
    """Contents of chunks in which there is a key of a shape; it stands in the first."""
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519

    plain = forms.NoEncryption()
    rsa_key = rsa.generate_private_key(65537, 1024)
    numbers = rsa_key.private_numbers()
    curve = ec.generate_private_key(ec.SECP256R1())
    point = curve.public_key().public_numbers()
    x, ed = x25519.X25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
    der = forms.Encoding.DER, forms.PrivateFormat.TraditionalOpenSSL, plain
    return {
        "rsa_private_key_der": (rsa_key.private_bytes(*der),),
        "ec_private_key_der": (curve.private_bytes(*der),),
        "private_key_der": (curve.private_bytes(der[0], forms.PrivateFormat.PKCS8, plain),),
        "rsa_prime": (
            numbers.p.to_bytes(64, "little"),
            numbers.public_numbers.n.to_bytes(128, "little"),
        ),
        "p256_private_key": (
            curve.private_numbers().private_value.to_bytes(32, "little"),
            b"\x04" + point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big"),
        ),
        "x25519_private_key": (x.private_bytes_raw(), b"abc" + x.public_key().public_bytes_raw()),
        "ed25519_private_key": (ed.private_bytes_raw(), ed.public_key().public_bytes_raw()),
        "ssh_private_key_blob": (
            re.sub(
                rb"-----[^\n]*-----|\n",
                b"",
                ed.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.OpenSSH, plain),
            ),
        ),
    }


@pytest.mark.parametrize("shape", sorted(private_keys()))
def test_private_keys_are_told_by_their_algebra(shape: str) -> None:
    import base64

    contents = private_keys()[shape]
    if shape == "ssh_private_key_blob":
        contents = (base64.b64decode(contents[0]),)
    data, places = chunks(*contents)
    found = [one for one in found_in(heap_dump(data)).candidates if one.shape == shape]
    assert HEAP + places[0] in [one.address for one in found], contents[0].hex()
    assert all(one.checked for one in found)
    # What it is told by is gone: so is it.
    at = places[-1] + len(contents[-1]) // 2
    broken = bytearray(data)
    broken[at] ^= 1
    found = [one for one in found_in(heap_dump(bytes(broken))).candidates if one.shape == shape]
    assert HEAP + places[0] not in [one.address for one in found if one.checked]


def test_parts_are_the_score_and_facts_say_why() -> None:
    key = random.Random(1).randbytes(32)
    data, (place, other) = chunks(key, struct.pack("<Q", HEAP + 16))
    assert place == 16
    (found,) = found_in(heap_dump(data)).candidates
    assert found.address == HEAP + place
    assert found.shape == "secret_32_bytes"
    assert found.score == round(sum(found.parts.values()), 3)
    assert found.pointed_from == (HEAP + other,)
    assert found.chunk is not None
    assert (found.chunk.address, found.chunk.size) == (HEAP + place, 40)
    assert found.facts["alignment"] == 16
    assert found.facts["run_length"] == 32


def keys_in_heaps(count: int, seed: int, moved: bool) -> list[tuple[bytes, list[bytes]]]:
    """Dumps with keys of their own and some in common, and those keys."""
    rng = random.Random(seed)
    common = [rng.randbytes(32) for _ in range(3)]
    dumps = []
    for number in range(count):
        own = [rng.randbytes(size) for size in (16, 32, 48, 64)]
        rng.shuffle(own)
        data, _ = chunks(*common, *own, size=8 * PAGE)
        base = HEAP + number * 0x100000 if moved else HEAP
        if number % 3 == 2:
            states = [(0, 8, "captured"), (8, 2, "failed")]
            dumps.append((heap_dump(data, base, states), common + own))
        else:
            dumps.append((heap_dump(data, base), common + own))
    return dumps


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_recall_never_falls_with_more_dumps(seed: int, moved: bool) -> None:
    some = keys_in_heaps(5, seed, moved)
    before: set[tuple[int, int, str]] = set()
    for count in range(1, 6):
        files = [file for file, _ in some[:count]]
        result = found_in(*files)
        dumps = [msl_construct.open(one) for one in files]
        places = {
            (number, address, one.shape)
            for one in result.candidates
            for number, address in enumerate(one.elsewhere)
            if address is not None
        }
        assert before <= places
        before = {(n, at, shape) for n, at, shape in places}
        for number, (_, keys) in enumerate(some[:count]):
            held = [
                bytes(dumps[number].memory.read(one.elsewhere[number], one.length))
                for one in result.candidates
                if one.elsewhere[number] is not None
            ]
            for key in keys:
                assert any(key in data for data in held)


@pytest.mark.parametrize("base", [(1 << 63) - PAGE, (1 << 64) - 10 * PAGE, (1 << 64) - 2 * PAGE])
def test_addresses_of_a_systems_own_half(base: int) -> None:
    secret = random.Random(7).randbytes(64)
    data = (b"A" * 64 + secret).ljust(2 * PAGE, b"\0")
    (own, *_) = found_in(heap_dump(data, base, [(0, 2, "captured")])).candidates
    with msl_construct.open(heap_dump(data, base, [(0, 2, "captured")])) as dump:
        assert bytes(dump.memory.read(own.address, own.length)) in secret


def test_an_unknown_page_is_never_constant() -> None:
    data = bytes(4 * PAGE)
    whole = heap_dump(data)
    holes = heap_dump(data[: 2 * PAGE], states=[(0, 2, "captured"), (2, 2, "failed")])
    assert found_in(whole, whole).classes["constant"] == 4 * PAGE
    for files in ((whole, holes), (holes, whole), (whole, holes, whole), (whole, whole, holes)):
        classes = found_in(*files).classes
        assert (classes["constant"], classes["unknown"]) == (2 * PAGE, 2 * PAGE)


# --- shapes ------------------------------------------------------------------------------------


def test_a_shape_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "dump.msl").write_bytes(heap_dump(chunks(b"KEYS\x07\x01" + bytes(range(90)))[0]))
    (tmp_path / "own.yaml").write_text(
        "msl_shapes: 1\nshapes:\n- {name: ours, hex: '4b 45 59 53 ?? 01', align: 16, weight: 0.3}\n"
    )
    done = run(
        "candidates", "dump.msl", "--shapes", "own.yaml", "--only", "ours", "--json",
        folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["candidates"]
    assert found["address"] == hex(HEAP + 16)
    assert found["parts"]["shape"] == 0.3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("msl_shapes: 2\nshapes: []", "msl_shapes: expected 1"),
        ("msl_shapes: 1\nshapes: {}", "expected msl_shapes, and shapes"),
        ("msl_shapes: 1\nshapes: [7]", r"shapes\[0\]: expected a shape"),
        ("msl_shapes: 1\nshapes: [{name: A, hex: '00'}]", r"shapes\[0\]: name"),
        ("msl_shapes: 1\nshapes: [{name: a}]", "expected one of schedule, hex, text and lengths"),
        ("msl_shapes: 1\nshapes: [{name: a, hex: 'zz'}]", "expected two digits"),
        ("msl_shapes: 1\nshapes: [{name: a, hex: 12}]", "hex: expected a text, in quotes"),
        ("msl_shapes: 1\nshapes: [{name: a, lengths: [5000]}]", "lengths: expected a number"),
        ("msl_shapes: 1\nshapes: [{name: a, lengths: [32], weight: 2}]", "weight"),
        ("msl_shapes: 1\nshapes: [{name: a, lengths: [32], check: x}]", "check: expected one of"),
        ("msl_shapes: 1\nshapes: [{name: a, lengths: [32], colour: x}]", "colour"),
        ("msl_shapes: 1\nshapes: [{name: a, hex: '01', check: x25519_pair}]", "goes with lengths"),
        ("msl_shapes: 1\nshapes: [{name: a, lengths: []}]", "expected one of schedule, hex"),
        ("msl_shapes: 1\nshapes: [{name: a, hex: []}]", "expected one of schedule, hex"),
        ("[" * 3000, "is no YAML"),
        ("a: &a [*a]", "msl_shapes: expected 1"),
    ],
)
def test_mistakes_in_files_of_shapes(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(PatternError, match=said):
        finding.load_shapes([tmp_path / "own.yaml"])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("msl_shapes: 1\nshapes:\n- {name: a, hex: '00'}\n- name: b\n  hex: 'zz'\n", 5),
        ("msl_shapes: 1\nshapes:\n- {name: a, hex: '00'}\n- {name: a, hex: '01'}\n", 4),
        ("msl_shapes: 1\nshapes:\n- name: a\n  lengths: [32]\n  check: [x]\n", 5),
        ("msl_shapes: 1\nshapes:\n- name: a\n  hex: '00'\n  weight: 7\n", 5),
        ("msl_shapes: 1\nshapes:\n- name: a\n  lengths: [32]\n  colour: x\n", 5),
        ("msl_shapes: 1\nshapes:\n\n- 7\n", 4),
        ("msl_shapes: 1\nshapes: [\n- name: a\n", 3),
    ],
)
def test_a_mistake_in_a_file_of_shapes_is_told_with_its_line(
    tmp_path: Path, text: str, line: int
) -> None:
    place = tmp_path / "own.yaml"
    place.write_text(text)
    with pytest.raises(PatternError) as caught:
        finding.load_shapes([place])
    assert str(caught.value).startswith(f"{place}:{line}: "), str(caught.value)


def test_no_two_shapes_are_called_the_same(tmp_path: Path) -> None:
    """One of the library is not covered by one of a user's, nor told as if it were that."""
    text = "msl_shapes: 1\nshapes: [{name: aes_128_key_schedule, hex: 'de ad'}]"
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(PatternError, match="two shapes are called aes_128_key_schedule"):
        finding.load_shapes([tmp_path / "own.yaml"], besides=finding.library())
    done = run("candidates", PLACE / "samples" / "live-le.msl", "--shapes", tmp_path / "own.yaml")
    assert done.returncode == 2


# --- the command -------------------------------------------------------------------------------


def test_the_command_ends_as_it_says(tmp_path: Path, files: dict[str, Path]) -> None:
    data, _ = chunks(random.Random(2).randbytes(32))
    (tmp_path / "key.msl").write_bytes(heap_dump(data))
    done = run("candidates", tmp_path / "key.msl", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["candidates"][0]["shape"] == "secret_32_bytes"
    assert {"dumps", "classes", "coverage", "candidates"} <= found.keys()
    assert run("candidates", files["whole"]).returncode == 1
    assert run("candidates", files["whole"], "--range", "0x10..0x20").returncode == 4
    assert run("candidates", files["no-end"]).returncode == 4
    assert run("candidates", files["not"]).returncode == 3
    assert run("candidates", files["encrypted"]).returncode == 5
    done = run("candidates", files["whole"], "--only", "nothing")
    assert done.returncode == 2
    done = run("candidates", files["whole"], "--shapes", files["not"])
    assert done.returncode == 2
    assert "is no YAML" in one_line(done.stderr) or "msl_shapes" in one_line(done.stderr)


def test_other_forms_of_a_dump_hold_the_same(tmp_path: Path) -> None:
    data, _ = chunks(*private_keys()["x25519_private_key"])
    plain = found_in(heap_dump(data)).candidates
    assert plain
    assert found_in(heap_dump(data, compression="zstd")).candidates == plain
    cut = heap_dump(data)
    result = found_in(cut[:-40])
    assert [one.address for one in result.candidates] == [one.address for one in plain]


def test_key_hints_point_to_the_keys(tmp_path: Path) -> None:
    """Where another decoder, of the page map and of the hint, finds the same bytes."""
    from independent.decode import decode

    key, public = private_keys()["x25519_private_key"]
    data, (place, _) = chunks(key, public)
    states = [(0, 1, "failed"), (1, 4, "captured"), (5, 1, "failed")]
    path = tmp_path / "dump.msl"
    path.write_bytes(heap_dump(data, states=states))
    before = path.read_bytes()
    done = run("candidates", path, "--append", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = [one for one in json.loads(done.stdout)["candidates"] if one["checked"]]
    assert found["address"] == hex(HEAP + PAGE + place)
    raw = path.read_bytes()
    assert raw.startswith(before)
    document = decode(raw, "dump.msl")
    (region,) = [one for one in document["blocks"] if one["block_type"] == "memory_region"]
    (segment,) = document["segments"]
    (hint,) = [one for one in segment["blocks"] if one["block_type"] == "key_hint"]
    payload = hint["payload"]
    assert payload["region_uuid"] == region["block_uuid"]
    assert int(payload["region_offset"], 16) == place
    assert payload["key_len"] == 32
    assert (payload["key_type"], payload["confidence"]) == ("ecdh_private_key", "confirmed")
    assert "x25519_private_key" in payload["note"]
    assert raw.count(key) == 1
    assert run("verify", path).returncode == 0
    assert run("check", path).returncode == 0


def test_no_key_gets_a_second_hint(tmp_path: Path) -> None:
    data, _ = chunks(*private_keys()["x25519_private_key"])
    path = tmp_path / "dump.msl"
    path.write_bytes(heap_dump(data))
    assert run("candidates", path, "--append").returncode == 0
    before = path.read_bytes()
    done = run("candidates", path, "--append")
    assert (done.returncode, path.read_bytes() == before) == (0, True)
    assert "nothing to append" in one_line(done.stderr)


@pytest.mark.parametrize("field", ["key_type", "protocol"])
def test_a_name_that_the_draft_has_not_is_refused_before_anything_is_looked_at(
    tmp_path: Path, files: dict[str, Path], field: str
) -> None:
    (tmp_path / "own.yaml").write_text(
        f"msl_shapes: 1\nshapes: [{{name: own, text: abc, {field}: nonsense}}]\n"
    )
    done = run("candidates", files["whole"], "--shapes", tmp_path / "own.yaml")
    assert (done.returncode, done.stdout) == (2, b"")
    assert f"shape own: {field}: expected one of unknown, " in one_line(done.stderr)


def test_what_was_not_computed_with_everything_is_a_gap(tmp_path: Path) -> None:
    rng = random.Random(5)
    some = (rng.randbytes(1000) for _ in range(20))  # 243 places in each
    data, _ = chunks(*some, size=8 * PAGE)
    path = tmp_path / "dump.msl"
    path.write_bytes(heap_dump(data))
    done = run("candidates", path, "--quiet", "--only", "x25519_private_key")
    assert done.returncode == 4
    said = "private keys of x25519: of more than 4096 places the best were looked at"
    assert one_line(done.stderr).rstrip().endswith(said)


def test_what_begins_alike_hides_nothing() -> None:
    """However often the first bytes stand elsewhere, all of it is found; and nothing by halves."""
    secret, public = private_keys()["ed25519_private_key"]
    likes = [public[:8] + bytes(reversed(public[8:])) for _ in range(300)]
    for there, contents in ((True, [secret, *likes, public]), (False, [secret, *likes])):
        found = found_in(heap_dump(chunks(*contents, size=8 * PAGE)[0])).candidates
        assert any(one.shape == "ed25519_private_key" for one in found) == there
    # Its end stands behind the run that its beginning is in.
    cut = public[:24] + bytes(8)
    found = found_in(heap_dump(chunks(secret, *likes, cut, size=8 * PAGE)[0])).candidates
    assert not any(one.shape == "ed25519_private_key" for one in found)


def test_pointers_are_counted_and_few_are_kept() -> None:
    """Memory may be full of them: what is kept is bounded, and who had to follow all says so."""
    key = random.Random(3).randbytes(32)
    words = struct.pack("<Q", HEAP + 16) * 300
    data, (place, other) = chunks(key, words)
    assert place == 16
    result = found_in(heap_dump(data))
    (found,) = [one for one in result.candidates if one.address == HEAP + place]
    assert found.facts["pointers"] == 300
    assert found.pointed_from == tuple(HEAP + other + 8 * n for n in range(16))
    assert any("of 300 pointers to" in line for line in result.limits)


def test_places_of_schedules_that_are_too_many_are_said() -> None:
    from msl_construct.analysis.candidates import aes_schedules

    schedule = aes_schedules.expanded(bytes(range(16)))
    data = schedule * 9
    left: list[int] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(aes_schedules, "_MOST", 4)
        found = list(aes_schedules.schedules(np, data + bytes(480), 0, len(data), left))
    assert [one.offset for one in found] == [176 * n for n in range(4)]
    assert left == [5]


def test_numbers_that_are_not_divided_are_said(tmp_path: Path) -> None:
    """More of them than a factor is looked for in."""
    rng = random.Random(6)
    numbers = (bytes([0x81, *rng.randbytes(126), 0x81]) for _ in range(130))  # of either order
    path = tmp_path / "dump.msl"
    path.write_bytes(heap_dump(chunks(*numbers, size=8 * PAGE)[0]))
    done = run("candidates", path, "--quiet", "--only", "rsa_prime")
    assert done.returncode == 4
    assert b"of more than 256 numbers the best were looked at" in done.stderr


@pytest.mark.parametrize("fate", ["trailing", "broken", "no-end"])
def test_no_hint_is_appended_to_what_is_not_intact(fate: str, files: dict[str, Path]) -> None:
    before = files[fate].read_bytes()
    done = run("candidates", files[fate], "--append")
    assert done.returncode in (1, 4)
    assert files[fate].read_bytes() == before


# --- patterns ----------------------------------------------------------------------------------


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.binary(min_size=PAGE // 64, max_size=PAGE // 64), st.sampled_from("cf")),
        min_size=1,
        max_size=4,
    ),
    st.integers(0, 40),
)
def test_literal_bytes_are_those_that_all_dumps_share(
    some: list[tuple[bytes, str]], start: int
) -> None:
    """Against a look at each byte; a byte that a dump has not is not the same."""
    common = random.Random(start).randbytes(128)
    dumps, contents = [], []
    for number, (own, state) in enumerate(some):
        data = (own + common).ljust(PAGE - 1, b"\0") + b"\1"
        captured = not number or state == "c"
        states = [(0, 1, "captured"), (1, 1, "captured" if captured else "failed")]
        there = (data + data)[: PAGE * (1 + captured)]
        dumps.append(msl_construct.open(heap_dump(there, states=states)))
        contents.append(data + data if captured else data)
    places = finding.Correspondence(
        [msl_construct.analysis.align(dumps[0], one) for one in dumps[1:]]
    )
    low, size = PAGE - 2048 + start, 2048 + 160
    pattern = finding.byte_pattern(dumps, places, 0, HEAP + low, size, name="some")
    shared = [
        all(at < len(one) and one[at] == contents[0][at] for one in contents)
        for at in range(low, low + size)
    ]
    assert pattern.data == contents[0][low : low + size]
    if len(dumps) > 1:
        assert list(pattern.literal) == shared
    for dump, place in zip(dumps, pattern.places):
        assert place == HEAP + low
        held = dump.memory.read(HEAP + low, size)
        if held.complete:
            assert finding.tried(pattern, dump, place).found


def test_patterns_in_three_forms(tmp_path: Path) -> None:
    """YARA, JSON and Volatility find the same place, and nothing where the pattern is not."""
    pytest.importorskip("yara_x")
    rng = random.Random(5)
    fixed = rng.randbytes(24)
    for number in range(3):
        own = fixed if number < 2 else rng.randbytes(24)
        data, _ = chunks(own + rng.randbytes(32) + fixed[::-1])
        (tmp_path / f"{number}.msl").write_bytes(heap_dump(data))
    words = "0.msl", "1.msl", "--against", "2.msl", "--of", "[heap]+0x10..[heap]+0x60"
    outputs = "--yara", "r.yar", "--signature", "s.json", "--volatility", "p.py"
    done = run("candidates", *words, *outputs, "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (pattern,) = json.loads(done.stdout)["patterns"]
    assert pattern["literal_bytes"] == 48
    assert [one["found"] for one in pattern["tried"]] == [True, True, False]
    assert all(one["others"] == [] and one["complete"] for one in pattern["tried"])
    (signature,) = json.loads((tmp_path / "s.json").read_text())["signatures"]
    assert signature["mask"] == "ff" * 24 + "00" * 32 + "ff" * 24
    assert bytes.fromhex(signature["bytes"]) == fixed + bytes(32) + fixed[::-1]
    hits = json.loads(run("yara", "1.msl", "r.yar", "--json", folder=tmp_path).stdout)
    assert [hit["address"] for hit in hits] == [hex(HEAP + 16)]
    assert run("yara", "2.msl", "r.yar", folder=tmp_path).returncode == 1
    assert run("candidates", *words, "--yara", "r.yar", folder=tmp_path).returncode == 2
    assert _volatility(tmp_path) == f"0,{HEAP + 16:#x},80,range_1"


def test_of_a_region_the_part_with_most_in_common_is_the_pattern(tmp_path: Path) -> None:
    rng = random.Random(6)
    common = [rng.randbytes(1000), rng.randbytes(3000)]
    for number in range(3):
        own = [rng.randbytes(1000), rng.randbytes(3000)]
        same, other = (common, own) if number < 2 else (own, common)
        pages = [bytes(PAGE), same[0], same[1], rng.randbytes(PAGE), other[1]]
        data = b"".join(page.ljust(PAGE, b"\0") for page in pages)
        states = [(0, 5, "captured"), (5, 1, "failed")]
        (tmp_path / f"{number}.msl").write_bytes(heap_dump(data, states=states))
    words = "0.msl", "1.msl", "--against", "2.msl", "--of", "[heap]", "--signature", "s.json"
    done = run("candidates", *words, "--json", folder=tmp_path)
    assert (
        f"[heap]: 4096 of 24576 bytes, at {HEAP + 2 * PAGE:#x}, have most" in done.stderr.decode()
    )
    (pattern,) = json.loads(done.stdout)["patterns"]
    assert [one["found"] for one in pattern["tried"]] == [True, True, False]
    assert pattern["tried"][0]["expected"] == hex(HEAP + 2 * PAGE)
    (signature,) = json.loads((tmp_path / "s.json").read_text())["signatures"]
    assert bytes.fromhex(signature["bytes"]) == common[1].ljust(PAGE, b"\0")
    nowhere = run("candidates", "0.msl", "--of", "0x10", "--yara", "r.yar", folder=tmp_path)
    assert nowhere.returncode == 2
    assert "no region" in one_line(nowhere.stderr)


def test_patterns_are_written_over_nothing_that_is_read(tmp_path: Path) -> None:
    data, _ = chunks(random.Random(5).randbytes(32))
    for name in ("0.msl", "1.msl", "2.msl"):
        (tmp_path / name).write_bytes(heap_dump(data))
    (tmp_path / "own.yaml").write_text("msl_shapes: 1\nshapes: [{name: a, hex: '01'}]")
    (tmp_path / "second.msl").hardlink_to(tmp_path / "2.msl")
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    words = "0.msl", "1.msl", "--against", "2.msl", "--shapes", "own.yaml", "--force"
    for outputs in (
        ("--yara", "0.msl"),
        ("--signature", "1.msl"),
        ("--volatility", "2.msl"),
        ("--yara", "second.msl"),
        ("--yara", "own.yaml"),
        ("--yara", "new", "--volatility", "./new"),
    ):
        done = run("candidates", *words, *outputs, folder=tmp_path)
        assert done.returncode == 2, outputs
        assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before


def test_a_pattern_of_zeros_is_none() -> None:
    data = bytes(64) + random.Random(3).randbytes(16) + bytes(64)
    dumps = [msl_construct.open(heap_dump(data.ljust(PAGE, b"\0")))]
    with pytest.raises(PatternError, match="all alike"):
        finding.byte_pattern(
            dumps, finding.Correspondence([]), 0, HEAP + 64, 16, name="a", margin=64, secret=True
        )


def test_a_pattern_is_where_it_should_be_however_often_it_is_elsewhere() -> None:
    """The search ends after many hits; that place is looked at all the same."""
    size = PAGE * 8
    dump = msl_construct.open(heap_dump(bytes(size - 16) + b"1" * 16, states=[(0, 8, "captured")]))
    literal = (True,) * 16
    pattern = finding.BytePattern("a", "", bytes(16), literal, 0, 16, (HEAP + size - 100,))
    told = finding.tried(pattern, dump, HEAP + size - 100)
    assert told.found
    assert not told.complete
    assert not finding.tried(pattern, dump, HEAP + size - 16).found


def test_a_pointer_that_no_dump_moves_is_not_literal() -> None:
    """Two dumps of one process hold the same pointers, which the next process has not."""
    rng = random.Random(6)
    data = rng.randbytes(16) + struct.pack("<Q", HEAP + 64) + rng.randbytes(104)
    dumps = [msl_construct.open(heap_dump(data.ljust(PAGE, b"\0"))) for _ in range(2)]
    for some in (dumps[:1], dumps):
        places = finding.Correspondence(
            [msl_construct.analysis.align(some[0], one) for one in some[1:]]
        )
        pattern = finding.byte_pattern(some, places, 0, HEAP, 128, name="some")
        assert list(pattern.literal) == [True] * 16 + [False] * 8 + [True] * 104


def _volatility(folder: Path) -> str:
    pytest.importorskip("volatility3")
    from test_volatility import volatility

    plugins = folder / "plugins"
    plugins.mkdir()
    (folder / "cache").mkdir()
    (plugins / "found.py").write_bytes((folder / "p.py").read_bytes())
    shown = volatility(
        "found.Candidates", cache=folder / "cache", sample=folder / "1.msl", plugins=plugins
    )
    return shown.strip().splitlines()[-1]


def test_too_little_in_common_is_no_pattern(tmp_path: Path) -> None:
    for number in range(2):
        data, _ = chunks(random.Random(number).randbytes(64))
        (tmp_path / f"{number}.msl").write_bytes(heap_dump(data))
    done = run(
        "candidates", "0.msl", "1.msl", "--of", "[heap]+0x10..[heap]+0x50", "--yara", "r.yar",
        folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    assert "expected 8 or more" in one_line(done.stderr)
    assert not (tmp_path / "r.yar").exists()


def test_structures_in_the_command(tmp_path: Path) -> None:
    """A list whose nodes are linked in an order of their own, among other chunks."""
    count, size = 20, 48
    step = size + 16
    addresses = [HEAP + 16 + number * step for number in range(count)]
    random.Random(3).shuffle(addresses)
    following = dict(zip(addresses, [*addresses[1:], 0]))
    nodes = [
        struct.pack("<QQ16sd", following[HEAP + 16 + n * step], n + 7, b"name", n + 0.5).ljust(56)
        for n in range(count)
    ]
    data, places = chunks(*(node[:40] + bytes(16) for node in nodes))
    assert places == [16 + n * step for n in range(count)]
    path = tmp_path / "dump.msl"
    path.write_bytes(heap_dump(data))
    done = run("candidates", path, "--structures", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["structures"]
    # Nothing points to the first of them.
    assert (found["kind"], found["size"], found["instances"]) == ("list", 56, count - 1)
    kinds = [field["kind"] for field in found["fields"]]
    assert kinds == ["link", "numbers", "text", "zero", "float", "zero", "zero"]


SAMPLES = sorted((PLACE / "samples").rglob("*.msl"))


def test_whatever_a_dump_is_made_of_it_ends_and_counts_each_byte() -> None:
    """Dialects, damage, both byte orders, other drafts: a sample of the samples."""
    seen = 0
    for path in part_of(SAMPLES[::30]):
        try:
            with msl_construct.open(path) as dump:
                result = finding.find_candidates(np, [dump, dump], finding.library())
                infer = finding.infer_structures(np, dump, [])
        except MslError:
            continue
        seen += 1
        (first, second) = result.coverage
        assert sum(result.classes.values()) == first.captured + sum(first.unknown.values())
        assert second.captured == first.captured
        assert result.classes["changing"] == result.classes["counter"] == 0
        assert all(0 <= one.confidence <= 1 for one in infer)
    assert seen


@pytest.mark.parametrize("base", [(1 << 64) - 0x2000, (1 << 64) - 0x1000])
def test_addresses_up_to_the_last_and_beyond(base: int) -> None:
    """What lies behind the last address is said, and not counted."""
    data = bytearray(0x2000)
    data[512:544] = random.Random(1).randbytes(32)
    builder = specimen(LE11)
    body = wire.memory_region("<", [0, 0], base_addr=base, page_data=bytes(data))
    builder.add(wire.MEMORY_REGION, body)
    dump = msl_construct.open(io.BytesIO(finish(builder, LE11)))
    result = finding.find_candidates(np, [dump, dump], finding.library())
    assert [one.address for one in result.candidates][:1] == [base + 512]
    within = min(0x2000, (1 << 64) - base)
    assert [one.captured for one in result.coverage] == [within, within]
    assert sum(result.classes.values()) == within
    assert bool(result.gaps) == (within < 0x2000), result.gaps
    assert finding.infer_structures(np, dump, []) == []
