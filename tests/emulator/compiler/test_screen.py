# ruff: noqa: E501 - CUDA sources and tables read better unbroken
"""No way out of a kernel's source: what reaches for the host is refused by name, what CUDA has is not."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulator.compiler import nvcc, seal
from emulator.compiler.image import ImageError, load

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.compiler.bench import Bench

BODY = 'extern "C" __global__ void k(float *x, int n) {{\n  {0}\n}}'
K = BODY.format("x[0] = n;")

CALLS = {
    "system": "#include <stdlib.h>\n" + BODY.format('system("id");'),
    "execve": 'extern "C" int execve(const char *, char **, char **);' + BODY.format('execve("/bin/sh", 0, 0);'),
    "open": "#include <fcntl.h>\n" + BODY.format('x[0] = open("/etc/passwd", 0);'),
    "fopen": '#include <cstdio>\nextern "C" void *fopen(const char *, const char *);' + BODY.format('fopen("/etc/passwd", "r");'),
    "getenv": BODY.format('x[0] = getenv("HOME")[0];'),
    "dlopen": 'extern "C" void *dlopen(const char *, int);' + BODY.format('dlopen("libc.so.6", 1);'),
    "dlsym": 'extern "C" void *dlsym(void *, const char *);' + BODY.format('dlsym(0, "system");'),
    "syscall": 'extern "C" long syscall(long, ...);' + BODY.format("syscall(59, 0);"),
    "fork": "#include <unistd.h>\n" + BODY.format("fork();"),
    "socket": 'extern "C" int socket(int, int, int);' + BODY.format("socket(2, 1, 0);"),
    "mprotect": 'extern "C" int mprotect(void *, unsigned long, int);' + BODY.format("mprotect(x, 4096, 7);"),
    "PyRun_SimpleString": 'extern "C" int PyRun_SimpleString(const char *);' + BODY.format('PyRun_SimpleString("import os");'),
    "exit": BODY.format("exit(0);"),
    "abort": BODY.format("abort();"),
    "kill": 'extern "C" int kill(int, int);' + BODY.format("kill(-1, 9);"),
    "ptrace": 'extern "C" __attribute__((noreturn)) long ptrace(int, ...);' + BODY.format("ptrace(0);"),
    "qsort": BODY.format("qsort(x, n, 4, nullptr);"),
    "weak": 'extern "C" int weakly(const char *);' + BODY.format('auto f = &weakly; f("id");').replace("weakly", "system"),
    "environ": 'extern "C" char **environ;' + BODY.format("x[0] = environ[0][0];"),
}  # fmt: skip
CALLED = {"weak": "system"}


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_refuses_functions_of_the_host(bench: Bench, call: str) -> None:
    """A call of what a device has not is refused where it stands, in nvcc's words."""
    result = bench.nvcc(
        'extern "C" {\n#line 5 "kernels.py"\nextern "C++" {\n' + CALLS[call] + "\n}}\n"
    )
    assert result.code == 1
    name = CALLED.get(call, call)
    if call in {"weak", "environ"}:
        assert f'identifier "{name}" is undefined in device code' in result.errors
    else:
        assert (
            f'error: calling a __host__ function("{name}") from a __global__ function("k") is not allowed'
            in result.errors
        )
    assert result.errors.startswith("kernels.py(")
    assert not (bench.folder / "kernel.cubin").exists()


