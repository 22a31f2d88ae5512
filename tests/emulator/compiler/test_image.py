# ruff: noqa: E501 - CUDA sources and tables read better unbroken
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulator.compiler import host, nvcc
from emulator.compiler.image import ImageError, load
from emulator.findings import Kind

if TYPE_CHECKING:
    from tests.emulator.compiler.bench import Bench


def test_describes_parameters(bench: Bench) -> None:
    """Kind, size, alignment, offset, name and type of each parameter, as a device lays them out."""
    image = bench.load(
        "struct S { char a; double b; };\n"
        "__global__ void k(const float *x, char c, double d, float4 v, S s, unsigned short h) { }"
    )
    (kernel,) = image.kernels.values()
    assert [(p.kind, p.size, p.alignment, p.offset) for p in kernel.parameters] == [
        ("p", 8, 8, 0),
        ("i", 1, 1, 8),
        ("f", 8, 8, 16),
        ("s", 16, 16, 32),
        ("s", 16, 8, 48),
        ("i", 2, 2, 64),
    ]
    assert kernel.parameter_bytes == 66
    assert (kernel.parameters[0].name, kernel.parameters[0].type) == ("x", "const float *")


def test_names_kernels_as_a_device_does(bench: Bench) -> None:
    """Names under extern "C" are plain, others mangled; instances of templates are exported."""
    image = bench.load(
        'extern "C" __global__ void plain(int *x) { }\n'
        "__global__ void over(int *x) { }\n__global__ void over(float *x) { }\n"
        "namespace a { static __global__ void inner() { } }\n"
        "template <class T, int N> __global__ void scale(T *x) { x[0] *= N; }\n"
        "template __global__ void scale<float, 3>(float *);\n"
        "template <> __global__ void scale<int, 4>(int *x) { }\n"
        '#define KERNEL extern "C" __global__\nKERNEL __launch_bounds__(64) void hidden() { }\n'
    )
    assert set(image.kernels) == {
        *("plain", "_Z4overPi", "_Z4overPf", "_ZN1aL5innerEv", "_Z5scaleIfLi3EEvPT_"),
        *("_Z5scaleIiLi4EEvPT_", "hidden"),
    }
    x = np.array([2.0], np.float32)
    bench.run(image, "_Z5scaleIfLi3EEvPT_", x)
    assert x[0] == 6


def test_missing_kernel(bench: Bench) -> None:
    """A name that doesn't exist: the names there are, and why they look as they do."""
    image = bench.load("__global__ void scale(int *x) { }")
    with pytest.raises(KeyError, match=r"no kernel named .*_Z5scalePi.*no_extern_c"):
        image.kernels["scale"]


def test_global_variables(bench: Bench) -> None:
    """Device and constant variables, static ones included, with their sizes; none of the image's own."""
    image = bench.load(
        "__device__ int counter = 3; static __constant__ float c[8]; __constant__ const int two[2] = {1, 2};"
        "namespace n { __device__ double d; }"
        'extern "C" __global__ void k(float *x) { x[0] = c[1] + counter + two[threadIdx.x] + n::d; }'
    )
    found = {name: (v.size_bytes, v.constant) for name, v in image.variables.globals.items()}
    assert found["counter"] == (4, False)
    assert (32, True) in found.values()
    assert (8, True) in found.values()
    assert found["_ZN1n1dE"] == (8, False)
    assert len(found) == 4


def test_a_variable_that_only_the_host_writes(bench: Bench) -> None:
    """A constant set from outside is read anew: the compiler didn't take it for zero."""
    image = bench.load(
        'static __constant__ float c[2]; extern "C" __global__ void k(float *x) { x[0] = c[1]; }'
    )
    (variable,) = image.variables.globals.values()
    __import__("ctypes").c_float.from_address(variable.address + 4).value = 5.0
    x = np.zeros(1, np.float32)
    bench.run(image, "k", x)
    assert x[0] == 5


def test_static_shared_bytes(bench: Bench) -> None:
    """Each kernel's own static shared memory."""
    image = bench.load(
        'extern "C" { __global__ void a() { __shared__ float s[100]; s[0] = 1; }'
        " __global__ void b() { __shared__ double s[7]; __shared__ char t; s[0] = t; }"
        " __global__ void c() { extern __shared__ int s[]; } }"
    )
    assert {n: k.static_shared_bytes for n, k in image.kernels.items()} == {
        "a": 400,
        "b": 57,
        "c": 0,
    }


