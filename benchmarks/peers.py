"""PyTorch's and CuPy's times for the same work, as JSON: `python -m benchmarks.peers`.

A process of its own: PyTorch works in the device's primary context, PyCUDA in another.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from benchmarks.shapes import LEARNING_RATE, SHAPES, Shape, minibatch, parameters
from benchmarks.timing import wall_us

if TYPE_CHECKING:
    from collections.abc import Callable

COMPARED_STEPS = 20


def main() -> None:
    """Print {"name": …, "steps": {shape: {contender: µs}}, "losses": …} as the last line."""
    import torch  # noqa: PLC0415  this module is imported where there is none, too

    torch.backends.cuda.matmul.allow_tf32 = False
    steps: dict[str, dict[str, float]] = {}
    losses: dict[str, list[float]] = {}
    for shape in SHAPES:
        steps[str(shape)] = {}
        for name, make in (("eager", eager), ("compile", compiled), ("graph", graphed)):
            try:
                step = make(torch, shape)
                if name == "eager":
                    losses[str(shape)] = [step().item() for _ in range(COMPARED_STEPS)]
                steps[str(shape)][name] = wall_us(step, torch.cuda.synchronize)
            except Exception as error:  # noqa: BLE001, PERF203  a peer that fails is left out, and said so
                print(f"{name} {shape}: {error!r}", file=sys.stderr)
    found = {"name": f"PyTorch {torch.__version__}", "steps": steps, "losses": losses}
    print(json.dumps({**found, "cupy": cupy_kernels()}))


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
    return graph.replay  # type: ignore[no-any-return]


def cupy_kernels() -> dict[str, float]:
    """Return µs of the kernels that CuPy has an expression for, 256 MB in and out."""
    try:
        import cupy  # noqa: PLC0415  not everywhere
    except ImportError:
        return {}
    size = 1 << 26
    Z, b = cupy.random.standard_normal((size // 1024, 1024), dtype=cupy.float32), cupy.zeros(1024)
    out, b = cupy.empty_like(Z), b.astype(cupy.float32)
    narrow = Z.ravel()[: size // 10 * 10].reshape(-1, 10)
    synchronize = cupy.cuda.Device().synchronize
    work = {
        "bias_add": lambda: cupy.add(Z, b, out=Z),
        "activate relu": lambda: cupy.maximum(Z, 0, out=out),
        "activate tanh": lambda: cupy.tanh(Z, out=out),
        "column_mean K=1024": lambda: Z.mean(axis=0),
        "column_mean K=10": lambda: narrow.mean(axis=0),
    }
    return {name: wall_us(f, synchronize, steps=20, rounds=5) for name, f in work.items()}


if __name__ == "__main__":
    main()
