"""Other compilers than this machine's first: the telling part of the emulator's tests with each."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TELLING = (
    "tests/emulator/compiler/test_cooperative_groups.py",
    "tests/emulator/compiler/test_device_functions.py",
    "tests/emulator/compiler/test_heap.py",
    "tests/emulator/compiler/test_image.py",
    "tests/emulator/compiler/test_nvcc.py",
    "tests/emulator/cublas/test_library.py",
    "tests/emulator/runtime/test_corpus.py",
    "tests/emulator/runtime/test_counters.py",
    "tests/emulator/runtime/test_unchecked.py",
    "tests/emulator/test_gpuarray.py::test_kernel_generators",
)


@pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None,
    reason="ziglang is not installed; next: pip install -r requirements-dev.txt",
)
def test_zig(tmp_path: Path) -> None:
    """What `make setup` installs where there is no compiler does all that g++ does."""
    environment = {
        **os.environ,
        "CXX": f"{sys.executable} -m ziglang c++",
        "EMULATOR_CACHE": str(tmp_path / "emulator"),
        "XDG_CACHE_HOME": str(tmp_path / "user"),  # PyCUDA's, and zig's own
        "PYTEST_ADDOPTS": "",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["-k", "not sources_are_cuda", *TELLING]  # nvcc is the same with every compiler
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout[-8000:]
