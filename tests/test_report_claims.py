"""What the first words of a page claim is so: what is missing is said, with how much and why."""

from __future__ import annotations

import io
import random
import re
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from commands import run
from independent.specimens import LE11
from pages import Page, everything, regions
from writing import LIVE, uid, writer

import msl_construct
from msl_construct.reader.verdict import Finding
from msl_construct.report import Redaction, html_page, markdown_page, redaction, report_of
from msl_construct.report.answers import answers_of
from msl_construct.report.damage import contradicted_blocks
from msl_construct.report.word_search import WordSearch

PAGE = 4096
BASE = 0x10000


def capture(
    *states: tuple[int, str], mappings: list[dict[str, Any]] | None = None, code: bool = False
) -> bytes:
    """A region of heap for each run of states, 1 MiB apart; all of them executable, if asked."""
    file = io.BytesIO()
    with writer(file, LE11, *LIVE, *(["memory_regions"] if states else [])) as out:
        out.add_process_identity(exe_path="/bin/thing", cmd_line="thing", block_uuid=uid(1))
        out.add_module_list_index([], block_uuid=uid(2))
        for number, (pages, state) in enumerate(states):
            out.add_memory_region(
                base_addr=BASE + (number << 20),
                region_size=pages * PAGE,
                page_states=[(0, pages, state)],
                data=b"z" * PAGE * pages if state == "captured" else b"",
                protection=["read", "execute"] if code else ["read"],
                region_type="heap",
            )
        if mappings is not None:
            out.add_vas_map(entries=mappings)
    return file.getvalue()


def mapping(base: int, pages: int = 1, path: str | None = None) -> dict[str, Any]:
    row: dict[str, Any] = {"base_addr": base, "region_size": pages * PAGE, "region_type": "heap"}
    return row if path is None else {**row, "name_source": "live", "mapped_path": path}


def banner(raw: bytes) -> tuple[str, str]:
    """Level and words of the first line, in both forms."""
    with msl_construct.open(raw) as dump:
        found = report_of(dump)
    page = html_page([found], redaction=Redaction())
    shown = re.search(r'class="banner (\w+)"><span class="mark"(.*?)</p>', page, re.DOTALL)
    assert shown is not None
    words = re.sub("^[^>]*>.|<[^>]*>", "", shown[2])
    plain = markdown_page([found], redaction=Redaction()).replace("\\", "")
    assert words in plain
    return shown[1], words


ALL = [(2, "captured")]
NONE = Redaction()


@pytest.mark.parametrize(
    ("states", "mappings", "level", "words"),
    [
        (ALL, None, "good", "Intact and complete."),
        (
            [*ALL, (256, "failed")],
            None,
            "warn",
            "Intact; the file is complete, the memory in it is not. Not in it: 1.0 MiB (could not "
            "be read).",
        ),
        (
            [*ALL, (3, "not_resident")],
            None,
            "good",
            "Intact and complete. Not counted: 12.0 KiB (never touched by the process: nothing was "
            "there).",
        ),
        (
            [*ALL, (3, "unmapped")],
            None,
            "warn",
            "Intact; the file is complete, the memory in it is not. Not in it: 12.0 KiB (gone "
            "between its being listed and its being read).",
        ),
        (
            [(3, "not_resident")],
            None,
            "warn",
            "Intact and complete. It holds no memory. Not counted: 12.0 KiB (never touched by the "
            "process: nothing was there).",
        ),
        (ALL, [mapping(BASE, 2)], "good", "Intact and complete."),
        (
            ALL,
            [mapping(BASE - PAGE, 4), mapping(BASE + (9 << 20), 512)],
            "warn",
            "Intact; the file is complete, the memory in it is not. Not in it: 2.0 MiB (in the "
            "list of mappings, and in no region of the file).",
        ),
        ([], None, "warn", "Intact and complete. It holds no memory."),
    ],
)
def test_the_first_line_says_what_is_missing(
    states: list[tuple[int, str]],
    mappings: list[dict[str, Any]] | None,
    level: str,
    words: str,
) -> None:
    assert banner(capture(*states, mappings=mappings)) == (level, words)


def test_a_file_that_is_not_intact_is_not_called_complete() -> None:
    raw = bytearray(capture(*ALL, (3, "not_resident")))
    raw[raw.index(b"z" * 64)] ^= 1
    level, words = banner(bytes(raw))
    assert level == "bad"
    assert words.startswith("Not intact: what it says need not be so. Not counted: 12.0 KiB")


