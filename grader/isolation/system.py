"""The Linux system calls that Python has no functions for, by ctypes.

Numbers and structures: <linux/prctl.h>, <linux/sched.h>, <linux/mount.h>, <linux/capability.h>.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from functools import lru_cache

NEW_NAMESPACES = {
    "mounts": 0x00020000,
    "hostname": 0x04000000,
    "IPC": 0x08000000,
    "users": 0x10000000,
    "processes": 0x20000000,
    "network": 0x40000000,
}
"""Flags of unshare(2)."""

READ_ONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND = 1, 2, 4, 8, 32, 4096
"""Flags of mount(2)."""

_PDEATHSIG, _DUMPABLE, _NO_NEW_PRIVS, _BOUNDING_DROP, _AMBIENT = 1, 4, 38, 24, 47
_AMBIENT_CLEAR_ALL = 4
_REC, _PRIVATE = 16384, 1 << 18
_MNT_DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_CAPSET = {"x86_64": 126, "aarch64": 91}
_MOUNT_SETATTR = 442
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_CAPABILITY_VERSION_3 = 0x20080522


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def call(number: int, *arguments: object) -> int:
    """syscall(2); OSError where it fails."""
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _checked(int(_libc().syscall(ctypes.c_long(number), *wide)))


def _checked(result: int, what: str = "") -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what or None)
    return result


def prctl(option: int, value: int = 0, more: object = 0) -> None:
    """Have the kernel set something of this thread; OSError where it fails."""
    wide = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in (value, more, 0, 0)]
    _checked(_libc().prctl(option, *wide))


def die_with_parent(signal: int) -> None:
    """Get a signal when the thread that made this process ends; a change of uid undoes it."""
    prctl(_PDEATHSIG, signal)


def no_new_privileges() -> None:
    """Setuid programs and file capabilities give nothing from here on, for good."""
    prctl(_NO_NEW_PRIVS, 1)


def readable_by_itself() -> None:
    """Let this process open its own /proc/self files again, which a change of uid forbids."""
    prctl(_DUMPABLE, 1)


def drop_capabilities() -> None:
    """Give up all capabilities, and those that a program executed later could gain."""
    drop_bounding_set()
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    call(_CAPSET[os.uname().machine], header, (ctypes.c_uint32 * 6)())


def drop_bounding_set() -> None:
    """Give up what a program executed later could gain; needs CAP_SETPCAP, else nothing is done."""
    with contextlib.suppress(OSError):  # beyond the last one, or none may be dropped
        for capability in range(64):
            prctl(_BOUNDING_DROP, capability)
    with contextlib.suppress(OSError):  # kernels before 4.3 have none
        prctl(_AMBIENT, _AMBIENT_CLEAR_ALL)


def unshare(*names: str) -> None:
    """Leave the namespaces of these names for new ones; for "processes" children do."""
    flags = sum(NEW_NAMESPACES[name] for name in names)
    _checked(_libc().unshare(flags), "unshare")


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    """Put a file system, or what is told by flags, at a place; OSError where it fails."""
    arguments = [text.encode() for text in (source, target, kind)]
    result = _libc().mount(*arguments, ctypes.c_ulong(flags), options.encode())
    _checked(result, target)


def make_mounts_private() -> None:
    """Keep what is mounted here from being seen elsewhere."""
    mount("none", "/", "", _REC | _PRIVATE)


def bind(source: str, target: str, *, writable: bool = False, recursive: bool = True) -> None:
    """Show a file or folder at a second place, read-only unless told."""
    mount(source, target, "", BIND | (_REC if recursive else 0))
    if writable:
        return
    attributes = (ctypes.c_uint64 * 4)(READ_ONLY | NOSUID, 0, 0, 0)
    flags = _AT_RECURSIVE if recursive else 0
    try:  # since Linux 5.12, with all that is mounted below
        call(_MOUNT_SETATTR, _AT_FDCWD, target.encode(), flags, attributes, 32)
    except OSError:
        mount("none", target, "", BIND | REMOUNT | READ_ONLY | NOSUID)


def change_root(folder: str) -> None:
    """Make a mounted folder the root, and let go of the old one."""
    os.chdir(folder)
    call(_PIVOT_ROOT[os.uname().machine], b".", b".")
    _checked(_libc().umount2(b".", _MNT_DETACH), "umount")
    os.chdir("/")
