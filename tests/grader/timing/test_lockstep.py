"""Which times are trusted: submissions that are honest, and such as only look fast."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from grader import processes
from grader.limits import WorkerDiedError
from grader.timing import lockstep
from grader.timing.contender import Contender
from grader.timing.subjects import Kernel, Step
from grader.verdicts import CheckFailure
from grader.worker import timing
from tests.grader.timing import simulated
from tests.grader.timing.simulated import Array, Device, Driver, Worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.timing.ratio import Ratio

    Launcher = Callable[..., Any]

TILE, ROWS, WIDTH = 13, 40, 8
KERNEL_US = 1000.0


@pytest.fixture(autouse=True)
def small_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flushing takes a simulated time, and needs no real memory."""
    monkeypatch.setattr(timing, "FLUSH_BYTES", 1 << 20)


def doubled(device: Device, us: float = KERNEL_US, **where: Any) -> Launcher:
    """A launcher that returns twice its argument."""

    def launch(A: Array) -> Array:
        out = Array(device, np.full(A.shape, np.nan, np.float32))
        device.work(us, lambda: np.multiply(A.data, 2, out=out.data), **where)
        return out

    return launch


def subject() -> Kernel:
    """Doubling rows."""
    A = np.random.default_rng(0).standard_normal((TILE, WIDTH)).astype(np.float32)

    def true(rows: Any, N: int, shift: int) -> list[tuple[str, Any, Any]]:
        del N
        values = 2.0 * A[(rows + shift) % TILE].astype(np.float64)
        return [("2 A", values, np.full(values.shape, 1e-6))]

    request = {"what": "kernels.double", "arguments": [{"tile": 0, "rows": ROWS}]}
    return Kernel(request, [A], TILE, ROWS, true)


def compared(
    folder: Path,
    device: Device,
    launcher: Launcher,
    driver: Driver | None = None,
    seed: int = 0,
    events: tuple[Any, ...] = (),
) -> Ratio:
    """A launcher beside one that takes KERNEL_US."""
    own = Worker(driver or Driver(device), {"kernels.double": launcher})
    own.events = events
    reference = Worker(Driver(device), {"kernels.double": doubled(device)})
    return simulated.pair(own, reference, device, folder, seed).compare(subject(), 2)


def voided(folder: Path, device: Device, launcher: Launcher, driver: Driver | None = None) -> str:
    """Why its time is void, "" where the failure is an ordinary one."""
    with pytest.raises(CheckFailure) as failure:
        compared(folder, device, launcher, driver)
    assert failure.value.points == 0
    return failure.value.void


def shaken(seed: int) -> Device:
    """A busy machine: kernels and calls have long tails, and the host is taken away at times."""
    rng = np.random.default_rng(seed)
    return Device(
        noise=lambda: float(np.exp(0.1 * abs(rng.standard_t(2)))),
        hiccup=lambda: float(rng.exponential(2000)) if rng.random() < 0.002 else 0.0,
    )


