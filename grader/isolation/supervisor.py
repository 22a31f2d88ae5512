"""The process that stays outside of a worker's walls, and ends all that is left within them."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from typing import TYPE_CHECKING, NoReturn

from grader.isolation import system, uids

if TYPE_CHECKING:
    from grader.isolation import cgroup

OPEN_FILES = 1024
"""Descriptors that a worker and its supervisor may have."""


def start_init() -> int:
    """Start the first process of the new process namespace: all others end when it ends."""
    init = os.fork()
    if init:
        return init
    try:
        system.die_with_parent(signal.SIGKILL)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans that end are reaped
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.closerange(0, OPEN_FILES)
        with contextlib.suppress(OSError, KeyError):
            system.drop_capabilities()
        while True:
            signal.pause()
    finally:
        os._exit(0)


def supervise(worker: int, init: int, uid: int | None, group: list[cgroup.Group]) -> NoReturn:
    """Wait for the worker, or for the judge's word or end, and end all that is left, and itself.

    Args:
        worker: its pid.
        init: the first process of its namespace; 0 where it has none.
        uid: its own user id; None where it has the judge's.
        group: the control groups made for it.
    """

    def end(*_: object) -> None:
        for pid in filter(None, (worker, init)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    system.die_with_parent(signal.SIGTERM)
    _, status = os.waitpid(worker, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if init:
        os.kill(init, signal.SIGKILL)
        os.waitpid(init, 0)  # the last one of its namespace to go
    elif uid is not None:
        uids.kill_all_of(uid)
    for made in group:
        made.kill()
        made.remove()
    if os.WIFSIGNALED(status):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1)
