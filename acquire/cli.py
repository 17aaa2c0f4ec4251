"""``msl acquire``."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import click

from msl_construct.builder import new_uuid
from msl_construct.cli.common import (
    STDIO,
    Exit,
    command_options,
    complain,
    data_out,
    discard_stdout,
    note,
    run,
)
from msl_construct.cli.start import ENDING, untouched
from msl_construct.drafts import KNOWN
from msl_construct.errors import TargetError
from msl_construct.outputs import check_place

from . import api
from .backend import Backend
from .backends import backend as this_system
from .blocks import Related
from .bounds import Interrupt
from .ending import deficiencies, held, summary
from .evidence import EvidenceFolder
from .memory_words import WORDS
from .naming import Wanted, processes
from .needs import lack_refuses
from .options import (
    COMPRESSIONS,
    DRAFT,
    HASHES,
    MAX_EVIDENCE_FILE,
    MAX_EVIDENCE_TOTAL,
    MIN_FREE,
    UNTOUCHED,
    Options,
)
from .progress import Bar
from .report import Report, beside, pieces
from .selection import Selection

__all__ = ["acquire"]

_WORST = (Exit.FINE, Exit.INCOMPLETE, Exit.TARGET, Exit.UNREADABLE, Exit.DEFECT)
"""With several targets the exit code is that of the worst; worse stands further right."""

_CHOICES = (
    *("freeze", "max_freeze", "compress", "level", "hash", "draft", "untouched", "max_bytes"),
    *("timeout", "min_free", "devices", "touch_shared", "examiner", "case"),
    *("evidence_max_file", "evidence_max_total"),
)
"""Options that go to the library as they are."""

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


class _Size(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """Bytes, with a unit of 1,024 if wanted: 512M."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = value.strip().lower().removesuffix("ib").removesuffix("b")
        unit = text[-1:] if text[-1:] in _UNITS else ""
        try:
            found = int(text.removesuffix(unit)) * _UNITS[unit]
        except ValueError:
            self.fail(f"{value!r}: expected bytes, such as 1048576, 512M or 2G", param, ctx)
        if found < 0:
            self.fail(f"{value!r}: expected no less than 0", param, ctx)
        return found


SIZE = _Size()


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("targets", metavar="PID|NAME...", nargs=-1)
@click.option(
    "--all-of", multiple=True, metavar="NAME", help="All processes of this name, however many."
)
@click.option(
    "--container",
    multiple=True,
    metavar="ID",
    help="All processes of a container (docker, podman, containerd, CRI-O, LXC): its number, "
    "or the beginning of it. No daemon is asked.",
)
@click.option(
    "--unit",
    multiple=True,
    metavar="NAME",
    help="All processes of a systemd unit, a user's or the system's; .service may be left out.",
)
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    required=True,
    help="The dump; - is stdout. With several targets a folder, which is made if OUT ends with "
    "a slash, or a name that each PID is put into.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@click.option("--children", is_flag=True, help="All that the targets have started as well.")
