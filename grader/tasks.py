"""The table of tasks: what is graded, for how many points, and what builds on what.

Everything that names a task (checks, reports, stand-ins, the command line) reads this table, so
that a task's points, parts and prerequisites are written down once.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A named share of a task's points, earned or lost as a whole.

    Attributes:
        name: short, unique within the task; the name its check is marked with.
        points: what the part is worth.
    """

    name: str
    points: int


@dataclass(frozen=True)
class Task:
    """One task of the homework.

    Attributes:
        id: as in the handout, e.g. "2.3".
        title: what is true of right code, in the student's words.
        file: module that the student writes it in, e.g. "linear.py".
        functions: what the task provides, as "module.function" or "module.Class.method"; replaced
            by NumPy stand-ins for the tasks that build on it where the task failed.
        parts: the shares of its points, in the order in which they are checked.
        builds_on: ids of the tasks whose functions its own code may call.
        needs_gpu: timings cannot be measured on an emulated device.
        bonus: its points come on top of the 100.
    """

    id: str
    title: str
    file: str
    functions: tuple[str, ...]
    parts: tuple[Part, ...]
    builds_on: tuple[str, ...] = ()
    needs_gpu: bool = False
    bonus: bool = False

    @property
    def points(self) -> int:
        """The sum of the parts' points."""
        return sum(part.points for part in self.parts)

    def part(self, name: str) -> Part:
        """The part of that name; KeyError names the task where there is none."""
        for part in self.parts:
            if part.name == name:
                return part
        raise KeyError(f"task {self.id} has no part {name!r}")


def _parts(**points: int) -> tuple[Part, ...]:
    return tuple(Part(name.replace("_", " "), share) for name, share in points.items())


TASKS: tuple[Task, ...] = (
    Task(
        "1.1",
        "bias_add adds the bias to every row",
        "kernels.py",
        ("kernels.bias_add",),
        _parts(small=1, ragged=2, single=1),
    ),
    Task(
        "1.2",
        "softmax_xent gives each example's loss and gradient",
        "kernels.py",
        ("kernels.softmax_xent",),
        _parts(losses=2, gradient=2, ragged=2, classes=2, extreme=2),
    ),
    Task(
        "1.3",
        "column_mean averages the rows by a parallel reduction",
        "kernels.py",
        ("kernels.column_mean",),
        _parts(small=2, ragged=3, long=2, single=1, parallel=2),
    ),
    Task(
        "1.4",
        "activations and their derivatives",
        "kernels.py",
        ("kernels.activate", "kernels.activate_backward"),
        _parts(
            relu=1,
            sigmoid_and_tanh=1,
            extreme=1,
            relu_backward=1,
            sigmoid_and_tanh_backward=1,
            kinds=1,
        ),
    ),
    Task(
        "2.1",
        "gemm multiplies row-major matrices with cuBLAS",
        "blas.py",
        ("blas.gemm",),
        _parts(product=2, transposed=2, alpha_and_beta=1, errors=1),
    ),
    Task(
        "2.2",
        "the gradient of every example, averaged by a reduction",
        "linear.py",
        ("kernels.outer_products", "linear.LinearClassifier.gradients_by_reduction"),
        _parts(outer=2, loss=1, W=1, b=1),
        ("1.1", "1.2", "1.3", "2.1", "2.3"),  # it needs the scores, which are part of 2.3
    ),
    Task(
        "2.3",
        "dW and db match the true gradients",
        "linear.py",
        ("linear.LinearClassifier.scores", "linear.LinearClassifier.gradients"),
        _parts(scores=2, loss=1, W=3, b=2),
        ("1.1", "1.2", "1.3", "2.1"),
    ),
    Task(
        "2.4",
        "one step of gradient descent, on the device",
        "linear.py",
        ("kernels.sgd_update", "linear.LinearClassifier.step"),
        _parts(update=1, step=2),
        ("1.1", "1.2", "1.3", "2.1", "2.3"),
    ),
    Task(
        "2.5",
        "training follows the true loss curve",
        "training.py",
        ("training.train", "training.accuracy"),
        _parts(batches=3, curve=3, accuracy=2),
        ("1.1", "1.2", "1.3", "2.1", "2.3", "2.4"),
    ),
    Task(
        "3.1",
        "XOR from two ORs and an AND, by hand",
        "network.py",
        ("network.xor_network",),
        _parts(shape=1, hidden=1, truth=2),
    ),
    Task(
        "4.1",
        "the network's forward pass",
        "network.py",
        ("network.TwoLayerNetwork.forward",),
        _parts(hidden=3, logits=2),
        ("1.1", "1.4", "2.1"),
    ),
    Task(
        "4.2",
        "backpropagation gives every gradient",
        "network.py",
        ("network.TwoLayerNetwork.gradients",),
        _parts(W2=3, b2=2, W1=4, b1=2),
        ("1.1", "1.2", "1.3", "1.4", "2.1", "4.1"),
    ),
    Task(
        "4.3",
        "the network learns",
        "network.py",
        ("network.TwoLayerNetwork.step",),
        _parts(step=1, curve=2, accuracy=2),
        ("1.1", "1.2", "1.3", "1.4", "2.1", "2.4", "2.5", "4.1", "4.2"),
    ),
    Task(
        "5.1",
        "each kernel's time against the reference's",
        "kernels.py",
        (),
        _parts(bias_add=2, softmax_xent=2, column_mean=2, activate=2, activate_backward=2),
        ("1.1", "1.2", "1.3", "1.4"),
        needs_gpu=True,
    ),
    Task(
        "5.2",
        "one training step's time against the reference's",
        "training.py",
        (),
        _parts(step=5),
        ("4.3",),
        needs_gpu=True,
    ),
    Task(
        "5.3",
        "a whole training step as one CUDA graph",
        "training.py",
        (),  # no stand-in makes sense
        _parts(graph=5),
        ("2.4", "4.3"),
        needs_gpu=True,
        bonus=True,
    ),
)

KERNEL_TIMES = "5.1"
"""The task for which kernels are timed, or, where there is no GPU, their cost is counted."""

GRAPH = "training.graphed_step"
"""The function of the bonus, which nobody needs to have."""

FILES = ("kernels.py", "blas.py", "linear.py", "network.py", "training.py")
"""The files that a submission consists of; others may lie beside them."""


def judging_order() -> tuple[Task, ...]:
    """The tasks, each after those it builds on, otherwise in the order of the table."""
    ordered: list[Task] = []

    def visit(task: Task) -> None:
        for prerequisite in task.builds_on:
            visit(find(prerequisite))
        if task not in ordered:
            ordered.append(task)

    for task in TASKS:
        visit(task)
    return tuple(ordered)


def find(task: str) -> Task:
    """The task of that id; KeyError lists the ids there are."""
    for candidate in TASKS:
        if candidate.id == task:
            return candidate
    known = ", ".join(candidate.id for candidate in TASKS)
    raise KeyError(f"there is no task {task!r}; the tasks are {known}")
