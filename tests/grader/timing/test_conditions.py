"""What is told of a busy GPU."""

from __future__ import annotations

import pytest

from backend.gpu_state import GpuState
from grader.timing.conditions import Watch


def told(before: GpuState | None, after: GpuState | None, own: tuple[int, ...] = (1, 2)) -> str:
    """What a watch says that saw these."""
    seen = iter([before, after])
    return Watch(own, lambda: next(seen)).told()


def state(*pids: int, slowed_by: tuple[str, ...] = ()) -> GpuState:
    """A GPU with these processes."""
    return GpuState("GPU-0", 1 << 30, pids, slowed_by)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (state(1, 2), state(1, 2), ""),
        (state(), state(1), ""),
        (None, None, ""),
        (state(1, 2), state(1, 2, 7), "1 other process used the GPU"),
        (state(7, 8, 1), None, "2 other processes used the GPU"),
        (state(901, 902), state(901, 902), ""),  # a container's: other numbers, as many
        (state(901, 902), state(901, 902, 903), "1 other process used the GPU"),
    ],
)
def test_other_processes(before: GpuState | None, after: GpuState | None, expected: str) -> None:
    """Processes that are not the grader's are counted, before and after."""
    assert told(before, after) == expected


def test_clocks() -> None:
    """What holds the clocks down is named, each once."""
    hot = state(1, slowed_by=("its temperature",))
    both = state(1, 5, slowed_by=("its temperature", "the power limit"))
    expected = "its clocks were held down by its temperature and the power limit"
    assert told(hot, both) == f"1 other process used the GPU and {expected}"
    assert told(hot, None) == "its clocks were held down by its temperature"
