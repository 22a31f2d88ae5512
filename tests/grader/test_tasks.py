from __future__ import annotations

import pytest

from grader import tasks
from grader.worker import standins


def test_points() -> None:
    """The tasks' points are those of the handout: 85 without a GPU, 100 with one."""
    points = {task.id: task.points for task in tasks.TASKS}
    assert points == {
        "1.1": 4,
        "1.2": 10,
        "1.3": 10,
        "1.4": 6,
        "2.1": 6,
        "2.2": 5,
        "2.3": 8,
        "2.4": 3,
        "2.5": 8,
        "3.1": 4,
        "4.1": 5,
        "4.2": 11,
        "4.3": 5,
        "5.1": 10,
        "5.2": 5,
        "5.3": 5,
    }
    assert sum(task.points for task in tasks.TASKS if not task.bonus) == 100
    assert sum(task.points for task in tasks.TASKS if not task.needs_gpu) == 85


def test_judging_order() -> None:
    """Every task is judged after those that it builds on, and each once."""
    seen: set[str] = set()
    for task in tasks.judging_order():
        assert set(task.builds_on) <= seen
        seen.add(task.id)
    assert len(seen) == len(tasks.TASKS)


def test_every_function_has_a_stand_in() -> None:
    """Each function of the table can be replaced."""
    for module in ("kernels", "blas", "linear", "network", "training"):
        made = standins.module(module)
        for name in standins.names(module):
            found = made
            for attribute in name.split(".")[1:]:
                found = getattr(found, attribute)
            assert callable(found)


def test_unknown_task() -> None:
    """An unknown task's error lists those that there are."""
    with pytest.raises(KeyError, match=r"2\.3"):
        tasks.find("7.7")
