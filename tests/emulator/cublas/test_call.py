"""Handles, modes, argument errors and operand faults: what every routine shares."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest

from emulator.findings import Kind, findings
from tests.emulator.cublas.device import Blas, Memory, Operand, matrix, vector

ONE, ZERO = np.float32(1), np.float32(0)
NOT_INITIALIZED, INVALID_VALUE, EXECUTION_FAILED, NOT_SUPPORTED = 1, 7, 13, 15


def operand(memory: Memory, count: int = 64, *, written: bool = True) -> Operand:
    """A flat array of ones."""
    return vector(memory, np.ones(count, np.float32), written=written)


# Each call is right but for the one argument that is named last.
_GEMM = [0, 0, 4, 3, 2, ONE, "A", 4, "B", 2, ZERO, "C", 4]
_GEMV = [0, 4, 3, ONE, "A", 4, "B", 1, ZERO, "C", 1]
_GER = [4, 3, ONE, "A", 1, "B", 1, "C", 4]
_SYMM = [0, 0, 4, 3, ONE, "A", 4, "B", 4, ZERO, "C", 4]
_SYRK = [0, 0, 4, 3, ONE, "A", 4, ZERO, "C", 4]
_TRSM = [0, 0, 0, 0, 4, 3, ONE, "A", 4, "B", 4]
_GEAM = [0, 0, 4, 3, ONE, "A", 4, ONE, "B", 4, "C", 4]
_DGMM = [0, 4, 3, "A", 4, "B", 1, "C", 4]
_GBMV = [0, 4, 4, 1, 1, ONE, "A", 3, "B", 1, ZERO, "C", 1]
_SBMV = [0, 4, 1, ONE, "A", 2, "B", 1, ZERO, "C", 1]
_TRMV = [0, 0, 0, 4, "A", 4, "B", 1]
ERRORS = [
    ("Sgemm_v2", _GEMM, {0: 7}, "transa"),
    ("Sgemm_v2", _GEMM, {1: -1}, "transb"),
    ("Sgemm_v2", _GEMM, {2: -4}, "m"),
    ("Sgemm_v2", _GEMM, {3: -1}, "n"),
    ("Sgemm_v2", _GEMM, {4: -1}, "k"),
    ("Sgemm_v2", _GEMM, {7: 3}, "lda"),
    ("Sgemm_v2", _GEMM, {0: 1, 7: 1}, "lda"),
    ("Sgemm_v2", _GEMM, {9: 1}, "ldb"),
    ("Sgemm_v2", _GEMM, {1: 2, 9: 2}, "ldb"),
    ("Sgemm_v2", _GEMM, {12: 3}, "ldc"),
    ("Sgemm_v2", _GEMM, {12: 0}, "ldc"),
    ("Sgemm_v2", _GEMM, {5: None}, "alpha"),
    ("Sgemm_v2", _GEMM, {10: None}, "beta"),
    ("Sgemv_v2", _GEMV, {0: 3}, "trans"),
    ("Sgemv_v2", _GEMV, {1: -1}, "m"),
    ("Sgemv_v2", _GEMV, {2: -1}, "n"),
    ("Sgemv_v2", _GEMV, {5: 3}, "lda"),
    ("Sgemv_v2", _GEMV, {7: 0}, "incx"),
    ("Sgemv_v2", _GEMV, {10: 0}, "incy"),
    ("Sger_v2", _GER, {0: -1}, "m"),
    ("Sger_v2", _GER, {4: 0}, "incx"),
    ("Sger_v2", _GER, {6: 0}, "incy"),
    ("Sger_v2", _GER, {8: 3}, "lda"),
    ("Ssymm_v2", _SYMM, {0: 2}, "side"),
    ("Ssymm_v2", _SYMM, {1: 2}, "uplo"),
    ("Ssymm_v2", _SYMM, {6: 3}, "lda"),
    ("Ssymm_v2", _SYMM, {0: 1, 6: 2}, "lda"),
    ("Ssyrk_v2", _SYRK, {3: -1}, "k"),
    ("Ssyrk_v2", _SYRK, {6: 3}, "lda"),
    ("Ssyrk_v2", _SYRK, {9: 3}, "ldc"),
    ("Strsm_v2", _TRSM, {3: 2}, "diag"),
    ("Strsm_v2", _TRSM, {8: 3}, "lda"),
    ("Strsm_v2", _TRSM, {10: 3}, "ldb"),
    ("Sgeam", _GEAM, {6: 3}, "lda"),
    ("Sgeam", _GEAM, {0: 1, 6: 2}, "lda"),
    ("Sgeam", _GEAM, {9: 3}, "ldb"),
    ("Sgeam", _GEAM, {11: 3}, "ldc"),
    ("Sgeam", _GEAM, {0: 1, 2: 3, 10: "A"}, "C"),
    ("Sdgmm", _DGMM, {0: 2}, "mode"),
    ("Sdgmm", _DGMM, {4: 3}, "lda"),
    ("Sgbmv_v2", _GBMV, {7: 2}, "lda"),
    ("Sgbmv_v2", _GBMV, {3: -1}, "kl"),
    ("Ssbmv_v2", _SBMV, {5: 1}, "lda"),
    ("Strmv_v2", _TRMV, {5: 3}, "lda"),
    ("Strmv_v2", _TRMV, {7: 0}, "incx"),
    ("Sscal_v2", [3, None, "A", 1], {}, "alpha"),
    ("Sdot_v2", [3, "A", 1, "B", 1, None], {}, "result"),
    ("SgemmBatched", [*_GEMM, -1], {}, "batchCount"),
]


def called(blas: Blas, routine: str, arguments: list[object]) -> int:
    """The status of a call in which "A", "B", "C" stand for operands with room enough."""
    operands = {name: operand(blas.memory) for name in "ABC"}
    return blas.status(
        routine, *(operands.get(a, a) if isinstance(a, str) else a for a in arguments)
    )


@pytest.mark.parametrize(("routine", "arguments", "wrong", "name"), ERRORS)
def test_argument_errors(
    routine: str, arguments: list[object], wrong: dict[int, object], name: str, blas: Blas
) -> None:
    """Each wrong argument gives CUBLAS_STATUS_INVALID_VALUE and is named, with the routine."""
    arguments = [wrong.get(i, argument) for i, argument in enumerate(arguments)]
    assert called(blas, routine, arguments) == INVALID_VALUE
    (finding,) = findings()
    assert finding.kind == Kind.INVALID_ARGUMENT
    assert finding.fatal
    assert finding.kernel == f"cublas{routine.removesuffix('_v2')}"
    assert f"argument {name}:" in finding.message


@pytest.mark.parametrize(
    ("routine", "arguments"),
    [
        ("Sgemm_v2", _GEMM), ("Sgemv_v2", _GEMV), ("Sger_v2", _GER), ("Ssymm_v2", _SYMM),
        ("Ssyrk_v2", _SYRK), ("Strsm_v2", _TRSM), ("Sgeam", _GEAM), ("Sdgmm", _DGMM),
        ("Sgbmv_v2", _GBMV), ("Ssbmv_v2", _SBMV), ("Strmv_v2", _TRMV),
    ],
)  # fmt: skip
def test_the_calls_of_the_table_are_right_otherwise(
    routine: str, arguments: list[object], blas: Blas
) -> None:
    """Without the wrong argument, each of the table's calls succeeds silently."""
    assert called(blas, routine, arguments) == 0
    assert not findings()


