"""Evidence for pages."""

from __future__ import annotations

import math

import numpy as np
import pytest

from grader.evidence import MAP_COLUMNS, MAP_ROWS, heat_map


def test_small_matrix_is_kept() -> None:
    """A small matrix has a cell for each element, in units of what is allowed."""
    true = np.zeros((2, 3))
    yours = np.array([[0.0, 2.0, 0.0], [0.0, np.nan, 0.5]])
    made = heat_map("dW", yours, true, np.full((2, 3), 0.5))
    assert made.cells == ((0.0, 4.0, 0.0), (0.0, math.inf, 1.0))
    assert made.wrong == 2


def test_large_matrix_keeps_its_worst() -> None:
    """A large matrix is shown in few cells, each the worst of its elements."""
    true = np.zeros((784, 256))
    yours = true.copy()
    yours[783, 255] = 7.0
    made = heat_map("dW1", yours, true, np.array(1.0))
    assert len(made.cells) == MAP_ROWS
    assert len(made.cells[0]) == MAP_COLUMNS
    assert made.cells[-1][-1] == 7.0
    assert sum(map(sum, made.cells)) == 7.0
    assert made.shape == (784, 256)


def test_vector_is_a_row() -> None:
    """A vector is a matrix of one row."""
    assert heat_map("b", np.ones(5), np.zeros(5), np.ones(5)).shape == (1, 5)


@pytest.mark.parametrize("shape", [(2, 2, 2), (0, 3)])
def test_no_matrix(shape: tuple[int, ...]) -> None:
    """What is no matrix has no map."""
    with pytest.raises(ValueError, match="matrix"):
        heat_map("x", np.zeros(shape), np.zeros(shape), np.ones(shape))
