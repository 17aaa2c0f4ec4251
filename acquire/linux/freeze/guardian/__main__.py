"""Starts the guardian where nothing of the package is on the path."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from guardian.program import main  # type: ignore[import-not-found]

    main(sys.argv[1:])
