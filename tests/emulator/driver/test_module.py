"""Modules, their kernels and variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pycuda.driver as drv
import pytest
from pycuda import gpuarray
from pycuda.compiler import SourceModule

from emulator.compiler import nvcc

if TYPE_CHECKING:
    from pathlib import Path


def test_unknown_kernel(module: Any) -> None:
    """A kernel that is not there is an error that names those there are."""
    with pytest.raises(drv.LogicError) as error:
        module.get_function("bias_ad")
    text = str(error.value)
    assert text.startswith("cuModuleGetFunction failed: named symbol not found - ")
    assert "did you mean 'bias_add'?" in text
    assert "fill" in text


def test_globals(module: Any) -> None:
    """__device__ and __constant__ variables are set from the host and seen by kernels."""
    table, table_bytes = module.get_global("table")
    factor, factor_bytes = module.get_global("factor")
    assert (table_bytes, factor_bytes) == (16, 8)
    drv.memcpy_htod(table, np.arange(4, dtype=np.int32))
    drv.memcpy_htod(factor, np.array([2, 0], np.float32))
    out = gpuarray.zeros(4, np.float32)
    module.get_function("look_up")(out, block=(4, 1, 1))
    assert out.get().tolist() == [0, 2, 4, 6]
    back = np.empty(4, np.int32)
    drv.memcpy_dtoh(back, table)
    assert back.tolist() == [0, 1, 2, 3]


def test_copy_beyond_a_global(module: Any) -> None:
    """A copy beyond a variable is refused."""
    factor, _ = module.get_global("factor")
    with pytest.raises(drv.LogicError, match="cuMemcpyHtoD failed: invalid argument"):
        drv.memcpy_htod(factor, np.zeros(2**16, np.float32))


def test_unknown_global(module: Any) -> None:
    """A variable that is not there is an error that names those there are."""
    with pytest.raises(drv.LogicError, match="no variable 'tabel'; did you mean 'table'"):
        module.get_global("tabel")


def test_two_copies(cubin: bytes) -> None:
    """Each loading of an image has variables of its own."""
    first, second = (drv.module_from_buffer(cubin) for _ in range(2))
    assert first.get_global("table")[0] != second.get_global("table")[0]


def test_from_file(cubin: bytes, tmp_path: Path) -> None:
    """A module can be loaded from a file; a missing one is PyCUDA's RuntimeError."""
    file = tmp_path / "kernel.cubin"
    file.write_bytes(cubin)
    assert drv.module_from_file(str(file)).get_function("fill")
    with pytest.raises(drv.RuntimeError, match="file not found"):
        drv.module_from_file(str(tmp_path / "missing.cubin"))


def test_no_image() -> None:
    """Bytes that are no image are refused."""
    with pytest.raises(drv.LogicError, match="device kernel image is invalid"):
        drv.module_from_buffer(b"\x7fELF and so on")


def test_message_handler(cubin: bytes) -> None:
    """The handler of compilation messages is called."""
    calls: list[tuple[bool, str, str]] = []
    drv.module_from_buffer(cubin, [], lambda *arguments: calls.append(arguments))
    assert calls == [(True, "", "")]


def test_linking(cubin: bytes) -> None:
    """One image passes the linker; several are refused by name."""
    linker = drv.Linker()
    linker.add_data(cubin, drv.jit_input_type.CUBIN, "kernel")
    assert linker.link_module().get_function("fill")
    linker.add_data(cubin, drv.jit_input_type.CUBIN)
    with pytest.raises(drv.LogicError, match="not emulated"):
        linker.link_module()


def test_compile_error() -> None:
    """A source that does not compile is PyCUDA's CompileError."""
    with pytest.raises(drv.CompileError, match="not_declared"):
        SourceModule("__global__ void f(int *x) { x[0] = not_declared; }")


def test_mangled_names() -> None:
    """Without extern C a kernel has its mangled name, and the error tells."""
    module = SourceModule("__global__ void twice(int *x) { x[0] *= 2; }", no_extern_c=True)
    assert module.get_function("_Z5twicePi")
    with pytest.raises(drv.LogicError, match='extern "C"'):
        module.get_function("twice")


def test_an_image_without_checks_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A device that checks runs nothing that was compiled elsewhere without the checks."""
    monkeypatch.setenv("EMULATOR_CHECK", "0")
    (tmp_path / "kernel.cu").write_text("__global__ void k(float *x) { x[0] = 1; }")
    assert not nvcc.run(["--cubin", "kernel.cu"], str(tmp_path)).errors
    with pytest.raises(drv.LogicError, match=r"without the memory checks.*compile it again"):
        drv.module_from_file(str(tmp_path / "kernel.cubin"))
