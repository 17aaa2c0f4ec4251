"""/proc/PID/maps becomes mappings; and treatments that few machines have a target for."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from acquire_targets import compiled, target

from msl_acquire.linux import maps, treatment
from msl_acquire.linux.backing import Backings
from msl_acquire.linux.mounts import Mounts
from msl_acquire.linux.treatment import Treatments
from msl_acquire.model import Action, Mapping
from msl_construct.errors import TargetError

PAGE = os.sysconf("SC_PAGE_SIZE")


def line(start: str, permissions: str, path: bytes = b"", file: str = "00000000 00:00 0") -> bytes:
    """As the kernel's show_map_vma writes it: the path is in column 73, or behind a space."""
    end = f"{int(start, 16) + 2 * PAGE:0{len(start)}x}"
    front = f"{start}-{end} {permissions} {file} ".encode()
    return front if not path else front.ljust(73) + path


FILE = "00003000 fe:00 4242"
# fmt: off
CASES = [
    (line("00400000", "r-xp", b"/bin/static", FILE), "image", 5, "/bin/static"),
    (line("00600000", "rw-p", b"/bin/static", FILE), "image", 19, "/bin/static"),
    (line("01e8c000", "rw-p", b"[heap]"), "heap", 3, "[heap]"),
    (line("c000000000", "rw-p"), "anonymous", 3, ""),
    (line("7f0000000000", "rw-p"), "anonymous", 3, ""),
    (line("7f0000010000", "---p"), "anonymous", 0, ""),
    (line("7f0000020000", "rw-p", b"[anon:.bss]"), "anonymous", 3, "[anon:.bss]"),
    (line("7f0000030000", "r--p", b"/lib/c.so", FILE), "image", 1, "/lib/c.so"),
    (line("7f0000040000", "r-xp", b"/lib/c.so", FILE), "image", 5, "/lib/c.so"),
    (line("7f0000050000", "rw-p", b"/lib/c.so", FILE), "image", 19, "/lib/c.so"),
    (line("7f0000060000", "r--p", b"/etc/a", FILE), "mapped_file", 1, "/etc/a"),
    (line("7f0000070000", "rw-p", b"/etc/a", FILE), "mapped_file", 19, "/etc/a"),
    (line("7f0000080000", "rw-s", b"/etc/a", FILE), "mapped_file", 3, "/etc/a"),
    (line("7f0000090000", "r--s", b"/a b\\012c (deleted)", FILE),
     "mapped_file", 1, "/a b\nc (deleted)"),
    (line("7f00000a0000", "r--s", b"/caf\xe9", FILE), "mapped_file", 1, "/caf\udce9"),
    (line("7f00000b0000", "rw-s", b"/dev/zero (deleted)", FILE),
     "shared_mem", 3, "/dev/zero (deleted)"),
    (line("7f00000c0000", "rw-p", b"/dev/zero", FILE), "anonymous", 3, "/dev/zero"),
    (line("7f00000d0000", "rw-s", b"/memfd:x (deleted)", FILE),
     "shared_mem", 3, "/memfd:x (deleted)"),
    (line("7f00000e0000", "rw-s", b"/SYSV0000002a (deleted)", FILE),
     "shared_mem", 3, "/SYSV0000002a (deleted)"),
    (line("7f00000f0000", "rw-s", b"/dev/shm/x", FILE), "shared_mem", 3, "/dev/shm/x"),
    (line("7f0000100000", "rwxs", b"/memfd:jit (deleted)", FILE),
     "shared_mem", 7, "/memfd:jit (deleted)"),
    (line("7f0000110000", "r-xp", b"/memfd:program (deleted)", FILE),
     "image", 5, "/memfd:program (deleted)"),
    (line("7f0000120000", "rw-s", b"anon_inode:[io_uring]", FILE),
     "shared_mem", 3, "anon_inode:[io_uring]"),
    (line("7f0000130000", "rw-p", b"/anon_hugepage (deleted)", FILE),
     "anonymous", 3, "/anon_hugepage (deleted)"),
    (line("7f0000140000", "rw-s", b"/dev/dri/card0", FILE), "other", 3, "/dev/dri/card0"),
    (line("7ffc00000000", "rw-p", b"[stack]"), "stack", 3, "[stack]"),
    (line("7ffc10000000", "r--p", b"[vvar]"), "other", 1, "[vvar]"),
    (line("7ffc20000000", "r-xp", b"[vdso]"), "image", 5, "[vdso]"),
    (line("ffffffffff600000", "--xp", b"[vsyscall]"), "other", 4, "[vsyscall]"),
]
# fmt: on


