"""What all tests share: where foreign material lies, how hard hypothesis tries, which part of
the large suites a run takes, and what the processes of a run make once."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sampling
from acquire_targets import DIRECTORY
from forking import Server
from hypothesis import HealthCheck, settings

_COMMON: dict[str, Any] = {
    "deadline": None,  # a slow machine is no defect
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}
settings.register_profile("default", max_examples=30, **_COMMON)
settings.register_profile("ci", max_examples=40, derandomize=True, database=None, **_COMMON)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "default")
)


def _hear_signals() -> None:
    """Let the programs that tests start hear the signals that tests send them.

    A shell's background job ignores SIGINT, nohup's ignores SIGHUP, and whatever they start
    inherits that. A handler is not inherited: with one that does nothing, this process stays
    as deaf as it was meant to be.
    """
    for name in ("SIGINT", "SIGQUIT", "SIGHUP", "SIGTERM", "SIGTSTP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


_hear_signals()

SHARED = Path(os.environ.get("MSL_SHARED", Path(__file__).parents[2] / "shared"))


def shared(*parts: str) -> Path:
    """A path below ../shared; skips the test, by name, where it isn't there."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs ../shared/{'/'.join(parts)}")
    return path


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of files that other people's tools wrote."""
    return shared("samples")


@pytest.fixture
def open_tmp() -> Iterator[Path]:
    """A temporary directory that everybody may enter.

    Pytest's own are not: whenever another pytest of ours starts, it closes the one above them.
    """
    with tempfile.TemporaryDirectory(prefix="open-") as name:
        for folder in (path := Path(name), *path.parents):
            if folder.stat().st_uid == os.getuid() and not folder.stat().st_mode & 0o001:
                folder.chmod(folder.stat().st_mode | 0o011)
        yield path


@pytest.fixture(scope="session")
def draft_texts() -> dict[str, str]:
    """The Markdown of both drafts by name."""
    return {
        name: shared("format", f"{name}.md").read_text(encoding="utf-8")
        for name in ("draft-2026-03", "draft-2026-10")
    }


_SOME = "some modules"
"""Whether a process of a run is not to collect all of them."""


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process what the command line says, which it doesn't see."""
    node.workerinput[_SOME] = _named(node.config)


def _named(config: pytest.Config) -> bool:
    """Whether somebody named files or tests."""
    return config.args_source is not config.ArgsSource.TESTPATHS or bool(config.option.keyword)


def _import_a_share(config: pytest.Config) -> None:
    """Import those test modules first that no other process of this run begins with.

    Pytest rewrites the asserts of a module that is imported for the first time, which takes longer
    than all else about collecting. Each process would do it for each module, at the same time as
    the others; what one has rewritten, the others find.
    """
    worker: dict[str, Any] = config.workerinput  # type: ignore[attr-defined]
    if sys.dont_write_bytecode or worker[_SOME]:
        return
    number, count = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
    paths = sorted(Path(__file__).parent.glob("test_*.py"), key=lambda path: path.stat().st_size)
    for path in paths[number % count :: count]:
        # What is wrong with a module, or why it is skipped, is said when it is collected.
        with contextlib.suppress(Exception, pytest.skip.Exception):
            importlib.import_module(path.stem)


def pytest_configure(config: pytest.Config) -> None:
    """Decide once, for all processes of this run, what they have in common."""
    # xdist tells its processes 80; the commands that tests run write to no terminal.
    os.environ.pop("COLUMNS", None)
    config.addinivalue_line("markers", "sampled(*parameters): a run takes a part, see sampling.py")
    if hasattr(config, "workerinput"):
        _import_a_share(config)
        return
    named = _named(config)
    os.environ[sampling.SAMPLE] = str(sampling.chosen(named))
    made = tempfile.mkdtemp(prefix="msl-tests-")
    config.add_cleanup(lambda: shutil.rmtree(made, ignore_errors=True))
    os.chmod(made, 0o711)  # some tests run commands as another user
    os.environ.setdefault(DIRECTORY, made)
    if sys.dont_write_bytecode:
        # Each command that a test runs would compile the package anew.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(made, "bytecode"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the cases of sampled suites that are in other parts."""
    items[:], left_out = sampling.deselect(items, sampling.costs())
    if left_out:
        config.hook.pytest_deselected(items=left_out)
    _spread(items)


