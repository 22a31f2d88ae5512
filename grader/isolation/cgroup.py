"""A control group for one worker, where one can be made: memory and processes, v1 or v2."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = "homework-grader-"
_LIMITS = {
    "memory": (("memory.max", "memory.limit_in_bytes"), 0),
    "pids": (("pids.max",), 1),
}
_PATIENCE_S = 1.0


@dataclass(frozen=True)
class Group:
    """The folders of one worker's group, one for each hierarchy.

    Attributes:
        folders: in the control groups' file systems.
        limited: "memory", "pids".
    """

    folders: tuple[Path, ...]
    limited: tuple[str, ...]

    def add(self, pid: int) -> None:
        """Put a process, and all that it will start, into the group."""
        for folder in self.folders:
            with contextlib.suppress(OSError):
                (folder / "cgroup.procs").write_text(str(pid), "ascii")

    def kill(self) -> None:
        """Kill what is left in the group, and what that starts meanwhile."""
        end = time.monotonic() + _PATIENCE_S
        while (left := self._members()) and time.monotonic() < end:
            for pid in left:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.001)

    def _members(self) -> set[int]:
        found = set()
        for folder in self.folders:
            with contextlib.suppress(OSError):
                found |= set(map(int, (folder / "cgroup.procs").read_text("ascii").split()))
        return found

    def remove(self) -> None:
        """Take the group away once its processes have ended."""
        end = time.monotonic() + _PATIENCE_S
        for folder in self.folders:
            while folder.exists() and time.monotonic() < end:
                with contextlib.suppress(OSError):
                    folder.rmdir()
                    break
                time.sleep(0.01)


def make(memory_bytes: int, processes: int) -> Group:
    """A group below this process's own, with those limits that can be set.

    Raises:
        OSError: none can be set.
    """
    folders, limited, reason = [], [], "no control groups"
    for controller, parent in _parents().items():
        _sweep(parent)
        folder = parent / f"{_NAME}{os.getpid()}"
        try:
            folder.mkdir()
        except OSError as error:
            reason = f"control groups can't be made: {error.strerror}"
            continue
        done = [
            name
            for name, (files, which) in _LIMITS.items()
            if controller in (name, "") and _limit(folder, files, (memory_bytes, processes)[which])
        ]
        if not done:
            folder.rmdir()
            reason = "its control groups have no limits"
            continue
        folders.append(folder)
        limited += done
    if not folders:
        raise OSError(reason)
    return Group(tuple(folders), tuple(limited))


def _limit(folder: Path, files: tuple[str, ...], value: int) -> bool:
    for file in files:
        if (folder / file).exists():
            try:
                (folder / file).write_text(str(value), "ascii")
            except OSError:
                return False
            return True
    return False


def _parents() -> dict[str, Path]:
    """This process's own group in each hierarchy that counts: "" is v2's."""
    own = dict(_own())
    found = {}
    for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        root, mounted = before.split(" ")[3:5]
        if kind not in ("cgroup", "cgroup2"):
            continue
        names = [""] if kind == "cgroup2" else [n for n in _LIMITS if n in options.split(",")]
        for name in names:
            if name in own:
                inside = os.path.relpath(own[name], root)
                path = Path(mounted) if inside.startswith("..") else Path(mounted) / inside
                found[name] = path
    return found


def _own() -> Iterator[tuple[str, str]]:
    for line in Path("/proc/self/cgroup").read_text("utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        yield from ((name, path) for name in controllers.split(","))


def _sweep(parent: Path) -> None:
    """Take away groups that a killed grader left; those with living processes stay."""
    for folder in parent.glob(f"{_NAME}*"):
        with contextlib.suppress(OSError):
            folder.rmdir()
