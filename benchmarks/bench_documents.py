"""How fast documents are read, held against readers in C that know nothing of documents."""

from __future__ import annotations

import io
import json
from collections import deque
from collections.abc import Callable
from typing import Any

import yaml
from dumps import Region, sparse
from measure import MIB, Row, Setting, compare, in_turns, note

import msl_construct
from msl_construct.document.emit import write_json, write_ndjson, write_yaml
from msl_construct.document.load import load
from msl_construct.document.render import Renderer

NAME = "documents"

_PEERS: dict[str, tuple[Any, str, Callable[[str], Any], float]] = {
    "YAML": (write_yaml, "yaml.CSafeLoader", lambda t: yaml.load(t, yaml.CSafeLoader), 0.5),
    "JSON": (write_json, "json.loads", json.loads, 3.0),
    "JSON lines": (
        write_ndjson,
        "json.loads",
        lambda t: list(map(json.loads, t.splitlines())),
        3.0,
    ),
}
"""What writes each form, what reads the same text, and how many times its time may be taken."""


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    path = setting.tmp / "documents.msl"
    # Seven pages a region: mostly fields, and some base64.
    sparse(path, [Region(7)] * setting.size(4000, 40))
    try:
        texts = {form: _document(path, write) for form, (write, *_) in _PEERS.items()}
    finally:
        path.unlink()
    return [_row(setting, form, text) for form, text in texts.items()]


def _document(path: Any, write: Any) -> str:
    out = io.StringIO()
    with msl_construct.open(path) as dump:
        write(Renderer(with_data=False).parts(dump), out.write)
    return out.getvalue()


def _row(setting: Setting, form: str, text: str) -> Row:
    _, name, peer, target = _PEERS[form]
    note(f"{form}: {len(text) / MIB:.1f} MiB")
    times = in_turns(setting.rounds, ours=lambda: _read(text), peer=lambda: peer(text))
    return compare(
        NAME,
        f"reading a document in {form}, {len(text) / MIB:.0f} MiB",
        times,
        ("ours", "peer"),
        bound_name=f"{name} of the same text",
        target=target,
    )


def _read(text: str) -> None:
    for _, value in load(io.StringIO(text)):
        if not isinstance(value, (dict, str, int, type(None))):
            deque(value, 0)