def test_what_is_missing_is_named() -> None:
    """Where most of it is, by the name of the mapping; of a state with none in it nothing."""
    names = [mapping(BASE + (1 << 20), 1, "[vvar]"), mapping(BASE + (2 << 20), 3, "/opt/x")]
    raw = capture(*ALL, (1, "failed"), (3, "failed"), mappings=[mapping(BASE, 2), *names])
    with msl_construct.open(raw) as dump:
        answers = {one.question: one for one in report_of(dump).answers}
    assert answers["memory"].more == (
        "12.0 KiB (could not be read)",
        "of these 12.0 KiB in /opt/x",
        "why they could not be read is not recorded in the dump; the report of its acquisition "
        "says it, and was not given",
        "4.0 KiB (could not be read: pages of the kernel's own, which every process of Linux has)",
    )


def test_memory_that_went_away_is_called_so_everywhere(tmp_path: Path) -> None:
    """Unmapped is what was listed and then gone (§6), not a place where nothing was mapped."""
    raw, path = capture(*ALL, (3, "unmapped")), tmp_path / "a.msl"
    path.write_bytes(raw)
    gone = "gone between its being listed and its being read"
    assert f"12.0 KiB unmapped ({gone})" in run("inspect", path).stdout.decode()
    with msl_construct.open(raw) as dump:
        found = report_of(dump)
    assert f"12.0 KiB ({gone})" in markdown_page([found], redaction=NONE)
    memory = Page(html_page([found], redaction=NONE)).data["dumps"][0]["memory"]
    words = dict(zip(memory["states"], memory["state_words"], strict=True))
    assert words["unmapped"] == "gone before it was read"
    seen = memory["states"].index
    assert seen("unmapped") > seen("captured") > seen("not_resident"), "what is lacking is seen"


def test_the_kernels_own_pages_are_not_called_gone() -> None:
    """memslicer writes Unmapped of whatever it can't read."""
    names = [mapping(BASE + (1 << 20), 1, "[vvar]"), mapping(BASE + (2 << 20), 3, "/opt/x")]
    raw = capture(*ALL, (1, "unmapped"), (3, "unmapped"), mappings=[mapping(BASE, 2), *names])
    with msl_construct.open(raw) as dump:
        answers = {one.question: one for one in report_of(dump).answers}
    assert answers["memory"].more == (
        "12.0 KiB (gone between its being listed and its being read)",
        "of these 12.0 KiB in /opt/x",
        "4.0 KiB (said to be gone before it was read: pages of the kernel's own, which every "
        "process of Linux has, and nobody reads from outside)",
    )


def test_why_pages_could_not_be_read_is_what_the_report_says() -> None:
    raw = capture(*ALL, (3, "failed"), (2, "failed"), mappings=[mapping(BASE + (1 << 20), 3, "/x")])
    told = {
        "report": 1,
        "status": "complete",
        "memory": {
            "causes": [
                {"state": "captured", "cause": "from_file", "pages": 2},
                {"state": "captured", "cause": "from_file_later", "pages": 5},
                {"state": "captured", "cause": "held", "pages": 9},
                {"state": "failed", "cause": "from_file", "pages": 11},
            ]
        },
        "regions": [
            {"base_addr": f"{BASE + (n << 20):#x}", "causes": [cause]}
            for n, cause in (
                (1, {"state": "failed", "cause": "beyond_end_of_file", "pages": 3}),
                (2, {"state": "captured", "cause": "from_file", "pages": 2}),
            )
        ],
    }
    with msl_construct.open(raw) as dump:
        found = report_of(dump, acquisition=told)
    lines = {one.question: one for one in found.answers}["memory"].more
    where = f"{BASE + (2 << 20):#x}"
    assert lines[1] == f"of these 12.0 KiB in /x: beyond end of file, 8.0 KiB in {where}"
    assert lines[-1].startswith("7 captured pages came from the files that are mapped there")


def altered(place: bytes | int = b"z" * 64, raw: bytes = b"") -> tuple[bytes, bytes]:
    """A capture, and the same with one bit of it flipped."""
    raw = raw or capture(*ALL, (3, "not_resident"), (5, "captured"))
    changed = bytearray(raw)
    changed[raw.index(place) if isinstance(place, bytes) else place] ^= 1
    return raw, bytes(changed)


