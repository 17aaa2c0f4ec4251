"""Directives that run the package while the documentation is built.

``msl-session``
    Shell commands and what they print; the build fails on an unexpected exit code.
``msl-python``
    Statements and what a Python session prints.
``msl-reference``
    A section for every command, from its ``--help``.
``msl-exit-codes``
    The exit codes, from the README's table.
``msl-fields``, ``msl-registries``
    Tables of structures and of codes, from the schema.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sessions import ROOT, Example, ExampleError, Scratch
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode, nested_parse_with_titles

_scratches: dict[str, Scratch] = {}


def _scratch(app: Sphinx, page: str) -> Scratch:
    if page not in _scratches:
        _scratches[page] = Scratch(Path(app.srcdir, app.config.msl_samples).resolve())
    return _scratches[page]


def _literal(text: str, language: str) -> nodes.literal_block:
    block = nodes.literal_block(text, text)
    block["language"] = language
    return block


class Session(SphinxDirective):
    """``msl-session`` and ``msl-python``."""

    has_content = True
    option_spec = dict.fromkeys(("exit", "raises", "needs"), directives.unchanged)

    def run(self) -> list[nodes.Node]:
        example = Example(self.name, dict(self.options), "\n".join(self.content), self.lineno)
        try:
            shown = _scratch(self.env.app, self.env.docname).run(example)
        except ExampleError as error:
            raise self.error(str(error)) from None
        return [_literal(shown, "console" if self.name == "msl-session" else "pycon")]


class Generated(SphinxDirective):
    """Base of the directives that write reStructuredText."""

    def text(self) -> list[str]:
        """The lines."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        node = nodes.section()
        node.document = self.state.document
        lines = StringList(self.text(), source=self.get_source_info()[0])
        nested_parse_with_titles(self.state, lines, node)
        return node.children


class Reference(Generated):
    """``msl-reference``."""

    def text(self) -> list[str]:
        from msl_construct.cli.group import COMMANDS

        lines: list[str] = []
        for command in ("", *sorted(COMMANDS)):
            title = f"msl {command}".strip()
            shown = _scratch(self.env.app, self.env.docname).session(f"$ {title} --help")
            lines += [title, "-" * len(title), "", ".. code-block:: console", ""]
            lines += [f"   {line}".rstrip() for line in shown.splitlines()]
            lines.append("")
        return lines


class ExitCodes(Generated):
    """``msl-exit-codes``."""

    def text(self) -> list[str]:
        from msl_construct.cli.common import Exit

        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        rows = [(int(c), t.strip()) for c, t in re.findall(r"^\| (\d+) \| (.*) \|$", readme, re.M)]
        if {code for code, _ in rows} != {int(code) for code in Exit}:
            raise self.error(f"README.md: exit codes {rows}, the package has {list(Exit)}")
        return _table(("Code", "Meaning"), [(str(c), _rst(t)) for c, t in rows], "10 90")


class Fields(Generated):
    """``msl-fields``: structures named as arguments; all payloads without any."""

    optional_arguments = 100
    option_spec = {"draft": directives.unchanged}  # noqa: RUF012

    def text(self) -> list[str]:
        import msl_construct

        bound = msl_construct.schema(self.options.get("draft", "draft-2026-10"))
        if self.arguments:
            return [line for key in self.arguments for line in _layout(bound.layouts[key])]
        lines: list[str] = []
        for block in bound.blocks.values():
            title = f"{block.name} ({block.code:#06x})"
            lines += [title, "-" * len(title), "", f"{_escaped(block.text)} {block.section}, "]
            lines[-1] += f"since {block.since}."
            if block.capability:
                lines[-1] += f" CapBitmap: ``{block.capability}``."
            if block.in_segment:
                lines[-1] += " May stand in an extension segment."
            if block.forbidden:
                lines[-1] += " **Must not be written.**"
            lines.append("")
            lines += [f"* {_note(note)}" for note in block.notes]
            lines.append("")
            raw = ["No layout: the payload is raw.", ""]
            lines += raw if block.layout is None else _layout(block.layout)
        return lines


class Registries(Generated):
    """``msl-registries``: enumerations and flag words named as arguments; all without any."""

    optional_arguments = 100

    def text(self) -> list[str]:
        import msl_construct

        bound = msl_construct.schema("draft-2026-10")
        registries = {**bound.enumerations, **bound.flags, "PageState": bound.page_states}
        lines: list[str] = []
        for name in self.arguments or registries:
            registry: Any = registries[name]
            if not self.arguments:
                lines += [name, "-" * len(name), ""]
                lines += [f"{_escaped(registry.text)} {registry.section}.", ""]
            rows = []
            if hasattr(registry, "values"):
                width = 2 * registry.width
                for value in registry.values:
                    text = _escaped(value.text) or _escaped(value.label)
                    rows.append((f"0x{value.code:0{width}x}", value.name, text, value.since))
                for span in registry.spans:
                    both = f"0x{span.first:0{width}x} to 0x{span.last:0{width}x}"
                    rows.append((both, "", span.use, ""))
            else:
                for bit in registry.bits:
                    many = getattr(bit, "bits", 1)
                    place = f"{bit.bit}" if many == 1 else f"{bit.bit} to {bit.bit + many - 1}"
                    text = _escaped(bit.text) or _escaped(bit.label)
                    rows.append((place, bit.name, text, bit.since))
            head = "Code" if hasattr(registry, "values") else "Bit"
            cells = [(a, f"``{b}``" if b else "", c, d) for a, b, c, d in rows]
            lines += _table((head, "Name", "Meaning", "Since"), cells, "18 26 38 18")
        return lines


