# ruff: noqa: E501 - a case a line
"""Documents that `msl build` must refuse: what each holds, and the line that has to be named."""

from __future__ import annotations

from dataclasses import dataclass

HEAD = (
    "document: 1\n"
    "format: {draft: draft-2026-10, byte_order: little}\n"
    'header: {os_type: linux, arch_type: x86_64, pid: 1, timestamp: "5", cap_bitmap: []}\n'
)
"""Three lines; what a case adds begins on the fourth."""
JSON_HEAD = (
    '{"document": 1,\n"header": {"os_type": "linux", "arch_type": "x86_64", "pid": 1,\n'
    ' "timestamp": "5", "cap_bitmap": []},\n'
)
"""Three lines as well."""
LINES_HEAD = (
    '{"record": "document", "document": 1, "header": {"os_type": "linux", "arch_type": "x86_64", '
    '"pid": 1, "timestamp": "5", "cap_bitmap": []}}\n'
)
"""One line."""
IDENTITY = "blocks:\n- block_type: process_identity\n  payload:\n"


@dataclass(frozen=True)
class Case:
    """A document, the line of what is wrong, and a piece of what has to be said."""

    name: str
    data: bytes
    line: int
    says: str = ""


def _case(name: str, text: str | bytes, line: int, says: str = "") -> Case:
    return Case(name, text.encode() if isinstance(text, str) else text, line, says)


