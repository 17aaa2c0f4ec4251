"""``msl-traceability``: from statements to rules to samples, with the coverage and the orphans.

Of the corpus in the configured folder of samples; of an empty one where it has no manifest.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cli import Generated, section_order
from sphinx.application import Sphinx

_SHOWN = 3


class Traceability(Generated):
    """``msl-traceability``."""

    def text(self) -> list[str]:
        from msl_construct.corpus import MANIFEST, Manifest
        from msl_construct.corpus.traceability import table as traced

        folder = Path(self.env.app.srcdir, self.env.app.config.msl_samples).resolve()
        there = (folder / MANIFEST).exists()
        found = traced(Manifest.load(folder) if there else ())
        return [
            *_coverage(found["coverage"], there),
            *_orphans(found["orphans"]),
            *_untestable(found["statements"]),
            *_statements(found["statements"]),
        ]


def _coverage(coverage: dict[str, Any], there: bool) -> list[str]:
    from msl_construct.exports.rst import table, title

    rows = []
    for name, counts in coverage.items():
        numbers = (str(counts[key]) for key in ("statements", "testable", "covered"))
        rows.append((name, *numbers, f"{100 * counts['share']:.1f} %"))
    lines = title("Coverage", 1)
    if not there:
        lines += ["These pages were built without the sample corpus: nothing is covered.", ""]
    return lines + table(
        ("Samples of", "Statements", "Testable", "Covered", "Share"), rows, (28, 18, 18, 18, 18)
    )


def _orphans(orphans: dict[str, list[str]]) -> list[str]:
    from msl_construct.exports.rst import title

    lines = title("Orphans", 1)
    for key, text in (
        ("statements", "Statements that neither a rule nor a sample shows"),
        ("rules", "Rules that no statement asks for, our own doubts apart"),
        ("unsampled", "Rules without what shows them, draft by draft"),
        ("samples", "Samples that nothing needs"),
        ("ours", "Rules that are our own doubts (``MSLX-``)"),
    ):
        names = orphans[key]
        shown = _names(names) if key != "ours" else ""
        lines += [f"* {text}: {len(names)}{f' ({shown})' if shown else ''}"]
    return [*lines, ""]


def _untestable(statements: Iterable[dict[str, Any]]) -> list[str]:
    from msl_construct.exports.rst import escaped, table, title

    rows = [
        (f"``{row['id']}``", escaped(row["text"]), escaped(f"{row['untestable']}."))
        for row in statements
        if row["untestable"]
    ]
    return [
        *title("Not testable from a file", 1),
        *table(("Statement", "Demand", "Why not"), rows, (30, 40, 30)),
    ]


def _statements(statements: Iterable[dict[str, Any]]) -> list[str]:
    from msl_construct.drafts import PUBLIC
    from msl_construct.exports.rst import escaped, table, title

    sections: dict[str, list[tuple[str, str, str, str]]] = {}
    for row in statements:
        only = "" if set(row["drafts"]) == set(PUBLIC) else f", {', '.join(row['drafts'])}"
        kind = ", derived" if row["derived"] else ""
        also = f" (§12: {', '.join(row['also'])})" if row["also"] else ""
        samples = [
            f"{word}: {_names(row[key])}"
            for key, word in (("pass", "keep it"), ("fail", "break it"), ("samples", "show it"))
            if row[key]
        ]
        sections.setdefault(row["section"], []).append(
            (
                f"``{row['id']}``",
                f"{row['word']}: {', '.join(row['who'])}{only}{kind}. "
                f"{escaped(row['text'] + also)}",
                _names(row["rules"]),
                "; ".join(samples) or ("not testable" if row["untestable"] else "none"),
            )
        )
    lines: list[str] = []
    for section in sorted(sections, key=section_order):
        lines += title(section, 1)
        lines += table(
            ("Statement", "Demand", "Rules", "Samples"), sections[section], (20, 30, 25, 25)
        )
    return lines


def _names(names: list[str]) -> str:
    shown = ", ".join(f"``{name}``" for name in names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.setup_extension("cli")
    app.add_directive("msl-traceability", Traceability)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
