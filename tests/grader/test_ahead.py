"""Kernels that are compiled ahead: here on the emulator, in place of a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from grader import ahead
from grader.grade import ROOT, given_device
from grader.isolation.cache import prepare, shared
from grader.worker import compiling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KERNEL = 'extern "C" __global__ void own(float *A) { A[0] = 1; }'

OWN_HELPER = f"""
from pycuda.compiler import SourceModule
own = SourceModule({KERNEL!r}, no_extern_c=True).get_function("own")
"""

LAUNCH = """
import sys
sys.path[:0] = sys.argv[1:]
import backend
backend.activate(check=True)
import device, kernels
Z, b = device.zeros((3, 5)), device.zeros(5)
kernels.bias_add(Z, b)
"""


@pytest.fixture(autouse=True)
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile with the emulator's nvcc, for its device."""
    monkeypatch.setattr(ahead, "GPU", "emulator")


def test_what_a_launch_looks_for(submission: Callable[..., Path], tmp_path: Path) -> None:
    """Each kernel is there under the name by which PyCUDA finds it at the first launch.

    So are those that a submission compiles by itself while it is loaded; and what is broken is not.
    """
    broken = '\nbroken = compile_kernel("__global__ void broken() { x }", "broken", "")\n'
    folder = submission(
        kernels=(ROOT / "solution" / "kernels.py").read_text() + broken + OWN_HELPER
    )
    made = ahead.cubins(folder, given_device())
    assert len(made) == 7 + 3  # the kernels; its own, device.py's, and the grader's
    assert all(code.tobytes().startswith(b"\x7fELF") for code in made.values())
    prepare()
    own = {
        "PYCUDA_CACHE_DIR": str(tmp_path),
        "BACKEND": "emulator",
        "EMULATOR_CACHE": str(shared()),
    }
    subprocess.run(
        [sys.executable, "-c", LAUNCH, str(ROOT), str(folder), str(given_device().parent)],
        env={**os.environ, **own},
        check=True,
    )
    launched = {path.name for path in tmp_path.glob("*.cubin")}
    assert len(launched) == 2
    assert launched <= made.keys()


def test_cannot_be_loaded(submission: Callable[..., Path]) -> None:
    """A submission that ends its process has nothing compiled ahead, and gets its verdict later."""
    folder = submission(kernels="import os; os._exit(3)")
    assert ahead.cubins(folder, given_device()) == {}


def test_hostile_compiler() -> None:
    """Only names that PyCUDA gives are taken over, and no more than has room."""
    code, name = np.zeros(8, np.uint8), "0" * 32 + ".cubin"
    assert ahead._checked([name, "../../x.cubin", 7], [code] * 3) == {name: code}
    assert ahead._checked([name], [np.zeros(2, np.float32)]) == {}
    assert ahead._checked([name], []) == {}
    assert ahead._checked({"a": 1}, [code]) == {}
    huge = np.lib.stride_tricks.as_strided(code, (ahead.MOST_BYTES + 1,), (0,))
    assert ahead._checked([name], [huge]) == {}


def test_kept_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is compiled a worker is told where it is kept."""
    monkeypatch.setenv("PYCUDA_CACHE_DIR", str(tmp_path / "own"))
    compiling.prepare({"kernels": str(tmp_path), "cubins": ["a.cubin"]}, [np.ones(2, np.uint8)])
    assert (tmp_path / "a.cubin").read_bytes() == b"\1\1"
    assert os.environ["PYCUDA_CACHE_DIR"] == str(tmp_path)