REFUSED = {
    # the host's machine
    "asm": (BODY.format('asm volatile("syscall");'), "inline PTX (asm) is not emulated"),
    "__asm__": (BODY.format('__asm__("mov %%rsp, %0" : "=r"(n));'), "inline PTX (asm) is not emulated"),
    "asm in a macro": ("#define A(x) as##m(x)\n" + BODY.format('A("syscall");'), "inline PTX (asm)"),
    "asm at file scope": ('asm(".globl evil\\nevil: ret");' + K, "inline PTX (asm)"),
    "asm label": ('extern "C" int f(const char *) asm("system");' + BODY.format('f("id");'), "inline PTX (asm)"),
    "register": (BODY.format('register long r asm("rsp"); x[0] = r;'), "inline PTX (asm)"),
    "return address": (BODY.format("x[0] = (long)__builtin_return_address(0);"), '"__builtin_return_address" is undefined'),
    "frame": (BODY.format("*(long *)__builtin_frame_address(0) = 1;"), '"__builtin_frame_address" is undefined'),
    "alloca": (BODY.format("x[0] = *(float *)__builtin_alloca(n);"), '"__builtin_alloca" is undefined'),
    "setjmp": (BODY.format("void *b[5]; __builtin_longjmp(b, 1);"), '"__builtin_longjmp" is undefined'),
    "x86": (BODY.format("x[0] = __builtin_ia32_rdtsc();"), '"__builtin_ia32_rdtsc" is undefined'),
    "host atomics": (BODY.format("__atomic_store_n((int *)1, 1, 5);"), '"__atomic_store_n" is undefined'),
    "computed goto": (BODY.format("goto *(void *)x;"), "goto to an address is not allowed"),
    "label": (BODY.format("void *p = &&here; here: x[0] = (long)p;"), "taking the address of a label"),
    # pointers to functions out of numbers
    "C cast": (BODY.format("((void (*)(void))0x401000)();"), "a cast to a pointer to a function"),
    "cast of a pointer": (BODY.format("auto f = (int (*)(const char *))x; f(0);"), "a cast to a pointer to a function"),
    "reinterpret_cast": (BODY.format("reinterpret_cast<void (*)()>(x)();"), "a cast to a pointer to a function"),
    "typedef": ("typedef void (*go_t)(int);" + BODY.format("((go_t)(size_t)x)(1);"), "a cast to a pointer to a function"),
    "using": ("using go_t = void (*)(int);" + BODY.format("reinterpret_cast<go_t>(x)(1);"), "a cast to a pointer to a function"),
    # code at loading, places in the image
    "constructor": ("__attribute__((constructor)) void f() { }" + K, 'attribute "constructor" is not allowed'),
    "__constructor__": ("__attribute__((unused, __constructor__(101))) static void f() { }" + K, 'attribute "constructor"'),
    "destructor": ("[[gnu::destructor]] void f() { }" + K, 'attribute "destructor" is not allowed'),
    "section": ('__attribute__((section(".init_array"))) void *p = 0;' + K, 'attribute "section" is not allowed'),
    "ifunc": ('extern "C" void *r() { return 0; } void f() __attribute__((ifunc("r")));' + K, 'attribute "ifunc"'),
    "alias": ('void f() __attribute__((alias("k")));' + K, 'attribute "alias" is not allowed'),
    "weak symbol": ('extern "C" __attribute__((weak)) int system(const char *);' + K, 'attribute "weak" is not allowed'),
    "visibility": ('__attribute__((visibility("default"))) int emusomething = 1;' + K, 'attribute "visibility"'),
    "cleanup": (BODY.format("__attribute__((cleanup(exit))) int a = 0;"), 'attribute "cleanup" is not allowed'),
    "naked": ("__attribute__((naked)) void f() { }" + K, 'attribute "naked" is not allowed'),
    "target": ('__attribute__((target("avx512f"))) void f() { }' + K, 'attribute "target" is not allowed'),
    "optimize": ('__attribute__((optimize("O0"))) void f() { }' + K, 'attribute "optimize" is not allowed'),
    "no_sanitize": ('__attribute__((no_sanitize("thread"))) __device__ void f() { }' + K, 'attribute "no_sanitize"'),
    "attribute in a macro": ("#define A __attri##bute__\n#define B(x) __attribute__((x))\nB(constructor) void f() { }" + K, 'attribute "constructor"'),
    "global object": ("struct S { int a; __device__ S() { a = clock(); } };\n__device__ S s;\n" + BODY.format("x[0] = s.a;"), "dynamic initialization is not supported"),
    # files
    "absolute": ('#include "/etc/passwd"\n' + K, 'cannot open source file "/etc/passwd"'),
    "angle": ("#include </proc/self/environ>\n" + K, 'cannot open source file "/proc/self/environ"'),
    "above": ('#include "../secret.h"\n' + K, 'cannot open source file "../secret.h"'),
    "inside and above": ('#include "a/../../secret.h"\n' + K, "cannot open source file"),
    "spaces": ('  #   include   "/etc/passwd"\n' + K, 'cannot open source file "/etc/passwd"'),
    "comment": ('#/**/include/**/"/etc/passwd"\n' + K, 'cannot open source file "/etc/passwd"'),
    "splice": ('#inc\\\nlude "/etc/pass\\\nwd"\n' + K, 'cannot open source file "/etc/passwd"'),
    "digraph": ('%:include "/etc/passwd"\n' + K, 'cannot open source file "/etc/passwd"'),
    "quotes": ("int a = 1'0; const char b = '/*';\n#include \"/etc/passwd\"\n/* ' */" + K, 'cannot open source file "/etc/passwd"'),
    "quotes and raw strings": ("const auto q = u'\"'; const char *s = R\"(\n# 1 \"a.h\" 1 3\n)\";\n" + BODY.format('asm("syscall");'), "inline PTX (asm)"),
    "macro": ('#define F "/etc/passwd"\n#include F\n' + K, "#include wants the name of a header, not a macro"),
    "include_next": ("#include_next <stdio.h>\n" + K, "#include_next is not allowed"),
    "import": ('#import "a.h"\n' + K, "#import is not allowed"),
    "embed": ('const char s[] = {\n#embed "/etc/passwd"\n};' + K, "#embed is not allowed"),
    "has_include": ("#if __has_include(</etc/shadow>)\n#endif\n" + K, 'cannot open source file "/etc/shadow"'),
    "has_embed": ('#if __has_embed("/etc/shadow")\n#endif\n' + K, 'cannot open source file "/etc/shadow"'),
    "link": ('#include "link.h"\n' + K, 'cannot open source file "link.h"'),
    "header of a header": ('#include "second.h"\n' + K, 'second.h(1): error: cannot open source file "/etc/passwd"'),
    "marker in a raw string": ('__device__ const char *s = R"(\n# 1 "a.h" 1 3\n)";\n' + BODY.format('asm("syscall");'), "inline PTX (asm)"),
    "marker": ('# 1 "/usr/include/stdio.h" 1 3\n' + BODY.format('asm("syscall");'), "line marker"),
    # commands to the compiler
    "GCC pragma": ('#pragma GCC optimize("O0")\n' + K, "#pragma GCC optimize is not allowed"),
    "system header": ("#pragma GCC system_header\n" + K, "#pragma GCC system_header is not allowed"),
    "precompiled": ('#pragma GCC pch_preprocess "/tmp/evil.gch"\n' + K, "#pragma GCC pch_preprocess is not allowed"),
    "poison": ("#pragma GCC poison float\n" + K, "#pragma GCC poison is not allowed"),
    "attributes": ("#pragma clang attribute push(__attribute__((constructor)), apply_to = function)\n" + K, "#pragma clang attribute"),
    "rename": ("#pragma redefine_extname k system\n" + K, "#pragma redefine_extname"),
    "weak pragma": ("#pragma weak system\n" + K, "#pragma weak system is not allowed"),
    "_Pragma": ('_Pragma("GCC optimize(0)")\n' + K, "#pragma GCC optimize is not allowed"),
    "_Pragma in a macro": ("#define P(x) _Pragma(#x)\nP(GCC target(avx2))\n" + K, "#pragma GCC target is not allowed"),
    "ident": ('#ident "x"\n' + K, "#ident is not allowed"),
    # the emulator's own
    "runtime": ('extern "C" void emu_local_begin(void *, void *, size_t);' + K, 'identifier "emu_local_begin" is undefined'),
    "image": ('extern "C" int emu_image;' + K, 'identifier "emu_image" is undefined'),
    "callback": ('extern "C" void __tsan_read4(void *) { }' + K, 'identifier "__tsan_read4" is undefined'),
    "pasted": ('#define P(a, b) a##b\nextern "C" int P(emu, rt_free)(unsigned long);' + BODY.format("P(emu, rt_free)(1);"), 'function("emurt_free")'),
}  # fmt: skip


