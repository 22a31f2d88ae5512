"""A user id of its own for each worker, so that none can signal or read another.

Ids are leased, not made: nothing is added to /etc/passwd. A lease is a bound abstract socket, which
the kernel takes back when its holder ends, however that happens, and which leaves no file behind.
"""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

COUNT = 1024
"""How many workers may run at the same time on one machine."""

_WANTED = 0x70000000  # above what distributions, systemd and directory services give out
_NOBODY = 65534


def block() -> range:
    """The ids to choose from: high ones, or the last that this user namespace knows.

    Raises:
        OSError: this namespace has none to spare.
    """
    last = range(0)
    for line in Path("/proc/self/uid_map").read_text("ascii").splitlines():
        start, _, count = (int(field) for field in line.split())
        if start <= _WANTED <= start + count - COUNT:
            return range(_WANTED, _WANTED + COUNT)
        if count > COUNT:
            last = range(start + count - COUNT, start + count)
    if not last:
        raise OSError("this user namespace has no user ids to spare")
    return last


def lease() -> tuple[int, socket.socket]:
    """An id that nobody uses, and the lease, which lasts until it is closed.

    Raises:
        OSError: none is free.
    """
    taken = _in_use()
    for uid in block():
        if uid == _NOBODY or uid in taken:
            continue
        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            held.bind(f"\0homework-grader-uid-{uid}")
        except OSError:
            held.close()
            continue
        return uid, held
    raise OSError(f"all {COUNT} user ids for workers are in use")


def kill_all_of(uid: int) -> None:
    """Kill every process of a leased id at once, so that none can start another meanwhile."""
    child = os.fork()
    if child == 0:
        try:
            os.setresuid(uid, uid, uid)
            os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def _in_use() -> set[int]:
    """The owners of all processes."""
    found = set()
    for name in os.listdir("/proc"):  # noqa: PTH208 - hundreds of entries, so no Path for each
        if name.isdigit():
            try:
                found.add(os.stat(f"/proc/{name}").st_uid)  # noqa: PTH116 - as above
            except OSError:
                continue  # it ended
    return found
