"""What honest code does at the top of a file, and the standard library for it: nothing to tell."""

from __future__ import annotations

import os
from typing import Any

_SETTINGS = (
    *("EMULATOR_", "PYCUDA_", "NVCC_", "GRADER_", "LD_", "CUDA_", "BACKEND"),
    *("CPATH", "CPLUS_INCLUDE", "C_INCLUDE", "CXX", "PYTHON"),
)
_EVERYDAY = (
    *("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE", "CUDA_DEVICE_ORDER", "CUDA_LAUNCH_BLOCKING"),
    *("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT", "LD_LIBRARY_PATH"),
    *("PYTHONUNBUFFERED", "PYTHONHASHSEED", "PYTHONWARNINGS"),
)
"""What many set at the top of a file, and what changes nothing once a worker runs."""

_PROGRAMS = ("nvidia-smi", "uname", "lscpu", "hostname")
"""Which tell of the machine."""

ON_BEHALF = ("/platform.py", "/uuid.py", "/ctypes/util.py", "/multiprocessing/")
"""Files of the standard library that start programs, or end processes, which nobody asked for."""

_PLACES_OF_PROGRAMS = ("/usr/", "/opt/", "/bin", "/sbin")

_OPEN_TO_ALL_PROC = ("cpuinfo", "meminfo", "stat", "version", "filesystems", "mounts", "driver")


def concerns_grader(name: str, value: str) -> bool:
    """Whether an environment variable is one by which programs of the grader could be led astray.

    Args:
        name: of the variable; os.environ still holds what it was.
        value: that it is about to get, "" where it is removed.
    """
    if name == "PATH":
        return not _is_only_longer(value, os.environ.get("PATH", ""))
    return name.startswith(_SETTINGS) and name not in _EVERYDAY


def tells_of_machine(command: str) -> bool:
    """Whether a program is started that only tells what machine this is."""
    program, _, _ = command.partition(" ")
    return os.path.basename(program) in _PROGRAMS  # noqa: PTH119 - a string


def is_own_process(pid: Any) -> bool:
    """Whether that is this process, or a child of it."""
    if pid == os.getpid():
        return True
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except (OSError, TypeError):
        return False
    return bool(pid > 1)


def _is_only_longer(path: str, before: str) -> bool:
    """Whether a PATH has got nothing but folders of installed programs, before or after it."""
    entries, old = path.split(os.pathsep), before.split(os.pathsep)
    added = [entry for entry in entries if entry and entry not in old]
    in_order = [entry for entry in entries if entry in old]
    return in_order == old and all(each.startswith(_PLACES_OF_PROGRAMS) for each in added)


def is_harmless_proc(path: str) -> bool:
    """Whether that tells of the machine or of this process only."""
    first, _, second = path.removeprefix("/proc/").partition("/")
    if not path.startswith("/proc/"):
        return False
    own = first in ("self", "thread-self", str(os.getpid()))
    return first in _OPEN_TO_ALL_PROC or (own and not second.endswith(("environ", "mem")))
