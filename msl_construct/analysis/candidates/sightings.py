"""What a pass over a dump takes for something, with what it is told by."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ShapeSighting"]


@dataclass
class ShapeSighting:
    """Something in one dump that is of a shape.

    Attributes:
        address, length: its bytes.
        shape: name of the shape.
        weight: that the shape gives.
        checked: whether a computation says that it is what it looks like.
        facts: what it is told by, in words and numbers: for people, to be checked by hand.
        slack: bytes around it that look as it does.
    """

    address: int
    length: int
    shape: str
    weight: float
    checked: bool = False
    facts: dict[str, object] = field(default_factory=dict)
    slack: int = 0
