"""The stack of contexts, and errors that stick to one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pycuda.driver as drv
import pytest
from pycuda import gpuarray

if TYPE_CHECKING:
    from collections.abc import Callable


def test_stack(context: Any) -> None:
    """The context on top of the stack is current; popping it brings the one below back."""
    second = drv.Device(0).make_context()
    assert drv.Context.get_current() == second
    drv.Context.pop()
    assert drv.Context.get_current() == context
    assert second != context
    second.detach()


def test_detach_of_current(context: Any) -> None:
    """Detaching the current context makes the one below current."""
    second = drv.Device(0).make_context()
    second.detach()
    assert drv.Context.get_current() == context
    with pytest.raises(drv.LogicError, match="cannot detach from invalid context"):
        second.detach()
    with pytest.raises(drv.LogicError, match="cuCtxPushCurrent failed"):
        second.push()


def error_in_new_thread(call: Callable[[], object]) -> str:
    """The error of a call in a thread, whose stack is empty."""
    errors: list[str] = []

    def work() -> None:
        with pytest.raises(drv.LogicError) as error:
            call()
        errors.append(str(error.value))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return errors[0]


def test_pop_of_empty_stack() -> None:
    """Popping an empty stack is an error."""
    assert "cannot pop non-current context" in error_in_new_thread(drv.Context.pop)


def test_primary_context(context: Any) -> None:
    """The primary context is one, however often it is retained."""
    first, second = (drv.Device(0).retain_primary_context() for _ in range(2))
    assert first == second
    assert first != context
    assert drv.Context.get_current() == context
    first.push()
    assert drv.Context.get_current() == second
    first.detach()


def test_without_context() -> None:
    """Without a current context every call fails, and says what to import."""
    error = error_in_new_thread(lambda: drv.mem_alloc(4))
    assert error.startswith("cuMemAlloc failed: invalid device context - ")
    assert "pycuda.autoinit" in error


def test_other_thread(context: Any) -> None:
    """A thread has a stack of its own and can push the context of another."""
    seen: list[str] = []

    def work() -> None:
        try:
            drv.mem_alloc(4)
        except drv.LogicError as error:
            seen.append(str(error))
        context.push()
        drv.mem_alloc(4)
        seen.append("allocated")
        drv.Context.pop()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert "no context is current in this thread" in seen[0]
    assert seen[1] == "allocated"


CALLS = [
    ("cuMemAlloc", lambda: drv.mem_alloc(4)),
    ("cuMemcpyHtoD", lambda: drv.memcpy_htod(0, b"")),
    ("cuMemcpyDtoH", lambda: drv.memcpy_dtoh(bytearray(), 0)),
    ("cuCtxSynchronize", drv.Context.synchronize),
    ("cuStreamCreate", drv.Stream),
    ("cuEventCreate", drv.Event),
    ("cuMemGetInfo", drv.mem_get_info),
]


def break_context(module: Any) -> None:
    """Launch a kernel that writes out of bounds."""
    out = gpuarray.zeros(4, np.int32)
    with pytest.raises(drv.LogicError, match="an illegal memory access was encountered"):
        module.get_function("fill")(out, np.int32(1), block=(5, 1, 1))


@pytest.mark.parametrize(("routine", "call"), CALLS)
def test_sticky_error(module: Any, routine: str, call: Any) -> None:
    """After an illegal access every call in the context fails with that error."""
    break_context(module)
    with pytest.raises(drv.LogicError, match=f"{routine} failed: an illegal memory access"):
        call()


def test_sticky_error_ends_with_the_context(module: Any) -> None:
    """A new context works after another one broke."""
    break_context(module)
    drv.Device(0).make_context()
    assert drv.mem_alloc(4)


def test_limits() -> None:
    """Limits can be read and set."""
    stack = drv.limit.STACK_SIZE
    drv.Context.set_limit(stack, 1 << 14)
    assert drv.Context.get_limit(stack) == 1 << 14
    assert drv.Context.get_limit(drv.limit.PRINTF_FIFO_SIZE) == 1 << 20


def test_heap_of_kernels_has_its_limit(module: Any) -> None:
    """A kernel's malloc gives as much as MALLOC_HEAP_SIZE says."""
    out = gpuarray.zeros(1, np.int32)

    def fits(megabytes: int) -> bool:
        module.get_function("allocate")(out, np.uint64(megabytes << 20), block=(1, 1, 1))
        return bool(out.get()[0])

    assert (fits(7), fits(9)) == (True, False)
    drv.Context.set_limit(drv.limit.MALLOC_HEAP_SIZE, np.uint64(16 << 20))
    assert (fits(9), fits(17)) == (True, False)
    drv.Context.set_limit(drv.limit.MALLOC_HEAP_SIZE, 1 << 20)
    assert not fits(7)
