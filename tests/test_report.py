"""``msl report``: its numbers are those of the other commands, its texts are texts."""

from __future__ import annotations

import hashlib
import io
import json
import marshal
import math
import random
import shutil
import subprocess
import uuid
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from commands import PLACE, files_of_every_fate, one_line, run  # noqa: F401 - a fixture
from independent import wire
from independent.specimens import LE10, LE11, finish, start
from pages import Page, digest, everything, numbers, regions
from sampling import sampled
from test_verify_report import report_on
from writing import LIVE, uid, writer

import msl_construct
from msl_construct.analysis import forked
from msl_construct.errors import MslError
from msl_construct.report import Redaction, html_page, judging, report_of
from msl_construct.report.entropy import entropy_of, entropy_sample
from msl_construct.report.memory import regions_by_address
from msl_construct.report.model import (
    BrokenRule,
    CheckedRules,
    ShownBlock,
    ShownField,
    TableRows,
)
from msl_construct.report.secret_words import (
    SecretWords,
    secrets_of_arguments,
    secrets_of_variable,
)

SAMPLES = PLACE / "samples"
DUMPS = [
    SAMPLES / "live-le.msl",
    SAMPLES / "live-be.msl",
    SAMPLES / "regions-1.1.msl",
    *sorted((SAMPLES / "valid").glob("*.msl"))[::9],
    *sorted((SAMPLES / "invalid").glob("*.msl"))[::9],
    *sorted((SAMPLES / "questionable").glob("*.msl"))[::5],
]
COMMAND, TOKEN, HEAP = "hunter2-on-the-command-line", "s3cr3t-of-the-environment", "heap secret 17"
HOSTILE = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "evil\u202egnp.exe",
    "x" * 10_000,
    "<!--",
    "]]>&amp;",
    "line\nbreak\x1b[31m",
]


def page_of(*files: Any, code: int = 0, options: tuple[str, ...] = ()) -> Page:
    done = run("report", *files, *options, "-o", "-")
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr
    return Page(done.stdout.decode())


def dump_with(paths: list[str], kind: Any = LE11, **more: Any) -> bytes:
    """A capture whose modules and mappings are called as is said."""
    file = io.BytesIO()
    investigated = bool(more.get("tables"))
    categories = ["system_context", "system_process_table"] if investigated else []
    if more.get("environment"):
        categories.append("environment_vars")
    fields = {"fields": {"flags": ["investigation"]}} if investigated else {}
    with writer(file, kind, *LIVE, "memory_regions", *categories, **fields) as out:
        out.add_process_identity(
            exe_path="/usr/bin/thing",
            cmd_line=f"thing --password={COMMAND}{more.get('behind', '')}",
            block_uuid=uid(1),
        )
        entries = [
            {"base_addr": 0x10000 + 0x10000 * n, "module_size": 0x1000, "path": path}
            for n, path in enumerate(paths)
        ]
        uuids = out.add_module_list_index(entries, block_uuid=uid(7))
        if investigated:
            out.add_system_context(
                block_flags=["has_children"],
                acq_user="examiner",
                hostname="host",
                domain="",
                os_detail="Linux",
                case_ref="7",
                target_count=1,
                table_bitmap=["process_table"],
            )
        for entry, one in zip(entries, uuids):
            out.add_module_entry(**entry, block_uuid=one, parent_uuid=uid(7))
        for n, _ in enumerate(paths or ["x"]):
            out.add_memory_region(
                base_addr=0x10000 + 0x10000 * n,
                data=(HEAP.encode() + b"\0").ljust(4096, b"z") * 2,
                region_size=0x3000,
                page_states=[(0, 2, "captured"), (2, 1, "failed")],
                protection=["read", "write", "execute"] if n == 0 else ["read"],
                region_type="heap",
            )
        if investigated:
            process = {
                "pid": 7,
                "is_target": 1,
                "exe": "/bin/other",
                "cmd": f"other -p {COMMAND}{more.get('behind', '')}",
                "user": "me",
            }
            out.add_process_table(entries=[process])
        if more.get("environment"):
            out.add_opaque(
                "environment_block", f"A=1\0API_TOKEN={TOKEN}{more.get('behind', '')}\0".encode()
            )
    return file.getvalue()


