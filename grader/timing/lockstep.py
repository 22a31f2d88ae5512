"""Two workers side by side on one GPU: the submission in one, the reference in the other.

Each has a process of its own, so that neither can touch the other's code; only one works at a time.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.limits import WorkerDiedError
from grader.process import WorkerProcess
from grader.timing.ratio import Ratio, compare
from grader.verdicts import CheckFailure, RaisedInSubmission

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

REFERENCE = Path(__file__).resolve().parents[2] / "solution"

COPY_BYTES = 256 << 20
"""Of the copy whose bandwidth kernels are compared with, as in benchmarks/kernels.py."""


class Contender:
    """One side's worker.

    Args:
        folder: of the five files.
        device: the judge's own device.py.
        scratch: its working directory.
    """

    def __init__(self, folder: Path, device: Path, scratch: Path) -> None:
        scratch.mkdir()
        self._worker = WorkerProcess(scratch, "gpu", timing=True)
        weakref.finalize(self, self._worker.kill)
        self._load = {"op": "load", "folder": str(folder), "device": str(device)}
        self._is_loaded = False

    def prepare(self, request: dict[str, Any], arrays: list[Array]) -> None:
        """Put on the device what is to be timed, and run it once; see `grader.worker.timing`."""
        if not self._is_loaded:
            self._worker.ask({**self._load, "replaced": [], "without": []}, [])
            self._is_loaded = True
        self._ask({"do": "prepare", **request}, arrays)
        self.burst(1)

    def burst(self, count: int) -> float:
        """Take `count` times, in µs, and return their median."""
        reply, _ = self._ask({"do": "burst", "count": count}, [])
        try:
            figures = np.array(reply["figures"], dtype=float)
        except (KeyError, TypeError, ValueError):
            figures = np.array([np.nan])
        if figures.size == 0 or not np.all(np.isfinite(figures)):
            raise CheckFailure("the worker's answer makes no sense: there are no times in it")
        return float(np.median(figures))

    def results(self, rows: Array | None = None) -> list[Array]:
        """What the last run that was timed made: some rows of each array."""
        wanted = [] if rows is None else [int(row) for row in rows]
        return self._ask({"do": "results", "rows": wanted}, [])[1]

    def _ask(
        self, request: dict[str, Any], arrays: list[Array]
    ) -> tuple[dict[str, Any], list[Array]]:
        try:
            reply, reply_arrays = self._worker.ask({"op": "time", **request}, arrays)
        except WorkerDiedError as death:
            raise CheckFailure(f"while it was timed: {death.reason}") from None
        fault = reply.get("fault")
        if fault is not None:
            message = f"while it was timed: {fault.get('type')}: {fault.get('message')}"
            raise RaisedInSubmission(message, fault)
        return reply, reply_arrays


class Pair:
    """A submission and the reference.

    Args:
        folder: the submission's files.
        device: the judge's own device.py.
        seed: of the order of measurements.
    """

    def __init__(self, folder: Path, device: Path, seed: int) -> None:
        scratch = Path(tempfile.mkdtemp(prefix="grader-timing-"))
        weakref.finalize(self, shutil.rmtree, scratch, ignore_errors=True)
        self._seed = seed
        self.submission = Contender(folder, device, scratch / "submission")
        self.reference = Contender(REFERENCE, device, scratch / "reference")
        self._copy_bytes_per_us = 0.0

    def compare(self, request: dict[str, Any], arrays: list[Array], count: int, most: int) -> Ratio:
        """Time both on equal inputs; see `grader.timing.ratio.compare`.

        Args:
            request: what; see `grader.worker.timing.prepare`.
            arrays: its arrays.
            count: launches or steps in one measurement.
            most: points at stake.
        """
        for contender in (self.submission, self.reference):
            contender.prepare(request, arrays)
        return compare(
            lambda: self.submission.burst(count),
            lambda: self.reference.burst(count),
            self._seed,
            most,
        )

    def copy_bytes_per_us(self) -> float:
        """The bandwidth of a copy on this device, bytes read and written, measured once."""
        if not self._copy_bytes_per_us:
            self.reference.prepare({"copy_bytes": COPY_BYTES}, [])
            self._copy_bytes_per_us = 2 * COPY_BYTES / self.reference.burst(10)
        return self._copy_bytes_per_us
