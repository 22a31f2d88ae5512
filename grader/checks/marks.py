"""The marker that ties a check to its share of a task's points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader import tasks

if TYPE_CHECKING:
    from _pytest.mark.structures import MarkDecorator


def part(task: str, name: str) -> MarkDecorator:
    """Mark a check with its task, part, points, and the tasks it needs, as the table says."""
    entry = tasks.find(task)
    return pytest.mark.part(
        task=task, part=name, points=entry.part(name).points, needs=entry.builds_on
    )