@pytest.mark.parametrize("number", range(len(CASES)))
def test_line_among_others(number: int) -> None:
    text, region_type, protection, name = CASES[number]
    found = maps.parse(b"".join(case[0] + b"\n" for case in CASES))
    start, end = (int(part, 16) for part in text.split(b" ")[0].split(b"-"))
    assert found[number] == Mapping(start, end, protection, region_type, name, text)
    assert type(found[number]) is Mapping


def test_order_and_nothing() -> None:
    found = maps.parse(b"".join(case[0] + b"\n" for case in CASES))
    assert len(found) == len(CASES)
    assert [one.start for one in found] == sorted(one.start for one in found)
    assert maps.parse(b"") == []
    # The last line may lack its newline.
    assert maps.parse(CASES[4][0]) == [found[4]]


def test_numbers_too_large_for_their_column() -> None:
    """Then the path begins further to the right than it does elsewhere."""
    wide = line("7f0000000000", "r--p", b"/x y", "1000000000000 fff:fffff 18446744073709551615")
    assert wide.index(b"/x y") > 73
    other = line("7f0000010000", "rw-p", b"/x y", FILE)
    unnamed = line("7f0000020000", "rw-p", b"", "1000000000000 fff:fffff 18446744073709551615")
    found = maps.parse(wide + b"\n" + other + b"\n" + unnamed + b"\n")
    assert [one.name for one in found] == ["/x y", "/x y", ""]
    more = maps.details(found[0])
    assert more == (False, 1 << 48, (0xFFF, 0xFFFFF), (1 << 64) - 1)


def test_details() -> None:
    (shared,) = maps.parse(line("7f0000080000", "rw-s", b"/etc/a", FILE))
    assert maps.details(shared) == (True, 0x3000, (0xFE, 0), 4242)
    (unnamed,) = maps.parse(line("7f0000080000", "rw-p"))
    assert maps.details(unnamed) == (False, 0, (0, 0), 0)


@pytest.mark.parametrize(
    "text",
    [
        b"nonsense\n",
        b"7f0000000000-7f000000z000 rw-p 00000000 00:00 0 \n",
        CASES[4][0] + b"\n\n" + CASES[5][0] + b"\n",
        b"00400000 r-xp 00000000 00:00 0 \n",
    ],
)
def test_malformed(text: bytes) -> None:
    with pytest.raises(TargetError, match="maps"):
        maps.parse(text)


def test_this_process() -> None:
    """Against the lines themselves, split another way."""
    text = Path("/proc/self/maps").read_bytes()
    found = maps.parse(text)
    assert len(found) == text.count(b"\n")
    for one, raw in zip(found, text.splitlines()):
        fields = raw.split(None, 5)
        assert f"{one.start:08x}-{one.end:08x}".encode() == fields[0]
        assert one.native == raw
        assert os.fsencode(one.name) == (fields[5] if len(fields) == 6 else b"")
        assert bool(one.protection & 1) == (fields[1][0:1] == b"r")
    assert "heap" in {one.region_type for one in found}


def test_mappings_of_a_target(tmp_path: Path) -> None:
    with target("zoo", str(tmp_path), "anon_touched", "file_cow") as (process, lines):
        found = {one.start: one for one in maps.mappings(process.pid)}
        places = {name: int(start, 16) for name, start, _ in map(str.split, lines)}
        assert found[places["anon_touched"]].region_type == "anonymous"
        assert found[places["file_cow"]].region_type == "mapped_file"
        assert found[places["file_cow"]].name.endswith(" (deleted)")
        assert any(one.name == str(compiled("zoo")) for one in found.values())


def test_no_such_process() -> None:
    beyond = int(Path("/proc/sys/kernel/pid_max").read_text(encoding="ascii")) + 1
    with pytest.raises(TargetError, match="there is no process"):
        maps.mappings(beyond)


def test_kernel_thread_has_none() -> None:
    if not Path("/proc/2/exe").parent.exists() or Path("/proc/2/comm").read_text() != "kthreadd\n":
        pytest.skip("no kernel thread in sight (a PID namespace)")
    if os.geteuid() != 0:
        pytest.skip("needs root: the mappings of a kernel thread")
    assert maps.mappings(2) == []


# Treatments that need what few machines have ---------------------------------------------


