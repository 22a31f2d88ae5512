"""Given code, nothing to do here: the device, its memory, and how a source becomes a kernel.

Importing this module makes the CUDA context, so import it before skcuda. What it offers:

    cublas_handle                            what every cuBLAS routine wants first
    empty(shape), zeros(shape)               device arrays (GPUArray) from a memory pool
    to_device(array)                         a copy of a NumPy array on the device
    side_by_side(arrays), room_for(arrays)   several device arrays in one piece of memory
    joined(arrays, others)                   pairs of arrays, neighbours in memory as one
    gather_rows(A, rows)                     A[rows] on the device
    compile_kernel(source, name, signature)  a kernel that compiles itself at its first launch
    blocks_for(items, items_per_block)       how many blocks cover so many items
    require(name, array, shape)              the array's shape, or an error that says what is wrong
    reshaped(array, shape)                   the same memory with another shape
    workspace()                              a stream and memory of one's own, for CUDA graphs
"""

import linecache
import re
import struct
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import index
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pycuda.autoinit  # noqa: F401  makes the context, which skcuda.cublas wants at its import
import pycuda.driver as cuda
from pycuda import gpuarray
from pycuda.compiler import DEFAULT_NVCC_FLAGS, SourceModule
from pycuda.compyte.array import is_c_contiguous_strides
from pycuda.gpuarray import GPUArray
from pycuda.tools import DeviceMemoryPool

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # scikit-cuda announces that it asks cuBLAS for its version
    from skcuda import cublas

# A new handle works on the default stream, and so does every kernel launched here: they run one
# after the other, in the order of their launches, and nothing needs to be synchronised.
cublas_handle = cublas.cublasCreate()

# Allocating takes longer than a small kernel, and freeing waits for the device. A pool keeps freed
# blocks and hands them out again; as all work is in one stream, the next user of a block runs after
# the last one.
pool = DeviceMemoryPool()


@dataclass
class Workspace:
    """Where work is put, and where its memory comes from.

    Attributes:
        stream: of launches and of cuBLAS; None is the default stream.
        pool: what `empty` allocates from; None is `device.pool`.
    """

    stream: cuda.Stream | None = None
    pool: DeviceMemoryPool | None = None


_current = Workspace()


@contextmanager
def workspace() -> Iterator[Workspace]:
    """Inside the `with`, kernels and cuBLAS work on a new stream, `empty` takes from a new pool.

    For capturing a CUDA graph: the default stream cannot be captured, and nobody else may be given
    the memory that a graph works on, as long as it may be replayed: keep the workspace so long.
    """
    stream = cuda.Stream()
    mine, outer = Workspace(stream, DeviceMemoryPool()), Workspace(**vars(_current))
    vars(_current).update(vars(mine))
    cublas.cublasSetStream(cublas_handle, stream.handle)
    try:
        yield mine
    finally:
        vars(_current).update(vars(outer))
        cublas.cublasSetStream(cublas_handle, outer.stream.handle if outer.stream else 0)


Shape = int | tuple[int, ...]

# What a letter of a signature is in CUDA C, in the words of the errors, and what the launch passes.
LETTERS = {
    "P": ("a pointer", "memory on the device"),
    "i": ("an int", "an integer"),
    "I": ("an unsigned int", "an integer"),
    "q": ("a long long", "an integer"),
    "Q": ("an unsigned long long", "an integer"),
    "f": ("a float", "a number"),
    "d": ("a double", "a number"),
}
LETTER_OF_TYPE = {"int": "i", "long long": "q", "size_t": "Q", "float": "f", "double": "d"}


def empty(shape: Shape, dtype: npt.DTypeLike = np.float32) -> GPUArray:
    """Return a device array from the pool, its contents undefined."""
    array = _without_memory(shape, dtype)
    array.gpudata = (_current.pool or pool).allocate(array.nbytes) if array.size else None
    return array


