"""The parsers that schema/*.ksy gives in other languages, run and compared with ours."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest
from conftest import SHARED
from languages.compare import EXEMPTIONS, Comparison, Ours, ours
from languages.languages import LANGUAGES, prepare
from languages.run import ROOT, SAMPLES, check, gallery_files, is_of, main, sample_files
from languages.syntax import SYNTAX, check_syntax
from languages.toolchains import Missing
from mutations import mutated
from sampling import part_of, sampled, subject

from msl_construct.drafts import DRAFTS
from msl_construct.exports import EXPORTS
from msl_construct.schema import Draft

FOLDER = Path(os.environ.get("MSL_LANGUAGES_SCHEMA", ROOT / "schema"))
SCHEMAS = EXPORTS["ksy"].files
Files = tuple[tuple[Path, Ours], ...]

MUTANTS = int(os.environ.get("MSL_FUZZ", "1500")) // 5

LANGUAGE = pytest.mark.parametrize("name", LANGUAGES)
SCHEMA = pytest.mark.parametrize(("file", "draft"), SCHEMAS, ids=[file for file, _ in SCHEMAS])


def schema_text(file: str) -> str:
    return (FOLDER / file).read_text(encoding="utf-8")


def read(paths: list[Path], draft: str) -> Files:
    """Files of a draft with our documents; the newest draft's parsers read the others' too."""
    chosen = DRAFTS[draft]
    newest = draft == SCHEMAS[0][1]
    return tuple(
        (path, expected)
        for path in paths
        for expected in [ours(path, chosen)]
        if newest or is_of(expected, chosen)
    )


@pytest.fixture(scope="session", name="documents")
def documents_of_a_part(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], tuple[bool, Files]]:
    """Samples and generated specimens with our documents, by draft, and whether those are all."""
    paths = sample_files(SAMPLES)
    paths += gallery_files(tmp_path_factory.mktemp("gallery"))
    assert len(paths) > 1500

    @lru_cache(maxsize=2)
    def documents(draft: str) -> tuple[bool, Files]:
        # Of other versions none is taken that would not be compared: its kind would have none.
        fit = [path for path in paths if draft == SCHEMAS[0][1] or says(path, DRAFTS[draft])]
        taken = part_of(fit, about)
        assert len({*map(about, taken)}) > 100
        return taken == paths, read(taken, draft)

    return documents


@lru_cache(maxsize=2)
def shared_documents(draft: str) -> Files:
    paths = sample_files([SHARED / "samples"])
    return read(part_of(paths, lambda path: path.parent.name), draft)


def says(path: Path, draft: Draft) -> bool:
    """Whether the bytes of a file's header say that it is of just this draft's version."""
    head = path.read_bytes()[:12]
    return int.from_bytes(head[10:], "big" if head[8:9] == b"\2" else "little") == draft.version


def about(path: Path) -> str:
    """What a sample or specimen is about."""
    return subject(path.stem)


def agree(name: str, file: str, draft: str, files: Files) -> Comparison:
    """Skips where the language can't be had."""
    try:
        differences, comparison = check(LANGUAGES[name], schema_text(file), DRAFTS[draft], files)
    except Missing as missing:
        pytest.skip(f"{name}: {missing}")
    assert differences == []
    return comparison


@LANGUAGE
@SCHEMA
def test_agrees_about_every_sample_and_specimen(
    name: str, file: str, draft: str, documents: Callable[[str], tuple[bool, Files]]
) -> None:
    whole, files = documents(draft)
    blocks = sum(len(one.blocks) for _, one in files)
    assert blocks > 2 * len(files)
    used = agree(name, file, draft, files).used
    if whole:
        unneeded = [key for key, one in EXEMPTIONS.items() if one.permits(name) and not used[key]]
        assert unneeded == [], "no file needs these exemptions any more"


@LANGUAGE
def test_the_gallery_variant_reads_what_the_plain_one_reads(
    name: str, documents: Callable[[str], tuple[bool, Files]]
) -> None:
    ((file, draft),) = EXPORTS["ksy-gallery"].files
    _, files = documents(draft)
    try:
        differences, _ = check(
            LANGUAGES[name], schema_text(file), DRAFTS[draft], files, gallery=True
        )
    except Missing as missing:
        pytest.skip(f"{name}: {missing}")
    assert differences == []


LATER_TYPES = [
    f"alone-{block}-10-{order}" for block in ("thread-context", "vas-map") for order in ("le", "be")
]
"""Files of the first version, which has no layout for a block that they hold."""


@LANGUAGE
def test_a_later_type_in_an_earlier_version_is_bytes_and_ends_nothing(name: str) -> None:
    file, draft = SCHEMAS[0]
    paths = [ROOT / "samples" / "valid" / f"{sample}.msl" for sample in LATER_TYPES]
    files = read(paths, draft)
    for path, expected in files:
        assert len(expected.blocks) > 2, path
    agree(name, file, draft, files)


@LANGUAGE
@SCHEMA
def test_agrees_about_files_of_other_producers(name: str, file: str, draft: str) -> None:
    files = shared_documents(draft)
    if not files:
        pytest.skip("needs ../shared/samples")
    agree(name, file, draft, files)


@LANGUAGE
def test_agrees_about_mutants(name: str, tmp_path: Path) -> None:
    """Whatever a payload holds, the blocks behind it are read."""
    file, draft = SCHEMAS[0]
    pool = [path.read_bytes() for path in gallery_files(tmp_path)]
    folder = tmp_path / "mutants"
    folder.mkdir()
    for number in part_of(range(MUTANTS)):
        (folder / f"{number:05}.msl").write_bytes(mutated(f"languages:{number}", pool))
    agree(name, file, draft, read(sorted(folder.iterdir()), draft))


@sampled("name")
@pytest.mark.parametrize("name", SYNTAX)
@SCHEMA
def test_what_can_not_be_run_has_no_syntax_errors(
    name: str, file: str, draft: str, tmp_path: Path
) -> None:
    try:
        check_syntax(name, schema_text(file), tmp_path)
    except Missing as missing:
        pytest.skip(f"{name}: {missing}")


def few(folder: Path) -> Path:
    """A folder with the samples that the README shows."""
    folder.mkdir()
    for path in (ROOT / "samples").glob("*.msl"):
        shutil.copy(path, folder)
    return folder


def test_a_wrong_schema_is_noticed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Two fields of equal width swapped: nothing but comparing values can find that."""
    right = schema_text("msl.ksy")
    one, other = "- id: ppid\n", "- id: session_id\n"
    wrong = right.replace(one, "@").replace(other, one).replace("@", other)
    assert wrong != right
    schema = tmp_path / "msl.ksy"
    schema.write_text(wrong, encoding="utf-8")
    try:
        prepare(LANGUAGES["python"], wrong)
    except Missing as missing:
        pytest.skip(f"python: {missing}")
    command = ["--languages", "python", "--samples", str(few(tmp_path / "few")), "--ksy"]
    assert main([*command, str(schema)]) == 1
    assert "payload.ppid: expected 1, found 4242" in capsys.readouterr().out
    assert main([*command, str(FOLDER / "msl.ksy")]) == 0


def test_a_missing_toolchain_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("MSL_LANGUAGES_CACHE", str(tmp_path / "cache"))
    assert main(["--languages", "go", "--samples", str(few(tmp_path / "few"))]) == 0
    assert capsys.readouterr().out.startswith("skipped: go: no kaitai-struct-compiler: no java")


@pytest.mark.parametrize("arguments", [["--languages", "cobol"], [], ["--languages", "go", "-x"]])
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err
