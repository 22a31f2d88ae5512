"""The compiled kernels: for which devices, in which form, and what is said without a compiler."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from grader.release import machine_code
from grader.release.machine_code import COMPILERS, CompilerError, compile_all

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = {
    "twice": "enum { A };\n__global__ void twice(float* x) { x[0] *= 2.0f; }  // a remark",
    "lowest": "enum { A };\n__global__ void lowest(float* x) { x[0] = -INFINITY; }",
}
EM_CUDA = 190  # machine of an ELF file, in the ELF standard's list


@pytest.fixture(scope="module")
def images() -> dict[str, bytes]:
    """Two sources, compiled for everything."""
    try:
        return compile_all(SOURCES)
    except CompilerError as error:
        if "cannot be fetched" in str(error):
            pytest.skip(f"no network: {str(error).splitlines()[0]}")
        raise


def test_every_target_has_an_image(images: dict[str, bytes]) -> None:
    """Machine code for each of today's architectures, and PTX of CUDA 12.0 for all others."""
    assert set(images) == {target for compiler in COMPILERS for target in compiler.targets}
    for target, image in images.items():
        if target.startswith("sm_"):
            assert image.startswith(b"\x7fELF")
            assert struct.unpack_from("<H", image, 18) == (EM_CUDA,)
    ptx = images["compute_70"].decode()
    assert ".version 8.0" in ptx  # the instruction set of CUDA 12.0
    assert ".target sm_70" in ptx


def test_images_have_the_kernels_and_no_source(images: dict[str, bytes]) -> None:
    """Every kernel is in every image under its own name; lines and remarks are in none."""
    for image in images.values():
        assert b"twice" in image
        assert b"lowest" in image
        assert b"a remark" not in image
        assert b".debug_line" not in image


def test_wrong_source_is_told(images: dict[str, bytes]) -> None:
    """A kernel that does not compile stops it with the compiler's own words."""
    assert images
    with pytest.raises(CompilerError, match="nonsense"):
        compile_all({"wrong": "__global__ void wrong() { nonsense; }"})


def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without network and compiler, the message says what is missing, and what to do."""
    monkeypatch.setattr(machine_code, "CACHE", tmp_path)
    for name, value in {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_FIND_LINKS": "",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_RETRIES": "0",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CompilerError, match=r"cannot be fetched: (.|\n)*Next: try again"):
        compile_all(SOURCES)
    assert not list(tmp_path.iterdir())
