"""Print what the generated Python parser finds, one JSON document a file and line.

Usage: python driver.py PLAN.json LIST; LIST names the files, one a line, and each is answered as
soon as it is named: LIST may be a pipe. The generated msl.py is found on PYTHONPATH. What there is
to print, the plan says: see ../plan.py.
"""

import base64
import itertools
import json
import sys
import uuid
from enum import Enum

from msl import Msl


def document(plan, path):
    with Msl.from_file(path) as parser:
        header = structure(plan, "root", parser)
        header |= structure(plan, "file_header", parser.file_header)
        blocks, offset = [], parser.header_size
        for block in getattr(parser, "blocks", []):
            end = offset + block.block_length
            kind = plan["payloads"].get(str(block.payload_kind), plan["other_payloads"])
            shown = {"offset": hex(offset)} | structure(plan, "block", block)
            try:
                shown["payload"] = structure(plan, kind, block.payload, end)
            except Exception as error:  # it does not hold what its layout says
                shown["error"] = f"{type(error).__name__}: {error}"
                shown["payload"] = structure(plan, plan["other_payloads"], block.stored, end)
            blocks.append(shown)
            offset = end
        behind = parser.trailing_data
        trailing = extent(behind, offset + len(behind)) if behind else None
        return {"file": path, "header": header, "blocks": blocks, "trailing": trailing}


def structure(plan, name, found, end=None):
    """The fields of one structure; `end` is the file offset behind it, where it is known."""
    shown = {}
    for field in plan["structures"][name]:
        if field["shown"] == "text":
            shown[field["key"]] = text(found, field)
            continue
        value = getattr(found, field["id"], None)  # an absent optional field is no attribute
        if value is not None:
            shown[field["key"]] = show(plan, found, field, value, end)
        elif not field.get("optional"):
            raise AttributeError(f"{name} has no {field['id']}")
        if field.get("hidden") and not value:
            del shown[field["key"]]
    return shown


def show(plan, found, field, value, end):
    match field["shown"]:
        case "number":
            return value
        case "hex":
            return f"0x{value:0{field['digits']}x}"
        case "time":
            return str(value)
        case "magic":
            return value.decode("ascii")
        case "bytes":
            return value.hex()
        case "uuid":
            return str(uuid.UUID(bytes=value))
        case "code":
            if isinstance(value, Enum):
                return field["names"][str(value.value)]
            return f"0x{getattr(found, field['code']):0{field['digits']}x}"
        case "flags":
            return flags(found, field, value)
        case "blob":
            return padded("bytes", "", value, found, field)
        case "register":
            return padded("value", "0x", value, found, field)
        case "runs":
            return runs(found, field, value)
        case "data":
            return extent(value, end)
        case "raw":
            return value.hex() if len(value) <= plan["raw_limit"] else extent(value, end)
        case "table":
            return [structure(plan, field["structure"], entry) for entry in value]
        case "structure":
            return structure(plan, field["structure"], value)
        case "choice":
            tag = str(getattr(found, field["tag"]))
            return structure(plan, field["cases"].get(tag, field["otherwise"]), value)


def flags(found, field, word):
    """Names of the set bits: known ones by their booleans, the others by their number."""
    names = {bit: name for bit, name, boolean in field["bits"] if getattr(found, boolean)}
    known = {bit for bit, _, _ in field["bits"]}
    for number in field["numbers"]:
        value = getattr(found, number["id"]).value
        if value:
            names[number["bit"]] = number["names"][str(value)]
        known.update(range(number["bit"], number["bit"] + number["bits"]))
    for bit in range(field["width"]):
        if word >> bit & 1 and bit not in known:
            names[bit] = f"bit_{bit}"
    return [names[bit] for bit in sorted(names)]


def text(found, field):
    """The text, and the stored bytes beside it where they don't follow from it."""
    length, raw = getattr(found, field["length"]), getattr(found, field["raw"])
    if length == 0:
        return None
    nul = b"\0" if field["terminated"] else b""
    stored = raw.stored if nul else raw + getattr(found, field.get("padding", ""), b"")
    try:
        decoded = getattr(found, field["id"])
    except UnicodeDecodeError:
        decoded = (raw.content if nul else raw).decode(errors="replace")
    encoded = decoded.encode() + nul
    if len(encoded) == length and encoded.ljust(len(stored), b"\0") == stored:
        return decoded
    return {"text": decoded, "raw": stored.hex()}


def padded(key, prefix, value, found, field):
    """Bytes; with the padding behind them where that isn't zero."""
    padding = getattr(found, field["padding"], b"")  # none where there is nothing left
    little = found._root.endianness.name == "little"
    shown = value[::-1] if field["shown"] == "register" and little else value
    if any(padding):
        return {key: prefix + shown.hex(), "raw": (value + padding).hex()}
    return prefix + shown.hex()


def runs(found, field, states):
    """Page states as [first page, pages, state], and the map's padding where it isn't zero."""
    shown, first = [], 0
    for state, pages in itertools.groupby(states):
        count = len(list(pages))
        shown.append([first, count, field["names"][str(state.value)]])
        first += count
    padding = getattr(found, field["raw"])[first // 4 :]
    unused = padding[0] & (0xFF >> 2 * (first % 4)) if padding else 0
    if unused or any(padding[1:]):
        return {"runs": shown, "padding": padding.hex()}
    return shown


def extent(data, end):
    """Bytes with their place in the file, where that is known."""
    shown = {} if end is None else {"offset": hex(end - len(data))}
    return shown | {"length": len(data), "data": base64.b64encode(data).decode()}


def main(plan_file, list_file):
    with open(plan_file) as file:
        plan = json.load(file)
    with open(list_file) as file:
        for line in file:
            path = line.rstrip("\n")
            try:
                shown = document(plan, path)
            except Exception as error:  # whatever a damaged file makes the parser do
                shown = {"file": path, "error": f"{type(error).__name__}: {error}"}
            print(json.dumps(shown), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
