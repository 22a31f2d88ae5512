"""Contexts: a stack a thread, the primary context, and errors that stick to a context.

Follows `context` and `context_stack` of PyCUDA's cuda.hpp. A fatal finding in a kernel breaks the
context for good, as on a device: every later call in it fails with the same error.
"""

from __future__ import annotations

import atexit
import itertools
import sys
import threading
from operator import index
from typing import TYPE_CHECKING

from emulator import runtime
from emulator.driver.enums import ENUMS, BoostEnum, number
from emulator.driver.errors import (
    INVALID_CONTEXT,
    INVALID_VALUE,
    NOT_INITIALIZED,
    Result,
    fail,
    not_emulated,
)

if TYPE_CHECKING:
    from emulator.driver.device import Device

API_VERSION = 12080  # CUDA 12.8, of whose cuda.h the enumerations are

HEAP_LIMIT = number("limit", "MALLOC_HEAP_SIZE")
_handles = itertools.count(0x10000, 0x100)
# Defaults of cuCtxGetLimit on a device of compute capability 8.0 (CUDA 12), in bytes or counts.
_DEFAULT_LIMITS = {
    number("limit", "STACK_SIZE"): 1024,
    number("limit", "PRINTF_FIFO_SIZE"): 1 << 20,
    HEAP_LIMIT: runtime.HEAP_BYTES,
    number("limit", "DEV_RUNTIME_SYNC_DEPTH"): 2,
    number("limit", "DEV_RUNTIME_PENDING_LAUNCH_COUNT"): 2048,
}


class _State:
    """What the driver keeps of one context (a CUcontext); wrappers of the primary one share it."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.handle = next(_handles)
        self.limits = dict(_DEFAULT_LIMITS)
        self.cache_config: BoostEnum = ENUMS["func_cache"].names["PREFER_NONE"]
        self.shared_config: BoostEnum = ENUMS["shared_config"].names["FOUR_BYTE_BANK_SIZE"]
        self.broken: tuple[Result, str] | None = None


class _Stack(threading.local):
    def __init__(self) -> None:
        self.contexts: list[Context] = []


_stack = _Stack()
_initialized = False


def init(flags: int = 0) -> None:
    """cuInit: allow contexts to be made."""
    global _initialized  # noqa: PLW0603  # the driver's own process-wide state
    if flags:
        fail("cuInit", INVALID_VALUE, f"flags must be 0, got {flags}")
    _initialized = True


def require_initialized(routine: str) -> None:
    """Fail as `routine` does before cuInit."""
    if not _initialized:
        fail(routine, NOT_INITIALIZED, "call pycuda.driver.init() or import pycuda.autoinit first")


def current(routine: str) -> Context:
    """The calling thread's context, for `routine`; an error where there is none or it is broken."""
    contexts = _stack.contexts
    while contexts and not contexts[-1].valid:
        contexts.pop()
    if not contexts:
        require_initialized(routine)
        hint = "no context is current in this thread: import pycuda.autoinit first"
        fail(routine, INVALID_CONTEXT, hint)
    context = contexts[-1]
    if context.state.broken is not None:
        result, cause = context.state.broken
        fail(routine, result, f"this context is unusable since an earlier error: {cause}")
    return context


