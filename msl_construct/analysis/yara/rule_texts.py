"""Rules one by one: what each needs to be compiled, and of what it can be asked.

YARA compiles texts, and says nothing of how a rule decides. What a rule is asked of depends on
that: one that uses ``pe`` means something where a buffer begins with the image's header, one
that asks for a region's protection means something of one region alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

__all__ = ["ATTRIBUTES", "RuleText", "asked_attributes", "closure", "rule_texts"]
__all__ += ["TOKEN"]

ATTRIBUTES = ("protection", "region_type", "region_name", "module_path")
"""Externals that a rule may ask for: of the region that it is asked of, each a text."""
_OF_IMAGES = ("pe", "elf", "macho", "dotnet", "dex", "lnk", "vba", "crx", "olecf", "zip")
"""Modules of YARA that take a buffer for a file, which begins where the buffer does."""
_OF_FILES = re.compile(
    r"filesize|entrypoint|u?int(8|16|32|64)(be)?|float(32|64)(be)?|at|in|math|hash"
)
_PLAIN_WORDS = ("or", "any", "of", "them", "1")
_BEFORE_EXPRESSIONS = ("matches", "(", ",")
_WORD = re.compile(r"[^\W\d][\w.]*")
TOKEN = re.compile(
    r"""(?P<passed>//[^\n]*|/\*.*?\*/)
    |(?P<text>"(?:[^"\\\n]|\\.)*")
    |(?P<expression>/(?:[^/\\\n]|\\.)+/\w*)
    |(?P<word>[^\W\d][\w.]*)
    |(?P<mark>[$\#@!][\w*]*|[{}():,]|[^\s])""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class RuleText:
    """A rule.

    Attributes:
        name: its identifier.
        namespace: that of the file it stands in.
        text: from ``rule`` to its last brace.
        imports: modules that its file imports.
        words: identifiers of its condition, without what follows a dot.
        is_global: whether other rules depend on it without naming it.
        of_image: whether it asks for what only an image has.
        of_file: whether it asks where a buffer begins or ends.
        of_region: whether it asks for attributes of a region.
        one_place: whether one match decides it, so that it may be asked of a part.
    """

    name: str
    namespace: str
    text: str
    imports: tuple[str, ...]
    words: frozenset[str]
    is_global: bool
    of_image: bool = False
    of_file: bool = False
    of_region: bool = False
    one_place: bool = False


def rule_texts(source: str, namespace: str = "default") -> list[RuleText]:
    """The rules of a text that compiles."""
    found: list[RuleText] = []
    imports: list[str] = []
    begin, depth, name = -1, 0, ""
    words: list[str] = []
    head: list[str] = []
    in_condition = False
    last = ""
    for token in TOKEN.finditer(source):
        word = token[0]
        if token.lastgroup == "passed":
            continue
        if depth == 0:
            if last == "import" and token["text"]:
                imports.append(word[1:-1])
            elif token["word"]:
                if begin < 0 and word in ("rule", "private", "global"):
                    begin, head = token.start(), []
                if last == "rule":
                    name = word
                head.append(word)
            elif word == "{":
                depth, words, in_condition = 1, [], False
        elif word in "{}" and not in_condition:
            depth += 1 if word == "{" else -1
        elif word == "}":
            depth = 0
        elif in_condition and token["expression"] and last not in _BEFORE_EXPRESSIONS:
            words += _WORD.findall(word)  # what stands between two divisions
        elif in_condition:
            words.append(word)
        elif word == ":" and last == "condition" and depth == 1:
            in_condition = True
        if depth == 0 and word == "}" and begin >= 0:
            text = source[begin : token.end()]
            is_global = "global" in head[: head.index("rule")] if "rule" in head else False
            found.append(_rule(name, namespace, text, tuple(imports), words, is_global))
            begin = -1
        last = word
    return _with_references(found)


def _rule(
    name: str,
    namespace: str,
    text: str,
    imports: tuple[str, ...],
    condition: Sequence[str],
    is_global: bool,
) -> RuleText:
    words = frozenset(word.partition(".")[0] for word in condition)
    return RuleText(
        name,
        namespace,
        text,
        imports,
        words,
        is_global,
        of_image=any(word in words for word in _OF_IMAGES if word in imports),
        of_file=any(_OF_FILES.fullmatch(word) for word in words),
        of_region=any(word in words for word in ATTRIBUTES),
        one_place=_decided_by_one(condition),
    )


def _decided_by_one(condition: Sequence[str]) -> bool:
    return bool(condition) and all(
        word.startswith("$") or word in (*_PLAIN_WORDS, "(", ")", ",") for word in condition
    )


def _with_references(rules: list[RuleText]) -> list[RuleText]:
    """The same; what a rule asks for is also what the rules ask for that it names."""
    by_name = {(rule.namespace, rule.name): rule for rule in rules}
    found = []
    for rule in rules:
        needed = [by_name[key] for key in _reached(rule, by_name)]
        found.append(
            replace(
                rule,
                of_image=any(one.of_image for one in needed),
                of_file=any(one.of_file for one in needed),
                of_region=any(one.of_region for one in needed),
                one_place=all(one.one_place for one in needed),
            )
        )
    return found


def _reached(rule: RuleText, by_name: dict[tuple[str, str], RuleText]) -> Iterator[tuple[str, str]]:
    """Names of the rule and of those that it depends on."""
    seen: set[tuple[str, str]] = set()
    waiting = [(rule.namespace, rule.name)]
    waiting += [key for key, one in by_name.items() if one.is_global and key[0] == rule.namespace]
    while waiting:
        key = waiting.pop()
        if key in seen:
            continue
        seen.add(key)
        yield key
        waiting += [(key[0], word) for word in by_name[key].words if (key[0], word) in by_name]


def asked_attributes(rules: Iterable[RuleText]) -> list[str]:
    """Attributes of regions that some of the rules ask for."""
    asked = frozenset(word for rule in rules for word in rule.words)
    return [name for name in ATTRIBUTES if name in asked]


def closure(wanted: Iterable[RuleText], rules: Sequence[RuleText]) -> list[tuple[str, str]]:
    """Texts by namespace that compile to the rules that are wanted, and to those they need."""
    by_name = {(rule.namespace, rule.name): rule for rule in rules}
    needed: set[tuple[str, str]] = set()
    for rule in wanted:
        needed.update(_reached(rule, by_name))
    texts: dict[str, list[str]] = {}
    imported: dict[str, dict[str, None]] = {}
    for rule in rules:
        if (rule.namespace, rule.name) in needed:
            texts.setdefault(rule.namespace, []).append(rule.text)
            imported.setdefault(rule.namespace, {}).update(dict.fromkeys(rule.imports))
    return [
        (namespace, "\n".join([*(f'import "{one}"' for one in imported[namespace]), *parts]))
        for namespace, parts in texts.items()
    ]
