"""A worker that takes times, seen from the judge: what is asked, and which answers are none."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.budget import Budget
from grader.integrity import WROTE_TO_PIPE
from grader.limits import BudgetSpentError, WorkerDiedError
from grader.timing import contender
from grader.timing.contender import Contender
from grader.turns import KERNELS
from grader.verdicts import CheckFailure, NotJudged, OwnFault


def answering(folder: Path, reply: dict[str, Any]) -> Contender:
    """A contender whose worker answers everything so."""
    worker: Any = SimpleNamespace(ask=lambda *_: (reply, []), kill=lambda: None)
    return Contender(worker, folder, folder)


TWO = {"shifts": [0, 1]}

FORGED: tuple[Any, ...] = (
    *(None, 1.0, "12", {"0": 1.0}, []),
    *([1.0], [1.0, 2.0, 3.0], [[1.0], [2.0]], ["1", "2"], [True, 1.0], [None, 1.0]),
    *([float("nan"), 1.0], [float("inf"), 1.0], [-1.0, 1.0], [10**400, 1.0], [1e300, 1e300]),
)


@pytest.mark.parametrize("figures", FORGED, ids=repr)
def test_forged_times(tmp_path: Path, figures: Any) -> None:
    """Figures that no worker of ours tells are a forgery: no crash of the grader's, no points."""
    with pytest.raises(CheckFailure, match=WROTE_TO_PIPE) as failure:
        answering(tmp_path, {"figures": figures}).burst(TWO)
    assert failure.value.points == 0


@pytest.mark.parametrize("name", ["released_us", "queued_us"])
@pytest.mark.parametrize("told", [None, "3", [1.0], float("nan"), -1.0, 10**400])
def test_forged_figures_beside_the_times(tmp_path: Path, name: str, told: Any) -> None:
    """So are those that a burst tells besides."""
    with pytest.raises(CheckFailure, match=WROTE_TO_PIPE):
        answering(tmp_path, {"figures": [1.0, 2], name: told}).burst(TWO)


@pytest.mark.parametrize("figures", FORGED, ids=repr)
def test_forged_count_of_launches(tmp_path: Path, figures: Any) -> None:
    """So is what a worker says of a graph."""
    with pytest.raises(CheckFailure, match=WROTE_TO_PIPE):
        answering(tmp_path, {"figures": figures if figures != [1.0] else []}).replayed(2)


@pytest.mark.parametrize(
    "fault", ["no dict", 1, [], {"line": "third"}, {"line": float("inf")}, {"line": [1]}]
)
def test_forged_faults(tmp_path: Path, fault: Any) -> None:
    """So is a fault that cannot be read."""
    with pytest.raises(CheckFailure, match=WROTE_TO_PIPE):
        answering(tmp_path, {"fault": fault}).load()


def test_times_are_numbers(tmp_path: Path) -> None:
    """Whole numbers are times, too; what is not told is 0."""
    burst = answering(tmp_path, {"figures": [3, 4.5], "released_us": 7}).burst(TWO)
    assert burst.times_us == (3.0, 4.5)
    assert (burst.released_us, burst.queued_us) == (7.0, 0.0)


def test_the_quickest_copy_counts(tmp_path: Path) -> None:
    """Of all ways to copy the quickest is the yardstick, by the median, after one to warm up."""
    seen: list[str] = []

    def ask(request: dict[str, Any], _: list[Any]) -> tuple[dict[str, Any], list[Any]]:
        if request.get("do") != "burst":
            return {}, []
        seen.append(request["way"])
        time_us = 1.0 if seen.count(request["way"]) == 1 else {"driver": 50.0}.get(seen[-1], 40.0)
        return {"figures": [time_us, *[time_us + 5] * 6, 900.0], "released_us": 300.0}, []

    worker: Any = SimpleNamespace(ask=ask, kill=lambda: None)
    copied = Contender(worker, tmp_path, tmp_path).copied()
    assert copied.bytes_per_us == pytest.approx(2 * contender.COPY_BYTES / 45.0)
    assert copied.release_us == 300.0


