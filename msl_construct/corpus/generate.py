"""Making the corpus: bytes, expected documents, manifest. The same bytes every time.

What a recipe says of its sample is held against what the rules and the reader find before
anything is written: a sample that breaks another rule than its own is an error here.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ..document import Renderer
from ..document.emit import write_json
from ..drafts import PUBLIC
from ..drafts.authored import blamed, said
from ..encryption import Keys
from ..encryption.private_keys import raw_private_keys
from ..errors import FormatError, MslError
from ..hashing import new_hasher
from ..outputs import check_name, whole_file
from ..reader import Dump, open_dump
from ..rules import check
from .assemble import Built, assemble
from .derived_faults import DerivedFault
from .features import found_in, meaning
from .large import LARGE, Large, write_large
from .manifest import MANIFEST, Consumer, ExpectedVerdict, Kind, Manifest, Sample, TestKey
from .plan import Form, Plan, forms_of
from .recipe import Recipe, Where
from .recipes import derived_recipe, fixed_recipes, unsolved
from .traceability import FILE as TRACEABILITY
from .traceability import table, text

__all__ = ["CorpusError", "Made", "entries", "generate", "made", "make_all", "stale"]

_REFUSED = 3
_INCOMPLETE = 4
_ENCRYPTED = 5
_REFUSABLE = (
    "HASH-MISMATCH",
    "COUNT-MISMATCH",
    "HASH-ALGORITHM-PRIVATE",
    "FILE-HEADER-UNREGISTERED-CODE",
    "PAGE-DATA-LENGTH",
    "STREAM-SURPLUS",
    "SURPLUS-BYTES",
    "BYTE-ORDER-NOT-AS-STATED",
)
"""Ends of the ids of rules about what a reader may verify, and then not go on."""


class CorpusError(MslError):
    """A recipe does not give the sample that it says."""


@dataclass(frozen=True)
class Made:
    """A sample with its bytes.

    Attributes:
        sample: its entry in the manifest.
        data: the file.
        document: the expected document as JSON, None where the file must be refused.
        opened: the same of whoever has the key of an encrypted one.
    """

    sample: Sample
    data: bytes
    document: str | None
    opened: str | None = None


def generate(
    folder: Path,
    *drafts: str,
    large: bool = False,
    left_out: list[str] | None = None,
) -> Manifest:
    """Write the corpus into a folder, which is made if it is missing.

    Args:
        drafts: see `make_all`.
        large: write those as well that are made on demand only.
        left_out: see `make_all`.

    Raises:
        CorpusError: a recipe does not give the sample that it says.
        OSError: something can't be written.
    """
    check_name(folder)
    samples = []
    for each in make_all(*drafts, left_out=left_out):
        for name, content in _files(each):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            _put(path, content)
        samples.append(each.sample)
    samples += [_large(each, folder if large else None) for each in _on_demand(drafts)]
    samples.sort(key=lambda sample: sample.name)
    for name, content in _indexes(samples, drafts):
        _put(folder / name, content)
    return Manifest(folder, tuple(samples))


def _put(path: Path, content: bytes) -> None:
    """Write a file anew: what stands there is replaced, never written into."""
    with whole_file(path, force=True, secret=False) as file:
        file.write(content)


def stale(folder: Path, *drafts: str) -> list[str]:
    """What in a folder is not as `generate` would write it, a line each.

    Args:
        drafts: see `make_all`.

    Raises:
        CorpusError: a recipe does not give the sample that it says.
        OSError: the folder can't be read.
    """
    found, known, samples = [], set(), []
    for each in make_all(*drafts, left_out=[]):
        samples.append(each.sample)
        for name, content in _files(each):
            known.add(folder / name)
            found += _difference(folder / name, content)
    for large in (_large(each, None) for each in _on_demand(drafts)):
        samples.append(large)
        known |= {folder / large.file, (folder / large.file).with_suffix(".json")}
    samples.sort(key=lambda sample: sample.name)
    for name, content in _indexes(samples, drafts):
        found += _difference(folder / name, content)
    for kind in Kind:
        there = sorted((folder / kind.value).glob("*"))
        found += [f"{path}: no sample of this name" for path in there if path not in known]
    return found


def entries(*drafts: str) -> list[Sample]:
    """What the manifest says of each sample, those that are made on demand included.

    Args:
        drafts: see `make_all`.

    Raises:
        CorpusError: a recipe does not give the sample that it says.
    """
    samples = [each.sample for each in make_all(*drafts, left_out=[])]
    samples += [_large(each, None) for each in _on_demand(drafts)]
    return sorted(samples, key=lambda sample: sample.name)


def _on_demand(drafts: Sequence[str]) -> list[Large]:
    """The samples of some drafts that are too large to be kept."""
    return [large for large in LARGE if large.form.draft in (drafts or PUBLIC)]


def _difference(path: Path, content: bytes) -> list[str]:
    if not path.exists():
        return [f"{path}: missing"]
    return [] if path.read_bytes() == content else [f"{path}: differs"]


def _files(each: Made) -> Iterator[tuple[str, bytes]]:
    """The files of a sample by their names."""
    yield each.sample.file, each.data
    if each.document is not None and each.sample.document_file is not None:
        yield each.sample.document_file, each.document.encode()
    if each.opened is not None and each.sample.opened_file is not None:
        yield each.sample.opened_file, each.opened.encode()


def _indexes(samples: list[Sample], drafts: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The files about all samples, by their names."""
    yield MANIFEST, Manifest.text(samples).encode()
    yield TRACEABILITY, text(table(samples, drafts or PUBLIC)).encode()


