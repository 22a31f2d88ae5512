"""What checks demand of values, and the messages that say by how much they miss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grader import diagnoses, tolerance
from grader.evidence import heat_map
from grader.judge import CheckFailure, Outcome, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Array = NDArray[Any]


def device_array(value: Value, name: str, shape: tuple[int, ...], dtype: str = "float32") -> Array:
    """The data of a returned device array, in float64 (integers as they are).

    Args:
        value: as it came back.
        name: of the quantity, as in the handout.
        shape: that the contract says.
        dtype: that the contract says.

    Raises:
        CheckFailure: another type, shape or dtype.
    """
    if value.kind != "GPUArray":
        known = {"None": "returns-none", "ndarray": "host-array-returned"}.get(value.kind)
        raise CheckFailure(
            f"{name} should be a GPUArray {shape}; yours is {value}",
            diagnoses=diagnoses.named(known) if known else (),
        )
    if value.shape != shape:
        raise CheckFailure(
            f"{name} should have the shape {shape}; yours has {value.shape}",
            diagnoses=diagnoses.named(_wrong_shape(name, value.shape, shape)),
        )
    if value.dtype != dtype:
        known = "float64-result" if value.dtype == "float64" else "dtype-wrong"
        raise CheckFailure(
            f"{name} should be {dtype}; yours is {value.dtype}", diagnoses=diagnoses.named(known)
        )
    if value.array is None or value.array.shape != shape:
        raise CheckFailure(f"{name} could not be read: it is not C-contiguous")
    return value.array.astype(np.float64) if dtype == "float32" else value.array


def _wrong_shape(name: str, yours: tuple[int, ...], true: tuple[int, ...]) -> str:
    """The entry of the bank for a wrong shape."""
    if name == "loss":
        return "loss-shape"
    if yours == true[::-1]:
        return "shape-transposed"
    return "shape-flat" if np.prod(yours) == np.prod(true) else "shape-wrong"


def items(value: Value, *names: str) -> tuple[Value, ...]:
    """The items of a returned tuple; CheckFailure if it is none of that many."""
    if value.kind not in ("tuple", "list") or len(value.items) != len(names):
        known = "returns-none" if value.kind == "None" else "not-a-tuple"
        raise CheckFailure(
            f"should return ({', '.join(names)}); yours returns {value}",
            diagnoses=diagnoses.named(known),
        )
    return value.items


def entry(value: Value, key: str) -> Value:
    """An entry of a returned dict; CheckFailure if there is none."""
    if value.kind != "dict" or key not in value.entries:
        known = "key-missing" if value.kind == "dict" else "items-swapped"
        raise CheckFailure(
            f"should be a dict with the key {key!r}; yours is {value}",
            diagnoses=diagnoses.named(known) if value.kind != "None" else (),
        )
    return value.entries[key]


def loss(value: Value) -> Array:
    """A loss as a float64 array (1,): a GPUArray (1,), or a number of Python's or NumPy's."""
    if value.number is not None:
        return np.array([value.number])
    if value.kind == "dict":
        raise CheckFailure(
            f"the loss comes first; yours is {value}", diagnoses=diagnoses.named("items-swapped")
        )
    return device_array(value, "loss", (1,))


def nothing(outcome: Outcome) -> None:
    """Demand that a function that works in place returned None."""
    if outcome.returned.kind != "None":
        name = outcome.what.split(".")[-1]
        raise CheckFailure(
            f"{name} works in place and returns None; yours returns {outcome.returned}",
            diagnoses=diagnoses.named("returns-instead-of-in-place"),
        )


def own_kernel(outcome: Outcome) -> None:
    """Demand that a kernel of the submission was launched: not NumPy nor cuBLAS did the work."""
    if not outcome.own_threads:
        name = outcome.what.split(".")[-1]
        raise CheckFailure(
            f"{name} launched no kernel of yours: the task is to write the CUDA kernel itself, "
            "not to leave the work to NumPy, gpuarray or cuBLAS",
            diagnoses=diagnoses.named("no-kernel"),
        )


def unchanged(outcome: Outcome, **inputs: tuple[int | str, Array]) -> None:
    """Demand that arguments hold the same bytes as before: name=(position or keyword, array)."""
    for name, (label, before) in inputs.items():
        after = outcome.arguments[str(label)].array
        if after is None or after.tobytes() != np.ascontiguousarray(before).tobytes():
            raise CheckFailure(
                f"{name} is an input, but was changed by the call",
                diagnoses=diagnoses.named("input-modified"),
            )


def close(
    name: str,
    yours: Array,
    true: Array,
    bound: Array | float,
    *,
    quantity: str = "",
    inputs: Mapping[str, Any] | None = None,
) -> None:
    """Demand that every element lies within what is allowed.

    Args:
        name: of the quantity, as in the handout.
        yours: the submission's values.
        true: the float64 truth, of the same shape.
        bound: of `grader.tolerance`, before its safety factor.
        quantity: under which the bank of known mistakes lists it, "" for none.
        inputs: from which known mistakes are computed.

    Raises:
        CheckFailure: with the worst element, how many differ, and known mistakes that match.
    """
    limit = np.broadcast_to(tolerance.allowed(bound), true.shape)
    wrong = differing(yours, true, limit)
    if not wrong.any():
        return
    found = diagnoses.recognise(quantity, yours, true, limit, inputs or {})
    shown = (heat_map(name, yours, true, limit),) if true.ndim == 2 and true.size > 1 else ()  # noqa: PLR2004 - a matrix
    raise CheckFailure(f"{name}: {worst(yours, true, limit)}", diagnoses=found, evidence=shown)


def differing(yours: Array, true: Array, limit: Array) -> NDArray[np.bool_]:
    """Where elements differ by more than allowed, NaN included."""
    with np.errstate(invalid="ignore"):
        return np.asarray(~(np.abs(yours - true) <= limit))


def worst(yours: Array, true: Array, limit: Array) -> str:
    """How many elements differ, and the worst: not-a-number first, else the largest excess."""
    wrong = differing(yours, true, limit)
    with np.errstate(invalid="ignore", over="ignore"):
        excess = np.where(np.isfinite(yours), np.abs(yours - true) / limit, np.inf)
    place = np.unravel_index(int(np.argmax(excess)), true.shape)
    index = f"[{', '.join(str(int(i)) for i in place)}]"
    count = int(wrong.sum())
    numbers = f"yours {number(yours[place])}, true {number(true[place])}"
    told = f"{numbers} (allowed ±{limit[place]:.0e})"
    if true.size == 1:
        return told
    return f"{count:,} of {true.size:,} elements differ; worst at {index}: {told}"


def number(value: float) -> str:
    """A number as messages show it."""
    return f"{value:.6g}"
