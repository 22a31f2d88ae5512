"""Putting other functions in place of cuBLAS's."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from grader.worker import cublas

if TYPE_CHECKING:
    from collections.abc import Callable


def _answer(told: int) -> Callable[..., int]:
    return lambda *_: told


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A scikit-cuda whose library has a product and a handle."""
    made = ModuleType("skcuda.cublas")
    library = SimpleNamespace(cublasSgemm_v2=_answer(1), cublasCreate_v2=_answer(2))
    made._libcublas = library  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "skcuda.cublas", made)
    cublas.record()
    return made


def test_bound_before(module: ModuleType) -> None:
    """A function that was looked up before is replaced, too, and is itself again afterwards."""
    product, create = module._libcublas.cublasSgemm_v2, module._libcublas.cublasCreate_v2
    with cublas.replaced(lambda _: _answer(0)):
        assert (product(), create()) == (0, 2)
    assert product() == 1


def test_nested(module: ModuleType) -> None:
    """What is put in place later calls what was put there before."""
    with (
        cublas.replaced(lambda f: lambda: 10 * f()),
        cublas.replaced(lambda f: lambda: 5 + f()),
    ):
        assert module._libcublas.cublasSgemm_v2() == 15


def test_signature(module: ModuleType) -> None:
    """Types that are set reach the library's function."""
    module._libcublas.cublasSgemm_v2.restype = int
    assert module._libcublas._library.cublasSgemm_v2.restype is int


def test_recorded_again(module: ModuleType) -> None:
    """The library is wrapped once."""
    library = module._libcublas
    cublas.record()
    assert module._libcublas is library
