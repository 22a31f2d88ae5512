"""Part 2: the linear classifier and its training."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from grader import curves, diagnoses, expect, lockstep, oracle, tolerance
from grader.checks import probes
from grader.checks.marks import part
from grader.judge import CheckFailure, Host, Kept, Outcome, call, new, put, take
from grader.lockstep import Training
from grader.student import Student, f64, labels, normal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]


def check_gemm(student: Student, M: int, K: int, N: int, **keywords: Any) -> None:
    """A product of random factors; alpha, beta and out as given in keywords."""
    ta, tb = keywords.get("transpose_a", False), keywords.get("transpose_b", False)
    alpha, beta = keywords.get("alpha", 1.0), keywords.get("beta", 0.0)
    A = normal(student.rng, *((K, M) if ta else (M, K)))
    B = normal(student.rng, *((N, K) if tb else (K, N)))
    out = keywords.get("out")
    before = None if out is None else f64(out)
    if before is not None and beta == 0.0:
        before = np.zeros_like(before)
    op_a, op_b = f64(A.T if ta else A), f64(B.T if tb else B)
    true = alpha * (op_a @ op_b) + (0.0 if before is None else beta * before)
    (outcome,) = student.run(call("blas.gemm", A, B, **keywords))
    expect.unchanged(outcome, A=(0, A), B=(1, B))
    yours = expect.device_array(outcome.returned, "C", (M, N))
    inputs = {"A": op_a, "B": op_b, "alpha": alpha, "beta": beta}
    inputs |= {"A_memory": f64(A), "B_memory": f64(B), "transpose_a": ta, "transpose_b": tb}
    if before is not None:
        inputs["C"] = before
    bound = tolerance.gemm(op_a, op_b, alpha, beta, before)
    expect.close("C", yours, true, bound, quantity="gemm", inputs=inputs)
    if out is not None and outcome.returned.is_argument != "out":
        raise CheckFailure(
            "gemm(…, out=C) should return C itself, not another array",
            diagnoses=diagnoses.named("out-not-returned"),
        )


@part("2.1", "product")
def test_gemm_product(student: Student) -> None:
    """gemm(A, B) is A B, row-major, whatever the shapes."""
    cases = ((2, 3, 2), (7, 13, 5), (1, 67, 3), (31, 1, 9), (131, 67, 10), (5, 7, 1))
    for M, K, N in student.shapes(*cases):
        check_gemm(student, M, K, N)
    for M, K, N in probes.sizes(student, *cases):
        probe_gemm(student, M, K, N)
    demand_cublas(student)


def demand_cublas(student: Student) -> None:
    """Demand that gemm calls cuBLAS, where kernels of the submission work at all in it."""
    product = call("blas.gemm", normal(student.rng, 7, 13), normal(student.rng, 13, 5))
    (outcome,) = student.run(product)
    if outcome.own_threads and student.products(product) == 0:
        raise CheckFailure(
            "the product is right, by a kernel of your own, which is more than was asked. But "
            "this task is to call cublasSgemm, whose view of memory it is about, and gemm calls "
            "nothing of cuBLAS: let one cublasSgemm multiply"
        )


def probe_gemm(
    student: Student, M: int, K: int, N: int, *, ta: bool = False, tb: bool = False
) -> None:
    """Probe gemm, with factors that it is told to transpose, or not."""

    def draw() -> tuple[Array, Array]:
        A, B = normal(student.rng, M, K), normal(student.rng, K, N)
        return (A.T.copy() if ta else A), (B.T.copy() if tb else B)

    def right(outcome: Outcome, A: Array, B: Array) -> None:
        op_a, op_b = f64(A.T if ta else A), f64(B.T if tb else B)
        true = op_a @ op_b
        yours = expect.device_array(outcome.returned, "C", true.shape)
        expect.close("C", yours, true, tolerance.gemm(op_a, op_b, 1.0, 0.0, None))

    transposed = (ta, tb) if ta or tb else ()
    subject = probes.Subject("blas.gemm", draw, right, transposed, quiet=probes.DEVICE)
    probes.probe(student, subject)


@part("2.1", "transposed")
def test_gemm_transposed(student: Student) -> None:
    """Either factor may be transposed, or both."""
    for ta, tb in ((True, False), (False, True), (True, True)):
        for M, K, N in student.shapes((7, 13, 5), (17, 3, 29), (6, 6, 6)):
            check_gemm(student, M, K, N, transpose_a=ta, transpose_b=tb)
        probe_gemm(student, 17, 3, 29, ta=ta, tb=tb)


@part("2.1", "alpha and beta")
def test_gemm_alpha_beta(student: Student) -> None:
    """The product is scaled by alpha, beta times out is added, and out is returned."""
    check_gemm(student, 7, 5, 11, alpha=-0.37)
    check_gemm(student, 7, 5, 11, alpha=0.5, beta=-1.25, out=normal(student.rng, 7, 11))
    # What `out` held is overwritten where beta is 0, even where it was not a number.
    nothing = np.full((3, 4), np.nan, dtype=np.float32)
    check_gemm(student, 3, 2, 4, transpose_b=True, out=nothing)


@part("2.1", "errors")
def test_gemm_errors(student: Student) -> None:
    """Shapes that don't fit, and beta without out, are a ValueError."""
    rng = student.rng
    A, B = normal(rng, 4, 3), normal(rng, 5, 6)
    fits = normal(rng, 3, 6)
    cases = (
        ("gemm of (4, 3) and (5, 6)", call("blas.gemm", A, B)),
        ("gemm of (4, 3) and (3, 6)ᵀ", call("blas.gemm", A, fits, transpose_b=True)),
        ("gemm with beta = 1 and no out", call("blas.gemm", A, fits, beta=1.0)),
        ("gemm into an out of (6, 4)", call("blas.gemm", A, fits, out=normal(rng, 6, 4))),
    )
    for what, action in cases:
        name = "beta-not-refused" if "beta" in what else "shapes-not-refused"
        accepted = diagnoses.named(name)
        try:
            raised = student.raised(action)
        except CheckFailure as found:
            if not found.findings:
                raise
            raise CheckFailure(
                f"{what} should raise ValueError; yours goes on: {found.message}",
                file=found.file,
                line=found.line,
                diagnoses=accepted,
                findings=found.findings,
            ) from None
        if raised != "ValueError":
            yours = f"raises {raised}" if raised else "raises nothing"
            raise CheckFailure(
                f"{what} should raise ValueError; yours {yours}",
                diagnoses=accepted if not raised else (),
            )