def test_a_folder_is_named_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker works in another folder: what the user typed means nothing there."""
    monkeypatch.chdir(tmp_path)
    asked: list[dict[str, Any]] = []

    def ask(request: dict[str, Any], _: list[Any]) -> tuple[dict[str, Any], list[Any]]:
        asked.append(request)
        return {}, []

    worker: Any = SimpleNamespace(ask=ask, kill=lambda: None)
    Contender(worker, Path("mine"), Path("device.py")).prepare({}, [])
    assert asked[0]["folder"] == str(tmp_path / "mine")
    assert asked[0]["device"] == str(tmp_path / "device.py")


def test_kernels_compiled_ahead(tmp_path: Path) -> None:
    """They go to the submission's worker with what it is to load, once."""
    asked: list[tuple[str, Any, list[Any]]] = []

    def ask(request: dict[str, Any], arrays: list[Any]) -> tuple[dict[str, Any], list[Any]]:
        asked.append((request["op"], request.get("cubins"), arrays))
        return {}, []

    worker: Any = SimpleNamespace(ask=ask, kill=lambda: None)
    code = np.zeros(3, np.uint8)
    taken = Contender(worker, tmp_path, tmp_path, cubins={"ab.cubin": code})
    taken.load()
    taken.prepare({}, [])
    assert asked == [("load", ["ab.cubin"], [code]), ("time", None, [])]


def test_code_that_ends_the_timing_worker_as_it_loads(tmp_path: Path) -> None:
    """It fails as it does anywhere else; it is no fault of the grader's."""

    def ask(request: dict[str, Any], _: list[Any]) -> tuple[dict[str, Any], list[Any]]:
        raise WorkerDiedError(f"your code ended the process during {request['op']}")

    worker: Any = SimpleNamespace(ask=ask, kill=lambda: None)
    taken = Contender(worker, tmp_path, tmp_path / "device.py")
    with pytest.raises(CheckFailure, match="while it was timed: your code ended the process"):
        taken.prepare({}, [])


@pytest.mark.parametrize("dies", [True, False])
def test_a_failure_of_the_reference(tmp_path: Path, *, dies: bool) -> None:
    """It is the grader's fault and costs nobody points, be it that both need too much memory."""

    def ask(*_: Any) -> tuple[dict[str, Any], list[Any]]:
        if dies:
            raise WorkerDiedError("no memory")
        return {"fault": {"type": "MemoryError", "message": "no memory"}}, []

    worker: Any = SimpleNamespace(ask=ask, kill=lambda: None)
    taken = Contender(worker, tmp_path, tmp_path, is_reference=True)
    with pytest.raises(OwnFault, match="the reference: no memory") as fault:
        taken.load()
    assert "MemoryError" in fault.value.trace or dies


def test_where_compiled_kernels_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradings that share a device keep the reference's; a submission's worker is told of none."""
    monkeypatch.setenv(KERNELS, "/kernels")
    asked: list[dict[str, Any]] = []

    def ask(request: dict[str, Any], _: list[Any]) -> tuple[dict[str, Any], list[Any]]:
        asked.append(request)
        return {}, []

    worker: Any = SimpleNamespace(ask=ask, kill=lambda: None)
    for is_reference in (True, False):
        Contender(worker, tmp_path, tmp_path, is_reference=is_reference).load()
    assert [request.get("kernels") for request in asked] == ["/kernels", None]


def test_a_device_that_is_lost(tmp_path: Path) -> None:
    """A worker whose device is broken for good takes no more times; any other goes on."""
    fault = {"type": "LogicError", "message": "an illegal memory access"}
    for lost in (True, False):
        taken = answering(tmp_path, {"fault": fault, "lost": lost})
        with pytest.raises(CheckFailure, match="LogicError: an illegal memory access"):
            taken.burst(TWO)
        assert taken.is_over == lost


def test_time_is_used_up(tmp_path: Path) -> None:
    """What a grading's time does not suffice for is not judged, which is no failure of a worker."""
    budget = Budget(1.0)
    budget.charge(2.0, 2.0)

    def ask(*_: Any) -> tuple[dict[str, Any], list[Any]]:
        raise BudgetSpentError("spent")

    worker: Any = SimpleNamespace(ask=ask, kill=lambda: None)
    contender = Contender(worker, tmp_path, tmp_path, budget=budget)
    with pytest.raises(NotJudged, match="used up the 1 s of a grading"):
        contender.load()
    assert contender.is_over