_MEASURED = "MSL_COSTS"
_COST = "processor time"
_BEGAN = pytest.StashKey[float]()


def _processor_time() -> float:
    """Seconds that this process, the children that it waited for and forked commands have had."""
    return sum(os.times()[:4]) + Server.taken


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Remember when a test began, in processor time."""
    item.stash[_BEGAN] = _processor_time()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Tell the report what a test took."""
    try:
        return (yield)
    finally:
        if os.environ.get(_MEASURED):
            took = round(_processor_time() - item.stash[_BEGAN], 2)
            item.user_properties.append((_COST, took))


_LONGEST = ("test_languages", "test_generate", "test_adapters", "test_schema_change", "test_docs")
"""What the modules begin with whose tests take longest: they wait for other people's compilers."""


def _spread(items: list[pytest.Item]) -> None:
    """Begin with the longest modules, and put those that wait between those that compute."""
    modules: dict[Path, list[pytest.Item]] = {}
    for item in sorted(items, key=lambda item: not item.path.name.startswith(_LONGEST)):
        modules.setdefault(item.path, []).append(item)
    waiting = [path for path in modules if path.name.startswith("test_acquire")]
    computing = [path for path in modules if path not in waiting]
    order = {
        path: (number + 0.5) / len(paths)
        for paths in (waiting, computing)
        for number, path in enumerate(paths)
    }
    items[:] = [item for path in sorted(modules, key=order.__getitem__) for item in modules[path]]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which part it was, and keep what tests cost if that is asked for."""
    if os.environ.get(_MEASURED):
        reports = [r for rs in terminalreporter.stats.values() for r in rs]
        sampling.write_costs(
            {
                report.nodeid: cost
                for report in reports
                for name, cost in getattr(report, "user_properties", ())
                if name == _COST
            }
        )
    part = os.environ[sampling.SAMPLE]
    if part != str(sampling.EVERYTHING):
        terminalreporter.write_line(
            f"part {part} of the sampled suites: {sampling.SAMPLE}={part} takes it again, "
            f"{sampling.WHOLE}=1 takes all"
        )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Twice as many processes as there are processors: half of the time a test waits for others.

    `PYTEST_XDIST_AUTO_NUM_WORKERS` is obeyed, as by xdist itself.
    """
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    usable = getattr(os, "sched_getaffinity", None)
    return 2 * (len(usable(0)) if usable else os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each process a stretch of the tests, and what is left over to whoever is done.

    Tests of one module so share what they made, and programs that they build or install are
    waited for by one process at most. Another ``--dist`` is obeyed.
    """
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Windows' Python under Wine; skips the test, by name, where there is none, or it is not asked
    for: starting each program takes seconds."""
    if os.environ.get("MSL_WINDOWS", "0") == "0":
        pytest.skip("needs MSL_WINDOWS=1, and Wine")
    from windows.environment import Missing, opened

    try:
        with opened(tmp_path_factory.mktemp("wine")) as found:
            yield found
    except Missing as missing:
        pytest.skip(f"needs Wine: {missing}")


@pytest.fixture(scope="session")
def wine_python(wine: Any) -> Iterator[Any]:
    """One Python under Wine for all tests: starting one takes seconds."""
    from windows.targets import Runner

    runner = Runner.there(wine, wine.folder)
    yield runner
    runner.close()


@pytest.fixture(scope="module")
def under_wine(wine_python: Any, folder: Path) -> Any:
    """Runs ``msl`` under Wine, in the ``folder`` of the module."""
    return wine_python.within(folder)
