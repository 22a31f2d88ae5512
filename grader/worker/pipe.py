"""The worker's end of the private pipe: blocking reads and writes on two file descriptors."""

from __future__ import annotations

import os

from grader.protocol import ProtocolError


class Pipe:
    """A `grader.protocol.Stream` over two file descriptors."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd, self._write_fd = read_fd, write_fd

    def read_exactly(self, count: int) -> bytearray:
        """Return exactly `count` bytes, waiting for them."""
        data = bytearray(count)
        view, filled = memoryview(data), 0
        while filled < count:
            chunk = os.readv(self._read_fd, [view[filled:]])
            if chunk == 0:
                raise ProtocolError("the pipe was closed")
            filled += chunk
        return data

    def write_all(self, *chunks: bytes | memoryview) -> None:
        """Write all chunks in order."""
        for chunk in chunks:
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(self._write_fd, rest) :]