def classifier(
    rng: np.random.Generator, N: int, D: int, C: int
) -> tuple[dict[str, Array], Array, Array]:
    """Parameters and a batch for a linear classifier; b is not zero, X is not centred."""
    parameters = {"W": normal(rng, D, C, scale=0.5), "b": normal(rng, C)}
    return parameters, normal(rng, N, D) + np.float32(0.25), labels(rng, N, C)


def on_linear(parameters: dict[str, Array], method: str, *arguments: Any) -> list[Any]:
    """Actions: a classifier with these parameters, one call, and its parameters afterwards."""
    D, C = parameters["W"].shape
    return [
        new("model", "linear.LinearClassifier", D, C),
        put("model", **parameters),
        call(f"model.{method}", *arguments),
        take("model"),
    ]


SIZES = ((3, 5, 4), (67, 31, 10), (1, 13, 3))
"""N, D, C: small, ragged, and a batch of one."""
BATCH = (128, 784, 10)
"""N, D, C of a step in the training on images."""


def try_again(
    student: Student,
    method: str,
    *rest: Any,
    sizes: Sequence[tuple[int, int, int]] = SIZES[:2],
    labelled: bool = True,
) -> Iterator[probes.Trial]:
    """Call a method again and again on small and large batches, at last in odd ways."""
    what = f"linear.LinearClassifier.{method}"

    def run(rng: np.random.Generator, N: int, D: int, C: int) -> probes.Trial:
        draw = partial(classifier, rng, N, D, C)
        return probes.of_model(student, what, (D, C), draw, *rest, labelled=labelled)

    for N, D, C in sizes:
        yield student.once(f"{method} of {N}, again", partial(run, N=N, D=D, C=C))


