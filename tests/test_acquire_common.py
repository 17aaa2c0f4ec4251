"""Pages that a fork left in common stay so: reading them makes no copies of them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from acquire_targets import target
from acquiring import Dump, acquire, addresses, linux_only, wait_until
from sampling import sampled

from msl_acquire.background import Later
from msl_acquire.linux import shared_ancestry
from msl_acquire.linux.shared_ancestry import Kinship

pytestmark = linux_only

MIB = 32


def own_kib(pid: int) -> int:
    """What anonymous memory it would free by ending: what it shares counts in part."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8")
    found = re.search(r"^Pss_Anon: +(\d+) kB", text, re.M)
    if found is None:
        pytest.skip("needs Pss_Anon in smaps_rollup (Linux 5.16)")
    return int(found[1])


@sampled("which")
@pytest.mark.parametrize("which", ["parent", "child"])
@pytest.mark.parametrize("method", ["ptrace", "none"])
def test_nothing_is_copied(which: str, method: str, tmp_path: Path) -> None:
    with target("forked", str(MIB)) as (process, lines):
        told = addresses(lines)
        pid = process.pid if which == "parent" else told["child"]
        before = own_kib(pid)
        assert before < MIB * 1024 * 3 // 4  # half of it is the other's
        acquire(pid, "-o", tmp_path / "out.msl", "--freeze", method)
        assert own_kib(pid) - before < 512
        space = Dump(tmp_path / "out.msl").read(told["space"], MIB << 20)
        assert space == b"\x5a" * (MIB << 20)


def test_who_may_have_pages_in_common() -> None:
    with target("forked", "1") as (process, lines):
        assert Kinship(process.pid).shares_pages()
        assert Kinship(addresses(lines)["child"]).shares_pages()
    with target("forked", "1", "exec") as (process, lines):
        child = addresses(lines)["child"]
        command = Path(f"/proc/{child}/cmdline")
        wait_until(lambda: command.read_bytes().endswith(b"pause\0"), "the child has executed")
        its = Kinship(process.pid)
        # Meanwhile another test may have this program run, and fork.
        wait_until(lambda: not its.shares_pages(), "no other of the program has forked")
        assert not its.shares_pages()
        theirs = Kinship(child)
        wait_until(lambda: not theirs.shares_pages(), "no other of the program has forked")


@pytest.mark.parametrize(
    ("anywhere", "of_it", "merged"),
    [("0", "7", False), ("5", "0", False), ("5", "7", True), ("5", None, True), (None, "7", False)],
)
def test_merged_pages(
    anywhere: str | None,
    of_it: str | None,
    merged: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, number in (("pages_shared", anywhere), ("ksm_merging_pages", of_it)):
        if number is not None:
            (tmp_path / name).write_text(f"{number}\n")
    monkeypatch.setattr(shared_ancestry, "_MERGED_ANYWHERE", str(tmp_path / "pages_shared"))
    assert shared_ancestry._merged(str(tmp_path)) is merged


def test_later() -> None:
    assert Later(os.getpid).result() == os.getpid()

    def fail() -> int:
        raise OSError(5, "no")

    with pytest.raises(OSError, match="no"):
        Later(fail).result()


def test_later_without_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", refuse)
    later = Later(os.getpid)
    assert (later.result(), later.result()) == (os.getpid(), os.getpid())
