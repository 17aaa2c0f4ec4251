"""Parsers in other languages: the exported .ksy, compiled, with what makes it run.

`generate` writes a folder for one language: the schema as ``msl.ksy``, the parser that
kaitai-struct-compiler makes of it, the dependency on Kaitai's runtime as that language's
package manager wants it, and examples.
"""

from __future__ import annotations

from ..errors import CompilerError
from .compiler import Compiler, Request, find_compiler
from .parser import Parser, UnfitError, generate
from .targets import TARGETS, TargetLanguage
from .whole_files import ExistsError

__all__ = [
    "TARGETS",
    "Compiler",
    "CompilerError",
    "ExistsError",
    "Parser",
    "Request",
    "TargetLanguage",
    "UnfitError",
    "find_compiler",
    "generate",
]