@pytest.mark.parametrize("trick", REFUSED, ids=str)
def test_refuses_ways_to_the_host(bench: Bench, trick: str) -> None:
    """What would reach the host's machine, files, compiler or linker: an error that names it, and its line."""
    outside = bench.folder / "outside"
    outside.mkdir()
    (outside / "secret.h").write_text("#error of someone else\n")
    (bench.folder / "link.h").symlink_to("/etc/passwd")
    (bench.folder / "second.h").write_text('#include "/etc/passwd"\n')
    source, message = REFUSED[trick]
    result = bench.nvcc(source)
    assert result.code == 1
    assert message in result.errors
    assert result.errors.startswith(("kernel.cu(", "second.h("))
    assert "root:" not in result.errors
    assert not (bench.folder / "kernel.cubin").exists()


def test_preprocessing_reads_no_other_files(bench: Bench) -> None:
    """--preprocess is screened, too: it would print what it includes."""
    (bench.folder / "kernel.cu").write_text('#include "/etc/passwd"\n')
    result = nvcc.run(["--preprocess", "kernel.cu"], str(bench.folder))
    assert (result.code, result.output) == (1, "")


HONEST = {
    "function pointers": "typedef float (*op_t)(float); __device__ float twice(float v) { return 2 * v; } __device__ op_t table[1] = {twice};" + BODY.format("op_t f = table[0]; x[0] = f(3) + (&twice)(1.f);"),
    "overloads": "__device__ float f(float v) { return v; } __device__ float f(int v) { return 8; }" + BODY.format("auto g = static_cast<float (*)(int)>(&f); x[0] = g(3);"),
    "pointer parameter": "__device__ float apply(float (*f)(float), float v) { return f(v); } __device__ float g(float v) { return 8 * v; }" + BODY.format("x[0] = apply(g, 1);"),
    "virtual": "struct A { __device__ virtual float f() const = 0; }; struct B : A { __device__ float f() const override { return 8; } };" + BODY.format("B b; const A &a = b; x[0] = a.f();"),
    "lambda": BODY.format("auto f = [=] __device__ (float v) { return v * 8; }; x[0] = f(1);"),
    "attributes": "struct __attribute__((packed, aligned(4))) P { char c; int i; }; __device__ __attribute__((noinline)) float f(float v) { return v; }" + BODY.format("[[maybe_unused]] P p; if (n) [[likely]] x[0] = f(8);"),
    "builtins": BODY.format("if (__builtin_expect(n, 1)) x[0] = __builtin_popcount(255) + __builtin_fabsf(0.f); else __builtin_unreachable();"),
    "macros of C": "#include <math.h>\n#include <float.h>\n#include <stddef.h>\n#include <limits.h>\n" + BODY.format("x[0] = isfinite(NAN) + (INFINITY > FLT_MAX) + (int)offsetof(float4, y) + 3; assert(x[0] == 8);"),
    "C++ headers": "#include <cmath>\n#include <cstdint>\n#include <type_traits>\n#include <utility>\n#include <limits>\n#include <cfloat>\n#include <climits>\n" + BODY.format("static_assert(std::is_same<int, int>::value); x[0] = std::sqrt(std::fabs(-64.f));"),
    "CUDA headers": "#include <cuda_runtime.h>\n#include <device_launch_parameters.h>\n#include <cuda_fp16.h>\n#include <cooperative_groups.h>\n#include <math_constants.h>\n#include <stdio.h>\n#include <assert.h>\n" + BODY.format('x[0] = 8; printf("%f\\n", x[0]);'),
    "own header": '#include "own.h"\n#include "deep/er.h"\n' + BODY.format("x[0] = OWN + DEEPER;"),
    "has_include": '#if __has_include("own.h") && __has_include(<cuda_fp16.h>)\n#include "own.h"\n#endif\n' + BODY.format("x[0] = 2 * OWN;"),
    "pragmas": '#pragma once\n#pragma nv_diag_suppress 177\n#pragma GCC diagnostic ignored "-Wall"\n#pragma pack(push, 1)\n#pragma pack(pop)\n' + BODY.format('#pragma unroll 4\n  for (int i = 0; i < 8; i++) x[0] += i == 0 ? 8 - x[0] : 0;\n  _Pragma("unroll") for (int i = 0; i < 2; i++) x[1] = i;'),
    "line": '#line 7 "kernels.py"\n# 9 "kernels.py"\n' + BODY.format("x[0] = 8;"),
    "comments": '/* #include "/etc/passwd"\n# 1 of them: __attribute__((constructor)) asm("") */\n// emu_image, system("id"), \\\n#include </etc/passwd>\n' + BODY.format("x[0] = 8; // goto *p"),
    "strings": BODY.format('printf("asm __attribute__ #include \\"/etc/passwd\\" emu_image %d\\n", n); x[0] = 8;'),
    "raw string": '__device__ const char *text = R"(\n#include "/etc/passwd"\n#pragma GCC poison x\n)";' + BODY.format("x[0] = text[0] == '\\n' ? 8 : 0;"),
    "own names": "__device__ float emulate(float v) { return v; } __device__ float section, alias = 8, weak; namespace emus { }" + BODY.format("x[0] = emulate(alias) + section + weak;"),
    "goto": BODY.format("x[0] = 8; goto end; x[0] = 1; end: x[1] = n && n;"),
    "casts": BODY.format("char *c = (char *)x; ((float *)c)[0] = (float)(8); x[1] = *(int *)&x[0]; x[2] = (n)*(2); float (*row)[4] = (float (*)[4])x; row[0][3] = 1;"),
    "namespaces": "namespace detail { template <class T, int N> struct A { T v[N]; }; }" + BODY.format("detail::A<float, 2> a{{8, 1}}; x[0] = a.v[0];"),
    "constant objects": "struct S { float a; constexpr S(float v) : a(v) { } }; __constant__ S s(8); __device__ S t{1};" + BODY.format("x[0] = s.a; x[1] = t.a;"),
    "conversion": "#define TO_STRING(x) #x\n#define CAT(a, b) a##b\n" + BODY.format("int CAT(va, lue) = 8; x[0] = value; const char *s = TO_STRING(asm); (void)s;"),
}  # fmt: skip


