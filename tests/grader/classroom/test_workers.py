"""Workers that die, and submissions that kill them: on a scheduler with processes of its own."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from distributed import LocalCluster

from grader.classroom import cluster, fingerprint
from grader.classroom.cluster import ClusterError, Where
from tests.grader.classroom.conftest import REAL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.grader.classroom.conftest import Classroom


@pytest.fixture
def scheduler(
    tmp_path: Path, classroom: Classroom, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The address of a scheduler with two workers that come back when they die.

    They are processes of their own, with the grader as it is.
    """
    del classroom
    monkeypatch.setattr(fingerprint, "of_grader", REAL)
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=cluster.NOWHERE,
        silence_logs=50,
        memory_limit=0,
        local_directory=str(tmp_path),
    ) as workers:
        yield workers.scheduler_address


def test_dead_workers(classroom: Classroom, scheduler: str) -> None:
    """What a dead worker was grading is graded elsewhere; what kills every worker is reported.

    Nobody else loses anything by it, and the next run does not try it again.
    """
    for number in range(4):
        classroom.put(f"s{number}")
    classroom.put("evil", "kill-worker")
    classroom.put("unlucky", "kill-worker-once")
    run = classroom.run(Where(2, scheduler=scheduler))
    errors = {row.student.id: row.error for row in run.rows()}
    assert "it ended 3 workers" in errors.pop("evil")
    assert set(errors.values()) == {""}
    ended = classroom.ended()
    assert "unlucky emulator" in ended
    assert "evil emulator" not in ended
    assert not [row for row in run.rows() if row.is_missing]
    classroom.run(Where(2))
    assert classroom.ended() == ended


def test_another_grader(
    classroom: Classroom, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker with another grader than the class run's gives no scores."""
    classroom.put("ada")
    monkeypatch.setattr(fingerprint, "of_grader", lambda: {"grader/oracle.py": "another"})
    run = classroom.run(Where(1, scheduler=scheduler))
    assert ["another grader" in row.error for row in run.rows()] == [True]
    assert classroom.ended() == []


def test_no_scheduler(classroom: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler that does not answer is one sentence with its address."""
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    classroom.put("ada")
    with pytest.raises(ClusterError, match=r"tcp://127\.0\.0\.1:9 does not answer"):
        classroom.run(Where(1, scheduler="tcp://127.0.0.1:9"))


def test_slurm(classroom: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Slurm queue gets a job for each GPU, with one device and cores beside it."""
    asked: dict[str, Any] = {}

    def fake(**options: Any) -> Any:
        """dask-jobqueue's cluster, with workers in this process."""
        asked.update(options)
        words = options["worker_extra_args"][1].split(",")
        able = {name: float(count) for name, _, count in (w.partition("=") for w in words)}
        workers: Any = LocalCluster(
            n_workers=0, processes=False, dashboard_address=cluster.NOWHERE, resources=able,
            threads_per_worker=options["cores"], memory_limit=0,
            local_directory=options["local_directory"],
        )  # fmt: skip
        scale = workers.scale

        def scale_jobs(n: int = 0, jobs: int = 0) -> None:
            asked.setdefault("jobs", jobs)
            scale(n or jobs)

        workers.scale = scale_jobs
        return workers

    monkeypatch.setitem(sys.modules, "dask_jobqueue", SimpleNamespace(SLURMCluster=fake))
    for number in range(4):
        classroom.put(f"s{number}")
    classroom.run(Where(8, ("0", "1"), slurm="gpu-long"))
    assert (asked["queue"], asked["jobs"]) == ("gpu-long", 2)
    assert asked["job_extra_directives"] == ["--gres=gpu:1"]
    assert asked["worker_extra_args"] == ["--resources", "CPU=4,GPU=0.5"]
    assert len(classroom.ended()) == 8


def test_no_jobqueue(classroom: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without dask-jobqueue the command that installs it is named."""
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    classroom.put("ada")
    with pytest.raises(ClusterError, match="pip install dask-jobqueue"):
        classroom.run(Where(1, slurm="long"))
