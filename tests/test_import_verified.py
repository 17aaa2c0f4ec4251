"""What is imported, before the readers of other tools, where their interpreters are named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from commands import run
from conftest import SHARED
from test_import_mutants import made as made_sources

pytest.importorskip("cryptography")
sys.path.insert(0, str(Path(__file__).parent / "interchange"))

import table
from made import comparable, walked

FOREIGN = sorted((SHARED / "samples" / "foreign").glob("*.*"))


@pytest.fixture(scope="module")
def imports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A dump of every source that can be imported: of the real ones, and of those made by hand."""
    folder = tmp_path_factory.mktemp("imports")
    sources = [one for one in FOREIGN if one.suffix in (".dmp", ".elf")]
    for name, data in made_sources().items():
        sources.append(folder / name)
        sources[-1].write_bytes(data)
    found = {}
    for source in sources:
        out = folder / f"{source.name}.msl"
        if run("import", source, "-o", out).returncode in (0, 4):
            found[source.name] = out
    return found


@pytest.mark.parametrize("reader", table.READERS, ids=lambda one: one.key)
def test_every_import_is_verified(reader: table.Reader, imports: dict[str, Path]) -> None:
    if reader.python is None:
        pytest.skip(f"needs {reader.package}: name an interpreter in {reader.variable}")
    words = [{"path": str(path)} for path in imports.values()]
    verdicts = table.verdicts(reader, words)
    assert len(imports) >= 9
    for (name, path), found in zip(imports.items(), verdicts):
        assert found["valid"], (name, found["said"])
        assert found["whole"], name
        assert (found["segments"], found["trailing"]) == (0, 0), name
        assert comparable(found["blocks"]) == list(walked(path.read_bytes())), name
