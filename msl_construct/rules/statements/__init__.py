"""What the drafts demand, statement by statement, and what each is traced to.

A statement is one demand of the specification in our words. It is traced to rules (a file or a
reader that breaks the rule breaks the statement), to samples, or to neither, with the reason.
Its id is for good, like those of rules: ``ST-4.5-FILE-HASH`` has the section and a name.
`msl_construct.corpus.traceability` holds a corpus against them.
"""

from __future__ import annotations

from .all import every_statement, matching, unmatched
from .model import Statement, Word, st

__all__ = ["Statement", "Word", "every_statement", "matching", "st", "unmatched"]
