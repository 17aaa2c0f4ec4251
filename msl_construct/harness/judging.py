"""What becomes of a sample, from what the decoder said and what it showed: one table."""

from __future__ import annotations

from enum import Enum

from ..corpus.manifest import Consumer

__all__ = ["FAILURES", "Said", "SampleOutcome", "Shown", "judge", "said_by"]


class SampleOutcome(str, Enum):
    """What became of a sample, in the order in which it is reported."""

    PASS = "pass"
    """The decoder did what was to be done."""
    CRASH = "crash"
    """It was killed by a signal, ended with 70 or above, printed without end, or did something to
    the file that it was given."""
    HANG = "hang"
    """It had not ended, or its output not closed, when the time was up."""
    ACCEPTED_INVALID = "accepted-invalid"
    """It took as good what must be refused, or as whole what is incomplete or encrypted."""
    REJECTED_VALID = "rejected-valid"
    """It refused what must be read, or called it incomplete or encrypted when it is not."""
    WRONG_VALUE = "wrong-value"
    """Its document differs from the expected one."""
    NO_DOCUMENT = "no-document"
    """It said that it read the file, and printed no JSON document."""
    KNOWN = "known"
    """It failed, as the list of known differences says."""
    SKIPPED = "skipped"
    """It was not run."""
    NOT_SUPPORTED = "not-supported"
    """It was not run: the decoder declares that it lacks a feature."""


FAILURES = (
    SampleOutcome.CRASH,
    SampleOutcome.HANG,
    SampleOutcome.ACCEPTED_INVALID,
    SampleOutcome.REJECTED_VALID,
    SampleOutcome.WRONG_VALUE,
    SampleOutcome.NO_DOCUMENT,
)
"""What fails a run."""


class Said(Enum):
    """What a decoder says about a file by how it ends."""

    READ = "read"
    INCOMPLETE = "incomplete"
    ENCRYPTED = "encrypted"
    REFUSED = "refused"
    CRASHED = "crashed"
    HUNG = "hung"


class Shown(Enum):
    """What a decoder's output is."""

    RIGHT = "right"
    """The expected document."""
    WRONG = "wrong"
    """Another one."""
    UNMARKED = "unmarked"
    """One in which a block that is not what it says looks good."""
    NONE = "none"
    """No JSON document."""


_READ, _NO_MSL, _INCOMPLETE, _ENCRYPTED = 0, 3, 4, 5
_BY_EXIT = {_READ: Said.READ, _INCOMPLETE: Said.INCOMPLETE, _ENCRYPTED: Said.ENCRYPTED}
_CRASH = 70
"""Exit codes from here on: a defect of the program, 126 and 127 of a shell, 128 + a signal."""


def said_by(code: int) -> Said:
    """What a decoder says with its exit code; negative: it was killed by that signal."""
    if code < 0 or code >= _CRASH:
        return Said.CRASHED
    return _BY_EXIT.get(code, Said.REFUSED)


def judge(consumer: Consumer, exit_code: int, said: Said, shown: Shown) -> SampleOutcome:
    """What becomes of a sample.

    Args:
        consumer: what a conformant consumer does with it.
        exit_code: what a reader that shows all it can ends with: 0, 3, 4 or 5.
        said: what the decoder says.
        shown: what its output is; not asked for when it refused, crashed or hung.

    Raises:
        ValueError: the verdict contradicts itself: no reader can show what must be accepted.
    """
    if consumer is Consumer.ACCEPT and exit_code not in _BY_EXIT:
        raise ValueError(f"must be accepted, but ends with {exit_code}")
    if said is Said.CRASHED:
        return SampleOutcome.CRASH
    if said is Said.HUNG:
        return SampleOutcome.HANG
    if consumer is Consumer.REJECT_FILE:
        return SampleOutcome.PASS if said is Said.REFUSED else SampleOutcome.ACCEPTED_INVALID
    if said is Said.REFUSED:
        return SampleOutcome.REJECTED_VALID if consumer is Consumer.ACCEPT else SampleOutcome.PASS
    due = _BY_EXIT.get(exit_code)
    if due not in (None, said):
        if said is Said.READ:
            return SampleOutcome.ACCEPTED_INVALID
        # Whoever may refuse may also stop at the block that it does not take, show what was
        # before it and say that there is more: what it shows is then compared that far.
        stops = said is Said.INCOMPLETE and due is Said.READ and consumer is not Consumer.ACCEPT
        if not stops:
            return SampleOutcome.REJECTED_VALID
    if shown is Shown.NONE:
        return SampleOutcome.NO_DOCUMENT
    if shown is Shown.UNMARKED and consumer is Consumer.REJECT_BLOCK:
        return SampleOutcome.ACCEPTED_INVALID
    return SampleOutcome.PASS if shown is Shown.RIGHT else SampleOutcome.WRONG_VALUE