class LinearGradients:
    """Results of one way to the gradients, on all sizes, looked at part by part.

    Args:
        student: whose.
        method: of LinearClassifier.
    """

    def __init__(self, student: Student, method: str) -> None:
        self._student, self._method = student, method
        self._student.require(f"linear.LinearClassifier.{method}")

    def check(self, name: str) -> None:
        """Compare "loss", "W" or "b" of every size."""
        for p, X, y, outcome in self._student.once(self._method, self._run):
            self._compare(name, p, X, y, outcome, f"linear.{name}")
        told_already = self._student.failed("outer_products")  # on which this builds
        apart = probes.any_run if name == "loss" or told_already else None
        for trial in try_again(self._student, self._method):
            trial.check(
                self._student, lambda r: self._compare(name, r.p, r.X, r.y, r.outcome), apart
            )

    def _compare(
        self,
        name: str,
        p: dict[str, Array],
        X: Array,
        y: Array,
        outcome: Outcome,
        quantity: str = "",
    ) -> None:
        returned_loss, gradients = expect.items(outcome.returned, "loss", "gradients")
        exact = {label: f64(values) for label, values in p.items()}
        true_loss, true = oracle.linear_gradients(exact, f64(X), y)
        bounds = tolerance.linear_gradients(exact, f64(X), y)
        inputs = {"p": exact, "X": f64(X), "y": y}
        if name == "loss":
            yours, wanted = expect.loss(returned_loss), np.array([true_loss])
        else:
            shape = p[name].shape
            yours = expect.device_array(expect.entry(gradients, name), f"d{name}", shape)
            wanted = true[name]
        shown = name if name == "loss" else f"d{name}"
        expect.close(shown, yours, wanted, bounds[name], quantity=quantity, inputs=inputs)

    def _run(self, rng: np.random.Generator) -> list[tuple[Any, Array, Array, Outcome]]:
        results = []
        for N, D, C in SIZES:
            p, X, y = classifier(rng, N, D, C)
            _, _, outcome, after = self._student.run(*on_linear(p, self._method, X, y))
            expect.unchanged(outcome, X=(0, X), y=(1, y))
            unmoved(p, after)
            results.append((p, X, y, outcome))
        return results


def unmoved(before: dict[str, Array], after: Outcome) -> None:
    """Demand that parameters are what they were."""
    for name, values in before.items():
        now = expect.entry(after.returned, name).array
        if now is None or now.tobytes() != values.tobytes():
            raise CheckFailure(
                f"the parameter {name} was changed; only step may change it",
                diagnoses=diagnoses.named("parameters-changed"),
            )


@part("2.2", "outer")
def test_outer_products(student: Student) -> None:
    """outer_products gives every example's gradient, G[n, d·C + c] = X[n, d]·dZ[n, c]."""
    with student.noting("outer_products"):
        check_outer_products(student)


def outer(outcome: Outcome, X: Array, dZ: Array, quantity: str = "", calls_before: int = 0) -> None:
    """Demand every example's outer product."""
    true = oracle.outer_products(f64(X), f64(dZ))
    yours = expect.device_array(outcome.returned, "G", true.shape)
    inputs = {"X": f64(X), "dZ": f64(dZ), "calls_before": calls_before}
    expect.close("G", yours, true, tolerance.rounding(true), quantity=quantity, inputs=inputs)


def check_outer_products(student: Student) -> None:
    """outer_products on random X (N, D) and dZ (N, C)."""
    cases = ((2, 3, 4), (1, 67, 10), (13, 31, 7))
    # A grid is at most 65,535 blocks high and deep.
    for N, D, C in (*student.shapes(*cases), (65_537, 1, 1)):
        X, dZ = normal(student.rng, N, D), normal(student.rng, N, C)
        for number, outcome in enumerate(student.kernel("outer_products", X, dZ)):
            expect.unchanged(outcome, X=(0, X), dZ=(1, dZ))
            outer(outcome, X, dZ, "outer_products", number)

    def draw(N: int, D: int, C: int) -> tuple[Array, Array]:
        return normal(student.rng, N, D), normal(student.rng, N, C)

    for sizes in probes.sizes(student, *cases):
        probes.launcher(student, "outer_products", partial(draw, *sizes), outer)


