"""What must be left behind by what is timed, or replayed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader.timing import sizes
from grader.timing.subjects import Step, check_graph
from grader.verdicts import CheckFailure


def model(what: str) -> list[Any]:
    """Some parameters."""
    return [np.full(shape, 0.5, np.float32) for shape in sizes.parameter_shapes(what)]


@pytest.mark.parametrize("what", sizes.MODELS)
def test_equal_parameters(what: str) -> None:
    """A graph whose model ends where plain steps do passes; one that does not move fails."""
    mine, plain = model(what), model(what)
    check_graph(what, 0.0, mine + plain)
    mine[0] += 1
    with pytest.raises(CheckFailure, match="parameter 0 after ten replays"):
        check_graph(what, 0.0, mine + plain)


@pytest.mark.parametrize("what", sizes.MODELS)
def test_parameters_that_no_model_has(what: str) -> None:
    """Arrays that are missing, or of other shapes, are no parameters: nothing passes by them."""
    right = model(what)
    forged: list[list[Any]] = [[], right, right + right[1:], right + right[::-1]]
    forged.append([array.ravel()[:1] for array in right] * 2)
    for parameters in forged:
        with pytest.raises(CheckFailure):
            check_graph(what, 0.0, parameters)


def test_a_graph_launches_nothing_one_by_one() -> None:
    """Kernels that are launched beside the graph are no graph."""
    what = "linear.LinearClassifier"
    with pytest.raises(CheckFailure, match="nine replays launched 9 kernels one by one"):
        check_graph(what, 9.0, model(what) * 2)


@pytest.mark.parametrize("results", [(), (np.zeros(3),) * 2, (np.zeros(3),), (np.zeros((2, 2)),)])
def test_losses_that_no_worker_shows(results: tuple[Any, ...]) -> None:
    """Another number of losses, or of arrays, is a failure like any other."""
    with pytest.raises(CheckFailure):
        Step({}, [], 1).check({}, [], results, (np.zeros(4),))
