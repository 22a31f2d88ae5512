"""Kernels: launches with their limits, and the errors that kernels cause."""

from __future__ import annotations

import sys
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, NoReturn

from emulator import profile, runtime
from emulator.driver import absent
from emulator.driver.arguments import Signature
from emulator.driver.context import HEAP_LIMIT, Context, current
from emulator.driver.device import (
    COMPUTE_CAPABILITY,
    MAX_BLOCK,
    MAX_GRID,
    MAX_THREADS_PER_BLOCK,
    SHARED_MEMORY_PER_BLOCK_BYTES,
    SHARED_MEMORY_PER_BLOCK_OPTIN_BYTES,
)
from emulator.driver.enums import number
from emulator.driver.errors import (
    ASSERT,
    HARDWARE_STACK_ERROR,
    ILLEGAL_ADDRESS,
    INVALID_HANDLE,
    INVALID_VALUE,
    LAUNCH_FAILED,
    LAUNCH_TIMEOUT,
    MISALIGNED_ADDRESS,
    fail,
    mismatch,
    type_name,
)
from emulator.driver.settings import settings
from emulator.driver.stream import check_stream
from emulator.findings import Finding, Kind, record

if TYPE_CHECKING:
    from emulator.compiler.kernel_table import Kernel
    from emulator.driver.module import Module

Index3 = tuple[int, int, int]

_AXES = 3
# What a device reports for a kernel's mistake (cuda.h); everything else is a launch failure.
_RESULTS = {
    Kind.OUT_OF_BOUNDS: ILLEGAL_ADDRESS,
    Kind.USE_AFTER_FREE: ILLEGAL_ADDRESS,
    Kind.NULL_POINTER: ILLEGAL_ADDRESS,
    Kind.HOST_POINTER: ILLEGAL_ADDRESS,
    Kind.LOCAL_POINTER: ILLEGAL_ADDRESS,
    Kind.CONSTANT_WRITE: ILLEGAL_ADDRESS,
    Kind.INDEX_OUT_OF_RANGE: ILLEGAL_ADDRESS,
    Kind.SHARED_TOO_SMALL: ILLEGAL_ADDRESS,
    Kind.MISALIGNED: MISALIGNED_ADDRESS,
    Kind.STACK_OVERFLOW: HARDWARE_STACK_ERROR,
    Kind.TIME_LIMIT: LAUNCH_TIMEOUT,
    Kind.ASSERT: ASSERT,
}
# Where an address that is no device memory's leads.
_WILD = {Kind.HOST_POINTER, Kind.NULL_POINTER, Kind.OUT_OF_BOUNDS, Kind.MISALIGNED}
_MAX_THREADS = number("function_attribute", "MAX_THREADS_PER_BLOCK")
_DYNAMIC_SHARED = number("function_attribute", "MAX_DYNAMIC_SHARED_SIZE_BYTES")


