"""Secrets that are told by their form alone: nothing beside them says that they are any.

Issuers of tokens begin them with letters of their own, so that they are found where they leak.
What has no such beginning is told by how it looks: letters of both cases and digits that take
turns, as in no name that people give; or a hexadecimal number that is as long as no hash is.
Hashes, UUIDs and versions stand in paths everywhere, and are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

__all__ = ["FORMS", "LEAST_TURNS", "SHORTEST", "SecretForm", "secrets_by_form"]


class SecretForm(NamedTuple):
    """What the tokens of one kind look like.

    Attributes:
        issuer: who gives them, or what they are.
        pattern: an expression; it is looked for where no letter and no digit is in front.
    """

    issuer: str
    pattern: str


FORMS = (
    SecretForm("JSON Web Token", r"eyJ[\w-]{8,512}\.[\w-]{8,}(?:\.[\w-]*){0,3}"),
    SecretForm("AWS", r"A(?:KI|SI|BI|CC)A[A-Z2-7]{16}(?![A-Za-z0-9])"),
    SecretForm("GitHub", r"gh[opsur]_[A-Za-z0-9]{36,}|github_pat_\w{22,}"),
    SecretForm("GitLab", r"gl(?:pat|oas|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|ffct)-[\w-]{20,}"),
    SecretForm("Slack", r"xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,}"),
    SecretForm("Google", r"AIza[\w-]{35}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}"),
    SecretForm("Stripe", r"[prs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+=]{24,}"),
    SecretForm("npm", r"npm_[A-Za-z0-9]{36,}"),
    SecretForm("PyPI", r"pypi-AgEIcHlwaS[\w-]{40,}"),
    SecretForm("OpenAI, Anthropic", r"sk-[\w-]{32,}"),
    SecretForm("Hugging Face", r"hf_[A-Za-z0-9]{30,}"),
    SecretForm("Docker", r"dckr_(?:pat|oat)_[\w-]{20,}"),
    SecretForm("DigitalOcean", r"do[ort]_v1_[0-9a-f]{64}"),
    SecretForm("SendGrid", r"SG\.[\w-]{16,64}\.[\w-]{16,}"),
    SecretForm("Twilio", r"SK[0-9a-f]{32}(?![A-Za-z0-9])"),
    SecretForm("Databricks", r"dapi[0-9a-f]{32}(?![A-Za-z0-9])"),
    SecretForm("Shopify", r"shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}"),
    SecretForm("Atlassian", r"AT(?:ATT3|CTT3|BB)[\w=-]{20,}"),
    SecretForm("HashiCorp", r"hv[bsr]\.[\w-]{24,}|[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,}"),
    SecretForm("Grafana", r"glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}|glc_[A-Za-z0-9+=]{32,}"),
    SecretForm("age", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
)
"""Of the kinds that stand in command lines and addresses most."""

SHORTEST = 24
"""Characters of the shortest one that is told by its looks, with ``-``, ``_``, ``+`` and ``=``."""
_LEAST_LENGTH = SHORTEST - 2
"""Letters and digits of it."""
LEAST_TURNS = 0.42
"""How many pairs of neighbours are of different kinds, where there are lower and upper case letters
and digits: 0.62 of those that chance chose, a third in words that are written together."""
_LEAST_ODD = 0.16
"""How many pairs are two upper case letters, or have a digit, but behind a lower case letter: 0.38
of those that chance chose, and few in names, however they are written."""
_LEAST_KINDS = 12
"""Different characters that it has."""
_LONGEST_CHANCE = 3
"""Letters of what may be a word, and was chosen by chance."""
_WHOLE_PART = 12
"""Letters and digits that stand together in it, at least once: names have shorter parts."""

_RUN = re.compile(r"(?<![\w.+=~-])[\w.+=~-]{19,}", re.ASCII)
"""What may hold one of `FORMS`, all of which are as long."""
_FORM = re.compile(
    f"(?<![A-Za-z0-9])(?:{'|'.join(form.pattern for form in FORMS)})",
    re.ASCII,
)
_PIECE = re.compile(rf"(?<![\w+-])((?i:sha\d{{1,3}})[:_-])?[\w+-]{{{SHORTEST - 2},}}=*", re.ASCII)
"""With what says of itself that it is a hash, in front."""
_WITH_SLASHES = re.compile(
    r"(?<![A-Za-z0-9+/=])(?!/)(?:[A-Za-z0-9+/]{40}|[A-Za-z0-9+/]{22,}={1,2})(?![A-Za-z0-9+/=])"
)
"""Base64 as RFC 4648 has it first: 30 bytes, as AWS writes them, or some that need padding."""
_AS_LONG_AS_A_UUID = re.compile(r"(?:^|.*[+-])[\w+-]{22}==", re.ASCII)
"""Sixteen bytes, as Android has them behind a package's name in the path of its folder."""
_TURN = re.compile("(?<=[a-z])[A-Z0-9]|(?<=[A-Z])[a-z0-9]|(?<=[0-9])[A-Za-z]")
_ODD = re.compile("(?<=[A-Z])[A-Z0-9]|(?<=[0-9])[A-Za-z]")
_PAIR = re.compile("(?<=[A-Za-z0-9])[A-Za-z0-9]")
_LONGEST_NAME = 255
_PARTED = re.compile("[^A-Za-z0-9]+")
_EACH_KIND = tuple(map(re.compile, ("[a-z]", "[A-Z]", "[0-9]")))
_HEX = re.compile(
    rf"(?<=[/\\=:@?&_.-])(?:[0-9a-f]{{{SHORTEST + 1},}}|[0-9A-F]{{{SHORTEST + 1},}})(?![0-9A-Za-z])"
)
"""Within a longer text: by itself, such a number is a build-id or a register in a table."""
_HASHES = {2 * size - less for size in (16, 20, 28, 32, 48, 64) for less in (0, 2, 4)} | {33, 34}
"""Digits of hashes and UUIDs, of what is behind two or four that are names of folders, and of a
GUID with the age that symbol servers write behind it."""
_LEAST_DIGITS = 9
"""Different ones of a number that chance chose."""