class Context:
    """A context of the emulated device. Made by `Device.make_context`, never directly."""

    def __init__(self, state: _State) -> None:
        self.state = state
        self.valid = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Context) and other.state is self.state

    def __hash__(self) -> int:
        return hash((self.state.handle, id(self)))

    def __del__(self) -> None:
        self.valid = False

    @property
    def handle(self) -> int:
        """The CUcontext, as a number."""
        return self.state.handle

    @staticmethod
    def attach(flags: int = 0) -> Context:
        """Another reference to the current context, on top of the stack."""
        del flags  # unused by the driver, too
        context = Context(current("cuCtxAttach").state)
        _stack.contexts.append(context)
        return context

    def detach(self) -> None:
        """Destroy the context; the one below becomes current."""
        if not self.valid:
            fail("context::detach", INVALID_CONTEXT, "cannot detach from invalid context")
        self.valid = False
        Context.get_current()  # which drops detached contexts from the top of the stack

    def push(self) -> None:
        """Make the context current in this thread."""
        if not self.valid:
            fail("cuCtxPushCurrent", INVALID_CONTEXT, "this context was detached")
        _stack.contexts.append(self)

    @staticmethod
    def pop() -> None:
        """Remove the current context from this thread's stack."""
        if not _stack.contexts:
            fail("context::pop", INVALID_CONTEXT, "cannot pop non-current context")
        _stack.contexts.pop()

    @staticmethod
    def get_device() -> Device:
        """The device of the current context."""
        return current("cuCtxGetDevice").state.device

    @staticmethod
    def get_current() -> Context | None:
        """The current context of this thread, or None."""
        contexts = _stack.contexts
        while contexts and not contexts[-1].valid:
            contexts.pop()
        return contexts[-1] if contexts else None

    @staticmethod
    def synchronize() -> None:
        """Wait for the device, which is never busy here."""
        current("cuCtxSynchronize")

    @staticmethod
    def set_limit(limit: int, value: int) -> None:
        """Set a limit. That of kernels' heap counts; the others are remembered."""
        state = current("cuCtxSetLimit").state
        if limit not in state.limits:
            fail("cuCtxSetLimit", INVALID_VALUE, f"unknown limit {limit}")
        state.limits[limit] = index(value)

    @staticmethod
    def get_limit(limit: int) -> int:
        """The value of a limit, in bytes or counts."""
        state = current("cuCtxGetLimit").state
        if limit not in state.limits:
            fail("cuCtxGetLimit", INVALID_VALUE, f"unknown limit {limit}")
        return state.limits[limit]

    @staticmethod
    def get_cache_config() -> BoostEnum:
        """The preferred split of L1 cache and shared memory."""
        return current("cuCtxGetCacheConfig").state.cache_config

    @staticmethod
    def set_cache_config(config: BoostEnum) -> None:
        """Remember the preferred split, which changes nothing here."""
        current("cuCtxSetCacheConfig").state.cache_config = config

    @staticmethod
    def get_shared_config() -> BoostEnum:
        """The width of a shared memory bank."""
        return current("cuCtxGetSharedMemConfig").state.shared_config

    @staticmethod
    def set_shared_config(config: BoostEnum) -> None:
        """Remember a bank width; since compute capability 5.0 devices ignore it, too."""
        current("cuCtxSetSharedMemConfig").state.shared_config = config

    def get_api_version(self) -> int:
        """The version of the driver's interface, 1000 × major + 10 × minor."""
        return API_VERSION

    @staticmethod
    def enable_peer_access(peer: Context, flags: int = 0) -> None:
        """Not emulated: there is one device."""
        del peer, flags
        not_emulated("cuCtxEnablePeerAccess", "a second device (peer access) is")

    @staticmethod
    def disable_peer_access(peer: Context) -> None:
        """Not emulated: there is one device."""
        del peer
        not_emulated("cuCtxDisablePeerAccess", "a second device (peer access) is")


def make_context(device: Device) -> Context:
    """cuCtxCreate: a new context, current in this thread."""
    context = Context(_State(device))
    _stack.contexts.append(context)
    return context


_primary: list[_State] = []


def retain_primary_context(device: Device) -> Context:
    """A wrapper of the device's primary context, not yet current; a broken one is replaced."""
    if not _primary or _primary[0].broken is not None:
        _primary[:] = [_State(device)]
    return Context(_primary[0])


@atexit.register
def _complain_about_forgotten_contexts() -> None:
    """Say what PyCUDA says (and then aborts) when a program forgets `Context.pop`."""
    if Context.get_current() is not None:
        sys.stderr.write(
            "PyCUDA ERROR: The context stack was not empty upon module cleanup. On a device the "
            "program would be aborted now.\nUse Context.pop() to avoid this problem.\n"
        )
