"""The judge's end of the descriptor on which a worker tells what its submission does.

Lines are JSON as `grader.worker.events` writes them, and tracebacks as Python's faulthandler does
when it is asked where a worker is. Whatever a submission writes there, reading it gives events of
bounded number and size.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from typing import TYPE_CHECKING

from grader.isolation import Event

if TYPE_CHECKING:
    from pathlib import Path

MAX_EVENTS = 1000
_MAX_BYTES = 1 << 20
_MAX_TEXT = 300
_ANSWER_S = 0.5  # of a process that may be busy

KINDS = frozenset(
    (
        *("read", "write", "network", "process", "signal", "native", "environment", "setting"),
        *("import", "patched"),
    )
)

_FRAME = re.compile(r'  File "([^"\n]+)", line (\d{1,9}) in ')


class Reports:
    """What comes from one worker; a thread reads it, so that the worker never waits.

    Args:
        descriptor: to read from; closed when the last writer has closed it.

    Attributes:
        folder: the submission's, by which frames are known as its own.
        loading: the module whose import began last.
    """

    def __init__(self, descriptor: int) -> None:
        self.folder: Path | None = None
        self._answered = ""
        self.loading = ""
        self._events: list[Event] = []
        self._frames: list[tuple[str, int]] = []
        self._left, self._is_closed = _MAX_BYTES, False
        self._reader = threading.Thread(target=self._read, args=(descriptor,), daemon=True)
        self._reader.start()

    @property
    def events(self) -> tuple[Event, ...]:
        """In the order in which they were told."""
        return tuple(self._events)

    def whereabouts(self) -> tuple[str | None, int | None]:
        """The submission's innermost frame, as told lately or within half a second."""
        end = time.monotonic() + _ANSWER_S
        while not self._frames and time.monotonic() < end and self._reader.is_alive():
            time.sleep(0.01)
        return self._frames[0] if self._frames else (None, None)

    def has_begun(self) -> bool:
        """Whether anything of a submission was imported, as told lately or within half a second."""
        end = time.monotonic() + _ANSWER_S
        while not self.loading and time.monotonic() < end and self._reader.is_alive():
            time.sleep(0.01)  # it was written before student code ran
        return bool(self.loading)

    def wait_for(self, request: str) -> None:
        """Read what belongs to a request that was answered; note if its worker closed its end."""
        end = time.monotonic() + _ANSWER_S
        while self._answered != request and time.monotonic() < end and self._reader.is_alive():
            time.sleep(0.0005)  # it was written before the answer was
        if not self._reader.is_alive() and not self._is_closed:
            self._is_closed = True
            self._events.append(Event("patched", "the grader's descriptors: closed"))

    def close(self) -> None:
        """Read what is left."""
        self._reader.join(timeout=1.0)

    def _read(self, descriptor: int) -> None:
        rest = b""
        try:
            while chunk := os.read(descriptor, 65536):
                self._left -= len(chunk)
                if self._left < 0:
                    continue  # a flood: read, and let go
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._take(line.decode("utf-8", "replace"))
        finally:
            os.close(descriptor)

    def _take(self, line: str) -> None:
        frame = _FRAME.match(line)
        if frame is not None:
            if self.folder is not None and frame[1].startswith(f"{self.folder}/"):
                self._frames.append((frame[1][len(f"{self.folder}/") :], int(frame[2])))
            return
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(told, dict):
            return
        if "answered" in told:
            self._answered = str(told["answered"])
        elif "loading" in told:
            self.loading = str(told["loading"])[:_MAX_TEXT]
        elif str(told.get("kind")) in KINDS and len(self._events) < MAX_EVENTS:
            number = told.get("line")
            self._events.append(
                Event(
                    str(told["kind"]),
                    str(told.get("detail", ""))[:_MAX_TEXT],
                    str(told.get("file", ""))[:_MAX_TEXT],
                    number if type(number) is int and 0 <= number < 1 << 31 else 0,
                )
            )
