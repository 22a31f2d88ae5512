"""The private descriptor on which a worker tells what its submission does.

A line is written before the thing is done, so that what was told survives whatever comes of it. A
submission can write lines of its own there and accuse itself; it can't take one back.
"""

from __future__ import annotations

import contextlib
import json
import os

MAX_LINES = 1000
"""Of one worker; the first ones tell enough."""

_MAX_TEXT = 300

_write, _dumps = os.write, json.dumps  # as they are before anything of a submission is loaded


class Channel:
    """The worker's end.

    Args:
        descriptor: of a pipe to the judge; a full pipe loses what comes then.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._left, self._told = descriptor, MAX_LINES, set[str]()
        os.set_blocking(descriptor, False)
        os.set_inheritable(descriptor, False)

    def loading(self, module: str) -> None:
        """A module's import begins, which may kill this process."""
        self._send({"loading": module})

    def answered(self, request: str) -> None:
        """All that belongs to a request is told."""
        self._send({"answered": request})

    def tell(self, kind: str, detail: str, file: str = "", line: int = 0) -> None:
        """An event, once; see `grader.isolation.Event`."""
        known = f"{kind}\0{detail}\0{file}\0{line}"
        if self._left and known not in self._told:
            self._left -= 1
            self._told.add(known)
            self._send({"kind": kind, "detail": detail[:_MAX_TEXT], "file": file, "line": line})

    def tell_again(self, kind: str, detail: str, file: str = "", line: int = 0) -> None:
        """An event that may have been told before, and still is the case."""
        self._told.discard(f"{kind}\0{detail}\0{file}\0{line}")
        self.tell(kind, detail, file, line)

    def _send(self, message: dict[str, object]) -> None:
        with contextlib.suppress(OSError):
            _write(self._descriptor, _dumps(message).encode() + b"\n")