@part("2.2", "loss")
def test_by_reduction_loss(student: Student) -> None:
    """gradients_by_reduction returns the mean loss."""
    LinearGradients(student, "gradients_by_reduction").check("loss")


@part("2.2", "W")
def test_by_reduction_W(student: Student) -> None:
    """gradients_by_reduction averages the examples' dW."""
    LinearGradients(student, "gradients_by_reduction").check("W")


@part("2.2", "b")
def test_by_reduction_b(student: Student) -> None:
    """gradients_by_reduction averages the examples' db."""
    LinearGradients(student, "gradients_by_reduction").check("b")


def scored(run: probes.Run, quantity: str = "") -> None:
    """Demand X W + b."""
    p, X = {name: f64(values) for name, values in run.p.items()}, f64(run.X)
    true, bound = X @ p["W"] + p["b"], tolerance.scores(X, p["W"], p["b"])
    yours = expect.device_array(run.outcome.returned, "Z", true.shape)
    expect.close("Z", yours, true, bound, quantity=quantity, inputs={"p": p, "X": X})


@part("2.3", "scores")
def test_scores(student: Student) -> None:
    """Scores are Z = X W + b."""
    student.require("linear.LinearClassifier.scores")
    for N, D, C in SIZES:
        p, X, y = classifier(student.rng, N, D, C)
        _, _, outcome, after = student.run(*on_linear(p, "scores", X))
        expect.unchanged(outcome, X=(0, X))
        unmoved(p, after)
        scored(probes.Run(p, X, y, outcome, after), "scores")
    for trial in try_again(student, "scores", labelled=False):
        trial.check(student, scored)


@part("2.3", "loss")
def test_loss(student: Student) -> None:
    """The mean loss is returned beside the gradients."""
    LinearGradients(student, "gradients").check("loss")


@part("2.3", "W")
def test_W(student: Student) -> None:
    """The gradient dW matches the true one."""
    LinearGradients(student, "gradients").check("W")


@part("2.3", "b")
def test_b(student: Student) -> None:
    """The gradient db matches the true one."""
    LinearGradients(student, "gradients").check("b")


def updated(outcome: Outcome, w: Array, g: Array, rate: float, quantity: str = "") -> None:
    """Demand w − rate·g in the place of w."""
    true, bound = f64(w) - rate * f64(g), tolerance.update(f64(w), f64(g), rate)
    yours = expect.device_array(outcome.arguments["0"], "w", true.shape)
    inputs = {"w": f64(w), "g": f64(g), "learning_rate": rate}
    expect.close("w", yours, true, bound, quantity=quantity, inputs=inputs)


@part("2.4", "update")
def test_sgd_update(student: Student) -> None:
    """sgd_update subtracts learning_rate·g in place."""
    cases = ((5,), (67, 31), (1031,))
    for shape in student.shapes(*cases):
        w, g, rate = normal(student.rng, *shape), normal(student.rng, *shape), 0.3
        for outcome in student.kernel("sgd_update", w, g, rate):
            expect.nothing(outcome)
            expect.unchanged(outcome, g=(1, g))
            updated(outcome, w, g, rate, "sgd.update")
    right = partial(updated, rate=0.3)

    def draw(*shape: int) -> tuple[Array, Array]:
        return normal(student.rng, *shape), normal(student.rng, *shape)

    for shape in probes.sizes(student, *cases):
        probes.launcher(student, "sgd_update", partial(draw, *shape), right, 0.3)


@part("2.4", "step")
def test_linear_step(student: Student) -> None:
    """Step updates W and b by their gradients, and returns the loss before the update."""
    student.require("linear.LinearClassifier.step")
    for N, D, C in SIZES:
        p, X, y = classifier(student.rng, N, D, C)
        _, _, outcome, after = student.run(*on_linear(p, "step", X, y, RATE))
        expect.unchanged(outcome, X=(0, X), y=(1, y))
        check_step(probes.Run(p, X, y, outcome, after))
    probes.in_place(student, on_linear(p, "step", X, y, RATE))
    for trial in try_again(student, "step", RATE, sizes=(SIZES[0], BATCH)):
        trial.check(student, check_step, check_moved)


