"""The emulator's speed: `figures()`, each on the device that this process and its children have.

Modes (checked or not) and numba's simulator need processes of their own: this module is their
program, too (`python -m benchmarks.emulator PART CHECK`), and writes seconds as JSON.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
TILE = 16  # of the tiled matrix product

SOURCE = """
__global__ void bias_relu(float *Z, const float *b, int rows, int columns) {
  int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
  if (row < rows && column < columns) {
    float z = Z[row * columns + column] + b[column];
    Z[row * columns + column] = z > 0 ? z : 0;
  }
}
__global__ void matmul(const float *A, const float *B, float *C, int n) {
  __shared__ float a[16][16], b[16][16];
  int column = blockIdx.x * 16 + threadIdx.x, row = blockIdx.y * 16 + threadIdx.y;
  float sum = 0;
  for (int k = 0; k < n; k += 16) {
    a[threadIdx.y][threadIdx.x] = A[row * n + k + threadIdx.x];
    b[threadIdx.y][threadIdx.x] = B[(k + threadIdx.y) * n + column];
    __syncthreads();
    for (int q = 0; q < 16; q++) sum += a[threadIdx.y][q] * b[q][threadIdx.x];
    __syncthreads();
  }
  C[row * n + column] = sum;
}
"""


class Row(NamedTuple):
    """One figure; `bound` is what the project promises, "" where it promises nothing."""

    name: str
    value: float
    unit: str
    bound: str

    def __str__(self) -> str:
        return f"{self.name:60}{self.value:10.3g} {self.unit:6} {self.bound}"


def figures() -> list[Row]:
    """All figures of this machine."""
    times: dict[str, float] = {}
    rows: list[Row] = []
    for mode, check in (("unchecked", "0"), ("checked", "1")):
        part = _child("device", check)
        step, bound = part["step"], "≤ 4" if check == "0" else "≤ 12"
        rows += [
            Row(f"training step 784-256-10, batch 128, {mode}", step * 1e3, "ms", bound),
            Row(f"first compile, {mode}", part["first"], "s", "≤ 0.2"),
            Row(f"compile from the cache, {mode}", part["cached"] * 1e3, "ms", "≤ 10"),
            Row(f"prepared launch, {mode}", part["launch"] * 1e6, "µs", "≤ 20"),
        ]
        if check == "0":
            times = part
    if importlib.util.find_spec("numba") is None:
        return rows
    simulated = _child("numba", "0")
    for name, words in (("bias_relu", "bias + ReLU"), ("matmul", "tiled matrix product")):
        ratio = simulated[name] / times[name]  # both in seconds a unit of work
        rows.append(Row(f"{words}: times numba's simulator", ratio, "×", "≥ 1000"))
    return rows


def _child(part: str, check: str) -> dict[str, float]:
    environment = dict(os.environ, BACKEND="emulator", EMULATOR_CHECK=check, EMULATOR_REPORT="0")
    if part == "numba":
        environment["NUMBA_ENABLE_CUDASIM"] = "1"
    command = [sys.executable, "-m", "benchmarks.emulator", part, check]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _median(run: Callable[[], object], times: int) -> float:
    """Seconds that a run takes: the median of so many, after one to warm up."""
    run()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[times // 2]


def _on_device(check: str) -> dict[str, float]:
    import backend  # noqa: PLC0415  # this and those below: in this child only

    backend.activate(check=check == "1")
    sys.path.insert(0, str(ROOT / "solution"))
    import device  # noqa: PLC0415
    import network  # noqa: PLC0415
    from pycuda import gpuarray  # noqa: PLC0415
    from pycuda.compiler import SourceModule  # noqa: PLC0415

    rng = np.random.default_rng(0)
    net = network.TwoLayerNetwork(784, 256, 10)
    X = device.to_device(rng.random((128, 784), np.float32))
    y = device.to_device(rng.integers(0, 10, 128), np.int32)
    found = {"step": _median(lambda: net.step(X, y, 0.1), 40)}
    with tempfile.TemporaryDirectory() as cache:
        SourceModule("__global__ void warm() {}", cache_dir=cache)  # makes the precompiled header
        start = time.perf_counter()
        module = SourceModule(SOURCE, cache_dir=cache)
        found["first"] = time.perf_counter() - start
        found["cached"] = _median(lambda: SourceModule(SOURCE, cache_dir=cache), 9)
        empty = SourceModule("__global__ void empty(float *x) {}").get_function("empty")
    n, shape = 512, (TILE, TILE, 1)
    A, B, C = (gpuarray.to_gpu(rng.random((n, n), np.float32)) for _ in range(3))
    empty.prepare("P")
    found["launch"] = _median(lambda: empty.prepared_call((1, 1), (32, 1, 1), A.gpudata), 2001)
    blocks, size = (n // TILE, n // TILE), np.int32(n)
    bias, matmul = module.get_function("bias_relu"), module.get_function("matmul")
    found["bias_relu"] = (
        _median(lambda: bias(A, B, size, size, block=shape, grid=blocks), 21) / n**2
    )
    found["matmul"] = _median(lambda: matmul(A, B, C, size, block=shape, grid=blocks), 5) / n**3
    return found


def main(arguments: list[str]) -> None:
    """Print all figures; or, of PART CHECK, the seconds of one child as JSON."""
    if not arguments:
        for row in figures():
            print(row, flush=True)
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks.emulator")
    parser.add_argument("part", choices=("device", "numba"), help="what is measured")
    parser.add_argument("check", choices=("0", "1"), help="whether accesses are checked")
    options = parser.parse_args(arguments)
    if options.part == "numba":
        from benchmarks import simulated  # noqa: PLC0415  needs numba

        seconds = {name: _median(run, 3) / work for name, (run, work) in simulated.RUNS.items()}
    else:
        seconds = _on_device(options.check)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(sys.argv[1:])
