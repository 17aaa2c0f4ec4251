"""YARA rules over virtual memory."""

from __future__ import annotations

from .asking import RuleGap, RuleScan
from .engines import CompiledRules, Engine, yara_engine
from .rule_files import load_rules
from .rule_texts import RuleText, rule_texts
from .scanning import scan_rules

__all__ = [
    "CompiledRules",
    "Engine",
    "RuleGap",
    "RuleScan",
    "RuleText",
    "load_rules",
    "rule_texts",
    "scan_rules",
    "yara_engine",
]
