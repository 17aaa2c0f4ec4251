"""Who signed a dump and who dated it: what `msl verify` answers beside its own two questions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, TypeVar

import click

from ..errors import SignatureError
from ..hashing import Digests
from ..reader.verdict import Finding, Verdict

if TYPE_CHECKING:
    from uuid import UUID

    from ..signing import DumpStatement

__all__ = [
    "SUFFIX",
    "Vouched",
    "VouchingOptions",
    "asked",
    "check_options",
    "statement_of",
    "vouched",
    "vouching_files",
    "vouching_options",
]

Command = TypeVar("Command", bound=Callable[..., object])

SUFFIX = ".statement"
"""Behind the name of a dump: the statement about it."""

_SIGNATURE = ".sig"
_LONGEST = 1 << 20
_STATEMENT, _SIGNED = "the statement", "the signature"


class VouchingOptions(TypedDict, total=False):
    """What was given to hold a dump against."""

    signature: str | None
    signers: str | None
    timestamp: str | None
    trusted: str | None
    statement: str | None


def vouching_options(function: Command) -> Command:
    """What a dump can be held against; the command gets it as `vouching`."""

    @functools.wraps(function)
    def collected(
        *arguments: object,
        signature: str | None,
        signers: str | None,
        timestamp: str | None,
        trusted: str | None,
        statement: str | None,
        **options: object,
    ) -> object:
        vouching = VouchingOptions(
            signature=signature,
            signers=signers,
            timestamp=timestamp,
            trusted=trusted,
            statement=statement,
        )
        return function(*arguments, vouching=vouching, **options)

    command: Callable[..., object] = collected
    for option in (
        click.option(
            "--statement", metavar="FILE", help="The statement; S or DUMP.statement by default."
        ),
        click.option(
            "--trusted", metavar="CA.pem", help="Certificates of whom to trust with time."
        ),
        click.option(
            "--timestamp", metavar="R.tsr", help="A time stamp of the statement, or of S.sig."
        ),
        click.option(
            "--signers", metavar="FILE", help="Whose keys are whose, as ssh-keygen has it."
        ),
        click.option(
            "--signature", metavar="S.sig", help="A signature of the statement about it (msl sign)."
        ),
    ):
        command = option(command)
    return command  # type: ignore[return-value]


@dataclass
class Vouched:
    """What became of it.

    Attributes:
        signed, dated: the answers in words; empty where the question was not asked.
        by: whom the key belongs to.
        key: its fingerprint.
        when, authority: what a time stamp says, and who says it.
        findings: what speaks against the dump being what was signed or dated.
        gaps: what nobody vouches for.
    """

    signed: str = ""
    dated: str = ""
    by: list[str] = field(default_factory=list)
    key: str = ""
    when: str = ""
    authority: str = ""
    findings: list[Finding] = field(default_factory=list)
    gaps: list[Finding] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """Both answers, for `--json`."""
        signed = {"by": self.by, "key": self.key, "text": self.signed} if self.signed else None
        dated = (
            {"when": self.when, "by": self.authority, "text": self.dated} if self.dated else None
        )
        return {"signed": signed, "dated": dated}


def statement_of(
    dump_uuid: UUID, algorithm: str, verdict: Verdict, digests: Digests
) -> DumpStatement:
    """The statement about a dump that was just read."""
    from ..signing import DumpStatement

    stored = verdict.stored_file_hash
    return DumpStatement(
        str(dump_uuid),
        digests.size,
        algorithm,
        "" if stored is None else stored.hex(),
        digests.blake3,
        digests.sha256,
    )


def asked(options: VouchingOptions) -> bool:
    """Whether there is anything to hold a dump against."""
    return bool(options.get("signature") or options.get("timestamp"))


def vouching_files(options: VouchingOptions) -> list[str | None]:
    """All files among them."""
    return [
        options.get("signature"),
        options.get("signers"),
        options.get("timestamp"),
        options.get("trusted"),
        options.get("statement"),
    ]


def check_options(options: VouchingOptions, dumps: tuple[str, ...]) -> None:
    """Refuse options that don't go together.

    Raises:
        click.UsageError: they don't.
    """
    if asked(options) and len(dumps) > 1:
        raise click.UsageError(f"a signature is one of one dump, {len(dumps)} are given")
    for one, needed in (("signers", "signature"), ("trusted", "timestamp")):
        if options.get(one) and not options.get(needed):
            raise click.UsageError(f"--{one} goes with --{needed}")


def vouched(options: VouchingOptions, dump: str, actual: DumpStatement) -> Vouched:
    """Hold a dump against its signature and its time stamp.

    Args:
        actual: the statement about the dump as it is.

    Raises:
        SignatureError: what was given is no statement, signature or response.
        OSError: it can't be read.
    """
    from ..signing import read_statement

    found = Vouched()
    signature, timestamp = options.get("signature"), options.get("timestamp")
    place = options.get("statement") or _beside(dump, signature)
    text = _read(place)
    for difference in read_statement(text, place).differing(actual):
        found.findings.append(Finding("statement", difference))
    if signature is not None:
        _signed(found, _read(signature), signature, text, options.get("signers"))
    if timestamp is not None:
        messages = {_STATEMENT: text}
        if signature is not None:
            messages[_SIGNED] = _read(signature)
        _dated(found, timestamp, messages, options.get("trusted"))
    if any(finding.kind == "statement" for finding in found.findings):
        found.signed = found.signed and f"another dump: {found.signed}"
        found.dated = found.dated and f"another dump: {found.dated}"
        found.by, found.when, found.authority = [], "", ""
    return found


def _beside(dump: str, signature: str | None) -> str:
    """Where the statement is expected: what the signature's name ends a suffix behind."""
    if signature is not None and signature.endswith(_SIGNATURE):
        return signature.removesuffix(_SIGNATURE)
    return dump + SUFFIX


def _read(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(_LONGEST + 1)


def _signed(found: Vouched, raw: bytes, name: str, text: bytes, signers: str | None) -> None:
    from ..signing import fingerprint, read_signature, read_signers

    signature = read_signature(raw, name)
    found.key = fingerprint(signature.public_key)
    if not signature.holds(text):
        found.signed = f"by nobody: the signature of {found.key} is of something else"
        found.findings.append(Finding("signature", f"{name}: not a signature of this statement"))
        return
    if signers is None:
        found.signed = f"by the key {found.key}; whose it is was not asked (--signers)"
        text_ = "nobody said whose the signature's key is"
        found.gaps.append(Finding("signer", text_))
        return
    found.by = read_signers(_read(signers), signers).of_key(signature.public_key)
    if found.by:
        found.signed = f"by {', '.join(found.by)}, with the key {found.key}"
    else:
        found.signed = f"by the key {found.key}, which is nobody's in {signers}"
        found.findings.append(Finding("signer", f"{found.key} may not sign dumps in {signers}"))


def _dated(found: Vouched, name: str, messages: dict[str, bytes], trusted: str | None) -> None:
    from ..signing import read_response

    roots = None if trusted is None else _read(trusted)
    try:
        what, dated = read_response(_read(name), messages, roots, name)
    except SignatureError as error:
        if not error.disproved:
            raise
        found.dated = "by nobody: the time stamp does not hold"
        found.findings.append(Finding("timestamp", str(error)))
        return
    found.when, found.authority = dated.when.isoformat(), dated.by
    found.dated = f"{what}, {found.when}, by {dated.by}"
    if not dated.trusted:
        found.dated += "; its signature was not checked (--trusted)"
        found.gaps.append(Finding("timestamp", "nobody said whose time stamps are trusted"))
