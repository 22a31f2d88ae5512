"""The time that a submission has for a whole grading.

Each request has limits of its own (`grader.limits`), but a grading makes a hundred of them: code
that stays a little below each limit would hold a machine for an hour. What counts is processor time
of the process that runs student code, while it answers, so that a busy machine changes no score;
wall time is a backstop, for code that sleeps. Devices have budgets of their own, since the score of
correctness must not depend on whether there is a GPU, too.
"""

from __future__ import annotations

from dataclasses import dataclass

from grader.settings import Limits

WALL_SHARE = 0.5
"""Of wall time, counts at least. Honest code takes up to a sixth of a budget, so a machine has to
be twelve times too busy before this changes a score."""

NEAR = 0.5  # "more than half" in words below
"""Share of a budget from which on a report warns: other processors are half as fast."""

OPENING = "Your code "
"""How a note begins."""

LOADING = "loading"
"""In place of a task's id: what importing the submission takes."""


@dataclass(frozen=True)
class Used:
    """What a submission used of its budget on one device.

    Attributes:
        limit_s: that a grading has.
        used_s: of it.
        most: id of the task in which most was used, or `LOADING`; "" where nothing was.
    """

    limit_s: float
    used_s: float = 0.0
    most: str = ""

    @property
    def is_up(self) -> bool:
        """Whether nothing more is judged."""
        return self.used_s >= self.limit_s

    def refusal(self) -> str:
        """Why something is not judged."""
        return f"not judged: your code used up the {self.limit_s:g} s of a grading{self._most()}"

    def note(self) -> str:
        """A sentence for a report of code that used much; "" of all other."""
        if self.used_s < NEAR * self.limit_s:
            return ""
        if self.is_up:
            return (
                f"{OPENING}used up the {self.limit_s:g} s of processor time that a grading has"
                f"{self._most()}: what was not reached by then was not judged."
            )
        return (
            f"{OPENING}took more than half of the {self.limit_s:g} s of processor time that a "
            f"grading has{self._most()}: on a slower machine it may not be judged to the end."
        )

    def _most(self) -> str:
        if not self.most:
            return ""
        where = "while your files were loaded" if self.most == LOADING else f"in {self.most}"
        return f", most of it {where}"


class Budget:
    """Adds up what a submission uses on one device, in all its workers.

    Args:
        limit_s: that a grading has.

    Attributes:
        task: id of the task that is judged.
    """

    def __init__(self, limit_s: float = Limits.grading_s) -> None:
        self._limit_s, self.task = limit_s, ""
        self._used_s: dict[str, float] = {}

    def charge(self, cpu_s: float, wall_s: float, *, is_loading: bool = False) -> None:
        """Put what a request took down to the task that is judged."""
        task = LOADING if is_loading else self.task
        self._used_s[task] = self._used_s.get(task, 0.0) + _counted_s(cpu_s, wall_s)

    def has(self, cpu_s: float = 0.0, wall_s: float = 0.0) -> bool:
        """Whether something is left for a request that has taken so much."""
        return sum(self._used_s.values()) + _counted_s(cpu_s, wall_s) < self._limit_s

    @property
    def used(self) -> Used:
        """What was used so far."""
        most = max(self._used_s, key=lambda task: self._used_s[task], default="")
        return Used(self._limit_s, sum(self._used_s.values()), most)


def _counted_s(cpu_s: float, wall_s: float) -> float:
    return max(cpu_s, WALL_SHARE * wall_s)
