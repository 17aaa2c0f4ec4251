"""The first words of a page: what the file is, and whether it is what it should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..words import many
from .answers import BY_ITSELF, FILE_COMPLETE
from .damage import tells_standing
from .facts import clock_of, fits
from .model import DumpReport
from .not_captured import CAPTURED, not_captured, not_counted
from .redaction import COMMAND_LINE, ENVIRONMENT, Redaction

__all__ = [
    "LEVEL_WORDS",
    "QUESTIONS",
    "caution",
    "facts_of_the_changed",
    "headline",
    "identity_of",
    "left_out_of_comparison",
    "nothing_stood_out",
    "secrets_line",
    "title_of",
    "worst_level",
]

QUESTIONS = {
    "intact": "Intact?",
    "complete": "Complete?",
    "memory": "Memory",
    "rules": "Conforms?",
    "report": "Acquisition's report",
    "signed": "Signed?",
    "dated": "Dated?",
}
LEVEL_WORDS = {
    "good": "nothing speaks against it",
    "warn": "look at this",
    "bad": "this speaks against it",
    "open": "open",
    "note": "for information",
}
_IN_WORDS = {ENVIRONMENT: "values of environment variables", COMMAND_LINE: "command lines"}
_UNSIGNED = {
    "open": "No signature was checked, so that a deliberate change",
    "warn": "By whom it is signed is open, so that a deliberate change by somebody else",
    "bad": "Its signature does not hold, so that a deliberate change",
}
_NO_PROOF = "which speaks against damage, and not against a deliberate change"
_AGREEING = f" Parts of it stand in blocks that agree with their hashes, {_NO_PROOF}."
_RANK = ("good", "open", "warn", "bad")


def title_of(dumps: Sequence[DumpReport]) -> str:
    """What the page is about."""
    if len(dumps) == 1:
        return "Memory of one process"
    return f"Memory of a process, in {len(dumps)} dumps"


def identity_of(found: DumpReport) -> str:
    """Which process of which machine it was, and when."""
    known: dict[tuple[str, str], str] = {}
    for fact in found.facts:
        if fact.source != "report" or fits(found):
            known.setdefault((fact.group, fact.label), fact.text)
    captured = known.get(("when", "captured"), "")
    clock = " (clock not synchronised)" if clock_of(found) is False else ""
    parts = (
        known.get(("target", "program"), known.get(("target", "name"), "")),
        known.get(("target", "process"), ""),
        f"run by {known['target', 'user']}" if ("target", "user") in known else "user not said",
        f"on {known['who', 'machine']}" if ("who", "machine") in known else "",
        f"captured {captured[:19].replace('T', ' ')} UTC{clock}" if captured else "",
        _by_whom(known),
    )
    return ", ".join(part for part in parts if part)


def _by_whom(known: Mapping[tuple[str, str], str]) -> str:
    """The examiner and the account, each called what it is: often they are not the same."""
    examiner = known.get(("who", "examiner"), "")
    account = known.get(("who", "account"), known.get(("who", "captured by"), ""))
    if not examiner:
        return f"by the account {account}, examiner not said" if account else "by whom is not said"
    return f"by the examiner {examiner}" + (f" with the account {account}" if account else "")


def caution(found: DumpReport) -> str:
    """What stands right below the first line, so that it is not taken for more than it is."""
    verdict = found.verdict
    if verdict is None:
        return ""
    if verdict.findings:
        return (
            "Everything on this page is read from the file as it is now, and may be what was "
            f"changed.{_AGREEING if tells_standing(verdict) else ''} Compare it with another copy "
            "of the file."
        )
    held = next((one for one in found.answers if one.question == "signed"), None)
    level = "open" if held is None else held.level
    if not verdict.intact or verdict.authenticated or level == "good":
        return ""
    return f"Intact means: no sign of damage. {_UNSIGNED[level]} can't be excluded (see Signed)."


def facts_of_the_changed(found: DumpReport) -> str:
    """What is to be thought of the facts of a file that is not intact; empty: it is."""
    verdict = found.verdict
    if verdict is None or not verdict.findings:
        return ""
    if not tells_standing(verdict):
        return "is not intact: each of these facts may be what was changed."
    return (
        "is not intact. Facts that may be what was changed are marked; all others that are from "
        f"the dump stand in blocks that agree with their hashes, {_NO_PROOF}."
    )


def secrets_line(redaction: Redaction) -> str:
    """What the dump itself holds, and what this page does."""
    less = "".join(f", no {_IN_WORDS[one]}" for one in redaction.hidden)
    shown = "".join(f"{_IN_WORDS[one]}, " for one in sorted(redaction.shown))
    return (
        "A dump holds what the process had in memory: passwords and keys, if it had any. This page "
        f"has none of its memory{less}. It has {shown}registers, and names of programs, files, "
        "users and addresses of the machine."
    )


def left_out_of_comparison(dumps: Sequence[DumpReport]) -> list[str]:
    """Of several dumps the names of those that nothing could be compared with."""
    return [one.name for one in dumps if one.locked and len(dumps) > 1]


def nothing_stood_out(found: DumpReport) -> str:
    """What is said where there is nothing to look at: no more than was looked at."""
    if found.locked:
        return "Nothing could be looked at: the file is encrypted."
    if not found.memory.regions:
        text = "Nothing stood out, but the file has no memory that could be looked at."
    elif found.gaps or any(one.lacking for one in not_captured(found)):
        text = "Nothing stood out in what could be looked at; some of it could not be."
    else:
        text = (
            "Nothing stood out: no memory is written and executed, all code comes from files, and "
            "nothing speaks against the file."
        )
    return f"{text} That is no proof that nothing is there."


def worst_level(found: DumpReport) -> str:
    """How the dump as a whole stands: is it intact, is all there, does what it is tied to fit."""
    levels = [
        one.level
        for one in found.answers
        if one.question in ("intact", "complete", "memory") or one.level == "bad"
    ]
    return max(levels, key=_RANK.index, default="open")


def headline(found: DumpReport) -> str:
    """One sentence for those who read no further."""
    if found.locked:
        return "Encrypted: only the header could be read, so that nothing can be said of the rest."
    words = {one.question: one for one in found.answers}
    intact, complete = words["intact"], words["complete"]
    joined = "and" if (intact.level == "good") == (complete.level == "good") else "but"
    text = f"{intact.word[:1].upper()}{intact.word[1:]}"
    if complete.word == BY_ITSELF:
        text += ": what it says need not be so."
    elif complete.word == FILE_COMPLETE:
        text += "; the file is complete, the memory in it is not."
    else:
        text += f" {joined} {complete.word}."
    missing = not_captured(found)
    lacking = [one for one in missing if one.lacking]
    if lacking:
        text += f" Not in it: {', '.join(map(str, lacking))}."
    elif not found.memory.totals.get(CAPTURED):
        text += " It holds no memory."
    if uncounted := not_counted(missing):
        text += f" {uncounted}"
    for question, said in (
        ("report", "The acquisition's report does not fit."),
        ("signed", "The signature does not hold."),
        ("dated", "The time stamp does not hold."),
    ):
        if words[question].level == "bad":
            text += f" {said}"
    about = [one for one in found.suspicions if one.level != "bad"]
    if about:
        text += f" {many(len(about), 'thing')} about the process to look at."
    return text
