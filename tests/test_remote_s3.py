"""An object store: dumps that go up are there whole or not at all, and a lake is made of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from acquiring import linux_only
from blake3 import blake3
from commands import PLACE, run

import msl_construct
from msl_construct.remote_output import RemoteFile

moto = pytest.importorskip("moto.server")
boto3 = pytest.importorskip("boto3")
s3fs = pytest.importorskip("s3fs")

SAMPLE = PLACE / "samples" / "live-le.msl"
BUCKET = "dumps"
PART = 8 << 20
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def store(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of the store, with an empty bucket; the environment leads everybody to it."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "made",
        "AWS_SECRET_ACCESS_KEY": "made",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server,
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    s3fs.S3FileSystem.clear_instance_cache()
    yield client
    for name in keys(client):
        client.delete_object(Bucket=BUCKET, Key=name)
    client.delete_bucket(Bucket=BUCKET)
    client.close()


def keys(store: Any) -> list[str]:
    return [one["Key"] for one in store.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def unfinished(store: Any) -> list[str]:
    return [one["Key"] for one in store.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ())]


@linux_only
def test_an_acquisition_goes_up_in_parts(store: Any) -> None:
    code = "import os, time; kept = os.urandom(20 << 20); print(flush=True); time.sleep(300)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as target:
        assert target.stdout is not None
        target.stdout.readline()
        done = run("acquire", target.pid, "-o", f"s3://{BUCKET}/case/a.msl")
        again = run("acquire", target.pid, "-o", f"s3://{BUCKET}/case/a.msl")
        target.kill()
    assert done.returncode == 0, done.stderr
    assert again.returncode == 2
    assert b"is there already; --force" in again.stderr
    assert (keys(store), unfinished(store)) == (["case/a.msl", "case/a.msl.report.json"], [])
    told = store.head_object(Bucket=BUCKET, Key="case/a.msl")
    assert told["ETag"].rstrip('"').rpartition("-")[2] in ("3", "4", "5")  # so many parts
    data = store.get_object(Bucket=BUCKET, Key="case/a.msl")["Body"].read()
    with msl_construct.open(data) as dump:
        assert dump.verify().intact
        assert dump.complete
    told = json.loads(store.get_object(Bucket=BUCKET, Key="case/a.msl.report.json")["Body"].read())
    assert told["status"] == "complete"
    assert told["dump"]["size"] == len(data)
    assert told["dump"]["blake3"] == blake3(data).hexdigest()


@linux_only
def test_a_report_that_is_there_already_stays(store: Any) -> None:
    store.put_object(Bucket=BUCKET, Key="b.msl.report.json", Body=b"{}")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as target:
        done = run("acquire", target.pid, "-o", f"s3://{BUCKET}/b.msl")
        target.kill()
    assert done.returncode == 2
    assert b"b.msl.report.json: is there already" in done.stderr
    assert keys(store) == ["b.msl.report.json"]


def test_nobody_sees_what_came_to_no_end(store: Any) -> None:
    url = f"s3://{BUCKET}/half.msl"
    with pytest.raises(KeyError), RemoteFile(url) as file:
        file.write(bytes(PART + 1))
        assert (keys(store), unfinished(store)) == ([], ["half.msl"])
        raise KeyError
    assert (keys(store), unfinished(store)) == ([], [])
    with RemoteFile(url) as file:
        file.write(b"whole")
        file.settle()
    assert keys(store) == ["half.msl"]
    with pytest.raises(FileExistsError):
        RemoteFile(url)


def test_two_that_write_the_same_do_not_replace_each_other(store: Any) -> None:
    url = f"s3://{BUCKET}/both.msl"
    with RemoteFile(url) as one, RemoteFile(url) as other:
        one.write(b"one")
        other.write(b"other")
        one.settle()
        with pytest.raises(OSError, match="there already"):
            other.settle()
    assert store.get_object(Bucket=BUCKET, Key="both.msl")["Body"].read() == b"one"


def test_a_store_that_takes_no_more(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"s3://{BUCKET}/full.msl"

    def refuse(self: Any, data: Any) -> int:
        raise OSError(28, "no room")

    with RemoteFile(url) as file:
        file.write(b"begun")
        monkeypatch.setattr(s3fs.core.S3File, "write", refuse)
        with pytest.raises(OSError, match="No space left"):
            file.write(b"more")
        with pytest.raises(OSError, match="nothing is kept"):
            file.settle()
    assert (keys(store), unfinished(store)) == ([], [])


def test_dumps_are_read_and_made_a_lake_of_where_they_are(store: Any, tmp_path: Any) -> None:
    for name in ("a/one.msl", "a/b/two.msl"):
        store.put_object(Bucket=BUCKET, Key=name, Body=SAMPLE.read_bytes())
    store.put_object(Bucket=BUCKET, Key="a/bad.msl", Body=b"no dump")
    done = run("verify", f"s3://{BUCKET}/a/one.msl", "--verbose")
    assert done.returncode == 0, done.stderr
    first, *_, last = done.stderr.decode().splitlines()
    assert "reads all of its 58608 bytes" in first
    assert "bytes read" in last
    lake = tmp_path / "lake"
    words = ("export", f"s3://{BUCKET}/a/", "--to", "ndjson", "-o", lake)
    for again in (False, True):
        done = run(*words)
        assert done.returncode == 4
        assert (b"2 of them were there" in done.stderr) == again, done.stderr
    rows = [json.loads(path.read_text()) for path in (lake / "dumps").iterdir()]
    assert {one["source"] for one in rows} == {
        f"s3://{BUCKET}/a/one.msl",
        f"s3://{BUCKET}/a/b/two.msl",
    }
    store.put_object(Bucket=BUCKET, Key="a/one.msl", Body=SAMPLE.read_bytes()[:-300])
    done = run(*words)
    assert b"1 of them were there" in done.stderr, done.stderr
    assert b"1 are incomplete" in done.stderr
