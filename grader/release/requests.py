"""What part 5 asks the reference to be timed on: found by running its checks with nobody timed."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import numpy as np

from grader import tasks
from grader.timing.ratio import Ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHECKS = "grader.checks.test_part5"

_EQUAL = Ratio(100.0, 100.0, 1.0, 1.0, 1.0)


def requests() -> list[dict[str, Any]]:
    """Each launch or step that the checks time, once, as `grader.release.record` wants them.

    Returns:
        {"what", "key": shape and dtype of an array, or a value} and, of steps, "sizes" and
        "learning_rate".

    Raises:
        RuntimeError: a part that is timed beside the reference asks for nothing.
    """
    noted: dict[str, dict[str, Any]] = {}

    def note(request: dict[str, Any], arrays: list[Any]) -> None:
        if "what" in request and not request.get("graph"):
            entry = _entry(request, arrays)
            noted.setdefault(repr(entry), entry)

    def compare(subject: Any, *_: Any, **__: Any) -> Ratio:
        note(subject.request, subject.arrays)
        return _EQUAL

    for task, part, check in _checks():
        pair = MagicMock()
        pair.compare.side_effect = compare
        pair.reference.prepare.side_effect = note
        pair.copied.bytes_per_us = 1.0
        student = MagicMock(rng=np.random.default_rng(0), max_points=task.part(part).points)
        student.beside_reference.return_value = pair
        before = len(noted)
        try:
            check(student)
        except Exception as error:  # whatever it misses, what it asked for counts
            if len(noted) == before and not task.bonus:
                raise RuntimeError(f"part {part} of {task.id} asks for no time") from error
    return list(noted.values())


def _checks() -> Iterator[tuple[tasks.Task, str, Callable[[Any], None]]]:
    """The checks of the tasks that are timed."""
    module = importlib.import_module(CHECKS)
    for _, check in inspect.getmembers(module, inspect.isfunction):
        for mark in getattr(check, "pytestmark", ()):
            if mark.name == "part":
                yield tasks.find(mark.kwargs["task"]), mark.kwargs["part"], check


def _entry(request: dict[str, Any], arrays: list[Any]) -> dict[str, Any]:
    if "arguments" not in request:
        batch = request.get("batch")
        key: list[Any] = [
            [[batch or len(array), *array.shape[1:]], str(array.dtype)] for array in arrays
        ]
        kept = {name: request[name] for name in ("what", "sizes", "learning_rate")}
        return {**kept, "key": key}
    key = []
    for argument in request["arguments"]:
        if "tile" in argument:
            array = arrays[argument["tile"]]
            rows = int(argument.get("rows", len(array)))
            key.append([[rows, *array.shape[1:]], str(array.dtype)])
        else:
            key.append(argument["value"])
    return {"what": request["what"], "key": key}