def test_both_sides_have_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each worker has a scratch folder of its own, as long as the pair lives."""
    folders: list[Path] = []

    def start(scratch: Path, *_: Any, **__: Any) -> Any:
        folders.append(scratch)
        return SimpleNamespace(pid=1, kill=lambda: None, wait_until_ready=lambda: None)

    monkeypatch.setattr(lockstep, "WorkerProcess", start)
    pair = lockstep.Pair.start(tmp_path, tmp_path / "device.py", 1)
    assert len({folder for folder in folders if folder.is_dir()}) == 2
    del pair
    assert not any(folder.exists() for folder in folders)


def test_a_pair_ends(tmp_path: Path) -> None:
    """Closing it ends both workers; a worker that ended by itself makes an end of it, too."""
    ended: list[str] = []

    def contender(name: str, reason: str = "") -> Contender:
        def ask(*_: Any) -> tuple[dict[str, Any], list[Any]]:
            if reason:
                raise WorkerDiedError(reason)
            return {}, []

        worker: Any = SimpleNamespace(ask=ask, kill=lambda: ended.append(name))
        return Contender(worker, tmp_path, tmp_path)

    pair = lockstep.Pair(contender("mine"), contender("reference"), 1)
    pair.load()
    assert not pair.is_over
    pair.close()
    pair.close()
    assert ended == ["mine", "reference"]
    pair = lockstep.Pair(contender("mine", "gone"), contender("reference"), 1)
    with pytest.raises(CheckFailure, match="gone"):
        pair.load()
    assert pair.is_over


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.5, 3.0, 12.0])
def test_honest_times_are_measured(tmp_path: Path, factor: float) -> None:
    """On a quiet machine the ratio is that of the kernels."""
    device = Device()
    found = compared(tmp_path, device, doubled(device, factor * KERNEL_US))
    assert found.value == pytest.approx(factor, rel=0.01)
    assert found.low <= factor <= found.high


@pytest.mark.parametrize("seed", range(20))
def test_noise_voids_no_honest_time(tmp_path: Path, seed: int) -> None:
    """However busy the machine: a contradiction is believed only after several attempts."""
    device = shaken(seed)
    factor = (0.5, 1.0, 3.0, 12.0)[seed % 4]
    found = compared(tmp_path, device, doubled(device, factor * KERNEL_US), seed=seed)
    assert found.value == pytest.approx(factor, rel=0.25)


def shared(seed: int, mean_us: float, slowdown: float) -> Device:
    """A GPU that another process uses now and then, for `mean_us` in the mean."""
    rng = np.random.default_rng(seed)
    until, slow = 0.0, False
    device = Device()

    def noise() -> float:
        nonlocal until, slow
        while device.now > until:
            slow, until = not slow, until + float(rng.exponential(mean_us))
        return (slowdown if slow else 1.0) * float(np.exp(0.02 * abs(rng.standard_normal())))

    device.noise = noise
    return device


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("mean_us", "slowdown"), [(5e3, 2.0), (5e4, 2.0), (5e4, 5.0), (5e5, 2.0), (3e6, 3.0)]
)
def test_a_shared_gpu_voids_no_honest_time(
    tmp_path: Path, seed: int, mean_us: float, slowdown: float
) -> None:
    """Who else uses the GPU slows both sides, though never both alike; points are not lost."""
    device, factor = shared(seed, mean_us, slowdown), (0.5, 1.0, 3.0, 12.0)[seed]
    found = compared(tmp_path, device, doubled(device, factor * KERNEL_US), seed=seed)
    assert found.points(2) == 2 or factor > 1
    device = shared(seed + 50, mean_us, slowdown)
    assert stepped(tmp_path, device, lambda: Model(device, 50), Driver(device)).points(5) == 5


def test_waiting_is_honest(tmp_path: Path) -> None:
    """A launcher that waits for its kernel hides nothing."""
    device = Device()
    launch = doubled(device)

    def waiting(A: Array) -> Array:
        out = launch(A)
        device.synchronize()
        return out  # type: ignore[no-any-return]

    assert compared(tmp_path, device, waiting).value == pytest.approx(1, rel=0.01)


def test_memory_that_is_slow_to_free_is_honest(tmp_path: Path) -> None:
    """What giving memory back takes lies in no launch's time, and is no contradiction."""
    device = Device()
    launch = doubled(device)

    def without_pool(A: Array) -> Array:
        out = launch(A)
        return Array(device, out.data, release_us=400.0)

    class Releasing(Driver):
        """The reference's own spare array is as slow to free."""

        def array(self, shape: tuple[int, ...], dtype: Any) -> Array:
            found = super().array(shape, dtype)
            found._release_us = 300.0
            return found

    own = Worker(Driver(device), {"kernels.double": without_pool})
    reference = Worker(Releasing(device), {"kernels.double": doubled(device)})
    found = simulated.pair(own, reference, device, tmp_path).compare(subject(), 2)
    assert found.value == pytest.approx(1, rel=0.01)


