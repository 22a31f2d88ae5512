"""What an image depends on beside its source: this compiler, its headers, and the host's."""

from __future__ import annotations

import functools
import os
import zlib

from . import host

_HERE = os.path.dirname(os.path.abspath(__file__))


@functools.cache
def fingerprint() -> str:
    """A checksum of everything here that decides what an image is: this folder and the headers."""
    checksum = 0
    for start in (_HERE, host.INCLUDE):
        for folder, below, names in os.walk(start):
            below.sort()
            for name in sorted(names):
                if not name.endswith(".pyc"):
                    with open(os.path.join(folder, name), "rb") as file:
                        checksum = zlib.crc32(file.read(), checksum)
    return f"{checksum:08x}"


def compiler_stamp(compiler: host.Compiler) -> str:
    """Changes when the compiler is replaced by another version.

    The size and time of its executable.
    """
    found = host.which(compiler.command[0])
    status = os.stat(os.path.realpath(found)) if found else None
    return f"{status.st_size:x}.{int(status.st_mtime):x}" if status else "unknown"
