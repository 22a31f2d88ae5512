"""The score does not depend on the seed, nor the report on anything but submission and seed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from grader import oracle, tolerance
from grader.devices import Devices
from grader.grade import grade
from grader.judge import call, new, put
from grader.report.json import to_json
from grader.student import f64, labels, normal

if TYPE_CHECKING:
    from grader.judge import Judge, Value
    from grader.result import Report

ROOT = Path(__file__).resolve().parents[2]
SOLUTION, PLAIN = ROOT / "solution", ROOT / "tests" / "submissions" / "plain"
EMULATOR = Devices(("emulator",), "test")


def timeless(report: Report) -> str:
    """The report in JSON without its times."""
    results = tuple(replace(result, seconds=0.0) for result in report.results)
    return json.dumps(to_json(replace(report, seconds=0.0, results=results)))


def test_same_report(tmp_path: Path) -> None:
    """The same submission and seed give the same report, byte for byte but for times."""
    for file in PLAIN.glob("*.py"):
        text = file.read_text("utf-8")
        wrong = text.replace("__syncthreads();\n    }\n    if", "}\n    if").replace(
            "alpha=1 / N", ""
        )
        (tmp_path / file.name).write_text(wrong, "utf-8")
    only = {"1.2", "1.3", "2.3", "4.2"}
    first, second = (
        timeless(grade(tmp_path, seed=5, devices=EMULATOR, only=only)) for _ in range(2)
    )
    assert first == second
    assert '"race"' in first
    assert "sum-not-mean" in first


@pytest.mark.parametrize("seed", [1, 2**31, 4_000_000_007])
def test_seeds_through_the_grader(seed: int) -> None:
    """Three seeds give the solution the same score."""
    report = grade(SOLUTION, seed=seed, devices=EMULATOR)
    assert (report.score, report.max_score) == (85, 85)


def excess(yours: Value, true: Any, bound: Any) -> float:
    """The largest error in units of what is allowed."""
    assert yours.array is not None
    return float((np.abs(f64(yours.array) - true) / tolerance.allowed(bound)).max())


def test_200_seeds(reference: Judge) -> None:
    """On 200 seeds the solution stays under half of what each comparison allows."""
    worst: dict[str, float] = {}

    def note(name: str, yours: Value, true: Any, bound: Any) -> None:
        worst[name] = max(worst.get(name, 0.0), excess(yours, true, bound))

    for seed in range(200):
        rng = np.random.default_rng([seed, 2026])
        Z, y = normal(rng, 23, 10, scale=float(10 ** rng.uniform(-1, 3))), labels(rng, 23, 10)
        A = normal(rng, int(rng.integers(1, 300)), 7) + np.float32(1)
        kind = oracle.KINDS[seed % 3]
        p = {
            "W1": normal(rng, 13, 11, scale=0.3),
            "b1": normal(rng, 11, scale=0.5),
            "W2": normal(rng, 11, 5, scale=0.3),
            "b2": normal(rng, 5, scale=0.5),
        }
        X, t = normal(rng, 29, 13), labels(rng, 29, 5)
        softmax, mean, active, product, _, _, network = reference.run(
            call("kernels.softmax_xent", Z, y),
            call("kernels.column_mean", A),
            call("kernels.activate", Z, kind),
            call("blas.gemm", X, p["W1"]),
            new("model", "network.TwoLayerNetwork", 13, 11, 5, kind),
            put("model", **p),
            call("model.gradients", X, t),
        )
        losses, dZ = oracle.softmax_xent(f64(Z), y)
        loss_bound, dZ_bound = tolerance.softmax_xent(f64(Z), y)
        note("losses", softmax.returned.items[0], losses, loss_bound)
        note("dZ", softmax.returned.items[1], dZ, dZ_bound)
        note("mean", mean.returned, f64(A).mean(axis=0), tolerance.mean(f64(A)))
        true = oracle.activate(f64(Z), kind)
        note(kind, active.returned, true, tolerance.activate(f64(Z), kind))
        bound = tolerance.gemm(f64(X), f64(p["W1"]), 1.0, 0.0, None)
        note("gemm", product.returned, f64(X) @ f64(p["W1"]), bound)
        exact = {name: f64(values) for name, values in p.items()}
        _, gradients = oracle.network_gradients(exact, f64(X), t, kind)
        bounds = tolerance.network_gradients(exact, f64(X), t, kind)
        for name, g in gradients.items():
            yours = network.returned.items[1].entries[name]
            note(f"d{name} ({kind})", yours, g, bounds[name])
    assert max(worst.values()) <= 0.5, worst