def test_a_page_that_is_not_intact_says_which_hash_is_which_and_where() -> None:
    raw, changed = altered()
    with msl_construct.open(changed) as dump:
        found = report_of(dump)
        regions_of_it = [(one.base_addr, one.head.block) for one in dump.regions]
    (base, block), *_ = regions_of_it
    span = slice(block.offset, block.offset + block.length)
    recorded, computed = blake3(raw[span]).hexdigest(), blake3(changed[span]).hexdigest()
    answers = {one.question: one for one in found.answers}
    text = "\n".join(answers["intact"].more)
    assert f"recorded in the file: {recorded}, computed from its bytes as they are now" in text
    assert f"as they are now: {computed}" in text
    assert f"one of the {block.length} bytes at {block.offset:#x}" in text
    assert f"It is memory: 8.0 KiB r-- at {base:#x}, no name" in text
    assert list(found.memory.marks) == [4, 0, 0]
    assert found.memory.altered == 2 * PAGE
    for answer in (answers["intact"], answers["memory"]):
        assert "8.0 KiB of the captured memory are in blocks that their hashes contradict" in (
            answer.text
        )
        assert "20.0 KiB are in blocks that agree with their hashes" in answer.text
    assert answers["memory"].word == "100.0 % captured; hashes contradict 28.5 % of that"
    checked = found.checked
    assert checked is not None
    places = [place for one in checked.broken for place in one.places]
    assert any(f"recorded in the file: {recorded}" in place for place in places)
    assert not any("expected" in place for place in places)
    page, plain = html_page([found], redaction=Redaction()), markdown_page([found], redaction=NONE)
    for shown in (page, plain):
        assert "of the file as it is now, which is not intact" in shown
        assert "may be what was changed" in shown


def test_facts_in_blocks_that_their_hashes_contradict_are_marked() -> None:
    """And those in the last block, which none covers; all others are said to agree."""
    raw = bytearray(capture(*ALL))
    raw[raw.index(b"/bin/thing")] ^= 1
    with msl_construct.open(bytes(raw)) as dump:
        found = report_of(dump)
    marked = {one.label for one in found.facts if "may be what was changed" in one.note}
    assert marked == {"program", "command line", "FileHash", "finished"}
    page, plain = html_page([found], redaction=Redaction()), markdown_page([found], redaction=NONE)
    for shown in (page, plain):
        assert "all others that are from the dump stand in blocks that agree" in shown
    assert found.verdict is not None
    found.verdict.findings.append(Finding("chain", "and 7 blocks more, up to block 9", None, 9))
    page = html_page([found], redaction=Redaction())
    assert "each of these facts may be what was changed" in page


def test_blocks_that_agree_are_not_said_to_be_unchanged() -> None:
    """Whoever makes one hash anew moves what does not fit to the block behind."""
    raw = bytearray(capture(*ALL))
    with msl_construct.open(bytes(raw)) as dump:
        block, behind = dump.block(0), dump.block(1)
        place = behind.offset + dump.schema.block_header.offset_of("prev_hash")
    raw[raw.index(b"/bin/thing")] ^= 1
    span = slice(block.offset, block.offset + block.length)
    raw[place : place + 32] = blake3(raw[span]).digest()
    with msl_construct.open(bytes(raw)) as dump:
        found = report_of(dump)
    (program,) = [one for one in found.facts if one.label == "program"]
    assert "may be what was changed" not in program.note
    page, plain = html_page([found], redaction=Redaction()), markdown_page([found], redaction=NONE)
    for shown in (page, plain):
        said = "stand in blocks that agree with their hashes, which speaks against damage, and not "
        assert shown.count(f"{said}against a deliberate change.") == 2


def test_of_a_dump_without_a_key_nothing_is_said_elsewhere() -> None:
    samples = Path(__file__).parents[1] / "samples"
    reports = []
    for name in ("valid/encrypted-11-le.msl", "live-le.msl"):
        with msl_construct.open(samples / name) as dump:
            reports.append(report_of(dump))
    row = re.search(
        "<tr><th[^>]*>user of the process</th>.*?</tr>", html_page(reports, redaction=NONE)
    )
    assert row is not None
    assert "not known" in row[0]
    assert "another row" not in row[0]


