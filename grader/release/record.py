"""Records how the solution launches its kernels: `python -m grader.release.record SOLUTION`.

In a process of its own, on the emulated device, where nothing is computed: launches and calls of
cuBLAS are written down, and memory has names only. stdin has the requests for times as JSON, stdout
gets the plan; see `grader.timing.plan`.
"""

from __future__ import annotations

import importlib
import json
import sys
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader import tasks

if TYPE_CHECKING:
    import types
    from collections.abc import Callable, Iterable

ROOT = Path(__file__).resolve().parents[2]


class RecordError(Exception):
    """The solution does something that a plan has no words for; the message says what."""


class Rate(float):
    """The learning rate, told from all other numbers by its type."""


class Memory:
    """The name of a piece of device memory."""

    def __init__(self, slot: int) -> None:
        self.slot = slot

    def __int__(self) -> int:
        raise RecordError("the solution asks for an address in device memory; a plan has none")

    __index__ = __int__


class Recorder:
    """Takes the place of what reaches the device, and writes down the calls of one run at a time.

    Args:
        device: the solution's device module, before any other of its modules is imported.
    """

    def __init__(self, device: Any) -> None:
        self._device, self._require = device, device.require
        self.calls: list[list[Any]] = []
        self.kernels: dict[str, Any] = {}
        folder = Path(device.__file__).parent
        self.own_files = {str(folder / file) for file in tasks.FILES}
        self._slots = 0
        self._inputs = 0
        self._install()

    def run(self, function: Callable[..., Any], inputs: Iterable[Any]) -> dict[str, Any]:
        """The calls that a function makes for these inputs.

        Args:
            function: a launcher, or a model's step.
            inputs: arrays made by `array`, and values.

        Returns:
            {"inputs": how many slots they take, "calls", "returns": slots}.
        """
        given = list(inputs)
        self.calls, self._inputs = [], self._slots
        sys.setprofile(self._enter)
        try:
            returned = function(*given)
        finally:
            sys.setprofile(None)
        calls = list(self.calls)
        items = list(returned) if isinstance(returned, tuple) else [returned]
        slots = [self._slot(item) for item in items if item is not None]
        return {
            "inputs": self._inputs,
            "calls": calls,
            "returns": slots if isinstance(returned, tuple) else (slots[0] if slots else None),
        }

    def forget(self) -> None:
        """Start with slot 0 again."""
        self._slots = 0

    # Arrays ------------------------------------------------------------------------------------

    def array(self, shape: Any, dtype: Any) -> Any:
        """An array that has a name in place of memory."""
        made = self._device._without_memory(shape, self._device.np.dtype(dtype).type)  # noqa: SLF001 - given code
        self.number(made)
        made.gpudata = Memory(made.slot)
        weakref.finalize(made, self._drop, made.slot).atexit = False
        return made

    def number(self, *inputs: Any) -> None:
        """Give the next slots to objects; None takes one, too."""
        for item in inputs:
            if item is not None:
                item.slot = self._slots
                if hasattr(item, "gpudata"):
                    item.gpudata = Memory(self._slots)
            self._slots += 1

    def _drop(self, slot: int) -> None:
        if slot >= self._inputs:
            self.calls.append(["drop", slot])

    @staticmethod
    def _slot(array: Any) -> int:
        slot = getattr(array, "slot", None)
        if slot is None:
            raise RecordError(
                f"the solution uses an array {getattr(array, 'shape', array)!r} that was not made "
                "by device.empty or device.reshaped during this call"
            )
        return int(slot)

    # Calls -------------------------------------------------------------------------------------

    def _enter(self, frame: types.FrameType, event: str, _: Any) -> None:
        """Note that a function of the solution's own is entered."""
        if event == "call" and frame.f_code.co_filename in self.own_files:
            self.calls.append(["enter"])

    def _blocks_for(self, items: int, items_per_block: int) -> int:
        self.calls.append(["blocks_for", items, items_per_block])
        return -(-items // items_per_block)

    def _empty(self, shape: Any, dtype: Any = "float32") -> Any:
        made = self.array(shape, dtype)
        self.calls.append(["empty", made.slot, _plain(shape), str(made.dtype)])
        return made

    def _reshaped(self, array: Any, shape: Any) -> Any:
        made = self._device._without_memory(shape, array.dtype)  # noqa: SLF001 - given code
        self.number(made)
        made.gpudata, made.base = array.gpudata, array
        weakref.finalize(made, self._drop, made.slot).atexit = False
        self.calls.append(["reshaped", made.slot, self._slot(array), _plain(shape)])
        return made

    def _required(self, name: str, array: Any, shape: Any, dtype: Any = "float32") -> Any:
        found = self._require(name, array, shape, dtype)
        wanted = str(self._device.np.dtype(dtype))
        self.calls.append(["require", self._slot(array), name, _plain(shape), wanted])
        return found

    def _launch(
        self, kernel: Any, grid: Any, block: Any, *arguments: Any, shared_bytes: int = 0
    ) -> None:
        known = self.kernels.setdefault(kernel.name, kernel)
        if known is not kernel:
            raise RecordError(f"the solution has two kernels of the name {kernel.name}")
        given = [self._argument(argument) for argument in arguments]
        call = ["launch", kernel.name, _plain(grid), _plain(block), given, shared_bytes]
        self.calls.append(call)

    def _argument(self, argument: Any) -> list[Any]:
        if isinstance(argument, Memory):
            return ["memory", argument.slot]
        if isinstance(argument, Rate) or hasattr(argument, "gpudata"):
            return ["array", self._slot(argument)]
        if argument is self._device.cublas_handle:
            return ["handle", 0]
        return ["value", _plain(argument)]

    def _install(self) -> None:
        """Replace the given functions; their users import them afterwards."""
        import pycuda.driver as cuda  # noqa: PLC0415 - once the backend is there
        from skcuda import cublas  # noqa: PLC0415 - as above

        def refuse(*_: Any) -> None:
            raise RecordError("the solution launches a kernel that device.compile_kernel knows not")

        def cublas_call(name: str) -> Callable[..., None]:
            def called(*arguments: Any) -> None:
                given = [self._argument(argument) for argument in arguments]
                self.calls.append(["cublas", name, given])

            return called

        def launch(kernel: Any, *shape_and_arguments: Any, **more: Any) -> None:
            self._launch(kernel, *shape_and_arguments, **more)

        device = self._device
        cuda.Function._launch_kernel = refuse  # noqa: SLF001 - the seam PyCUDA itself uses
        device.Kernel.__call__ = launch
        device.empty, device.reshaped = self._empty, self._reshaped
        device.require, device.blocks_for = self._required, self._blocks_for
        for name in dir(cublas):
            if name.startswith(("cublasS", "cublasI")) and not name.startswith("cublasSet"):
                setattr(cublas, name, cublas_call(name))


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    value = value.item() if hasattr(value, "item") else value
    if not isinstance(value, int | float | str):
        raise RecordError(f"the solution passes {value!r}, which a plan cannot hold")
    return value


def record_launch(
    recorder: Recorder, function: Callable[..., Any], request: dict[str, Any]
) -> dict[str, Any]:
    """A run of a launcher; request["key"] has an array's shape and dtype, or a value."""
    recorder.forget()
    inputs = []
    for entry in request["key"]:
        if isinstance(entry, list):
            inputs.append(recorder.array(tuple(entry[0]), entry[1]))
        else:
            recorder.number(None)
            inputs.append(entry)
    return {**request, **recorder.run(function, inputs)}


def record_step(recorder: Recorder, make: Any, request: dict[str, Any]) -> dict[str, Any]:
    """A run of a model's step on a minibatch; request["key"] has X's and y's shape and dtype."""
    recorder.forget()
    model = make(*request["sizes"])
    check_initial(model)
    X, y = (recorder.array(tuple(shape), dtype) for shape, dtype in request["key"])
    inputs = X, y, Rate(request["learning_rate"])
    for _ in range(2):  # what a first call alone does is no part of a step
        recorder.forget()
        recorder.number(*inputs, *model.parameters.values())
        run = recorder.run(model.step, inputs)
    shapes = [[name, list(p.shape)] for name, p in model.parameters.items()]
    return {**request, "parameters": shapes, **run}


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
        plan = record(Path(sys.argv[1]).resolve(), json.load(sys.stdin))
    except RecordError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    json.dump(plan, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
