"""PyTorch's and CuPy's times for the same work, as JSON: `python -m benchmarks.peers`.

A process of its own: PyTorch works in the device's primary context, PyCUDA in another. It takes its
steps when asked to, so that they can be timed in turn with ours.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.shapes import LEARNING_RATE, SHAPES, Shape, minibatch, parameters
from benchmarks.timing import wall_us

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
COMPARED_STEPS = 20


def main() -> None:
    """Print the names and CuPy's µs; then, for each shape's number on stdin, {contender: µs}.

    The first answer for a shape has its losses, too: {"losses": […]}.
    """
    import torch  # noqa: PLC0415  this module is imported where there is none, too

    torch.backends.cuda.matmul.allow_tf32 = False
    _say({"name": f"PyTorch {torch.__version__}", "cupy": cupy_kernels()})
    steps: dict[int, dict[str, Callable[[], Any]]] = {}
    for line in sys.stdin:
        number = int(line)
        answer: dict[str, Any] = {}
        if number not in steps:
            steps.clear()
            steps[number], answer["losses"] = start(torch, SHAPES[number])
        for name, step in steps[number].items():
            answer[name] = wall_us(step, torch.cuda.synchronize)
        _say(answer)


def _say(found: dict[str, Any]) -> None:
    print(json.dumps(found), flush=True)


def start(torch: Any, shape: Shape) -> tuple[dict[str, Callable[[], Any]], list[float]]:
    """Return a shape's steps by contender, and the losses of the first ones."""
    steps: dict[str, Callable[[], Any]] = {}
    losses: list[float] = []
    for name, make in (("eager", eager), ("compile", compiled), ("graph", graphed)):
        try:
            step = make(torch, shape)
            if name == "eager":
                losses = [step().item() for _ in range(COMPARED_STEPS)]
            step()
            steps[name] = step
        except Exception as error:  # noqa: BLE001, PERF203  a peer that fails is left out, and said so
            print(f"{name} {shape}: {error!r}", file=sys.stderr)
    return steps, losses


def model_of(torch: Any, shape: Shape) -> tuple[Any, Any, Any, Any]:
    """Return an nn.Module with our initial parameters, SGD, and the minibatch."""
    D, H, C = shape.D, shape.H, shape.C
    linear = torch.nn.Linear
    layers = [linear(D, H), torch.nn.ReLU(), linear(H, C)] if H else [linear(D, C)]
    model = torch.nn.Sequential(*layers).cuda()
    with torch.no_grad():
        for parameter, array in zip(model.parameters(), parameters(shape).values(), strict=True):
            parameter.copy_(torch.from_numpy(array.T.copy()))
    X, y = minibatch(shape)
    inputs = torch.from_numpy(X).cuda(), torch.from_numpy(y).long().cuda()
    return model, torch.optim.SGD(model.parameters(), LEARNING_RATE), *inputs


def eager(torch: Any, shape: Shape) -> Callable[[], Any]:
    """The training step as everybody writes it."""
    model, optimizer, X, y = model_of(torch, shape)

    def step() -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(X), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def compiled(torch: Any, shape: Shape) -> Callable[[], Any]:
    """The same, forward and backward compiled with mode="reduce-overhead" (CUDA graphs)."""
    model, optimizer, X, y = model_of(torch, shape)
    forward = torch.compile(
        lambda: torch.nn.functional.cross_entropy(model(X), y), mode="reduce-overhead"
    )

    def step() -> Any:
        optimizer.zero_grad()
        loss = forward()
        loss.backward()
        optimizer.step()
        return loss

    return step


def graphed(torch: Any, shape: Shape) -> Callable[[], Any]:
    """The whole step, update included, captured as one CUDA graph, as PyTorch's manual shows."""
    step = eager(torch, shape)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()

    def replay(_kept: object = step) -> None:  # the graph knows its tensors' addresses only
        graph.replay()

    return replay


def cupy_kernels() -> dict[str, float]:
    """Return µs of the kernels that CuPy has an expression for, by the names and sizes of ours."""
    try:
        import cupy  # noqa: PLC0415  not everywhere
    except ImportError:
        return {}
    size = 1 << 26  # as benchmarks.kernels, which only imports beside PyCUDA
    random, zeros = partial(cupy.random.standard_normal, dtype=cupy.float32), cupy.zeros
    A = random(2 * size)
    Z, out = A[:size], cupy.empty(size, cupy.float32)

    @cupy.fuse(kernel_name="update")  # type: ignore[untyped-decorator]  # CuPy has no type hints
    def update(w: Any, g: Any, rate: Any) -> Any:
        return w - rate * g

    work: dict[str, Callable[[], Any]] = {
        "activate relu": lambda: cupy.maximum(Z, 0, out=out),
        "activate tanh": lambda: cupy.tanh(Z, out=out),
        "sgd_update": lambda: update(Z, out, cupy.float32(0)),
    }
    for C in (10, 1000):
        rows, b = Z[: size // C * C].reshape(-1, C), zeros(C, cupy.float32)
        work[f"bias_add C={C}"] = partial(cupy.add, rows, b, out=rows)
    for K in (10, 1024):
        work[f"column_mean K={K}"] = partial(cupy.mean, A[: len(A) // K * K].reshape(-1, K), axis=0)
    synchronize = cupy.cuda.Device().synchronize
    found = {}
    for name, f in work.items():
        try:
            found[name] = wall_us(f, synchronize)
        except Exception as error:  # noqa: BLE001, PERF203  as of PyTorch's
            print(f"CuPy's {name}: {error!r}", file=sys.stderr)
    return found


class Peers:
    """This module's program, in a process of its own.

    Attributes:
        name: of the peer and its version; says so where it is not measured.
        cupy: µs of CuPy's kernels by name; empty where there is no CuPy.
    """

    def __init__(self) -> None:
        self.name: str = "PyTorch: not measured here"
        self.cupy: dict[str, float] = {}
        self._process: subprocess.Popen[str] | None = None
        self._stderr = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - as long as this lives
        if importlib.util.find_spec("torch") is None:
            return
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.peers"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=self._stderr, text=True
        )
        found = self._answer("")
        self.name, self.cupy = found.get("name", self.name), found.get("cupy", {})

    def round(self, number: int) -> dict[str, Any]:
        """Return {contender: µs} of a round of steps of a shape; {} where there is no peer."""
        return self._answer(f"{number}\n")

    def _answer(self, request: str) -> dict[str, Any]:
        """Return {}, too, where the process has ended; `end` tells why."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return {}
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(request)
            process.stdin.flush()
        line = process.stdout.readline()
        return dict(json.loads(line)) if line else {}

    @property
    def pid(self) -> int | None:
        """Of the process, None where there is none."""
        return None if self._process is None else self._process.pid

    def end(self) -> str:
        """Let the process end; return what it has said besides: who failed, and why."""
        if self._process is not None:
            self._process.communicate()
        self._stderr.seek(0)
        return self._stderr.read().strip()


if __name__ == "__main__":
    main()