def reshaped(array: GPUArray, shape: Shape) -> GPUArray:
    """Return the memory of a C-contiguous array with another shape; no element is moved.

    As array.reshape(shape), in a fifth of the time.

    Raises:
        ValueError: the shapes differ in their number of elements.
    """
    view = _view(array, shape, array.gpudata)
    if view.size != array.size:
        raise ValueError(f"an array of shape {array.shape} has no shape {shape}: other sizes")
    return view


def _view(base: GPUArray, shape: Shape, place: Any) -> GPUArray:
    view = _without_memory(shape, base.dtype)
    view.gpudata, view.base = place, base  # the base keeps the memory from being freed
    return view


def _without_memory(shape: Shape, dtype: Any) -> GPUArray:
    # A GPUArray's constructor works out strides, sizes and launch shapes: 4 µs, as long as a launch
    # takes. A training step makes arrays of the same few shapes again and again: one is kept of
    # each, and copied.
    array = GPUArray.__new__(GPUArray)
    array.__dict__.update(_attributes(shape, dtype))
    return array


@lru_cache(maxsize=1024)
def _attributes(shape: Shape, dtype: Any) -> dict[str, Any]:
    return dict(GPUArray(shape, dtype, pool.allocate, gpudata=0).__dict__)


def zeros(shape: Shape, dtype: npt.DTypeLike = np.float32) -> GPUArray:
    """Return a device array of zeros from the pool."""
    return to_device(np.zeros(shape), dtype)


