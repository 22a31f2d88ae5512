"""What a check sees of a submission: inputs of its own, calls, and results worth keeping."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from grader import editions, expect, tasks
from grader.judge import Action, CheckFailure, Judge, Outcome, RaisedInSubmission, call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from grader.evidence import Evidence
    from grader.timing.lockstep import Pair

    Array = NDArray[Any]


PLACE = "place"
"""Among a task's shared results: file and line of its function that was called last."""

EVIDENCE = "evidence"
"""With the part's name, among a task's shared results: what `Student.show` was given."""


class Student:
    """A submission, as one check of one part sees it.

    Args:
        judge: of the submission.
        task, part: whose check it is; inputs are drawn from the seed and these names.
        shared: results that the parts of a task share.

    Attributes:
        rng: generator of inputs.
        max_points: of the part.
    """

    def __init__(self, judge: Judge, task: str, part: str, shared: dict[str, Any]) -> None:
        self._judge, self._task, self._shared = judge, task, shared
        self._evidence: list[Evidence] = shared.setdefault(f"{EVIDENCE} {part}", [])
        self._own = tasks.find(task).functions
        self.max_points = tasks.find(task).part(part).points
        self.rng = judge.rng(task, part)

    def run(self, *actions: Action) -> list[Outcome]:
        """Run actions in the worker; see `grader.judge.Judge.run`."""
        outcomes = self._judge.run(*actions, own=self._own)
        for outcome in outcomes:
            if outcome.what in self._own and outcome.place is not None:
                self._shared[PLACE] = outcome.place
        return outcomes

    def attempt(self, *actions: Action) -> list[Outcome] | None:
        """Run actions whose failure is no verdict; see `grader.judge.Judge.attempt`."""
        return self._judge.attempt(*actions)

    def busiest_thread(self, action: Action) -> int:
        """Accesses to global memory of the thread that makes most of them, in any kernel.

        Returns:
            their number; 0 where nobody counts, as on a GPU.
        """
        counted = self._judge.count(action) or {}
        try:
            kernels = counted["kernels"].values()
            return max((int(kernel["total"]["busiest_thread"]) for kernel in kernels), default=0)
        except (KeyError, TypeError, ValueError, AttributeError):
            return 0

    def products(self, action: Action) -> int | None:
        """How often an action calls a product or sum of cuBLAS; None where nobody counts."""
        counted = self._judge.count(action) or {}
        work = counted.get("work")
        return int(work.get("cublas", 0)) if isinstance(work, dict) else None

    def renew(self) -> None:
        """Let what follows run in a fresh worker."""
        self._judge.renew()

    @property
    def uses_stand_ins(self) -> bool:
        """Whether something that the task builds on is the grader's own, which needs no device."""
        others = tasks.find(self._task).builds_on
        needed = {name for other in others for name in tasks.find(other).functions}
        return bool(needed & self._judge.replaced)

    def shapes(self, *cases: Any) -> Iterator[Any]:
        """Cases of sizes, as this year's edition has them; see `grader.editions`."""
        return editions.shapes(cases, self._judge.year)

    def show(self, evidence: Evidence) -> None:
        """Put a curve or a time into the page, whatever becomes of the part."""
        self._evidence.append(evidence)

    @contextmanager
    def noting(self, function: str) -> Iterator[None]:
        """Note for the task's other parts where a function fails what is demanded within."""
        try:
            yield
        except CheckFailure:
            self._shared[f"{function} failed"] = True
            raise

    def failed(self, function: str) -> bool:
        """Whether an earlier part of the task was about that function, and failed."""
        return f"{function} failed" in self._shared

    def beside_reference(self) -> Pair:
        """The submission beside the reference on the GPU; see `grader.judge.Judge`."""
        return self._judge.beside_reference()

    def kernel(self, function: str, *arguments: Any, repeat: int = 2) -> list[Outcome]:
        """Call a launcher of kernels.py several times on fresh copies of the same inputs.

        The second call finds what the first left behind: accumulators that are not reset give
        another answer. Demands that a kernel of the submission does the work.
        """
        actions = [call(f"kernels.{function}", *arguments) for _ in range(repeat)]
        outcomes = self.run(*actions)
        for outcome in outcomes:
            expect.own_kernel(outcome)
        return outcomes

    def raised(self, action: Action) -> str:
        """The name of the exception that an action raises, "" if it raises none."""
        try:
            self.run(action)
        except RaisedInSubmission as raised:
            if raised.type == "NotImplementedError":
                raise
            return raised.type
        return ""

    def require(self, function: str) -> None:
        """Demand that the submission has a function; see `grader.judge.Judge.require`."""
        self._judge.require(function)

    def once(self, name: str, compute: Callable[[np.random.Generator], Any]) -> Any:
        """A result that several parts of the task look at, computed for the first of them.

        Where computing it fails, each of the parts fails for the same reason.
        """
        if name not in self._shared:
            try:
                self._shared[name] = compute(self._judge.rng(self._task, name))
            except Exception as error:  # noqa: BLE001 - raised again for each part
                self._shared[name] = error
        if isinstance(self._shared[name], Exception):
            raise self._shared[name]
        return self._shared[name]


def normal(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> Array:
    """Normal numbers as float32."""
    return (scale * rng.standard_normal(shape)).astype(np.float32)


def labels(rng: np.random.Generator, N: int, C: int) -> Array:
    """Random labels (N,) int32; the first and the last class are among them where N allows."""
    y = rng.integers(0, C, N).astype(np.int32)
    if N > 1:
        y[0], y[-1] = C - 1, 0
    else:
        y[0] = C // 2  # so that labels off by one are classes, too
    return y


def f64(array: Array) -> Array:
    """The same values in float64, as the oracle wants them."""
    return array.astype(np.float64)
