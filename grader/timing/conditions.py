"""Under which conditions times were taken: who else used the GPU, and what held its clocks down."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from backend import gpu_state
from backend.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from backend.gpu_state import GpuState


def look() -> GpuState | None:
    """The GPU that is used, as it is now; None where that cannot be told."""
    return gpu_state.visible(gpu_state.now(Machine()), os.environ)


class Watch:
    """Looks at the GPU before and after something is timed.

    Args:
        own: the grader's own processes on it.
        look: at the GPU.
    """

    def __init__(
        self, own: Collection[int] = (), look: Callable[[], GpuState | None] = look
    ) -> None:
        self._own, self._look = frozenset(own), look
        self._before = look()

    def told(self) -> str:
        """What was unusual before or after, as half a sentence; "" for nothing."""
        seen = [state for state in (self._before, self._look()) if state is not None]
        others = max((self._others(state.pids) for state in seen), default=0)
        slowed = dict.fromkeys(reason for state in seen for reason in state.slowed_by)
        told = []
        if others:
            told.append(f"{others} other process{'es' if others > 1 else ''} used the GPU")
        if slowed:
            told.append(f"its clocks were held down by {' and '.join(slowed)}")
        return " and ".join(told)

    def _others(self, pids: Sequence[int]) -> int:
        """Processes that are not the grader's; in a container their numbers are not its own."""
        known = self._own & set(pids)
        return max(0, len(pids) - len(known or self._own))
