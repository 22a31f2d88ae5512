"""Requests as they go to the worker."""

from __future__ import annotations

import numpy as np

from grader.actions import Host, Kept, call, keep, new, numbered, put, with_full_names

X, y = np.zeros((2, 3), dtype=np.float32), np.zeros(2, dtype=np.int32)


def test_arguments() -> None:
    """Arrays go to the device, Host arrays stay, kept objects go by name, the rest is JSON."""
    action = call("training.accuracy", Kept("m"), Host(X), y, rate=0.5)
    assert action.entry["arguments"] == [{"ref": "m"}, {"host": 0}, {"device": 1}]
    assert action.entry["keywords"] == {"rate": {"value": 0.5}}
    assert [array is given for array, given in zip(action.arrays, (X, y), strict=True)] == [
        True
    ] * 2


def test_numbers_run_through_all_actions() -> None:
    """Arrays of a later action are counted after those of the earlier ones."""
    entries, arrays = numbered([keep("X", X), put("m", W=X, b=y), call("blas.gemm", Host(X), 2)])
    assert len(arrays) == 4
    assert entries[1]["values"] == {"W": {"device": 1}, "b": {"device": 2}}
    assert entries[2]["arguments"] == [{"host": 3}, {"value": 2}]


def test_numbering_changes_no_action() -> None:
    """An action can be sent twice."""
    action = keep("X", X)
    numbered([keep("y", y), action])
    assert action.entry["value"] == {"device": 0}


def test_full_names() -> None:
    """A kept object's method is known by its class."""
    made, called = with_full_names([new("m", "linear.LinearClassifier", 2, 2), call("m.step", X)])
    assert made.what == "linear.LinearClassifier"
    assert called.what == "linear.LinearClassifier.step"
    assert called.entry["what"] == "m.step"