def test_a_too_small_leading_dimension_is_explained(blas: Blas) -> None:
    """The message gives the value and the rows that the column-major matrix has."""
    called(blas, "Sgemm_v2", [3 if i == 7 else a for i, a in enumerate(_GEMM)])
    assert findings()[0].message == (
        "argument lda: it is 3, and the matrix, column-major, has 4 rows: at least 4."
    )


def test_invalid_handles(blas: Blas) -> None:
    """Null, destroyed and invented handles are not initialised."""
    library = blas.library
    dead = ctypes.c_void_p()
    assert library.cublasCreate_v2(ctypes.byref(dead)) == 0
    assert library.cublasDestroy_v2(dead) == 0
    for handle in (None, dead, ctypes.c_void_p(12345)):
        result = ctypes.c_float()
        status = library.cublasSasum_v2(handle, 0, None, 1, ctypes.byref(result))
        assert status == NOT_INITIALIZED
        assert library.cublasDestroy_v2(handle) == NOT_INITIALIZED


def test_streams_modes_and_version(blas: Blas) -> None:
    """What is set on a handle is read back, and it alone has it."""
    library, handle = blas.library, blas.handle
    stream, mode, version = ctypes.c_void_p(), ctypes.c_int(-1), ctypes.c_int()
    assert library.cublasSetStream_v2(handle, ctypes.c_void_p(77)) == 0
    assert library.cublasGetStream_v2(handle, ctypes.byref(stream)) == 0
    assert stream.value == 77
    for name in ("PointerMode_v2", "AtomicsMode", "MathMode"):
        assert library[f"cublasGet{name}"](handle, ctypes.byref(mode)) == 0
        assert mode.value == 0
        assert library[f"cublasSet{name}"](handle, 1) == 0
        assert library[f"cublasGet{name}"](handle, ctypes.byref(mode)) == 0
        assert mode.value == 1
    assert library.cublasSetPointerMode_v2(handle, 2) == INVALID_VALUE
    assert library.cublasGetVersion_v2(handle, ctypes.byref(version)) == 0
    assert version.value // 10000 == 12


