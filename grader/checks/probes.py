"""Calls that show what equal numbers hide: who does the work, and whether all of it is done anew.

Each function is called again with other numbers in the same arrays, then with one element changed:
what is kept by address, by shape, by a part of the contents or by the number of the call comes back
wrong. Then it is called while the submission's kernels do nothing: what comes back right was
computed by something else. Last, it is called while the host sees other numbers than the device
holds, and a launcher's libraries do nothing: what comes back wrong was computed by the host, or by
a library, though a kernel handed it on.

Probes work on the sizes of the graded calls, the largest always among them: by sizes, nobody can
tell one from the other.

A probe that raises is no verdict: a check of the student's own, an `assert` of what NumPy computes,
may well fail for other numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from grader import diagnoses, expect
from grader.actions import blind, hold, look, watched
from grader.judge import (
    Action,
    CheckFailure,
    Kept,
    Outcome,
    call,
    idle,
    keep,
    new,
    put,
    refill,
    take,
)
from grader.verdicts import short_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from grader.student import Student

    Array = NDArray[Any]
    Inputs = tuple[dict[str, Array], Array, Array]
    Right = Callable[..., None]
    RightRun = Callable[["Run"], None]

KERNELS = ("kernels",)
DEVICE = ("kernels", "cublas")
"""What does nothing for a call: kernels alone where they are asked for, else the whole device."""

_WHEN = ("", "with other numbers in the same arrays", "with one element changed after that")
_WHEN_OF_MODEL = ("", "with other numbers in the same arrays", "with other parameters after that")


@dataclass(frozen=True)
class Subject:
    """What is called, and how its results are judged.

    Attributes:
        what: as `grader.judge.call` names it.
        draw: arrays for its first arguments, anew each time.
        right: of an outcome and these arrays; raises CheckFailure where they don't fit.
        rest: further arguments.
        quiet: what does nothing in one of the calls.
        parts: of `right`, where it demands several values; a library may help with one of them.
    """

    what: str
    draw: Callable[[], tuple[Array, ...]]
    right: Right
    rest: tuple[Any, ...] = ()
    quiet: tuple[str, ...] = KERNELS
    parts: tuple[Right, ...] = ()

    def calls(
        self, inputs: Sequence[tuple[Array, ...]], first: Callable[[Action], Action] | None = None
    ) -> list[Any]:
        """Actions: the same arrays are filled with each of the inputs, and given to a call.

        Args:
            inputs: of each call.
            first: makes another action of the first call.
        """
        names = [f"argument {place}" for place in range(len(inputs[0]))]
        calling = call(self.what, *(Kept(name) for name in names), *self.rest)
        actions: list[Action] = []
        for number, arrays in enumerate(inputs):
            fill = refill if number else keep
            actions += [fill(name, array) for name, array in zip(names, arrays, strict=True)]
            actions.append(first(calling) if first is not None and number == 0 else calling)
        return actions


def sizes(student: Student, *cases: Any) -> Iterator[Any]:
    """Of the sizes that a part grades, the largest, and another one by chance.

    Args:
        student: whose.
        cases: tuples of numbers.
    """
    *others, largest = sorted(student.shapes(*cases), key=math.prod)
    if others:
        yield others[int(student.rng.integers(len(others)))]
    yield largest


def launcher(
    student: Student,
    function: str,
    draw: Callable[[], tuple[Array, ...]],
    right: Right,
    *rest: Any,
    parts: tuple[Right, ...] = (),
) -> None:
    """Probe a launcher of kernels.py.

    Args:
        student: whose.
        function: its name.
        draw: arrays for its first arguments.
        right: demands that an outcome fits such arrays.
        rest: further arguments.
        parts: of `right`; see `Subject`.
    """
    probe(student, Subject(f"kernels.{function}", draw, right, rest, parts=parts or (right,)))


def probe(student: Student, subject: Subject) -> None:
    """Probe any function; see the module."""
    again(student, subject)
    if not student.uses_stand_ins:
        at_rest(student, subject)
    unseen(student, subject)


def in_place(student: Student, actions: Sequence[Action]) -> None:
    """Demand that a step works in the arrays that the parameters were before.

    Args:
        student: whose.
        actions: a model made by `new`, its parameters by `put`, the step, `take`.
    """
    made, filled, step, taken = actions
    outcomes = student.run(made, filled, hold("model", "before"), step, taken, look("before"))
    now, before = outcomes[-2].returned, outcomes[-1].returned
    for name, value in before.entries.items():
        stays, moves = value.array, expect.entry(now, name).array
        if stays is None or moves is None or not np.array_equal(stays, moves, equal_nan=True):
            raise CheckFailure(
                f"after the step, {name} is another array; the one that it was has not changed",
                diagnoses=diagnoses.named("parameter-replaced"),
            )


def again(student: Student, subject: Subject) -> None:
    """Demand that each call works on what its arrays hold then."""
    first, second = subject.draw(), subject.draw()
    inputs = [first, second, one_changed(second, student.rng)]
    actions = subject.calls(inputs)
    outcomes = calls_among(actions, student.run(*actions))
    for number, (outcome, arrays) in enumerate(zip(outcomes, inputs, strict=True)):
        try:
            if subject.quiet == KERNELS:
                expect.own_kernel(outcome)
            subject.right(outcome, *arrays)
        except CheckFailure as failure:  # noqa: PERF203 - three rounds
            kept = _is_right_for_one_of(subject, outcome, inputs[:number])
            raise told_again(failure, subject.what, _WHEN[number], kept=kept) from None


def at_rest(student: Student, subject: Subject) -> None:
    """Demand that nothing right comes out while the device does nothing.

    What such a call leaves behind must not be used afterwards: where a further call goes wrong,
    what follows gets a fresh worker.
    """
    arrays = subject.draw()
    during = _odd(student, subject, lambda calling: idle(calling, *subject.quiet), arrays)
    if during is not None and _passes(subject.right, during, *arrays):
        raise done_elsewhere(subject.what, subject.quiet)


def unseen(student: Student, subject: Subject) -> None:
    """Demand right numbers also while the host sees others, and libraries do nothing.

    Before anybody is said to have computed, the same call is made once more, plainly, in a fresh
    worker: what is wrong there, too, is just wrong.
    """
    arrays, is_launcher = subject.draw(), subject.quiet == KERNELS
    odd = (lambda calling: blind(idle(calling, "libraries"))) if is_launcher else blind
    during = _odd(student, subject, odd, arrays)
    if during is None or _passes(subject.right, during, *arrays):
        return
    student.renew()
    (outcome,) = calls_among(actions := subject.calls([arrays]), student.run(*actions))
    subject.right(outcome, *arrays)
    only_blind = _odd(student, subject, blind, arrays) if is_launcher else during
    if only_blind is None:
        return
    if not _passes(subject.right, only_blind, *arrays):
        raise done_by_host(subject.what, subject.quiet)
    if any(_passes(right, during, *arrays) for right in subject.parts):
        return
    actions = subject.calls([arrays], watched)  # a kernel may well work on what a library prepares
    (outcome,) = calls_among(actions, student.run(*actions))
    if outcome.only_moved:
        raise done_by_library(subject.what)


def _odd(
    student: Student,
    subject: Subject,
    first: Callable[[Action], Action],
    arrays: tuple[Array, ...],
) -> Outcome | None:
    """What comes of an odd call, before a plain one; None where either of them fails."""
    others = subject.draw()
    actions = subject.calls([arrays, others], first)
    outcomes = student.attempt(*actions)
    if outcomes is None:
        return None
    during, after = calls_among(actions, outcomes)
    if not _passes(subject.right, after, *others):
        student.renew()
    return during


def done_elsewhere(what: str, quiet: tuple[str, ...]) -> CheckFailure:
    """The verdict where something else than the device does the work."""
    name = short_name(what)
    asleep = "its kernels do" if quiet == KERNELS else "your kernels and cuBLAS do"
    seen = f"{name} returns the right numbers even while {asleep} nothing"
    who = "NumPy, gpuarray or cuBLAS" if quiet == KERNELS else "NumPy or gpuarray"
    return CheckFailure(
        f"{seen}: {who} computes them. The task is to let the device do it by "
        f"{'your own kernel' if quiet == KERNELS else 'your kernels and cuBLAS'}",
        diagnoses=diagnoses.named("no-kernel"),
        policy=seen,
    )


def done_by_host(what: str, quiet: tuple[str, ...]) -> CheckFailure:
    """The verdict where the device's kernels only hand on what the host computes."""
    name = short_name(what)
    seen = f"{name} is wrong once the numbers that it copies to the host are exchanged for others"
    return CheckFailure(
        f"{seen}: the host computes with them. The task is to let the device do it by "
        f"{'your own kernel' if quiet == KERNELS else 'your kernels and cuBLAS'}; get() is for "
        "looking at arrays",
        policy=seen,
    )


