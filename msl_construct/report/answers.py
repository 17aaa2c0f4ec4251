"""The answers to what everybody asks of a dump, in words for people who don't know the format."""

from __future__ import annotations

from collections.abc import Iterator

from ..reader.verdict import Verdict
from ..words import binary_size, many
from .damage import ALTERED, damage_lines, more_contradicted
from .facts import clock_of
from .model import Answer, DumpReport
from .not_captured import CAPTURED, NotCaptured, not_captured, not_counted

__all__ = ["BY_ITSELF", "COMPLETE", "FILE_COMPLETE", "answers_of"]

COMPLETE, FILE_COMPLETE = "complete", "the file is, the memory in it is not"
"""Nothing is missing at all; nothing of the file is, and something of the process's memory."""
BY_ITSELF = "not certain"
"""It says so, and is not intact."""
_FEW = 12
_CLOCKS = {
    True: ", whose clock was synchronised, says the acquisition's report",
    False: ", whose clock was not synchronised, says the acquisition's report",
    None: "; whether its clock was right, nothing here says",
}
_NOT_VOUCHED = "What was given to vouch for the file was not checked: the file is encrypted."


def answers_of(found: DumpReport) -> Iterator[Answer]:
    """One answer to each question that the page begins with."""
    yield _intact(found)
    yield _complete(found)
    if not found.locked:
        yield _memory(found)
    yield _rules(found)
    yield _report(found)
    yield _signed(found)
    yield _dated(found)


def _intact(found: DumpReport) -> Answer:
    verdict = found.verdict
    if verdict is None:
        return Answer(
            "intact",
            "not checked",
            "open",
            f"Nobody can say without the key: {found.locked}.",
        )
    if verdict.findings:
        text = (
            "The file is not what was written: its own hashes or counts contradict its bytes in "
            f"{many(len(verdict.findings), 'place')}. Whether by accident or on purpose they can't "
            f"say.{_reach(found, verdict)}"
        )
        return Answer("intact", "not intact", "bad", text, _few(list(damage_lines(found))))
    if verdict.intact is None:
        return Answer(
            "intact", "not checked", "warn", "The hashes of the file could not be checked."
        )
    text = (
        f"There is no sign of damage: every hash and count in the file agrees with its bytes, in "
        f"all of its {many(verdict.blocks, 'block')}."
    )
    if verdict.authenticated:
        text += " It is encrypted, and nobody without the key has changed any of it."
    else:
        text += (
            " The hashes have no key: whoever changes the file on purpose can make them anew. "
            "Only a signature, or a hash that was kept elsewhere, can show that: see Signed."
        )
    return Answer("intact", "intact", "good", text, tuple(_uncovered(verdict)))


def _uncovered(verdict: Verdict) -> Iterator[str]:
    """What no hash in the file covers."""
    if verdict.file_hash == "absent":
        yield "The hash of the whole file is missing."
    if verdict.coverage:
        yield f"{verdict.coverage}."
    if verdict.unprotected is not None:
        yield (
            f"No hash in the file covers its last block, number {verdict.unprotected}: a change "
            "there may be seen by nobody. That is so in every file of this format."
        )
    for gap in verdict.gaps:
        if gap.kind in ("trailing", "truncated"):
            yield f"No hash covers what is behind the last block: {gap.text}"


def _reach(found: DumpReport, verdict: Verdict) -> str:
    """How far what is wrong reaches: what does not agree with its hash, and what does."""
    kinds = {one.kind for one in verdict.findings}
    if kinds == {"file_hash"} and not verdict.authenticated:
        return (
            " Each block agrees with the hash that the next one has of it, and only the hash of "
            "the whole file (FileHash) does not fit. It stands in the last block, which no hash "
            "covers: it was changed itself, or others were and their hashes were made anew. Where, "
            "nobody can tell."
        )
    if not found.memory.totals.get(CAPTURED) or "chain" not in kinds:
        return ""
    return f" {_standing(found)}"


