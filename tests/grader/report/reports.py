"""A report with something of everything, hostile text included, that tests of reports share."""

from __future__ import annotations

import numpy as np

from grader import tasks
from grader.evidence import Curve, Timing, heat_map
from grader.result import Diagnosed, Found, PartResult, Report, Result, State

NASTY = "</script><img src=x onerror=alert(1)>\x1b[31m\x00\u202e&\"' ]]> \ud800"
"""What a submission may say: markup, a terminal's escapes, NUL, a turned line, half a character."""

KERNELS = "SOURCE = '''\n__global__ void k() {\n  sums[t] = s;\n  x += sums[t + 1];\n}\n'''\n"
LINEAR = 'def gradients(X):\n    """Doc.\n\n    More.\n    """\n    return X  # </code><b>\n'

RACE = Found(
    "race",
    "race in k at kernels.py:3: no barrier\n    kernels.py:3 | sums[t] = s;\n"
    "    kernels.py:4 | x += sums[t + 1];",
    "k",
    "kernels.py",
    3,
)
MEAN = Diagnosed("sum-not-mean", "the average is missing", "Divide by N, once (eq. 7).")


def curve(parts_at: int | None = 5) -> Curve:
    """Ten losses."""
    true = tuple(2.0 - 0.1 * step for step in range(10))
    if parts_at is None:
        return Curve("Loss of the network", true, true)
    yours = tuple(loss + 0.5 * (step >= parts_at) for step, loss in enumerate(true))
    return Curve("Loss of the classifier", yours, true, parts_at, "dW parts first.")


def passed(task: str) -> Result:
    """A task with all its points."""
    entry = tasks.find(task)
    parts = tuple(PartResult(p.name, f"{p.name} is right", p.points, p.points) for p in entry.parts)
    return Result(
        task, entry.title, State.PASSED, entry.points, entry.points, seconds=0.5, parts=parts
    )


def wrong(task: str, *parts: PartResult, file: str, line: int) -> Result:
    """A task that is not right, from its parts."""
    entry = tasks.find(task)
    score = sum(part.points for part in parts)
    first = next(part for part in parts if part.message)
    return Result(
        task, entry.title, State.PARTIAL if score else State.FAILED, score, entry.points,
        first.message, file, line,
        tuple(d for part in parts for d in part.diagnoses),
        tuple(f for part in parts for f in part.findings),
        parts=parts, evidence=tuple(e for part in parts for e in part.evidence),
    )  # fmt: skip


def report() -> Report:
    """Every state, every kind of evidence."""
    true = np.arange(40.0).reshape(8, 5)
    error = heat_map("dW", true * 8, true, np.full(true.shape, 1e-3))
    trained = passed("4.3")
    results = (
        passed("1.1"),
        wrong(
            "1.3",
            PartResult("small", "a small mean", 0, 2, RACE.text, "kernels.py", 3, findings=(RACE,)),
            PartResult("ragged", "ragged shapes", 0, 8),
            file="kernels.py",
            line=3,
        ),
        wrong(
            "2.3",
            PartResult("scores", "scores", 2, 2),
            PartResult("loss", "loss", 1, 1),
            PartResult("W", "dW", 0, 3, NASTY, "linear.py", 1, (MEAN,), evidence=(error,)),
            PartResult("b", "db", 0, 2, "db differs", "linear.py", 1),
            file="linear.py",
            line=1,
        ),
        wrong(
            "2.5",
            PartResult("batches", "batches", 3, 3),
            PartResult("curve", "the curve", 0, 3, "it parts", evidence=(curve(),)),
            PartResult("accuracy", "accuracy", 2, 2),
            file="training.py",
            line=9,
        ),
        Result(
            "3.1", "XOR", State.GRADER_FAULT, 0, 0, "KeyError: 'x'",
            parts=(PartResult("shape", "shape", 0, 4, "KeyError: 'x'", fault="Traceback …"),),
        ),
        Result("4.2", "backpropagation", State.NOT_STARTED, 0, 11, file="network.py"),
        Result(
            **{**vars(trained), "evidence": (curve(None),)}  # passed, with a curve to look at
        ),
        Result("5.1", "times", State.NOT_MEASURED, 0, 10, "needs a GPU"),
    )  # fmt: skip
    return Report(
        "emulator", "no NVIDIA GPU", 7, f"mine{NASTY}", results, (f"note {NASTY}",), 2.75,
        output=f"printed {NASTY}", sources={"kernels.py": KERNELS, "linear.py": LINEAR},
    )  # fmt: skip


def timed() -> Report:
    """A report with times, as on a GPU."""
    timing = Timing("bias_add of 60000 × 512", 81.25, 79.0)
    task = passed("5.1")
    result = Result(**{**vars(task), "evidence": (timing,)})
    return Report("gpu", "", 7, "mine", (result,), seconds=1.0)
