"""A part of the large suites in each run, the same for everybody, and all on demand.

A suite that has more cases than a run has time for is marked, and says what stays covered::

    @sampled("key")  # of each value of `key` some cases, whatever the part
    @pytest.mark.parametrize(("draft", "order", "key"), all_layouts())
    def test_...

A test that goes over many cases itself takes `part_of` them. The cases of a kind are dealt out
to the parts one after the other, so that the parts together are the whole; a kind with fewer
cases than there are parts has one case in each.

A test that takes `COSTLY` seconds of processor time stands in `COSTS`, and is dealt out too: a run
has one in fourteen of those of a module, or of those of all modules that have few; but for those
that see whether a target or a file comes to harm (`HARM`).

``MSL_SAMPLE=3/16`` takes the third of sixteen parts, ``MSL_SAMPLE=today`` another with each day,
``MSL_WHOLE=1`` all cases. By default whoever names files or tests gets all of them, and a run of
everything the first part: what a change must pass is what its author ran. A part that went with
the commit would be one that nobody has run before.
"""

from __future__ import annotations

import os
import re
import time
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest

__all__ = [
    "COSTLY",
    "COSTLY_PARTS",
    "COSTS",
    "EVERYTHING",
    "HARM",
    "PARTS",
    "SAMPLE",
    "TODAY",
    "WHOLE",
    "Part",
    "chosen",
    "costs",
    "only_whole",
    "part_of",
    "sampled",
    "subject",
]

SAMPLE, WHOLE = "MSL_SAMPLE", "MSL_WHOLE"
TODAY = "today"
PARTS = 16
"""How many parts there are unless somebody says otherwise."""
COSTLY = 0.2
"""Seconds of processor time, children included, from which on a test is one of `COSTS`."""
COSTS = Path(__file__).with_name("costs.txt")
"""Tests that are `COSTLY`, each behind its seconds; ``MSL_COSTS=1 pytest`` measures them anew."""
COSTLY_PARTS = 14
"""How many parts costly tests are dealt out to, at the most."""
_ALWAYS = (
    *("test_traceability.py", "test_corpus.py", "test_schema_facts.py"),
    *("test_names.py", "test_imports.py", "test_import_order.py"),
    "test_analyst_session.py",
)
"""Modules that ask whether everything is covered, how the house is built, and for its main road."""
HARM = (
    "test_acquire_appearing.py::test_killed_when_it_appears",
    "test_acquire_armed.py::test_interrupted_before_the_first_stop",
    "test_acquire_armed.py::test_one_for_whom_no_guardian_can_be_started",
    "test_acquire_bound.py::test_a_guardian_in_a_thread_where_a_child_may_not_trace",
    "test_acquire_bound.py::test_an_acquirer_that_traces_itself_and_is_stopped_is_ended",
    "test_acquire_bound.py::test_max_freeze_though_the_acquirer_s_group_is_frozen",
    "test_acquire_cli.py::test_a_link_is_not_followed_into_what_exists",
    "test_acquire_cli.py::test_a_report_that_exists_is_not_overwritten",
    "test_acquire_cli.py::test_itself",
    "test_acquire_cli.py::test_what_exists_is_not_overwritten",
    "test_acquire_estimate.py::test_a_dry_run_touches_nobody_and_writes_nothing",
    "test_acquire_freeze.py::test_a_handler_of_the_signal_that_wakes_runs_once",
    "test_acquire_freeze.py::test_counters_stand_still_and_move_again",
    "test_acquire_killed.py::test_a_reader_that_does_not_read_blocks_nothing_for_ever",
    "test_acquire_killed.py::test_interrupted_twice",
    "test_acquire_killed.py::test_killed_while_the_target_was_stopped_by_somebody_else",
    "test_acquire_killed.py::test_the_disk_fills_up",
    "test_acquire_perturbation.py::test_a_gigabyte_never_touched_stays_so_and_is_stored_as_zeros",
    "test_acquire_report.py::test_where_no_report_can_be_nobody_is_touched",
    "test_acquire_reviewed.py::test_a_device_is_not_unlinked_by_a_report_that_fails",
    "test_acquire_reviewed.py::test_a_reader_that_takes_nothing_holds_nobody",
    "test_acquire_seccomp.py::test_a_filter_of_one_thread_only",
    "test_acquire_snapshot.py::test_a_copy_gives_its_memory_back_while_it_is_the_kernels_first_choice",
    "test_acquire_snapshot.py::test_a_filter_that_kills_for_clone_is_suspended",
    "test_acquire_snapshot.py::test_a_process_that_was_stopped_stays_stopped",
    "test_acquire_snapshot.py::test_blocked_calls_survive_the_whole_acquisition",
    "test_acquire_snapshot.py::test_nothing_is_left_when_the_acquirer_is_killed",
    "test_acquire_snapshot.py::test_the_copy_dies_with_the_guardian",
    "test_acquire_snapshot.py::test_the_copy_goes_before_memory_is_short",
    "test_acquire_snapshot.py::test_the_copy_goes_when_the_target_ends",
    "test_acquire_snapshot.py::test_the_copy_goes_when_the_target_executes_another_program",
    "test_acquire_together.py::test_a_defect_while_one_is_read_lets_all_go",
    "test_acquire_together.py::test_interrupted_all_are_let_go",
    "test_acquire_together.py::test_killed_all_are_let_go",
    "test_acquire_trial.py::test_nothing_is_tried_on_whom_it_is_told",
    "test_append.py::test_a_segment_stands_behind_what_was_there",
    "test_append.py::test_files_that_nothing_is_appended_to",
    "test_append.py::test_whoever_appends_is_killed",
    "test_candidates.py::test_patterns_are_written_over_nothing_that_is_read",
    "test_cli_streams.py::test_build_to_a_file_and_not_over_it",
    "test_convert_limits.py::test_what_stands_before_it_in_standard_output_stays",
    "test_outputs.py::test_a_link_is_refused_and_not_followed",
    "test_remote_s3.py::test_a_report_that_is_there_already_stays",
    "test_report.py::test_a_file_that_is_there_stays",
    "test_report.py::test_a_secret_of_a_command_line_is_in_no_path_and_no_name",
    "test_report.py::test_what_is_redacted_is_nowhere",
    "test_signing.py::test_what_is_there_is_not_replaced",
    "test_windows_guardian.py::test_closed_while_it_holds",
    "test_windows_guardian.py::test_each_thread_is_as_it_was_found",
    "test_windows_guardian.py::test_ends_while_it_is_asked",
    "test_windows_guardian.py::test_interrupted_before_it_is_asked",
    "test_windows_guardian.py::test_killed_when_no_counts_are_told",
    "test_windows_guardian.py::test_killed_while_it_holds",
    "test_windows_guardian.py::test_who_does_not_answer",
)
"""Costly tests that a run has nevertheless: what they see would harm a target, or a file."""

