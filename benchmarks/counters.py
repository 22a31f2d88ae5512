"""The emulator's cost counters beside those of Nsight Compute: `python -m benchmarks.counters`.

The kernels of counters.cu run on the emulated device and, where there is a GPU with Nsight Compute
(`ncu`), on that one; elsewhere they are compared with what was measured on an H100 (counters.json).
Each number is printed as the emulator counted it, and followed by the GPU's where that is another
one. Exit code 1: some number differs.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import backend

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCE = Path(__file__).with_suffix(".cu")
RECORD = Path(__file__).with_suffix(".json")
N = 1 << 16  # elements: some thousand warps, quick to profile
SIDE = 256  # of a square matrix
BLOCK = 256
BINS = 64


@dataclass(frozen=True)
class Case:
    """One kernel and how it is launched.

    Attributes:
        kernel: its name in counters.cu.
        blocks: of the grid, in x and y.
        threads: of a block, in x and y.
        arguments: "x" input, "y" output, "bins", "counts", or an integer.
    """

    kernel: str
    blocks: tuple[int, int] = (N // BLOCK, 1)
    threads: tuple[int, int] = (BLOCK, 1)
    arguments: tuple[str | int, ...] = ("x", "y")


_TILES = {"blocks": (SIDE // 32, SIDE // 32), "threads": (32, 8)}
_QUARTER = (N // 4 // BLOCK, 1)  # where a thread takes four elements
CASES = (
    Case("copy_coalesced"),
    Case("copy_stride_2"),
    Case("copy_stride_32"),
    Case("copy_misaligned"),
    Case("copy_float4", _QUARTER),
    Case("transpose_naive", **_TILES),
    Case("transpose_tiled", **_TILES),
    Case("transpose_padded", **_TILES),
    Case("reduce_divergent"),
    Case("reduce_interleaved"),
    Case("reduce_sequential"),
    Case("shared_stride_2"),
    Case("shared_double_stride_2", _QUARTER),
    Case("shared_float4", _QUARTER),
    Case("shared_broadcast", _QUARTER),
    Case("shared_float4_pairs", _QUARTER),
    Case("shared_float4_eights", _QUARTER),
    Case("shared_double_pairs", _QUARTER),
    Case("shared_double_conflict", _QUARTER),
    Case("histogram_shared", arguments=("bins", "counts", 3)),
    Case("histogram_global", arguments=("bins", "counts", 3)),
    Case("atomics_returned", arguments=("bins", "counts", 3)),
    Case("column_sums", (1, 1), arguments=("x", "y", SIDE)),
    Case("row_sums", (1, 1), arguments=("x", "y", SIDE)),
)

# Each counter as a field of the emulator's Cost, and as the sum of ncu's metrics.
_L1 = "l1tex__{}_pipe_lsu_mem_{}_op_{}.sum"
_INSTRUCTIONS = "smsp__sass_inst_executed_op_{}.sum"
_GLOBAL, _SHARED = ("ld", "st", "atom", "red"), ("ld", "st", "atom")
COUNTERS = {
    "requests": ("global_requests", [_L1.format("t_requests", "global", o) for o in _GLOBAL]),
    "sectors": ("global_sectors", [_L1.format("t_sectors", "global", o) for o in _GLOBAL]),
    "wavefronts": (
        "shared_wavefronts",
        [f"l1tex__data_pipe_lsu_wavefronts_mem_shared_op_{o}.sum" for o in _SHARED],
    ),
    "conflicts": (
        "bank_conflicts",
        [_L1.format("data_bank_conflicts", "shared", o) for o in _SHARED],
    ),
    "atomics": (
        "atomic_requests",
        [_INSTRUCTIONS.format(o) for o in ("shared_atom", "global_atom", "global_red")],
    ),
}
Counts = dict[str, dict[str, int]]  # of a kernel: counter -> number


def launch_all() -> None:
    """Launch every case once on the device that this process has."""
    backend.activate(check=True)
    import numpy as np  # noqa: PLC0415  # parents need neither
    import pycuda.autoinit  # noqa: PLC0415
    from pycuda import gpuarray  # noqa: PLC0415
    from pycuda.compiler import SourceModule  # noqa: PLC0415

    rng = np.random.default_rng(0)
    x = rng.random(32 * N, np.float32)
    bins = (rng.random(N) ** 3 * BINS).astype(np.int32)  # cubed: low ones are crowded
    arrays = {
        "x": gpuarray.to_gpu(x),
        "y": gpuarray.empty(N, np.float32),
        "bins": gpuarray.to_gpu(bins),
        "counts": gpuarray.to_gpu(np.zeros(2 * BINS, np.int32)),
    }
    module = SourceModule(SOURCE.read_text(encoding="utf-8"))
    for case in CASES:
        arguments = [arrays[a] if isinstance(a, str) else np.int32(a) for a in case.arguments]
        kernel = module.get_function(case.kernel)
        kernel(*arguments, grid=case.blocks, block=(*case.threads, 1))
    pycuda.autoinit.context.synchronize()


def count_all() -> Counts:
    """The counters of every case on the emulated device, which this process must have."""
    from emulator import profile  # noqa: PLC0415  # below an installed emulator only

    profile.start()
    launch_all()
    profile.stop()
    costs = profile.costs()
    return {
        case.kernel: {
            name: getattr(costs[case.kernel].total, field) for name, (field, _) in COUNTERS.items()
        }
        for case in CASES
    }


def _child(command: list[str], backend_name: str) -> str:
    """What a process of its own on the other device writes.

    Raises:
        RuntimeError: it failed; the message holds what it said.
    """
    here = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
    environment = dict(os.environ, BACKEND=backend_name, PYTHONPATH=os.pathsep.join(here))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} …: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def emulated() -> Counts:
    """The emulator's counters."""
    counted: Counts = json.loads(
        _child([sys.executable, "-m", __spec__.name, "--count"], "emulator")
    )
    return counted


