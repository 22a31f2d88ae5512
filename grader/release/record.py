"""Records how the solution launches its kernels: `python -m grader.release.record SOLUTION`.

In a process of its own, on the emulated device, where nothing is computed: launches and calls of
cuBLAS are written down, and memory has names only. stdin has requests for times as JSON; where it
is empty, they are those of part 5. stdout gets the plan; see `grader.timing.plan`.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader import tasks
from grader.release.requests import requests

if TYPE_CHECKING:
    import types
    from collections.abc import Callable, Iterable, Iterator

ROOT = Path(__file__).resolve().parents[2]

ADDRESSES = 1 << 60
"""Where pretended memory begins: no machine has so much."""

ADDRESSES_OF_ANY = 1 << 32
"""From here on a whole number is an address; sizes are smaller."""


class RecordError(Exception):
    """The solution does something that a plan has no words for; the message says what."""


class Rate(float):
    """The learning rate, told from all other numbers by its type."""


class Memory:
    """A piece of device memory that is an address and nothing behind it."""

    def __init__(self, address: int) -> None:
        self._address = address

    def __int__(self) -> int:
        return self._address

    __index__ = __int__


class Pool:
    """In place of device.py's pool: every allocation has addresses of its own."""

    def __init__(self) -> None:
        self._next = ADDRESSES

    def allocate(self, size_bytes: int) -> Memory:
        """Memory that nobody may touch."""
        memory = Memory(self._next)
        self._next += -(-size_bytes // 256) * 256 + 256
        return memory


class Recorder:
    """Writes down the calls of one run at a time: of device.py's functions, kernels and cuBLAS.

    Arrays are named by the numbers of slots, in the order in which they are first seen.

    Args:
        device: the solution's device module, before any other of its modules is imported.
    """

    def __init__(self, device: Any) -> None:
        self._device = device
        self.kernels: dict[str, Any] = {}
        folder = Path(device.__file__).parent
        self._own_files = {str(folder / file) for file in tasks.FILES}
        self._depth, self._is_running = 0, False
        self.forget()
        self._install()

    def forget(self) -> None:
        """Start a run, with slot 0."""
        self.calls: list[list[Any]] = []
        self._slots, self._inputs = 0, 0
        self._arrays: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()

    def run(self, function: Callable[..., Any], inputs: Iterable[Any]) -> dict[str, Any]:
        """The calls that a function makes for these inputs.

        Args:
            function: a launcher, or a model's step.
            inputs: its arguments, numbered before.

        Returns:
            {"inputs": how many slots they take, "calls", "returns"}.
        """
        given = list(inputs)
        self.calls, self._inputs, self._is_running = [], self._slots, True
        sys.setprofile(self._enter)
        try:
            returned = function(*given)
        finally:
            sys.setprofile(None)
            self._is_running = False
        calls = list(self.calls)
        return {"inputs": self._inputs, "calls": calls, "returns": self._told(returned)}

    def array(self, shape: Any, dtype: Any) -> Any:
        """An array of the pool."""
        return self._functions["empty"](shape, self._device.np.dtype(dtype).type)

    def number(self, *inputs: Any) -> None:
        """Give the next slots to objects; None takes one, too."""
        for item in inputs:
            if item is not None:
                item.slot = self._slots
                self._arrays[self._slots] = item
            self._slots += 1

    # Calls -------------------------------------------------------------------------------------

    def _enter(self, frame: types.FrameType, event: str, _: Any) -> None:
        """Note that a function of the solution's own is entered."""
        if event == "call" and frame.f_code.co_filename in self._own_files:
            self.calls.append(["enter"])

    def _given(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function of device.py that notes its calls, those within it not."""

        def called(*arguments: Any, **keywords: Any) -> Any:
            if self._depth or not self._is_running:
                return function(*arguments, **keywords)
            self._depth += 1
            try:
                returned = function(*arguments, **keywords)
            finally:
                self._depth -= 1
            told = [self._told(item) for item in arguments]
            named = {key: self._told(item) for key, item in keywords.items()}
            self.calls.append(["given", name, told, named, self._made(returned)])
            return returned

        return called

    def _launch(
        self, kernel: Any, grid: Any, block: Any, *arguments: Any, shared_bytes: int = 0
    ) -> None:
        known = self.kernels.setdefault(kernel.name, kernel)
        if known is not kernel:
            raise RecordError(f"the solution has two kernels of the name {kernel.name}")
        given = [self._told(argument) for argument in arguments]
        shape = [self._told(grid), self._told(block)]
        self.calls.append(["launch", kernel.name, *shape, given, shared_bytes])

    def _drop(self, slot: int) -> None:
        if slot >= self._inputs:
            self.calls.append(["drop", slot])

    def _made(self, returned: Any) -> Any:
        """What a call returned, its new arrays numbered."""
        if hasattr(returned, "gpudata"):
            if self._arrays.get(getattr(returned, "slot", -1)) is not returned:
                self.number(returned)
                weakref.finalize(returned, self._drop, returned.slot).atexit = False
            return self._told(returned)
        if isinstance(returned, tuple | list):
            return [type(returned).__name__, [self._made(item) for item in returned]]
        if isinstance(returned, dict):
            return ["dict", [[key, self._made(item)] for key, item in returned.items()]]
        return ["value", None]

    def _told(self, value: Any) -> list[Any]:
        """A value in the plan's words: [kind, what]."""
        if isinstance(value, Rate) or hasattr(value, "gpudata"):
            slot = getattr(value, "slot", -1)
            if self._arrays.get(slot) is not value:
                raise RecordError(
                    f"the solution uses an array {getattr(value, 'shape', value)!r} that was not "
                    "made by a function of device.py during this call"
                )
            return ["array", slot]
        if value is self._device.cublas_handle:
            return ["handle", 0]
        if isinstance(value, tuple | list):
            return [type(value).__name__, [self._told(item) for item in value]]
        if isinstance(value, dict):
            return ["dict", [[key, self._told(item)] for key, item in value.items()]]
        if isinstance(value, type) or value.__class__.__module__.startswith("numpy.dtype"):
            return ["dtype", str(self._device.np.dtype(value))]
        return self._plain(value)

    def _plain(self, value: Any) -> list[Any]:
        if value is None or isinstance(value, bool | str | float):
            return ["value", value]
        try:
            number = int(value)
        except (TypeError, ValueError):
            raise RecordError(f"the solution passes {value!r}, which a plan cannot hold") from None
        if number < ADDRESSES_OF_ANY:
            return ["value", number]
        for slot, array in list(self._arrays.items()):
            if hasattr(array, "gpudata") and int(array.gpudata) == number:
                return ["memory", slot]
        raise RecordError("the solution uses an address that is none of an array's")

    def _install(self) -> None:
        """Take the place of everything that reaches the device; its users are imported later."""
        import pycuda.driver as cuda  # noqa: PLC0415 - once the backend is there
        from skcuda import cublas  # noqa: PLC0415 - as above

        def refuse(*_: Any) -> None:
            raise RecordError("the solution launches a kernel that device.compile_kernel knows not")

        def launch(kernel: Any, *shape_and_arguments: Any, **more: Any) -> None:
            self._launch(kernel, *shape_and_arguments, **more)

        def cublas_call(name: str) -> Callable[..., None]:
            def called(*arguments: Any) -> None:
                given = [self._told(argument) for argument in arguments]
                self.calls.append(["cublas", name, given])

            return called

        device = self._device
        self._functions = dict(public_functions(device))
        for name, function in self._functions.items():
            setattr(device, name, self._given(name, function))
        self._pools = device.pool, Pool()
        cuda.Function._launch_kernel = refuse  # noqa: SLF001 - the seam PyCUDA itself uses
        device.Kernel.__call__ = launch
        for name in dir(cublas):
            if name.startswith(("cublasS", "cublasI")) and not name.startswith("cublasSet"):
                setattr(cublas, name, cublas_call(name))

    def pretend(self, pretended: bool) -> None:
        """Take memory from a pool without any, or from device.py's own."""
        self._device.pool = self._pools[pretended]


def public_functions(device: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The functions that device.py offers, except those that compile or choose a stream."""
    for name, function in vars(device).items():
        own = inspect.isfunction(function) and function.__module__ == device.__name__
        if own and not name.startswith("_") and name not in ("compile_kernel", "workspace"):
            yield name, function


def record_launch(
    recorder: Recorder, function: Callable[..., Any], request: dict[str, Any]
) -> dict[str, Any]:
    """A run of a launcher; request["key"] has an array's shape and dtype, or a value."""
    recorder.forget()
    recorder.pretend(True)
    inputs = []
    for entry in request["key"]:
        is_array = isinstance(entry, list)
        inputs.append(recorder.array(tuple(entry[0]), entry[1]) if is_array else entry)
        recorder.number(inputs[-1] if is_array else None)
    return {**request, **recorder.run(function, inputs)}


def record_step(recorder: Recorder, make: Any, request: dict[str, Any]) -> dict[str, Any]:
    """A run of a model's step on a minibatch; request["key"] has X's and y's shape and dtype."""
    recorder.pretend(False)
    model = make(*request["sizes"])
    check_initial(model)
    recorder.pretend(True)
    X, y = (recorder.array(tuple(shape), dtype) for shape, dtype in request["key"])
    inputs = X, y, Rate(request["learning_rate"])
    for _ in range(2):  # what a first call alone does is no part of a step
        recorder.forget()
        recorder.number(*inputs, *model.parameters.values())
        run = recorder.run(model.step, inputs)
    parameters = model.parameters
    shapes = [[name, list(parameter.shape)] for name, parameter in parameters.items()]
    bases = {id(parameter.base) for parameter in parameters.values()}
    together = len(bases) == 1 and next(iter(parameters.values())).base is not None
    return {**request, "parameters": shapes, "side_by_side": together, **run}


def check_initial(model: Any) -> None:
    """RecordError unless a model starts from the weights that `grader.timing.replay` gives it."""
    np = importlib.import_module("numpy")
    rng = np.random.default_rng(0)
    for name, parameter in model.parameters.items():
        shape = parameter.shape
        drawn = rng.standard_normal(shape) * np.sqrt(1 / shape[0]) if len(shape) > 1 else 0
        if not np.array_equal(parameter.get(), np.broadcast_to(drawn, shape).astype(np.float32)):
            raise RecordError(f"{name} does not start as the handout says")


def record(solution: Path, requests: list[dict[str, Any]]) -> dict[str, Any]:
    """The plan of a solution, and the sources of the kernels in it.

    Args:
        solution: its folder.
        requests: {"what", "key"} or {"what", "sizes", "learning_rate", "key"}.

    Returns:
        {"kernels": {name: signature}, "runs", "sources": {name: CUDA C}}.
    """
    sys.path[:0] = [str(solution), str(ROOT)]
    importlib.import_module("backend").activate(check=False)
    recorder = Recorder(importlib.import_module("device"))
    runs = []
    for request in requests:
        module, _, name = request["what"].partition(".")
        found = getattr(importlib.import_module(module), name)
        take = record_step if "sizes" in request else record_launch
        runs.append(take(recorder, found, request))
    kernels = {name: recorder.kernels[name] for name in sorted(recorder.kernels)}
    return {
        "kernels": {name: kernel.signature for name, kernel in kernels.items()},
        "runs": runs,
        "sources": {name: kernel._source for name, kernel in kernels.items()},  # noqa: SLF001 - given code
    }


def main() -> int:
    """Read requests, print the plan; 1 with a message where the solution cannot be recorded."""
    try:
        text = sys.stdin.read()
        wanted = json.loads(text) if text else requests()
        plan = record(Path(sys.argv[1]).resolve(), wanted)
    except RecordError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    json.dump(plan, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
