# ruff: noqa: E501 - CUDA sources and tables read better unbroken
from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulator.compiler import host, nvcc

if TYPE_CHECKING:
    from tests.emulator.compiler.bench import Bench

BODY = "__global__ void k(float *x, int n) {{ {0} }}"
PYCUDA = 'extern "C" {{\n#line 41 "kernels.py"\n{0}\n}}\n'

MISTAKES = {
    "undeclared": (BODY, "x[0] = bb;", 'identifier "bb" is undefined'),
    "unknown type": (
        "__global__ void k(flaot *x) {{ {0} }}",
        "",
        'identifier "flaot" is undefined',
    ),
    "semicolon": (BODY, "x[0] = 1 x[1] = 2;", 'expected a ";"'),
    "semicolon of a declaration": (BODY, "float z = x[0] if (n) x[0] = z;", 'expected a ";"'),
    "parenthesis": (BODY, "if (n > 1 {{ }}", 'expected a ")"'),
    "const": ("__global__ void k(const float *x) {{ {0} }}", "x[0] = 1;", "modifiable lvalue"),
    "few arguments": (
        "__device__ float f(float a, float b) {{ return a; }}" + BODY,
        "x[0] = f(1);",
        "too few arguments in function call",
    ),
    "member": (BODY, "int i = threadIdx.w;", 'class "uint3" has no member "w"'),
    "twice": (BODY, "int i = 0; int i = 1;", '"i" has already been declared'),
    "pointer": (BODY, "int i = x;", 'a value of type "float *" cannot be'),
    "not a pointer": (BODY, "n[0] = 1;", "expression must have pointer-to-object type"),
    "modulo": (BODY, "x[0] = x[1] % 2;", 'the operator "%" does not take operands of type'),
    "size": (BODY, "float a[n]; x[0] = a[0];", "expression must have a constant value"),
    "shared size": (BODY, "__shared__ float a[n]; x[0] = a[0];", 'the size of the array "a"'),
    "shared initialiser": (
        BODY,
        "__shared__ float s = 0; x[0] = s;",
        "initializer not allowed for __shared__ variable",
    ),
    "kernel call": (
        "__global__ void g(float *x) {{ }}" + BODY,
        "g(x);",
        "a __global__ function call must be configured",
    ),
    "launch": (BODY, "k<<<1, 1>>>(x, n);", "kernels are launched from Python"),
    "host function": (
        "float f(float a) {{ return a; }}" + BODY,
        "x[0] = f(1);",
        'calling a __host__ function("f") from a __global__ function("k") is not allowed',
    ),
    "std::max": (BODY, "x[0] = std::max(x[0], 1.f);", "write max(…), without std::"),
    "std::vector": (BODY, "std::vector<int> v;", 'namespace "std" has no member "vector"'),
    "string": (BODY, 'string s = "a";', 'identifier "string" is undefined'),
    "asm": (BODY, 'asm("trap;");', "inline PTX (asm) is not emulated"),
    "old shuffle": (BODY, "x[0] = __shfl_down(x[0], 1);", "write __shfl_down_sync(0xffffffff, …)"),
    "texture": ("texture<float, 1> t;" + BODY, "", "texture references are not emulated"),
    "void": ("__global__ int k(float *x) {{ {0} }}", "return 1;", "must have a void return type"),
    "return value": (BODY, "return 1;", "return value type does not match"),
    "unknown atomic": (BODY, "atomicAdd((short *)x, (short)1);", 'overloaded function "atomicAdd"'),
    "clusters": (
        'extern "C" __global__ void __cluster_dims__(2, 1, 1) k() {}',
        "",
        '"__cluster_dims__": clusters of blocks and their distributed shared memory are not',
    ),
    "barriers of libcu++": (
        "#include <cuda/barrier>\n" + BODY,
        "",
        'cannot open source file "cuda/barrier" (not emulated; __syncthreads()',
    ),
    "header": ("#include <foo.h>\n" + BODY, "", 'cannot open source file "foo.h"'),
    "not CUDA": ("def f(x):\n    return x{0}", "", 'identifier "def" is undefined'),
    "host memory": (
        BODY,
        "x[0] = *(float *)calloc(1, 4);",
        'calling a __host__ function("calloc")',
    ),
    "unsupported group": (
        "#include <cooperative_groups.h>\n" + BODY,
        "auto g = cooperative_groups::this_grid(); g.sync();",
        "this_grid() is not emulated: to wait for all blocks, end the kernel",
    ),
    "generator": ("#include <curand_kernel.h>\n" + BODY, "curandStatePhilox4_32_10_t s;", "XORWOW"),
}


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_explains_a_mistake(bench: Bench, mistake: str) -> None:
    """A typical mistake is refused in nvcc's words."""
    frame, body, message = MISTAKES[mistake]
    result = bench.nvcc(PYCUDA.format(frame.format(body)), "-arch", "sm_80")
    assert result.code != 0
    assert message in result.errors
    assert 'detected in the compilation of "kernel.cu"' in result.errors
    assert "emu" not in result.errors.replace("emulated", "")
    assert not (bench.folder / "kernel.cubin").exists()


