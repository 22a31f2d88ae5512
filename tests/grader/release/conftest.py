"""A plan recorded at small sizes, which the emulator can replay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]

REQUESTS: list[dict[str, Any]] = [
    {"what": "kernels.bias_add", "key": [[[61, 67], "float32"], [[67], "float32"]]},
    {"what": "kernels.softmax_xent", "key": [[[61, 10], "float32"], [[61], "int32"]]},
    {"what": "kernels.column_mean", "key": [[[1031, 5], "float32"]]},
    {"what": "kernels.activate", "key": [[[61, 67], "float32"], "tanh"]},
    {"what": "kernels.activate", "key": [[[3, 5], "float32"], "relu"]},
    {
        "what": "network.TwoLayerNetwork",
        "sizes": [31, 17, 10],
        "learning_rate": 0.1,
        "key": [[[61, 31], "float32"], [[61], "int32"]],
    },
]


def record(solution: Path, requests: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    """Record a solution's plan in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "grader.release.record", str(solution)],
        input=json.dumps(requests),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "BACKEND": "emulator"},
        check=False,
    )


@pytest.fixture(scope="session")
def recorded() -> dict[str, Any]:
    """The solution's plan for REQUESTS."""
    done = record(ROOT / "solution", REQUESTS)
    assert done.returncode == 0, done.stderr
    plan: dict[str, Any] = json.loads(done.stdout)
    return plan