def test_of_more_blocks_than_are_told_nobody_counts_the_memory() -> None:
    _, changed = altered()
    with msl_construct.open(changed) as dump:
        found = report_of(dump)
    assert found.verdict is not None
    found.verdict.findings.append(Finding("chain", "and 7 blocks more, up to block 9", None, 9))
    answers = {one.question: one for one in answers_of(found)}
    for answer in (answers["intact"], answers["memory"]):
        assert "how much memory is not counted" in answer.text
        assert "agree with their hashes" not in answer.text
    assert answers["memory"].word.endswith("; hashes contradict at least 28.5 % of that")


def test_of_a_hash_of_the_whole_file_alone_nobody_can_tell_where() -> None:
    raw = capture(*ALL)
    with msl_construct.open(raw) as dump:
        stored = dump.verify().stored_file_hash
    assert stored is not None
    _, changed = altered(stored, raw)
    with msl_construct.open(changed) as dump:
        found = report_of(dump)
    assert found.answers[0].word == "not intact"
    assert "only the hash of the whole file (FileHash) does not fit" in found.answers[0].text
    assert found.memory.altered == 0


def test_a_prev_hash_that_nothing_covers_speaks_against_both() -> None:
    """That of the last block may itself be what was changed."""
    raw = capture(*ALL)
    with msl_construct.open(raw) as dump:
        last = dump.block(len(dump.index) - 1)
        stored = last.header["prev_hash"]
    _, changed = altered(raw.rindex(stored), raw)
    with msl_construct.open(changed) as dump:
        verdict = dump.verify()
    assert contradicted_blocks(verdict) == {last.index - 1, last.index}


def test_intact_is_not_more_than_no_sign_of_damage() -> None:
    with msl_construct.open(capture(*ALL)) as dump:
        found = report_of(dump)
    page, plain = html_page([found], redaction=NONE), markdown_page([found], redaction=NONE)
    for shown in (page, plain):
        assert "a deliberate change can't be excluded" in shown.replace("&#x27;", "'")
        assert "covers its last block, number 3" in shown
        assert found.dump_uuid in shown
        assert "A dump holds what the process had in memory" in shown
        assert "no values of environment variables, no command lines. It has registers" in shown
    assert 'href="#answer-0-signed"' in page
    assert 'id="answer-0-signed"' in page


def test_what_nothing_says_is_called_not_said() -> None:
    """Until the acquisition's report does."""
    asked = ("tool and version", "how long the process stood still", "user of the process")
    told = {
        "report": 1,
        "status": "complete",
        "tool": {"name": "t", "version": "1"},
        "freeze": {"method": "ptrace", "duration": "2000000"},
        "target": {"credentials": {"uids": {"real": 5, "effective": 0}}},
    }
    for given in (None, told):
        with msl_construct.open(capture(*ALL)) as dump:
            found = report_of(dump, acquisition=given)
        facts = {one.label: one.text for one in found.facts}
        assert [facts.get(label) for label in asked] == (
            ["not said"] * 3 if not given else [None] * 3
        )
    assert facts["user"] == "uid 0, started by uid 5"
    assert facts["target stopped"] == "by ptrace, for 2.0 ms"