LINES = """__device__ __forceinline__ float twice(float *x, int i) {
  return x[i]
       + x[i];
}
__global__ void k(float *x, int which) {
  if (which == 0) x[1000] = 1;
  if (which == 1)
    x[0] = twice(x, 1000);
  if (which == 2) atomicAdd(&x[1000], 1.0f);
  if (which == 3) {
    float4 v = *(float4 *)(x + 1000); x[0] = v.x; }
  if (which == 4) x[0] = __ldg(x + 1000);
  int e;
  if (which == 5) x[0] = frexpf(x[1000], &e);
}
"""


@pytest.mark.parametrize(("which", "line"), [(0, 6), (1, 2), (2, 9), (3, 11), (4, 12), (5, 14)])
def test_locates_the_innermost_line_of_the_source(bench: Bench, which: int, line: int) -> None:
    """An access in an inlined function is at its line there; one in a device header at the line of the call."""
    image = bench.load('extern "C" {\n#line 1 "kernels.py"\n' + LINES + "}\n")
    findings = bench.run(image, "k", np.zeros(4, np.float32), np.int32(which))
    assert [f.kind for f in findings] == [Kind.OUT_OF_BOUNDS]
    place = findings[0].place
    assert place is not None
    assert (place.file, place.line) == ("kernels.py", line)
    assert place.source == LINES.splitlines()[line - 1].strip()


def test_two_loads_have_variables_of_their_own(bench: Bench) -> None:
    """Loading the same bytes again gives a module of its own, as on a device."""
    first = bench.load("__device__ int counter;")
    second = load(bench.folder / "kernel.cubin")
    assert first.variables.globals["counter"].address != second.variables.globals["counter"].address


@pytest.mark.parametrize(
    "data", [b"", b"\x7fELF\x02\x01" + bytes(100), b".version 7.0\n.target sm_80"]
)
def test_refuses_other_files(data: bytes) -> None:
    """PTX and real cubins are told from images of the emulator."""
    with pytest.raises(ImageError, match="give SourceModule the CUDA C source"):
        load(data)


def test_dynamic_shared_memory(bench: Bench) -> None:
    """Arrays declared extern __shared__ of all types are one memory, in functions and at file scope."""
    image = bench.load(
        "extern __shared__ __align__(16) unsigned char raw[];\n"
        "template <class T> __device__ T *get() { extern __shared__ double any[]; return (T *)any; }\n"
        'extern "C" __global__ void k(float *x) { extern __shared__ volatile float s[];'
        " s[1] = x[0]; x[1] = reinterpret_cast<float *>(raw)[1]; x[2] = get<float>()[1]; }"
    )
    x = np.array([7, 0, 0], np.float32)
    assert bench.run(image, "k", x, shared=64) == []
    assert x.tolist() == [7, 7, 7]


def test_nothing_in_a_source_makes_it_pycudas_own(bench: Bench) -> None:
    """Sources that look like PyCUDA's own are not taken for them: who asks decides."""
    assert not bench.load("// LID_0\n#include <curand_kernel.h>\n__global__ void k() { }").library
    nvcc.run(["--cubin", "kernel.cu"], str(bench.folder), library=True)
    assert load(bench.folder / "kernel.cubin").library


def test_unchecked_images(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without checks no access is announced, except the volatile ones that lockstep needs."""
    monkeypatch.setenv("EMULATOR_CHECK", "0")
    for word, expected in (("", False), ("volatile", True)):
        bench.nvcc(f"__global__ void k({word} float *x) {{ x[0] = x[1] + 1; }}")
        data = Path(bench.folder / "kernel.cubin").read_bytes()
        assert (b"__tsan_volatile_write4" in data) is expected
        assert not load(data).checked


def test_headers_are_called_the_same_in_every_clone(bench: Bench) -> None:
    """Lines of device headers bear no path of this clone: clones share cached images."""
    result = bench.nvcc("__global__ void k() {\n  if (threadIdx.x) __syncthreads();\n}\n")
    assert not result.errors
    assert host.INCLUDE.encode() not in (bench.folder / "kernel.cubin").read_bytes()
