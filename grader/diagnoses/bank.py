"""The bank: all known mistakes, by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.diagnoses import device, gradients, kernels, patterns, products, returns, training

if TYPE_CHECKING:
    from grader.diagnoses.mistake import Mistake
    from grader.result import Diagnosed

MISTAKES: tuple[Mistake, ...] = (
    *kernels.MISTAKES,
    *products.MISTAKES,
    *gradients.MISTAKES,
    *training.MISTAKES,
    *patterns.MISTAKES,
    *device.MISTAKES,
    *returns.MISTAKES,
)

BY_ID: dict[str, Mistake] = {mistake.id: mistake for mistake in MISTAKES}


def named(name: str, facts: str = "") -> tuple[Diagnosed, ...]:
    """The diagnosis of that id, for a check that has seen the mistake itself."""
    return (BY_ID[name].diagnosed(facts),)
