"""Gradings that share a GPU take turns: checks run together, times are taken alone.

A class run lets several gradings work for one device, so that it does not wait while kernels are
compiled and reports are written. What they do on the device itself comes in two kinds, and each
waits for the other: while times are taken, no process of another submission is on the device.

The turn is kept by flock(2) on two files which the judge holds open and no worker ever sees, so a
judge that is killed keeps nobody waiting. Who waits for times goes before who waits for checks:
then checks gather, and run at once.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

VARIABLE = "GRADER_TURNS"
"""Names a folder that the gradings of one device share; without it a grading is alone anyway."""

KERNELS = "GRADER_KERNELS"
"""Names a folder in which they keep the reference's compiled kernels, which each loads alone."""


class Turns:
    """A grading's place among those that share its device.

    Args:
        folder: exists, and is theirs; None where there are no others.
    """

    def __init__(self, folder: Path | None) -> None:
        self._device, self._times = (
            -1 if folder is None else os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
            for name in ("device", "times")
        )
        self._is_alone = self._is_there = False

    @classmethod
    def of_environment(cls) -> Turns:
        """As the class run named them."""
        folder = os.environ.get(VARIABLE)
        return cls(Path(folder) if folder else None)

    def together(self) -> None:
        """Wait until checks may run on the device; who is alone on it may run them anyway."""
        if not self._is_there:
            self._lock(self._times, fcntl.LOCK_EX)  # as long as anybody wants to be alone: wait
            self._lock(self._device, fcntl.LOCK_SH)
            self._lock(self._times, fcntl.LOCK_UN)
            self._is_there = True

    def alone(self) -> None:
        """Wait until nobody else is on the device, where nothing of this grading may be, either."""
        if not self._is_alone:
            self._lock(self._device, fcntl.LOCK_UN)  # two that only upgrade wait for each other
            self._lock(self._times, fcntl.LOCK_SH)
            self._lock(self._device, fcntl.LOCK_EX)
            self._is_alone = self._is_there = True

    def leave(self) -> None:
        """Let others on the device."""
        self._lock(self._device, fcntl.LOCK_UN)
        self._lock(self._times, fcntl.LOCK_UN)
        self._is_alone = self._is_there = False

    @staticmethod
    def _lock(file: int, how: int) -> None:
        if file >= 0:
            fcntl.flock(file, how)
