"""What came of an action: the worker's JSON, read into values that checks can look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from grader.actions import Action

    Array = NDArray[Any]


@dataclass(frozen=True)
class Value:
    """Something that student code returned, or an argument after the call.

    Attributes:
        kind: the type's name, "None" for None.
        dtype, shape: of arrays and NumPy scalars.
        array: the data, None where it could not be read.
        number: of a scalar.
        items: of a tuple or list.
        entries: of a dict.
        is_argument: label of the argument that was returned itself, "" if it is none.
    """

    kind: str
    dtype: str = ""
    shape: tuple[int, ...] = ()
    array: Array | None = None
    number: float | None = None
    items: tuple[Value, ...] = ()
    entries: Mapping[str, Value] = field(default_factory=dict)
    is_argument: str = ""

    def __str__(self) -> str:
        if self.dtype and self.kind in ("GPUArray", "ndarray"):
            return f"{self.kind} of {self.dtype} {self.shape}"
        if self.kind in ("tuple", "list"):
            return f"{self.kind} ({', '.join(map(str, self.items))})"
        if self.kind == "dict":
            return f"dict with the keys {', '.join(map(repr, self.entries)) or '(none)'}"
        return self.kind if self.number is None else f"{self.kind} {self.number:g}"


@dataclass(frozen=True)
class Outcome:
    """What one action came to.

    Attributes:
        returned: by the call, or the contents that were asked for.
        arguments: device arguments after the call, by position ("0") or keyword.
        launches: kernel launches it made, as `grader.worker.launches.Launch` in JSON.
        what: the function that was called, for messages.
        place: file and line of the function, where it is the student's.
        only_moved: of a `watched` call: no kernel of the submission made any of the results.
    """

    returned: Value
    arguments: Mapping[str, Value]
    launches: tuple[Mapping[str, Any], ...]
    what: str = ""
    place: tuple[str, int] | None = None
    only_moved: bool = False

    @property
    def own_threads(self) -> list[int]:
        """Threads of each launch of a kernel of the submission."""
        return [
            int(np.prod([*launch["grid"], *launch["block"]], dtype=np.int64))
            for launch in self.launches
            if launch["own"]
        ]


def outcome(action: Action, result: Mapping[str, Any], arrays: list[Array]) -> Outcome:
    """The outcome of an action; KeyError, TypeError and the like if the worker wrote nonsense."""
    arguments, place = result.get("arguments", {}), result.get("place")
    return Outcome(
        _value(result.get("returned", {"kind": "None"}), arrays),
        {str(label): _value(entry, arrays) for label, entry in arguments.items()},
        tuple(result.get("launches", ())),
        action.what,
        (str(place["file"]), int(place["line"])) if place else None,
        bool(result.get("only_moved")),
    )


def _value(entry: Mapping[str, Any], arrays: list[Array]) -> Value:
    index, number = entry.get("array"), entry.get("value")
    return Value(
        kind=str(entry["kind"]),
        dtype=str(entry.get("dtype", "")),
        shape=tuple(int(extent) for extent in entry.get("shape", ())),
        array=None if index is None else arrays[int(index)],
        number=None if number is None else float(number),
        items=tuple(_value(item, arrays) for item in entry.get("items", ())),
        entries={str(key): _value(item, arrays) for key, item in entry.get("entries", {}).items()},
        is_argument=str(entry.get("is_argument", "")),
    )
