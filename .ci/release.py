"""Everything that a release consists of, in one folder, made and checked by one command.

    .venv/bin/python .ci/release.py -o OUT

OUT must not exist. It holds the wheel and the source distribution, the sample corpus, the
exported schemas, the generated parsers in the layout of their package managers, and SHA256SUMS of
all. Nothing is uploaded. Needs ``pip install build`` and kaitai-struct-compiler, unless ``--dist``
and ``--parsers`` name what is there already. All but the distributions depends on nothing but the
tree, byte by byte.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import blake3

import msl_construct
from msl_construct.errors import MslError

ROOT = Path(__file__).parents[1]
SUMS = "SHA256SUMS"
EPOCH = (1980, 1, 1, 0, 0, 0)
GO_MODULE = "example/msl-parser"


class ReleaseError(Exception):
    """A release that is not what it should be."""


def files_of(folder: Path) -> dict[str, bytes]:
    """What stands below a folder, by path; no file whose name begins with a dot."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def tar(path: Path, prefix: str, files: Mapping[str, bytes]) -> None:
    """A gzipped tar that depends on its contents alone."""
    with (
        path.open("xb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as out,
    ):
        for name, data in sorted(files.items()):
            member = tarfile.TarInfo(f"{prefix}/{name}")
            member.size, member.mode = len(data), 0o644
            out.addfile(member, io.BytesIO(data))


def packed_zip(path: Path, prefix: str, files: Mapping[str, bytes]) -> None:
    """A zip that depends on its contents alone."""
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED) as out:
        for name, data in sorted(files.items()):
            out.writestr(zipfile.ZipInfo(f"{prefix}/{name}", EPOCH), data, zipfile.ZIP_DEFLATED)


def sums(files: Mapping[str, bytes]) -> bytes:
    """Lines as ``sha256sum --check`` takes them."""
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()]
    return "".join(sorted(lines, key=lambda line: line[66:])).encode()


def with_version(text: bytes, pattern: str, version: str) -> bytes:
    """A package's description with another version.

    Raises:
        ReleaseError: it has none, or several.
    """
    changed, count = re.subn(pattern, rf"\g<1>{version}\g<2>", text.decode(), count=1)
    if count != 1:
        raise ReleaseError(f"no version where it should be: {pattern}")
    return changed.encode()


def javascript(files: dict[str, bytes], out: Path, version: str) -> None:
    """An npm package, as ``npm install FILE`` takes it."""
    about = json.loads(files["package.json"])
    about.pop("private", None)
    about |= {"version": version, "main": "msl_dump.js", "license": "Apache-2.0"}
    files["package.json"] = json.dumps(about, indent=2).encode() + b"\n"
    tar(out / f"msl-parser-{version}.tgz", "package", files)


def java(files: dict[str, bytes], out: Path, version: str) -> None:
    """A Maven project: sources where Maven looks for them."""
    pom = with_version(files.pop("pom.xml"), r"(<version>)[^<]*(</version>)", version)
    moved = {
        f"src/main/java/{name}" if name.endswith(".java") else name: data
        for name, data in files.items()
    }
    tar(
        out / f"msl-parser-{version}-maven.tar.gz",
        f"msl-parser-{version}",
        {**moved, "pom.xml": pom},
    )


def go(files: dict[str, bytes], out: Path, version: str) -> None:
    """A module's zip, as a Go module proxy serves it."""
    packed_zip(out / f"msl-parser-v{version}.zip", f"{GO_MODULE}@v{version}", files)


def rust(files: dict[str, bytes], out: Path, version: str) -> None:
    """A crate."""
    pattern = r'(?m)(^version = ")[^"]*(")'
    files["Cargo.toml"] = with_version(files["Cargo.toml"], pattern, version)
    tar(out / f"msl_parser-{version}.crate", f"msl_parser-{version}", files)


LAYOUTS = {"javascript": javascript, "java": java, "go": go, "rust": rust}
"""How a generated parser becomes a package, by language."""


