"""``python -m msl_construct``: the same as ``msl``."""

from __future__ import annotations

from .cli import main

if __name__ == "__main__":
    main()