def to_device(array: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> GPUArray:
    """Return a C-contiguous copy of a host array on the device, converted to `dtype`."""
    return gpuarray.to_gpu(np.ascontiguousarray(array, dtype), allocator=pool.allocate)


def side_by_side(arrays: Mapping[str, npt.ArrayLike]) -> dict[str, GPUArray]:
    """Return float32 copies of host arrays, one after the other in one piece of device memory."""
    hosts = {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}
    devices = room_for(hosts)
    for name, host in hosts.items():
        devices[name].set(host)
    return devices


def room_for(arrays: Mapping[str, Any]) -> dict[str, GPUArray]:
    """Return arrays of the same shapes, float32, contents undefined, in one piece of memory."""
    whole = empty(sum([array.size for array in arrays.values()]))
    room, place = {}, int(whole.gpudata)
    for name, array in arrays.items():
        room[name] = view = _view(whole, array.shape, place)
        place += view.nbytes
    return room


def joined(
    arrays: Mapping[str, GPUArray], others: Mapping[str, GPUArray]
) -> list[tuple[GPUArray, GPUArray]]:
    """Return what is to be done for each name, element by element: pairs of arrays of one shape.

    Where `side_by_side` or `room_for` made both sides, it can be done at one go: the only pair are
    the two pieces of memory. Any other arrays are paired name by name.
    """
    pairs = [(array, others[name]) for name, array in arrays.items()]
    whole, other = pairs[0][0].base, pairs[0][1].base
    if whole is None or other is None:
        return pairs
    size, apart = 0, int(other.gpudata) - int(whole.gpudata)
    for a, b in pairs:  # in the same order in memory: as far from each other for each name
        if a.base is not whole or b.base is not other or int(b.gpudata) - int(a.gpudata) != apart:
            return pairs
        size += a.size
    return [(whole, other)] if whole.size == other.size == size else pairs


def blocks_for(items: int, items_per_block: int) -> int:
    """Return the number of blocks that cover all items: items / items_per_block, rounded up."""
    return -(-items // items_per_block)


def require(
    name: str,
    array: GPUArray,
    shape: tuple[int | str, ...],
    dtype: Any = np.float32,
) -> tuple[int, ...]:
    """Return the array's shape, once it is clear that a kernel can work on its memory.

    Args:
        name: what the error calls the array.
        array: has to be a C-contiguous GPUArray.
        shape: the size of each axis, or a letter where any size will do: ("N", 10).
        dtype: the type of its elements.

    Raises:
        TypeError: not a GPUArray, or its elements have another type.
        ValueError: another shape, or not C-contiguous (a transposed view, for example).
    """
    if not isinstance(array, GPUArray):
        raise TypeError(
            f"{name}: expected a GPUArray, found {type(array).__name__}; "
            "to_device(array) copies a NumPy array to the device"
        )
    if _fits(array.shape, array.strides, array.dtype, shape, dtype):
        return array.shape  # type: ignore[no-any-return]
    if array.dtype != dtype:
        raise TypeError(f"{name}: expected dtype {np.dtype(dtype)}, found {array.dtype}")
    if not _has_shape(array.shape, shape):
        sizes = f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
        raise ValueError(f"{name}: expected shape {sizes}, found {array.shape}")
    raise ValueError(
        f"{name}: expected rows one after the other in memory (C order), found strides "
        f"{array.strides} for shape {array.shape}; a view such as A.T moves no elements"
    )


@lru_cache(maxsize=1024)  # a training step asks the same few questions again and again
def _fits(
    found: tuple[int, ...],
    strides: tuple[int, ...],
    dtype: np.dtype[Any],
    shape: tuple[int | str, ...],
    wanted: Any,
) -> bool:
    in_order = is_c_contiguous_strides(strides, dtype.itemsize, found)
    return in_order and dtype == wanted and _has_shape(found, shape)


def _has_shape(found: tuple[int, ...], shape: tuple[int | str, ...]) -> bool:
    return len(found) == len(shape) and all(
        isinstance(expected, str) or size == expected
        for size, expected in zip(found, shape, strict=True)
    )


class Kernel:
    """A CUDA kernel, compiled at its first launch. Made by `compile_kernel`."""

    def __init__(self, source: str, name: str, signature: str, file: str) -> None:
        self.name = name
        self.signature = signature
        self._source = source
        self._file = file
        for number, letter in enumerate(signature, start=1):
            if letter not in LETTERS:
                known = ", ".join(f"{known} {what}" for known, (what, _) in LETTERS.items())
                raise ValueError(
                    f"{name}: parameter {number} has the letter '{letter}' in the signature "
                    f"'{signature}', which stands for no type; there are: {known}"
                )
        self._struct = struct.Struct(signature)  # as C lays out the parameters, padding included
        # Written out once for each signature, a launch packs its arguments in half the time of a
        # loop: for "Pi", lambda a, b: pack(int(a.gpudata), b).
        names = [f"a{place}" for place in range(len(signature))]
        values = [
            f"int({name}.gpudata)" if letter == "P" else name
            for name, letter in zip(names, signature, strict=True)
        ]
        written = f"lambda {', '.join(names)}: pack({', '.join(values)})"
        self._pack = eval(written, {"pack": self._struct.pack})  # noqa: S307  of letters only

    def __call__(self, grid: Shape, block: Shape, *arguments: Any, shared_bytes: int = 0) -> None:
        """Launch the kernel; returns at once, while the device works.

        Args:
            grid: number of blocks, an int or a tuple (x, y, z).
            block: number of threads in a block, an int or a tuple (x, y, z).
            arguments: what the kernel's parameters get: GPUArrays, ints, floats.
            shared_bytes: dynamic shared memory, `extern __shared__`.

        Raises:
            pycuda.driver.CompileError: the source does not compile; names file and line.
            TypeError: the arguments are not what the signature says, or the signature not what the
                kernel declares; names the parameter.
        """
        # What PyCUDA's prepared_call does, without what it would repeat at each launch: 3 µs
        # instead of 6, most of it the driver's.
        try:
            packed = self._pack(*arguments)
        except (AttributeError, TypeError, OverflowError, struct.error):
            packed = self._pack_or_explain(arguments)
        self._function._launch_kernel(  # noqa: SLF001
            (grid, 1, 1) if grid.__class__ is int else _dim3(grid),
            (block, 1, 1) if block.__class__ is int else _dim3(block),
            packed,
            shared_bytes,
            _current.stream,
        )

    def _pack_or_explain(self, arguments: tuple[Any, ...]) -> bytes:
        """Pack what launches seldom pass, bare memory for example; say which argument is wrong."""
        if len(arguments) != len(self.signature):
            raise TypeError(
                f"{self.name}: its signature '{self.signature}' has {len(self.signature)} "
                f"parameters, but the launch passes {len(arguments)} arguments"
            )
        values = []
        for place, (letter, argument) in enumerate(zip(self.signature, arguments, strict=True)):
            try:
                value = _address(argument) if letter == "P" else argument
                value = value.item() if isinstance(value, np.generic) else value
                struct.pack(letter, value)
            except (TypeError, ValueError, OverflowError, struct.error):
                self._check_signature()
                declared = _parameters(self._source, self.name)
                says = f" (the kernel says {declared[place]})" if declared else ""
                what, wanted = LETTERS[letter]
                if letter == "P" and (argument is None or isinstance(argument, np.ndarray)):
                    wanted = "a GPUArray"  # in the words of `require`
                raise TypeError(
                    f"{self.name}: parameter {place + 1}{says} has the letter '{letter}' in the "
                    f"signature '{self.signature}', {what}: expected {wanted}, found "
                    f"{_described(argument)}; {_advice(letter, argument)}"
                ) from None
            values.append(value)
        return self._struct.pack(*values)

    def _check_signature(self) -> None:
        """Compare the signature with the parameters that the source declares, where they are plain.

        Raises:
            TypeError: names the parameter, and the letter it should have.
        """
        declared = _parameters(self._source, self.name)
        if declared is None:
            return
        letters = [_letter(parameter) for parameter in declared]
        right = "".join(letter or "?" for letter in letters)
        mend = f"; write compile_kernel(…, '{right}')" if "?" not in right else ""
        if len(letters) != len(self.signature):
            raise TypeError(
                f"{self.name}: the kernel has {len(letters)} parameters ({', '.join(declared)}), "
                f"but the signature '{self.signature}' has {len(self.signature)} letters{mend}"
            ) from None
        for place, (letter, found) in enumerate(zip(letters, self.signature, strict=True)):
            if letter and not _same_bytes(letter, found):
                raise TypeError(
                    f"{self.name}: parameter {place + 1} is {declared[place]} in the kernel, the "
                    f"letter '{letter}', but the signature '{self.signature}' has '{found}' there, "
                    f"{LETTERS[found][0]}{mend}"
                ) from None

    @cached_property
    def _function(self) -> Any:
        place = _line_directive(self._source, self.name, self._file)
        try:
            # -lineinfo costs nothing at run time; sanitizers and profilers can name lines by it.
            module = SourceModule(place + self._source, options=[*DEFAULT_NVCC_FLAGS, "-lineinfo"])
        except cuda.CompileError as error:
            raise cuda.CompileError(
                f"kernel {self.name} does not compile:\n{error.stdout or ''}{error.stderr or ''}",
                None,
            ) from None
        try:
            function = module.get_function(self.name)
        except cuda.LogicError as error:
            raise cuda.LogicError(
                f"{Path(self._file).name}: the source of '{self.name}' compiles, but has no kernel "
                f"of that name ({error}); it has to say __global__ void {self.name}(…)"
            ) from None
        self._check_signature()
        return function


def compile_kernel(source: str, name: str, signature: str) -> Kernel:
    """Make a kernel of a CUDA source string; it is compiled when it is first launched.

    Args:
        source: CUDA C; a raw string constant of the calling file, so that errors name its lines.
        name: of the `__global__` function in it.
        signature: a letter for each parameter: P pointer, i int, q long long, f float, d double.

    >>> scale = compile_kernel(SCALE, "scale", "Pfi")
    >>> scale(blocks_for(n, 256), 256, x, 2.0, n)
    """
    caller = traceback.extract_stack(limit=2)[0].filename
    return Kernel(source, name, signature, caller)


def _address(argument: Any) -> int:
    memory = getattr(argument, "gpudata", argument)
    if isinstance(memory, np.ndarray | np.floating | float):
        raise TypeError("not on the device")
    return int(memory)


def _described(argument: Any) -> str:
    for kind, called in ((GPUArray, "a GPUArray"), (np.ndarray, "a NumPy array")):
        if isinstance(argument, kind):
            return f"{called} of shape {argument.shape}"
    return "None" if argument is None else f"{type(argument).__name__} {argument!s:.40}"


def _advice(letter: str, argument: Any) -> str:
    """Return the next step for an argument that the letter does not take."""
    pointer, integer = letter == "P", letter not in "Pfd"
    for applies, advice in (
        (argument is None, "is a return missing in the function that should have made it?"),
        (pointer and isinstance(argument, GPUArray), "an empty array has no memory: don't launch"),
        (pointer and isinstance(argument, np.ndarray), "to_device(array) copies it to the device"),
        (pointer, "pass the GPUArray itself"),
        (isinstance(argument, GPUArray | np.ndarray), "pass a number, such as array.shape[0]"),
        (
            integer and isinstance(argument, float | np.floating),
            "// divides integers; if the kernel should take a float, its letter is f",
        ),
        (
            integer and isinstance(argument, int | np.integer),
            "it does not fit: take long long in the kernel, and the letter q",
        ),
    ):
        if applies:
            return advice
    return "compare with the order of the kernel's parameters"


def _parameters(source: str, kernel: str) -> list[str] | None:
    """Return the kernel's parameters as declared; None where that takes more than a quick look."""
    code = re.sub(r"//[^\n]*|/\*.*?\*/", " ", source, flags=re.DOTALL)
    found = re.search(rf"__global__[^;{{}}]*?\b{re.escape(kernel)}\s*\(([^()]*)\)", code)
    if not found or set("<#") & set(found[1]):
        return None
    declared = [" ".join(parameter.split()) for parameter in found[1].split(",")]
    return [] if declared in ([""], ["void"]) else declared


def _letter(parameter: str) -> str | None:
    """Return a declared parameter's letter; None for a type that is not one of the usual."""
    if "*" in parameter or "[" in parameter:
        return "P"
    *words, _name = re.findall(r"\w+", parameter) or [""]
    plain = " ".join(word for word in words if word not in ("const", "unsigned", "__restrict__"))
    return LETTER_OF_TYPE.get(plain)


def _same_bytes(letter: str, other: str) -> bool:
    """Whether both letters are laid out alike: a pointer and a long long are, i and f are not."""
    sizes = struct.calcsize(letter), struct.calcsize(other)
    return sizes[0] == sizes[1] and (letter in "fd") == (other in "fd")


def _dim3(shape: Shape) -> tuple[int, ...]:
    """Return (x, y, z); sizes left out are 1, as in CUDA's dim3."""
    if isinstance(shape, tuple):
        return (*map(index, shape), 1, 1)[:3]
    return (index(shape), 1, 1)


def _line_directive(source: str, kernel: str, file: str) -> str:
    """Return the `#line` after which the compiler counts lines as the Python file does.

    A source put together from pieces is not found as a whole; its kernel's first line still is.
    """
    linecache.checkcache(file)
    text = "".join(linecache.getlines(file))
    for anchor in (re.escape(source), rf"void\s+{kernel}\s*\("):
        in_file, in_source = re.search(anchor, text), re.search(anchor, source)
        if in_file and in_source:
            line = (
                1 + text.count("\n", 0, in_file.start()) - source.count("\n", 0, in_source.start())
            )
            # The file's name alone: equal sources in different folders share one compiled kernel.
            return f'#line {max(line, 1)} "{Path(file).name}"\n'
    return f'#line 1 "{kernel}.cu"\n'


# A[rows], one thread an element of the result; elements of 4 bytes, whatever they mean.
GATHER_ROWS = r"""
__global__ void gather_rows(const unsigned* __restrict__ A, const int* __restrict__ rows,
                            unsigned* __restrict__ out, const long long size, const int width)
{
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < size) out[i] = A[(long long)rows[i / width] * width + i % width];
}
"""
_gather_rows = compile_kernel(GATHER_ROWS, "gather_rows", "PPPqi")


def gather_rows(A: GPUArray, rows: GPUArray) -> GPUArray:
    """Return A[rows]: A is (N,) or (N, D) of float32 or int32, rows (M,) int32."""
    (M,) = require("rows", rows, ("M",), np.int32)
    out = empty((M, *A.shape[1:]), A.dtype)
    _gather_rows(blocks_for(out.size, 256), 256, A, rows, out, out.size, out.size // M)
    return out