def test_what_the_process_has_open_is_to_be_looked_at(tmp_path: Path) -> None:
    """Of the process only; a region of two marks is one thing."""
    file = io.BytesIO()
    names = ("process", "network", "handle")
    categories = ["memory_regions", "system_context", *(f"system_{one}_table" for one in names)]
    with writer(file, LE11, *LIVE, *categories, fields={"flags": ["investigation"]}) as out:
        out.add_process_identity(exe_path="/bin/thing", cmd_line="thing", block_uuid=uid(1))
        out.add_module_list_index([], block_uuid=uid(2))
        tables = ["connection_table", "handle_table", "process_table"]
        out.add_system_context(
            block_flags=["has_children"], acq_user="me", target_count=1, table_bitmap=tables
        )
        out.add_memory_region(
            base_addr=BASE,
            region_size=PAGE,
            page_states=[(0, 1, "captured")],
            data=b"z" * PAGE,
            protection=["read", "write", "execute"],
            region_type="anonymous",
        )
        ends = [(4242, "7f000001", 80), (4242, "00000000", 81), (7, "00000000", 82)]
        tcp = {"family": "ipv4", "protocol": "tcp", "state": 10, "remote_addr": bytes(16)}
        out.add_process_table(entries=[{"pid": 4242, "is_target": 1, "uid": 33, "user": "web"}])
        out.add_connection_table(
            entries=[
                {
                    "pid": pid,
                    **tcp,
                    "local_addr": bytes.fromhex(at).ljust(16, b"\0"),
                    "local_port": port,
                }
                for pid, at, port in ends
            ]
        )
        out.add_handle_table(
            entries=[
                {"pid": pid, "fd": pid, "handle_type": 1, "path": f"/tmp/{pid} (deleted)"}
                for pid in (4242, 7)
            ]
        )
        out.add_vas_map(entries=[mapping(BASE, 1)])
    with msl_construct.open(file.getvalue()) as dump:
        found = report_of(dump)
        assert dump.header.record["pid"] == 4242
        told = {"protocol": "unix", "local": "/run/x", "state": "listen", "descriptors": [3]}
        more = {"protocol": "tcp6", "local": "[::ffff:127.0.0.1]:9", "state": "listen"}
        report = {"report": 1, "status": "complete", "target": {"connections": [told, more]}}
        reported = {one.title: one.places for one in report_of(dump, acquisition=report).suspicions}
    things = {one.title: one.places for one in found.suspicions}
    assert reported["The process waits for connections from the machine itself"] == (
        "tcp 127.0.0.1:80",
        "unix /run/x",
        "tcp6 [::ffff:127.0.0.1]:9",
    )
    assert things["Open files that are deleted"] == ("descriptor 4242: /tmp/4242 (deleted)",)
    assert things["The process waits for connections from the network"] == ("tcp 0.0.0.0:81",)
    assert things["The process waits for connections from the machine itself"] == (
        "tcp 127.0.0.1:80",
    )
    assert len([title for title in things if "W+X" in title or "no file" in title]) == 1
    assert {one.label: one.text for one in found.facts}["user"] == "web (uid 33)"


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        (None, True),
        ("[heap]", True),
        ("/usr/lib/libx.so", False),
        ("C:\\Windows\\System32\\ntdll.dll", False),
        ("\\Device\\HarddiskVolume2\\x.dll", False),
        ("/usr/lib/libx.so (deleted)", True),
        ("/memfd:jit (deleted)", True),
        ("/memfd:jit", True),
        ("/dev/zero", True),
        ("/dev/shm/x", False),
        ("/SYSV00000000", True),
        ("[anon:/usr/lib/libx.so]", True),
    ],
)
def test_code_of_a_mapped_file_is_not_called_code_without_one(
    tmp_path: Path, path: str | None, marked: bool
) -> None:
    """Some producers call it heap, or anonymous; the list of mappings names the file."""
    raw = capture(*ALL, mappings=[mapping(BASE, 2, path)], code=True)
    (tmp_path / "a.msl").write_bytes(raw)
    page = Page(run("report", tmp_path / "a.msl", "-o", "-").stdout.decode())
    (region,) = regions(page.data["dumps"][0]["memory"])
    assert region["marks"] == (2 if marked else 0)
    assert ("Code that comes from no file" in page.text) is marked
    tree = run("inspect", tmp_path / "a.msl").stdout.decode()
    assert ("code without a file" in tree) is marked


def test_code_of_a_file_that_anybody_may_write_is_to_be_looked_at(tmp_path: Path) -> None:
    raw = capture(*ALL, mappings=[mapping(BASE, 2, "/dev/shm/x")], code=True)
    (tmp_path / "a.msl").write_bytes(raw)
    page = Page(run("report", tmp_path / "a.msl", "-o", "-").stdout.decode())
    assert "Code from places where anybody may write" in page.text


def test_a_process_that_was_started_from_no_file_is_to_be_looked_at() -> None:
    """Wherever it is known from: the acquisition's report, and the table of processes."""
    rows = [
        {"pid": 4242, "is_target": 1, "ppid": 3, "exe": "/bin/thing"},
        {"pid": 3, "ppid": 2, "exe": "/bin/sh"},
        {"pid": 2, "ppid": 2, "exe": "/memfd:sealed (deleted)"},
        {"pid": 5, "ppid": 2, "exe": "/dev/shm/x"},
        {"pid": 6, "ppid": 2, "exe": "/bin/ls"},
    ]
    file = io.BytesIO()
    categories = ["system_context", "system_process_table"]
    with writer(file, LE11, *LIVE, *categories, fields={"flags": ["investigation"]}) as out:
        out.add_process_identity(exe_path="/bin/thing", block_uuid=uid(1))
        out.add_module_list_index([], block_uuid=uid(2))
        out.add_system_context(
            block_flags=["has_children"], target_count=1, table_bitmap=["process_table"]
        )
        out.add_process_table(entries=rows)
    told = {"parents": [{"pid": 3, "name": "sh"}, {"pid": 9, "name": "memfd:y"}]}
    report = {"report": 1, "status": "complete", "target": told}
    with msl_construct.open(file.getvalue()) as dump:
        found = report_of(dump, acquisition=report)
    things = {one.title: (one.level, one.places) for one in found.suspicions}
    above = "Started by a program from where anybody may write, or from no file"
    assert things[above] == ("warn", ("process 2: /memfd:sealed (deleted)", "process 9: memfd:y"))
    others = "Other processes of the machine run programs from where anybody may write"
    assert things[others] == ("note", ("process 5: /dev/shm/x",))