@sampled("kind")  # a few of each, of some hundreds of samples
@pytest.mark.parametrize(
    ("kind", "path"), [(path.parent.name, path) for path in DUMPS], ids=lambda one: Path(one).stem
)
def test_numbers_are_those_of_the_other_commands(kind: str, path: Path) -> None:
    verified, checked = run("verify", path, "--json"), run("check", path, "--format", "json")
    code = max(
        (verified.returncode, checked.returncode),
        key=[0, 4, 5, 1, 3].index,
    )
    if code == 3:
        assert run("report", path, "-o", "-").returncode == 3
        return
    (dump,) = page_of(path, code=code).data["dumps"]
    inspected = json.loads(
        run("inspect", path, "--json", "--show", "header,regions,modules").stdout
    )
    assert dump["header"] == inspected["header"]
    if dump["locked"]:
        return
    told = json.loads(verified.stdout)
    assert {**told, "file": path.name} == {"file": path.name, **dump["verify"]}
    (file,) = json.loads(checked.stdout)["files"]
    assert dump["check"]["counted"] == file["counted"]
    assert dump["check"]["counts"] == file["counts"]
    rows = sorted(inspected["regions"], key=lambda row: int(row["base_addr"], 16))
    found = regions(dump["memory"])
    assert [one["base_addr"] for one in found] == [row["base_addr"] for row in rows]
    for one, row in zip(found, rows):
        assert one["size"] == row["region_size"]
        assert one["type"] == str(row["region_type"])
        for key, count in row.items():
            if key.endswith("_pages"):
                assert one["counts"][key.removesuffix("_pages")] == count, key
        if not one["counts"]["damaged"]:
            seen: Counter[str] = Counter()
            for pages, state in one["runs"]:
                seen[state] += pages
            kept = {state: n for state, n in one["counts"].items() if n}
            assert dict(seen) == kept
    modules = dump["tables"].get("modules", {"rows": []})
    assert len(modules["rows"]) == len(inspected["modules"])


def test_a_page_that_could_not_be_read_is_in_the_runs(tmp_path: Path) -> None:
    """What the map is drawn from has every page in its place."""
    (tmp_path / "a.msl").write_bytes(dump_with(["one"]))
    (dump,) = page_of(tmp_path / "a.msl").data["dumps"]
    (region,) = regions(dump["memory"])
    assert region["runs"] == [(2, "captured"), (1, "failed")]
    states = dump["memory"]["states"]
    assert states.index("failed") > states.index("captured"), "the worse one has the higher number"
    assert region["marks"] == 3
    assert region["rights"] == "rwx"


def test_a_page_of_a_page_size_that_no_machine_has() -> None:
    builder = start(LE11)
    builder.add(
        wire.MEMORY_REGION,
        wire.memory_region("<", [], base_addr=0x1000, region_size=0x1000, page_size_log2=64),
    )
    with msl_construct.open(finish(builder, LE11)) as dump:
        page = Page(html_page([report_of(dump)], redaction=Redaction()))
    (region,) = regions(page.data["dumps"][0]["memory"])
    assert region["base_addr"] == "0x1000"


@pytest.mark.parametrize("form", ["html", "md"])
def test_what_is_redacted_is_nowhere(tmp_path: Path, form: str) -> None:
    """No value of the environment, no command line, no text of the heap."""
    for kind in (LE10, LE11):
        dump = tmp_path / f"{kind.name}.msl"
        raw = dump_with(["one"], kind, tables=kind is LE11, environment=kind is LE10)
        assert COMMAND.encode() in raw
        assert HEAP.encode() in raw
        dump.write_bytes(raw)
        report = report_on_any(dump)
        report["command_line"] = ["msl", "acquire", COMMAND]
        report["target"] = {
            "cmd_line": f"thing {COMMAND}",
            "environment": {"variables": [f"SECRET={TOKEN}", "HOME=/root/of-somebody"]},
        }
        told = tmp_path / f"{kind.name}.json"
        told.write_text(json.dumps(report))
        done = run("report", dump, told, "--format", form, "-o", "-")
        assert done.returncode in (0, 1, 4)
        text = done.stdout.decode()
        text = everything(Page(text)) if form == "html" else text
        for secret in (COMMAND, TOKEN, HEAP, "of-somebody"):
            assert secret not in text, secret
        shown = run(
            "report", dump, told, "--format", form, "--show", "environment,command-line", "-o", "-"
        ).stdout.decode()
        shown = everything(Page(shown)) if form == "html" else shown
        assert COMMAND in shown
        assert HEAP not in shown
        if form == "html":
            assert TOKEN in shown


