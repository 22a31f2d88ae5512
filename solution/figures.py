"""Draw the pictures of the handout: `python -m solution.figures` writes solution/figures/*.png.

NumPy and matplotlib only, seeded, no dates in the files: the same versions draw the same bytes.
What the pictures were drawn from is recorded beside them, in figures.json, so that a test can tell
when they are stale.

Colours are Okabe and Ito's (https://jfly.uni-koeln.de/color/), which colour-blind readers can tell
apart.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure

from data import spiral, xor

FOLDER = Path(__file__).with_name("figures")
RECORD = FOLDER / "figures.json"
_SOURCES = (Path(__file__), Path(__file__).parents[1] / "data" / "toys.py")

INK, GREY, PALE = "#222222", "#888888", "#eeeeee"
BLUE, ORANGE, GREEN, RED = "#0072b2", "#e69f00", "#009e73", "#d55e00"
CLASSES = (BLUE, ORANGE, GREEN)

Floats = npt.NDArray[np.float64]


def main() -> None:
    """Draw all pictures, and record what they were drawn from."""
    FOLDER.mkdir(exist_ok=True)
    for name, draw in FIGURES.items():
        write(draw(), FOLDER / f"{name}.png")
        print(f"{name}.png")
    RECORD.write_text(json.dumps(record(FOLDER), indent=1) + "\n", encoding="utf-8")


def write(figure: Figure, file: Path) -> None:
    """Save a figure as a PNG without version or date in it."""
    figure.savefig(file, dpi=120, metadata={"Software": None})


def record(folder: Path) -> dict[str, object]:
    """What the pictures in a folder were drawn from, and by which versions."""
    return {
        "inputs_sha256": inputs_sha256(),
        "matplotlib": mpl.__version__,
        "numpy": np.__version__,
        "files": {
            f"{name}.png": hashlib.sha256((folder / f"{name}.png").read_bytes()).hexdigest()
            for name in FIGURES
        },
    }


def inputs_sha256() -> str:
    """The digest of the code that draws: of this file and of the toy data."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in _SOURCES)).hexdigest()


def _figure(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False)[0]
    return figure, list(axes)


def _blank(axes: Axes, width: float, height: float) -> None:
    """Make the axes an empty sheet of that size, y downwards, one unit as long in x as in y."""
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    axes.set_axis_off()


def _box(axes: Axes, x: float, y: float, w: float, h: float, text: str, colour: str) -> None:
    """A box with a pale filling and text in its middle; x, y is its upper left corner."""
    pale = tuple(0.8 + 0.2 * channel for channel in to_rgb(colour))
    axes.add_patch(mpl.patches.Rectangle((x, y), w, h, facecolor=pale, edgecolor=colour, lw=1.2))
    axes.text(x + w / 2, y + h / 2, text, ha="center", va="center", color=INK, fontsize=9)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "lw": 1.2, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=end, xytext=start, arrowprops=style)


def reduction() -> Figure:
    """A tree that adds up eight numbers in three rounds, in place."""
    values = [3, 1, 4, 1, 5, 9, 2, 6]
    figure, (axes,) = _figure(7.2, 3.3)
    _blank(axes, 10.2, 4.6)
    for round_ in range(4):
        y = 0.2 + 1.2 * round_
        live = 8 >> round_
        for i, value in enumerate(values):
            colour = BLUE if i < live else GREY
            _box(axes, 0.1 + i, y, 0.8, 0.6, str(value) if i < live else "", colour)
        if live == 1:
            axes.text(8.4, y + 0.3, "the sum", va="center", color=INK, fontsize=9)
            break
        half = live // 2
        for i in range(half):
            _arrow(axes, (0.5 + i, y + 0.62), (0.5 + i, y + 1.18), BLUE)
            _arrow(axes, (0.5 + i + half, y + 0.62), (0.62 + i, y + 1.18), ORANGE)
        label = f"{half} threads" if half > 1 else "1 thread"
        axes.text(8.4, y + 0.78, label, va="center", color=INK, fontsize=9)
        axes.text(8.4, y + 1.08, "barrier", va="center", color=RED, fontsize=9, style="italic")
        axes.plot([0, 8.2], [y + 1.06] * 2, color=RED, lw=0.8, ls=(0, (3, 3)))
        values = [values[i] + values[i + half] for i in range(half)] + values[half:]
    return figure