def _standing(found: DumpReport) -> str:
    memory = found.memory
    captured = memory.totals.get(CAPTURED, 0)
    regions = sum(bool(marks & ALTERED) for marks in memory.marks)
    if found.verdict is not None and more_contradicted(found.verdict):
        return "More blocks are affected than are told one by one: how much memory is not counted."
    if not memory.altered:
        text = "No captured page is in a block that its hash contradicts"
        return f"{text}; {binary_size(captured)} of memory agree with theirs."
    return (
        f"{binary_size(memory.altered)} of the captured memory are in blocks that their hashes "
        f"contradict ({many(regions, 'region')}, marked on the map and in the table of regions): "
        "any byte there may be another one, and so may its address and its pages' states. "
        f"{binary_size(captured - memory.altered)} are in blocks that agree with their hashes."
    )


def _complete(found: DumpReport) -> Answer:
    verdict = found.verdict
    gaps = [*(one.text for one in verdict.gaps)] if verdict else []
    more = [*gaps, *(text for text in found.gaps if text not in gaps)]
    if verdict is None:
        return Answer(
            "complete", "not known", "open", "Only the header could be read: the rest is encrypted."
        )
    if not more:
        text = (
            "The acquisition was ended as it should be, nothing is missing at the end of the file, "
            "and all of the file could be looked at."
        )
        lacking = [one for one in not_captured(found) if one.lacking]
        if verdict.findings:
            text = "The file says that it is whole, and is not intact: what it says need not be so."
            return Answer("complete", BY_ITSELF, "warn", text, tuple(map(str, lacking)))
        if lacking:
            text += f" But {binary_size(sum(one.size for one in lacking))} of memory are not in it."
            return Answer("complete", FILE_COMPLETE, "warn", text, tuple(map(str, lacking)))
        if found.memory.regions:
            text += " No page in it is one that could not be captured."
        return Answer("complete", COMPLETE, "good", text)
    if verdict.complete:
        text = "The file is whole, but something in it could not be looked at."
    else:
        text = (
            "Something is missing, or could not be looked at. What is there can be used; what is "
            "not there says nothing."
        )
    return Answer("complete", "incomplete", "warn", text, _few(more))


def _memory(found: DumpReport) -> Answer:
    memory = found.memory
    captured = memory.totals.get(CAPTURED, 0)
    missing = not_captured(found)
    lacking = sum(one.size for one in missing if one.lacking)
    total = captured + lacking
    if not memory.regions and not missing:
        return Answer("memory", "none", "warn", "The dump holds no memory.")
    share = _share(captured, total)
    text = (
        f"{binary_size(captured)} of {binary_size(total)} ({share}) of the memory that the process "
        f"had, or may have had, are in the file, in {many(memory.regions, 'region')}."
    )
    if lacking:
        text += f" {binary_size(lacking)} are not: what stood there nobody can know from this file."
    uncounted = not_counted(missing)
    if uncounted:
        text += f" {uncounted}"
    altered = memory.altered
    if altered:
        text += f" {_standing(found)}"
    more = [line for one in missing for line in _lines(one)]
    told = found.acquisition
    if told is not None and told.causes:
        more.append(f"why, in the acquisition's report: {told.causes}")
    if told is not None and told.from_files:
        more.append(
            f"{many(told.from_files, 'captured page')} came from the files that are "
            "mapped there, not through the process: it had no page of its own in their place, says "
            "the acquisition's report"
        )
    level = "warn" if lacking or altered or not captured else "good"
    word = f"{share} captured"
    if altered:
        least = "at least " if found.verdict and more_contradicted(found.verdict) else ""
        word += f"; hashes contradict {least}{_share(altered, captured)} of that"
    return Answer("memory", word, level, text, tuple(more))


def _share(part: int, total: int) -> str:
    """As a percentage, of which 0 and 100 mean none and all."""
    if not total:
        return "nothing"
    tenths = 1000 * part // total
    if part and not tenths:
        return "less than 0.1 %"
    return f"{tenths // 10}.{tenths % 10} %"


def _lines(one: NotCaptured) -> Iterator[str]:
    yield str(one)
    if one.places:
        yield f"of these {', '.join(one.places)}"
    if one.open:
        yield one.open


