"""The process that PyTorch and CuPy are measured in."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
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


def use(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let the peer be another program."""

    def start(_: object, **options: Any) -> Any:
        return popen([sys.executable, "-c", program], **options)

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
    use(monkeypatch, "raise SystemExit(1)")
    peer = peers.Peers()
    assert peer.name == "PyTorch: not measured here"
    assert peer.round(0) == {}
    peer.end()