def layout() -> Figure:
    """The same six numbers in memory, read by rows and by columns."""
    figure, (axes,) = _figure(7.2, 3.2)
    _blank(axes, 11, 4.9)
    colours = [BLUE] * 3 + [ORANGE] * 3
    for i, colour in enumerate(colours):
        _box(axes, 2.5 + i, 0.6, 1, 0.7, str(i + 1), colour)
        row, column = divmod(i, 3)
        _box(axes, 0.6 + column, 2.7 + 0.7 * row, 1, 0.7, str(i + 1), colour)
        _box(axes, 7.4 + row, 2.35 + 0.7 * column, 1, 0.7, str(i + 1), colour)
    axes.text(5.5, 0.3, "memory", ha="center", color=INK, fontsize=10)
    _arrow(axes, (3.9, 1.45), (2.6, 2.5), GREY)
    _arrow(axes, (7.1, 1.45), (8.2, 2.2), GREY)
    axes.text(2.95, 1.8, "row by row", ha="right", color=INK, fontsize=9)
    axes.text(7.95, 1.8, "column by column", color=INK, fontsize=9)
    axes.text(2.1, 4.55, "NumPy and C: A, 2 × 3", ha="center", color=INK, fontsize=10)
    axes.text(8.4, 4.8, "cuBLAS: Aᵀ, 3 × 2", ha="center", color=INK, fontsize=10)
    axes.text(7.0, 3.4, "leading\ndimension 3", ha="right", va="center", color=INK, fontsize=9)
    axes.plot([7.2, 7.2], [2.4, 4.4], color=GREY, lw=1)
    return figure


def descent() -> Figure:
    """Full-batch and minibatch gradient descent on the loss of a linear regression."""
    rng = np.random.default_rng(3)
    N, rate, steps = 400, 0.12, 100
    x = rng.standard_normal((2, N)) * [
        [1.0],
        [0.45],
    ]  # two features of different size: a long valley
    y = np.array([1.2, -1.6]) @ x + 0.8 * rng.standard_normal(N)

    def walk(batch: int) -> Floats:
        w = np.array([-1.2, 0.6])
        path = [w]
        for _ in range(steps):
            rows = rng.permutation(N)[:batch]
            w = w - rate * 2 * x[:, rows] @ (w @ x[:, rows] - y[rows]) / batch
            path.append(w)
        return np.array(path)

    figure, (axes,) = _figure(5.6, 3.9)
    w1, w2 = np.meshgrid(np.linspace(-1.7, 2.2, 120), np.linspace(-2.4, 1.1, 120))
    loss = ((np.stack([w1, w2], -1) @ x - y) ** 2).mean(-1)
    axes.contour(w1, w2, loss, levels=12, colors=GREY, linewidths=0.6)
    for batch, colour, marker, label in (
        (N, BLUE, "o", f"all {N} examples a step"),
        (8, RED, "s", "8 examples a step"),
    ):
        path = walk(batch)
        axes.plot(*path.T, marker=marker, ms=3, lw=1.1, color=colour, label=label)
    axes.plot(*np.linalg.lstsq(x.T, y, rcond=None)[0], "*", ms=13, color=INK, label="the minimum")
    axes.set(xlabel="$w_1$", ylabel="$w_2$")
    axes.legend(loc="upper right", fontsize=8, framealpha=1)
    return figure


def _sigmoid(z: Floats) -> Floats:
    return 1 / (1 + np.exp(-z))