def _large(each: Large, folder: Path | None) -> Sample:
    """The entry of a sample that is made on demand; it is written if there is a folder."""
    size = digest = None
    name = f"{Kind.VALID.value}/{each.name}-{each.form.name}"
    if folder is not None:
        path = folder / f"{name}.msl"
        write_large(each, path)
        document = path.with_suffix(".json")
        with open_dump(path) as dump, whole_file(document, force=True, secret=False) as out:
            write_json(Renderer().parts(dump), lambda text: out.write(text.encode()))
        size = path.stat().st_size
        with path.open("rb") as file:
            digest = _hash(iter(lambda: file.read(1 << 24), b""))
    return Sample(
        name=name,
        kind=Kind.VALID,
        draft=each.form.draft,
        byte_order=each.form.byte_order,
        features=each.features,
        shows=each.shows,
        verdict=ExpectedVerdict(),
        size=size,
        blake3=digest,
        stored=folder is not None,
    )


def make_all(*drafts: str, left_out: list[str] | None = None) -> Iterator[Made]:
    """Every stored sample, in the order of the manifest: by name.

    Args:
        drafts: of which drafts; the public ones by default.
        left_out: takes what can't be made of a draft of one's own, and why, a line each: what
            holds for its base need not hold for it. A sample of public drafts is never left out.

    Raises:
        CorpusError: a recipe does not give the sample that it says, or two have one name.
    """
    forms = forms_of(*(drafts or PUBLIC))
    recipes = list(fixed_recipes(forms))
    for fault in unsolved(forms):
        try:
            recipes += _solved(fault)
        except _UNMAKEABLE as error:
            _leave_out(f"{fault.rule.id}, {fault.form.name}", fault.form, error, left_out)
    recipes.sort(key=lambda recipe: recipe.name)
    names = [recipe.name for recipe in recipes]
    for name, following in pairwise(names):
        if name == following:
            raise CorpusError(f"two recipes are called {name}")
    for recipe in recipes:
        try:
            sample = made(recipe)
        except _UNMAKEABLE as error:
            _leave_out(recipe.name, recipe.form, error, left_out)
        else:
            yield sample


_UNMAKEABLE = (MslError, KeyError, ValueError, StopIteration)
"""What comes of a recipe that names what a draft does not have."""


def _leave_out(name: str, form: Form, error: Exception, left_out: list[str] | None) -> None:
    """Note what can't be made of a draft of one's own.

    Raises:
        Exception: the error, of a public draft or where nobody takes notes.
    """
    if left_out is None or form.draft in PUBLIC:
        raise error
    place = blamed(error.__traceback__)
    text = said(error) if place is None else f"{place}: {said(error)}"
    left_out.append(text if text.startswith(name) else f"{name}: {text}")


def _opened(data: bytes, form: Form, key: bytes | None = None) -> Dump:
    """A sample as its reader opens it: told the draft where no public one says what it is."""
    return open_dump(data, draft=None if form.draft in PUBLIC else form.draft, key=key)


