"""What part 5 asks the reference to be timed on: found by running its checks with nobody timed."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from grader import tasks
from grader.student import Student
from grader.timing import lockstep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHECKS = "grader.checks.test_part5"


class _Judge:
    """As much of a judge as the checks of times ask for."""

    folder, device, seed = Path(), Path(), 0

    def rng(self, *_: str) -> np.random.Generator:
        return np.random.default_rng(0)

    def require(self, *_: str) -> None:
        """Everything is there."""

    def __getattr__(self, name: str) -> Any:
        return None


def requests() -> list[dict[str, Any]]:
    """Each launch or step that the checks time, once, as `grader.release.record` wants them.

    Returns:
        {"what", "key": shape and dtype of an array, or a value} and, of steps, "sizes" and
        "learning_rate".

    Raises:
        RuntimeError: a task that is timed beside the reference asks for nothing.
    """
    noted: dict[str, dict[str, Any]] = {}
    for task, part, check in _checks():
        before = len(noted)

        class Noting:
            """In place of a worker that is timed."""

            def __init__(self, *_: Any, **__: Any) -> None: ...

            def prepare(self, request: dict[str, Any], arrays: list[Any]) -> None:
                self._results = [] if "arguments" in request else [np.zeros(64)]
                if "what" in request and not request.get("graph"):
                    entry = _entry(request, arrays)
                    noted.setdefault(repr(entry), entry)

            def burst(self, *_: Any, **__: Any) -> Any:
                return 100.0

            def results(self, *_: Any, **__: Any) -> list[Any]:
                return self._results

            def __getattr__(self, name: str) -> Any:
                return lambda *_, **__: None

        with patch.object(lockstep, "Contender", Noting):
            student = Student(_Judge(), task.id, part, {})  # type: ignore[arg-type]  # stands in
            try:
                check(student)
            except Exception as error:
                if len(noted) == before and not task.bonus:
                    raise RuntimeError(f"part {part} of {task.id} asks for no time") from error
    return list(noted.values())


def _checks() -> Iterator[tuple[tasks.Task, str, Callable[[Student], None]]]:
    """The checks of the tasks that are timed."""
    module = importlib.import_module(CHECKS)
    for _, check in inspect.getmembers(module, inspect.isfunction):
        for mark in getattr(check, "pytestmark", ()):
            if mark.name == "part":
                yield tasks.find(mark.kwargs["task"]), mark.kwargs["part"], check


def _entry(request: dict[str, Any], arrays: list[Any]) -> dict[str, Any]:
    if "arguments" not in request:
        key: list[Any] = [[list(array.shape), str(array.dtype)] for array in arrays]
        kept = {name: request[name] for name in ("what", "sizes", "learning_rate")}
        return {**kept, "key": key}
    key = []
    for argument in request["arguments"]:
        if "tile" in argument:
            array = arrays[argument["tile"]]
            key.append([[int(argument["rows"]), *array.shape[1:]], str(array.dtype)])
        else:
            key.append(argument["value"])
    return {"what": request["what"], "key": key}
