"""Many files for a decoder that was started once: paths in, a line of JSON out for each.

Each file is read in a process of its own, which is forked from the one that has imported the
reader: no file sees what another left behind, and what ends such a process ends no other.
"""

import json
import os
import sys
import tempfile
import traceback

__all__ = ["BATCH", "serve"]

BATCH = "--batch"
"""Stands in a command in the place of the path."""
_KILLED = 128
"""Added to the number of a signal, as a shell has it: a crash."""


def serve(show):
    """Answer each path on stdin with an exit code and a document, until there are no more.

    Args:
        show: prints the document of a path, and raises `SystemExit` unless that is all.
    """
    for line in iter(sys.stdin.readline, ""):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = os.fork()
            if not child:
                _alone(show, line.rstrip("\n"), out, err)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            printed, said = (_text(file) for file in (out, err))
        # The lines of a document that has several are ends of no text: those are escaped.
        document = printed.replace("\n", " ").strip() or "null"
        code = code if code >= 0 else _KILLED - code
        print(f'{{"exit": {code}, "error": {json.dumps(said)}, "document": {document}}}')
        sys.stdout.flush()


def _alone(show, path, out, err):
    """Show one file, and end as a program would that does no more."""
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        show(path)
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _text(file):
    file.seek(0)
    return file.read().decode("utf-8", "replace")