Case = TypeVar("Case")


class Part(NamedTuple):
    """One part of so many.

    Attributes:
        number: from 1.
        of: how many parts there are.
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Part:
        """``3/8``.

        Raises:
            ValueError: it is nothing of that kind.
        """
        number, _, of = text.partition("/")
        part = cls(int(number), int(of))
        if not 1 <= part.number <= part.of:
            raise ValueError(text)
        return part

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


EVERYTHING = Part(1, 1)


def chosen(named: bool) -> Part:
    """The part that a run takes.

    Args:
        named: whoever started it named files or tests.

    Raises:
        pytest.UsageError: `SAMPLE` is no part.
    """
    if os.environ.get(WHOLE, "0") not in ("", "0"):
        return EVERYTHING
    text = os.environ.get(SAMPLE, "")
    if not text:
        return EVERYTHING if named else Part(1, PARTS)
    if text == TODAY:
        return Part(int(time.time()) // (24 * 3600) % PARTS + 1, PARTS)
    try:
        return Part.parse(text)
    except ValueError:
        raise pytest.UsageError(
            f"{SAMPLE} is a part such as 3/{PARTS}, or {TODAY}, not {text!r}"
        ) from None


def part_of(
    cases: Iterable[Case], *kinds: Callable[[Case], Hashable], part: Part | None = None
) -> list[Case]:
    """The cases that are in this run's part, in their order.

    Args:
        kinds: what a case is an instance of; some of each are taken.
        part: by default, that of `SAMPLE`.
    """
    part = part or Part.parse(os.environ.get(SAMPLE, str(EVERYTHING)))
    cases = list(cases)
    taken: set[int] = set()
    first, *others = kinds or (lambda case: None,)
    for kind in (first, *others):
        instances: dict[Hashable, list[int]] = {}
        for number, case in enumerate(cases):
            instances.setdefault(kind(case), []).append(number)
        for name, numbers in instances.items():
            # The first kind deals all cases out; others add what is not yet covered.
            if kind is first or taken.isdisjoint(numbers):
                # Kinds begin at different cases: else all would take, say, the same draft's.
                turn = part.number - 1 + zlib.crc32(repr(name).encode())
                every = min(part.of, len(numbers))
                taken.update(numbers[turn % every :: every])
    return [case for number, case in enumerate(cases) if number in taken]


def only_whole(elsewhere: str) -> None:
    """Skip a test that can't be divided, where a run takes a part.

    Args:
        elsewhere: what sees to it in such a run.
    """
    if Part.parse(os.environ.get(SAMPLE, str(EVERYTHING))) != EVERYTHING:
        pytest.skip(f"takes long, and {elsewhere}; {WHOLE}=1 runs it")


def sampled(*parameters: str | tuple[str, ...]) -> pytest.MarkDecorator:
    """Marks a parametrised test of which a run takes a part.

    Args:
        parameters: those of which every value stays covered; of a tuple, every combination.
    """
    return pytest.mark.sampled(*parameters)


def costs(path: Path = COSTS) -> dict[str, float]:
    """Seconds of processor time by the ID of a test: of those that are costly."""
    lines = path.read_text("utf-8").splitlines()
    return {name: float(cost) for cost, _, name in (line.partition("  ") for line in lines)}


def write_costs(measured: dict[str, float], path: Path = COSTS) -> None:
    """Keep those of the tests that are costly."""
    costly = {name: cost for name, cost in measured.items() if cost >= COSTLY}
    text = "".join(f"{cost:.1f}  {name}\n" for name, cost in sorted(costly.items()))
    path.write_text(text, "utf-8")


def deselect(
    items: Sequence[pytest.Item], costly: Collection[str] = ()
) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Those of the items that are in this run's part or not sampled, and the others.

    Args:
        costly: IDs of tests of which a part is enough.
    """
    suites: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("sampled"):
            suites.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left_out: set[pytest.Item] = set()
    for name, suite in suites.items():
        (mark,) = suite[0].iter_markers("sampled")
        left_out.update(suite)
        kinds = [_value(name, parameter) for parameter in mark.args or ((),)]
        left_out.difference_update(part_of(suite, *kinds))
    part = Part.parse(os.environ.get(SAMPLE, str(EVERYTHING)))
    parts = min(part.of, COSTLY_PARTS)
    dealt_out = [
        item
        for item in items
        if item.nodeid in costly
        and item.path.name not in _ALWAYS
        and not item.nodeid.partition("[")[0].endswith(HARM)
        and not item.get_closest_marker("sampled")
    ]
    left_out.update(dealt_out)
    part = Part((part.number - 1) % parts + 1, parts)
    of_module = Counter(item.path for item in dealt_out)

    def pile(item: pytest.Item) -> str:
        return item.path.name if of_module[item.path] >= parts else ""

    left_out.difference_update(part_of(dealt_out, pile, part=part))
    return [i for i in items if i not in left_out], [i for i in items if i in left_out]


def _value(suite: str, parameter: str | tuple[str, ...]) -> Callable[[pytest.Item], Hashable]:
    """What gives the value of a parameter, by a name that all processes have for it.

    The suite's name goes with it: else one part would take, say, the same draft in all of them.
    """
    names = (parameter,) if isinstance(parameter, str) else parameter

    def value(item: pytest.Item) -> tuple[str, str]:
        assert isinstance(item, pytest.Function)
        found = repr([item.callspec.params[name] for name in names])
        assert " at 0x" not in found, f"{item.nodeid}: another name in each process"
        return suite.rpartition("/")[2], found

    return value


_SUBJECT = re.compile(r"MSLX?-[\d.]+|alone-[a-z-]+?(?=-\d\d-[bl]e$)|[a-z]+")


def subject(name: str) -> str:
    """What a sample or a generated specimen is about, by its name without a suffix.

    A section of the specification, a structure that stands alone, or a specimen's first word.
    """
    found = _SUBJECT.match(name)
    return name if found is None else found[0]
