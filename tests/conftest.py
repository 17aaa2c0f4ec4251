"""What all tests share: where foreign material lies, and how hard hypothesis tries."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

_COMMON: dict[str, Any] = {
    "deadline": None,  # a slow machine is no defect
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}
settings.register_profile("default", max_examples=30, **_COMMON)
settings.register_profile("ci", max_examples=100, derandomize=True, database=None, **_COMMON)
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


@pytest.fixture(scope="session")
def draft_texts() -> dict[str, str]:
    """The Markdown of both drafts by name."""
    return {
        name: shared("format", f"{name}.md").read_text(encoding="utf-8")
        for name in ("draft-2026-03", "draft-2026-10")
    }


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
