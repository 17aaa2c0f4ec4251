"""What all tests share: where foreign material lies, and how hard hypothesis tries."""

from __future__ import annotations

import os
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
