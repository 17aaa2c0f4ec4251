"""A lake by the workers of a Dask cluster: what one process makes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from test_lake import folder, table  # noqa: F401 - a fixture

from msl_construct.errors import StreamError
from msl_construct.lake.cluster import on_cluster
from msl_construct.lake.making import TablePlan, default_tables, make_lake, sources_in

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")


def test_a_cluster_makes_the_same(folder: Path) -> None:  # noqa: F811
    sources = list(sources_in([str(folder)]))
    tables = default_tables(())
    alone, together = (
        TablePlan(str(folder.parent / name), "ndjson", tables) for name in ("alone", "together")
    )
    expected = {(one.source, one.error) for one in make_lake(sources, alone)}
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address
        done = list(make_lake(sources, together, cluster=address))
        assert {(one.source, one.error) for one in done} == expected
        assert all(
            one.again for one in make_lake(sources, together, cluster=address) if not one.error
        )
    for path in Path(alone.folder).rglob("*.ndjson"):
        other = Path(together.folder) / path.relative_to(alone.folder)
        assert other.read_bytes() == path.read_bytes()
    assert table(Path(together.folder), "errors")


def test_a_scheduler_that_is_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr("msl_construct.lake.cluster._CONNECTS_WITHIN", 0.5)
    plan = TablePlan(str(folder.parent / "none"), "ndjson", ("blocks",))
    with pytest.raises(StreamError, match="no scheduler"):
        list(make_lake([], plan, cluster="tcp://127.0.0.1:9"))


def test_a_scheduler_without_workers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Work that is handed to it would wait for ever."""
    monkeypatch.setattr("msl_construct.lake.cluster._CONNECTS_WITHIN", 5)
    plan = TablePlan(str(folder.parent / "none"), "ndjson", ("blocks",))
    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None) as cluster,
        pytest.raises(StreamError, match="no worker"),
    ):
        list(make_lake([], plan, cluster=cluster.scheduler_address))


def test_workers_that_vanish(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """What they had begun would never be done."""
    monkeypatch.setattr("msl_construct.lake.cluster._LOOK_EVERY", 0.2)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        work = on_cluster(cluster.scheduler_address, _slow, [(n,) for n in range(8)])
        assert next(work) in range(8)
        monkeypatch.setattr("msl_construct.lake.cluster._CONNECTS_WITHIN", 2)
        cluster.scale(0)
        with pytest.raises(StreamError, match=r"workers of Dask have gone|a worker of Dask"):
            list(work)


def test_a_scheduler_that_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose client was closed, since it did not answer any more."""
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        work = on_cluster(cluster.scheduler_address, _slow, [(n,) for n in range(8)])
        assert next(work) in range(8)

        def submit(*args: object, **options: object) -> None:
            raise distributed.client.ClosedClientError("closed")

        monkeypatch.setattr(distributed.Client, "submit", submit)
        with pytest.raises(StreamError, match="the scheduler of Dask: closed"):
            list(work)


def _slow(number: int) -> int:
    time.sleep(0.3)
    return number
