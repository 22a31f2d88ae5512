"""NumPy's own BLAS: where its matrix product is, for the C++ side to call."""

from __future__ import annotations

import ctypes
import importlib

# What NumPy's BLAS calls sgemm's C interface, and the bits of its integers: NumPy's wheels,
# 64-bit OpenBLAS, Apple's Accelerate, then everybody else.
_NAMES = (
    ("scipy_cblas_{}gemm64_", 64),
    ("cblas_{}gemm64_", 64),
    ("cblas_{}gemm$NEWLAPACK$ILP64", 64),
    ("scipy_cblas_{}gemm", 32),
    ("cblas_{}gemm", 32),
)
_THREADS = (
    ("scipy_openblas_set_num_threads64_", "scipy_openblas_get_num_threads64_"),
    ("openblas_set_num_threads64_", "openblas_get_num_threads64_"),
    ("scipy_openblas_set_num_threads", "scipy_openblas_get_num_threads"),
    ("openblas_set_num_threads", "openblas_get_num_threads"),
)


class HostBlas(ctypes.Structure):
    """Mirrors emu::HostBlas of native/gemm.cpp; null pointers mean plain C++ loops."""

    _fields_ = (
        ("gemm", ctypes.c_void_p * 4),  # of float, double, complex64, complex128
        ("wide", ctypes.c_int),
        ("set_threads", ctypes.c_void_p),
        ("get_threads", ctypes.c_void_p),
    )


def find_host_blas() -> HostBlas:
    """The BLAS that NumPy is linked with; all null where it has none of the known names."""
    found = HostBlas()
    library = _numpy_extension()
    if library is None:
        return found
    for name, bits in _NAMES:
        products = [_address(library, name.format(letter)) for letter in "sdcz"]
        if all(products):
            found.gemm = (ctypes.c_void_p * 4)(*products)
            found.wide = bits == 64  # noqa: PLR2004 — the bits of the table above
            break
    for setter, getter in _THREADS:
        if _address(library, setter) and _address(library, getter):
            found.set_threads = _address(library, setter)
            found.get_threads = _address(library, getter)
            break
    return found


def _numpy_extension() -> ctypes.CDLL | None:
    # Looking a symbol up in NumPy's extension module also searches the BLAS it is linked with,
    # wherever a wheel, a distribution or a conda package keeps that.
    for name in ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath"):
        try:
            file = importlib.import_module(name).__file__
        except ImportError:
            continue
        if file:
            return ctypes.CDLL(file)
    return None


def _address(library: ctypes.CDLL, symbol: str) -> int | None:
    try:
        return ctypes.cast(library[symbol], ctypes.c_void_p).value
    except AttributeError:
        return None
