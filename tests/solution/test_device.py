from collections.abc import Callable

import numpy as np
import pycuda.driver as cuda
import pytest
from device import (
    blocks_for,
    compile_kernel,
    empty,
    gather_rows,
    joined,
    pool,
    require,
    reshaped,
    room_for,
    side_by_side,
    to_device,
    zeros,
)
from pycuda import gpuarray

Arrays = dict[str, gpuarray.GPUArray]

DOUBLE = r"""
__global__ void twice(float* x, const int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] *= 2.0f;
}
"""

BROKEN = r"""
__global__ void broken(float* x)
{
    x[0] = undeclared;
}
"""
BROKEN_LINE = 35  # of `undeclared` in this file


def test_a_kernel_takes_arrays_and_numbers() -> None:
    """A kernel is launched with GPUArrays and ints as arguments, and ints as its shape."""
    x = to_device(np.arange(300))
    compile_kernel(DOUBLE, "twice", "Pi")(blocks_for(300, 128), 128, x, 300)
    np.testing.assert_array_equal(x.get(), 2 * np.arange(300))


def test_a_compile_error_names_file_and_line() -> None:
    """A compile error names the line of the Python file that holds the source, at the launch."""
    kernel = compile_kernel(BROKEN, "broken", "P")
    with pytest.raises(cuda.CompileError, match=rf"test_device\.py\({BROKEN_LINE}\)") as error:
        kernel(1, 1, empty(1))
    assert "undeclared" in str(error.value)


def test_a_composed_source_keeps_its_lines() -> None:
    """The line is right, too, where the source was put together from pieces."""
    kernel = compile_kernel("#define ONE 1\n\n" + BROKEN + "\n", "broken", "P")
    with pytest.raises(cuda.CompileError, match=rf"test_device\.py\({BROKEN_LINE}\)"):
        kernel(1, 1, empty(1))


def test_a_missing_kernel_is_named() -> None:
    """A name that the source does not define is an error that says so."""
    with pytest.raises(cuda.LogicError, match=r"no kernel of that name.*void thrice"):
        compile_kernel(DOUBLE, "thrice", "Pi")(1, 1, empty(1), 1)


def test_a_wrong_number_of_arguments_is_named() -> None:
    """A launch with an argument too few is a TypeError before anything is launched."""
    with pytest.raises(TypeError, match=r"twice.*2 parameters.*1 arguments"):
        compile_kernel(DOUBLE, "twice", "Pi")(1, 1, empty(1))


SHIFT = r"""
// __global__ void shift(int before, int commented);
__global__ void shift(const float* __restrict__ x, float* out, const int N, const float by,
                      const long long size)
{
    if (threadIdx.x < N) out[threadIdx.x] = x[threadIdx.x] + by;
}
"""


@pytest.mark.parametrize(
    ("place", "argument", "message"),
    [
        (1, np.zeros(3), r"'P'.*a pointer: expected a GPUArray, found a NumPy array.*to_device"),
        (2, np.zeros(1), r"'P'.*found a NumPy array of shape \(1,\); to_device"),
        (1, None, r"'P'.*found None; is a return missing"),
        (2, 1.5, r"'P'.*expected memory on the device, found float 1.5; pass the GPUArray itself"),
        (3, None, r"'i'.*an int: expected an integer, found None"),
        (3, 9 / 3, r"const int N.*'i'.*found float 3.0; // divides integers.*letter is f"),
        (3, np.float32(3), r"'i'.*found float32 3.0"),
        (3, 2**31, r"'i'.*found int 2147483648; it does not fit: take long long"),
        (4, "1", r"'f'.*a float: expected a number, found str 1"),
        (5, 2.0, r"const long long size.*'q'.*a long long: expected an integer, found float"),
    ],
)
def test_a_wrong_argument_is_named(place: int, argument: object, message: str) -> None:
    """A wrong argument is a TypeError: kernel, parameter, letter, what was found, the next step."""
    arguments = [empty(3), empty(3), 3, 0.5, 3]
    arguments[place - 1] = argument
    with pytest.raises(TypeError, match=rf"^shift: parameter {place} .*{message}"):
        compile_kernel(SHIFT, "shift", "PPifq")(1, 32, *arguments)


def test_an_empty_array_is_named() -> None:
    """An empty array, which has no memory, is an error that says so."""
    with pytest.raises(TypeError, match=r"parameter 1 .*GPUArray of shape \(0,\); an empty array"):
        compile_kernel(DOUBLE, "twice", "Pi")(1, 32, empty(0), 0)


