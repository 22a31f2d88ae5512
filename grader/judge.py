"""Holds what a submission must not know, runs it in a worker, and reads what comes back.

The judge never imports student code nor PyCUDA. It sends inputs, gets raw arrays, and decides which
functions are replaced by stand-ins.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from grader import tasks
from grader.process import WorkerDiedError, WorkerProcess
from grader.result import Diagnosed, Found

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from numpy.typing import NDArray

    Array = NDArray[Any]

ROOT = Path(__file__).resolve().parents[1]


class WorkerStartError(Exception):
    """The process for student code could not be started; the message holds what it wrote."""


class CheckFailure(Exception):  # noqa: N818 - a verdict on the submission, no error of the grader
    """A check's verdict: something of the student's is wrong.

    Attributes:
        message: what, in the student's words.
        file, line: the student's own place, None where unknown.
        diagnoses: known mistakes recognised.
        findings: of the checked device.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        diagnoses: tuple[Diagnosed, ...] = (),
        findings: tuple[Found, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message, self.file, self.line = message, file, line
        self.diagnoses, self.findings = diagnoses, findings


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
    """

    returned: Value
    arguments: Mapping[str, Value]
    launches: tuple[Mapping[str, Any], ...]
    what: str = ""
    place: tuple[str, int] | None = None

    @property
    def own_threads(self) -> list[int]:
        """Threads of each launch of a kernel of the submission."""
        return [
            int(np.prod([*launch["grid"], *launch["block"]], dtype=np.int64))
            for launch in self.launches
            if launch["own"]
        ]


@dataclass(frozen=True)
class Action:
    """One thing for the worker to do; made by `call`, `new`, `put`, `take` and `keep`."""

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


class Judge:
    """One submission under judgement.

    Args:
        folder: the submission's files.
        seed: from which every check's inputs are drawn.
        device: the judge's own device.py.
        replaced: functions to replace by stand-ins from the beginning.
        waiting: called if the device takes long to start.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        device: Path,
        replaced: Iterable[str] = (),
        waiting: Callable[[], None] | None = None,
    ) -> None:
        self.folder, self.seed = folder.resolve(), seed
        self._device = device.resolve()
        self.replaced = set(replaced)
        self._waiting = waiting
        self._loaded: frozenset[str] | None = None
        self._worker: WorkerProcess | None = None
        self._scratch = Path(tempfile.mkdtemp(prefix="grader-"))
        self._faults: dict[str, Mapping[str, Any]] = {}
        self._missing: frozenset[str] = frozenset()
        self._too_slow: dict[str, str] = {}
        self._output: list[str] = []
        self.start()

    def start(self) -> None:
        """Start a worker, without waiting for it."""
        if self._worker is None:
            self._worker, self._loaded = WorkerProcess(self._scratch), None

    def close(self) -> None:
        """End the worker and remove what it left."""
        self._drop()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def rng(self, *names: str) -> np.random.Generator:
        """A generator of inputs, of the seed and of the names (a task, a part)."""
        return np.random.default_rng([self.seed, *(crc32(name.encode()) for name in names)])

    def run(self, *actions: Action, own: Collection[str] = ()) -> list[Outcome]:
        """Run actions in the worker, in order.

        Args:
            actions: made by `call`, `new`, `put`, `take`, `keep`.
            own: functions that are under judgement; those that are missing, or whose module does
                not load, are a failure, while all others may be stand-ins.

        Raises:
            CheckFailure: the submission has no such function, raised, crashed, ran into a limit, or
                the checked device found something in one of its kernels.
        """
        actions = _with_full_names(actions)
        called = [action.what for action in actions if action.entry["do"] == "call"]
        for what in called:
            if what in own:
                self.require(what)
        entries, arrays = _numbered(actions)
        try:
            reply, reply_arrays = self._ask(entries, arrays)
        except WorkerDiedError as death:
            self._drop()
            self.start()
            what = called[-1] if called else actions[-1].what
            if death.is_slow:
                self._too_slow[what] = death.reason
            raise CheckFailure(f"{_short(what)}: {death.reason}", file=_file(what)) from None
        try:
            return self._outcomes(actions, reply, reply_arrays)
        except CheckFailure as failure:
            if called and any(found.kind == "time-limit" for found in failure.findings):
                self._too_slow[called[-1]] = failure.message.splitlines()[0]
            raise
        finally:
            if reply.get("lost"):
                self._drop()
                self.start()

    def require(self, function: str) -> None:
        """Raise CheckFailure if a module does not load, lacks a function, or that never ends."""
        module, _, name = function.partition(".")
        self._load()
        if function in self._too_slow:
            reason = self._too_slow[function]
            raise CheckFailure(
                f"{_short(function)} was not run again: {reason}", file=_file(function)
            )
        fault = self._faults.get(module)
        if fault is not None:
            raise CheckFailure(_load_message(module, fault), **_place(fault))
        if function in self._missing:
            raise CheckFailure(
                f"{module}.py has no {_short(name)}: was it renamed?", file=f"{module}.py"
            )

    # ------------------------------------------------------------------------------------------

    def _ask(
        self, entries: list[Mapping[str, Any]], arrays: list[Array]
    ) -> tuple[dict[str, Any], list[Array]]:
        """One request; where it ran into the wall-clock backstop, once more on a fresh worker."""
        for attempt in (1, 2):
            try:
                return self._load().ask({"op": "run", "actions": entries}, arrays)
            except WorkerDiedError as death:  # noqa: PERF203 - two rounds at most
                if attempt == 2 or not death.is_backstop:  # noqa: PLR2004 - the second attempt
                    raise
                self._drop()
        raise AssertionError

    def _load(self) -> WorkerProcess:
        """The worker, with the submission and today's stand-ins loaded."""
        self.start()
        assert self._worker is not None  # noqa: S101 - for mypy: start made one
        self._wait()
        wanted = frozenset(self.replaced)
        if self._loaded == wanted:
            return self._worker
        reply = self._load_apart_from_broken(wanted)
        self._loaded = wanted
        self._faults = {
            str(name): fault
            for name, fault in dict(reply.get("modules", {})).items()
            if isinstance(fault, dict)
        } | self._faults
        self._missing = frozenset(map(str, reply.get("missing", ())))
        return self._worker

    def _wait(self) -> None:
        """Wait for the worker; where it cannot start, that is no fault of the submission."""
        assert self._worker is not None  # noqa: S101 - for mypy: start made one
        try:
            self._worker.wait_until_ready(self._waiting)
        except WorkerDiedError as death:
            output = self._worker.output.strip()
            self._drop()
            raise WorkerStartError(
                f"the worker could not start ({death.reason}):\n{output}"
            ) from None

    def _load_apart_from_broken(self, wanted: frozenset[str]) -> dict[str, Any]:
        """Load; a module that kills the worker while it is imported is left out the next time."""
        request = {"op": "load", "folder": str(self.folder), "device": str(self._device)}
        request_full: dict[str, Any] = {**request, "replaced": sorted(wanted)}
        for module in [*(file.removesuffix(".py") for file in tasks.FILES), ""]:
            self.start()
            assert self._worker is not None  # noqa: S101 - for mypy: start made one
            request_full["without"] = [m for m, f in self._faults.items() if f.get("deadly")]
            try:
                return self._worker.ask(request_full, [])[0]
            except WorkerDiedError as death:
                died_in = self._module_being_loaded(module)
                self._faults[died_in] = {
                    "type": "died",
                    "message": death.reason,
                    "file": f"{died_in}.py",
                    "deadly": True,
                }
                self._drop()
        raise RuntimeError("no worker survives an empty submission")

    def _module_being_loaded(self, otherwise: str) -> str:
        """The module whose import the worker noted last, before it died."""
        try:
            return (self._scratch / "loading").read_text("utf-8").strip()
        except OSError:
            return otherwise

    @property
    def output(self) -> str:
        """The beginning of what the submission printed, in all workers that have ended."""
        return "".join(self._output)

    def _drop(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._output.append(self._worker.output)
            self._worker, self._loaded = None, None

    def _outcomes(
        self, actions: tuple[Action, ...], reply: Mapping[str, Any], arrays: list[Array]
    ) -> list[Outcome]:
        try:
            outcomes = []
            for action, result in zip(actions, list(reply["results"]), strict=False):
                _raise_if_wrong(action, result)
                outcomes.append(_outcome(action, result, arrays))
            outcomes[len(actions) - 1]  # IndexError: results are missing
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise CheckFailure(f"the worker's answer makes no sense ({error!r})") from None
        return outcomes


def _with_full_names(actions: Iterable[Action]) -> tuple[Action, ...]:
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


def _numbered(actions: Iterable[Action]) -> tuple[list[Mapping[str, Any]], list[Array]]:
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


def _raise_if_wrong(action: Action, result: Mapping[str, Any]) -> None:
    fault = result.get("fault")
    findings = tuple(_found(entry) for entry in result.get("findings", ()))
    if fault is None:
        # cuBLAS's refusals are exceptions in the program, which may handle them rightly.
        findings = tuple(found for found in findings if found.kind != "invalid-argument")
    if findings:
        first = findings[0]
        place = {"file": first.file, "line": first.line}
        if first.line is None and fault is not None:
            place = _place(fault)
        raise CheckFailure(first.text, findings=findings, **place)  # type: ignore[arg-type]
    if fault is not None:
        raise RaisedInSubmission(_fault_message(action.what, fault), fault)


class RaisedInSubmission(CheckFailure):
    """The called function raised an exception.

    Attributes:
        type: the exception's class name.
    """

    def __init__(self, message: str, fault: Mapping[str, Any]) -> None:
        super().__init__(message, **_place(fault))
        self.type = str(fault.get("type"))


def _fault_message(what: str, fault: Mapping[str, Any]) -> str:
    kind, text = str(fault.get("type")), str(fault.get("message")).strip()
    if fault.get("compiler"):
        return f"the kernel does not compile: {text}"
    if kind == "NotImplementedError":
        return f"not written yet: {text}"
    if kind == "TypeError" and "argument" in text and f"{_short(what)}()" in text:
        return f"{text}: its signature differs from the handout's"
    shown = f"{_short(what)} raised {kind}: {text}" if text else f"{_short(what)} raised {kind}"
    source = str(fault.get("source") or "")
    return f"{shown}\n    {source}" if source else shown


def _load_message(module: str, fault: Mapping[str, Any]) -> str:
    kind, text = str(fault.get("type")), str(fault.get("message")).strip()
    if kind == "missing":
        return f"{text} in the submission"
    if kind == "died":
        return f"{module}.py does not load: {text}"
    if kind == "EOFError":
        return f"{module}.py does not load: it calls input(), and the grader has no keyboard"
    source = str(fault.get("source") or "")
    shown = f"{module}.py does not load: {kind}: {text}"
    return f"{shown}\n    {source}" if source else shown


def _place(fault: Mapping[str, Any]) -> dict[str, Any]:
    file, line = fault.get("file"), fault.get("line")
    return {
        "file": str(file) if file is not None else None,
        "line": int(line) if line is not None else None,
    }


def _found(entry: Mapping[str, Any]) -> Found:
    line = entry["line"]
    return Found(
        str(entry["kind"]),
        str(entry["text"]),
        str(entry["kernel"]),
        str(entry["file"]) if entry["file"] else None,
        int(line) if line is not None else None,
    )


def _outcome(action: Action, result: Mapping[str, Any], arrays: list[Array]) -> Outcome:
    arguments, place = result.get("arguments", {}), result.get("place")
    return Outcome(
        _value(result.get("returned", {"kind": "None"}), arrays),
        {str(label): _value(entry, arrays) for label, entry in arguments.items()},
        tuple(result.get("launches", ())),
        action.what,
        (str(place["file"]), int(place["line"])) if place else None,
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


def _short(what: str) -> str:
    return what.rsplit(".", maxsplit=1)[-1]


def _file(what: str) -> str | None:
    file = f"{what.split('.', maxsplit=1)[0]}.py"
    return file if file in tasks.FILES else None