@pytest.mark.parametrize("kind", [str, bytes])
def test_words_are_found_as_an_expression_finds_them(kind: type) -> None:
    rng = random.Random(5)

    def text(least: int, most: int) -> str:
        return "".join(rng.choices("aab-", k=rng.randrange(least, most)))

    for _ in range(300):
        words = {text(6, 10) for _ in range(rng.randrange(1, 9))}
        letters = {one for one in words if one.isalpha()}
        where = text(0, 60)
        longest = sorted(words, key=len, reverse=True)
        joined = r"(?<![0-9A-Za-z])%s(?![0-9A-Za-z])"
        form = "|".join(joined % one if one in letters else re.escape(one) for one in longest)
        wanted = [match.span() for match in re.finditer(form, where)]
        if kind is bytes:
            stored = [one.encode() for one in sorted(words - letters)]
            search = WordSearch(stored, [one.encode() for one in sorted(letters)])
            assert list(search.spans(where.encode())) == wanted
            assert search.without(where.encode(), b".").decode() == re.sub(form, ".", where)
        else:
            texts = WordSearch(words - letters, letters)
            assert list(texts.spans(where)) == wanted
            assert texts.without(where, ".") == re.sub(form, ".", where)


def test_words_that_begin_with_each_other_are_not_all_tried_within_a_longer_one() -> None:
    tried = 0

    class Counted(str):
        def startswith(self, *words: Any) -> bool:
            nonlocal tried
            tried += 1
            return super().startswith(*words)

    search = WordSearch[str]([], ["a" * size for size in range(6, 300)])
    text = Counted("a" * 2000 + " aaaaaaa")
    assert list(search.spans(text)) == [(2001, 2008)]
    assert tried < len(text)
    search = WordSearch[str](("a-" * 1500)[:size] for size in range(6, 3000))
    text, tried = Counted("a-a-a-x" * 300), 0
    assert list(search.spans(text)) == [(at, at + 6) for at in range(0, 2100, 7)]
    assert tried < 20 * 300, "those that go on otherwise than the text are leapt over"


def test_the_last_of_very_many_secrets_is_taken_out_as_well() -> None:
    hidden = Redaction()
    for number in range(30_000):
        hidden.variable(f"s3cret-{number:05}", "API_TOKEN")
    raw = capture(*ALL, mappings=[mapping(BASE, 2, "/opt/s3cret-29999/s3cret-00000/x.so")])
    with msl_construct.open(raw) as dump:
        found = report_of(dump, redaction=hidden)
    assert found.gaps == []
    page = everything(Page(html_page([found], redaction=hidden)))
    assert "s3cret" not in page
    assert "/opt/(redacted)/(redacted)/x.so" in page


@pytest.mark.parametrize(("texts", "size"), [(2, 1 << 20), (9, 20)])
def test_secrets_that_are_too_many_are_said(
    monkeypatch: pytest.MonkeyPatch, texts: int, size: int
) -> None:
    monkeypatch.setattr(redaction, "_MOST", texts)
    monkeypatch.setattr(redaction, "_MOST_TEXT", size)
    hidden = Redaction()
    for number in range(3):
        hidden.variable(f"s3cret-{number}", "API_TOKEN")
    hidden.variable("s3cret-0", "API_TOKEN")
    with msl_construct.open(capture(*ALL)) as dump:
        found = report_of(dump, redaction=hidden)
    assert [gap for gap in found.gaps if gap.startswith("redaction: ")] == found.gaps != []
    answers = {one.question: one for one in found.answers}
    assert answers["complete"].level == "warn"
    assert answers["complete"].more == tuple(found.gaps)
