"""Compares what the test program printed with a canonical document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Printed = dict[str, Any]


def shown(value: Any, *, little: bool) -> Any:
    """A printed value in the form that the canonical document has for it."""
    if isinstance(value, list):
        return [shown(one, little=little) for one in value]
    if not isinstance(value, Mapping):
        return value
    stored = bytes.fromhex(value["stored"]) if "stored" in value else b""
    if "text length" in value:
        return _text(stored, value["stored length"], value["text length"])
    if "blob" in value:
        blob, behind = stored[: value["blob"]].hex(), stored[value["blob"] :]
        return {"bytes": blob, "raw": stored.hex()} if any(behind) else blob
    if "register" in value:
        raw = stored[: value["register"]]
        digits = "0x" + (raw[::-1] if little else raw).hex()
        behind = stored[value["register"] :]
        return {"value": digits, "raw": stored.hex()} if any(behind) else digits
    if "runs" in value:
        return _map(stored, value["pages"], value["runs"])
    return {
        key: shown(one, little=little)
        for key, one in value.items()
        if key not in ("", "page count") and not (key == "rest" and one == "")
    }


def _text(stored: bytes, length: int, text_length: int) -> Any:
    """Text as stored; `text_length` is what the header's accessor took for the text."""
    content = stored[:text_length]
    ended = text_length < length
    assert b"\0" not in content or not ended
    assert not ended or stored[text_length] == 0, "the text ends at its first NUL"
    canonical = not any(stored[length:]) and (not ended or text_length == length - 1)
    try:
        return content.decode() if canonical and ended else _whole(content, stored, canonical)
    except UnicodeDecodeError:
        return {"text": content.decode(errors="replace"), "raw": stored.hex()}


def _whole(content: bytes, stored: bytes, canonical: bool) -> Any:
    """Text without a NUL; whether that is as it should be depends on the field."""
    return _Either(content.decode(), {"text": content.decode(), "raw": stored.hex()}, canonical)


class _Either:
    """Text that needs no NUL in some fields, and lacks it in others."""

    def __init__(self, plain: str, raw: dict[str, str], canonical: bool) -> None:
        self.forms: list[Any] = [plain, raw] if canonical else [raw]

    def __eq__(self, other: object) -> bool:
        return other in self.forms

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<one of {self.forms}>"


def _map(stored: bytes, pages: int, runs: list[Any]) -> Any:
    tail, used = stored[pages // 4 :], 2 * (pages % 4)
    if tail and (tail[0] & (0xFF >> used) or any(tail[1:])):
        return {"runs": runs, "padding": tail.hex()}
    return runs


def differences(printed: Printed, document: Mapping[str, Any], blocks: list[Any]) -> list[str]:
    """Where the C reader and an independent decoder disagree about a file."""
    found: list[str] = []
    little = document["format"]["byte_order"] == "little"

    def same(where: str, ours: Any, theirs: Any) -> None:
        if ours != theirs:
            found.append(f"{where}: C says {ours!r:.200}, expected {theirs!r:.200}")

    header = dict(document["header"])
    same("extension", printed["extension"], header.pop("extension", ""))
    same("encryption", printed.get("encryption"), header.pop("encryption", None))
    same("header", {**printed["header"], "magic": "MEMSLICE"}, header)
    same("number of blocks", len(printed["blocks"]) >= len(blocks), True)
    for mine, block in zip(printed["blocks"], blocks):
        where = f"block {block['index']} ({block['block_type']})"
        same(f"{where} offset", mine["offset"], block["offset"])
        for key, value in mine["header"].items():
            if key != "magic":
                same(f"{where} {key}", value, block[key])
        found += [f"{where} {text}" for text in _payload(mine["payload"], block, little)]
    for mine in printed["blocks"][len(blocks) :]:
        trailing = document["trailing"]
        same(
            "blocks beyond",
            trailing and int(mine["offset"], 16) >= int(trailing["offset"], 16),
            True,
        )
    return found


def _payload(mine: Printed, block: Mapping[str, Any], little: bool) -> list[str]:
    theirs = dict(block["payload"])
    if "fields" not in mine:
        return [] if mine["raw"] == theirs.get("raw") else [f"raw: {mine}, expected {theirs}"]
    fields = shown(mine["fields"], little=little)
    if mine["kind"] == "compressed_payload":
        framing = block.get("compression")
        if framing is None:  # it does not inflate
            return []
        same = fields.get("uncompressed_size") == framing["uncompressed_size"]
        return [] if same else [f"compression: {fields}, expected {framing}"]
    rest, expected_rest = fields.pop("rest", ""), theirs.pop("rest", "")
    found = [f"{key}: {fields[key]!r:.300}, expected {theirs.get(key)!r:.300}" for key in fields
             if key not in theirs or fields[key] != theirs[key]]  # fmt: skip
    missing = [key for key in theirs if key not in fields]
    if missing:
        # A run of fields is there as a whole or not at all; decoders field by field get on.
        if "damage" not in block or mine["status"] == 0 or missing[0] != mine["damage"]:
            found.append(f"missing: {missing}, damage {mine['damage']!r}")
    elif rest != expected_rest:
        found.append(f"rest: {rest!r:.200}, expected {expected_rest!r:.200}")
    return found