@click.option(
    "--freeze",
    metavar="METHOD",
    default="",
    help="How the target is stopped; on Linux ptrace (default), cgroup, sigstop, snapshot (for "
    "milliseconds, to be copied) or none.",
)
@click.option(
    "--max-freeze",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Let the target go after this time in any case, and go on reading it.",
)
@click.option(
    "--compress", type=click.Choice(COMPRESSIONS), default="none", help="Compress the payloads."
)
@click.option("--level", type=int, help="The codec's level.")
@click.option(
    "--hash",
    type=click.Choice(tuple(HASHES)),
    default="blake3",
    help="What the dump's hashes are made with; some readers know only SHA-256.",
)
@click.option(
    "--draft",
    type=click.Choice(KNOWN),
    default=DRAFT,
    show_default=True,
    help="What to write. draft-2026-03 has no word for pages that were never touched, and no "
    "layout for threads and names of mappings; its readers read draft-2026-10 as well.",
)
@click.option(
    "--untouched",
    type=click.Choice(UNTOUCHED),
    default=UNTOUCHED[0],
    help="What draft-2026-03 says of pages that were never touched; later drafts say NotResident.",
)
@click.option(
    "--include",
    multiple=True,
    metavar="SELECTOR",
    help=f"Only these mappings: {', '.join(WORDS)}; address:FROM-TO, protection:rw-, type:heap or "
    "path:GLOB. May be given several times.",
)
@click.option("--exclude", multiple=True, metavar="SELECTOR", help="Not these mappings.")
@click.option("--devices", is_flag=True, help="Read device memory too; that can have side effects.")
@click.option(
    "--touch-shared",
    is_flag=True,
    help="Read absent pages of shared memory and files even where only the target can provide "
    "them: it grows by all that is read so, holes included, and may be killed for it.",
)
@click.option("--max-bytes", type=SIZE, metavar="SIZE", help="Stop before the dump is larger.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop after this time.",
)
@click.option(
    "--min-free",
    type=SIZE,
    default=MIN_FREE,
    metavar="SIZE",
    help="Keep this much free where the dump is written (64M).",
)
@click.option("--report", metavar="PATH", help="Where the report goes (OUT.report.json).")
@click.option("--no-report", is_flag=True, help="Write no report.")
@click.option(
    "--evidence",
    metavar="DIR",
    help="Keep the raw files of /proc and copies of the program, and of deleted files that it "
    "runs or has open, with a manifest of their hashes. With several targets, DIR/PID.",
)
@click.option(
    "--evidence-max-file",
    type=SIZE,
    default=MAX_EVIDENCE_FILE,
    metavar="SIZE",
    help="The largest file that is copied (64M).",
)
@click.option(
    "--evidence-max-total",
    type=SIZE,
    default=MAX_EVIDENCE_TOTAL,
    metavar="SIZE",
    help="All such copies together (1G).",
)
@click.option("--examiner", default="", metavar="TEXT", help="Who acquires; for the report.")
@click.option("--case", default="", metavar="TEXT", help="The case; for the report.")
@click.option("--note", "remark", default="", metavar="TEXT", help="A remark; for the report.")
@command_options
@run
@lack_refuses()
def acquire(targets: tuple[str, ...], output: str, **options: Any) -> int:
    """Capture a running process, page by page, with what the system knows of it.

    Every page gets a state: captured, or why not. Pages that were never touched are not
    read, so that the target does not grow. The target stands still meanwhile (see --freeze),
    and is let go as it was found, even if this program is killed. What the dump has no
    block for, and what became of every region, is in the report.

    \b
    Example:
      msl acquire 4242 -o sshd.msl --case 2026-117
      msl acquire 4242 -o - --compress zstd | ssh vault 'cat > sshd.msl'
      msl acquire --all-of nginx -o nginx/
      msl acquire --container 4f1d --unit postgresql -o evidence/

    Exit codes: 0 complete; 2 usage; 3 the output or the report can't be written; 4 the dump is
    valid and incomplete: interrupted, a limit, a full disk, a target that ended; 6 the target
    can't be acquired; 70 a defect of ours. With several targets, that of the worst of them
    (3, 6, 4, 0).
    """
    system = this_system(devices=options["devices"], touch_shared=options["touch_shared"])
    _check(system, options)
    wanted = Wanted(
        targets,
        options.pop("all_of"),
        options.pop("container"),
        options.pop("unit"),
        options.pop("children"),
    )
    if not wanted.anybody:
        raise click.UsageError("name a target: PID, NAME, --all-of, --container or --unit")
    meant = processes(system, wanted)
    for pid, why in meant.skipped.items():
        note(f"msl: process {pid} {why}: left out")
    pids = meant.pids
    paths = _paths(pids, output, several=meant.several)
    if options["report"] and len(pids) > 1:
        raise click.UsageError(f"--report is one file, there are {len(pids)} targets")
    if options["report"] == STDIO == output:
        raise click.UsageError("stdout takes the dump or the report, not both")
    kept = _evidence_places(pids, options, several=meant.several or len(pids) > 1)
    _check_places(pids, paths, options)
    interrupt = Interrupt()
    restore = _catch_signals(interrupt)
    try:
        return _each(system, pids, paths, kept, interrupt, options)
    finally:
        restore()


