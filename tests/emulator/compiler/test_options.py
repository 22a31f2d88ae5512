# ruff: noqa: E501 - CUDA sources and tables read better unbroken
from __future__ import annotations

import pytest

from emulator.compiler.options import OptionError, parse


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-foo", "k.cu"], "Unknown option '-foo'"),
        (["--cubin"], "No input files specified; use option --help for more information"),
        (["--cubin", "-arch", "sm_99", "k.cu"], "Unsupported gpu architecture 'sm_99'"),
        (
            ["--cubin", "-arch", "fast", "k.cu"],
            "Value 'fast' is not defined for option 'gpu-architecture'",
        ),
        (["--cubin", "a.txt"], "Don't know what to do with 'a.txt'"),
        (["--cubin", "k.cu", "-I"], "argument expected after '-I'"),
        (["--cubin", "-std=c++99", "k.cu"], "Value 'c++99' is not defined for option 'std'"),
    ],
)
def test_refuses_in_the_words_of_nvcc(arguments: list[str], message: str) -> None:
    """A wrong command line gets nvcc's own message (taken from nvcc 13.0)."""
    with pytest.raises(OptionError) as error:
        parse(arguments)
    assert str(error.value) == message


def test_reads_what_pycuda_and_people_write() -> None:
    """All spellings of an option are one: glued, with a space, with an equals sign, one dash or two."""
    options = parse(
        [
            "--cubin",
            "-arch",
            "sm_80",
            "-I/a",
            "-I",
            "/b",
            "--include-path=/c",
            "-DN=3",
            "-D",
            "M",
            "-std=c++14",
            "--use_fast_math",
            "-lineinfo",
            "-O3",
            "-Xptxas",
            "-v",
            "kernel.cu",
        ]
    )
    assert options.mode == "cubin"
    assert options.include_paths == ["/a", "/b", "/c"]
    assert options.prelude == ["#define N 3", "#define M 1"]
    assert options.architecture == 80
    assert options.standard == "c++17"
    assert "--generate-line-info" in options.flags
    assert options.files == ["kernel.cu"]


@pytest.mark.parametrize(
    "option",
    [
        *("-Xcompiler=-fplugin=evil.so", "-Xcompiler=-B/tmp", "-Xcompiler=-wrapper,sh", "-Xcompiler=@file"),
        *("-Xcompiler=-include,/etc/passwd", "-Xcompiler=-specs=evil", "-Xcompiler=-Wl,-init=evil"),
        *("-Xcompiler=-Wp,-imacros,x", "-Xcompiler=-Wa,--listing", "-Xcompiler=-I/", "-ccbin=/bin/sh"),
        *("--compiler-bindir=evil", "-Xlinker=--wrap=x", "-lc", "--library=evil", "-x=c++", "-x=assembler"),
        *("-wrapper", "-fplugin=evil.so", "-B/tmp", "-specs=evil", "-optf=file", "--options-file=f"),
        *("@file", "-I/", "-I/proc/self", "-I/etc", "-I=/dev", "-DA=1\n#include <x>", "-D1 2", "-UA\n", "-S"),
        *("--run", "--clean-targets", "-Wl,-init", "-save-temps", '-include=a"\n#include <x>'),
    ],
)  # fmt: skip
def test_refuses_what_reaches_the_host(option: str) -> None:
    """Options for the host's compiler, linker, files: refused, with the word that is wrong."""
    with pytest.raises(OptionError) as error:
        parse(
            ["--cubin", *option.split("=", 1)]
            if option.startswith(("-x=", "-l"))
            else ["--cubin", option, "k.cu"]
        )
    assert str(error.value)


def test_takes_what_people_write() -> None:
    """Options that nvcc's users have, also those that mean nothing here."""
    written = (
        "--cubin -O3 -use_fast_math -arch=sm_80 -gencode arch=compute_80,code=sm_80 -Iinclude -DN=3 -D M "
        "-std=c++17 --ptxas-options=-v -Xptxas -O3 -lineinfo -G -g --maxrregcount=64 -Xcompiler -Wall "
        "-Xcompiler=-fPIC,-O2 -Xcompiler /wd4819 --compiler-options -P -lcudadevrt -L/usr/local/cuda/lib64 "
        "-rdc=true --expt-relaxed-constexpr -diag-suppress 177 -ftz=true -fmad=false -keep -x cu -w k.cu"
    )
    options = parse(written.split())
    assert options.prelude == ["#define N 3", "#define M 1"]
    assert options.include_paths == ["include"]
