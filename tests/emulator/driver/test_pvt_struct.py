"""Packing of arguments."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycuda import _pvt_struct as pvt_struct
from pycuda import gpuarray

from emulator.driver.pvt_struct import layout

REAL = {"i": st.integers(-(2**31), 2**31 - 1), "Q": st.integers(0, 2**64 - 1)} | {
    "h": st.integers(-(2**15), 2**15 - 1),
    "f": st.floats(width=32, allow_nan=False),
    "d": st.floats(allow_nan=False),
    "?": st.booleans(),
    "P": st.integers(0, 2**63 - 1),
}


@given(st.data())
def test_like_struct(data: st.DataObject) -> None:
    """Without complex numbers the bytes are those of Python's own module."""
    format_ = data.draw(st.text("".join(REAL), min_size=1, max_size=8))
    values = [data.draw(REAL[code]) for code in format_]
    packed = pvt_struct.pack(format_, *values)
    assert packed == struct.pack(format_, *values)
    assert pvt_struct.calcsize(format_) == len(packed)
    assert pvt_struct.unpack(format_, packed) == struct.unpack(format_, packed)


def test_complex() -> None:
    """F and D are complex numbers, aligned as their parts are."""
    packed = pvt_struct.pack("bFiD", 1, 2 + 3j, 4, np.complex128(5j))
    assert len(packed) == 32
    assert pvt_struct.unpack("bFiD", packed) == (1, 2 + 3j, 4, 5j)
    assert [field.offset for field in layout("bFiD").fields] == [0, 4, 12, 16]


def test_memory() -> None:
    """The packed bytes remember their format and values."""
    packed: Any = pvt_struct.pack("if", np.int32(1), 2.0)
    assert (packed.format, packed.values) == ("if", (1, 2.0))


def test_structures() -> None:
    """An s takes bytes and anything with a buffer."""
    vector = gpuarray.vec.make_float2(1, 2)
    assert pvt_struct.pack("8s", memoryview(vector).tobytes()) == vector.tobytes()
    assert pvt_struct.pack("8s", np.array([1, 2], np.float32)) == vector.tobytes()


WRONG = [
    ("i", (1.5,), "argument 1 .*not an integer, got float 1.5"),
    ("ii", (1,), "expected 2 items for packing .got 1"),
    ("i", (2**31,), "does not fit"),
    ("I", (-1,), "does not fit"),
    ("f", ("x",), "not a float, got str"),
    ("F", ("x",), "not a complex"),
    ("P", (np.zeros(2),), "no device memory, use gpuarray.to_gpu"),
    ("P", (type("A", (), {"gpudata": 0})(),), "pass its .gpudata"),
    ("e", (1.0,), "bad char in struct format: 'e'"),
    ("8s", (5,), "must be a bytes object"),
]


@pytest.mark.parametrize(("format_", "values", "text"), WRONG)
def test_wrong_values(format_: str, values: tuple[object, ...], text: str) -> None:
    """A value that does not fit is an error that tells which argument it is."""
    with pytest.raises(pvt_struct.error, match=text):
        pvt_struct.pack(format_, *values)


def test_too_large_for_float() -> None:
    """A number beyond float32 becomes infinite, as in C."""
    assert pvt_struct.unpack("f", pvt_struct.pack("f", 1e300)) == (float("inf"),)
