"""Two processes on one core, so that the ratio of their times is not that of two cores' speeds.

A training step of the homework's size takes as long as the host needs to ask for it, and cores of a
shared machine differ by a third from second to second. Two processes of which only one works at a
time need no more than one.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from grader import processes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PROCESSOR = 36  # field 39 of proc_pid_stat(5), counted from the state, which is field 3


@contextlib.contextmanager
def shared(pids: Sequence[int]) -> Iterator[None]:
    """Keep the main threads of some processes on one core meanwhile, where that is allowed.

    Args:
        pids: the core is that on which the last of them ran, which the system found free.
    """
    before: dict[int, set[int]] = {}
    with contextlib.suppress(OSError):
        masks = {pid: os.sched_getaffinity(pid) for pid in pids}
        allowed = set.intersection(*masks.values()) if masks else set()
        fields = processes.stat(pids[-1]) if pids else []
        core = int(fields[_PROCESSOR]) if len(fields) > _PROCESSOR else -1
        for pid in pids if core in allowed else ():
            os.sched_setaffinity(pid, {core})
            before[pid] = masks[pid]
    if len(before) < len(pids):
        _restore(before)  # all of them, or none
    try:
        yield
    finally:
        _restore(before)


def _restore(masks: dict[int, set[int]]) -> None:
    for pid, mask in masks.items():
        with contextlib.suppress(OSError):  # it may have ended
            os.sched_setaffinity(pid, mask)