@pytest.mark.parametrize("program", HONEST, ids=str)
def test_lets_cuda_through(bench: Bench, program: str) -> None:
    """What CUDA has, however odd it looks, compiles, runs and leaves 8 in x[0]."""
    (bench.folder / "own.h").write_text("#pragma once\n#define OWN 4\n")
    (bench.folder / "deep").mkdir()
    (bench.folder / "deep" / "er.h").write_text('#include "est.h"\n')
    (bench.folder / "deep" / "est.h").write_text("#define DEEPER 4\n")
    image = bench.load(HONEST[program])
    x = np.zeros(16, np.float32)
    assert bench.run(image, "k", x, np.int32(1)) == []
    assert x[0] == 8


@pytest.mark.skipif(
    not shutil.which("nvcc", path="/usr/local/bin:/usr/local/cuda/bin"), reason="no nvcc"
)
def test_honest_sources_are_cuda(tmp_path: Path) -> None:
    """NVIDIA's own compiler takes what is called honest here."""
    compiler = shutil.which("nvcc", path="/usr/local/bin:/usr/local/cuda/bin")
    (tmp_path / "own.h").write_text("#pragma once\n#define OWN 4\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "er.h").write_text('#include "est.h"\n')
    (tmp_path / "deep" / "est.h").write_text("#define DEEPER 4\n")
    files = []
    for number, program in enumerate(HONEST):
        files.append(f"k{number}.cu")
        (tmp_path / files[-1]).write_text(HONEST[program])
    assert compiler is not None
    flags = ["-cubin", "-arch=sm_80", "-std=c++17", "-extended-lambda", "-w"]
    for file in files:
        result = subprocess.run(
            [compiler, *flags, file], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr


def test_loads_only_what_was_compiled_here(bench: Bench) -> None:
    """An image that was changed, that calls the host, or that starts by itself is not loaded."""
    assert bench.nvcc(K).code == 0
    data = (bench.folder / "kernel.cubin").read_bytes()
    load(data)
    changed = bytearray(data)
    changed[data.index(b"emu_image")] ^= 1
    with pytest.raises(ImageError, match=r"it was changed afterwards|it uses"):
        load(bytes(changed))


@pytest.mark.skipif(not shutil.which("g++"), reason="no g++")
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ('#include <stdlib.h>\nextern "C" void k() { system("id"); }', "it uses system of the host"),
        ("__attribute__((constructor)) void f() { }", "it wants code of its own or of others to run"),
        ('extern "C" int g() { return 1; }\nextern "C" void *r() { return (void *)g; }\nextern "C" int f() __attribute__((ifunc("r"))); int h() { return f(); }', "chosen when it is loaded"),
    ],
)  # fmt: skip
def test_recognises_other_libraries(tmp_path: Path, code: str, reason: str) -> None:
    """Shared libraries of other making, as a poisoned cache would hold, are told by what they want."""
    command = ["g++", "-shared", "-fPIC", "-nostdlib", "-x", "c++", "-", "-o", "evil.so"]
    subprocess.run(command, input=code.encode(), cwd=tmp_path, check=True)
    assert reason in seal.problem((tmp_path / "evil.so").read_bytes())


