"""Manual pages are made from the commands when a wheel is built; all else is in pyproject.toml."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).resolve().parent


def manual() -> list[str]:
    """Write the pages, and say where, from here."""
    sys.path.insert(0, str(HERE))
    if "msl_acquire" not in sys.modules:
        # Its folder has another name until it is installed.
        home = HERE / "acquire"
        spec = spec_from_file_location(
            "msl_acquire", home / "__init__.py", submodule_search_locations=[str(home)]
        )
        sys.modules["msl_acquire"] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules["msl_acquire"])
    from msl_construct.cli.manual import manual_pages

    folder = HERE / "build" / "man"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in manual_pages().items():
        (folder / name).write_text(text, encoding="utf-8")
    return [f"build/man/{name}" for name in manual_pages()]


setup(data_files=[("share/man/man1", manual())])
