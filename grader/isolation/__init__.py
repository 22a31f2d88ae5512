"""Walls around the process that runs student code, and what is said of them.

The walls are the kernel's. `Level.LIGHT`, a student's own run, has none: it keeps accidents away
and says nothing. `Level.FULL` takes all that the system gives (see `grader.isolation.enter`) and
says which of them were reached; where one can't be had, the run goes on with the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(str, Enum):
    """How much of the system a worker is kept away from."""

    LIGHT = "light"
    FULL = "full"


@dataclass(frozen=True)
class Reached:
    """What isolation came to.

    Attributes:
        measures: the walls that stand, each in a few words.
        missing: those that do not, each with its reason.
    """

    measures: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def weaker(self, other: Reached) -> Reached:
        """What holds for both; one that did not live to tell says nothing."""
        if not self.text() or not other.text():
            return self if self.text() else other
        both = tuple(measure for measure in self.measures if measure in other.measures)
        return Reached(both, tuple(dict.fromkeys((*self.missing, *other.missing))))

    def text(self) -> str:
        """One sentence for a report; "" for the light level."""
        if not self.measures and not self.missing:
            return ""
        stands = ", ".join(self.measures) or "none"
        return f"isolation: {stands}" + (
            f"; not had here: {', '.join(self.missing)}" if self.missing else ""
        )


@dataclass(frozen=True)
class Event:
    """Something that a submission did, or tried, seen from inside its process.

    Attributes:
        kind: "read", "write", "network", "process", "signal", "native", "environment", "setting",
            "import" or "patched".
        detail: what; for "patched" the name that no longer means what it did comes first.
        file, line: of the submission's own frame; "" and 0 where there is none.
    """

    kind: str
    detail: str
    file: str = ""
    line: int = 0


__all__ = ["Event", "Level", "Reached"]