def test_names_the_students_own_line(bench: Bench) -> None:
    """The place of an error is the one that #line says, with the text of the line."""
    source = PYCUDA.format("__global__ void k(float *x)\n{\n  x[0] = bb;\n}")
    assert bench.nvcc(source).errors == (
        'kernels.py(43): error: identifier "bb" is undefined\n    x[0] = bb;\n\n'
        '1 error detected in the compilation of "kernel.cu".\n'
    )


def test_counts_lines_as_the_author_does(bench: Bench) -> None:
    """Without #line, PyCUDA's own first line is not counted."""
    errors = bench.nvcc('extern "C" {\n__global__ void k() { bb; }\n}\n').errors
    assert errors.startswith("kernel.cu(1): error: ")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("if (n) { x[0] = 1;", 'a "{" of the __global__ function("k") is never closed'),
        ("if (n) { } } x[0] = 1;", 'this "}" has no "{" before it'),
    ],
)
def test_finds_the_brace(bench: Bench, body: str, message: str) -> None:
    """A missing or superfluous brace is told at its function, not at the end of the source."""
    source = f"__global__ void k(float *x, int n) {{ {body} }}"
    assert message in bench.nvcc(PYCUDA.format(source)).errors


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "__global__ void k(float *x) { __shared__ float s[20000]; s[0] = x[0]; x[1] = s[1]; }",
            "Entry function '_Z1kPf' uses too much shared data (0x13880 bytes, 0xc000 max)",
        ),
        (
            "__constant__ float c[20000]; __global__ void k(float *x) { x[0] = c[threadIdx.x]; }",
            "File uses too much global constant data (0x13880 bytes, 0x10000 max)",
        ),
    ],
)
def test_limits_of_the_device(bench: Bench, source: str, message: str) -> None:
    """More static memory than a device has is refused in ptxas's words (taken from nvcc 13.0)."""
    result = bench.nvcc(source)
    assert (result.code, result.errors) == (255, f"ptxas error   : {message}\n")


def test_a_kernel_may_share_its_name_with_a_function(bench: Bench) -> None:
    """A call with other arguments than the kernel's is a call of the function (PyCUDA has such a kernel)."""
    source = "__device__ float real(float x) { return x; } "
    source += "__global__ void real(float *x, int n) { x[0] = real(x[1]); }"
    assert bench.nvcc(source).code == 0


def test_without_a_compiler(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """No host compiler: what was looked for, and how to get one."""
    monkeypatch.setenv("PATH", str(bench.folder))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(host, "_has_zig", lambda _python: False)
    errors = bench.nvcc("__global__ void k() { }").errors
    assert "no C++ compiler found" in errors
    assert "apt install g++" in errors


def test_with_a_wrong_compiler(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """CXX names a program that isn't there: said so."""
    monkeypatch.setenv("CXX", "no-such-compiler -x")
    assert "'no-such-compiler -x', was not found on PATH" in bench.nvcc("").errors


def test_cache_folder_that_cannot_be_written(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unusable cache folder is named, with the variable that chooses another."""
    (bench.folder / "file").write_text("")
    monkeypatch.setenv("EMULATOR_CACHE", str(bench.folder / "file" / "cache"))
    errors = bench.nvcc("__global__ void k() { }").errors
    assert "can't be written; set EMULATOR_CACHE" in errors


def test_version_names_what_images_depend_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyCUDA keys its cache by this text: the mode and the compiler are in it, and it is stable."""
    monkeypatch.setenv("EMULATOR_CHECK", "1")
    checked = nvcc.version()
    monkeypatch.setenv("EMULATOR_CHECK", "0")
    assert "release 12.8" in checked
    assert checked != nvcc.version()
    assert nvcc.version() == nvcc.version()


def test_the_key_of_pycudas_cache_sees_headers(bench: Bench) -> None:
    """What --preprocess gives to PyCUDA changes with an included header, and needs no compiler."""
    (bench.folder / "a.h").write_text("#define N 1\n")
    (bench.folder / "kernel.cu").write_text('#include "a.h"\n__global__ void k() { }\n')
    command = ["--preprocess", "kernel.cu", "--compiler-options", "-P"]
    before = nvcc.run(command, str(bench.folder)).output
    (bench.folder / "a.h").write_text("#define N 22\n")
    assert nvcc.run(command, str(bench.folder)).output != before


def test_preprocesses_for_people(bench: Bench) -> None:
    """--preprocess alone is the real preprocessor."""
    (bench.folder / "kernel.cu").write_text("#define N 3\nint a = N;\n")
    output = nvcc.run(["--preprocess", "-DM=2", "kernel.cu"], str(bench.folder)).output
    assert "int a = 3;" in output


def test_the_program(tmp_path: Path) -> None:
    """bin/nvcc is what PyCUDA runs: exit code, output file, messages on stderr."""
    program = Path(nvcc.__file__).parent / "bin" / "nvcc"
    (tmp_path / "kernel.cu").write_text("__global__ void k() { bb; }")
    environment = {**__import__("os").environ, "EMULATOR_PYTHON": sys.executable}
    result = subprocess.run(
        [program, "--cubin", "kernel.cu"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith('kernel.cu(1): error: identifier "bb" is undefined')
