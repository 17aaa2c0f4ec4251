"""A release: the same tree gives the same bytes, and what is not whole is noticed."""

from __future__ import annotations

import importlib.util
import io
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType

import generated_parsers
import pytest
from languages.toolchains import Missing

ROOT = Path(__file__).parents[1]


def release_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / ".ci" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", name="dist")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two that hold just what is asked for: building real ones takes long, and CI does."""
    folder = tmp_path_factory.mktemp("dist")
    with zipfile.ZipFile(folder / "msl_construct-0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("msl_construct/py.typed", "")
    with tarfile.open(folder / "msl_construct-0.tar.gz", "w:gz") as source:
        source.addfile(tarfile.TarInfo("msl_construct-0/pyproject.toml"), io.BytesIO())
    return folder


@pytest.fixture(scope="module", name="made")
def made_release(tmp_path_factory: pytest.TempPathFactory, dist: Path) -> tuple[ModuleType, Path]:
    try:
        parsers = generated_parsers.all_files()
    except Missing as missing:
        pytest.skip(str(missing))
    release = release_module()
    folders = [tmp_path_factory.mktemp("release") / "out" for _ in range(2)]
    for folder in folders:
        release.make(folder, dist, parsers)
    one, other = map(release.files_of, folders)
    assert one == other
    return release, folders[0]


def test_a_release_is_whole(made: tuple[ModuleType, Path]) -> None:
    release, folder = made
    release.check(folder)
    names = {path.name for path in folder.iterdir()}
    assert {"msl.ksy", "msl-1.0.ksy", "msl-gallery.ksy", "SHA256SUMS"} < names
    (crate,) = folder.glob("*.crate")
    held = release.members(crate)
    assert any(name.endswith("/LICENSE") for name in held)


@pytest.mark.parametrize("what", ["changed", "missing", "a sample", "listed again"])
def test_a_release_that_is_not_whole_is_refused(
    what: str, made: tuple[ModuleType, Path], tmp_path: Path
) -> None:
    release, folder = made
    copy = tmp_path / "out"
    shutil.copytree(folder, copy)
    (samples,) = copy.glob("msl-samples-*")
    if what == "changed":
        (copy / "msl.ksy").write_text("meta:\n")
        reason = "SHA256SUMS"
    elif what == "listed again":
        (copy / "msl.ksy").write_text("meta:\n")
        reason = "not the exported one"
    elif what == "missing":
        next(copy.glob("*.crate")).unlink()
        reason = "0 files msl_parser"
    else:
        files = {name.partition("/")[2]: data for name, data in release.members(samples).items()}
        name = next(name for name in files if name.endswith(".msl") and "valid/" in name)
        files[name] += b"\0"
        files["SHA256SUMS"] = release.sums({n: d for n, d in files.items() if n != "SHA256SUMS"})
        samples.unlink()
        release.tar(samples, "msl-samples", files)
        reason = "not that of its manifest"
    if what != "changed":
        (copy / "SHA256SUMS").unlink()
        (copy / "SHA256SUMS").write_bytes(release.sums(release.files_of(copy)))
    with pytest.raises(release.ReleaseError, match=reason):
        release.check(copy)
