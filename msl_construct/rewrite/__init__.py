"""Dumps made of dumps: written anew as a draft has them, or with a segment behind them.

What comes from other formats is in `convert`, and never sees a dump; this part reads one and writes
one, so that it stands above `reader` and `builder`.
"""

from .comparison import differences
from .conversion import TOOL, Conversion, convert
from .losses import Loss, Losses

__all__ = ["TOOL", "Conversion", "Loss", "Losses", "convert", "differences"]