def test_nothing_runs_at_loading(bench: Bench) -> None:
    """An image has no functions that the dynamic loader would call."""
    assert bench.nvcc(K).code == 0
    assert seal.problem((bench.folder / "kernel.cubin").read_bytes()) == ""


def test_a_cache_of_someone_else_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A precompiled header that anybody could have written is not used; the message says what to do."""
    cache = bench.folder / "cache"
    monkeypatch.setenv("EMULATOR_CACHE", str(cache))
    assert bench.nvcc(K).code == 0
    (header,) = (cache / "headers").iterdir()
    header.chmod(0o777)
    result = bench.nvcc(K)
    assert result.code == 1
    assert "could have been written by another user; set EMULATOR_CACHE" in result.errors


def test_an_image_goes_only_where_it_is_compiled(bench: Bench) -> None:
    """-o of a program that compiles in a folder can't overwrite other files."""
    for target in ("/elsewhere.cubin", "../elsewhere.cubin"):
        result = bench.nvcc(K, "-o", target)
        assert result.code == 1
        assert "go to the folder that it compiles in" in result.errors


def test_a_definition_is_one_line(bench: Bench) -> None:
    """-D, -U and -include can't smuggle in further lines, or files by path."""
    for options in (
        ("-DA=1\n#include </etc/passwd>",),
        ("-D", 'A(x)\n#embed "x"'),
        ("-DA=1\\",),
        ("-UA\n#error",),
        ("-include", "/etc/passwd"),
        ("-include", 'x"\n#include "/etc/passwd'),
        ("-include", "../secret.h"),
        ("-Demu_image=1",),
    ):
        result = bench.nvcc(K, *options)
        assert result.code == 1, options
        assert "root:" not in result.errors
    assert bench.nvcc(K, "-DA(x)=(x + 1)", "-D_B", "-UC", "-DD=float *").code == 0
