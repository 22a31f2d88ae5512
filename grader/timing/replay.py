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
from device import cublas_handle
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
            drawn = {}
            for name, shape in run["parameters"]:
                scale = np.sqrt(1 / shape[0])
                drawn[name] = (
                    rng.standard_normal(shape) * scale if len(shape) > 1 else np.zeros(shape)
                )
            if run["side_by_side"]:
                self.parameters = device.side_by_side(drawn)
            else:
                self.parameters = {name: device.to_device(host) for name, host in drawn.items()}
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
        self.names: dict[str, Any] = {"entered": entered, "handle": cublas_handle}
        inputs = ", ".join(f"a{slot}" for slot in range(run["inputs"]))
        self._known = set(range(run["inputs"]))
        lines = [f"def run({inputs}):"]
        for verb, *rest in run["calls"]:
            lines += getattr(self, f"_{verb}")(*rest)
        self.text = "\n    ".join([*lines, f"return {self._shown(run['returns'])}"])

    def _shown(self, told: list[Any]) -> str:
        """A value of the plan as an expression."""
        kind, what = told
        if kind == "value":
            return repr(what)
        if kind == "dtype":
            self.names[f"dtype_{what}"] = np.dtype(what).type
            return f"dtype_{what}"
        if kind == "dict":
            entries = (f"{key!r}: {self._shown(item)}" for key, item in what)
            return f"{{{', '.join(entries)}}}"
        if kind in ("tuple", "list"):
            items = "".join(f"{self._shown(item)}, " for item in what)
            return f"({items})" if kind == "tuple" else f"[{items}]"
        return {"array": f"a{what}", "memory": f"a{what}.gpudata", "handle": "handle"}[kind]

    def _bound(self, made: list[Any], place: str) -> list[str]:
        """Statements that name the new arrays in what a call returned."""
        kind, what = made
        if kind == "array" and what not in self._known:
            self._known.add(what)
            return [f"a{what} = {place}"]
        if kind in ("tuple", "list", "dict"):
            items = what if kind == "dict" else enumerate(what)
            return [line for key, item in items for line in self._bound(item, f"{place}[{key!r}]")]
        return []

    def _enter(self) -> list[str]:
        return ["entered(a0, None)"]

    def _given(self, name: str, told: list[Any], named: dict[str, Any], made: Any) -> list[str]:
        self.names[name] = getattr(device, name)
        arguments = [self._shown(item) for item in told]
        arguments += [f"{key}={self._shown(item)}" for key, item in named.items()]
        call = f"{name}({', '.join(arguments)})"
        if made[0] == "array":
            return self._bound(made, call) or [call]
        bound = self._bound(made, "made")
        return [f"made = {call}", *bound, "del made"] if bound else [call]

    def _launch(self, name: str, grid: Any, block: Any, told: Any, shared_bytes: int) -> list[str]:
        self.names[f"kernel_{name}"] = kernel(name)
        listed = [self._shown(item) for item in (grid, block, *told)]
        shared = [f"shared_bytes={shared_bytes}"] if shared_bytes else []
        return [f"kernel_{name}({', '.join([*listed, *shared])})"]

    def _cublas(self, name: str, told: Any) -> list[str]:
        self.names[name] = getattr(cublas, name)
        return [f"{name}({', '.join(self._shown(item) for item in told)})"]

    def _drop(self, slot: int) -> list[str]:
        return [f"del a{slot}"]


def function_of(run: dict[str, Any]) -> Any:
    """A Python function that makes the calls of one recorded run."""
    source = Source(run)
    exec(compile(source.text, "plan", "exec"), source.names)  # noqa: S102 - of the judge's own plan
    return source.names["run"]


def entered(array: Any, other: Any) -> tuple[int, ...]:
    """What a function of the solution does besides: it is called, and looks at a shape or two."""
    N, K = array.shape
    return (N, K) if other is None else (K, N)


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