def test_false_events(tmp_path: Path) -> None:
    """Events that tell a tenth of the time are contradicted by the judge's clock."""

    class Tenth(Driver):
        """Tells a tenth."""

        def between_us(self, start: dict[str, float], end: dict[str, float]) -> float:
            return super().between_us(start, end) / 10

    device = Device()
    told = voided(tmp_path, device, doubled(device, 10 * KERNEL_US), Tenth(device))
    assert "your process reports 1,0" in told
    assert "by the grader's clock" in told


def test_false_events_in_small_bursts_only(tmp_path: Path) -> None:
    """To be honest in the bursts that the judge's clock measures is of no use."""

    class Sly(Driver):
        """Tells a tenth until it has seen as many events as a measurement has."""

        since = 0.0
        count = 0

        def between_us(self, start: dict[str, float], end: dict[str, float]) -> float:
            self.count = self.count + 1 if start["at"] - self.since < 14 * KERNEL_US else 1
            self.since = start["at"]
            return super().between_us(start, end) / (1 if self.count > 4 else 10)

    device = Device()
    told = voided(tmp_path, device, doubled(device, 10 * KERNEL_US), Sly(device))
    assert "times the reference's time for 20 in a row, and 1.0 times for a few" in told


def test_events_that_tell_too_much(tmp_path: Path) -> None:
    """Times that are longer than all that the judge saw are no times either."""

    class Slow(Driver):
        """Tells ten times as much."""

        def between_us(self, start: dict[str, float], end: dict[str, float]) -> float:
            return super().between_us(start, end) * 10

    device = Device()
    assert "which were over after" in voided(tmp_path, device, doubled(device), Slow(device))


def test_work_on_a_side_stream(tmp_path: Path) -> None:
    """What another stream still works on when the end event passes is not there in time."""
    device = Device()
    told = voided(tmp_path, device, doubled(device, stream="side"))
    assert "work went on when the end of the launch was timed" in told


def test_work_of_a_thread(tmp_path: Path) -> None:
    """Nor is what a thread launches after the function has returned."""
    device = Device()

    class Later(Driver):
        """Its end event is followed by another thread's launch."""

        def record(self, event: dict[str, float]) -> None:
            super().record(event)
            if waiting:
                A, out = waiting.pop()
                device.work(
                    KERNEL_US, lambda: np.multiply(A.data, 2, out=out.data), stream="thread"
                )

    waiting: list[tuple[Array, Array]] = []

    def launch(A: Array) -> Array:
        waiting.append((A, Array(device, np.full(A.shape, np.nan, np.float32))))
        return waiting[-1][1]

    assert "work went on" in voided(tmp_path, device, launch, Later(device))


def test_first_call_only(tmp_path: Path) -> None:
    """Work that is done once is missing when it is timed again with other numbers."""
    device = Device()
    launch, kept = doubled(device), list[Array]()

    def lazy(A: Array) -> Array:
        if len(kept) < 5:  # as long as it may be looked at for the first time
            kept.append(launch(A))
        return kept[-1]

    told = voided(tmp_path, device, lazy)
    assert "right when it was first called, wrong when it was timed" in told


@pytest.mark.parametrize("key", ["address", "shape", "first row"])
def test_cached_results(tmp_path: Path, key: str) -> None:
    """A copy of what an earlier call found is wrong for other numbers at the same address."""
    device = Device()
    launch, known = doubled(device), dict[Any, Any]()

    def cached(A: Array) -> Array:
        device.synchronize()
        keys = {"address": A.gpudata, "shape": A.shape, "first row": A.data[0, 0] > 0}
        if keys[key] not in known:
            known[keys[key]] = launch(A).get()
        return Array(device, known[keys[key]].copy())

    assert voided(tmp_path, device, cached)


def test_wrong_from_the_first(tmp_path: Path) -> None:
    """What is wrong when it is first called on large arrays is a mistake, and no accusation."""
    device = Device()

    def wrong(A: Array) -> Array:
        return Array(device, 3 * A.data)

    assert voided(tmp_path, device, wrong) == ""


