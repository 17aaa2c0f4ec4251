"""What makes a file conform: rules, and putting them to a file.

What the schema declares is not written again: such rules are derived. The others are one
small function each. Rules that bind readers are listed, and never put to a file. `statements`
lists what the drafts demand, and which rules come of it.
"""

from __future__ import annotations

from .engine import Check, check, every_rule, gaps, rules_for
from .model import Found, Level, Pick, Role, Rule, RuleFinding, Scope

__all__ = [
    "Check",
    "Found",
    "Level",
    "Pick",
    "Role",
    "Rule",
    "RuleFinding",
    "Scope",
    "check",
    "every_rule",
    "gaps",
    "rules_for",
]