def test_device_pointer_mode(blas: Blas) -> None:
    """Scalars and results may lie in device memory, and are then checked like operands."""
    x, y = operand(blas.memory, 3), operand(blas.memory, 3)
    result = operand(blas.memory, 1, written=False)
    alpha = vector(blas.memory, np.array([2], np.float32))
    assert blas.library.cublasSetPointerMode_v2(blas.handle, 1) == 0
    blas("Saxpy_v2", 3, alpha, x, 1, y, 1)
    blas("Sdot_v2", 3, x, 1, y, 1, result)
    assert result.get()[0] == 9
    assert result.marked_exactly()
    assert not findings()
    assert blas.status("Saxpy_v2", 3, ONE, x, 1, y, 1) == EXECUTION_FAILED
    assert findings()[0].kind == Kind.HOST_POINTER


def test_a_device_scalar_in_host_mode_is_named(blas: Blas) -> None:
    """The CPU can't read device memory: on a GPU this would crash the process."""
    x = operand(blas.memory, 3)
    assert blas.status("Sscal_v2", 3, x, x, 1) == INVALID_VALUE
    (finding,) = findings()
    assert finding.kind == Kind.INVALID_ARGUMENT
    assert "alpha is a device pointer" in finding.message


def test_out_of_bounds_operand(blas: Blas) -> None:
    """A matrix that does not fit its allocation: needed, found and offset; nothing is written."""
    a, b = operand(blas.memory, 8), operand(blas.memory, 6)
    c = operand(blas.memory, 11)
    assert blas.status("Sgemm_v2", 0, 0, 4, 3, 2, ONE, a, 4, b, 2, ZERO, c, 4) == EXECUTION_FAILED
    (finding,) = findings()
    assert finding.kind == Kind.OUT_OF_BOUNDS
    assert finding.kernel == "cublasSgemm"
    assert finding.fatal
    assert finding.message.startswith(
        "argument C needs 48 bytes from byte 0 of an allocation of 44 bytes."
    )
    assert (c.get() == 1).all()


def test_offset_into_an_allocation(blas: Blas) -> None:
    """A slice's offset is part of the message; what fits after it is right."""
    x = operand(blas.memory, 10)
    inside, beyond = (ctypes.c_void_p(x.address + 4 * start) for start in (6, 7))
    blas("Sscal_v2", 4, ONE, inside, 1)
    assert blas.status("Sscal_v2", 4, ONE, beyond, 1) == EXECUTION_FAILED
    assert "16 bytes from byte 28 of an allocation of 40 bytes" in findings()[0].message


