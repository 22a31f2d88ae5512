"""What a check asks of the worker: `call`, `new`, `put`, `take`, `keep`, `look` and the like."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    Array = NDArray[Any]


@dataclass(frozen=True)
class Action:
    """One thing for the worker to do; made by `call`, `new`, `put` and the like."""

    entry: Mapping[str, Any]
    arrays: tuple[Array, ...] = ()
    what: str = ""


@dataclass(frozen=True)
class Host:
    """An argument that stays a NumPy array."""

    array: Array


@dataclass(frozen=True)
class Kept:
    """An argument that an earlier action keeps under a name."""

    name: str


def call(what: str, *arguments: Any, **keywords: Any) -> Action:
    """Call "module.function", or "name.method" of an object made by `new`.

    Arrays are uploaded first; `Host` arrays are passed as they are; the rest must be JSON.
    """
    return _calling({"do": "call", "what": what}, arguments, keywords)


def new(name: str, what: str, *arguments: Any, **keywords: Any) -> Action:
    """Make an object, e.g. "linear.LinearClassifier", and keep it under a name."""
    return _calling({"do": "new", "what": what, "name": name}, arguments, keywords)


def put(name: str, **parameters: Array) -> Action:
    """Set parameters of a model."""
    entries = {label: {"device": i} for i, label in enumerate(parameters)}
    arrays = tuple(parameters.values())
    return Action({"do": "set", "name": name, "values": entries}, arrays, f"{name}.parameters")


def take(name: str) -> Action:
    """Read a model's parameters."""
    return Action({"do": "get", "name": name}, what=f"{name}.parameters")


def keep(name: str, array: Array) -> Action:
    """Upload an array once, to be passed as `Kept(name)`."""
    return Action({"do": "keep", "name": name, "value": {"device": 0}}, (array,), name)


def refill(name: str, array: Array) -> Action:
    """Put other numbers into an array that `keep` uploaded: same shape, same address."""
    return Action({"do": "refill", "name": name, "value": {"host": 0}}, (array,), name)


def kept(action: Action, name: str) -> Action:
    """The same call; what it returns can be looked at, or passed on, by that name."""
    return replace(action, entry={**action.entry, "name": name})


def hold(model: str, name: str) -> Action:
    """Keep the arrays that are a model's parameters now, to be looked at later."""
    return Action({"do": "hold", "model": model, "name": name}, what=f"{model}.parameters")


def look(name: str) -> Action:
    """Read again what a `kept` call returned, or what `hold` kept."""
    return Action({"do": "look", "name": name}, what=name)


def idle(action: Action, *what: str) -> Action:
    """The same call, while kernels of the submission ("kernels"), or cuBLAS, do nothing."""
    return replace(action, entry={**action.entry, "idle": what})


def blind(action: Action) -> Action:
    """The same call, while the host sees other numbers than the device holds."""
    return replace(action, entry={**action.entry, "blind": True})


def watched(action: Action) -> Action:
    """The same call, and whether kernels of the submission only move numbers about in it."""
    return replace(action, entry={**action.entry, "watched": True})


def _calling(
    entry: dict[str, Any], arguments: Iterable[Any], keywords: Mapping[str, Any]
) -> Action:
    arrays: list[Array] = []

    def encode(argument: Any) -> dict[str, Any]:
        if isinstance(argument, Kept):
            return {"ref": argument.name}
        if isinstance(argument, Host):
            arrays.append(argument.array)
            return {"host": len(arrays) - 1}
        if isinstance(argument, np.ndarray):
            arrays.append(argument)
            return {"device": len(arrays) - 1}
        return {"value": argument}

    entry["arguments"] = [encode(argument) for argument in arguments]
    entry["keywords"] = {label: encode(argument) for label, argument in keywords.items()}
    return Action(entry, tuple(arrays), str(entry["what"]))


def with_full_names(actions: Iterable[Action]) -> tuple[Action, ...]:
    """The same actions, "model.gradients" known as "linear.LinearClassifier.gradients"."""
    owners: dict[str, str] = {}
    named = []
    for action in actions:
        if action.entry["do"] == "new":
            owners[action.entry["name"]] = action.what
        owner, _, method = action.what.partition(".")
        full = f"{owners[owner]}.{method}" if owner in owners else action.what
        named.append(replace(action, what=full))
    return tuple(named)


def numbered(actions: Iterable[Action]) -> tuple[list[Mapping[str, Any]], list[Array]]:
    """The actions' entries with array numbers counted through all of them."""
    entries: list[Mapping[str, Any]] = []
    arrays: list[Array] = []
    for action in actions:
        first = len(arrays)
        arrays += action.arrays
        entries.append(_shift(action.entry, first))
    return entries, arrays


def _shift(entry: Any, by: int) -> Any:
    if isinstance(entry, dict):
        return {
            key: value + by if key in ("device", "host") else _shift(value, by)
            for key, value in entry.items()
        }
    return [_shift(item, by) for item in entry] if isinstance(entry, list) else entry