@pytest.mark.parametrize("place", [3, 4, 5])
def test_an_array_is_no_number(place: int) -> None:
    """A GPUArray for an int, a float or a long long is an error, not the address as a number."""
    arguments = [empty(3), empty(3), 3, 0.5, 3]
    arguments[place - 1] = empty((3, 2))
    message = rf"shift: parameter {place} .*found a GPUArray of shape \(3, 2\); pass a number"
    with pytest.raises(TypeError, match=message):
        compile_kernel(SHIFT, "shift", "PPifq")(1, 32, *arguments)


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        ("PPidq", r"parameter 4 is const float by in the kernel, the letter 'f', but .*'d' there"),
        ("PPqfq", r"parameter 3 is const int N in the kernel, the letter 'i'"),
        ("PPffq", r"parameter 3 is const int N"),
        ("Pfifq", r"parameter 2 is float\* out in the kernel, the letter 'P'"),
    ],
)
def test_a_wrong_letter_is_named(signature: str, message: str) -> None:
    """A letter that is not the declared type is an error that says the right signature."""
    with pytest.raises(TypeError, match=rf"^shift: {message}.*'PPifq'"):
        compile_kernel(SHIFT, "shift", signature)(1, 32, empty(3), empty(3), 3, 0.5, 3)


def test_a_missing_letter_is_named() -> None:
    """So is a signature with fewer letters than the kernel has parameters."""
    with pytest.raises(TypeError, match=r"shift: the kernel has 5 parameters.*4 letters.*'PPifq'"):
        compile_kernel(SHIFT, "shift", "PPif")(1, 32, empty(3), empty(3), 3, 0.5)


def test_an_unknown_letter_is_named() -> None:
    """A letter that stands for no type is an error where the kernel is made."""
    with pytest.raises(ValueError, match=r"shift: parameter 3 has the letter 'x'.*i an int"):
        compile_kernel(SHIFT, "shift", "PPxfq")


def test_a_signature_is_only_judged_where_types_are_plain() -> None:
    """A type that only the compiler knows is left to it."""
    source = "typedef float real;\n" + DOUBLE.replace("float* x", "real* x, const real y")
    x = to_device(np.arange(3))
    compile_kernel(source, "twice", "Pfi")(1, 32, x, np.float64(2), np.int64(3))
    np.testing.assert_array_equal(x.get(), [0, 2, 4])


def test_freed_memory_is_used_again() -> None:
    """Arrays come from the pool: in the steady state, nothing is allocated on the device."""
    del_me = empty((100, 100))
    del del_me
    before = pool.managed_bytes
    for _ in range(10):
        empty((100, 100))
    assert pool.managed_bytes == before


def test_a_kernel_takes_bare_memory() -> None:
    """An array's gpudata is an argument, too."""
    x = to_device(np.arange(3))
    compile_kernel(DOUBLE, "twice", "Pi")(1, 32, x.gpudata, 3)
    np.testing.assert_array_equal(x.get(), [0, 2, 4])


def test_the_source_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A launch with bare memory does not read the kernel's source again."""
    x = to_device(np.arange(3))
    twice = compile_kernel(DOUBLE, "twice", "Pi")
    twice(1, 32, x.gpudata, 3)
    monkeypatch.setattr("device._parameters", lambda *_: pytest.fail("the source was read again"))
    twice(1, 32, x.gpudata, 3)
    np.testing.assert_array_equal(x.get(), [0, 4, 8])


@pytest.mark.parametrize("shape", [5, (5,), (3, 4), (0,), (np.int64(2), 3)])
def test_empty_is_as_pycuda_makes_it(shape: int | tuple[int, ...]) -> None:
    """Arrays have the attributes that GPUArray's constructor works out, and memory of their own."""
    one, other = empty(shape), empty(shape)
    made = gpuarray.GPUArray(shape, np.float32)
    for name in ("shape", "strides", "dtype", "size", "nbytes", "itemsize", "_grid", "_block"):
        assert getattr(one, name) == getattr(made, name)
    assert one.flags.c_contiguous
    assert one.size == 0 or int(one.gpudata) != int(other.gpudata)


def test_reshaped_is_the_same_memory() -> None:
    """`reshaped` shows the same elements in another shape, and keeps their memory alive."""
    view = reshaped(to_device(np.arange(6)), (3, 2))
    empty(6).fill(-1)
    np.testing.assert_array_equal(view.get(), [[0, 1], [2, 3], [4, 5]])
    with pytest.raises(ValueError, match=r"shape \(3, 2\) has no shape \(4, 2\)"):
        reshaped(view, (4, 2))


