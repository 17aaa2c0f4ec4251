"""Sphinx configuration: ``sphinx-build -j auto -W -n -b html spec-docs spec-docs/_build``."""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE.parent), str(_HERE / "_ext")]

import msl_construct  # noqa: E402

project = "msl-construct"
author = "The msl-construct authors"
copyright = author  # noqa: A001
version = release = msl_construct.__version__

extensions = [
    "cli",
    "traceability",
    "specification_pages",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
]
exclude_patterns = ["_build", "_ext", "_static"]
default_role = "code"
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_title = f"msl-construct {version}"
html_show_copyright = False
html_copy_source = False
smartquotes = False

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_use_ivar = True
napoleon_use_rtype = False

# Types of the standard library, and parts of the package that no reader needs to know.
_PRIVATE = (
    "Amendment|Beginning|Bit|BitRange|BlockIndex|BlockStream|Budget|C|Conveyor|Coverage|Cursor|DocumentOptions|"
    "EarlierHeaders|Ending|FileHeader|Fragment|GappedSource|Habits|ImageError|Indexed|Keys|Marks|Misfit|ModuleEntry|Note|"
    "Options|PageBuffer|PageMap|PageStates|Place|Plan|Prepared|PrivateKeys|Problem|Problems|PublicKeys|Read|SealHeader|"
    "RuleMistakeError|Run|ScanStoppedError|SearchedBytes|Sink|Source|Span|T|TestKey|ThreadContext|Value|Vocabulary|WholeBlock"
)
nitpick_ignore_regex = [
    (
        "py:.*",
        r"(typing\.|collections\.(abc\.)?|os\.|types\.|uuids?\.|_io\.|enum\.|pathlib\.|struct\.|"
        r"construct\.|re\.)?"
        r"(IO|Any|Callable(\[\[\])?|Iterator|Iterable|Mapping|Sequence|MappingProxyType|PathLike|UUID|"
        r"BaseException|Struct|TracebackType|Exception|ValueError|KeyError|OSError|TypeError|Self|"
        r"AttributeError|Enum|Construct|Pattern|"
        r"bytes|bytearray|memoryview|str|int|bool|float|object|dict|list|tuple|None|Path)",
    ),
    ("py:.*", rf"(msl_construct\.)?([a-z_]+\.)*({_PRIVATE})"),
    ("py:.*", r"\.\.\.|typing\.Self|typing_extensions\.Self|optional"),
]