def _each(
    system: Backend,
    pids: Sequence[int],
    paths: Sequence[str],
    evidence: dict[int, Path],
    interrupt: Interrupt,
    options: dict[str, Any],
) -> int:
    worst = Exit.FINE
    refused: set[int] = set()
    if len(pids) > 1:  # dumps name each other: those that can't be made must not be named
        method = options["freeze"] or system.freezers[0]
        for pid in pids:
            try:
                system.preflight(pid, method)
            except TargetError as error:
                worst = max(worst, complain(error, f"process {pid}"), key=_WORST.index)
                refused.add(pid)
    places = {pid: path for pid, path in zip(pids, paths) if pid not in refused}
    pids = list(places)
    found = {pid: new_uuid() for pid in pids}
    families = _families(system, pids)
    for pid, path in places.items():
        related = [
            Related(found[other], other, families.get((pid, other), "unknown"))
            for other in pids
            if other != pid
        ]
        try:
            kept = evidence.get(pid)
            code = _one(system, pid, path, kept, interrupt, options, found[pid], related)
        except (TargetError, OSError) as error:
            if len(paths) == 1:
                raise
            code = complain(error, f"process {pid}")
        worst = max(worst, code, key=_WORST.index)
        if interrupt.reason:
            break
    return worst


def _one(
    system: Backend,
    pid: int,
    path: str,
    evidence: Path | None,
    interrupt: Interrupt,
    options: dict[str, Any],
    dump_uuid: Any,
    related: Sequence[Related],
) -> Exit:
    quiet = options["quiet"]
    kept = {name: options[name] for name in (*_CHOICES, "include", "exclude")}
    where = _report_path(path, options)
    with Bar(f"process {pid}", shown=not quiet) as bar:
        file: str | IO[bytes] = path if path != STDIO else _stdout()
        try:
            report = api.acquire(
                pid,
                file,
                force=options["force"],
                interrupt=interrupt,
                progress=bar if bar.shown else None,
                dump_uuid=dump_uuid,
                related=related,
                command_line=sys.argv,
                report=None if where == Path(STDIO) else where,
                backend=system,
                evidence=evidence,
                note=options["remark"],
                **kept,
            )
        except FileExistsError as error:
            raise click.UsageError(
                f"{error.filename or path}: is there already; --force replaces it"
            ) from None
    if where == Path(STDIO):
        try:
            with data_out() as out:
                out.writelines(pieces(report.summary()))
        except BrokenPipeError:  # the exit code must still say what came of it
            discard_stdout()
    files = ["stdout" if path == STDIO else path]
    files += [] if where is None or report.unwritten else [str(where)]
    files += [] if evidence is None else [f"{evidence}/"]
    code = _say(report, pid, files, quiet=quiet)
    if report.unwritten:
        note(f"msl: {where}: the report can't be written: {report.unwritten}")
    lost = (report["evidence"] or {}).get("detail", "")
    if lost:
        note(f"msl: {evidence}: the evidence is incomplete: {lost}")
    return Exit.UNREADABLE if report.complete and (report.unwritten or lost) else code


def _say(report: Report, pid: int, files: Sequence[str], *, quiet: bool) -> Exit:
    """Sum up on stderr; the exit code.

    Args:
        files: the dump, and what else was written.
    """
    if not report.complete:
        note(f"msl: {files[0]}: incomplete: {report.detail}; {held(report)}")
    elif not quiet:
        first, *more = summary(report, pid, files)
        note(f"msl: {first}")
        for line in more:
            note(f"  {line}")
    for line in deficiencies(report, pid):
        note(f"msl: {line}")
    outlived = report["after"]["verdict"] != "ended"
    return Exit.FINE if report.complete and outlived else Exit.INCOMPLETE


def _check(system: Backend, options: dict[str, Any]) -> None:
    """Refuse what no target can be acquired with.

    Raises:
        UsageError: an option has such a value.
    """
    if options["freeze"] and options["freeze"] not in system.freezers:
        raise click.UsageError(
            f"--freeze {options['freeze']}: on {system.name} there are {', '.join(system.freezers)}"
        )
    if options["evidence"] and not system.keeps_evidence:
        raise click.UsageError(f"--evidence: on {system.name} there is none")
    if options["no_report"] and options["report"]:
        raise click.UsageError("--report and --no-report contradict each other")
    try:
        Options(
            selection=Selection(options["include"], options["exclude"]),
            **{name: options[name] for name in _CHOICES},
        )
    except TargetError as error:
        raise click.UsageError(str(error)) from None


