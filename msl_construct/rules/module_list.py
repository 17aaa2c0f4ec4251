"""The Module List Index against the Module Entries, both ways (§5.2, §5.3)."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Iterator

from ..abbreviated import abbreviated
from .declare import rule
from .facts import Facts, ListedModule, ModuleIndex, well_formed
from .model import Found, Level, Scope

_TEXT_SYSTEMS = ("linux", "android")


def _manifest(facts: Facts) -> ModuleIndex | None:
    """The first module list, which is the one that counts."""
    return facts.manifests[0] if facts.manifests else None


def _unlisted(facts: Facts, manifest: ModuleIndex) -> Iterator[ListedModule]:
    """The Module Entries whose BlockUUID is no ModuleUUID of the list."""
    return (m for m in facts.modules if facts.uuids[m.number] not in manifest.rows)


def _row(facts: Facts, manifest: ModuleIndex, row: int, text: str) -> Found:
    """A place in the list, found again only now that there is something to say of it."""
    block = facts.dump.blocks[manifest.block]
    entries = block.with_offsets()[1].get("entries", [])
    offset = block.offset
    if block.compression is None and row < len(entries) and entries[row].offsets:
        offset = entries[row].offsets["module_uuid"][0]
    field = f"entries[{row}]"
    return Found(f"{facts.describe(manifest.block)}: {field}: {text}", offset, block.index, field)


@rule(
    "MSL-5.3-MODULE-UUID-REPEATED",
    Level.MUST,
    Scope.WHOLE,
    requirement="Every module of the Module List Index has a ModuleUUID of its own.",
    wrong="Two rows of the Module List Index have the same ModuleUUID.",
    why="There can be only one Module Entry for the two of them.",
)
def module_uuid_repeated(facts: Facts) -> Iterator[Found]:
    for manifest in facts.manifests:
        for row, earlier in manifest.repeated:
            yield _row(
                facts, manifest, row, f"ModuleUUID: expected another than that of row {earlier}"
            )


@rule(
    "MSL-5.3-MODULE-WITHOUT-ENTRY",
    Level.MUST,
    Scope.WHOLE,
    requirement="For every module of the Module List Index there is a Module Entry whose "
    "BlockUUID is the ModuleUUID.",
    wrong="A module of the Module List Index has no Module Entry.",
    why="Its entry was not written, or was cut out of the file.",
)
def module_without_entry(facts: Facts) -> Iterator[Found]:
    manifest = _manifest(facts)
    if manifest is None or not facts.finished:
        return  # the entries may have been about to be written
    astray = {module.base for module in _unlisted(facts, manifest)}
    for uuid, module in manifest.rows.items():
        if not well_formed(uuids.UUID(bytes=uuid)):
            continue  # that it identifies nothing is another rule
        if module.base in astray:
            continue  # its entry is there, with another UUID, which is another rule
        block = facts.uuids.find(uuid)
        if block is None or facts.key(block) != "module_entry":
            found = "none" if block is None else facts.describe(block)
            text = f"ModuleUUID {uuids.UUID(bytes=uuid)}: expected a Module Entry, found {found}"
            yield _row(facts, manifest, module.number, text)


@rule(
    "MSL-5.2-MODULE-ENTRY-NOT-LISTED",
    Level.MUST,
    Scope.WHOLE,
    requirement="BlockUUID of a Module Entry is a ModuleUUID of the Module List Index.",
    wrong="A Module Entry is not in the Module List Index.",
    why="Either its UUID is not the one that was announced, or the module was not known when the "
    "list was written.",
)
def module_entry_not_listed(facts: Facts) -> Iterator[Found]:
    manifest = _manifest(facts)
    if manifest is None:
        return
    for module in _unlisted(facts, manifest):
        uuid = facts.uuids[module.number]
        # One that identifies nothing, in the list or here, is another rule.
        if module.base not in manifest.nameless and well_formed(uuids.UUID(bytes=uuid)):
            yield Found(
                f"{facts.describe(module.number)}: BlockUUID {uuids.UUID(bytes=uuid)}: expected "
                f"it in {facts.describe(manifest.block)}",
                facts.at(module.number, "block_uuid"),
                module.number,
                "block_uuid",
            )


@rule(
    "MSL-5.2-MODULE-ENTRY-PARENT",
    Level.MUST,
    Scope.WHOLE,
    requirement="ParentUUID of a Module Entry is the Module List Index.",
    wrong="A Module Entry has another parent than the Module List Index, or none.",
    why="A reader that looks for the list's children does not find the module.",
)
def module_entry_parent(facts: Facts) -> Iterator[Found]:
    lists = list(facts.of_type("module_list_index"))
    if not lists and facts.live:
        return  # that Block 1 is missing is another rule
    if set(lists) & set(facts.nameless):
        return  # nothing can name it as its parent, which is another rule
    expected = {facts.uuids[block] for block in lists}
    for block in facts.of_type("module_entry"):
        parent = facts.parent(block)
        if parent in expected or (any(parent) and facts.uuids.find(parent) is None):
            continue  # right, or a UUID that is no block's, which is another rule
        where = facts.describe(lists[0]) if lists else "a Module List Index"
        yield Found(
            f"{facts.describe(block)}: ParentUUID: expected {where}, found "
            f"{uuids.UUID(bytes=parent)}",
            facts.at(block, "parent_uuid"),
            block,
            "parent_uuid",
        )


@rule(
    "MSLX-5.2-MODULE-ENTRY-DIFFERS",
    Level.OURS,
    Scope.WHOLE,
    requirement="A Module Entry has the address, size and path that the Module List Index says.",
    wrong="A Module Entry contradicts the Module List Index.",
    why="Readers differ in which of the two they show.",
)
def module_entry_differs(facts: Facts) -> Iterator[Found]:
    manifest = _manifest(facts)
    if manifest is None:
        return
    for module in facts.modules:
        listed = manifest.rows.get(facts.uuids[module.number])
        if listed is None:
            continue
        for field, name in (("base", "base_addr"), ("size", "module_size"), ("path", "path")):
            expected, found = getattr(listed, field), getattr(module, field)
            if field == "path" and not (listed.legible and module.legible):
                continue  # what is wrong with a string is other rules
            if expected != found:
                yield Found(
                    f"{facts.describe(module.number)}: {name}: expected {_shown(expected)} as in "
                    f"row {listed.number} of {facts.describe(manifest.block)}, found "
                    f"{_shown(found)}",
                    facts.at(module.number, name),
                    module.number,
                    name,
                )


@rule(
    "MSL-5.2-NATIVE-BLOB-NOT-TEXT",
    Level.SHOULD,
    Scope.WHOLE,
    requirement="NativeBlob of a module of Linux or Android is its line of maps or smaps: UTF-8 "
    "that ends with a NUL.",
    wrong="NativeBlob is not the text that the system gives for a module.",
    why="Readers that show the line show garbage, or read on behind it.",
)
def native_blob_not_text(facts: Facts) -> Iterator[Found]:
    if facts.header.record["os_type"].name not in _TEXT_SYSTEMS:
        return
    for block in facts.blobs:
        yield Found(
            f"{facts.describe(block)}: NativeBlob: expected UTF-8 with one NUL, at its end",
            facts.dump.blocks[block].stored.offset,
            block,
            "native_blob",
        )


def _shown(value: int | str | None) -> str:
    return f"{value:#x}" if isinstance(value, int) else abbreviated(value)


@rule(
    "MSLX-5.3-MODULE-ADDRESS-REPEATED",
    Level.OURS,
    Scope.WHOLE,
    requirement="No two modules begin at the same address.",
    wrong="Two modules of the Module List Index begin at the same address.",
    why="An address in it is shown as part of one or the other, as the reader likes.",
)
def module_address_repeated(facts: Facts) -> Iterator[Found]:
    manifest = _manifest(facts)
    if manifest is None:
        return
    first: dict[int, ListedModule] = {}
    for module in manifest.rows.values():
        if not module.base:
            continue  # not known
        earlier = first.setdefault(module.base, module)
        if earlier is not module:
            text = f"BaseAddr {module.base:#x} is also that of row {earlier.number}"
            yield _row(facts, manifest, module.number, text)