class Function:
    """A kernel. PyCUDA's Python layer gives it `__call__`, `prepare`, `prepared_call` and so on."""

    # Set by PyCUDA's Function.prepare; a class-level default keeps its __getattr__ out of it.
    texrefs: list[object]

    def __init__(self, module: Module, kernel: Kernel) -> None:
        self._module = module  # keeps the image loaded
        self._kernel = kernel
        self._signature = Signature(kernel.name, kernel.parameters, kernel.parameter_bytes)
        self._dynamic_limit_bytes = SHARED_MEMORY_PER_BLOCK_BYTES
        self._launchable: set[tuple[Index3, Index3, int]] = set()

    def _set_block_shape(self, *shape: object) -> None:
        """cuFuncSetBlockShape; only its errors matter, the launch gets the block again."""
        if len(shape) != _AXES or not all(isinstance(extent, int) for extent in shape):
            mismatch(
                "Function._set_block_shape",
                (self, *shape),
                "set_block_shape(pycuda::function {lvalue}, int, int, int)",
                f"block must be three Python ints, as in block=(256, 1, 1), got {shape}",
            )
        _check_block("cuFuncSetBlockShape", shape)  # type: ignore[arg-type]  # checked above

    def _launch_kernel(
        self, grid: object, block: object, parameter_buffer: Any, shared: object, stream: object
    ) -> None:
        """Launch; the kernel is done, and its errors are raised, when this returns."""
        context = current("cuLaunchKernel")
        if stream is not None:
            check_stream(stream)
        grid3, block3 = _extents(grid, "grid"), _extents(block, "block")
        shape = (grid3, block3, _unsigned(shared, "shared"))
        if shape not in self._launchable:
            self._check_shape(*shape)
            self._launchable.add(shape)
        if not isinstance(parameter_buffer, bytes):
            parameter_buffer = bytes(memoryview(parameter_buffer))
        problem = self._signature.check(parameter_buffer)
        if problem and not self._module.image.checked:
            fail("cuLaunchKernel", INVALID_VALUE, problem)
        # Plain bytes: the runtime keeps the last ones, and must not keep the values' memory alive.
        self._run(context, *shape, bytes(parameter_buffer), problem)
        if problem:  # the kernel made no use of it
            fail("cuLaunchKernel", INVALID_VALUE, problem)

    def _run(
        self,
        context: Context,
        grid: Index3,
        block: Index3,
        shared: int,
        arguments: bytes,
        problem: str,
    ) -> None:
        kernel = self._kernel
        if settings.profile:
            start_s = perf_counter()
        result = runtime.launch(
            self._module.image,
            kernel,
            grid,
            block,
            arguments,
            shared,
            settings.time_limit_s,
            settings.profile,
            context.state.limits[HEAP_LIMIT],
        )
        if settings.profile:
            elapsed_s = perf_counter() - start_s
            profile.add(kernel.name, elapsed_s, result.counters)
        if result.output:
            sys.stdout.write(result.output)
        if result.findings:
            _record(context, [_explained(finding, problem) for finding in result.findings])

    def _check_shape(self, grid: Index3, block: Index3, shared: int) -> None:
        routine, name = "cuLaunchKernel", self._kernel.name
        _check_block(routine, block)
        most, threads = self._kernel.most_threads, block[0] * block[1] * block[2]
        if 0 < most < threads:
            detail = (
                f"{name}: block {block} has {threads:,} threads, its __launch_bounds__ {most:,}"
            )
            fail(routine, INVALID_VALUE, detail)
        if 0 in grid:
            fail(routine, INVALID_VALUE, f"{name}: grid {grid}, every extent must be at least 1")
        for axis, extent, limit in zip("xyz", grid, MAX_GRID, strict=True):
            if extent > limit:
                detail = f"{name}: grid {grid}, the limit of {axis} is {limit:,}"
                fail(routine, INVALID_VALUE, detail)
        static = self._kernel.static_shared_bytes
        limit = max(self._dynamic_limit_bytes, SHARED_MEMORY_PER_BLOCK_BYTES)
        if static + shared > limit:
            fail(
                routine,
                INVALID_VALUE,
                f"{name}: {static:,} bytes of static and {shared:,} of dynamic shared memory are "
                f"more than the limit of {limit:,} bytes a block",
            )

    def get_attribute(self, attribute: int) -> int:
        """The value of a `function_attribute`; registers are not counted here."""
        current("cuFuncGetAttribute")
        values = {
            "MAX_THREADS_PER_BLOCK": self._kernel.most_threads or MAX_THREADS_PER_BLOCK,
            "SHARED_SIZE_BYTES": self._kernel.static_shared_bytes,
            "CONST_SIZE_BYTES": self._kernel.constant_bytes,
            "NUM_REGS": 32,  # a usual number: nothing here limits or spills registers
            "PTX_VERSION": 10 * COMPUTE_CAPABILITY[0] + COMPUTE_CAPABILITY[1],
            "BINARY_VERSION": 10 * COMPUTE_CAPABILITY[0] + COMPUTE_CAPABILITY[1],
            "MAX_DYNAMIC_SHARED_SIZE_BYTES": self._dynamic_limit_bytes,
        }
        by_number = {number("function_attribute", name): value for name, value in values.items()}
        return by_number.get(attribute, 0)

    def set_attribute(self, attribute: int, value: int) -> None:
        """Set a `function_attribute`; the limit of dynamic shared memory is the one that counts."""
        current("cuFuncSetAttribute")
        if attribute != _DYNAMIC_SHARED:
            return
        limit = SHARED_MEMORY_PER_BLOCK_OPTIN_BYTES - self._kernel.static_shared_bytes
        if not 0 <= value <= limit:
            detail = f"{value:,} bytes of dynamic shared memory, the limit is {limit:,}"
            fail("cuFuncSetAttribute", INVALID_VALUE, detail)
        self._dynamic_limit_bytes = value
        self._launchable.clear()

    def set_cache_config(self, config: int) -> None:
        """Prefer a split of L1 cache and shared memory, which changes nothing here."""

    def set_shared_config(self, config: int) -> None:
        """Set the width of shared memory banks, which devices since 5.0 ignore, too."""

    def param_set_texref(self, texref: object) -> NoReturn:
        """Not emulated."""
        del texref
        absent.set_texref()

    def _stateful(self, *arguments: object) -> NoReturn:
        del arguments
        absent.stateful_launch()

    _set_shared_size = _param_set_size = _param_seti = _param_setf = _param_setv = _stateful
    _launch = _launch_grid = _launch_grid_async = _stateful


