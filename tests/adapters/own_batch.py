"""This package as a decoder of many files: ``msl inspect --json --with-data`` for each.

Usage: python own_batch.py --batch
"""

from importlib import import_module

from batch import serve

from msl_construct.cli import main

if __name__ == "__main__":
    for part in ("document", "rules", "cli.group", "cli.inspect"):  # once, not for each file
        import_module(f"msl_construct.{part}")
    serve(lambda path: main(["inspect", "--json", "--with-data", path]))
