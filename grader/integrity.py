"""What a submission did that no check of numbers shows, and what that costs.

A grade says what code computes, so points depend on conduct in three cases only, in which the
measure itself was touched:

- "policy": the result is right although the kernels that the task asks for did nothing, or wrong
  once the host sees other numbers, or libraries do nothing: something else computes it. The task
  gets no points.
- "timing": times that the judge's own clock or the timed results contradict. That part gets none.
- "patched": something was replaced by which results are read or times are taken. The tasks judged
  meanwhile get none; where clocks alone were replaced, the timings.

"protocol" (bytes on the judge's pipe) ends the worker, as a crash does: the check that ran then
fails, by its own verdict. Everything else is an attempt that the wall stopped: it costs nothing,
and is told to the student in neutral words and to the instructor as it was seen. Whether it was
meant is for people to judge: a path left over from somebody's laptop lies outside of the
submission, too.

What no rule says. Student code lives in the process that answers the judge, so it can, with enough
effort, say whatever it likes there: what a reply must echo makes a forged one harder, not
impossible. It would not help. An answer earns points by numbers alone, which the judge compares
with a truth that it computes itself, from inputs that it draws itself; nothing in the worker knows
the truth, the seed or what comes next. Whoever forges right numbers has computed them. Three things
remain that a forger could claim: that a kernel was launched (hence the calls in which kernels do
nothing), that the checked device found nothing (which hides a race from its author, and from nobody
who runs the code), and times (hence the judge's own clock around every burst). Frames, tracebacks
and functions lead to the worker's own objects, so code that knows the grader can also see there
that a call is an odd one, undo what makes it odd, or keep an event from being told; and device
memory of the emulator can be read at its address. Nothing within one process prevents that; the
source that does it names the grader's insides, and has no other use.

The limit of the odd calls, in which kernels or libraries do nothing, or the host sees other numbers
than the device holds. Code can find out that it is in such a call: by a kernel that it launches, or
numbers that it copies, only to look. To answer wrongly while kernels do nothing does not help,
since the host's own answer is wrong once it sees other numbers; to raise an exception in both does,
since an honest check of one's own raises, too. And numbers can be hidden in whole numbers below
65,536, or in the patterns of equal ones, by a kernel that takes them apart. Code of that kind looks
as if it depended on its kernels, while NumPy computes the right answers: the report shows its
points and no violation. A person who opens the function sees it at once: copies to the host and a
second way to the answer, where the task asks for one launch. `python -m grader explain` lists the
calls and launches of a task, to know where to read.

What is the emulator's or the grader's own mistake (`grader.worker.blame`) costs nobody points, and
the worker says so: a submission that forges a traceback takes a part out of its total instead of
failing it. It earns nothing by that, and the part stands there as ‼, with the traceback, until a
person has looked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from grader import tasks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grader.result import PartResult

MOST = 40
"""Violations that a report lists; a loop of thousands of attempts says no more than its first."""

_MOST_TEXT = 300

WROTE_TO_PIPE = "your code wrote to the grader's private pipe"
"""Of `grader.process`, where a worker answers what was not asked."""


@dataclass(frozen=True)
class Kind:
    """A kind of violation.

    Attributes:
        title: what was seen, in neutral words; most of it was stopped.
        rule: what the homework asks for, in words for the student and the instructor alike.
        step: what to do next.
        cost: what it costs.
    """

    title: str
    rule: str
    step: str
    cost: str = "No points are lost by this."


_OUTSIDE = (
    "A submission may use its own files, what Python and the device need, and its scratch folder."
)
_REMOVE = "If you need this for the homework, ask your instructor; otherwise remove it."

KINDS: dict[str, Kind] = {
    "policy": Kind(
        "the kernel does not do all of the work",
        "Where a task asks for a kernel, the kernel computes the whole result.",
        "Let the kernel do all of the work, and return what it wrote.",
        "The task has no points until it does.",
    ),
    "timing": Kind(
        "a time that cannot be trusted",
        "All work of a timed call is done between its beginning and its end, at each call.",
        "Do the whole work in every call, on the stream that it is called on.",
        "This time has no points.",
    ),
    "patched": Kind(
        "something was replaced by which results are judged",
        "Python's, NumPy's and PyCUDA's own functions stay as they are.",
        "Give your function a name of its own instead of replacing theirs.",
        "What was judged by it meanwhile has no points.",
    ),
    "protocol": Kind(
        "bytes on the pipe by which results are returned",
        "Results are what the functions of a submission return.",
        "Write to files in the working folder, or print; leave other descriptors alone.",
        "The check that ran then failed.",
    ),
    "read": Kind("a file outside of the submission was asked for", _OUTSIDE, _REMOVE),
    "write": Kind("a file outside of the scratch folder was to be written", _OUTSIDE, _REMOVE),
    "network": Kind(
        "a network connection was asked for", "Grading needs no network, and has none.", _REMOVE
    ),
    "process": Kind(
        "a program was to be started",
        "Compilers are started by PyCUDA; other programs are not needed.",
        _REMOVE,
    ),
    "signal": Kind(
        "a signal was to be sent to another process", "A submission ends itself at most.", _REMOVE
    ),
    "native": Kind(
        "native code was to be called past Python",
        "What is done on the device is done through PyCUDA and scikit-cuda.",
        _REMOVE,
    ),
    "environment": Kind(
        "the environment of the grader was asked for",
        "Results depend on their inputs alone.",
        _REMOVE,
    ),
    "setting": Kind(
        "a setting of the grader was changed",
        "Settings are read before a submission is loaded; it leaves them as they are.",
        _REMOVE,
    ),
    "import": Kind(
        "an import, or a file, by the name of another module",
        "A submission imports its own files, NumPy, PyCUDA and scikit-cuda, and gives its files "
        "names of their own.",
        "Rename the file, or leave the import out.",
    ),
}
"""What is said of each kind; the events of `grader.isolation` are among them."""

_UNKNOWN = Kind("something unusual was done", _OUTSIDE, _REMOVE)

_CLOCKS = ("time.", "gc.", "pycuda.driver.Event", "pycuda._driver.Event")


@dataclass(frozen=True)
class Violation:
    """Something that was seen, to be looked at by a person.

    Attributes:
        kind: a key of `KINDS`.
        title: of the kind.
        seen: what exactly: a path, a name, numbers.
        task: that was judged when it was seen first; None where there was none.
        file, line: the submission's own place, None where unknown.
    """

    kind: str
    title: str
    seen: str
    task: str | None = None
    file: str | None = None
    line: int | None = None

    @property
    def rule(self) -> str:
        """What the homework asks for."""
        return KINDS.get(self.kind, _UNKNOWN).rule

    @property
    def step(self) -> str:
        """What to do next."""
        return KINDS.get(self.kind, _UNKNOWN).step

    @property
    def cost(self) -> str:
        """What it costs."""
        return KINDS.get(self.kind, _UNKNOWN).cost


def violation(
    kind: str,
    seen: str,
    *,
    task: str | None = None,
    file: str | None = None,
    line: int | None = None,
) -> Violation:
    """A violation of a known kind; what was seen is cut where it is long."""
    title = KINDS.get(kind, _UNKNOWN).title
    return Violation(kind, title, seen[:_MOST_TEXT], task, file, line)


def from_events(events: Iterable[Any], task: str | None) -> tuple[Violation, ...]:
    """What events of a worker (`grader.isolation.Event`) come to; each place is told once."""
    return distinct(
        violation(event.kind, event.detail, task=task, file=event.file, line=event.line)
        for event in events
    )


def distinct(violations: Iterable[Violation]) -> tuple[Violation, ...]:
    """The first of those that differ in their task alone, and no more than a report lists."""
    first: dict[Violation, Violation] = {}
    for found in violations:
        first.setdefault(replace(found, task=None), found)
    return tuple(first.values())[:MOST]


def voids(found: Violation, task: str) -> bool:
    """Whether a task's points are void where this was seen while it was judged."""
    if found.kind == "patched":
        return tasks.find(task).needs_gpu or not found.seen.startswith(_CLOCKS)
    return found.kind == "policy"


def of_part(part: PartResult, task: str) -> tuple[Violation, ...]:
    """What the outcome of a part shows: a breach of policy, a void time, a forged reply."""
    place: dict[str, Any] = {"task": task, "file": part.file, "line": part.line}
    forged = part.message if WROTE_TO_PIPE in part.message else ""
    shown = (("policy", part.policy), ("timing", part.void), ("protocol", forged))
    return tuple(violation(kind, seen, **place) for kind, seen in shown if seen)
