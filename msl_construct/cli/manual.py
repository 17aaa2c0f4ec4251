"""Manual pages of every command, from the same declarations as ``--help``.

The wheel brings them: ``man msl-schema-diff``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from .. import __version__
from .group import cli

__all__ = ["commands", "manual_pages"]

_SECTIONS = {"Example": "EXAMPLES", "Examples": "EXAMPLES", "Exit codes": "EXIT STATUS"}
"""What a paragraph of the help begins with, and the section of a manual that it is."""


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that call it, groups included, in the order of the help."""
    yield from _below(("msl",), cli)


def _below(
    words: tuple[str, ...], command: click.Command
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=words[-1])
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _below((*words, name), found)


def manual_pages() -> dict[str, str]:
    """File names and texts: ``msl.1``, ``msl-inspect.1``, ``msl-schema-diff.1`` …"""
    every = dict(commands())
    return {f"{'-'.join(words)}.1": _page(words, one, every) for words, one in every.items()}


def _page(
    words: tuple[str, ...], command: click.Command, every: dict[tuple[str, ...], click.Command]
) -> str:
    name = "-".join(words)
    context = click.Context(command, info_name=" ".join(words), **command.context_settings)
    text = (command.help or "").split("\f")[0]
    first, *paragraphs = _paragraphs(text)
    lines = [
        f'.TH "{_escaped(name.upper())}" "1" "" "msl-construct {__version__}" "Memory Slice"',
        ".SH NAME",
        rf"{_escaped(name)} \- {_escaped(' '.join(first).rstrip('.'))}",
        ".SH SYNOPSIS",
        f".B {_escaped(' '.join(words))}",
        _line(" ".join(command.collect_usage_pieces(context))),
        ".SH DESCRIPTION",
        _line(" ".join(first)),
    ]
    later: dict[str, list[str]] = {}
    for paragraph in paragraphs:
        section, body = _section(paragraph)
        into = lines if section is None else later.setdefault(section, [])
        into += body
    options = [one for one in command.get_params(context) if isinstance(one, click.Option)]
    lines.append(".SH OPTIONS")
    for option in options:
        record = option.get_help_record(context)
        if record is not None:
            lines += [".TP", f".B {_escaped(record[0])}", _line(record[1])]
    inner = [one for one in every if one[:-1] == words]
    if inner:
        lines.append(".SH COMMANDS")
        for one in inner:
            lines += [
                ".TP",
                f".BR {_escaped('-'.join(one))} (1)",
                _line(every[one].get_short_help_str(200)),
            ]
    if command.epilog:
        section, body = _section([command.epilog])
        later.setdefault(section or "NOTES", []).extend(body)
    for section, body in later.items():
        lines += [f".SH {section}", *body[1:]]
    near = [words[:-1]] if len(words) > 1 else []
    near += [one for one in every if len(one) > 1 and one[:-1] == words[:-1] and one != words]
    if near:
        lines.append(".SH SEE ALSO")
        lines += [
            f".BR {_escaped('-'.join(one))} (1){',' if index < len(near) - 1 else ''}"
            for index, one in enumerate(near)
        ]
    return "\n".join(lines) + "\n"


def _paragraphs(text: str) -> list[list[str]]:
    """The paragraphs of a help text; those that keep their lines begin with ``\\b``."""
    found = [part.split("\n") for part in re.split(r"\n\s*\n", text.strip("\n"))]
    return [[line.strip() if part[0].strip() != "\b" else line for line in part] for part in found]


def _section(paragraph: list[str]) -> tuple[str | None, list[str]]:
    """The section that a paragraph belongs to, and its lines as roff."""
    kept = paragraph[0].strip() == "\b"
    lines = paragraph[1:] if kept else [" ".join(paragraph)]
    title, colon, rest = lines[0].strip().partition(":")
    section = _SECTIONS.get(title) if colon else None
    if section is not None:
        lines = [rest.strip(), *lines[1:]] if rest.strip() else lines[1:]
    if not kept:
        return section, [".PP", *map(_line, lines)]
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return section, [".PP", ".nf", *(_line(line[margin:]) for line in lines), ".fi"]


def _escaped(text: str) -> str:
    """Text in which roff changes nothing."""
    return text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace('"', r"\(dq")


def _line(text: str) -> str:
    """A line of text, which is no request."""
    text = _escaped(text)
    return rf"\&{text}" if text.startswith((".", "'")) else text