def _layout(layout: Any) -> list[str]:
    from msl_construct.schema import Table

    rows, inner = [], []
    offset: int | None = 0
    for field in layout.fields:
        width = getattr(field.type, "width", None)
        if isinstance(field.type, Table):
            inner.append(field.type.entry)
        text = _escaped(field.text)
        if field.notes:
            text += " " + " ".join(_note(note) for note in field.notes)
        if field.since == "draft-2026-10" and layout.fields[0].since != field.since:
            text += " *Since draft-2026-10.*"
        place = "then" if offset is None else f"+0x{offset:02x}"
        rows.append((place, _kind(field.type), field.name, f"``{field.key}``", text))
        offset = None if offset is None or width is None else offset + width
    lines = _table(("Offset", "Stored as", "Field", "Key", "Meaning"), rows, "9 17 16 18 40")
    for entry in inner:
        lines += [f"Each entry ({_escaped(entry.title)}):", "", *_layout(entry)]
    return lines


def _kind(kind: Any) -> str:
    """What is stored, in a few words."""
    name = type(kind).__name__
    width = getattr(kind, "width", 0)
    length = getattr(kind, "length", "")
    return {
        "Uint": f"u{8 * width}",
        "Timestamp": "u64, ns",
        "Coded": f"u{8 * width}, {getattr(kind, 'enumeration_name', '')}",
        "Flags": f"u{8 * width}, {getattr(kind, 'definition_name', '')}",
        "Uuid": "UUID",
        "Hash": "32-byte hash",
        "Magic": f"{width} bytes",
        "Reserved": f"{width} zero bytes",
        "Utf8Z": f"text, {length}",
        "Blob": f"{length} bytes",
        "RegisterValue": f"{length} bytes",
        "PageStateMap": "2 bits a page, padded to 8 bytes",
        "PageData": "bytes",
        "Rest": "bytes",
        "Table": f"{getattr(kind, 'count', '')} entries",
    }[name]


def _note(note: Any) -> str:
    section = f" ({note.section})" if note.section else ""
    return f"**{note.level}** ({note.who}): {_escaped(note.text)}{section}"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]], widths: str) -> list[str]:
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in (head, *rows):
        for number, cell in enumerate(row):
            lines.append(f"   {'*' if not number else ' '} - {cell}".rstrip())
    return [*lines, ""]


def _escaped(text: str) -> str:
    return re.sub(r"([\\*_`|])", r"\\\1", text)


def _rst(markdown: str) -> str:
    return re.sub(r"`([^`]+)`", r"``\1``", markdown)


def _resolve(app: Sphinx, env: Any, node: Any, content: Any) -> Any:
    """References in docstrings name a class by its bare name, or by where it is defined."""
    if node.get("refdomain") != "py":
        return None
    name = node["reftarget"].rpartition(".")[2]
    objects = env.get_domain("py").objects
    found = [(key, entry) for key, entry in objects.items() if key.rpartition(".")[2] == name]
    found = [one for one in found if one[1].objtype in ("class", "exception", "function")]
    if not found:
        return None
    key, entry = found[0]
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, content, key)


def _docstring(_: Any, what: str, __: str, ___: Any, ____: Any, lines: list[str]) -> None:
    """Forms that napoleon misreads, put so that it doesn't.

    The first line of a property's docstring may have a colon that is no type, and several
    attributes may share a sentence.
    """
    if what in ("property", "attribute"):
        lines[:0] = ["..", ""]
    inside = False
    for number, line in enumerate(list(lines)):
        if line and not line.startswith(" "):
            inside = line == "Attributes:"
        found = re.match(r"( {4})(\w+(?:, \w+)+): (.*)", line) if inside else None
        if found is not None:
            names = found[2].split(", ")
            lines[number] = f"{found[1]}{','.join(names)}: {found[3]}"


def _outdated(app: Sphinx, env: Any, *_: Any) -> list[str]:
    """Every page is made anew: what it shows depends on the whole package."""
    return sorted(env.found_docs)


def _finished(*_: Any) -> None:
    while _scratches:
        _scratches.popitem()[1].close()


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")
    app.add_config_value("msl_samples", "../samples", "env")
    app.add_directive("msl-session", Session)
    app.add_directive("msl-python", Session)
    app.add_directive("msl-reference", Reference)
    app.add_directive("msl-exit-codes", ExitCodes)
    app.add_directive("msl-fields", Fields)
    app.add_directive("msl-registries", Registries)
    app.connect("autodoc-process-docstring", _docstring, priority=100)
    app.connect("missing-reference", _resolve)
    app.connect("env-get-outdated", _outdated)
    app.connect("build-finished", _finished)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
