"""Where the time goes: what is counted, and what is advised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader.devices import Devices
from grader.grade import given_device
from grader.timing import rows, table
from grader.timing.rows import Row, advice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READS_LOSS = """

class Slow(TwoLayerNetwork):
    def step(self, X, y, learning_rate):
        loss = super().step(X, y, learning_rate)
        return float(loss.get()[0])


TwoLayerNetwork = Slow
"""

ALLOCATES = """


def activate(Z, kind):
    from pycuda import gpuarray

    number = kind_number(kind)
    A = gpuarray.empty(Z.shape, np.float32)
    activate_kernel(blocks_for(Z.size, 4 * THREADS), THREADS, Z, A, Z.size, number)
    return A
"""


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (Row("step", is_step=True, work={"downloads": 2, "uploads": 1}), "host round trip: 3"),
        (Row("step", is_step=True, work={"allocations": 4}), "allocation in the loop: 4 in a step"),
        (Row("k", work={"synchronisations": 1}), "waits for the device once in a call"),
        (Row("k", time_us=100.0, share=0.95, launches=1), "bandwidth-bound: about as fast"),
        (Row("k", time_us=120.0, share=0.75, launches=1), "bandwidth-bound: near what memory"),
        (Row("k", time_us=800.0, share=0.1, launches=1), "below the bandwidth of a copy"),
        (
            Row("step", is_step=True, time_us=60.0, launches=10, queued_us=55.0),
            "launch-bound: the host takes 55 µs for 10 launches",
        ),
        (
            Row("step", is_step=True, time_us=900.0, launches=10, queued_us=55.0),
            "the device decides",
        ),
        (Row("step", is_step=True, launches=9, work={"cublas": 5}), "14 launches: about 56 µs"),
        (Row("k", launches=1, traffic="your k touches"), "your k touches"),
        (Row("k", launches=1), "memory traffic as the reference's"),
    ],
)
def test_advice(row: Row, told: str) -> None:
    """Each row gets one line: what costs most, and what to do about it."""
    assert advice(row).startswith(told)


def test_table() -> None:
    """Figures stand in columns; what is not known is a dash; below each row its advice."""
    lines = rows.table(
        [
            Row("bias_add", False, 92.84, 0.91, 1),
            Row("step", is_step=True, launches=9, work={"cublas": 5, "downloads": 1}),
            Row("activate", problem="does not run yet: make grade TASK=1.4"),
        ]
    )
    assert len(lines) == 1 + 2 * 3
    assert lines[1].split() == ["bias_add", "92.8", "µs", "91%", "1", "0", "0", "0", "0"]
    assert lines[3].split() == ["step", "–", "–", "9", "5", "0", "0", "1"]
    assert lines[4].startswith("    host round trip: 1 copy between")
    assert lines[6].strip() == "does not run yet: make grade TASK=1.4"
    head = lines[0]
    assert all(len(line) <= len(head) for line in (lines[1], lines[3], lines[5]))


def test_counts_of_a_submission(submission: Callable[..., Path]) -> None:
    """Round trips and allocations of a submission are seen, on the emulator as on a GPU."""
    folder = submission()
    network = (folder / "network.py").read_text("utf-8") + READS_LOSS
    kernels = (folder / "kernels.py").read_text("utf-8") + ALLOCATES
    folder = submission(network=network, kernels=kernels)
    measured = table.rows(folder, given_device(), "emulator")
    found = {row.name: row for row in measured}
    assert found["activate"].work == {"allocations": 1}
    assert found["bias_add"].work == {}
    assert found["bias_add"].launches == 1
    linear, network_step = (row for row in measured if row.is_step)
    assert (linear.host_copies, network_step.host_copies) == (0, 1)
    assert advice(network_step).startswith("host round trip: 1 copy between")


def test_the_gpu_is_named(
    submission: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By its short name, also where BACKEND chose it; what was measured is the GPU's."""
    measured: list[str] = []

    def rows_of(_: Path, __: Path, name: str) -> list[Row]:
        measured.append(name)
        return []

    devices = Devices(("gpu",), "NVIDIA H100 80GB HBM3 alone (BACKEND=gpu)", "the H100")
    monkeypatch.setattr(table, "choose", lambda: devices)
    monkeypatch.setattr(table, "rows", rows_of)
    assert table.main([str(submission())]) == 0
    out = capsys.readouterr().out
    assert out.startswith("where the time goes, on the H100\n")
    assert "Times need a GPU" not in out
    assert measured == ["gpu"]


def test_command(submission: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints the table; without a GPU it says what needs one."""
    folder = submission(network=None)
    assert table.main([str(folder)]) == 0
    out = capsys.readouterr().out
    assert "where the time goes, on the emulator" in out
    assert "Times need a GPU" in out
    assert out.count("does not run yet") == 1  # the network's step
    assert table.main([str(folder / "none")]) == 2