def test_replaced_clocks(tmp_path: Path) -> None:
    """A worker in which the clocks were replaced tells no times."""
    device = Device()
    seen = (SimpleNamespace(kind="patched", detail="pycuda.driver.Event.time_till: replaced"),)
    with pytest.raises(CheckFailure) as failure:
        compared(tmp_path, device, doubled(device), events=seen)
    assert "(pycuda.driver.Event.time_till: replaced)" in failure.value.void


@pytest.mark.parametrize(("share", "is_void"), [(0.0, False), (0.1, False), (0.9, True)])
def test_work_while_the_reference_has_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float, *, is_void: bool
) -> None:
    """A thread that keeps the core busy slows the reference down: its time is none to be beaten."""
    device = Device()
    monkeypatch.setattr(processes, "cpu_time_s", lambda pid: share * 1e-6 * device.now * (pid == 7))
    functions = {"kernels.double": doubled(device)}
    workers = [Worker(Driver(device), functions) for _ in range(2)]
    pair = simulated.pair(workers[0], workers[1], device, tmp_path, pids=(7, 8))
    if not is_void:
        assert pair.compare(subject(), 2).points(2) == 2
        return
    with pytest.raises(CheckFailure, match="kept a core 90% busy while the reference") as failure:
        pair.compare(subject(), 2)
    assert failure.value.void


class Model:
    """A number that a step moves; its loss is told before."""

    def __init__(self, device: Device, us: float) -> None:
        self.device, self._us = device, us
        self.parameters = {"w": Array(device, np.ones(1, np.float32))}

    def step(self, X: Array, y: Array, rate: float) -> Array:
        """One step; y is not needed."""
        del y
        loss, w = Array(self.device, np.zeros(1, np.float32)), self.parameters["w"]

        def effect() -> None:
            loss.data[0] = w.data[0] * X.data.mean()
            w.data[0] -= rate * X.data.mean()

        self.device.work(self._us, effect)
        return loss


class Forgetful(Model):
    """Works for a while, and then repeats what it found."""

    known: list[Array] = []  # noqa: RUF012 - of the one model of a test

    def step(self, X: Array, y: Array, rate: float) -> Array:
        """Three hundred steps, and then none."""
        if len(self.known) < 300:
            self.known.append(super().step(X, y, rate))
            return self.known[-1]
        return self.known[len(self.known) % 300]


def stepped(folder: Path, device: Device, model: Callable[[], Model], driver: Driver) -> Ratio:
    """A model's steps beside those of one that takes 50 µs."""
    X = np.random.default_rng(1).random((8, 3)).astype(np.float32)
    request = {"what": "network.M", "sizes": [], "learning_rate": 0.1, "batch": 4}
    own = Worker(driver, {"network.M": model})
    reference = Worker(Driver(device), {"network.M": lambda: Model(device, 50)})
    both = simulated.pair(own, reference, device, folder)
    return both.compare(Step(request, [X, np.arange(8, dtype=np.int32)], 2), 5)


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_honest_steps(tmp_path: Path, factor: float) -> None:
    """Steps are measured, and trusted."""
    device = Device()
    found = stepped(tmp_path, device, lambda: Model(device, 50 * factor), Driver(device))
    assert found.value == pytest.approx(factor, rel=0.02)


def test_steps_by_a_false_clock(tmp_path: Path) -> None:
    """A clock that runs slow is contradicted by the judge's."""

    class Slow(Driver):
        """Runs at a tenth of the speed."""

        def now_us(self) -> float:
            return super().now_us() / 10

    device = Device()
    with pytest.raises(CheckFailure) as failure:
        stepped(tmp_path, device, lambda: Model(device, 500), Slow(device))
    assert "by the grader's clock" in failure.value.void


def test_steps_that_end(tmp_path: Path) -> None:
    """Losses that are repeated are not those of the minibatch and the rate that were drawn."""
    device = Device()
    with pytest.raises(CheckFailure) as failure:
        stepped(tmp_path, device, lambda: Forgetful(device, 50), Driver(device))
    assert "wrong when it was timed" in failure.value.void
