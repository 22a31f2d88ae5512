"""Landlock: which files this process and its children may still open, and no TCP.

The kernel's own documentation (userspace-api/landlock) and <linux/landlock.h> are followed. The
`landlock` package on PyPI stops at an early ABI (files only), and is a development release.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from typing import TYPE_CHECKING

from grader.isolation import system

if TYPE_CHECKING:
    from collections.abc import Iterable

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on all machines
_VERSION, _PATH_BENEATH = 1, 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
_OF_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE

READ = _EXECUTE | _READ_FILE | _READ_DIR
WRITE = (1 << 16) - 1  # all of them; the kernel is asked for those that it knows

_FILE_RIGHTS_OF_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # how many bits
_TCP, _TCP_ABI = 0b11, 4
_SCOPES, _SCOPES_ABI = 0b11, 6  # abstract unix sockets, signals

_O_PATH = 0o10000000


def abi() -> int:
    """The kernel's version of Landlock; 0 without."""
    try:
        return system.call(_CREATE, 0, 0, _VERSION)
    except OSError:
        return 0


def restrict(readable: Iterable[str], writable: Iterable[str]) -> str:
    """Allow this thread, and all that it starts, these files and folders; needs no_new_privileges.

    Args:
        readable: to read and execute; what is not there is left out.
        writable: to do anything with, devices included.

    Returns:
        what stands now, in a few words.

    Raises:
        OSError: the kernel has no Landlock.
    """
    version = abi()
    files = (1 << _FILE_RIGHTS_OF_ABI.get(version, 16)) - 1
    attributes = struct.pack("<Q", files)
    told = ["files"]
    if version >= _TCP_ABI:
        attributes += struct.pack("<Q", _TCP)
        told.append("TCP")
    if version >= _SCOPES_ABI:
        attributes += struct.pack("<Q", _SCOPES)
        told.append("signals")
    ruleset = system.call(_CREATE, ctypes.c_char_p(attributes), len(attributes), 0)
    try:
        for path in readable:
            _allow(ruleset, path, READ & files)
        for path in writable:
            _allow(ruleset, path, WRITE & files)
        system.call(_RESTRICT, ruleset, 0)
    finally:
        os.close(ruleset)
    return f"Landlock {version} ({', '.join(told)})"


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, _O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _OF_A_FILE
        rule = ctypes.c_char_p(struct.pack("<Qi", rights, descriptor))
        system.call(_ADD, ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)