@pytest.mark.parametrize("form", ["html", "md"])
def test_a_secret_of_a_command_line_is_in_no_path_and_no_name(tmp_path: Path, form: str) -> None:
    """Nor in the bytes of the blocks, of several dumps, or where another dump tells it."""
    (tmp_path / "a.msl").write_bytes(dump_with([f"/opt/{COMMAND}/a.so", COMMAND, "/lib/plain.so"]))
    (tmp_path / "b.msl").write_bytes(dump_with([f"/srv/{COMMAND}.so"], tables=True))
    options = ("--format", form, "-o", "-")
    text = run("report", tmp_path / "a.msl", tmp_path / "b.msl", *options).stdout.decode()
    text = everything(Page(text)) if form == "html" else text
    assert COMMAND not in text
    assert "/lib/plain.so" in text
    shown = run("report", tmp_path / "a.msl", *options, "--show", "command-line").stdout.decode()
    assert COMMAND in (everything(Page(shown)) if form == "html" else shown)


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("mysql -u me -pS3CRET-x db", ["S3CRET-x"]),
        ("psql -p 5432 --dbname=x", ["5432"]),  # too short to be looked for
        ("t --password S3CRET --verbose --api-token=T0KEN -- last", ["S3CRET", "T0KEN"]),
        ("t --db-url https://me:S3CRET@host/x", ["S3CRET"]),
        ("t\0--secret\0S3CRET", ["S3CRET"]),
        ("S3CRET --name value", []),
        ("curl -u me:S3CRET -H 'Authorization: Bearer T0KEN' x", ["S3CRET", "T0KEN"]),
        ("t --dsn host=db;password=S3CRET;x=y", ["S3CRET"]),
        ('t {"api_key": "S3CRET"}', ["S3CRET"]),
        ("t {'api_key': 'S3CRET'}", ["S3CRET"]),
        ("t https://me:S3CR@ET@host/x", ["S3CR@ET"]),
        ("t smtp://me:S3CRET@host?to=a@b", ["S3CRET@host?to=a", "S3CRET"]),
        ("t https://S3CRET-0f-a-user@host/x git+ssh://git@host", ["S3CRET-0f-a-user"]),
        ("curl -H 'X-Api-Key: S3CRET' -H 'Accept: text/html'", ["S3CRET"]),
        (
            "openssl -passin pass:S3CRET",
            ["assin", "pass:S3CRET", "S3CRET"],
        ),  # the first is too short
        ("/usr/bin/redis-cli -a S3CRET", ["S3CRET"]),
        ("ls -a S3CRET", []),
        ("sh -c mysql --password='S3C RET' x", ["'S3C", "", "S3C RET"]),
    ],
)
def test_what_of_a_command_line_is_likely_to_be_a_secret(text: str, secrets: list[str]) -> None:
    assert list(secrets_of_arguments(text)) == secrets


def test_what_of_the_environment_is_likely_to_be_a_secret() -> None:
    assert list(secrets_of_variable("API_TOKEN", "T0KEN")) == ["T0KEN"]
    assert list(secrets_of_variable("DB", "postgres://me:S3CRET@host/x")) == ["S3CRET"]
    assert list(secrets_of_variable("LANG", "en_US.UTF-8")) == []
    assert list(secrets_of_variable("DB", "host=db password=S3CRET")) == ["S3CRET"]
    assert list(secrets_of_variable("XDG_SESSION_TYPE", "wayland")) == []
    assert list(secrets_of_variable("XDG_SESSION_COOKIE", "S3CRET")) == ["S3CRET"]


