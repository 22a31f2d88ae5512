"""Streams and events. Everything is done when a call returns, so they only order and time."""

from __future__ import annotations

import itertools
import time
from typing import NoReturn

from emulator.driver.context import current
from emulator.driver.enums import number
from emulator.driver.errors import INVALID_HANDLE, fail, mismatch, not_emulated, type_name

_handles = itertools.count(0x1000, 0x10)  # never 0, the null stream's
_DISABLE_TIMING = number("event_flags", "DISABLE_TIMING")


class Stream:
    """A queue of work, always empty."""

    def __init__(self, flags: int = 0) -> None:
        del flags
        current("cuStreamCreate")
        self.handle = next(_handles)

    def synchronize(self) -> None:
        """Wait for the stream's work."""
        current("cuStreamSynchronize")

    def is_done(self) -> bool:
        """Whether the stream's work is done."""
        current("cuStreamQuery")
        return True

    def wait_for_event(self, event: Event) -> None:
        """Let later work of the stream wait for `event`."""
        current("cuStreamWaitEvent")
        if not isinstance(event, Event):
            signature = "wait_for_event(pycuda::stream {lvalue}, pycuda::event)"
            mismatch("Stream.wait_for_event", (self, event), signature, "expected an Event")


def check_stream(stream: object) -> None:
    """Refuse what is neither None (the null stream) nor a Stream, as Boost.Python does."""
    if stream is not None and not isinstance(stream, Stream):
        raise TypeError(
            "No registered converter was able to extract a C++ reference to type pycuda::stream "
            f"from this Python object of type {type_name(stream)}: pass a "
            "pycuda.driver.Stream, or None"
        )


class Event:
    """A point in a stream, with the host time at which it was reached."""

    def __init__(self, flags: int = 0) -> None:
        current("cuEventCreate")
        self._timing = not int(flags) & _DISABLE_TIMING
        self._time_s: float | None = None

    def record(self, stream: Stream | None = None) -> Event:
        """Mark the stream's present point."""
        check_stream(stream)
        current("cuEventRecord")
        self._time_s = time.perf_counter()
        return self

    def synchronize(self) -> Event:
        """Wait for the event."""
        current("cuEventSynchronize")
        return self

    def query(self) -> bool:
        """Whether the event was reached."""
        current("cuEventQuery")
        return True

    def time_since(self, start: Event) -> float:
        """Milliseconds from `start` to this event."""
        return self._elapsed_s(start, self) * 1e3

    def time_till(self, end: Event) -> float:
        """Milliseconds from this event to `end`."""
        return self._elapsed_s(self, end) * 1e3

    @staticmethod
    def _elapsed_s(start: Event, end: Event) -> float:
        current("cuEventElapsedTime")
        return end._reached_s("end") - start._reached_s("start")

    def _reached_s(self, which: str) -> float:
        """When the event was reached; an error where that is unknown."""
        if not self._timing:
            detail = f"the {which} event was made with DISABLE_TIMING"
            fail("cuEventElapsedTime", INVALID_HANDLE, detail)
        if self._time_s is None:
            detail = f"the {which} event was never recorded: call its record()"
            fail("cuEventElapsedTime", INVALID_HANDLE, detail)
        return self._time_s

    def ipc_handle(self) -> NoReturn:
        """Not emulated."""
        not_emulated("cuIpcGetEventHandle", "sharing events between processes is")

    @staticmethod
    def from_ipc_handle(handle: object) -> NoReturn:
        """Not emulated."""
        del handle
        not_emulated("cuIpcOpenEventHandle", "sharing events between processes is")
