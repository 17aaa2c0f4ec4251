"""The schema as Kaitai Struct: a complete .ksy of one draft.

Written for `kaitai-struct-compiler` 0.11 and for parsers that build and run in every language
it serves, not only compile; where a plainer way of saying something exists, it fails in some
target. `expressions` says which and why.

=============== ===============================================================
`structures`    the whole file: root, block, the types in between
`attributes`    one field of a Construct class as attributes of a type
`workshop`      types in the making: order of keys, names, byte order
`registries`    enumerations
`expressions`   arithmetic that means the same in every language
`words`         which names no generated parser can have
`prose`         documentation from the declarations
`style`         how the YAML looks
=============== ===============================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .structures import document
from .style import emitted

if TYPE_CHECKING:
    from ...schema import Draft

__all__ = ["export"]


def export(draft: Draft) -> str:
    """The .ksy of a draft: YAML in the style of Kaitai's format gallery.

    Raises:
        ExportError: a declaration, or the name of one, that some target language can't take.
    """
    return emitted(document(draft))
