"""Prints an adapter's document and ends it with the exit code of the decoder contract.

0: the document is on stdout. 3: the reader refuses the file, by an error that it is known to
raise for that. 4: the document shows that something is missing: there is no End-of-Capture, or
there are bytes behind the last block. 5: the header says that the file is encrypted. 70: the
reader fails in a way that it does not announce. Codes above 0 come with a line on stderr.

With ``--batch`` in the path's place the paths come on stdin: see batch.py.
"""

import json
import sys

from batch import BATCH, serve

REFUSED, INCOMPLETE, ENCRYPTED, DEFECT = 3, 4, 5, 70


def run(main, refusals):
    """Run an adapter on the file that the command line names last.

    Args:
        main: gives the document of a path.
        refusals: classes of the errors by which the reader refuses files.
    """
    if sys.argv[-1] == BATCH:
        serve(lambda path: _run(main, refusals, path))
    else:
        _run(main, refusals, sys.argv[-1])


def _run(main, refusals, path):
    try:
        document = main(path)
    except refusals as error:
        end(REFUSED, f"{type(error).__name__}: {error}")
    except Exception as error:  # whatever else: a defect of the reader, which is reported as one
        end(DEFECT, f"{type(error).__name__}: {error}")
    finish(document)


def finish(document):
    """Print a document; the exit code follows from what is in it."""
    print(json.dumps({"document": 1, **document}))
    types = [block["block_type"] for block in document["blocks"]]
    if "encrypted" in document["header"]["flags"]:
        end(ENCRYPTED, "encrypted: just the header is shown")
    if document["trailing"]:
        end(INCOMPLETE, "there are bytes behind the last block")
    if "end_of_capture" not in types:
        end(INCOMPLETE, "there is no End-of-Capture")


def end(code, reason):
    """End with one line on stderr."""
    print(" ".join(reason.split()) or "no reason given", file=sys.stderr)
    sys.exit(code)
