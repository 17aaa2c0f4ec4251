"""Reads the tables and lists of the drafts' Markdown."""

from __future__ import annotations

import re

Listed = tuple["int | None", str, "int | None"]
"""Offset, name, width; None where the draft gives none."""

_ITEM = re.compile(r"(?:\+0x([0-9A-F]+) )?(?:then )?([A-Z]\w*)(?: u(\d+)|\[(\d+)\])?")
_PLACED = re.compile(r"0x([0-9A-F]{2}) ([A-Z]\w+)(?: u(\d+)|\[(\d+)\])")
_CODE = re.compile(r"(0x[0-9A-Fa-f]+|\d+) ([^,;|()]*[^,;|(). ])")
_SPAN = re.compile(r"(0x[0-9A-F]+|\d+)-(0x[0-9A-F]+) (\w+)")


def section(text: str, name: str) -> str:
    """The text below the heading that begins with this section's number."""
    found = re.search(rf"^## {re.escape(name)}(?![\d.]).*?$(.*?)(?=^## |\Z)", text, re.S | re.M)
    assert found is not None, name
    heading = text[found.start() : text.index("\n", found.start())]
    return heading + "\n" + found.group(1)


def table(text: str, name: str) -> list[Listed]:
    """Rows of the section's table."""
    rows: list[Listed] = []
    for line in section(text, name).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[0] not in ("off", "---"):
            offset = int(cells[0], 16) if "0x" in cells[0] else None
            size = int(cells[1]) if cells[1].isdigit() else None
            rows.append((offset, cells[2], size))
    return rows


def _width(bits: str | None, count: str | None) -> int | None:
    return int(bits) // 8 if bits else int(count) if count else None


def fields(text: str, name: str, after: str = "") -> tuple[list[Listed], list[Listed]]:
    """The section's ``A u32 · B[16] · entries: C u8`` list: own fields, fields of an entry.

    ``after`` is what stands before the list; a name that occurs again is numbered.
    """
    body = section(text, name).split("\n", 1)[1].strip()
    if name == "§5.7" and not after:
        body = body.splitlines()[0]
    start = body.index(after) + len(after)
    line = body[start:].splitlines()[0]
    while "(" in line:
        line = re.sub(r"\s*\([^()]*\)", "", line)
    own: list[Listed] = []
    entry: list[Listed] = []
    into = own
    for item in re.split(r"\.(?: |$)", line)[0].split(" · "):
        if item.startswith("entries: "):
            into, item = entry, item.removeprefix("entries: ")
        found = _ITEM.match(item)
        assert found is not None, item
        offset, title, bits, count = found.groups()
        earlier = sum(n.rstrip("0123456789") == title for _, n, _ in into)
        title = f"{title}{earlier + 1}" if earlier else title
        into.append((int(offset, 16) if offset else None, title, _width(bits, count)))
    return own, entry


def placed(text: str) -> list[Listed]:
    """Every ``0x39 BlockCount u32`` of a text."""
    return [
        (int(offset, 16), name, _width(bits, count))
        for offset, name, bits, count in _PLACED.findall(text)
    ]


def _listing(text: str, name: str, after: str) -> str:
    body = section(text, name)
    start = body.index(after) + len(after)
    return re.split(r"[|)]|; it |\.\n|\.$", body[start:].splitlines()[0])[0]


def codes(text: str, name: str, after: str) -> tuple[dict[int, str], list[tuple[int, int, str]]]:
    """``0 Unknown, 1 Heap, 0x05-0xFE reserved``: codes with labels, spans with their use."""
    line = _listing(text, name, after)
    spans = [(int(a, 0), int(b, 0), use) for a, b, use in _SPAN.findall(line)]
    return {int(code, 0): label for code, label in _CODE.findall(_SPAN.sub("", line))}, spans


def bits(text: str, name: str, after: str) -> dict[int, str]:
    """``bit 0 Current, 1 Crashed``: labels by bit, ranges left out."""
    body = section(text, name)
    start = body.index(after) + len(after)
    line = re.search(r"bit 0 .*", body[start:])
    assert line is not None
    found = re.sub(r" \(0x[^)]*\)", "", line.group().removeprefix("bit "))
    found = found.split(")")[0].split(". ")[0]
    items = [item.strip(" .") for item in re.split(r" · |, ", found)]
    pairs = [item.split(" ", 1) for item in items if not re.match(r"\d+-", item)]
    return {int(number): label for number, label in pairs}


def block_types(text: str) -> dict[int, str]:
    """The list of §4.3; remarks in brackets and other producers' types left out."""
    body = section(text, "§4.3").split("memslicer also writes")[0]
    found = re.findall(r"(0x[0-9A-F]{4}) ([A-Z][\w-]*(?: [\w-]+)*)(?= ·|\.| \()", body)
    return {int(code, 16): label for code, label in found}


def capabilities(text: str) -> dict[str, set[int]]:
    """§8: the block types that a bit stands for, where it names them."""
    found = re.findall(r"(\w+) \((0x[^)]*)\)", section(text, "§8"))
    return {label: {int(code, 16) for code in listed.split("/")} for label, listed in found}
