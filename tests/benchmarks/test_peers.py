"""The process that PyTorch and CuPy are measured in."""

from __future__ import annotations

import importlib.util
import subprocess
from typing import TYPE_CHECKING, Any

from benchmarks import peers

if TYPE_CHECKING:
    import pytest

ECHO = """
import json, sys
print(json.dumps({"name": "a peer", "cupy": {"sgd_update": 1.5}}), flush=True)
for line in sys.stdin:
    if line.strip() == "3":
        break
    print(json.dumps({"eager": float(line)}), flush=True)
"""

WARNING = """
import sys, warnings
warnings.warn("TensorFloat32 is there")
print("eager fails", file=sys.stderr)
"""


def use(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let the peer be another program."""

    def start(command: list[str], **options: Any) -> Any:
        return popen([*command[:-2], "-c", program], **options)

    popen = subprocess.Popen
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    monkeypatch.setattr(subprocess, "Popen", start)


def test_rounds_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer says its name, then answers for one shape after the other; no more once it ended."""
    use(monkeypatch, ECHO)
    peer = peers.Peers()
    assert (peer.name, peer.cupy) == ("a peer", {"sgd_update": 1.5})
    assert [peer.round(0), peer.round(2)] == [{"eager": 0.0}, {"eager": 2.0}]
    assert [peer.round(3), peer.round(1)] == [{}, {}]
    peer.end()


def test_a_peer_that_fails_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the process fails, everything else is measured without it."""
    use(monkeypatch, "raise SystemExit('no such device')")
    peer = peers.Peers()
    assert peer.name == "PyTorch: not measured here"
    assert peer.round(0) == {}
    assert peer.end() == "no such device"


def test_what_a_peer_says_besides(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing of it gets into the table: it is told at the end; PyTorch's warnings are not."""
    use(monkeypatch, WARNING + ECHO)
    peer = peers.Peers()
    peer.round(0)
    assert peer.end() == "eager fails"
    assert capfd.readouterr() == ("", "")
