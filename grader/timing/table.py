"""Where the time goes: `python -m grader time DIR` for a student's own kernels and training steps.

Times, and the share of a copy's bandwidth, need a GPU. What a call asks of the device (launches,
memory, copies, waiting) is counted on the emulator, too, and so is the memory traffic of kernels.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.text import Text

from grader import cost, cost_count
from grader.actions import Action, Kept, call, keep, new
from grader.devices import EMULATOR, GPU, choose
from grader.grade import check_folder, given_device
from grader.handout import collect
from grader.isolation.scratch import Scratch
from grader.judge import Judge
from grader.process import WorkerProcess
from grader.refusals import REFUSALS
from grader.report.plain import plain
from grader.timing import sizes
from grader.timing.contender import Contender
from grader.timing.rows import Row, table
from grader.verdicts import CheckFailure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from grader.timing.trust import Burst

    Array = NDArray[Any]

WIDE = {"softmax_xent": 1000}
WIDTH = 256
"""Columns of the matrix on which each kernel is timed, as in task 5.1."""

BURSTS, LAUNCHES, STEPS = 5, 3, 20


def rows(folder: Path, device: Path, name: str) -> list[Row]:
    """Measure what can be measured on a device.

    Args:
        folder: the submission's files.
        device: the judge's own device.py.
        name: of the backend, "emulator" or "gpu".
    """
    judge = Judge(folder, 0, device, name)
    cases = cost_count.CASES
    try:
        stopwatch = Stopwatch(folder, device) if name == GPU else None
        counted = [_kernel(judge, stopwatch, case) for case in cases]
        steps = [_step(judge, stopwatch, what) for what in sizes.MODELS]
        if name == EMULATOR:
            broken = [case.task for case, row in zip(cases, counted, strict=True) if row.problem]
            costs = cost.compare(judge, broken)
            told = {item.name.partition(",")[0]: item.advice for item in costs}
            counted = [replace(row, traffic=told.get(row.name, "")) for row in counted]
    finally:
        judge.close()
    return [*counted, *steps]


class Stopwatch:
    """Takes the times of a submission alone, on a GPU.

    Args:
        folder: the submission's files.
        device: the judge's own device.py.
    """

    def __init__(self, folder: Path, device: Path) -> None:
        self._scratch = Scratch()
        worker = WorkerProcess(self._scratch.path, GPU, timing=True)
        self._contender = Contender(worker, folder, device)
        self.copy_bytes_per_us = self._contender.copied().bytes_per_us

    def kernel_us(self, case: cost_count.Case, rows: int, columns: int) -> float:
        """The median time of a launcher on a matrix, inputs fresh and the cache cold."""
        arguments = case.arguments(np.random.default_rng(0), case.rows, columns)
        request, arrays = sizes.launch(case.function, arguments, case.rows, rows)
        bursts = self._bursts(request, arrays, {"shifts": list(range(LAUNCHES))})
        return float(np.median([burst.median_us for burst in bursts]))

    def step_us(self, what: str) -> tuple[float, float]:
        """The quickest of several runs of training steps, and the host's part of a step."""
        bursts = self._bursts(
            sizes.step(what), minibatch(), {"count": STEPS, "shifts": [0, 1, 0, 1]}
        )
        quickest = min(bursts, key=lambda burst: min(burst.times_us))
        return min(quickest.times_us), quickest.queued_us

    def _bursts(
        self, request: dict[str, Any], arrays: list[Array], order: dict[str, Any]
    ) -> list[Burst]:
        self._contender.prepare(request, arrays)
        self._contender.burst(order)
        return [self._contender.burst(order) for _ in range(BURSTS)]


def minibatch() -> list[Array]:
    """Images and labels of the homework's size."""
    return sizes.minibatches(np.random.default_rng(0), 1)


def _kernel(judge: Judge, stopwatch: Stopwatch | None, case: cost_count.Case) -> Row:
    """A launcher: counted on a small matrix, timed on one larger than any cache."""
    name = case.function
    arguments = case.arguments(np.random.default_rng(0), case.rows, case.columns)
    warm = call(f"kernels.{name}", *arguments)
    counted = _counted(judge, f"kernels.{name}", warm, warm)
    if counted is None:
        return Row(name, problem=f"does not run yet: make grade TASK={case.task}")
    launches, work = len(counted["launches"]), counted["work"]
    if stopwatch is None:
        return Row(name, launches=launches, work=work)
    columns = WIDE.get(name, WIDTH)
    row_bytes = cost_count.FLOAT_BYTES * case.floats(case.rows, columns) / case.rows
    large = int(sizes.TOUCHED_BYTES / row_bytes)
    try:
        time_us = stopwatch.kernel_us(case, large, columns)
    except CheckFailure as failure:
        return Row(name, problem=failure.message.splitlines()[0])
    share = large * row_bytes / time_us / stopwatch.copy_bytes_per_us
    return Row(f"{name}, {large:,} × {columns}", False, time_us, share, launches, work)


def _step(judge: Judge, stopwatch: Stopwatch | None, what: str) -> Row:
    """A training step: counted when another one has been taken before."""
    title = (
        f"step, {what.partition('.')[0]}, {' × '.join(map(str, [sizes.N, *sizes.MODELS[what]]))}"
    )
    inputs = [keep(label, array) for label, array in zip("Xy", minibatch(), strict=True)]
    step = call("model.step", Kept("X"), Kept("y"), sizes.LEARNING_RATE)
    model = new("model", what, *sizes.MODELS[what])
    counted = _counted(judge, f"{what}.step", model, *inputs, step, step)
    if counted is None:
        return Row(title, is_step=True, problem="does not run yet: make grade")
    time_us, queued_us = None, None
    if stopwatch is not None:
        try:
            time_us, queued_us = stopwatch.step_us(what)
        except CheckFailure as failure:
            return Row(title, is_step=True, problem=failure.message.splitlines()[0])
    return Row(title, True, time_us, None, len(counted["launches"]), counted["work"], queued_us)


def _counted(judge: Judge, function: str, *actions: Action) -> dict[str, Any] | None:
    """What the last action asks of the device; None where the function is not there, or fails."""
    try:
        judge.require(function)
    except CheckFailure:
        return None
    return judge.count(*actions)


# Output ------------------------------------------------------------


def main(argv: list[str] | None = None) -> int:
    """Print the table; 0, or 2 where nothing can be measured."""
    parser = argparse.ArgumentParser(prog="python -m grader time", description=__doc__)
    parser.add_argument("submission", type=Path, nargs="?", default=Path("assignment"))
    options = parser.parse_args(argv)
    console = Console(highlight=False, soft_wrap=True)
    try:
        gpu = choose().gpu
        console.print(f"where the time goes, on {gpu or 'the emulator'}", style="dim")
        with Scratch() as scratch:
            folder = collect.collect(options.submission, scratch).folder
            check_folder(folder)
            measured = rows(folder, given_device(), GPU if gpu else EMULATOR)
    except (CheckFailure, *REFUSALS) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for line in table(measured):
        console.print(Text(plain(line)))
    if not gpu:
        told = "Times need a GPU; launches, allocations and copies are the same on one."
        console.print(told, style="dim")
    return 0
