"""Compilations that PyCUDA asks for inside this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import emulator

emulator.install(check=True, report=False)

import pycuda.driver as drv  # noqa: E402  # below the emulator
from pycuda import gpuarray, tools  # noqa: E402
from pycuda.compiler import SourceModule  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RACE = """
#include <pycuda-complex.hpp>
#include <curand_kernel.h>
#define LID_0 threadIdx.x  // as PyCUDA's own sources have it
extern "C" __global__ void reverse(float *x) {
  __shared__ float s[64];
  s[LID_0] = x[LID_0];
  x[LID_0] = s[63 - LID_0];
}
"""


@pytest.fixture(autouse=True)
def context() -> Iterator[Any]:
    """A context of its own, as a finding may end it."""
    drv.init()
    context = drv.Device(0).make_context()
    emulator.clear_findings()
    yield context
    context.pop()
    tools.clear_context_caches()
    emulator.clear_findings()


def test_a_program_cannot_pass_for_pycuda(tmp_path: Path) -> None:
    """A source that looks like one of PyCUDA's own is checked as any other."""
    module = SourceModule(RACE, no_extern_c=True, cache_dir=str(tmp_path))
    x = gpuarray.to_gpu(np.arange(64, dtype=np.float32))
    module.get_function("reverse")(x, block=(64, 1, 1))
    assert {str(finding.kind) for finding in emulator.findings()} == {"race"}


def test_pycudas_own_kernels_are_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A reduction of PyCUDA's reads shared memory that it does not use: no finding."""
    monkeypatch.setenv("PYCUDA_CACHE_DIR", str(tmp_path))
    x = gpuarray.to_gpu(np.arange(1000, dtype=np.float32))
    assert gpuarray.sum(x).get() == 499500
    assert (2 * x + 1).get()[3] == 7
    assert emulator.findings() == []


def test_a_program_cannot_write_elsewhere(tmp_path: Path) -> None:
    """Options that would make nvcc write outside of its folder are an error of the compilation."""
    target = tmp_path / "overwritten"
    with pytest.raises(drv.CompileError, match="folder that it compiles in"):
        SourceModule(RACE, no_extern_c=True, cache_dir=False, options=["-o", str(target)])
    assert not target.exists()


def test_a_program_cannot_choose_the_compiler(tmp_path: Path) -> None:
    """PyCUDA's options=[…] reach the stand-in's own option table, and nothing of the host."""
    for option in ("-ccbin=/bin/sh", "-Xcompiler=-fplugin=evil.so", "-Xlinker=-init=evil", "@file"):
        with pytest.raises(drv.CompileError, match=r"leave it out|Don't know what to do"):
            SourceModule(RACE, no_extern_c=True, cache_dir=str(tmp_path), options=[option])


def test_a_program_cannot_switch_the_checks_off(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What the environment says after the device has started changes no compilation."""
    monkeypatch.setenv("EMULATOR_CHECK", "0")
    monkeypatch.setenv("CXX", "no-such-compiler")
    module = SourceModule(RACE, no_extern_c=True, cache_dir=str(tmp_path))
    x = gpuarray.to_gpu(np.arange(64, dtype=np.float32))
    module.get_function("reverse")(x, block=(64, 1, 1))
    assert {str(finding.kind) for finding in emulator.findings()} == {"race"}


def test_a_program_cannot_put_an_nvcc_of_its_own_on_the_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nor is another nvcc found by a PATH that was changed after the device has started."""
    other = tmp_path / "nvcc"
    other.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    SourceModule(RACE, no_extern_c=True, cache_dir=False).get_function("reverse")
    assert not (tmp_path / "asked").exists()
