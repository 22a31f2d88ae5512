"""Replays the reference's launches from a recorded plan and compiled kernels, without its source.

This file is copied beside a plan (see `grader.timing.plan.unpack`), and the worker that takes the
reference's times loads the folder as it loads a submission: `kernels.bias_add`,
`network.TwoLayerNetwork` and the like come from here. A recorded call becomes a Python function
that calls what is given to everybody (device.py, scikit-cuda) in the order and with the arguments
of the solution, so that the host's share of a time is the solution's, too, but for the arithmetic
between those calls.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import device
import numpy as np
import pycuda.driver as cuda
from device import blocks_for, cublas_handle, empty, require, reshaped, to_device
from skcuda import cublas

FOLDER = Path(__file__).resolve().parent
PLAN = json.loads((FOLDER / "plan.json").read_text("utf-8"))


def launcher(what: str) -> Any:
    """The function of kernels.py of that name, for the arguments that were recorded."""
    recorded = {repr(run["key"]): function_of(run) for run in PLAN["runs"] if run["what"] == what}

    def launch(*arguments: Any) -> Any:
        key = repr([described(argument) for argument in arguments])
        if key not in recorded:
            raise ValueError(f"the launch plan has no {what} of {key}; it has {list(recorded)}")
        return recorded[key](*arguments)

    return launch


def model(what: str) -> type:
    """The model's class of that name, with the step that was recorded."""
    runs = [run for run in PLAN["runs"] if run["what"] == what]

    class Model:
        """Parameters as device.py's users initialise them, and one step."""

        def __init__(self, *sizes: int) -> None:
            run = next((run for run in runs if run["sizes"] == list(sizes)), None)
            if run is None:
                raise ValueError(f"the launch plan has no step of {what}{sizes}")
            rng = np.random.default_rng(0)
            self.parameters = {}
            for name, shape in run["parameters"]:
                scale = np.sqrt(1 / shape[0])
                drawn = rng.standard_normal(shape) * scale if len(shape) > 1 else np.zeros(shape)
                self.parameters[name] = to_device(drawn)
            self._step = function_of(run)

        def step(self, X: Any, y: Any, learning_rate: float) -> Any:
            """Take one step; return its loss (1,)."""
            return self._step(X, y, learning_rate, *self.parameters.values())

    return Model


def described(argument: Any) -> Any:
    """What an argument is in a plan: an array's shape and dtype, or the value."""
    if hasattr(argument, "gpudata"):
        return [list(argument.shape), str(argument.dtype)]
    return argument


class Source:
    """The text of a Python function that makes the calls of one recorded run.

    Args:
        run: of the plan; its calls are those that `grader.release.record` writes down.

    Attributes:
        names: what the text refers to.
    """

    def __init__(self, run: dict[str, Any]) -> None:
        self.names: dict[str, Any] = {
            "blocks_for": blocks_for,
            "empty": empty,
            "entered": entered,
            "handle": cublas_handle,
            "require": require,
            "reshaped": reshaped,
        }
        inputs = ", ".join(f"a{slot}" for slot in range(run["inputs"]))
        lines = [f"def run({inputs}):"]
        lines += [getattr(self, f"_{verb}")(*rest) for verb, *rest in run["calls"]]
        returned = run["returns"]
        if returned is not None:
            slots = returned if isinstance(returned, list) else [returned]
            lines.append(f"return {', '.join(f'a{slot}' for slot in slots)}")
        self.text = "\n    ".join(lines)

    def _constant(self, value: Any) -> str:
        """The name of a value that the text itself need not hold exactly."""
        name = f"constant_{len(self.names)}"
        self.names[name] = tuple(value) if isinstance(value, list) else value
        return name

    def _argument(self, argument: list[Any]) -> str:
        kind, value = argument
        if kind == "value":
            return self._constant(value)
        return {"array": f"a{value}", "memory": f"a{value}.gpudata", "handle": "handle"}[kind]

    def _arguments(self, arguments: list[list[Any]]) -> str:
        return ", ".join(self._argument(argument) for argument in arguments)

    def _enter(self) -> str:
        return "entered(a0, None)"

    def _blocks_for(self, items: int, items_per_block: int) -> str:
        return f"blocks_for({items}, {items_per_block})"

    def _require(self, slot: int, name: str, shape: list[Any], dtype: str) -> str:
        dtype_name = self._constant(np.dtype(dtype).type)
        return f"require({name!r}, a{slot}, {tuple(shape)!r}, {dtype_name})"

    def _empty(self, slot: int, shape: Any, dtype: str) -> str:
        return f"a{slot} = empty({_shape(shape)!r}, {self._constant(np.dtype(dtype).type)})"

    def _reshaped(self, slot: int, source: int, shape: Any) -> str:
        return f"a{slot} = reshaped(a{source}, {_shape(shape)!r})"

    def _launch(self, name: str, grid: Any, block: Any, arguments: Any, shared_bytes: int) -> str:
        self.names[f"kernel_{name}"] = kernel(name)
        shared = f", shared_bytes={shared_bytes}" if shared_bytes else ""
        listed = self._arguments(arguments)
        return f"kernel_{name}({_shape(grid)!r}, {_shape(block)!r}, {listed}{shared})"

    def _cublas(self, name: str, arguments: Any) -> str:
        self.names[name] = getattr(cublas, name)
        return f"{name}({self._arguments(arguments)})"

    def _drop(self, slot: int) -> str:
        return f"del a{slot}"


def function_of(run: dict[str, Any]) -> Any:
    """A Python function that makes the calls of one recorded run."""
    source = Source(run)
    exec(compile(source.text, "plan", "exec"), source.names)  # noqa: S102 - of the judge's own plan
    return source.names["run"]


def entered(array: Any, other: Any) -> tuple[int, ...]:
    """What a function of the solution does besides: it is called, and looks at a shape or two."""
    N, K = array.shape
    return (N, K) if other is None else (K, N)


def _shape(shape: Any) -> Any:
    return tuple(shape) if isinstance(shape, list) else shape


@cache
def kernel(name: str) -> device.Kernel:
    """A kernel that launches as the solution's does, its code from the compiled image."""
    made = device.Kernel("", name, PLAN["kernels"][name], "")
    made.__dict__["_function"] = _module().get_function(name)  # in place of compiling a source
    return made


@cache
def _module() -> Any:
    """The compiled kernels for this device: its machine code, or PTX that the driver compiles."""
    major, minor = cuda.Context.get_device().compute_capability()
    return cuda.module_from_buffer((FOLDER / image_for(major, minor)).read_bytes())


def image_for(major: int, minor: int) -> str:
    """The file of the image for a compute capability.

    Machine code runs on devices of the same major version and the same or a later minor one; PTX on
    all that are later.
    """
    known = [(*divmod(int(name), 10), file) for name, file in PLAN["machine_code"].items()]
    fitting = [(b, file) for a, b, file in known if a == major and b <= minor]
    return str(max(fitting)[1] if fitting else PLAN["ptx"])
