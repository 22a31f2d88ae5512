from __future__ import annotations

import ctypes
import re
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulator.cublas.library import Device
from emulator.cublas.report import Fault

if TYPE_CHECKING:
    from tests.emulator.cublas.device import Memory

ROOT = Path(__file__).parents[3]


def run(script: str) -> str:
    """What a Python process of its own writes."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script)],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def skcuda_source(module: str) -> str:
    """The text of a module of scikit-cuda, which is not imported for it."""
    package = find_spec("skcuda")
    if package is None or not package.submodule_search_locations:
        pytest.skip("scikit-cuda is not installed: make setup")
    return (Path(package.submodule_search_locations[0]) / f"{module}.py").read_text()


@pytest.mark.parametrize(
    ("soname", "module"),
    [("libcublas.so", "cublas"), ("libcudart.so", "cudart"), ("libcuda.so", "cudadrv")],
)
def test_every_symbol_that_scikit_cuda_names_is_exported(
    soname: str, module: str, libraries: dict[str, ctypes.CDLL]
) -> None:
    """Importing scikit-cuda needs all of them, emulated or not."""
    names = set(re.findall(r"_libcu\w+\.(cu[A-Za-z0-9_]+)", skcuda_source(module)))
    assert len(names) > {"cublas": 180, "cudart": 10, "cudadrv": 0}[module]
    missing = [name for name in sorted(names) if not hasattr(libraries[soname], name)]
    assert not missing


def test_loading_by_soname_finds_the_emulated_libraries() -> None:
    """A later LoadLibrary by plain name resolves to them; nothing of ctypes is replaced."""
    answer = run("""
        import ctypes
        before = dict(vars(ctypes.cdll)), ctypes.CDLL, ctypes.LibraryLoader.LoadLibrary
        from emulator.cublas import library
        loaded = library.load()
        for soname, ours in loaded.items():
            print(ctypes.cdll.LoadLibrary(soname)._handle == ours._handle)
        print(before == (dict(vars(ctypes.cdll)), ctypes.CDLL, ctypes.LibraryLoader.LoadLibrary))
    """)
    assert answer.split() == ["True"] * 4


def test_scikit_cuda_works_unmodified() -> None:
    """skcuda.cublas multiplies, and raises its own errors, on the emulated device."""
    skcuda_source("cublas")
    answer = run("""
        import numpy as np
        from emulator.cublas import library
        from emulator.cublas.blas import find_host_blas
        from emulator.findings import findings
        from tests.emulator.cublas.device import Memory
        memory = Memory()
        library.load()
        device = library.device(memory.functions(), memory, memory.memory_bytes)
        library.connect(device, find_host_blas())
        from skcuda import cublas, cudart
        handle = cublas.cublasCreate()
        A = np.arange(6, dtype=np.float32).reshape(3, 2)
        a, c = memory.place(A), memory.malloc(16)
        cublas.cublasSgemm(handle, "n", "t", 2, 2, 3, 1.0, a, 2, a, 2, 0.0, c, 2)
        print(memory.view(c, 4, np.float32).tolist() == (A.T @ A).ravel().tolist())
        print(cublas.cublasSdot(handle, 6, a, 1, a, 1), cublas.cublasIsamax(handle, 6, a, 1))
        for wrong in (("n", "t", 2, 2, 3, 1.0, a, 1), ("n", "t", 2, 2, 4, 1.0, a, 2)):
            try:
                cublas.cublasSgemm(handle, *wrong, a, 2, 0.0, c, 2)
            except cublas.cublasError as error:
                print(type(error).__name__)
        print(cublas.cublasGetVersion(handle), cudart.cudaGetDevice(), len(findings()))
        print(findings()[0].place.line, findings()[0].kernel)
        cublas.cublasDestroy(handle)
    """)
    lines = answer.splitlines()
    assert lines[0] == "True"
    assert lines[1] == "55.0 5"
    assert lines[2:4] == ["cublasInvalidValue", "cublasExecutionFailed"]
    assert lines[4] == "120803 0 2"
    assert lines[5].endswith("cublasSgemm")


def test_on_the_emulated_device(tmp_path: Path) -> None:
    """GPUArrays multiply; what does not fit is named with the line of the program."""
    skcuda_source("cublas")
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent("""
            import emulator
            emulator.install(check=True, report=False)
            import numpy as np
            import pycuda.autoinit
            from pycuda import gpuarray
            from skcuda import cublas, cudart
            handle = cublas.cublasCreate()
            X = np.arange(6, dtype=np.float32).reshape(2, 3)
            x, fresh = gpuarray.to_gpu(X), gpuarray.empty(6, np.float32)
            z = gpuarray.zeros((2, 2), np.float32)
            cublas.cublasSgemm(
                handle, "t", "n", 2, 2, 3, 1.0, x.gpudata, 3, x.gpudata, 3, 0.0, z.gpudata, 2)
            print((z.get() == X @ X.T).all())
            cublas.cublasSasum(handle, 6, fresh.gpudata, 1)
            try:
                cublas.cublasSscal(handle, 7, 2.0, x.gpudata, 1)  # one too many
            except cublas.cublasExecutionFailed:
                print("refused")
            for finding in emulator.findings():
                print(finding.text())
            free, total = cudart.cudaMemGetInfo()
            print(0 < free < total)
        """)
    )
    lines = run(f"import runpy; runpy.run_path({str(program)!r}, run_name='__main__')").splitlines()
    assert lines[:2] == ["True", "refused"]
    assert lines[2].startswith("unwritten-read in cublasSasum at program.py:")
    assert "element 0 is read (byte 0 of an allocation of 24 bytes)" in lines[2]
    assert lines[4].startswith("out-of-bounds in cublasSscal at program.py:")
    assert "argument x needs 28 bytes from byte 0 of an allocation of 24 bytes" in lines[4]
    assert lines[5].endswith("# one too many")
    assert lines[6] == "True"


def test_the_mirror_of_the_device_has_every_function() -> None:
    """The structure that C++ and Python share has the same members in the same order."""
    header = (ROOT / "emulator/cublas/native/device.hpp").read_text()
    body = header[
        header.index("struct Device {") : header.index("};", header.index("struct Device"))
    ]
    members = re.findall(r"\(\*(\w+)\)|uint64_t (\w+);", body)
    assert [a or b for a, b in members] == [name for name, *_ in Device._fields_]


def test_the_mirror_of_faults_is_right() -> None:
    """The faults that C++ and Python share have the same numbers."""
    header = (ROOT / "emulator/cublas/native/device.hpp").read_text()
    names = re.search(r"enum Fault \{(.*?)\}", header, re.DOTALL)
    assert names is not None
    assert [name.strip() for name in names[1].split(",")] == [fault.name for fault in Fault]


def test_memory_functions_of_cudart(libraries: dict[str, ctypes.CDLL], memory: Memory) -> None:
    """cudaMalloc, cudaMemcpy, cudaFree and cudaMemGetInfo work on the emulated memory."""
    cudart = libraries["libcudart.so"]
    pointer, free, total = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_size_t()
    assert cudart.cudaMalloc(ctypes.byref(pointer), ctypes.c_size_t(12)) == 0
    values, back = np.array([1, 2, 3], np.float32), np.zeros(3, np.float32)
    size = ctypes.c_size_t(12)
    assert cudart.cudaMemcpy(pointer, values.ctypes, size, 1) == 0
    assert memory.first_unwritten(int(pointer.value or 0), 12) is None
    assert cudart.cudaMemcpy(back.ctypes, pointer, size, 4) == 0
    assert (back == values).all()
    assert cudart.cudaMemcpy(back.ctypes, pointer, ctypes.c_size_t(16), 2) == 1
    assert cudart.cudaMemGetInfo(ctypes.byref(free), ctypes.byref(total)) == 0
    assert total.value - free.value == 12
    assert cudart.cudaFree(pointer) == 0
    assert cudart.cudaFree(pointer) == 17
    assert cudart.cudaMalloc(ctypes.byref(pointer), ctypes.c_size_t(1 << 40)) == 2
    attribute = ctypes.c_uint()
    assert cudart.cudaSetDevice(1) == 101
    here = ctypes.c_uint64(memory.malloc(4))
    assert libraries["libcuda.so"].cuPointerGetAttribute(ctypes.byref(attribute), 2, here) == 0
    assert attribute.value == 2