def test_a_secret_is_in_no_hex_and_no_byte_that_belongs_to_no_field_that_is_shown() -> None:
    secret = "pässw0rd-x"
    words = Redaction()
    words.variable(secret, "PASSWORD")
    stored = secret.encode()
    text = f"/opt/{secret} (stored: 2f6f{stored.hex()}ff)"
    block = ShownBlock(
        0,
        "handle_table",
        0,
        b"head" + stored + b"tail" + stored + b"end",
        (ShownField("path", 4, len(stored), "unsaid"), ShownField("next", 15, 4, "tail")),
    )
    redaction = words.secret_words()
    with msl_construct.open(SAMPLES / "live-le.msl") as dump:
        found = report_of(dump)
    found.blocks = [block]
    found.tables = [TableRows("handles", ("path",), [(text,)])]
    found.checked = CheckedRules("d", 1, [BrokenRule("A", "MUST", "1", "w", True, "")])
    found.checked.broken[0].places.append(f"block 1: {secret}")
    plain = redaction.without(found)
    assert plain.tables[0].rows == [("/opt/(redacted) (stored: 2f6f(redacted)ff)",)]
    assert plain.checked is not None
    assert plain.checked.broken[0].places == ["block 1: (redacted)"]
    (shown,) = plain.blocks
    size = len(stored)
    assert shown.data == b"head" + bytes(size) + b"tail" + bytes(size) + b"end"
    hidden = [(one.start, one.length) for one in shown.fields if one.redacted]
    assert hidden == [(4, size), (8 + size, size)]


def test_a_secret_is_taken_out_however_it_is_written() -> None:
    words = SecretWords(["S3c/r%20et", "/S3cr3t+in/base64==", "/etc/ssl/key.pem", "/S3cretPw"])
    names = [
        "/a/S3c%2Fr%2520et/b",
        "/a/S3c/r et",
        "/a/UzNjL3IlMjBldA==",
        "/a/5333632f722532306574",
        "x/S3cr3t+in/base64==",
        "/etc/ssl/key.pem",
        "/a/S3cretPw",
    ]
    with msl_construct.open(SAMPLES / "live-le.msl") as dump:
        found = report_of(dump)
    found.tables = [TableRows("modules", ("path",), [(name,) for name in names])]
    assert [row[0] for row in words.without(found).tables[0].rows] == [
        "/a/(redacted)/b",
        "/a/(redacted)",
        "/a/(redacted)",
        "/a/(redacted)",
        "x(redacted)",
        "/etc/ssl/key.pem",
        "/a(redacted)",
    ]


def test_a_secret_that_is_a_word_is_no_part_of_another() -> None:
    words = SecretWords(secrets_of_arguments("cc -pthread -pS3CRET"))
    with msl_construct.open(SAMPLES / "live-le.msl") as dump:
        found = report_of(dump)
    names = ["/lib/libpthread.so.0", "a thread", "xS3CRETx"]
    found.tables = [TableRows("modules", ("path",), [(name,) for name in names])]
    rows = words.without(found).tables[0].rows
    assert rows == [("/lib/libpthread.so.0",), ("a (redacted)",), ("x(redacted)x",)]


def test_who_captured_it_is_not_redacted(tmp_path: Path) -> None:
    """Examiner, case, note and container stand in the acquisition's command line as well.

    Of which the table of all processes may have a row.
    """
    dump = tmp_path / "a.msl"
    who = {"examiner": "Jane-of-Forensics", "case": "CASE-2026-0042", "note": "seized-at-office"}
    behind = "".join(f" --{key} {value}" for key, value in who.items())
    dump.write_bytes(dump_with(["one"], tables=True, behind=behind))
    report = report_on_any(dump)
    container = "0123456789abcdef"
    options = [word for key, value in who.items() for word in (f"--{key}", value)]
    report |= who | {"command_line": ["msl", "acquire", "--container", container[:12], *options]}
    report["target"] = {"container": {"container_id": container, "runtime": "docker"}}
    report["after"] = {"changes": [f"it quotes --password={COMMAND}"]}
    (tmp_path / "a.json").write_text(json.dumps(report))
    done = run("report", dump, tmp_path / "a.json", "-o", "-")
    text = everything(Page(done.stdout.decode()))
    for shown in (*who.values(), f"docker {container}", "it quotes"):
        assert shown in text, shown
    assert "--examiner" not in text
    assert COMMAND not in text