def distributions(out: Path) -> None:
    """The wheel and the source distribution.

    Raises:
        ReleaseError: they can't be built.
    """
    command = [sys.executable, "-m", "build", "--outdir", str(out), str(ROOT)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        said = (ran.stderr or ran.stdout).strip()
        raise ReleaseError(f"no wheel: {said[-500:]} (pip install build)")


def parsers(out: Path, folder: Path | None, version: str) -> None:
    """The generated parsers as packages; of `folder`, or generated now."""
    for language, layout in LAYOUTS.items():
        if folder is not None:
            found = files_of(folder / language)
        else:
            from msl_construct.drafts import DRAFTS, NEWEST_DRAFT
            from msl_construct.generate import TARGETS, generate

            (made,) = generate([TARGETS[language]], DRAFTS[NEWEST_DRAFT])
            found = {name: text.encode() for name, text in made.files.items()}
        if "msl.ksy" not in found:
            raise ReleaseError(f"no parser for {language}")
        layout({**found, "LICENSE": (ROOT / "LICENSE").read_bytes()}, out, version)


def corpus(out: Path, version: str) -> None:
    """The samples with their manifest, and a list of hashes."""
    found = files_of(ROOT / "samples")
    tar(
        out / f"msl-samples-{version}.tar.gz",
        f"msl-samples-{version}",
        {**found, SUMS: sums(found)},
    )


def schemas(out: Path, version: str) -> None:
    """The .ksy files by themselves, and all that is exported together."""
    found = files_of(ROOT / "schema")
    for name, data in found.items():
        if name.endswith(".ksy"):
            (out / name).write_bytes(data)
    tar(out / f"msl-schema-{version}.tar.gz", f"msl-schema-{version}", found)


def make(out: Path, dist: Path | None = None, generated: Path | None = None) -> None:
    """Make a release in a folder that is not there yet.

    Args:
        dist: a folder with the distributions, which are built unless it is given.
        generated: a folder as ``msl generate --all`` writes it.

    Raises:
        ReleaseError: a part of it can't be made.
    """
    version = msl_construct.__version__
    out.mkdir()
    if dist is None:
        distributions(out)
    else:
        for path in dist.iterdir():
            (out / path.name).write_bytes(path.read_bytes())
    corpus(out, version)
    schemas(out, version)
    parsers(out, generated, version)
    (out / SUMS).write_bytes(sums(files_of(out)))


def members(path: Path) -> dict[str, bytes]:
    """What an archive holds, by path."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(path) as packed:
        streams = {one.name: packed.extractfile(one) for one in packed if one.isfile()}
        return {name: stream.read() for name, stream in streams.items() if stream is not None}


def check(out: Path) -> None:
    """Whether a release is whole, and its parts hold what they are for.

    Raises:
        ReleaseError: what is missing, or differs.
    """
    found = files_of(out)
    listed = found.pop(SUMS, None)
    if listed != sums(found):
        raise ReleaseError(f"{SUMS} is not that of the files")
    due = {
        "*.whl": "msl_construct/py.typed",
        "msl-samples-*.tar.gz": "*/manifest.json",
        "msl-schema-*.tar.gz": "*/msl.h",
        "msl-parser-*.tgz": "package/Msl.js",
        "msl-parser-*-maven.tar.gz": "*/src/main/java/msl/Msl.java",
        "msl-parser-v*.zip": f"{GO_MODULE}@v*/msl/msl.go",
        "msl_parser-*.crate": "*/src/msl.rs",
        "msl_construct-*.tar.gz": "*/pyproject.toml",
    }
    for pattern, member in due.items():
        paths = list(out.glob(pattern))
        if len(paths) != 1:
            raise ReleaseError(f"{len(paths)} files {pattern}, not one")
        held = members(paths[0])
        if not any(Path(name).match(member) for name in held):
            raise ReleaseError(f"{paths[0].name} holds no {member}")
        if pattern.startswith("msl-samples"):
            _check_corpus(held)
    for name in ("msl.ksy", "msl-1.0.ksy", "msl-gallery.ksy"):
        if found.get(name) != (ROOT / "schema" / name).read_bytes():
            raise ReleaseError(f"{name} is not the exported one")


def _check_corpus(held: Mapping[str, bytes]) -> None:
    by_name = {name.partition("/")[2]: data for name, data in held.items()}
    if by_name.pop(SUMS, None) != sums(by_name):
        raise ReleaseError(f"the corpus' {SUMS} is not that of its files")
    for sample in json.loads(by_name["manifest.json"])["samples"]:
        if sample["stored"]:
            data = by_name.get(sample["file"])
            if data is None or blake3.blake3(data).hexdigest() != sample["blake3"]:
                raise ReleaseError(f"the corpus' {sample['file']} is not that of its manifest")


def main() -> int:
    about, _, more = str(__doc__).partition("\n")
    parser = argparse.ArgumentParser(description=about, epilog=more)
    parser.add_argument("-o", "--output", type=Path, required=True, help="a folder, made anew")
    parser.add_argument("--dist", type=Path, help="a folder with the wheel and the sdist")
    parser.add_argument("--parsers", type=Path, help="a folder that msl generate --all wrote")
    given = parser.parse_args()
    try:
        make(given.output, given.dist, given.parsers)
        check(given.output)
    except (ReleaseError, OSError, MslError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    for name in sorted(files_of(given.output)):
        print(given.output / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