class NoFiles(Backings):
    """Ways to files of one kind, which are not there.

    Args:
        mount: the type of their file system.
        reached: whether a way leads to them.
    """

    def __init__(self, mode: int, mount: str = "", reached: bool = True) -> None:
        super().__init__(1)
        self.mode = mode
        self.mount = mount
        self.reached = reached
        self.asked = False

    @property
    def mounts(self) -> Mounts:
        found = Mounts(1)
        found._by_device = {(0xFE, 0): self.mount} if self.mount else {}
        return found

    def look(self, *_: object) -> tuple[os.stat_result, int, bool] | None:
        self.asked = True
        if not self.reached:
            return None
        device = os.makedev(1, 1) if stat.S_ISCHR(self.mode) else 0  # /dev/mem's
        told = (self.mode, 4242, 0, 1, 0, 0, 1 << 30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, device)
        return os.stat_result(told), 4096, stat.S_ISREG(self.mode)


def treated(
    path: bytes, mode: int, mount: str = "", *, reached: bool = True, **options: bool
) -> treatment.Treatment:
    """How a file of that kind is treated; `mount` is the type of its file system."""
    files = NoFiles(mode, mount, reached)
    (mapping,) = maps.parse(line("7f0000080000", "rw-s", path, FILE))
    found = Treatments(files, **options).of(mapping)
    if found.cause == "remote_file":
        assert not files.asked  # the server might never answer
    return found


REGULAR, CHARACTER, BLOCK = stat.S_IFREG | 0o600, stat.S_IFCHR | 0o600, stat.S_IFBLK | 0o600


@pytest.mark.parametrize(
    ("path", "mode", "mount"),
    [
        (b"/dev/mem", CHARACTER, "devtmpfs"),
        (b"/anywhere/gpu", CHARACTER, "ext4"),
        (b"/sys/devices/pci0/resource0", REGULAR, "sysfs"),
        (b"/dmabuf:", REGULAR, ""),
    ],
)
def test_device(path: bytes, mode: int, mount: str) -> None:
    found = treated(path, mode, mount)
    assert (found.present, found.absent, found.cause) == (Action.SKIP, Action.SKIP, "device")
    found = treated(path, mode, mount, devices=True)
    assert (found.present, found.absent) == (Action.READ, Action.READ)


def test_block_device_is_read_where_present() -> None:
    found = treated(b"/dev/vda", BLOCK, "devtmpfs")
    assert (found.present, found.absent, found.cause) == (Action.READ, Action.SKIP, "device")


@pytest.mark.parametrize(
    "mount", ["fuse", "fuse.sshfs", "fuseblk", "nfs", "nfs4", "cifs", "smb3", "9p"]
)
def test_remote_file(mount: str) -> None:
    found = treated(b"/mnt/a", REGULAR, mount)
    assert (found.present, found.absent, found.cause) == (Action.READ, Action.SKIP, "remote_file")


@pytest.mark.parametrize("mount", ["ext4", "overlay", "virtiofs", ""])
def test_local_file(mount: str) -> None:
    assert treated(b"/mnt/a", REGULAR, mount) == treatment.Treatment(absent_from_file=True)


def test_huge_file() -> None:
    found = treated(b"/dev/hugepages/a", REGULAR, "hugetlbfs")
    assert found == treatment.Treatment(through_file=True)


@pytest.mark.parametrize(
    ("path", "mount", "cause"),
    [
        (b"/memfd:x (deleted)", "", "shared_unreached"),
        (b"/SYSV0000002a (deleted)", "", "shared_unreached"),
        (b"/dev/zero (deleted)", "", "shared_unreached"),
        (b"[anon_shmem:x]", "", "shared_unreached"),
        (b"/run/x", "tmpfs", "shared_unreached"),
        (b"/home/x", "ext4", "file_unreached"),
        (b"anon_inode:[guest_memfd]", "", "file_unreached"),
        (b"anon_inode:bpf-map", "", "file_unreached"),
    ],
)
def test_what_no_way_leads_to(path: bytes, mount: str, cause: str) -> None:
    found = treated(path, REGULAR, mount, reached=False)
    assert (found.present, found.absent, found.cause) == (Action.READ, Action.SKIP, cause)
    found = treated(path, REGULAR, mount, reached=False, touch_shared=True)
    assert (found.present, found.absent) == (Action.READ, Action.READ)


def test_kernel_objects_that_have_their_pages() -> None:
    for path in (b"[vdso]", b"anon_inode:[io_uring]", b"socket:[4711]"):
        assert treated(path, REGULAR, reached=False) == treatment.Treatment()
