"""HTML as a tree of elements: what is put into one is text, whatever it holds."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..characters import escape_for_people

__all__ = ["Element", "Node", "element", "foreign", "rendered"]

_FOLDED = 400
"""Characters of a text from a dump; a longer one is folded."""


@dataclass
class Element:
    """An element with what is in it."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)


Node = Element | str


def element(
    name: str, *children: Node | Iterable[Node], **attributes: str | bool | None
) -> Element:
    """An element.

    Args:
        children: nodes, or several of them.
        attributes: a trailing underscore and underscores for dashes are taken away; True: without
            a value; None and False: not there.
    """
    found = Element(name)
    for key, value in attributes.items():
        if value is not None and value is not False:
            name_ = key.rstrip("_").replace("_", "-")
            found.attributes[name_] = "" if value is True else str(value)
    for child in children:
        if isinstance(child, (Element, str)):
            found.children.append(child)
        else:
            found.children.extend(child)
    return found


def foreign(text: object, most: int = _FOLDED) -> Element:
    """A text from a dump: turned by no character of it, all of it seen, folded if it is long.

    Args:
        most: characters that are not folded.
    """
    shown = escape_for_people(str(text))
    if len(shown) <= most:
        return element("bdi", shown)
    return element(
        "details",
        element(
            "summary",
            element("bdi", f"{shown[:80]}…"),
            element("span", f" ({len(shown):,} characters; all of it)", class_="quiet"),
        ),
        element("bdi", shown),
        class_="long",
    )


def rendered(nodes: Iterable[Node]) -> str:
    """The markup."""
    return "".join(_markup(nodes))


def _markup(nodes: Iterable[Node]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, str):
            yield html.escape(node)
            continue
        attributes = "".join(
            f' {key}="{html.escape(value)}"' if value else f" {key}"
            for key, value in node.attributes.items()
        )
        yield f"<{node.name}{attributes}>"
        yield from _markup(node.children)
        yield f"</{node.name}>"
