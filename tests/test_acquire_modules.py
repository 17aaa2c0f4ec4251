"""What is mapped as code: compared with readelf, dpkg, and files hashed here."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from acquire_targets import compiled, started, target
from blake3 import blake3

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")

from msl_acquire.linux import module_files  # noqa: E402
from msl_acquire.linux.elf import ElfError, read_elf  # noqa: E402
from msl_acquire.linux.files_of_target import RootFolder  # noqa: E402
from msl_acquire.linux.maps import mappings  # noqa: E402
from msl_acquire.linux.modules import ModuleCache, modules, prehash  # noqa: E402
from msl_acquire.linux.packages import find_packages  # noqa: E402
from msl_acquire.model import Module  # noqa: E402


def _by_hand(pid: int) -> dict[str, list[tuple[int, int, str]]]:
    """The maps file: path to (start, end, line)."""
    found: dict[str, list[tuple[int, int, str]]] = {}
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        fields = line.split(None, 5)
        start, _, end = fields[0].partition("-")
        if len(fields) > 5:
            found.setdefault(fields[5], []).append((int(start, 16), int(end, 16), line))
    return found


def _readelf_build_id(path: str) -> bytes:
    tool = shutil.which("readelf")
    if tool is None:
        pytest.skip("needs readelf")
    told = subprocess.run([tool, "-n", path], capture_output=True, text=True, check=False).stdout
    match = re.search(r"Build ID: ([0-9a-f]+)", told)
    return bytes.fromhex(match[1]) if match else b""


def test_of_an_ordinary_program() -> None:
    with target("meta_program") as (process, _):
        found = modules(process.pid, mappings(process.pid))
        by_hand = _by_hand(process.pid)
        files = {module.path: module for module in found if module.path != "[vdso]"}
        assert {path for path in by_hand if path.startswith("/")} == set(files)
        assert str(compiled("meta_program")) in files
        assert any("libc" in path for path in files)
        for path, module in files.items():
            parts = by_hand[path]
            assert module.base_addr == parts[0][0]
            assert module.base_addr + module.module_size == parts[-1][1]
            assert module.native_blob == parts[0][2].encode() + b"\0"
            assert module.disk_hash == blake3(Path(path).read_bytes()).digest()
            assert module.build_id == _readelf_build_id(path)
        assert [module.base_addr for module in found] == sorted(m.base_addr for m in found)
        if "[vdso]" in by_hand:
            (vdso,) = (module for module in found if module.path == "[vdso]")
            assert (vdso.base_addr, vdso.disk_hash, vdso.version) == (
                by_hand["[vdso]"][0][0],
                None,
                "",
            )


def test_of_an_interpreter_with_extensions() -> None:
    code = "import _ctypes, _socket, sys; print('ready', flush=True); sys.stdin.read()"
    with started([sys.executable, "-c", code]) as (process, _):
        cache = prehash(process.pid, mappings(process.pid))
        assert cache.problems == {}
        found = modules(process.pid, mappings(process.pid), cache)
        executable = {
            fields[5]
            for line in Path(f"/proc/{process.pid}/maps").read_text().splitlines()
            if len(fields := line.split(None, 5)) > 5 and "x" in fields[1]
        }
        assert {module.path for module in found} >= executable - {"[vsyscall]"}
        assert len({module.path for module in found}) == len(found)
        for module in found:
            if module.path.startswith("/"):
                assert module.disk_hash == blake3(Path(module.path).read_bytes()).digest()


def test_version_from_its_own_note() -> None:
    with target("meta_program", options=["-DPACKAGE"]) as (process, _):
        program = str(compiled("meta_program", "-DPACKAGE"))
        found = {module.path: module for module in modules(process.pid, mappings(process.pid))}
        assert found[program].version == "7.5-3"
        assert found[program].build_id == _readelf_build_id(program)


def test_version_from_the_package_database() -> None:
    tool = shutil.which("dpkg-query")
    if tool is None:
        pytest.skip("needs dpkg-query")
    with started(["sleep", "1000"], "") as (process, _):
        until = time.monotonic() + 60
        while len(found := modules(process.pid, mappings(process.pid))) < 3 or not any(
            "sleep" in module.path for module in found
        ):
            assert time.monotonic() < until
            time.sleep(0.05)
        files = [module for module in found if module.path.startswith("/")]
        asked = 0
        for module in files:
            owner = ""
            for path in (module.path, module.path.removeprefix("/usr"), "/usr" + module.path):
                told = subprocess.run([tool, "-S", path], capture_output=True, text=True)
                if told.returncode == 0:
                    owner = told.stdout.partition(": ")[0]
                    break
            if not owner:
                assert module.version == ""
                continue
            asked += 1
            form = ["-W", "-f", "${Version}", owner]
            said = subprocess.run([tool, *form], capture_output=True, text=True, check=True)
            assert module.version == said.stdout
        assert asked, "no module of sleep is of a package"


def test_a_deleted_program_and_one_from_a_memfd_have_no_hash(tmp_path: Path) -> None:
    program = tmp_path / "short-lived"
    shutil.copy(compiled("meta_program"), program)
    with started([str(program)]) as (process, _):
        program.unlink()
        cache = ModuleCache()
        found = {m.path: m for m in modules(process.pid, mappings(process.pid), cache)}
        module = found[f"{program} (deleted)"]
        assert module.disk_hash is None
        assert "deleted" in cache.problems[f"{program} (deleted)"]
        if os.geteuid() == 0:  # only root gets at a file without a name
            assert module.build_id == _readelf_build_id(str(compiled("meta_program")))
    with target("meta_program", "memfd") as (process, _):
        found = {m.path: m for m in modules(process.pid, mappings(process.pid))}
        assert found["/memfd:ghost (deleted)"].disk_hash is None


def test_a_file_whose_name_only_looks_deleted(tmp_path: Path) -> None:
    program = tmp_path / "really (deleted)"
    shutil.copy(compiled("meta_program"), program)
    with started([str(program)]) as (process, _):
        found = {m.path: m for m in modules(process.pid, mappings(process.pid))}
        assert found[str(program)].disk_hash == blake3(program.read_bytes()).digest()


def test_a_file_mapped_twice_is_two_modules_and_one_only_read_is_none() -> None:
    with target("meta_program", "twice") as (process, lines):
        at = dict(line.split() for line in lines)
        found = modules(process.pid, mappings(process.pid))
        bases = [m.base_addr for m in found if m.path == str(compiled("meta_program"))]
        assert len(bases) == 2
        assert int(at["code"], 16) in bases
        assert int(at["read"], 16) not in bases
        hashes = {m.disk_hash for m in found if m.base_addr in bases}
        assert len(hashes) == 1


def test_a_library_that_is_only_read_is_no_module(tmp_path: Path) -> None:
    library = next(m.path for m in _own_modules() if re.search(r"/(libc|ld)[.-]", m.path))
    code = (
        "import mmap,sys;file=open(sys.argv[1],'rb');"
        "kept=mmap.mmap(file.fileno(),0,mmap.MAP_PRIVATE,mmap.PROT_READ);"
        "print('ready',flush=True);sys.stdin.read()"
    )
    copy = tmp_path / "library.so"
    shutil.copy(library, copy)
    with started([sys.executable, "-c", code, str(copy)]) as (process, _):
        assert str(copy) in _by_hand(process.pid)
        paths = [module.path for module in modules(process.pid, mappings(process.pid))]
        assert str(copy) not in paths
        assert library in paths


def _own_modules() -> list[Module]:
    return modules(os.getpid(), mappings(os.getpid()))


def test_without_the_right_to_follow_map_files(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.stat

    def refuse(path: Any, *rest: Any, **named: Any) -> os.stat_result:
        if "map_files" in os.fspath(path).__str__():
            raise PermissionError(1, "Operation not permitted", path)
        return real(path, *rest, **named)

    with target("meta_program") as (process, _):
        expected = modules(process.pid, mappings(process.pid))
        monkeypatch.setattr(module_files.os, "stat", refuse)
        cache = ModuleCache()
        assert modules(process.pid, mappings(process.pid), cache) == expected
        assert cache.problems == {}
        # A file of the same name that isn't the mapped one is not taken for it.
        program = str(compiled("meta_program"))
        number = str(os.stat(program).st_ino).encode()
        other = [
            mapping._replace(native=mapping.native.replace(b" %s " % number, b" 1%s " % number))
            for mapping in mappings(process.pid)
        ]
        found = {m.path: m for m in modules(process.pid, other, cache)}
        assert found[program].disk_hash is None
        assert "another file" in cache.problems[program]


def test_a_cache_is_good_until_the_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "program"
    shutil.copy(compiled("meta_program"), library)
    reads = []
    real = module_files._Job._hash

    def counted(self: Any, descriptor: int) -> bytes:
        reads.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        return real(self, descriptor)

    monkeypatch.setattr(module_files._Job, "_hash", counted)
    with started([str(library)]) as (process, _):
        cache = prehash(process.pid, mappings(process.pid))
        assert str(library) in reads
        reads.clear()
        first = modules(process.pid, mappings(process.pid), cache)
        assert reads == []
        os.utime(library, ns=(1, 1))
        assert modules(process.pid, mappings(process.pid), cache) == first
        assert reads == [str(library)]


def test_a_file_system_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = threading.Event()
    real = module_files._Job._read

    def read(self: Any, file: Any, descriptor: int, problem: str) -> Any:
        if b"meta_program" in file.name:
            stuck.wait(30)
        return real(self, file, descriptor, problem)

    monkeypatch.setattr(module_files._Job, "_read", read)
    try:
        with target("meta_program") as (process, _):
            cache = ModuleCache()
            began = time.monotonic()
            found = modules(process.pid, mappings(process.pid), cache, seconds=1.5)
            assert time.monotonic() - began < 25
            program = str(compiled("meta_program"))
            assert {m.path: m.disk_hash for m in found}[program] is None
            assert "did not answer" in cache.problems[program]
    finally:
        stuck.set()


def test_below_another_root(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root for chroot")
    program = tmp_path / "usr" / "bin" / "program"
    program.parent.mkdir(parents=True)
    try:
        shutil.copy(compiled("meta_program", "-static"), program)
    except AssertionError:
        pytest.skip("needs a static C library")
    (tmp_path / "bin").symlink_to("usr/bin")
    _make_dpkg(tmp_path, {"thing:amd64": "/bin/program"}, {"thing": ("amd64", "9.9-1")})
    command = [
        sys.executable,
        "-c",
        "import os,sys;os.chroot(sys.argv[1]);os.chdir('/');os.execv('/bin/program',['program'])",
        str(tmp_path),
    ]
    with started(command) as (process, _):
        found = {m.path: m for m in modules(process.pid, mappings(process.pid))}
        module = found["/usr/bin/program"]
        assert module.disk_hash == blake3(program.read_bytes()).digest()
        assert module.version == "9.9-1"


# -- package databases ---------------------------------------------------------------------


def _make_dpkg(root: Path, lists: dict[str, str], known: dict[str, tuple[str, str]]) -> None:
    folder = root / "var/lib/dpkg/info"
    folder.mkdir(parents=True)
    for name, path in lists.items():
        (folder / f"{name}.list").write_text(f"/.\n/bin\n{path}\n")
    stanzas = [
        f"Package: {name}\nStatus: install ok installed\nArchitecture: {architecture}\n"
        f"Version: {version}\nDescription: Version: 0\n"
        for name, (architecture, version) in known.items()
    ]
    (root / "var/lib/dpkg/status").write_text("\n".join(stanzas))


def _soon() -> float:
    return time.monotonic() + 60


def test_dpkg_lists(tmp_path: Path) -> None:
    lists = {"plain": "/usr/bin/plain", "both:amd64": "/lib/both.so", "gone": "/usr/bin/gone"}
    known = {"plain": ("all", "1:2.0"), "both": ("amd64", "3~rc1"), "other": ("all", "9")}
    _make_dpkg(tmp_path, lists, known)
    (tmp_path / "usr/lib").mkdir(parents=True)
    asked = ["/usr/bin/plain", "/usr/lib/both.so", "/usr/bin/gone", "/usr/bin/unknown"]
    found = find_packages(str(tmp_path), asked, _soon())
    assert {path: tuple(package) for path, package in found.items()} == {
        "/usr/bin/plain": ("plain", "1:2.0")
    }
    (tmp_path / "lib").symlink_to("usr/lib")
    found = find_packages(str(tmp_path), asked, _soon())
    assert found["/usr/lib/both.so"] == ("both", "3~rc1")
    assert "/usr/bin/gone" not in found
    assert find_packages(str(tmp_path), asked, time.monotonic() - 1) == {}


def test_a_diverted_path_has_no_version(tmp_path: Path) -> None:
    _make_dpkg(tmp_path, {"first": "/bin/tool"}, {"first": ("all", "1")})
    (tmp_path / "var/lib/dpkg/diversions").write_text("/bin/tool\n/bin/tool.real\nsecond\n")
    assert find_packages(str(tmp_path), ["/bin/tool"], _soon()) == {}


def test_images_without_dpkg_and_apk(tmp_path: Path) -> None:
    folder = tmp_path / "var/lib/dpkg/status.d"
    folder.mkdir(parents=True)
    (folder / "tiny").write_text("Package: tiny\nArchitecture: all\nVersion: 4.5\n")
    (folder / "tiny.md5sums").write_text(f"{'0' * 32}  usr/bin/tiny\n")
    apk = tmp_path / "lib/apk/db"
    apk.mkdir(parents=True)
    (apk / "installed").write_text(
        "P:musl\nV:1.2.5-r0\nA:x86_64\nF:lib\nR:ld-musl-x86_64.so.1\nZ:Q1x=\n\n"
        "P:busybox\nV:1.36\nF:\nF:bin\nR:busybox\n"
    )
    asked = ["/usr/bin/tiny", "/lib/ld-musl-x86_64.so.1", "/bin/busybox", "/ld-musl-x86_64.so.1"]
    found = find_packages(str(tmp_path), asked, _soon())
    assert {path: package.version for path, package in found.items()} == {
        "/usr/bin/tiny": "4.5",
        "/lib/ld-musl-x86_64.so.1": "1.2.5-r0",
        "/bin/busybox": "1.36",
    }


def test_links_of_a_container_lead_nowhere_else(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("secret")
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/absolute").symlink_to(outside)
    (root / "etc/climbing").symlink_to("../../../outside")
    (root / "etc/inner").symlink_to("/etc/real")
    (root / "etc/real").write_text("own")
    os.mkfifo(root / "etc/fifo")
    with RootFolder(str(root)) as folder:
        for name in ("/etc/absolute", "/etc/climbing"):
            with pytest.raises(OSError):
                folder.read(name, 100)
        assert folder.read("/etc/real", 100) == b"own"
        assert folder.read("/etc/real", 2) == b"ow"
        with pytest.raises(OSError, match="not a regular file"):
            folder.read("/etc/fifo", 100)
        folder._openat2 = False  # as before Linux 5.6
        assert folder.read("/etc/real", 100) == b"own"
        with pytest.raises(OSError):
            folder.read("/etc/absolute", 100)


# -- ELF -----------------------------------------------------------------------------------


def _elf(
    order: str, wide: bool, machine: int, notes: bytes, loads: list[tuple[int, int, int]]
) -> bytes:
    """A file of headers and notes; `loads` are (offset, address, size)."""
    count = len(loads) + 1
    size, step = (64, 56) if wide else (52, 32)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    place = size + step * count
    fields = (3, machine, 1, 0, size, 0, 0, size, step, count, 0, 0, 0)
    head = ident + struct.pack(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"), *fields)
    table = b""
    for kind, offset, address, length in [(4, place, 0, len(notes))] + [
        (1, *load) for load in loads
    ]:
        if wide:
            row = struct.pack(order + "IIQQQQQQ", kind, 5, offset, address, 0, length, length, 4)
        else:
            row = struct.pack(order + "IIIIIIII", kind, offset, address, 0, length, length, 5, 4)
        table += row
    return head + table + notes


def _note(order: str, owner: bytes, kind: int, value: bytes) -> bytes:
    owner += b"\0"
    padded = [piece + bytes(-len(piece) % 4) for piece in (owner, value)]
    return struct.pack(order + "III", len(owner), len(value), kind) + padded[0] + padded[1]


def _parse(data: bytes) -> Any:
    descriptor = os.memfd_create("elf")
    try:
        os.write(descriptor, data)
        return read_elf(descriptor)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("order", "wide", "machine", "name"),
    [
        ("<", True, 62, "x86_64"),
        ("<", True, 183, "arm64"),
        ("<", False, 3, "x86"),
        ("<", False, 40, "arm32"),
        (">", False, 8, "mips32"),
        (">", True, 22, "s390x"),
        (">", True, 21, "ppc64"),
        ("<", True, 243, "riscv64"),
        ("<", False, 243, "riscv32"),
        ("<", True, 258, "loongarch64"),
        ("<", True, 9999, "unknown"),
    ],
)
def test_headers_of_each_kind(order: str, wide: bool, machine: int, name: str) -> None:
    told = json.dumps({"type": "rpm", "name": "coreutils", "version": "9.1"}).encode()
    notes = _note(order, b"Else", 3, b"not it") + _note(order, b"GNU", 3, b"\x01\x02\x03\x04\x05")
    notes += _note(order, b"FDO", 0xCAFE1A7E, told + b"\0")
    elf = _parse(_elf(order, wide, machine, notes, [(0, 0x1000, 0x234)]))
    assert elf.architecture == name
    assert elf.bits == (64 if wide else 32)
    assert elf.build_id == b"\x01\x02\x03\x04\x05"
    assert (elf.package, elf.version) == ("coreutils", "9.1")
    assert [(s.offset, s.address, s.memory_size, s.flags) for s in elf.segments] == [
        (0, 0x1000, 0x234, 5)
    ]


def test_hostile_elf_files_are_refused_or_read_in_bounds() -> None:
    good = _elf("<", True, 62, _note("<", b"GNU", 3, b"\xaa" * 20), [(0, 0, 100)])
    assert _parse(good).build_id == b"\xaa" * 20
    for data in (b"", b"\x7fELF", good[:40], b"MZ" + good[2:]):
        with pytest.raises(ElfError):
            _parse(data)
    # Every byte of the headers overwritten, and the file cut anywhere: an answer or ElfError.
    for at in range(len(good)):
        for value in (0, 0xFF):
            try:
                elf = _parse(good[:at] + bytes([value]) + good[at + 1 :])
            except ElfError:
                continue
            assert len(elf.build_id) <= 64
    for cut in range(64, len(good)):
        assert len(_parse(good[:cut]).segments) <= 1
    for text in (b"[]", b"{", b"[" * 60000, b'{"version": 5}', b"\xff"):
        notes = _note("<", b"FDO", 0xCAFE1A7E, text)
        assert _parse(_elf("<", True, 62, notes, [])).version == ""