def _check_places(pids: Sequence[int], paths: Sequence[str], options: dict[str, Any]) -> None:
    """Refuse places that can't take what is to be written there, before anybody is touched.

    Raises:
        UsageError: something is there already, or two things would be.
        OSError: there is no such folder.
    """
    for path in paths:
        report = _report_path(path, options)
        if report is not None and path != STDIO and report.resolve() == Path(path).resolve():
            raise click.UsageError(f"{path}: is the dump, and can't be the report as well")
        places = [place for place in (path, report) if place is not None and str(place) != STDIO]
        for place in map(Path, places):
            if not place.parent.is_dir():
                raise FileNotFoundError(errno.ENOENT, "no such folder", str(place.parent))
            try:
                check_place(place, force=options["force"])
            except FileExistsError:
                raise click.UsageError(f"{place}: is there already; --force replaces it") from None
            except OSError as error:
                raise click.UsageError(f"{place}: {error.strerror}") from None


def _evidence_places(
    pids: Sequence[int], options: dict[str, Any], *, several: bool
) -> dict[int, Path]:
    """The folder for the evidence of each target; refuses what is taken, as the others are.

    Raises:
        UsageError: something is in it.
        OSError: it has no place, or can't be made.
    """
    if not options["evidence"]:
        return {}
    folder = Path(options["evidence"])
    if not folder.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", str(folder.parent))
    places = {pid: folder / str(pid) if several else folder for pid in pids}
    for place in places.values():
        try:
            EvidenceFolder.check(place, force=options["force"])
        except FileExistsError as error:
            raise click.UsageError(
                f"{place}: {error.strerror}; --force replaces the evidence in it"
            ) from None
    if several:
        with suppress(FileExistsError):
            folder.mkdir(0o700)
    return places


# -- who and where ---------------------------------------------------------------------


def _paths(pids: Sequence[int], output: str, *, several: bool) -> list[str]:
    """Where each dump goes.

    Args:
        several: there may be one only by chance: it is named as if there were more.

    Raises:
        UsageError: there is one place for several.
    """
    if output.endswith("/") and not os.path.exists(output):
        os.makedirs(output, 0o700)
    if os.path.isdir(output):
        return [str(Path(output) / f"{pid}.msl") for pid in pids]
    if len(pids) == 1 and (not several or output == STDIO):
        return [output]
    if output == STDIO:
        raise click.UsageError(f"stdout takes one dump, there are {len(pids)} targets")
    path = Path(output)
    return [str(path.with_name(f"{path.stem}-{pid}{path.suffix}")) for pid in pids]


def _families(system: Backend, pids: Sequence[int]) -> dict[tuple[int, int], str]:
    """Who is whose child, among several targets: (this one, the other one) to what it is."""
    below: dict[int, set[int]] = {}
    if len(pids) > 1:
        for pid in pids:
            below[pid] = set()
            with suppress(TargetError, OSError):
                below[pid] = set(system.children(pid))
    found: dict[tuple[int, int], str] = {}
    for pid, descendants in below.items():
        own = descendants & set(pids)
        for child in own:  # not the children's children
            if not any(child in below[other] for other in own):
                found[pid, child] = "child"
                found[child, pid] = "parent"
    return found


def _report_path(path: str, options: dict[str, Any]) -> Path | None:
    if options["no_report"]:
        return None
    if options["report"]:
        return Path(options["report"])
    regular = path != STDIO and (os.path.isfile(path) or not os.path.exists(path))
    return beside(path) if regular else None


def _stdout() -> IO[bytes]:
    if sys.stdout.isatty():
        raise click.UsageError("stdout is a terminal: a dump would garble it")
    sys.stdout.flush()
    try:
        os.write(sys.stdout.fileno(), b"")
    except OSError as error:
        raise OSError(error.errno, "stdout is closed, or not open for writing") from None
    return open(sys.stdout.fileno(), "wb", buffering=0, closefd=False)


def _catch_signals(interrupt: Interrupt) -> Callable[[], None]:
    """Turn signals that would end us into a request; what undoes that."""
    before: dict[int, Any] = {}

    def request(number: int, _: Any) -> None:
        interrupt.request(f"stopped by {signal.Signals(number).name}")

    for name in ENDING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            with suppress(ValueError, OSError):  # not in the main thread
                before[number] = signal.signal(number, request)

    for name in ("SIGTSTP", "SIGTTIN", "SIGTTOU"):  # stopped, we could let nobody go in time
        number = getattr(signal, name, None)
        if number is not None:
            with suppress(ValueError, OSError):
                before[number] = signal.signal(number, signal.SIG_IGN)

    def restore() -> None:
        for number, handler in before.items():
            # What came of it is decided: the exit code must say so.
            signal.signal(number, signal.SIG_IGN if handler is untouched else handler)

    return restore