def gates() -> Figure:
    """XOR as the AND of two ORs, each a soft gate over the unit square."""
    sharpness = 10  # softer than the homework asks for: the picture is to show that gates are soft
    side = np.linspace(-0.4, 1.4, 241)
    x1, x2 = np.meshgrid(side, side)
    either = _sigmoid(sharpness * (x1 + x2 - 0.5))
    not_both = _sigmoid(sharpness * (1.5 - x1 - x2))
    both = _sigmoid(sharpness * (either + not_both - 1.5))
    X, y = xor()
    figure, panels = _figure(8.6, 3.1, 3)
    titles = ("$x_1$ OR $x_2$", "(not $x_1$) OR (not $x_2$)", "the AND of both: XOR")
    for axes, on, title in zip(panels, (either, not_both, both), titles, strict=True):
        axes.contourf(x1, x2, on, levels=np.linspace(0, 1, 11), cmap="Blues", vmin=0, vmax=1.6)
        axes.contour(x1, x2, on, levels=[0.5], colors=INK, linewidths=1)
        for label, colour, marker, name in ((0, "white", "o", "false"), (1, ORANGE, "s", "true")):
            points = X[y == label]
            axes.plot(*points.T, marker, ms=9, mfc=colour, mec=INK, ls="", label=f"XOR is {name}")
        axes.set(title=title, xticks=[0, 1], yticks=[0, 1], aspect="equal", xlabel="$x_1$")
    panels[0].set_ylabel("$x_2$")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def activations() -> Figure:
    """The three activations and their derivatives."""
    z = np.linspace(-4, 4, 401)
    a = _sigmoid(z)
    curves = {
        "relu": (np.maximum(0, z), np.where(z > 0, 1.0, 0.0)),
        "sigmoid": (a, a * (1 - a)),
        "tanh": (np.tanh(z), 1 - np.tanh(z) ** 2),
    }
    figure, panels = _figure(8.6, 2.7, 3)
    for axes, (name, (value, slope)) in zip(panels, curves.items(), strict=True):
        axes.axhline(0, color=GREY, lw=0.6)
        axes.axvline(0, color=GREY, lw=0.6)
        axes.plot(z, value, color=BLUE, lw=2, label=r"$\varphi(z)$")
        axes.plot(z, slope, color=RED, lw=1.6, ls="--", label=r"$\varphi'(z)$")
        axes.set(title=name, xlabel="$z$", ylim=(-1.15, 2.1), xticks=[-4, -2, 0, 2, 4])
    panels[0].legend(loc="upper left")
    return figure


def train_tanh_network(X: Floats, y: npt.NDArray[np.int32], H: int, seed: int) -> list[Floats]:
    """W1, b1, W2, b2 of a two-layer tanh network after 3000 full-batch steps of Adam.

    Adam (Kingma and Ba 2015), since plain gradient descent takes far more steps on the spiral.
    """
    rng = np.random.default_rng(seed)
    D, C, N = X.shape[1], int(y.max()) + 1, len(X)
    parameters = [
        2 * rng.standard_normal((D, H)),
        rng.standard_normal(H),
        rng.standard_normal((H, C)) / np.sqrt(H),
        np.zeros(C),
    ]
    mean = [np.zeros_like(p) for p in parameters]
    square = [np.zeros_like(p) for p in parameters]
    for step in range(1, 3001):
        W1, b1, W2, b2 = parameters
        A = np.tanh(X @ W1 + b1)
        Z = A @ W2 + b2
        dZ = np.exp(Z - Z.max(axis=1, keepdims=True))
        dZ /= dZ.sum(axis=1, keepdims=True)
        dZ[np.arange(N), y] -= 1
        dZ /= N
        dZ1 = dZ @ W2.T * (1 - A**2)
        gradients = [X.T @ dZ1, dZ1.sum(axis=0), A.T @ dZ, dZ.sum(axis=0)]
        for i, g in enumerate(gradients):
            mean[i] += 0.1 * (g - mean[i])
            square[i] += 0.001 * (g * g - square[i])
            scale = np.sqrt(square[i] / (1 - 0.999**step)) + 1e-8
            parameters[i] -= 0.02 * mean[i] / (1 - 0.9**step) / scale
    return parameters


def _classes(parameters: list[Floats], X: Floats) -> npt.NDArray[np.intp]:
    W1, b1, W2, b2 = parameters
    scores: Floats = np.tanh(X @ W1 + b1) @ W2 + b2
    return np.asarray(scores.argmax(axis=1))


