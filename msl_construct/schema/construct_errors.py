"""Errors of the package that are Construct's as well: what the Constructs raise.

Stock Constructs such as Peek, Optional and Lazy go by the class of an error. Whoever knows this
package goes by the other one: each is a class of `msl_construct.errors`, too.
"""

from __future__ import annotations

from construct import ConstructError, SizeofError

from ..errors import ConformanceError, MslError, PayloadError, UnboundError

__all__ = ["NotBound", "NotBuilt", "NotParsed", "NotSized"]


class NotParsed(PayloadError, ConstructError):
    """The stream does not hold what is to be parsed."""


class NotBuilt(ConformanceError, ConstructError):
    """The value can't be stored."""


class NotBound(UnboundError, SizeofError):
    """A declaration was used that has no byte order yet; its codes have no width either."""


class NotSized(MslError, SizeofError):
    """The size depends on the value."""