RATE = 0.4
"""Of the steps that are judged one by one."""


def check_step(run: probes.Run) -> None:
    """The loss that a step returned, and the parameters after it."""
    p = {name: f64(values) for name, values in run.p.items()}
    loss, _ = oracle.linear_gradients(p, f64(run.X), run.y)
    bounds = tolerance.linear_gradients(p, f64(run.X), run.y)
    state = {"p": p, "X": f64(run.X), "y": run.y, "learning_rate": RATE}
    yours, true = expect.loss(run.outcome.returned), np.array([loss])
    expect.close("loss", yours, true, bounds["loss"], quantity="step.loss", inputs=state)
    check_moved(run)


def check_moved(run: probes.Run) -> None:
    """The parameters after a step."""
    p = {name: f64(values) for name, values in run.p.items()}
    _, gradients = oracle.linear_gradients(p, f64(run.X), run.y)
    bounds = tolerance.linear_gradients(p, f64(run.X), run.y)
    state = {"p": p, "X": f64(run.X), "y": run.y, "learning_rate": RATE}
    for name, g in gradients.items():
        value = expect.entry(run.after.returned, name)
        yours = expect.device_array(value, name, p[name].shape)
        inputs = {**state, "w": p[name], "g": g}
        bound = tolerance.update(p[name], g, RATE, bounds[name])
        true = p[name] - RATE * g
        expect.close(name, yours, true, bound, quantity=f"step.{name}", inputs=inputs)


@part("2.5", "batches")
def test_batches(student: Student) -> None:
    """Training visits all examples each epoch, in the given order, the last partial batch too."""
    student.require("training.train")
    # 53 = 7·7 + 4: the last batch has 4 examples. Row n of X holds n, and y is a function of n.
    N, batch_size, epochs, rate, seed = 53, 7, 2, 0.25, int(student.rng.integers(1000))
    X = np.tile(np.arange(N, dtype=np.float32)[:, None], (1, 3))
    y = ((np.arange(N) * 7) % 10).astype(np.int32)
    _, outcome, seen = student.run(
        new("recorder", "grader.Recorder"),
        call("training.train", Kept("recorder"), Host(X), Host(y), epochs, batch_size, rate, seed),
        take("recorder"),
    )
    curves.check_batches(outcome, seen, y, N, batch_size, epochs, rate, seed)


@part("2.5", "curve")
def test_linear_curve(student: Student) -> None:
    """The loss curve on Fashion-MNIST is the true one, step by step."""
    student.require("training.train")
    # Two epochs of 20 steps, and a last batch of 67: an epoch's worth of what can go wrong.
    X, y = curves.images(student.rng, 19 * 128 + 67)
    seed, rate = int(student.rng.integers(1000)), 0.1
    D, C = X.shape[1], 10
    p = {"W": normal(student.rng, D, C, scale=D**-0.5), "b": np.zeros(C, dtype=np.float32)}
    title = "Loss of the linear classifier on Fashion-MNIST"
    model = "linear.LinearClassifier"
    lockstep.check(student, Training(title, model, (D, C), p, X, y, 2, 128, rate, seed))


@part("2.5", "accuracy")
def test_accuracy(student: Student) -> None:
    """Accuracy is the fraction right; of equal scores, the lowest index wins."""
    student.require("training.accuracy")
    for N, C in student.shapes((1031, 10), (97, 5), (1, 3)):
        # Scores from a few values have many ties, and half of the labels are the first of the best.
        scores = student.rng.integers(0, 3, (N, C)).astype(np.float32)
        y = np.where(
            student.rng.random(N) < 0.5,  # noqa: PLR2004 - a half
            scores.argmax(axis=1),
            student.rng.integers(0, C, N),
        ).astype(np.int32)
        _, outcome = student.run(
            new("echo", "grader.Echo"),
            call("training.accuracy", Kept("echo"), Host(scores), Host(y)),
        )
        curves.check_accuracy(outcome, scores, y)