def secrets_by_form(text: str) -> Iterable[str]:
    """Those that a text holds, each once, in time that grows with its length alone."""
    return dict.fromkeys(_by_form(text))


def _by_form(text: str) -> Iterator[str]:
    for run in _RUN.findall(text):
        yield from _FORM.findall(run)
    for found in _PIECE.finditer(text):
        is_known = found[1] or _AS_LONG_AS_A_UUID.fullmatch(found[0][-_LONGEST_NAME:])
        if not is_known and looks_random(found[0]):
            yield found[0]
    for found in _WITH_SLASHES.finditer(text):
        parts = found[0].split("/")
        if parts[1:] and looks_random(found[0]) and not any(map(_is_word, parts)):
            yield found[0]
    for found in _HEX.finditer(text):
        if len(found[0]) not in _HASHES and len(set(found[0])) >= _LEAST_DIGITS:
            yield found[0]


def looks_random(piece: str) -> bool:
    """Whether letters of both cases and digits take turns as in what chance chose."""
    if len(piece) < SHORTEST or not all(kind.search(piece) for kind in _EACH_KIND):
        return False
    parts = _PARTED.split(piece)
    if sum(map(len, parts)) < _LEAST_LENGTH or max(map(len, parts)) < _WHOLE_PART:
        return False
    pairs = len(_PAIR.findall(piece))
    return (
        len(set(piece)) >= _LEAST_KINDS
        and len(_TURN.findall(piece)) >= LEAST_TURNS * pairs
        and len(_ODD.findall(piece)) >= _LEAST_ODD * pairs
    )


def _is_word(part: str) -> bool:
    """Whether a part of a path is no part of base64 that has slashes."""
    return len(part) > _LONGEST_CHANCE and (part.islower() or part.istitle()) and part.isalpha()
