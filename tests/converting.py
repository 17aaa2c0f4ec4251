"""Converting a dump as the command does it, and what the result must be like."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msl_construct
from msl_construct.reader import Dump
from msl_construct.rewrite import Conversion, convert, differences
from msl_construct.rules import check
from msl_construct.rules.model import Level

DRAFTS = ("draft-2026-03", "draft-2026-10")


@dataclass
class Converted:
    """A new file: its bytes, what the conversion says of it, and what the rules find in it."""

    data: bytes
    conversion: Conversion
    differences: list[str]
    findings: list[str]

    @property
    def losses(self) -> list[str]:
        return [str(loss) for loss in self.conversion.losses]


def converted(old: Path | bytes, draft: str, *, key: Any = None, **options: Any) -> Converted:
    """Convert a dump, read the result again, compare it and hold it against the rules."""
    file = io.BytesIO()
    with msl_construct.open(old, key=key) as dump:
        found = convert(dump, file, draft=draft, **options)
        data = file.getvalue()
        with msl_construct.open(data) as after:
            different = list(differences(dump, after, found))
            verdict = after.verify()
            assert verdict.findings == []
            assert after.draft == draft
            return Converted(data, found, different, _counted(after))


def _counted(dump: Dump) -> list[str]:
    """Ids of the demands of the specification that a new file breaks."""
    return [one.rule.id for one in check(dump) if one.rule.level is Level.MUST]


def is_faithful(found: Converted) -> bool:
    """Whether the new file says the same and breaks no rule."""
    return found.differences == [] and found.findings == []