def _explained(finding: Finding, problem: str) -> Finding:
    """A finding about a wild address says which argument it came from."""
    if not problem or not finding.fatal or finding.kind not in _WILD:
        return finding
    return replace(finding, message=f"{finding.message}; {problem}")


def _record(context: Context, found: list[Finding]) -> None:
    """Log findings; a fatal one breaks the context and is raised."""
    for finding in found:
        record(finding)
    fatal = next((finding for finding in found if finding.fatal), None)
    if fatal is not None:
        result = _RESULTS.get(fatal.kind, LAUNCH_FAILED)
        context.state.broken = (result, fatal.text().splitlines()[0])
        fail("cuLaunchKernel", result, fatal.advice())


def _check_block(routine: str, block: Index3) -> None:
    x, y, z = block
    if min(block) < 1:
        fail(routine, INVALID_VALUE, f"block {block}, every extent must be at least 1")
    if x * y * z > MAX_THREADS_PER_BLOCK:
        detail = f"block {block} has {x * y * z:,} threads, the limit is {MAX_THREADS_PER_BLOCK:,}"
        fail(routine, INVALID_VALUE, detail)
    if z > MAX_BLOCK[2]:
        fail(routine, INVALID_VALUE, f"block {block}, the limit of z is {MAX_BLOCK[2]}")


def _extents(extents: object, what: str) -> Index3:
    """A grid or block as three ints; refuses what Boost.Python refuses."""
    if type(extents) is not tuple and not isinstance(extents, tuple):
        signature = "launch_kernel(function {lvalue}, tuple, tuple, object, unsigned int, object)"
        hint = f"{what} must be a tuple of Python ints, as in {what}=(4, 1), got {extents!r}"
        mismatch("Function._launch_kernel", (extents,), signature, hint)
    if len(extents) > _AXES:
        detail = f"too many {what} dimensions in kernel launch: {extents}"
        fail("function::launch_kernel", INVALID_HANDLE, detail)
    for extent in extents:
        if type(extent) is not int or extent < 0:
            _unsigned(extent, what)
    if len(extents) < _AXES:
        extents = (*extents, 1, 1, 1)[:_AXES]
    return extents


def _unsigned(value: object, what: str) -> int:
    """`value` as Boost.Python converts it to an unsigned int."""
    if not isinstance(value, int):
        raise TypeError(
            "No registered converter was able to produce a C++ rvalue of type unsigned int from "
            f"this Python object of type {type_name(value)}: {what} must be made of Python "
            "ints, convert with int(…)"
        )
    if value < 0:
        raise OverflowError(f"can't convert negative value to unsigned int: {what} has {value}")
    return value
