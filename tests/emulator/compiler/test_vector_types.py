# ruff: noqa: E501 - CUDA sources and tables read better unbroken
from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.compiler.bench import Bench

# CUDA C++ Programming Guide, "Built-in Vector Types": base type → bytes of an element
ELEMENTS = {"char": 1, "uchar": 1, "short": 2, "ushort": 2, "int": 4, "uint": 4, "float": 4}
ELEMENTS |= {"long": 8, "ulong": 8, "longlong": 8, "ulonglong": 8, "double": 8}


def assertions() -> str:
    """A source that compiles only if all vector types are laid out as CUDA's."""
    lines = []
    for name, size in ELEMENTS.items():
        for width in (1, 2, 3, 4):
            alignment = size if width in (1, 3) else min(16, size * width)
            lines.append(f'static_assert(sizeof({name}{width}) == {size * width}, "");')
            lines.append(f'static_assert(alignof({name}{width}) == {alignment}, "");')
    lines += [
        'static_assert(sizeof(dim3) == 12 && alignof(dim3) == 4, "");',
        "__global__ void k(float4 *v, uint3 *u, double2 *d) {",
        "  v[0] = make_float4(1, 2, 3, 4); u[0] = threadIdx; u[1] = blockIdx; dim3 b = blockDim, g(1, 2);",
        "  u[2] = b; d[0] = make_double2(g.x, gridDim.y); unsigned t = max(threadIdx.x, 3u); u[3].x = t;",
        '  printf("%u %d", blockIdx.x, warpSize); v[1].x = fmaxf(v[0].w, 1.0f) + float(warpSize);',
        "}",
    ]
    return "\n".join(lines)


def test_vector_types_are_laid_out_as_the_guide_says(bench: Bench) -> None:
    """Sizes, alignments and the use of the index variables."""
    result = bench.nvcc(assertions())
    assert result.code == 0, result.errors


def test_the_real_nvcc_agrees(tmp_path: Path) -> None:
    """The same source compiles with NVIDIA's nvcc, where there is one."""
    found = next((p for p in ("/usr/local/cuda/bin/nvcc",) if shutil.which(p)), None)
    if found is None:
        pytest.skip("no CUDA toolkit here")
    (tmp_path / "k.cu").write_text(assertions())
    result = subprocess.run(
        [found, "--cubin", "-std=c++17", "-arch=sm_80", "k.cu"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
