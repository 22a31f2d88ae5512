"""libcublas, libcudart and libcuda of the emulated device, for the unmodified scikit-cuda.

Three real shared libraries with the sonames that scikit-cuda asks for are built once, into the
cache, and loaded: a later `LoadLibrary("libcublas.so")` then finds them, and nothing is patched.
The arithmetic is C++ (native/), the matrix product NumPy's own BLAS.

A routine checks its arguments as cuBLAS does, and its operands against the emulated memory: what
a device would only notice as a wrong number, or not at all, becomes a status and a Finding with
the routine, the argument, the line that called it, what was needed and what was there.
"""

from __future__ import annotations

from emulator.cublas.library import install

__all__ = ["install"]
