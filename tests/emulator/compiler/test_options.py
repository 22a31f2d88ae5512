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