def made(recipe: Recipe) -> Made:
    """The sample of one recipe.

    Raises:
        CorpusError: what the reader and the rules find is not what the recipe says.
    """
    plan, where = recipe.make()
    built = assemble(plan)
    offset = None if where is None else built.offsets[where.block] + where.offset
    document: str | None = None
    try:
        dump = _opened(built.data, recipe.form)
    except FormatError as error:
        found = _REFUSED
        if recipe.exit != _REFUSED:
            raise CorpusError(f"{recipe.name}: it can't be opened: {error}") from None
    else:
        with dump:
            found = _exit(dump)
            dump.name = recipe.name.rpartition("/")[2] + ".msl"
            document = _document(dump)
        places = _places(plan, built)
        rules = tuple(rule for rule, _ in places)
        if where is None and places:
            offset = places[0][1]
        if rules != recipe.rules or (places and places[0][1] != offset):
            raise CorpusError(
                f"{recipe.name}: expected {recipe.rules} at {offset}, found {places}: where a rule "
                "is right about it, mend the sample's plan; where it is not, the rule"
            )
    if found != recipe.exit:
        raise CorpusError(f"{recipe.name}: expected exit code {recipe.exit}, found {found}")
    consumer = recipe.consumer
    derived = recipe.kind is Kind.INVALID
    if derived and consumer is Consumer.EITHER and not recipe.exit and _readable(recipe, document):
        consumer = Consumer.ACCEPT
    features = {*recipe.features, *_form_features(recipe)}
    if document is not None:
        features.update(found_in(json.loads(document)))
    for code in features:
        if meaning(code) is None:
            raise CorpusError(f"{recipe.name}: no feature is called {code}")
    sample = Sample(
        name=recipe.name,
        kind=recipe.kind,
        draft=recipe.form.draft,
        byte_order=recipe.form.byte_order,
        features=tuple(sorted(features)),
        shows=recipe.shows,
        verdict=ExpectedVerdict(recipe.exit, consumer, recipe.rules, offset),
        size=len(built.data),
        blake3=_hash([built.data]),
        base=recipe.base,
        question=recipe.question,
        document=document is not None,
        key=_key_of(plan, recipe),
    )
    if (recipe.consumer is Consumer.REJECT_FILE) != (document is None):
        raise CorpusError(f"{recipe.name}: {recipe.consumer.value} does not go with its document")
    opened = None if sample.key is None else _document_with(sample.key, built.data, sample)
    return Made(sample, built.data, document, opened)


def _key_of(plan: Plan, recipe: Recipe) -> TestKey | None:
    """The key of a sample that can be opened: most faults are for whoever has none."""
    if plan.opens is None or (recipe.rules and plan.key_to_judge is None):
        return None
    return TestKey(*plan.opens)


def _document_with(key: TestKey, data: bytes, sample: Sample) -> str:
    """The document of an encrypted sample that is opened with its key.

    Raises:
        CorpusError: it is not whole.
    """
    given = Keys(
        raw=key.data if key.kind == "raw" else None,
        passphrase=key.data if key.kind == "passphrase" else None,
        private=raw_private_keys(key.data) if key.kind == "private" else None,
    )
    with open_dump(data, key=given) as dump:
        verdict = dump.verify()
        found = tuple(one.rule.id for one in check(dump))
        if verdict.findings or verdict.gaps or found != sample.verdict.rules:
            raise CorpusError(
                f"{sample.name}: with its key: expected {sample.verdict.rules or 'no findings'}, "
                f"found {verdict} {found}"
            )
        dump.name = sample.name.rpartition("/")[2] + ".msl"
        return _document(dump)


def _readable(recipe: Recipe, document: str | None) -> bool:
    """Whether nothing in a file justifies refusing it, although a producer was at fault.

    §12 says what must be rejected. A reader that verifies hashes and counts may stop where
    they don't fit, and one that finds a payload too short or too long may refuse the file.
    """
    assert document is not None
    found = json.loads(document)
    parts = (found, *found["segments"])
    damaged = any("damage" in block for part in parts for block in part["blocks"])
    return not damaged and not recipe.rules[0].endswith(_REFUSABLE)


def _form_features(recipe: Recipe) -> Iterable[str]:
    if recipe.form.byte_order == "big":
        yield "be"


def _solved(derived: DerivedFault) -> Iterator[Recipe]:
    """For each label the first way to inflict a fault that breaks its rule and no other.

    Raises:
        CorpusError: there is none at all.
    """
    tried: list[object] = []
    done: list[str] = []
    for bend in derived.bends():
        if bend.label in done:
            continue
        built = assemble(bend.plan)
        found = _places(bend.plan, built)
        if found == [(derived.rule.id, _offset(built, bend.where))]:
            variant = bend.label if done else ""
            done.append(bend.label)
            yield derived_recipe(derived, bend, _exit_of(built, derived.form), variant)
        tried.append(found)
    if not done:
        raise CorpusError(
            f"{derived.rule.id}, {derived.form.name}: no way breaks it alone: {tried}"
        )


def _places(plan: Plan, built: Built) -> list[tuple[str, int | None]]:
    """What the rules find in a file, and where; with its key if it takes that."""
    try:
        with _opened(built.data, plan.form, plan.key_to_judge) as dump:
            return [(f.rule.id, f.found.offset) for f in check(dump)]
    except FormatError:
        return []


def _offset(built: Built, where: Where) -> int:
    return built.offsets[where.block] + where.offset


def _exit_of(built: Built, form: Form) -> int:
    with _opened(built.data, form) as dump:
        return _exit(dump)


def _exit(dump: Dump) -> int:
    """What `msl inspect` ends with."""
    if dump.locked:
        return _ENCRYPTED
    return 0 if dump.complete else _INCOMPLETE


def _document(dump: Dump) -> str:
    text = io.StringIO()
    write_json(Renderer(with_data=True).parts(dump), text.write)
    return text.getvalue()


def _hash(pieces: Iterable[bytes]) -> str:
    hasher = new_hasher()
    for piece in pieces:
        hasher.update(piece)
    return hasher.digest().hex()
