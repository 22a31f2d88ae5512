"""Watches a grading for `python -m grader explain`, in front of what the checks call."""

from __future__ import annotations

import inspect
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from grader import diagnoses, expect, tolerance
from grader.diagnoses.bank import MISTAKES
from grader.judge import Judge
from grader.report.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_SHOWN_ELEMENTS = 3

_VERBS = {
    "new": "makes",
    "set": "sets",
    "get": "reads",
    "keep": "uploads",
    "refill": "puts other numbers into",
    "hold": "notes",
    "look": "reads again",
}


@dataclass
class Witness:
    """What is seen while a task is graded, as lines for a person."""

    lines: list[str] = field(default_factory=list)
    derivations: dict[str, str] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """Note a line, or several."""
        self.lines += [plain(line) for line in text.splitlines()]

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look at what the checks do, by standing in front of it."""
        with ExitStack() as stack:
            for target, name in (
                (Judge, "rng"),
                (Judge, "run"),
                (expect, "close"),
                (diagnoses, "recognise"),
            ):
                seen = partial(getattr(self, f"_{name}"), getattr(target, name))
                stack.enter_context(patch.object(target, name, _as_function(seen)))
            for name, function in inspect.getmembers(tolerance, inspect.isfunction):
                if function.__module__ == tolerance.__name__ and not name.startswith("_"):
                    noting = self._noting(name, function)
                    stack.enter_context(patch.object(tolerance, name, noting))
            yield

    def _rng(self, draw: Any, judge: Judge, *names: str) -> np.random.Generator:
        what = ", ".join(names)
        self.say(f"inputs drawn for {what} (seed {judge.seed}, year {judge.year!r})")
        drawn: np.random.Generator = draw(judge, *names)
        return drawn

    def _run(self, run: Any, judge: Judge, *actions: Any, **keywords: Any) -> Any:
        for action in actions:
            self._action(action)
        try:
            outcomes = run(judge, *actions, **keywords)
        except Exception as error:
            self.say(f"    raises {type(error).__name__}: {error}")
            raise
        for outcome in outcomes:
            self._outcome(outcome)
        return outcomes

    def _close(
        self, close: Any, name: str, yours: Any, true: Any, bound: Any, **keywords: Any
    ) -> None:
        self._comparison(name, yours, true, bound)
        close(name, yours, true, bound, **keywords)

    def _recognise(self, recognise: Any, quantity: str, *arguments: Any) -> Any:
        found = recognise(quantity, *arguments)
        self._considered(quantity, found)
        return found

    def _noting(self, name: str, function: Any) -> Any:
        def noted(*arguments: Any, **keywords: Any) -> Any:
            self.derivations[name] = (inspect.getdoc(function) or "").splitlines()[0]
            return function(*arguments, **keywords)

        return noted

    def _action(self, action: Any) -> None:
        given = [f"{a.dtype} {a.shape}" for a in action.arrays]
        verb = _VERBS.get(action.entry["do"], "calls")
        told = f" with {', '.join(given)}" if given else ""
        idle = action.entry.get("idle")
        probe = f", while {' and '.join(idle)} do nothing" if idle else ""
        if action.entry.get("blind"):
            probe += ", while the host sees other numbers than the device holds"
        self.say(f"  {verb} {action.what}{told}{probe}")

    def _outcome(self, outcome: Any) -> None:
        for launch in outcome.launches:
            own = "" if launch["own"] else " (PyCUDA's own)"
            self.say(f"    launched {launch['kernel']}{own}: {launch['grid']} × {launch['block']}")
        if outcome.returned.kind != "None":
            self.say(f"    returned {outcome.returned}")

    def _comparison(self, name: str, yours: Any, true: Any, bound: Any) -> None:
        limit = np.broadcast_to(tolerance.allowed(bound), true.shape)
        wrong = expect.differing(yours, true, limit)
        with np.errstate(invalid="ignore"):
            share = np.abs(yours - true) / limit
        verdict = "differs" if wrong.any() else "agrees"
        most = float(np.nanmax(share)) if share.size and np.isfinite(share).any() else np.nan
        self.say(
            f"    {name}, {true.shape}: {verdict}; {int(wrong.sum()):,} of {true.size:,} elements "
            f"beyond what is allowed, the largest error is {most:.3g} of it"
        )
        order = np.argsort(np.where(np.isfinite(share), -share, -np.inf), axis=None)
        for place in order[:_SHOWN_ELEMENTS]:
            index = tuple(int(i) for i in np.unravel_index(place, true.shape))
            values = f"yours {yours[index]:.9g}, true {true[index]:.9g}"
            self.say(f"        {list(index)}: {values}, allowed ±{limit[index]:.2e}")

    def _considered(self, quantity: str, found: Sequence[Any]) -> None:
        known = [mistake for mistake in MISTAKES if quantity in mistake.answers]
        what = quantity or "result"
        self.say(
            f"    diagnoses considered: {len(known)} mistakes are known to make a wrong {what}"
        )
        names = ", ".join(f"{told.id} ({told.title})" for told in found)
        self.say(f"    recognised: {names or 'none of them, so none is named'}")


def _as_function(seen: partial[Any]) -> Callable[..., Any]:
    """A function, which becomes a method where a class holds it; a partial does not."""

    def called(*arguments: Any, **keywords: Any) -> Any:
        return seen(*arguments, **keywords)

    return called