def test_the_last_column_needs_no_padding(blas: Blas) -> None:
    """With ld > rows, a matrix ends with its last element."""
    a = operand(blas.memory, 2 * 5 + 3)  # 3 × 3 with ld 5
    blas("Sgeam", 0, 0, 3, 3, ONE, a, 5, ZERO, a, 5, a, 5)
    assert not findings()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind.NULL_POINTER, "the pointer is null"),
        (Kind.HOST_POINTER, "gpudata"),
        (Kind.USE_AFTER_FREE, "was freed"),
        (Kind.OUT_OF_BOUNDS, "before the start"),
    ],
)
def test_bad_pointers(kind: Kind, words: str, blas: Blas) -> None:
    """Null, host and freed pointers, and one before an allocation, each by name."""
    memory = blas.memory
    freed, host = operand(memory, 4), np.ones(4, np.float32)
    if kind == Kind.USE_AFTER_FREE:
        memory.free(freed.address)
    near = operand(memory, 4)
    if kind == Kind.OUT_OF_BOUNDS:  # an allocation that begins later, as the runtime may name
        memory.__dict__["allocation_near"] = lambda _: memory.allocations[-1]
    address = {
        Kind.NULL_POINTER: None,
        Kind.HOST_POINTER: host.ctypes.data,
        Kind.USE_AFTER_FREE: freed.address,
        Kind.OUT_OF_BOUNDS: near.address - 8,
    }[kind]
    status = blas.status("Sscal_v2", 4, ONE, ctypes.c_void_p(address), 1)
    memory.__dict__.pop("allocation_near", None)
    assert status == EXECUTION_FAILED
    (finding,) = findings()
    assert finding.kind == kind
    assert words in finding.message


def test_unwritten_operand_is_a_finding_and_goes_on(blas: Blas) -> None:
    """An element that was never written: named, counted, and not fatal."""
    A = np.ones((3, 2), np.float32)
    a, lda = matrix(blas.memory, A, 1)
    blas.memory.written[a.address - blas.memory.base + 5 * 4] = False  # row 1 of column 1
    y = operand(blas.memory, 3, written=False)
    for _ in range(2):
        blas("Sgemv_v2", 0, 3, 2, ONE, a, lda, operand(blas.memory, 2), 1, ZERO, y, 1)
    (finding,) = findings()
    assert finding.kind == Kind.UNWRITTEN_READ
    assert not finding.fatal
    assert finding.count == 2
    assert finding.message.startswith("argument A: element 5 is read (byte 20 of an allocation of")


def test_unchecked_mode_does_not_look_for_unwritten_operands(blas: Blas) -> None:
    """Bounds are checked always, the written state in checked mode only."""
    blas.memory.checked = False
    x = operand(blas.memory, 3, written=False)
    blas("Sscal_v2", 3, ONE, x, 1)
    assert not findings()
    assert blas.status("Sscal_v2", 4, ONE, x, 1) == EXECUTION_FAILED


def test_product_in_place_is_a_race(blas: Blas) -> None:
    """C = C B on a device reads what other threads have overwritten."""
    a = operand(blas.memory, 4)
    blas("Sgemm_v2", 0, 0, 2, 2, 2, ONE, a, 2, operand(blas.memory, 4), 2, ZERO, a, 2)
    (finding,) = findings()
    assert finding.kind == Kind.RACE
    assert not finding.fatal


def test_the_place_is_the_calling_line(blas: Blas) -> None:
    """A finding shows the line of the caller's source, not one of the library."""
    blas.status("Sscal_v2", 3, None, None, 1)
    place = findings()[0].place
    assert place is not None
    assert Path(place.file).name in {"device.py", "test_call.py"}
    assert "self.handle" in place.source or "Sscal" in place.source


def test_what_is_not_emulated_says_so(blas: Blas) -> None:
    """A symbol that scikit-cuda only names gives NOT_SUPPORTED and its name."""
    assert blas.library.cublasChpr2() == NOT_SUPPORTED
    (finding,) = findings()
    assert finding.kind == Kind.NOT_EMULATED
    assert finding.message == "cublasChpr2 is not emulated; run this on a GPU."


def test_empty_problems_touch_nothing(blas: Blas) -> None:
    """With a size of 0 no pointer is looked at."""
    blas("Sgemm_v2", 0, 0, 0, 3, 2, ONE, None, 1, None, 2, ZERO, None, 1)
    blas("Sgemv_v2", 0, 0, 3, ONE, None, 1, None, 1, ZERO, None, 1)
    blas("Saxpy_v2", 0, ONE, None, 1, None, 1)
    blas("Scopy_v2", -1, None, 1, None, 1)
    assert not findings()


def test_no_inner_dimension_scales_the_output(blas: Blas) -> None:
    """K = 0: C = beta C, and neither A nor B is looked at."""
    c = operand(blas.memory, 4)
    half = np.float32(0.5)
    blas("Sgemm_v2", 0, 0, 2, 2, 0, ONE, None, 2, None, 1, half, c, 2)
    assert (c.get() == 0.5).all()