@pytest.mark.parametrize("form", ["html", "md"])
def test_the_note_of_an_import_shows_no_memory(tmp_path: Path, form: str) -> None:
    """It keeps bytes of pages that the source did not hold whole, and texts of anybody."""
    secret = b"an edge of the memory"
    (tmp_path / "raw.bin").write_bytes(secret)
    done = run(
        "import", "raw.bin", "--format=raw", "--base=0x10010", "-o", "a.msl", folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert secret.hex().encode() in (tmp_path / "a.msl").read_bytes()
    text = run("report", tmp_path / "a.msl", "--format", form, "-o", "-").stdout.decode()
    text = everything(Page(text)) if form == "html" else text
    assert f"edge=0x10010:({len(secret)} bytes)" in text
    assert secret.hex() not in text
    note = f"comment=run as {COMMAND}; annotations=switch-1=--key={COMMAND}; source=comment=kept"
    told = Redaction().note(note)
    assert COMMAND not in told
    assert told.endswith("source=comment=kept")
    assert Redaction(["environment", "command-line"]).note(note) == note


@pytest.mark.parametrize("form", ["html", "md"])
def test_what_is_redacted_is_in_no_difference(tmp_path: Path, form: str) -> None:
    for kind in (LE10, LE11):
        places = [tmp_path / f"{kind.name}-{n}.msl" for n in range(2)]
        for n, place in enumerate(places):
            more = {"tables": kind is LE11, "environment": kind is LE10, "behind": f"-{n}"}
            place.write_bytes(dump_with(["one"], kind, **more))
        text = run("report", *places, "--format", form, "-o", "-").stdout.decode()
        text = everything(Page(text)) if form == "html" else text
        for secret in (COMMAND, TOKEN):
            assert secret not in text, secret
        assert "cmd_line" in text
        assert ("API_TOKEN" in text) == (kind is LE10)
        shown = run(
            "report", *places, "--format", form, "--show", "command-line,environment", "-o", "-"
        ).stdout.decode()
        assert f"{COMMAND}-1" in shown


def report_on_any(dump: Path) -> dict[str, Any]:
    found = report_on(dump)
    with msl_construct.open(dump) as opened:
        stored = opened.verify().stored_file_hash
        found["dump"]["dump_uuid"] = str(opened.header.record["dump_uuid"])
    found["dump"]["file_hash"] = stored.hex() if stored else None
    return found


def test_hostile_texts_are_texts(tmp_path: Path) -> None:
    (tmp_path / "a.msl").write_bytes(dump_with(HOSTILE))
    page = page_of(tmp_path / "a.msl", code=run("check", tmp_path / "a.msl").returncode)
    assert [name for name, _ in page.elements].count("script") == 2
    assert not [name for name, _ in page.elements if name in ("img", "link", "iframe", "object")]
    assert not [
        key for _, attributes in page.elements for key in attributes if key.startswith("on")
    ]
    for character in "\u202e\x1b":
        assert character not in page.source
    modules = page.data["dumps"][0]["tables"]["modules"]
    paths = [row[modules["columns"].index("path")] for row in modules["rows"]]
    assert paths[0] == HOSTILE[0]
    assert paths[2] == "evil\\u202egnp.exe"
    assert paths[3] == HOSTILE[3], "all of it is there"
    assert "Names with characters" in page.text


def test_the_first_line_says_what_when_and_by_whom(tmp_path: Path) -> None:
    page = page_of(SAMPLES / "live-le.msl")
    line = "/usr/bin/sleep, pid 4242, user not said, captured 2026-03-14 22:53:56 UTC, by whom "
    assert f"{line}is not said" in page.text
    told = report_on_any(SAMPLES / "live-le.msl")
    told["host"] = {"name": "lab", "acquirer": {"user": "ada", "uid": 1000}}
    (tmp_path / "told.json").write_text(json.dumps(told))
    page = page_of(SAMPLES / "live-le.msl", tmp_path / "told.json")
    line = "on lab, captured 2026-03-14 22:53:56 UTC, by the "
    assert f"{line}account ada (uid 1000), examiner not said" in page.text
    assert "whether its clock was right, nothing here says" in page.text
    told["examiner"] = "Jane"
    told["host"]["time_synchronisation"] = {"synchronised": False}
    (tmp_path / "told.json").write_text(json.dumps(told))
    page = page_of(SAMPLES / "live-le.msl", tmp_path / "told.json")
    line = line.replace(" UTC", " UTC (clock not synchronised)")
    assert f"{line}examiner Jane with the account ada (uid 1000)" in page.text
    assert "whose clock was not synchronised" in page.text
    moment = "2026-03-14T22:53:56.124456789Z"
    assert f"{moment} (by a clock that was not synchronised)" in page.text
    told["dump"]["dump_uuid"] = str(uuid.uuid4())
    (tmp_path / "told.json").write_text(json.dumps(told))
    page = page_of(SAMPLES / "live-le.msl", tmp_path / "told.json", code=1)
    assert "22:53:56 UTC, by whom is not said" in page.text, "the report speaks of another dump"


def test_nothing_but_the_pages_own_script_runs() -> None:
    page = page_of(SAMPLES / "live-le.msl")
    policy = page.policy
    assert policy.pop("default-src") == "'none'"
    assert policy.pop("script-src") == digest(page.scripts[1])
    assert policy.pop("style-src") == digest(page.styles[0])
    assert set(policy.values()) == {"'none'"}
    assert not [name for name, attributes in page.elements if "src" in attributes]
    links = [attributes["href"] for name, attributes in page.elements if "href" in attributes]
    assert all(str(link).startswith("#") for link in links)
    assert "http" not in page.scripts[1]
    assert "style" not in {key for _, attributes in page.elements for key in attributes}


def test_several_dumps_and_what_differs(tmp_path: Path) -> None:
    places = []
    for n in range(3):
        places.append(tmp_path / f"{n}.msl")
        raw = dump_with(["one", "two"][: n + 1] + ["three"] * (n == 2))
        places[n].write_bytes(raw)
    code = max(run("check", place).returncode for place in places)
    page = page_of(*places, code=code)
    steps = json.loads(run("diff", *places, "--json").stdout)["steps"]
    assert len(page.data["comparisons"]) == len(steps) == 2
    for found, step in zip(page.data["comparisons"], steps):
        assert found["pages"] == step["pages"]
        assert found["regions"] == {key: len(rows) for key, rows in step["regions"].items()}
        parts = Counter((part, what) for part, what, _ in found["rows"])
        assert parts["modules", "added"] == len(step["modules"]["added"])
    assert len(page.data["dumps"]) == 3


def test_files_of_every_fate(files: dict[str, Path]) -> None:
    """The exit code is the worse one of verify's and check's."""
    for name, path in files.items():
        codes = [run(command, path).returncode for command in ("verify", "check")]
        done = run("report", path, "-o", "-")
        assert done.returncode == max(codes, key=[0, 4, 5, 1, 3].index), name
        if done.returncode == 3:
            assert done.stdout == b""
            one_line(done.stderr)
            continue
        page = Page(done.stdout.decode())
        (dump,) = page.data["dumps"]
        answers = {key: level for key, (level, _) in dump["answers"].items()}
        if name == "encrypted":
            assert dump["locked"]
            assert answers["intact"] == answers["complete"] == "open"
            assert "Nothing could be looked at" in page.text
            assert "good" not in answers.values()
        elif name == "broken":
            assert answers["intact"] == "bad"
            assert "not what was written" in page.text
        elif name in ("no-end", "cut", "trailing"):
            assert answers["complete"] == "warn"
        assert dump["verify"] is None or dump["verify"]["intact"] is not None


def test_a_report_goes_to_its_dump(tmp_path: Path) -> None:
    whole = tmp_path / "a.msl"
    shutil.copy(SAMPLES / "live-le.msl", whole)
    (tmp_path / "a.json").write_text(json.dumps(report_on(whole)))
    page = page_of(tmp_path / "a.json", whole)
    assert page.data["dumps"][0]["answers"]["report"] == ["good", "agrees"]
    verified = run("verify", whole, "--report", tmp_path / "a.json", "--json")
    assert (
        page.data["dumps"][0]["verify"]["report"]["agrees"]
        == (json.loads(verified.stdout)["report"]["agrees"])
    )
    other = report_on(whole)
    other["dump"]["sha256"] = "0" * 64
    (tmp_path / "b.json").write_text(json.dumps(other))
    page = page_of(whole, tmp_path / "b.json", code=1)
    assert page.data["dumps"][0]["answers"]["report"][0] == "bad"
    other["dump"]["dump_uuid"] = str(uid(99))
    (tmp_path / "c.json").write_text(json.dumps(other))
    second = SAMPLES / "live-be.msl"
    done = run("report", whole, second, tmp_path / "c.json", "-o", "-")
    assert done.returncode == 3
    assert b"none of these dumps" in done.stderr


def test_what_is_compared_with_nothing_is_said(files: dict[str, Path]) -> None:
    for form in ("html", "md"):
        words = "--format", form, "-o", "-"
        done = run("report", files["whole"], files["encrypted"], *words)
        assert done.returncode == 5
        text = done.stdout.decode()
        assert text.count("is compared with nothing: it is encrypted.") == 1
        assert b"compared with nothing" not in run("report", files["encrypted"], *words).stdout


def test_a_report_of_an_encrypted_dump(files: dict[str, Path], tmp_path: Path) -> None:
    """What nobody can see without the key contradicts nothing."""
    raw = files["encrypted"].read_bytes()
    told = {
        "report": 1,
        "status": "complete",
        "dump": {
            "dump_uuid": str(uuid.UUID(bytes=raw[24:40])),
            "file_hash": "ab" * 32,
            "size": len(raw),
            "blake3": blake3(raw).hexdigest(),
            "sha256": hashlib.sha256(raw).hexdigest(),
        },
    }
    (tmp_path / "r.json").write_text(json.dumps(told))
    page = page_of(files["encrypted"], tmp_path / "r.json", code=5)
    assert page.data["dumps"][0]["answers"]["report"] == ["warn", "agrees, incomplete"]


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("mine")
    assert run("report", SAMPLES / "live-le.msl", "-o", tmp_path / "a.html").returncode == 2
    assert (tmp_path / "a.html").read_text() == "mine"
    dump = tmp_path / "a.msl"
    shutil.copy(SAMPLES / "live-le.msl", dump)
    assert run("report", dump, "-o", dump, "--force").returncode == 2
    for option in ("--signature", "--signers", "--timestamp", "--trusted", "--statement"):
        words = ("--signature", "s", "--timestamp", "t", option, tmp_path / "a.html")
        done = run("report", dump, *words, "-o", tmp_path / "a.html", "--force")
        assert done.returncode == 2
        assert b"is the file that is read" in done.stderr
    assert run("report", dump, "-o", tmp_path / "a.html", "--force").returncode == 0


def test_entropy_is_shannons() -> None:
    rng = random.Random(5)
    for data in (bytes(4096), bytes(range(256)) * 16, b"ab" * 2048, rng.randbytes(4096), b"q"):
        expected = 0.0
        for value in set(data):
            share = data.count(value) / len(data)
            expected -= share * math.log2(share)
        assert entropy_of(data) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_a_sample_of_pages_is_spread_evenly(most: int) -> None:
    with msl_construct.open(dump_with(["one", "two", "three"])) as dump:
        found = entropy_sample(regions_by_address(dump), most=most)
    pages = [(region, page) for region in range(3) for page in range(2)]
    step = -(-6 // most) if most < 6 else 1
    assert list(zip(found.regions, found.pages)) == pages[::step]
    assert found.captured == 6


def test_another_process_judges_as_this_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many blocks; here of few, and with the process that does so ended before its time."""
    broken = [path for path in DUMPS if path.parent.name == "invalid"][:6]
    for path in (SAMPLES / "live-le.msl", *broken):
        found = []
        for least, ends in ((1 << 30, False), (0, False), (0, True)):
            monkeypatch.setattr(judging, "_WORTH_A_PROCESS", least)
            monkeypatch.setattr(forked.marshal, "dumps", refuse if ends else marshal.dumps)
            try:
                with msl_construct.open(path) as dump:
                    found.append(report_of(dump).checked)
            except MslError:
                found.append(None)
        assert found[0] == found[1] == found[2]


def refuse(value: object) -> bytes:
    raise ValueError("this process ends")


def test_the_library_yields_values() -> None:
    with msl_construct.open(SAMPLES / "live-le.msl") as dump:
        found = report_of(dump)
    assert {one.question: one.level for one in found.answers}["intact"] == "good"
    page = Page(html_page([found], redaction=Redaction()))
    assert page.data["dumps"][0]["verify"]["blocks"] == 7
    assert numbers({"all": 3}, 2) == [3, 3]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_a_page_that_could_not_be_read_is_never_painted_over(tmp_path: Path) -> None:
    """Of the states that touch a pixel of the map the last one is seen, at every zoom."""
    rng = random.Random(3)
    cases, expected = [], []
    for _ in range(60):
        starts, states = [0], []
        for _ in range(rng.randrange(1, 40)):
            states.append(rng.randrange(1, 7))
            starts.append(starts[-1] + rng.choice((1, 1, 3, 200)))
        pixels = rng.choice((1, 7, 40))
        first = rng.randrange(starts[-1])
        last = rng.randrange(first + 1, starts[-1] + 1)
        cases.append([starts, states, first, last, pixels])
        width = Fraction(last - first, pixels)
        expected.append(
            [
                max(
                    state
                    for state, begin, end in zip(states, starts, starts[1:])
                    if begin < first + width * (x + 1) and end > first + width * x
                )
                for x in range(pixels)
            ]
        )
    assets = PLACE / "msl_construct" / "report" / "assets"
    script = tmp_path / "map.js"
    script.write_text(
        'const document = { getElementById: () => ({ textContent: "{}" }) };\n'
        + (assets / "data.js").read_text("utf-8").replace('"use strict";', "")
        + (assets / "map_view.js").read_text("utf-8")
        + (assets / "regions.js").read_text("utf-8")
        + f"""
        const shown = {json.dumps(cases)}.map(([starts, states, first, last, pixels]) => {{
          const bins = new Uint8Array(pixels);
          const scale = pixels / (last - first);
          const state = (run) => states[run];
          MapPicture.prototype.fill(bins, starts, states.length, first, last, scale, state);
          return [...bins];
        }});
        const memory = {{ count: 2, marks: [0, 4], firstRun: [0, 3, 6] }};
        const states = ["not_resident", "captured", "failed"];
        Object.assign(memory, {{ states, runState: [0, 1, 2, 0, 1, 2] }});
        console.log(JSON.stringify([...shown, [...stateWorths(memory)]]));
        """
    )
    done = subprocess.run(["node", script], capture_output=True, check=True, timeout=60)
    *drawn, (nothing, plain, failed, *others) = json.loads(done.stdout)
    assert nothing < plain < failed
    contradicted = others.pop(1)
    assert others == [nothing, failed]
    assert plain < contradicted < failed, "of captured pages alone, and over none that is missing"
    for shown, wanted in zip(drawn, expected):
        assert all(one >= other for one, other in zip(shown, wanted)), (shown, wanted)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_a_browser_shows_it_without_a_request_or_an_error(tmp_path: Path) -> None:
    """Whatever a policy forbids, and whatever a script complains of, is a line of the console."""
    dump, place = tmp_path / "a.msl", tmp_path / "a.html"
    dump.write_bytes(dump_with(HOSTILE))
    run("report", dump, "-o", place)
    done = subprocess.run(
        [
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            "--virtual-time-budget=2000",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--dump-dom",
            place.as_uri(),
        ],
        capture_output=True,
        timeout=120,
        check=True,
    )
    complaints = [line for line in done.stderr.decode().splitlines() if "CONSOLE" in line]
    assert complaints == []
    shown = Page(done.stdout.decode())
    names = Counter(name for name, _ in shown.elements)
    assert names["canvas"] == 2
    assert names["script"] == 2
    assert names["img"] == 0
    assert "alert(1)" in shown.text
    assert "0x10000" in shown.text
