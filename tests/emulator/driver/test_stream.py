"""Streams and events."""

from __future__ import annotations

import time

import pycuda.driver as drv
import pytest


def test_streams_are_done() -> None:
    """A stream is always done, and its handle is a number of its own, never the null stream's."""
    streams = [drv.Stream() for _ in range(3)]
    streams[0].synchronize()
    assert all(stream.is_done() for stream in streams)
    handles = {stream.handle for stream in streams}
    assert len(handles) == 3
    assert 0 not in handles


def test_event_time() -> None:
    """The time between events is that of the host, in milliseconds."""
    start, end = drv.Event(), drv.Event()
    assert start.record() is start
    time.sleep(0.01)
    end.record(drv.Stream()).synchronize()
    assert end.query()
    assert 10 <= end.time_since(start) == start.time_till(end)


def test_event_misuse() -> None:
    """Timing an event that was not recorded, or not made for it, is an error that tells why."""
    recorded = drv.Event().record()
    with pytest.raises(drv.LogicError, match="end event was never recorded"):
        drv.Event().time_since(recorded)
    untimed = drv.Event(drv.event_flags.DISABLE_TIMING).record()
    with pytest.raises(drv.LogicError, match="start event was made with DISABLE_TIMING"):
        recorded.time_since(untimed)


def test_waiting() -> None:
    """A stream can wait for an event."""
    drv.Stream().wait_for_event(drv.Event().record())
    with pytest.raises(TypeError, match="expected an Event"):
        drv.Stream().wait_for_event(drv.Stream())


def test_between_processes() -> None:
    """Sharing events is refused by name."""
    with pytest.raises(drv.LogicError, match="sharing events between processes is not emulated"):
        drv.Event().ipc_handle()