def done_by_library(what: str) -> CheckFailure:
    """The verdict where the student's kernel only hands on what a library computes."""
    seen = f"{short_name(what)} is wrong once gpuarray's arithmetic and cuBLAS do nothing"
    return CheckFailure(
        f"{seen}: they compute it, and your kernel hands it on. The task is to let your own "
        "kernel do it",
        policy=seen,
    )


def told_again(failure: CheckFailure, what: str, when: str, *, kept: bool = False) -> CheckFailure:
    """The verdict where a later call goes wrong; `when` is "" for the first."""
    if not when:
        return failure
    result = "it returns the result of an earlier call" if kept else failure.message
    told = f"{short_name(what)} is right at first; {when}, {result}"
    place = {"file": failure.file, "line": failure.line}
    return CheckFailure(told, findings=failure.findings, evidence=failure.evidence, **place)  # type: ignore[arg-type]


def one_changed(arrays: tuple[Array, ...], rng: np.random.Generator) -> tuple[Array, ...]:
    """The same arrays, but for one element of the first, in its second half."""
    first = arrays[0].copy()
    first.flat[int(rng.integers(first.size // 2, first.size))] = np.float32(2.5)
    return (first, *arrays[1:])


def calls_among(actions: Sequence[Action], outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes of those actions that are calls."""
    pairs = zip(actions, outcomes, strict=True)
    return [outcome for action, outcome in pairs if action.entry["do"] == "call"]


def _is_right_for_one_of(
    subject: Subject, outcome: Outcome, inputs: Sequence[tuple[Array, ...]]
) -> bool:
    return any(_passes(subject.right, outcome, *arrays) for arrays in inputs)


def _passes(right: Right, *arguments: Any) -> bool:
    try:
        right(*arguments)
    except CheckFailure:
        return False
    return True


@dataclass(frozen=True)
class Run:
    """One call of a model's method.

    Attributes:
        p: parameters before it.
        X, y: the batch.
        outcome: of the call.
        after: the parameters after it.
    """

    p: dict[str, Array]
    X: Array
    y: Array
    outcome: Outcome
    after: Outcome


@dataclass(frozen=True)
class Trial:
    """Calls of a model's method, of which each part of a task looks at its own tensor.

    Attributes:
        what: the method.
        again: calls with other numbers in the same arrays, then with other parameters.
        asleep: a call while the device does nothing; None where it failed, as it should.
        blind: a call while the host sees other numbers; None where it failed.
        afterwards: the calls after those.
        repeat: makes the blind call once more, plainly.
    """

    what: str
    again: tuple[Run, ...]
    asleep: Run | None
    blind: Run | None
    afterwards: tuple[Run, ...]
    repeat: Callable[[Inputs], Run]

    def check(
        self, student: Student, right: RightRun, apart_from_loss: RightRun | None = None
    ) -> None:
        """Demand that each call is right, the blind one, too, and the one on an idle device is not.

        Args:
            student: whose.
            right: demands that a call fits its inputs.
            apart_from_loss: the same, but for the loss, which may be computed on the host.
        """
        for number, run in enumerate(self.again):
            try:
                right(run)
            except CheckFailure as failure:  # noqa: PERF203 - three rounds
                raise told_again(failure, self.what, _WHEN_OF_MODEL[number]) from None
        if not all(_passes(right, run) for run in self.afterwards):
            student.renew()
        if self.asleep is not None and _passes(right, self.asleep):
            raise done_elsewhere(self.what, DEVICE)
        device_is_right = apart_from_loss or right
        if self.blind is not None and not _passes(device_is_right, self.blind):
            student.renew()
            device_is_right(self.repeat((self.blind.p, self.blind.X, self.blind.y)))
            raise done_by_host(self.what, DEVICE)


def any_run(run: Run) -> None:
    """What is demanded where only the loss is looked at: nothing."""
    del run


def of_model(
    student: Student,
    method: str,
    sizes: tuple[Any, ...],
    draw: Callable[[], Inputs],
    *rest: Any,
    labelled: bool = True,
) -> Trial:
    """Call a model's method again and again, at last in the odd ways that the module tells of.

    Args:
        student: whose.
        method: e.g. "linear.LinearClassifier.gradients".
        sizes: arguments of the class.
        draw: parameters and a batch.
        rest: arguments after the batch.
        labelled: the method takes the labels, too.
    """
    model, name = method.rsplit(".", maxsplit=1)
    batch = (Kept("X"), Kept("y")) if labelled else (Kept("X"),)
    calling = call(f"model.{name}", *batch, *rest)

    def actions(inputs: Sequence[Inputs], first: Action = calling) -> list[Action]:
        made: list[Action] = [new("model", model, *sizes)]
        for number, (p, X, y) in enumerate(inputs):
            fill = refill if number else keep
            made += [put("model", **p), fill("X", X), fill("y", y)]
            made += [calling if number else first, take("model")]
        return made

    def odd(first: Action) -> tuple[Run | None, tuple[Run, ...]]:
        inputs = [draw(), draw()]
        outcomes = student.attempt(*actions(inputs, first))
        if outcomes is None:
            return None, ()
        during, after = _runs(inputs, outcomes)
        return during, (after,)

    def repeat(given: Inputs) -> Run:
        return _runs([given], student.run(*actions([given])))[0]

    (p, X, y), (_, X2, y2), (p3, _, _) = draw(), draw(), draw()
    inputs = [(p, X, y), (p, X2, y2), (p3, X2, y2)]
    again = _runs(inputs, student.run(*actions(inputs)))
    asleep, awake = (None, ()) if student.uses_stand_ins else odd(idle(calling, *DEVICE))
    unseen, seen = odd(blind(calling))
    return Trial(method, again, asleep, unseen, awake + seen, repeat)


def _runs(inputs: Sequence[Inputs], outcomes: Sequence[Outcome]) -> tuple[Run, ...]:
    """Each input with the outcomes of its call and of reading the parameters after it."""
    pairs = zip(inputs, outcomes[4::5], outcomes[5::5], strict=True)
    return tuple(Run(*given, outcome, after) for given, outcome, after in pairs)
