"""CAP_SYS_PTRACE without the right to open other users' files: what works, and what is said."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from acquire_targets import Running, compiled, started
from acquiring import PAGE, Dump, kilobytes, linux_only, report_of, root_only
from sampling import sampled
from standings import (
    CHECKPOINT_RESTORE,
    DAC_OVERRIDE,
    DAC_READ_SEARCH,
    NOBODY,
    SYS_ADMIN,
    SYS_PTRACE,
    Standing,
    acquire_as,
    take,
)

from msl_acquire.linux.preflight import preflight
from msl_construct.errors import TargetError

pytestmark = [linux_only, root_only]

WITHOUT_FILES = Standing(0, frozenset({SYS_PTRACE}))


@contextmanager
def running(uid: int, name: str, *arguments: str) -> Iterator[tuple[Running, list[str]]]:
    """A target of that user."""
    tool = shutil.which("setpriv")
    if tool is None:
        pytest.skip("needs setpriv")
    program = compiled(name)
    program.parent.chmod(0o711)
    user = [tool, f"--reuid={uid}", f"--regid={uid}", "--clear-groups"] if uid else []
    with started([*user, str(program), *arguments]) as both:
        yield both


def told_of(standing: Standing, pid: int) -> str:
    """What the preflight says to somebody with these rights."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python warns of forking with threads about; the child does next to nothing.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            take(standing)
            try:
                said = str(preflight(pid, "none")["memory"])
            except TargetError as error:
                said = str(error)
            os.write(writing, said.encode())
        except BaseException as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return said


TABLE = [
    # The target's user and how it is; ours, and our capabilities; what is said.
    (0, "", NOBODY, (), "belongs to user 0, we are user 65534"),
    (0, "", NOBODY, (DAC_READ_SEARCH, DAC_OVERRIDE), "belongs to user 0, we are user 65534"),
    (0, "", NOBODY, (CHECKPOINT_RESTORE, SYS_ADMIN), "belongs to user 0, we are user 65534"),
    (0, "", NOBODY, (SYS_PTRACE,), "reduced"),
    (0, "", NOBODY, (SYS_PTRACE, CHECKPOINT_RESTORE), "reduced"),
    (0, "", NOBODY, (SYS_PTRACE, DAC_READ_SEARCH), "permitted"),
    (0, "", NOBODY, (SYS_PTRACE, DAC_OVERRIDE), "permitted"),
    (0, "", 0, (), "it has capabilities that we don't have"),
    (0, "", 0, (SYS_PTRACE,), "permitted"),
    (NOBODY, "", NOBODY, (), "permitted"),
    (NOBODY, "", 0, (), "root lacks the capability CAP_SYS_PTRACE"),
    (NOBODY, "", 0, (DAC_READ_SEARCH,), "root lacks the capability CAP_SYS_PTRACE"),
    (NOBODY, "", 0, (SYS_PTRACE,), "reduced"),
    (NOBODY, "", 0, (SYS_PTRACE, DAC_READ_SEARCH), "permitted"),
    (NOBODY, "shut", NOBODY, (), "it is not dumpable"),
    (NOBODY, "shut", NOBODY, (DAC_READ_SEARCH,), "it is not dumpable"),
    (NOBODY, "shut", NOBODY, (SYS_PTRACE,), "reduced"),
    (NOBODY, "shut", NOBODY, (SYS_PTRACE, DAC_READ_SEARCH), "permitted"),
    (NOBODY, "shut", 0, (SYS_PTRACE,), "permitted"),  # its files are root's
]


@pytest.mark.parametrize(("owner", "how", "uid", "capabilities", "said"), TABLE)
def test_what_is_said(
    owner: int, how: str, uid: int, capabilities: tuple[int, ...], said: str
) -> None:
    with running(owner, "meta_program", *filter(None, [how])) as (process, _):
        assert said in told_of(Standing(uid, frozenset(capabilities)), process.pid)


@sampled()
@pytest.mark.parametrize("standing", [WITHOUT_FILES, Standing(NOBODY, frozenset({SYS_PTRACE}))])
def test_the_reduced_mode(standing: Standing, tmp_path: Path) -> None:
    """All that the target has is read, and it has no more afterwards."""
    owner = NOBODY if standing.uid == 0 else 0
    with running(owner, "partly") as (process, lines):
        places = {name: int(at, 16) for name, at in map(str.split, lines)}
        keys = ("VmRSS", "RssAnon", "RssShmem", "VmPTE")
        before = {key: kilobytes(process.pid, key) for key in keys}
        assert acquire_as(standing, process.pid, tmp_path / "out.msl") == "done complete"
        for key in keys:
            assert kilobytes(process.pid, key) - before[key] < 640, key
        assert process.poll() is None
    dump, report = Dump(tmp_path / "out.msl"), report_of(tmp_path / "out.msl")
    assert report["preflight"]["memory"] == "reduced"
    assert report["target"]["means"]["memory"] == "reduced"
    rows = {int(row["base_addr"], 16): row for row in report["regions"]}

    def causes(name: str) -> dict[str, int]:
        return {one["cause"]: one["pages"] for one in rows[places[name]].get("causes", [])}

    assert dump.read(places["whole"], 16 * PAGE) == b"\x11" * 16 * PAGE
    assert dump.read(places["part"], 4 * PAGE) == b"\x11" * 4 * PAGE
    assert dump.read(places["part"] + 4 * PAGE, 60 * PAGE) == bytes(60 * PAGE)
    assert causes("nothing") == {"untouched": 1 << 18}
    assert causes("reserved") == {"untouched_no_access": 1 << 18}
    assert causes("shut") == {"reduced_no_access": 16}
    # So large that its page tables alone would be too much, and a hole that would be filled.
    assert causes("sparse") == {"residency_unknown": 1 << 18}
    assert causes("shared") == {"residency_unknown": 1 << 12}
    assert dump.read(places["shared_whole"], 16 * PAGE) == b"\x11" * 16 * PAGE


def test_registers_in_the_reduced_mode(tmp_path: Path) -> None:
    with running(NOBODY, "partly") as (process, _):
        acquire_as(WITHOUT_FILES, process.pid, tmp_path / "out.msl", freeze="ptrace")
    (thread,) = report_of(tmp_path / "out.msl")["target"]["threads"]
    assert thread["registers"] > 16


def test_another_program_is_not_taken_for_the_target(tmp_path: Path) -> None:
    """The call names a process; that the address space is another one is seen in maps."""
    from msl_acquire.linux import memory as memory_module
    from msl_acquire.linux.maps import mappings
    from msl_acquire.linux.memory import LinuxMemory

    def refuse(tid: int) -> int:
        return -1

    with pytest.MonkeyPatch.context() as patch, running(0, "zoo", str(tmp_path), "large") as both:
        process, lines = both
        patch.setattr(memory_module.LinuxMemory, "_opened", staticmethod(refuse))
        at = int(lines[0].split()[1], 16)
        (mapping,) = (one for one in mappings(process.pid) if one.start == at)
        with LinuxMemory(process.pid, pagemap_method="read") as memory:
            memory.pagemap.close()
            assert memory.reduced
            into = memoryview(bytearray(16 * PAGE))
            assert memory.read(mapping, at, into) == 16 * PAGE
            assert process.ask("exec") == "done"
            stack = next(one for one in mappings(process.pid) if one.name == "[stack]")
            assert memory.read(stack, stack.end - PAGE, into[:PAGE]) == 0
            assert memory.failure(stack, stack.end - PAGE, 1).cause == "gone"
