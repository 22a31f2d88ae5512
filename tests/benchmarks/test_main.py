"""What `make bench` says round its tables."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import __main__ as bench
from benchmarks import emulator


@pytest.mark.parametrize(
    ("told", "before", "after"),
    [
        ("", "the GPU before: nobody else on it, its clocks free", ""),
        (
            "2 other processes used the GPU",
            "the GPU before: 2 other processes used the GPU",
            "not undisturbed: 2 other processes used the GPU; the figures are worth another run",
        ),
    ],
)
def test_state_of_the_gpu(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    told: str,
    before: str,
    after: str,
) -> None:
    """Words say who else was on the GPU; what a peer had to say stands below the tables."""
    peers: Any = SimpleNamespace(name="a peer", pid=7, end=lambda: "eager fails")
    monkeypatch.setattr(bench, "Peers", lambda: peers)
    monkeypatch.setattr(bench, "Watch", lambda *_: SimpleNamespace(told=lambda: told))
    monkeypatch.setattr(bench, "kernel_table", lambda _: {"kernels": 1})
    monkeypatch.setattr(bench, "step_table", lambda _: {"steps": 2})
    found = bench.gpu_tables()
    assert found == {"state": {"before": told, "after": told}, "kernels": 1, "steps": 2}
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == before
    assert [line for line in lines if "undisturbed" in line] == [after] * bool(told)
    assert lines[-2:] == ["a peer said besides:", "eager fails"]


def test_figures_of_the_emulator(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without arguments the module prints them all; it refuses what it does not know."""
    monkeypatch.setattr(emulator, "figures", lambda: [emulator.Row("a launch", 7.5, "µs", "≤ 20")])
    emulator.main([])
    assert capsys.readouterr().out.split() == ["a", "launch", "7.5", "µs", "≤", "20"]
    with pytest.raises(SystemExit):
        emulator.main(["everything"])
    assert "usage: python -m benchmarks.emulator" in capsys.readouterr().err
