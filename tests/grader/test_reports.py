"""What the judge reads from the descriptor of events, whatever is written there."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader import reports
from grader.isolation import Event
from grader.reports import Reports
from grader.worker.events import MAX_LINES, Channel

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("error")  # of a thread that ends with an exception


def read(*chunks: bytes, folder: Path | None = None) -> Reports:
    """All that comes of these bytes."""
    source, sink = os.pipe()
    made = Reports(source)
    made.folder = folder
    for chunk in chunks:
        os.write(sink, chunk)
    os.close(sink)
    made.close()
    return made


def test_channel() -> None:
    """What a worker tells arrives, each event once, in order."""
    source, sink = os.pipe()
    made, channel = Reports(source), Channel(sink)
    channel.loading("blas")
    for _ in range(2):
        channel.tell("read", "open /x", "kernels.py", 3)
    channel.tell_again("patched", "time.time: replaced")
    channel.tell_again("patched", "time.time: replaced")
    os.close(sink)
    made.close()
    patched = Event("patched", "time.time: replaced")
    assert made.events == (Event("read", "open /x", "kernels.py", 3), patched, patched)
    assert made.loading == "blas"


def test_channel_is_bounded() -> None:
    """A submission that causes endless events fills neither the pipe nor the judge."""
    source, sink = os.pipe()
    channel = Channel(sink)
    for number in range(3 * MAX_LINES):
        channel.tell("read", f"{number}" * 100)
    made = Reports(source)
    os.close(sink)
    made.close()
    assert 0 < len(made.events) <= MAX_LINES


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_anything(chunks: list[bytes]) -> None:
    """Whatever is written, reading it gives events of the agreed form, or none."""
    for event in read(*chunks).events:
        assert event.kind in reports.KINDS


@pytest.mark.parametrize(
    "told",
    [
        {"kind": "innocence", "detail": "x"},
        {"kind": ["read"]},
        {"kind": {}},
        {"detail": "x"},
        [],
        "read",
        7,
        None,
    ],
)
def test_other_forms(told: object) -> None:
    """Lines of another form are no events."""
    assert read(json.dumps(told).encode() + b"\n").events == ()


def test_flood() -> None:
    """Of a flood only the beginning is kept."""
    line = json.dumps({"kind": "read", "detail": "x" * 3000, "line": 10**30}).encode() + b"\n"
    made = read(*[line * 10] * 200)
    assert 0 < len(made.events) <= reports.MAX_EVENTS
    assert {(len(event.detail), event.line) for event in made.events} == {(300, 0)}


def test_whereabouts(tmp_path: Path) -> None:
    """The submission's innermost frame of a traceback is where it is."""
    trace = f"""Current thread 0x01 (most recent call first):
  File "/usr/lib/python3/numpy/core.py", line 9 in add
  File "{tmp_path}/linear.py", line 12 in scores
  File "{tmp_path}/network.py", line 30 in step
"""
    assert read(trace.encode(), folder=tmp_path).whereabouts() == ("linear.py", 12)
    endless = f'  File "{tmp_path}/a.py", line {"9" * 5000} in f\n'
    assert read(endless.encode(), folder=tmp_path).whereabouts() == (None, None)
    assert read(b"nothing\n", folder=tmp_path).whereabouts() == (None, None)