def test_side_by_side_is_one_piece_of_memory() -> None:
    """Arrays side by side have shapes and values of their own, set and read one by one."""
    hosts = {"W": np.arange(6.0).reshape(2, 3), "b": np.full(3, -1.0)}
    arrays = side_by_side(hosts)
    empty(9).fill(7)  # whoever takes memory now does not get theirs
    arrays["b"].set(np.full(3, -2, np.float32))
    np.testing.assert_array_equal(arrays["W"].get(), hosts["W"])
    np.testing.assert_array_equal(arrays["b"].get(), [-2, -2, -2])
    assert int(arrays["b"].gpudata) - int(arrays["W"].gpudata) == arrays["W"].nbytes
    assert require("W", arrays["W"], ("D", "C")) == (2, 3)


def test_joined_takes_neighbours_at_one_go() -> None:
    """What lies side by side in the same order on both sides is one pair, in the same memory."""
    arrays = side_by_side({"W": np.zeros((2, 3)), "b": np.ones(3)})
    others = room_for(arrays)
    ((array, other),) = joined(arrays, others)
    assert array.shape == other.shape == (9,)
    other.fill(5)
    np.testing.assert_array_equal(others["b"].get(), [5, 5, 5])
    np.testing.assert_array_equal(array.get(), [0, 0, 0, 0, 0, 0, 1, 1, 1])


@pytest.mark.parametrize(
    "change",
    [
        lambda side: {**side, "b": zeros(3)},
        lambda side: {name: array.copy() for name, array in side.items()},
        lambda side: {"W": room_for({"b": side["b"], "W": side["W"]})["W"], "b": side["b"]},
        lambda side: {"W": reshaped(zeros(7), (7,))[:6].reshape(2, 3), "b": side["b"]},
        lambda side: room_for({"b": side["b"], "W": side["W"]}),
        lambda side: room_for({**side, "more": side["b"]}),
    ],
)
def test_joined_pairs_anything_else_by_name(change: Callable[[Arrays], Arrays]) -> None:
    """Arrays of one's own, or in another order in memory, are paired name by name."""
    arrays = side_by_side({"W": np.zeros((2, 3)), "b": np.zeros(3)})
    others = change(room_for(arrays))
    assert joined(arrays, others) == [(arrays["W"], others["W"]), (arrays["b"], others["b"])]


def test_zeros() -> None:
    """`zeros` is float32 zeros."""
    Z = zeros((3, 5)).get()
    assert Z.dtype == np.float32
    np.testing.assert_array_equal(Z, np.zeros((3, 5)))


@pytest.mark.parametrize("shape", [(7,), (7, 5)])
@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_gather_rows(shape: tuple[int, ...], dtype: type[np.float32 | np.int32]) -> None:
    """`gather_rows` is A[rows], for vectors and matrices of floats and of ints."""
    A = np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    rows = np.array([6, 0, 3, 3], np.int32)
    gathered = gather_rows(to_device(A, dtype), to_device(rows, np.int32)).get()
    assert gathered.dtype == dtype
    np.testing.assert_array_equal(gathered, A[rows])


def test_require_returns_the_shape() -> None:
    """`require` returns the shape of an array that is as it should be, a slice of rows included."""
    A = to_device(np.zeros((6, 4)))
    assert require("A", A, ("N", 4)) == (6, 4)
    assert require("A", A[2:5], ("N", "K")) == (3, 4)
    assert require("A", A[2:3], ("N", "K")) == (1, 4)


@pytest.mark.parametrize(
    ("make", "shape", "error", "message"),
    [
        (lambda: np.zeros(3), ("N",), TypeError, "expected a GPUArray, found ndarray"),
        (lambda: zeros((3, 4), np.int32), ("N", "K"), TypeError, "expected dtype float32, found"),
        (lambda: zeros((3, 4)), ("N", 5), ValueError, r"expected shape \(N, 5\), found \(3, 4\)"),
        (lambda: zeros((3, 4)), (3,), ValueError, r"expected shape \(3,\), found \(3, 4\)"),
        (lambda: zeros((3, 4)).T, ("N", "K"), ValueError, r"such as A\.T"),
        (lambda: zeros((3, 4))[:, :2], ("N", "K"), ValueError, "rows one after the other"),
    ],
)
def test_require_says_what_is_wrong(
    make: Callable[[], object], shape: tuple[int | str, ...], error: type[Exception], message: str
) -> None:
    """`require` names the array, what was expected and what was found."""
    with pytest.raises(error, match=f"A: .*{message}"):
        require("A", make(), shape)