def measured() -> Counts | None:
    """Nsight Compute's counters; None where there is no GPU or no `ncu`."""
    if not shutil.which("ncu") or backend.select().name != "gpu":
        return None
    metrics = [metric for _, parts in COUNTERS.values() for metric in parts]
    profiler = [
        *("ncu", "--csv", "--page", "raw", "--print-units", "base", "--clock-control", "none"),
        *("--kernel-name-base", "function", "--metrics", ",".join(metrics)),
    ]
    text = _child([*profiler, sys.executable, "-m", __spec__.name, "--launch"], "gpu")
    table = [line for line in text.splitlines() if line.startswith('"')]
    counted = {row["Kernel Name"]: row for row in csv.DictReader(table)}
    return {
        case.kernel: {
            name: sum(int(counted[case.kernel][part].replace(",", "")) for part in parts)
            for name, (_, parts) in COUNTERS.items()
        }
        for case in CASES
    }


def recorded() -> Counts:
    """What Nsight Compute 2025.3 counted on an H100 (CUDA 13.0)."""
    counted: Counts = json.loads(RECORD.read_text(encoding="utf-8"))
    return counted


def table(emulator: Counts, gpu: Counts) -> tuple[str, int]:
    """Both as Markdown, and how many numbers differ."""
    lines = ["| kernel | " + " | ".join(COUNTERS) + " |", "|---|" + "---:|" * len(COUNTERS)]
    different = 0
    for kernel, counts in emulator.items():
        cells = [f"{value:,}" for value in counts.values()]
        for i, (name, value) in enumerate(counts.items()):
            if gpu[kernel][name] != value:
                cells[i] += f" (GPU: {gpu[kernel][name]:,})"
                different += 1
        lines.append(f"| {kernel} | " + " | ".join(cells) + " |")
    return "\n".join(lines), different


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.counters", description=__doc__)
    parser.add_argument("--launch", action="store_true", help="only launch the kernels")
    parser.add_argument("--count", action="store_true", help="only count, on the emulator; JSON")
    chosen = parser.parse_args()
    if chosen.launch:
        launch_all()
        return 0
    if chosen.count:
        sys.stdout.write(json.dumps(count_all()))
        return 0
    gpu, source = measured(), "Nsight Compute's"
    if gpu is None:
        gpu, source = recorded(), "those recorded on an H100 (no GPU with ncu here)"
    text, different = table(emulated(), gpu)
    of_all = f"{different} of {len(gpu) * len(COUNTERS)} numbers differ from {source}."
    sys.stdout.write(f"{text}\n\n{of_all}\n")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
