"""``msl acquire``."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import click

from msl_construct.cli.common import (
    Exit,
    command,
    complain,
    note,
)
from msl_construct.cli.drafts import draft_option
from msl_construct.cli.keys import encryption_of, encryption_options
from msl_construct.cli.start import ENDING, untouched
from msl_construct.encryption.sealing import Encryption
from msl_construct.errors import TargetError

from .backend import Backend
from .backends import backend as this_system
from .bounds import Interrupt
from .command import Command
from .memory_words import WORDS
from .naming import Wanted, processes
from .needs import lack_refuses
from .options import (
    COMPRESSIONS,
    DRAFT,
    HASHES,
    MAX_EVIDENCE_FILE,
    MAX_EVIDENCE_TOTAL,
    MAX_FREEZE,
    MIN_FREE,
    UNTOUCHED,
    Options,
)
from .output_places import Places
from .rehearsal import rehearse
from .selection import Selection
from .windows.console import hear_console

__all__ = ["acquire"]

_CHOICES = (
    *("freeze", "max_freeze", "compress", "level", "hash", "draft", "untouched", "max_bytes"),
    *("timeout", "min_free", "devices", "touch_shared", "examiner", "case"),
    "investigation",
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


class _Seconds(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """Seconds, or ``none``."""

    name = "seconds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        if value == "none":
            return None
        try:
            found = float(value)
        except ValueError:
            found = 0.0
        if not found > 0:
            self.fail(f"{value!r}: expected seconds, more than 0, or none", param, ctx)
        return found


SIZE, SECONDS = _Size(), _Seconds()


@command()
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
    help="The dump, or its address (s3://...); - is stdout. With several targets a folder, which "
    "is made if OUT ends with a slash, or a name that each PID is put into.",
)
@click.option("--force", "-f", is_flag=True, help="Replace files that are there.")
@click.option("--children", is_flag=True, help="All that the targets have started as well.")
@click.option(
    "--one-by-one",
    is_flag=True,
    help="Stop, read and let go one target after the other, instead of stopping all of them "
    "before the first is read.",
)
@click.option(
    "--freeze",
    metavar="METHOD",
    default="",
    help="How the target is stopped; on Linux ptrace (default), cgroup, sigstop, snapshot (for "
    "milliseconds, to be copied) or none; on Windows suspend (default), threads, snapshot or none.",
)
@click.option(
    "--max-freeze",
    type=SECONDS,
    default=MAX_FREEZE,
    metavar="SECONDS",
    help="Refuse what would stop the target for longer, and let it go after this time in any case "
    f"({MAX_FREEZE:g}); none for no bound.",
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
@draft_option(
    "What to write. draft-2026-03 has no word for pages that were never touched, and no "
    "layout for threads and names of mappings; its readers read draft-2026-10 as well.",
    default=DRAFT,
    show_default=True,
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
@click.option(
    "--resume",
    is_flag=True,
    help="Windows: only let the targets run on that an acquirer has left stopped.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Touch nobody and write nothing: show on stdout what it would take, and what would be "
    "refused (exit code 6 then). OUT may be left out.",
)
@click.option("--json", "as_json", is_flag=True, help="With --dry-run: as a line of JSON.")
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
@click.option(
    "--encrypt",
    is_flag=True,
    help="Encrypt the dump, with one of the keys below; the report beside it is not encrypted.",
)
@encryption_options
@click.option(
    "--investigation",
    is_flag=True,
    help="Describe the machine as well: its processes and connections, and the target's "
    "descriptors, as tables in the dump.",
)
@click.option("--examiner", default="", metavar="TEXT", help="Who acquires; for the report.")
@click.option(
    "--case",
    default="",
    metavar="TEXT",
    help="The case; for the report, and with --investigation for the dump.",
)
@click.option("--note", "remark", default="", metavar="TEXT", help="A remark; for the report.")
@lack_refuses()
def acquire(targets: tuple[str, ...], output: str | None, quiet: bool, **options: Any) -> int:
    """Capture a running process, page by page, with what the system knows of it.

    Every page gets a state: captured, or why not. Pages that were never touched are not
    read, so that the target does not grow. The target stands still meanwhile (see --freeze),
    and is let go as it was found, even if this program is killed. What the dump has no
    block for, and what became of every region, is in the report.

    \b
    Example:
      msl acquire 4242 -o sshd.msl --case 2026-117
      msl acquire 4242 -o - --compress zstd | ssh vault 'cat > sshd.msl'
      msl acquire 4242 --dry-run
      msl acquire --all-of nginx -o nginx/
      msl acquire --container 4f1d --unit postgresql -o evidence/

    Exit codes: 0 complete; 2 usage; 3 the output or the report can't be written; 4 the dump is
    valid and incomplete: interrupted, a limit, a full disk, a target that ended; 6 the target
    can't be acquired; 70 a defect of ours. With several targets, that of the worst of them
    (3, 6, 4, 0).
    """
    encryption = _encryption(options)
    system = this_system(devices=options["devices"], touch_shared=options["touch_shared"])
    _check(system, options, encryption)
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
    if options.pop("resume"):
        if output is not None or options["dry_run"]:
            raise click.UsageError("--resume acquires nothing: leave --output and --dry-run out")
        return _resumed(system, pids)
    dry, as_json = options.pop("dry_run"), options.pop("as_json")
    if dry:
        chosen = {name: options[name] for name in (*_CHOICES, "include", "exclude")}
        chosen["encryption"] = encryption
        return rehearse(system, pids, output, chosen, as_json=as_json)
    if as_json:
        raise click.UsageError("--json is for --dry-run; the report of an acquisition is JSON")
    if output is None:
        raise click.UsageError("say with -o where the dump goes")
    places = Places(
        output,
        each=meant.several or len(pids) > 1,
        report=options["report"] or "",
        no_report=options["no_report"],
        evidence=options["evidence"] or "",
        force=options["force"],
    )
    places.check(pids)
    interrupt = Interrupt()
    kept = {name: options[name] for name in (*_CHOICES, "include", "exclude")}
    acquiring = Command(
        system,
        places,
        interrupt,
        {**kept, "note": options["remark"], "encryption": encryption},
        alone=len(pids) == 1,
        quiet=quiet,
    )
    restore = _catch_signals(interrupt)
    hear_no_more = hear_console(interrupt.request)
    try:
        if options["one_by_one"]:
            acquiring.one_by_one(pids, options["freeze"] or system.freezers[0])
        else:
            acquiring.together(pids, children=wanted.children)
    finally:
        hear_no_more()
        restore()
    return acquiring.code


def _resumed(system: Backend, pids: Sequence[int]) -> Exit:
    """Let each run that can be, whatever becomes of the others; the exit code."""
    code = Exit.FINE
    for pid in pids:
        try:
            note(f"msl: {system.resume(pid)}")
        except TargetError as error:
            code = complain(error)
    return code


def _encryption(options: dict[str, Any]) -> Encryption | None:
    """How the dump is to be encrypted, taken out of the options.

    Raises:
        click.UsageError: a key without --encrypt, or the other way round.
    """
    asked = options.pop("encrypt")
    found = encryption_of(options)
    if asked and found is None:
        raise click.UsageError("--encrypt: with which key? --public-key, --passphrase-file, ...")
    if found is not None and not asked:
        raise click.UsageError("a key is given: say --encrypt to have the dump encrypted")
    return found


def _check(system: Backend, options: dict[str, Any], encryption: Encryption | None) -> None:
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
            encryption=encryption,
        )
    except TargetError as error:
        raise click.UsageError(str(error)) from None


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