def _rules(found: DumpReport) -> Answer:
    checked = found.checked
    if checked is None:
        return Answer("rules", "not checked", "open", "The rules could not be put to the file.")
    doubtful = sum(one.count for one in checked.broken if not one.counts)
    asked = f"{many(checked.rules, 'rule')} of {checked.draft}"
    if checked.counted:
        broken = [one for one in checked.broken if one.counts]
        return Answer(
            "rules",
            "not conforming",
            "warn",
            f"The file breaks {len(broken)} of {asked}, in {many(checked.counted, 'place')}. "
            "Other programs may read it otherwise than this one.",
            _few([f"{one.id}: {one.wrong} ({one.count})" for one in broken]),
        )
    if found.locked:
        text = f"The header keeps {asked}; the rest is encrypted."
        return Answer("rules", "header only", "open", text)
    if checked.gaps:
        return Answer(
            "rules",
            "nothing found",
            "warn",
            f"No rule of {asked} is known to be broken, but not all of the file could be checked.",
            _few(checked.gaps),
        )
    text = f"The file keeps all {asked} that were put to it."
    if doubtful:
        text += f" {many(doubtful, 'place')} in it are unusual, and break none."
    return Answer("rules", "conforming", "good", text)


def _report(found: DumpReport) -> Answer:
    acquisition = found.acquisition
    if acquisition is None:
        return Answer(
            "report",
            "not given",
            "open",
            "The report that the acquisition wrote was not given: what is said here of who "
            "captured the process, and how, is what the dump itself says.",
        )
    tie = acquisition.tie
    if tie.findings:
        texts = _few([one.text for one in tie.findings])
        if "dump_uuid" in tie.agrees:
            text = (
                "The acquisition's report names this dump, and what it says of the file is not so."
            )
            return Answer("report", "contradicts the file", "bad", text, texts)
        text = "The acquisition's report speaks of another dump."
        return Answer("report", "of another dump", "bad", text, texts)
    agrees = ", ".join(tie.agrees) or "nothing"
    if tie.gaps:
        return Answer(
            "report",
            "agrees, incomplete",
            "warn",
            f"The acquisition's report and the dump agree in {agrees}. The report lacks something.",
            tuple(one.text for one in tie.gaps),
        )
    return Answer(
        "report",
        "agrees",
        "good",
        f"The acquisition's report is of this very file: they agree in {agrees}. No byte of the "
        "file has changed since, if none of the report has.",
    )


def _signed(found: DumpReport) -> Answer:
    vouching = found.vouching
    if found.not_vouched:
        return Answer("signed", "not checked", "open", _NOT_VOUCHED)
    if vouching is None or not vouching.signed:
        return Answer(
            "signed",
            "no signature given",
            "open",
            "Nobody vouches for the file here. Whoever can write it can make its hashes anew.",
        )
    return _vouched("signed", vouching.signed, found)


def _dated(found: DumpReport) -> Answer:
    vouching = found.vouching
    if found.not_vouched:
        return Answer("dated", "not checked", "open", _NOT_VOUCHED)
    if vouching is None or not vouching.dated:
        return Answer(
            "dated",
            "no time stamp given",
            "open",
            "No authority says since when the file exists. Times in it are those of the machine "
            f"that wrote it{_CLOCKS[clock_of(found)]}.",
        )
    return _vouched("dated", vouching.dated, found)


def _vouched(question: str, text: str, found: DumpReport) -> Answer:
    assert found.vouching is not None
    findings, gaps = found.vouching.findings, found.vouching.gaps
    kinds = {"signed": ("signature", "signer", "statement"), "dated": ("timestamp", "statement")}
    against = [one.text for one in findings if one.kind in kinds[question]]
    lacking = [one.text for one in gaps if one.kind in kinds[question]]
    if against:
        return Answer(
            question, f"not {question}", "bad", f"It does not hold: {text}.", tuple(against)
        )
    if lacking:
        word = f"{question}, by whom is open"
        return Answer(question, word, "warn", f"{text}.", tuple(lacking))
    return Answer(question, question, "good", f"{text[:1].upper()}{text[1:]}.")


def _few(texts: list[str]) -> tuple[str, ...]:
    """The first of them, and how many more there are."""
    more = len(texts) - _FEW
    return (*texts[:_FEW], f"and {more} more") if more > 0 else tuple(texts)
