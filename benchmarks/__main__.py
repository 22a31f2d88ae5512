"""The project's speed, its peers' and the hardware's limits, in one table: `make bench`."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from math import nan
from pathlib import Path
from typing import Any

import backend
from backend.machine import Machine
from benchmarks.peers import Peers
from grader.timing.conditions import Watch

ROOT = Path(__file__).resolve().parent.parent
COMPARED_STEPS = 20
GRAPH_GOALS = (0.30, 0.40, 0.50, 0.75, 0.95)
"""Of PyTorch's CUDA graph, a shape each: what the fused step is to reach."""
EAGER_GOAL = 4.0
"""How many times faster than PyTorch eager, on the three smallest shapes."""


def main() -> None:
    """Print the tables of this machine's backend."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "solution"))
    chosen = backend.activate(check=True)
    device = Machine().gpus.names[0] if chosen.name == "gpu" else chosen.reason
    print(f"{chosen.name}: {device}\n", flush=True)
    found = gpu_tables() if chosen.name == "gpu" else emulator_table()
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), "utf-8")


def gpu_tables() -> dict[str, Any]:
    """Print the figures of a GPU beside its peers', and what disturbed them; return them."""
    before = Watch().told()  # before any of our processes is on it
    print(f"the GPU before: {before or 'nobody else on it, its clocks free'}")
    peers = Peers()
    own = [pid for pid in (os.getpid(), peers.pid) if pid is not None]
    tables = {**kernel_table(peers), **step_table(peers)}
    after, said = Watch(own).told(), peers.end()
    if before or after:
        print(f"not undisturbed: {after or before}; the figures are worth another run")
    if said:
        print(f"\n{peers.name} said besides:\n{said}")
    return {"state": {"before": before, "after": after}, **tables}


def kernel_table(peers: Peers) -> dict[str, Any]:
    """Print the limits, each kernel's bandwidth, and CuPy's time; return the figures."""
    from benchmarks import kernels  # noqa: PLC0415  after the backend

    limits = kernels.limits()
    print(
        f"limits: copy {limits.copy_tb_s:.2f} TB/s · a launch from Python {limits.launch_us:.1f} µs"
        f" · SGEMM {limits.sgemm_tflop_s:.1f} TFLOP/s\n"
    )
    print(
        f"{'kernel, 256 MB or more':28}{'µs':>8}{'TB/s':>7}{'of copy':>9}{'CuPy, µs':>10}"
        f"   goal {kernels.GOAL:.0%}"
    )
    rows = kernels.rows(limits.copy_tb_s)
    for row in rows:
        speed, mark = (
            row.bytes_moved / row.time_us * 1e-6,
            "✓" if row.share >= kernels.GOAL else "✗",
        )
        theirs = f"{peers.cupy[row.name]:.1f}" if row.name in peers.cupy else "–"
        print(
            f"{row.name:28}{row.time_us:8.1f}{speed:7.2f}{row.share:9.1%}{theirs:>10}   {mark}",
            flush=True,
        )
    kernels_found = [row._asdict() for row in rows]
    return {"limits": limits._asdict(), "kernels": kernels_found, "cupy": peers.cupy}


def step_table(peers: Peers) -> dict[str, Any]:
    """Print a row a shape: PyTorch's ways, and ours; return the figures."""
    from benchmarks import steps  # noqa: PLC0415  after the backend
    from benchmarks.shapes import SHAPES  # noqa: PLC0415

    print(f"\none training step, µs, float32 without TF32, against {peers.name}")
    print(
        f"{'N,D,H,C':20}{'eager':>8}{'compile':>9}{'graph':>8} │{'launches':>9}{'× eager':>9}"
        f"{'graph':>8}{'fused':>8}{'/ graph':>9}{'goal':>6}   losses differ by"
    )
    table = {}
    for shape, goal in zip(SHAPES, GRAPH_GOALS, strict=True):
        ours = steps.measure(shape, peers, COMPARED_STEPS)
        theirs = {"eager": nan, "compile": nan, "graph": nan} | ours.theirs
        share = ours.fused / theirs["graph"]
        print(
            f"{shape!s:20}{theirs['eager']:8.0f}{theirs['compile']:9.0f}{theirs['graph']:8.1f} │"
            f"{ours.launches:9.1f}{ours.times_eager:9.1f}{ours.graph:8.1f}"
            f"{ours.fused:8.1f}{share:9.2f}{goal:6.2f}   {ours.losses_apart:.1e}",
            flush=True,
        )
        table[str(shape)] = ours._asdict()
    print(
        "eager, compile (reduce-overhead), graph: PyTorch's. launches: the homework's step, each\n"
        "operation a launch; graph: training.graphed_step; fused: benchmarks/fused.py, one graph.\n"
        f"Goals: {EAGER_GOAL:.0f} times eager on the first three; fused / graph as given.\n"
        "The best of rounds in turn, for everybody: what else the machine does only adds."
    )
    return {"steps": table, "peers": peers.name}


def emulator_table() -> dict[str, Any]:
    """Print the figures of the emulator and of gradings on it; return them."""
    found = {}
    for part in ("emulator", "grading"):
        rows = importlib.import_module(f"benchmarks.{part}").figures()  # after the backend
        for row in rows:
            print(row, flush=True)
        found[part] = [row._asdict() for row in rows]
    return found


if __name__ == "__main__":
    main()