def laughs(levels: int, lead: str = "  ") -> str:
    """Lists of lists; the last one stands for ten to the power of `levels` texts, and one more."""
    lines = [f"{lead}a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    for level in range(1, levels):
        inner = ",".join([f"*a{level - 1}"] * 10)
        lines.append(f"{lead}a{level}: &a{level} [{inner}]")
    return "file:\n" + "\n".join(lines) + "\n"


def _field(key: str, value: str) -> str:
    """A document with one field of a process's identity on its seventh line."""
    return f"{HEAD}{IDENTITY}    {key}: {value}\n"


TWICE = [
    _case("twice-part", f"{HEAD}header: {{pid: 2}}\n", 4, "second time"),
    _case("twice-document", f"document: 1\n{HEAD}", 2, "second time"),
    _case("twice-in-header", "document: 1\nheader:\n  pid: 1\n  os_type: linux\n  pid: 2\n", 5, "'pid'"),
    _case("twice-in-braces", "header: {pid: 1,\n  pid: 2}\n", 2, "'pid'"),
    _case("twice-quoted", 'header:\n  pid: 1\n  "pid": 2\n', 3, "'pid'"),
    _case("twice-in-block", f"{HEAD}{IDENTITY}    exe_path: a\n    exe_path: b\n", 8, "'exe_path'"),
    _case("twice-blocks", f"{HEAD}blocks: []\nblocks: []\n", 5, "'blocks'"),
    _case("twice-tagged", "header:\n  pid: 1\n  !!str pid: 2\n", 3, "'pid'"),
    _case("twice-json-part", f'{JSON_HEAD}"blocks": [],\n"blocks": []}}', 5, "'blocks'"),
    _case("twice-json-header", '{"header": {"pid": 1,\n\n"pid": 2}}', 3, "'pid'"),
    _case("twice-json-escaped", '{"header": {"pid": 1,\n"p\\u0069d": 2}}', 2, "'pid'"),
    _case("twice-json-deep", f'{JSON_HEAD}"blocks": [{{"payload":\n{{"a": [{{"b": 1,\n"b": 2}}]}}}}]}}', 6, "'b'"),
    _case("twice-lines", f'{LINES_HEAD}{{"record": "block", "index": 1, "index": 2}}\n', 2, "'index'"),
    _case("twice-lines-head", '{"record": "document", "document": 1,  "document": 1}\n', 1, "'document'"),
]  # fmt: skip

SEVERAL = [
    _case("several-yaml", f"{HEAD}---\n{HEAD}", 4, "second"),
    _case("several-dots", f"{HEAD}...\n---\nx: 1\n", 5, "second"),
    _case("several-empty", f"{HEAD}---\n", 4, "second"),
    _case("several-json", f'{JSON_HEAD}"blocks": []}}\n{{"document": 1}}', 5, "expected the end"),
    _case("several-json-then-text", f'{JSON_HEAD}"blocks": []}} x', 4, "expected the end"),
    _case("several-lines", LINES_HEAD + LINES_HEAD, 2, "record 'document'"),
    _case("several-behind-trailing", f'{LINES_HEAD}{{"record": "trailing"}}\n{{"record": "block"}}\n', 3, "behind"),
    _case("several-lines-unknown", f'{LINES_HEAD}\n{{"record": "table"}}\n', 3, "'table'"),
]  # fmt: skip

NUMBERS = ["1:30:45", "1:30", "190:20:30.15", "010", "0o17", "08", "0b11", "1_000", "-0x1", "1e3",
           ".5", "1.", "+.inf", ".NaN", "2026-11-30", "2026-11-30 12:00:00", "0_7", "0x_1"]  # fmt: skip
WORDS = ["yes", "Yes", "NO", "no", "on", "On", "OFF", "off", "y", "N", "~", "=", "<<"]
MEANINGS = [
    *(_case(f"number-{number}", _field("exe_path", number), 7, "quote it") for number in NUMBERS),
    *(_case(f"pid-{number}", f"document: 1\nheader:\n  pid: {number}\n", 3, "quote it") for number in NUMBERS),
    *(_case(f"word-{word}", _field("exe_path", word), 7, "quote it") for word in WORDS),
    _case("word-in-list", f"{HEAD}{IDENTITY}    exe_path:\n    - a\n    - no\n", 9, "quote it"),
    _case("word-as-key", f"{HEAD}on: 1\n", 4, "quote it"),
    _case("word-long", _field("exe_path", "1" + ":00" * 200_000), 7, "quote it"),
    _case("word-as-name", "document: 1\nheader: {os_type: off}\n", 2, "quote it"),
]  # fmt: skip

TAGS = ["!!bool maybe", '!!int ""', "!!timestamp foo", '!!float ""', "!!int x", "!!float 5",
        '!!null "x"', "!!binary AAAA", "!!set {a, b}", "!!omap [a: 1]", "!!pairs [a: 1]", "!local 1", "! 5",
        "!!python/object/apply:os.system [id]", "!!python/name:os.system", "!!map [a]", "!!seq {a: 1}",
        "!<tag:example.org,2026:x> 1"]  # fmt: skip
TAGGED = [
    *(_case(f"tag-{number}", f"document: {tag}\n", 1, "tag") for number, tag in enumerate(TAGS)),
    *(_case(f"tag-inside-{number}", _field("exe_path", tag), 7, "tag") for number, tag in enumerate(TAGS)),
    _case("tag-directive", f"%TAG ! tag:example.org,2026:\n---\n{HEAD}", 1, "directive"),
    _case("tag-directives", "".join(f"%TAG !a{n}! x\n" for n in range(100_000)) + "---\na: 1\n", 1, "directive"),
    _case("tag-on-blocks", f"{HEAD}blocks: !!set\n  ? a\n", 4, "tag"),
]  # fmt: skip

ALIASES = [
    _case("alias-laughs-header", f"{laughs(9)}header: *a8\n", 7, "aliases"),
    _case("alias-laughs-text", f"{HEAD}{laughs(9)}", 10, "aliases"),
    _case("alias-laughs-mappings", "file:\n  a: &a {q: 1, p: 2, z: 3}\n" + "".join(
        f"  {b}: &{b} {{x: *{a}, r: *{a}, z: *{a}, w: *{a}, v: *{a}, u: *{a}, t: *{a}, s: *{a}}}\n"
        for a, b in zip("abcdefgh", "bcdefghi")), 8, "aliases"),
    _case("alias-long-text", f"file:\n  a: &a {'x' * 200_000}\n  b: [{', '.join(['*a'] * 5000)}]\n", 3, "aliases"),
    _case("alias-many", f"file:\n  a: &a x\n  b: [{', '.join(['*a'] * 1_000_000)}]\n", 3, "aliases"),
    _case("alias-circle", "document: &a [*a]\n", 1, "'a'"),
    _case("alias-circle-of-two", "file:\n  a: &a\n    b: &b [*a]\n    c: *b\n", 3, "'a'"),
    _case("alias-circle-in-mapping", "file: &a\n  self: *a\n", 2, "'a'"),
    _case("alias-of-nothing", f"{HEAD}blocks: *nothing\n", 4, "'nothing'"),
    _case("alias-twice", "file:\n  a: &a 1\n  b: &a 2\n", 3, "'a'"),
    _case("alias-as-key", "file:\n  a: &a [x]\n  *a : 1\n", 3, "as a key"),
    _case("alias-merge", "file:\n  a: &a {pid: 1}\n  b:\n    <<: *a\n", 4, "<<"),
    _case("alias-merge-list", "file:\n  a: &a {x: 1}\n  b: {<<: [*a, *a]}\n", 3, "<<"),
    _case("alias-merge-in-braces", "header: {<<: {pid: 1}}\n", 1, "<<"),
    *(_case(f"alias-in-{name}", f"{laughs(5)}{HEAD}{text}", line, "found") for name, text, line in [
        ("payload", f"{IDENTITY}    exe_path: *a4\n", 13),
        ("text", f"{IDENTITY}    exe_path: {{text: *a4, raw: ''}}\n", 13),
        ("raw", f"{IDENTITY}    exe_path: {{raw: *a4}}\n", 13),
        ("number", f"{IDENTITY}    ppid: *a4\n", 13),
        ("flags", "blocks:\n- block_type: process_identity\n  flags: *a4\n", 12),
        ("type", "blocks:\n- block_type: *a4\n", 11),
        ("uuid", "blocks:\n- block_type: process_identity\n  block_uuid: *a4\n", 12),
        ("hash", "blocks:\n- block_type: process_identity\n  prev_hash: *a4\n", 12),
        ("algorithm", "blocks:\n- block_type: process_identity\n  compression: {algorithm: *a4}\n", 12),
        ("stream", "blocks:\n- block_type: process_identity\n  compression:\n    data: *a4\n", 13),
        ("blocks", "blocks: *a4\n", 10),
        ("segments", "segments: *a4\n", 10),
        ("trailing", "trailing: *a4\n", 10),
        ("trailing-data", "trailing:\n  data: *a4\n", 11),
        ("table", "blocks:\n- block_type: module_list_index\n  payload:\n    entries: *a4\n", 13),
    ]),
    _case("alias-in-draft", f"{laughs(5)}format: {{draft: *a4}}\n", 7, "format.draft"),
    _case("alias-in-byte-order", f"{laughs(5)}format:\n  byte_order: *a4\n", 8, "format.byte_order"),
    _case("alias-in-dialect", f"{laughs(5)}format: {{dialect: *a4}}\n", 7, "format.dialect"),
    _case("alias-in-format", f"{laughs(5)}format: *a4\n", 7, "format"),
    _case("alias-in-version", f"{laughs(5)}document: *a4\n", 7, "document"),
    _case("alias-in-magic", f"{laughs(5)}header: {{magic: *a4}}\n", 7, "header.magic"),
    _case("alias-in-extension", f"{laughs(5)}header: {{extension: *a4}}\n", 7, "header.extension"),
]  # fmt: skip

_OTHERS = {
    "nothing": "",
    "number": "5",
    "text": "abc",
    "list": "[a]",
    "mapping": "{a: 1}",
    "truth": "true",
}
KINDS = [
    *(_case(f"kind-{part}-{name}", f"{HEAD}{part}: {other}\n", 4, part)
      for part in ("blocks", "segments") for name, other in _OTHERS.items() if name != "list"),
    *(_case(f"kind-{part}-of-{name}", f"{HEAD}{part}:\n- x: 1\n- {other}\n", 5, f"{part}[0]")
      for part in ("blocks", "segments") for name, other in _OTHERS.items()),
    *(_case(f"kind-header-{name}", f"document: 1\nheader: {other}\n", 2, "header")
      for name, other in _OTHERS.items()),
    *(_case(f"kind-format-{name}", f"document: 1\nformat: {other}\n", 2, "format")
      for name, other in _OTHERS.items()),
    *(_case(f"kind-document-{name}", f"document: {other}\n", 1, "document: expected version 1")
      for name, other in _OTHERS.items()),
    *(_case(f"kind-payload-{name}", f"{HEAD}blocks:\n- block_type: process_identity\n  payload: {other}\n", 6,
            "blocks[0].payload") for name, other in _OTHERS.items()),
    *(_case(f"kind-blocks-of-segment-{name}", f"{HEAD}segments:\n- index: 1\n  blocks: {other}\n", 6,
            "segments[0].blocks") for name, other in _OTHERS.items()),
    *(_case(f"kind-json-{name}", f'{JSON_HEAD}"blocks": {other}}}', 4, "blocks: expected a list")
      for name, other in [("null", "null"), ("number", "5"), ("text", '"x"'), ("mapping", "{}")]),
    _case("kind-json-truth", '{"document": true}', 1, "found True"),
    _case("kind-json-fraction", '{"document": 1.5}', 1, "found 1.5"),
    _case("kind-flags-mapping", f"{HEAD}blocks:\n- block_type: process_identity\n  flags: {{compressed: 1}}\n", 6, "flags"),
    _case("kind-flags-truth", f"{HEAD}blocks:\n- block_type: process_identity\n  flags: true\n", 6, "flags"),
    _case("kind-code-truth", "document: 1\nheader:\n  os_type: true\n", 3, "header.os_type"),
    _case("kind-code-fraction", "document: 1\nheader:\n  os_type: 1.5\n", 3, "header.os_type"),
    _case("kind-key-number", "document: 1\nheader: {1: 2}\n", 2, "as a key"),
    _case("kind-key-list", "document: 1\nheader: {[a]: 2}\n", 2, "as a key"),
    _case("kind-key-nothing", "document: 1\n? \n: 2\n", 2, "as a key"),
    _case("kind-part-unknown", f"{HEAD}bloks: []\n", 4, "'bloks'"),
    _case("kind-part-unknown-of-rows", f"{HEAD}bloks:\n- a: 1\n- b: 2\n", 4, "'bloks'"),
    _case("kind-part-unknown-json", f'{JSON_HEAD}"bloks": [\n1,\n2]}}', 4, "'bloks'"),
    _case("kind-part-before-header", "document: 1\ntrailing:\n  length: 0\nheader: {}\n", 2, "before it"),
    _case("kind-no-header", "document: 1\nformat:\n  byte_order: big\n", 4, "no header"),
    _case("kind-field-unknown", _field("exe_pth", "x"), 7, "'exe_pth'"),
    _case("kind-field-unknown-json", f'{JSON_HEAD}"blocks": [{{"block_type": "process_identity",\n"payload": {{\n"exe_pth": 1}}}}]}}', 6, "'exe_pth'"),
    _case("kind-raw-and-fields", f'{HEAD}{IDENTITY}    raw: "00"\n    exe_path: x\n', 6, "nothing else"),
    _case("kind-runs", f"{HEAD}blocks:\n- block_type: memory_region\n  payload:\n    region_size: 4096\n    page_size_log2: 12\n    page_state_map: [abc]\n", 9, "page_state_map"),
]  # fmt: skip

LARGE = [
    _case("large-hex", f"document: 0x{'f' * 4000}\n", 1, "number"),
    _case("large-decimal", f"document: {'9' * 1_000_000}\n", 1, "number"),
    _case("large-pid", f"document: 1\nheader:\n  pid: 0x{'f' * 79}\n", 3, "number"),
    _case("large-text-of-a-number", f'document: 1\nheader:\n  pid: "{"9" * 100_000}"\n', 3, "number"),
    _case("large-json", f'{{"document": 1,\n"header": {{"pid": {"9" * 100_000}}}}}', 2, "number"),
    _case("large-json-pid", f'{{"document": 1,\n"header": {{\n"pid": {"9" * 4000}}}}}', 3, "header.pid"),
    _case("large-name", f"document: 1\nheader:\n  os_type: {'x' * 1_000_000}\n", 3, "header.os_type"),
    _case("large-key", f"document: 1\nheader: {{? {'x' * 1_000_000} : 1}}\n", 2, "header"),
    _case("large-uuid", f"document: 1\nheader:\n  dump_uuid: {'x' * 1_000_000}\n", 3, "a UUID"),
    _case("large-draft", f"document: 1\nformat: {{draft: {'x' * 1_000_000}}}\n", 2, "unknown draft"),
    *(_case(f"large-{name}", f"{HEAD}{text}\n", line, says) for name, text, line, says in [
        ("part", f"? {'x' * 1_000_000}\n: 1", 4, "no document has a part"),
        ("block-type", f"blocks:\n- block_type: {'x' * 1_000_000}", 5, "block_type"),
        ("flag", f"blocks:\n- block_type: key_hint\n  flags: [{'x' * 1_000_000}]", 6, "flags"),
        ("block-key", f"blocks:\n- block_type: key_hint\n  ? {'x' * 1_000_000}\n  : 1", 5, "no field"),
        ("hash", f"blocks:\n- block_type: key_hint\n  prev_hash: {'0g' * 500_000}", 6, "prev_hash"),
        ("algorithm", f"blocks:\n- block_type: key_hint\n  payload: {{raw: ''}}\n  compression: {{algorithm: {'x' * 1_000_000}}}", 7, "zstd"),
        ("base64", f"trailing:\n  data: {'=' * 1_000_000}", 5, "base64"),
        ("raw", f"blocks:\n- block_type: key_hint\n  payload: {{raw: {'x' * 1_000_000}}}", 6, "hex"),
        ("state", f"blocks:\n- block_type: memory_region\n  payload:\n    page_state_map: [[0, 1, {'x' * 1_000_000}]]", 7, "page_state_map"),
        ("text", f"segments:\n- {'x' * 1_000_000}", 5, "segments[0]"),
    ]),
    _case("large-byte-order", f"format: {{byte_order: {'x' * 1_000_000}}}\n", 1, "little or big"),
    _case("large-dialect", f"format: {{dialect: {'x' * 1_000_000}}}\n", 1, "unknown dialect"),
    _case("large-format-key", f"format: {{? {'x' * 1_000_000} : 1}}\n", 1, "format"),
    _case("large-magic", f"document: 1\nheader: {{magic: {'é' * 500_000}}}\n", 2, "ASCII"),
    _case("large-extension", f"document: 1\nheader: {{extension: {'x' * 1_000_000}}}\n", 2, "hex"),
    _case("large-json-nan", '{"document": 1,\n"header": {\n"pid": NaN}}', 3, "NaN"),
    _case("large-json-infinity", '{"document": -Infinity}', 1, "Infinity"),
    _case("large-map", f"{HEAD}blocks:\n- {{block_type: memory_region, payload: {{region_size: 0x{'f' * 16}, "
          "page_size_log2: 12, page_state_map: [[0, 1152921504606846976, failed]]}}\n", 5, "page_state_map"),
    _case("large-log2", f"{HEAD}blocks:\n- {{block_type: memory_region, payload: {{region_size: 4096, "
          "page_size_log2: 18446744073709551616, page_state_map: [[0, 1, failed]]}}\n", 5, "page_size_log2"),
]  # fmt: skip

_MANY = ",\n".join('{"block_type": "key_hint", "payload": {"note": "x"}}' for _ in range(20_000))
BROKEN = [
    _case("broken-json-comma", '{"document": 1,\n"header": {"pid": 1\n"os_type": "linux"}}', 3, "not JSON"),
    _case("broken-json-comma-too-many", f'{JSON_HEAD}"blocks": [],\n}}', 5, "not JSON"),
    _case("broken-json-in-list", f'{JSON_HEAD}"blocks": [{{}},\n{{]}}', 4, ""),
    _case("broken-json-quotes", "{\"document\": 1,\n'header': {}}", 2, "not JSON"),
    _case("broken-json-cut", f'{JSON_HEAD}"blocks": [', 4, "not JSON"),
    _case("broken-json-cut-text", '{"document": 1,\n"header": {"os_type": "lin', 2, "not JSON"),
    _case("broken-json-comment", '{"document": 1, # one\n"header": {}}', 1, "not JSON"),
    _case("broken-json-escape", '{"document": 1,\n"header": {"os_type": "\\x"}}', 2, "not JSON"),
    _case("broken-json-colon", '{"document" 1}', 1, "expected :"),
    _case("broken-json-large", f'{{"document": 1,\n"file": [\n{_MANY},\n{{"x" 1}}]}}', 20003, "not JSON"),
    _case("broken-lines", f'{LINES_HEAD}{{"record": "block",\n', 2, "not JSON"),
    _case("broken-lines-list", f"{LINES_HEAD}\n\n[1]\n", 4, "record"),
    _case("broken-lines-blocks", '{"record": "document", "blocks": []}\n', 1, "blocks"),
    _case("broken-yaml-quote", f'{HEAD}blocks: "\n', 5, "not YAML"),
    _case("broken-yaml-bracket", f"{HEAD}blocks: [\n", 5, "not YAML"),
    _case("broken-yaml-tab", f"{HEAD}blocks:\n\t- a: 1\n", 5, "not YAML"),
    _case("broken-yaml-indent", "document: 1\nfile:\n  a: 1\n b: 2\n", 4, "not YAML"),
    _case("broken-yaml-colon", f"{HEAD}blocks\n", 5, "not YAML"),
    _case("broken-yaml-control", f"{HEAD}blocks: \x01\n", 4, "not YAML"),
    _case("broken-yaml-nul", "\0\0\0\0", 1, "not YAML"),
    _case("broken-text", "plain text\n", 1, "mapping"),
    _case("broken-utf8", b"document: 1\nheader: {os_type: \xff}\n", 2, "0xff"),
    _case("broken-utf8-json", b'{"document": 1,\n"header": "\xe9"}', 2, "0xe9"),
    _case("broken-utf8-lines", f'{LINES_HEAD}{{"record": "'.encode() + b'\xc3"}\n', 2, "0xc3"),
    _case("broken-utf8-late", b"file:\n" + b"  - x\n" * 50_000 + b"  - \x80\n", 50002, "0x80"),
    _case("broken-utf16", HEAD.encode("utf-16"), 1, "UTF-8"),
    _case("broken-surrogate", b"document: 1\nfile: \xed\xa0\x80\n", 2, "0xed"),
    _case("empty", "", 1, "empty"),
    _case("empty-lines", "\n\n \n", 4, "empty"),
    _case("empty-mark", "\ufeff", 1, "empty"),
    _case("empty-comment", "# nothing\n", 2, "empty"),
    _case("empty-start", "---\n", 2, "mapping"),
    _case("empty-blanks", "\n" * 2_000_000, 1, "blank"),
    _case("empty-json", "{}", 1, "no header"),
    _case("deep-yaml", f"file: {'[' * 100_000}", 1, "depth"),
    _case("deep-yaml-dashes", f"file:\n {'- ' * 100_000}x\n", 2, "deep"),
    _case("deep-yaml-keys", f"file:\n {'? ' * 100_000}x\n", 2, ""),
    _case("deep-json", f'{{"document": 1,\n"file": {"[" * 100_000}', 2, "deep"),
    _case("deep-json-mappings", '{"header":\n' + '{"header": ' * 50_000, 2, "deep"),
    _case("deep-lines", f'{LINES_HEAD}{{"record": {"[" * 100_000}\n', 2, "deep"),
]  # fmt: skip

CASES = [*TWICE, *SEVERAL, *MEANINGS, *TAGGED, *ALIASES, *KINDS, *LARGE, *BROKEN]