def universal() -> Figure:
    """Decision regions on the spiral for 2, 8 and 64 hidden units."""
    points, y = spiral(100, classes=3, seed=0)
    X = points.astype(np.float64)
    side = np.linspace(-1.25, 1.25, 300)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    pale = ListedColormap([tuple(0.6 + 0.4 * v for v in to_rgb(c)) for c in CLASSES])
    figure, panels = _figure(8.6, 3.2, 3)
    for axes, H in zip(panels, (2, 8, 64), strict=True):
        parameters = train_tanh_network(X, y, H, seed=1)
        regions = _classes(parameters, grid).reshape(300, 300)
        axes.pcolormesh(side, side, regions, cmap=pale, rasterized=True)
        for c, marker in enumerate("os^"):
            axes.plot(*X[y == c].T, marker, ms=3.2, mfc=CLASSES[c], mec="white", mew=0.4)
        right = np.mean(_classes(parameters, X) == y)
        axes.set(title=f"{H} hidden units: {right:.0%} right", xticks=[], yticks=[], aspect="equal")
    return figure


def network() -> Figure:
    """The chain forward and backward, with shapes."""
    figure, (axes,) = _figure(8.6, 3.5)
    _blank(axes, 17.2, 7)
    forward = [
        ("X", "N × D", GREY),
        ("Z₁", "N × H", BLUE),
        ("A", "N × H", BLUE),
        ("Z", "N × C", BLUE),
        ("loss", "N", BLUE),
    ]
    xs = [0.2, 4.0, 7.8, 11.6, 15.2]
    for x, (name, shape, colour) in zip(xs, forward, strict=True):
        _box(axes, x, 1.2, 1.8, 1.1, f"{name}\n{shape}", colour)
    for x, name, shape in ((4.0, "dZ₁", "N × H"), (7.8, "dA", "N × H"), (11.6, "dZ", "N × C")):
        _box(axes, x, 4.0, 1.8, 1.1, f"{name}\n{shape}", RED)
    for x, name, shape in ((0.2, "dW₁, db₁", "D × H,  H"), (7.8, "dW₂, db₂", "H × C,  C")):
        _box(axes, x - 0.1 * (x > 1), 5.75, 2.4, 1.1, f"{name}\n{shape}", GREEN)
    labels = ("W₁ product,\n+ b₁", "φ", "W₂ product,\n+ b₂", "softmax")
    for left, right, label in zip(xs[:-1], xs[1:], labels, strict=True):
        _arrow(axes, (left + 1.85, 1.75), (right - 0.05, 1.75), BLUE)
        middle = (left + 1.8 + right) / 2
        axes.text(middle, 1.6, label, ha="center", va="bottom", fontsize=8, color=INK)
    _arrow(axes, (16.1, 2.35), (13.45, 4.4), RED)
    axes.text(15.2, 3.6, "p − onehot(y)", fontsize=8, color=INK)
    for right, left, label in ((11.6, 9.6, "W₂ᵀ product"), (7.8, 5.8, "⊙ φ′")):
        _arrow(axes, (right - 0.05, 4.55), (left + 0.05, 4.55), RED)
        axes.text((left + right) / 2, 4.4, label, ha="center", va="bottom", fontsize=8, color=INK)
    _arrow(axes, (4.9, 5.15), (2.65, 6.2), GREEN)
    axes.text(4.1, 6.0, "Xᵀ product,\nmean over N", fontsize=8, color=INK, va="center")
    _arrow(axes, (12.5, 5.15), (10.15, 6.2), GREEN)
    axes.text(11.7, 6.0, "Aᵀ product,\nmean over N", fontsize=8, color=INK, va="center")
    axes.text(0.2, 0.4, "forward", fontsize=10, color=BLUE, weight="bold")
    axes.text(13.9, 4.6, "backward", fontsize=10, color=RED, weight="bold")
    return figure


FIGURES: Mapping[str, Callable[[], Figure]] = {
    "reduction": reduction,
    "layout": layout,
    "descent": descent,
    "xor": gates,
    "activations": activations,
    "spiral": universal,
    "network": network,
}

if __name__ == "__main__":
    main()
