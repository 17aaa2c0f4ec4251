"""Directives that run the package while the documentation is built.

``msl-session``
    Shell commands and what they print; the build fails on an unexpected exit code.
``msl-python``
    Statements and what a Python session prints.
``msl-reference``
    A section for every command, from its ``--help``.
``msl-options``
    Every option, with the commands that take it.
``msl-exit-codes``
    The exit codes, from the README's table.
``msl-fields``, ``msl-registries``
    Tables of structures and of codes, from the schema.
``msl-rules``
    All rules of ``msl check``, a section for each section of the specification.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from remembered import Remembered
from sessions import ROOT, ExampleError, commands_by_forking, examples
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode, nested_parse_with_titles

_answers: dict[str, Iterator[str]] = {}
"""What the examples of a page show that it has not shown yet."""


def _next_answer(env: Any) -> str:
    page = env.docname
    if page not in _answers:
        found = list(examples(Path(env.doc2path(page)).read_text("utf-8")))
        samples = Path(env.app.srcdir, env.app.config.msl_samples).resolve()
        _answers[page] = iter(Remembered(found, samples).answers())
    return next(_answers[page])


def _literal(text: str, language: str) -> nodes.literal_block:
    block = nodes.literal_block(text, text)
    block["language"] = language
    return block


class Session(SphinxDirective):
    """``msl-session`` and ``msl-python``."""

    has_content = True
    option_spec = dict.fromkeys(("exit", "raises", "needs"), directives.unchanged)

    def run(self) -> list[nodes.Node]:
        try:
            shown = _next_answer(self.env)
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
        import click

        from msl_construct.cli.manual import commands
        from msl_construct.exports.rst import title

        lines: list[str] = []
        for words, command in commands():
            settings = {**command.context_settings, "terminal_width": 80}
            context = click.Context(command, info_name=" ".join(words), **settings)
            lines += title(" ".join(words), max(1, len(words) - 1))
            lines += [".. code-block:: console", "", f"   $ {' '.join(words)} --help"]
            lines += [f"   {line}".rstrip() for line in command.get_help(context).splitlines()]
            lines.append("")
        return lines


class Options(Generated):
    """``msl-options``."""

    def text(self) -> list[str]:
        import click

        from msl_construct.cli.manual import commands
        from msl_construct.exports.rst import escaped, table

        rows: dict[str, list[tuple[str, str, str]]] = {}
        for words, command in commands():
            context = click.Context(command, info_name=" ".join(words))
            for option in command.params:
                record = option.get_help_record(context)
                if isinstance(option, click.Option) and record is not None:
                    name = max(option.opts, key=len)
                    anchor = "-".join(words)
                    who = f"`{' '.join(words)} <cli.html#{anchor}>`__"
                    rows.setdefault(name, []).append((f"``{record[0]}``", who, escaped(record[1])))
        every = [row for name in sorted(rows) for row in rows[name]]
        return table(("Option", "Command", "Meaning"), every, (30, 20, 50))


class ExitCodes(Generated):
    """``msl-exit-codes``."""

    def text(self) -> list[str]:
        from msl_construct.cli.common import Exit
        from msl_construct.exports.rst import table

        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        rows = [(int(c), t.strip()) for c, t in re.findall(r"^\| (\d+) \| (.*) \|$", readme, re.M)]
        if {code for code, _ in rows} != {int(code) for code in Exit}:
            raise self.error(f"README.md: exit codes {rows}, the package has {list(Exit)}")
        return table(("Code", "Meaning"), [(str(c), _rst(t)) for c, t in rows], (10, 90))


class Fields(Generated):
    """``msl-fields``: structures named as arguments; all payloads without any."""

    optional_arguments = 100
    option_spec = {"draft": directives.unchanged}  # noqa: RUF012

    def text(self) -> list[str]:
        from msl_construct.drafts import NEWEST_DRAFT, schema
        from msl_construct.exports.rst import layout_table, payloads

        bound = schema(self.options.get("draft", NEWEST_DRAFT))
        if self.arguments:
            return [line for key in self.arguments for line in layout_table(bound.layouts[key])]
        return payloads(bound)


class Registries(Generated):
    """``msl-registries``: enumerations and flag words named as arguments; all without any."""

    optional_arguments = 100

    def text(self) -> list[str]:
        from msl_construct.drafts import NEWEST_DRAFT, schema
        from msl_construct.exports.description import registries
        from msl_construct.exports.rst import registry_sections, registry_table

        bound = schema(NEWEST_DRAFT)
        if not self.arguments:
            return registry_sections(bound)
        found = registries(bound)
        return [line for name in self.arguments for line in registry_table(found[name])]


class Rules(Generated):
    """``msl-rules``."""

    def text(self) -> list[str]:
        from msl_construct.drafts import PUBLIC
        from msl_construct.exports.rst import escaped, table, title
        from msl_construct.rules import every_rule

        sections: dict[str, list[tuple[str, str, str]]] = {}
        for rule in every_rule(PUBLIC):
            who = ", ".join(role.value for role in rule.who)
            only = "" if set(rule.drafts) == set(PUBLIC) else f", {', '.join(rule.drafts)}"
            kind = ", derived" if rule.derived else ""
            rows = sections.setdefault(rule.section, [])
            about = f"{rule.requirement} {rule.why}"
            rows.append(
                (f"``{rule.id}``", f"{rule.level.value}{kind}: {who}{only}", escaped(about))
            )
        lines: list[str] = []
        for section in sorted(sections, key=section_order):
            lines += title(section, 1)
            lines += table(
                ("Rule", "Level and whom it binds", "Demand, and why"),
                sections[section],
                (40, 20, 40),
            )
        return lines


def section_order(section: str) -> list[int]:
    """Sections in the order of the specification: ``§5.2`` before ``§5.10``."""
    return [int(number) for number in re.findall(r"\d+", section)]


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
    key, entry = min(found)  # pages are read in any order
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


def _before_reading(*_: Any) -> None:
    """Start what runs commands: the processes that read pages share it."""
    commands_by_forking()


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")
    app.add_config_value("msl_samples", "../samples", "env")
    app.add_directive("msl-session", Session)
    app.add_directive("msl-python", Session)
    app.add_directive("msl-reference", Reference)
    app.add_directive("msl-options", Options)
    app.add_directive("msl-exit-codes", ExitCodes)
    app.add_directive("msl-fields", Fields)
    app.add_directive("msl-registries", Registries)
    app.add_directive("msl-rules", Rules)
    app.connect("autodoc-process-docstring", _docstring, priority=100)
    app.connect("missing-reference", _resolve)
    app.connect("env-get-outdated", _outdated)
    app.connect("env-before-read-docs", _before_reading)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
