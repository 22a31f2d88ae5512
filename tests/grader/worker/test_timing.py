"""Times taken in a worker, here on the emulator: what they tell of a GPU is another matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import backend
from grader.grade import given_device
from grader.process import WorkerProcess
from grader.timing import contender as contenders
from grader.timing.contender import Contender

backend.activate(check=True)

from grader.worker.driver import Driver  # noqa: E402  imports PyCUDA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATCHED = """

import pycuda.driver as cuda

cuda.Event.time_till = cuda.Event.time_since = lambda *_: -1.0
cuda.Event.record = cuda.Event.synchronize = lambda *_: None
"""

SLOW_CLOCK = "\nimport time\n\ntime.perf_counter = lambda: 0.0\n"


@pytest.fixture
def contender(
    submission: Callable[..., Path], tmp_path: Path
) -> Iterator[Callable[[str], Contender]]:
    """A worker that takes times of the solution with more text in kernels.py."""
    started: list[WorkerProcess] = []

    def start(text: str = "") -> Contender:
        right = (submission() / "kernels.py").read_text("utf-8")
        scratch = tmp_path / f"scratch-{len(started)}"
        scratch.mkdir()
        started.append(WorkerProcess(scratch, "emulator", timing=True))
        return Contender(started[-1], submission(kernels=right + text), given_device())

    yield start
    for worker in started:
        worker.kill()


def launches(contender: Contender, shifts: list[int]) -> tuple[Any, list[Any]]:
    """A burst of bias_add on 20 rows that repeat 5, and what it left behind."""
    Z = np.arange(15, dtype=np.float32).reshape(5, 3)
    entries = [{"tile": 0, "rows": 20}, {"tile": 1}]
    contender.prepare(
        {"what": "kernels.bias_add", "arguments": entries}, [Z, np.full(3, 100, np.float32)]
    )
    burst = contender.burst({"shifts": shifts}, lambda: [0, 7])
    expected = Z[[(row + shifts[-1]) % 5 for row in (0, 7)]] + 100
    return burst, [expected, expected]


def test_what_is_timed_gets_other_rows_each_time(
    contender: Callable[[str], Contender],
) -> None:
    """The last launch's rows are shifted as ordered, as the end event passes and afterwards."""
    burst, expected = launches(contender(""), [3, 1, 4])
    assert len(burst.times_us) == 3
    assert all(time_us > 0 for time_us in burst.times_us)
    assert burst.wall_us > sum(burst.times_us)
    np.testing.assert_array_equal(burst.results, expected)


def test_launches_in_a_row(contender: Callable[[str], Contender]) -> None:
    """They have fresh inputs, too; of the last one remains what it made, and no copy."""
    taken = contender("")
    _, expected = launches(taken, [2])
    burst = taken.burst({"shifts": [3, 1, 4, 2], "in_a_row": True}, lambda: [0, 7])
    assert len(burst.times_us) == 4
    np.testing.assert_array_equal(burst.results, expected[:1])


def test_copies(contender: Callable[[str], Contender], monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy is timed each way: by the driver, and by a kernel that is compiled for it."""
    for name, value in (("COPY_BYTES", 1 << 10), ("COPY_BURSTS", 1), ("COPIES", 1)):
        monkeypatch.setattr(contenders, name, value)
    copied = contender("").copied()
    assert copied.bytes_per_us > 0
    assert copied.release_us > 0


@pytest.mark.parametrize("source", ["A", "B"])
def test_the_kernel_copies(source: str) -> None:
    """All of an array, in words of 16 bytes, also onto itself."""
    import pycuda.autoinit  # noqa: F401, PLC0415 - makes a context, for this test alone

    driver = Driver()
    arrays = {name: driver.upload(np.arange(24, dtype=np.float32) + ord(name)) for name in "AB"}
    expected = arrays[source].get()
    driver.copy_by_kernel(arrays["A"], arrays[source])
    np.testing.assert_array_equal(arrays["A"].get(), expected)


def test_replaced_clocks_change_no_time(contender: Callable[[str], Contender]) -> None:
    """The worker keeps PyCUDA's and Python's functions from before student code, and tells."""
    patched = contender(PATCHED)
    burst, expected = launches(patched, [0, 2])
    assert all(time_us > 0 for time_us in burst.times_us)
    np.testing.assert_array_equal(burst.results, expected)
    assert any("Event.time_till" in detail for detail in patched.patched())


def test_steps_begin_anew(contender: Callable[[str], Contender]) -> None:
    """Each run of steps starts anew, on its minibatch, timed by the clock that was there first."""
    rng = np.random.default_rng(0)
    arrays = [rng.random((8, 6), dtype=np.float32), rng.integers(0, 3, 8).astype(np.int32)]
    taken = contender(SLOW_CLOCK)
    taken.prepare(
        {"what": "linear.LinearClassifier", "sizes": [6, 3], "learning_rate": 1.0, "batch": 4},
        arrays,
    )
    burst = taken.burst({"count": 2, "shifts": [0, 1, 2], "rate": 0.5})
    assert len(burst.times_us) == 3
    assert all(time_us > 0 for time_us in burst.times_us)
    first, second, again = burst.results[0].reshape(3, 2)
    assert again.tolist() == first.tolist()  # the same minibatch, at another address
    assert second.tolist() != first.tolist()
    assert first[1] < first[0]
