"""Answers the judge's requests: load a submission, run actions on it, return what came of them."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader import protocol
from grader.worker import (
    compiling,
    cublas,
    device,
    downloads,
    launches,
    moves,
    own_copy,
    probes,
    timing,
    work,
)
from grader.worker.faults import describe_fault, first_line
from grader.worker.loader import Submission
from grader.worker.models import MODELS
from grader.worker.originals import Originals, tell_shadows
from grader.worker.pipe import Pipe
from grader.worker.values import Arguments, describe, download

if TYPE_CHECKING:
    from grader.worker.audit import Watch
    from grader.worker.events import Channel


def serve(
    read_fd: int,
    write_fd: int,
    told: tuple[Channel, Watch],
    entered: dict[str, Any] | None = None,
) -> None:
    """Answer requests until the judge closes the pipe.

    Requests: {"id", "op": "load", "folder", "device", "replaced"} and {"id", "op": "run",
        "actions"}
    with the actions' arrays; for kernels that are compiled ahead see `grader.worker.compiling`.
    Replies echo the id, which nobody can guess.

    Args:
        read_fd: of the private pipe.
        write_fd: of the private pipe.
        told: where events go, and what sees them.
        entered: what the judge is to know of this process's isolation.
    """
    pipe = Pipe(read_fd, write_fd)
    sys.dont_write_bytecode = True  # a submission's folder is read, never written
    try:
        backend = device.activate()
        if device.is_timing():
            timing.bind()
        else:
            launches.record()
            work.record()
            downloads.record()
    except Exception as error:  # noqa: BLE001 - whatever it is, the judge reports it
        protocol.send(pipe, {"unusable": device.reason(error)})
        return
    protocol.send(pipe, {"ready": True, **(entered or {})})
    worker: Worker | None = None
    while True:
        try:
            request, arrays = protocol.receive(pipe)
        except protocol.ProtocolError:
            os._exit(0)  # the judge is gone, or done; nothing of the student's runs on exit
        reply_arrays: list[Any] = []
        if request["op"] == "load":
            try:
                compiling.prepare(request, arrays)
                worker = Worker(request, backend, told)
                reply = worker.loaded
            except device.StartError as error:
                reply = {"unusable": str(error)}
        else:
            reply = _answer(worker, request, arrays, reply_arrays)
        _flush()
        if worker is not None:
            worker.compare()
        told[0].answered(request["id"])
        protocol.send(pipe, {"id": request["id"], **reply}, reply_arrays)


def _answer(
    worker: Worker | None, request: dict[str, Any], arrays: list[Any], reply: list[Any]
) -> dict[str, Any]:
    """What comes of a request other than to load; `reply` receives its arrays."""
    if request["op"] == "sources":
        return {"entries": compiling.sources()}
    if request["op"] == "compile":
        return compiling.compile_all(request["entries"], reply)
    if worker is None:
        return {"error": "nothing is loaded"}
    if request["op"] == "time":
        return worker.time(request, arrays, reply)
    return worker.run(request["actions"], arrays, reply)


class Worker:
    """A loaded submission, and what its actions keep.

    Args:
        request: of the operation "load".
        backend: "gpu" or "emulator".
        told: where events go, and what sees them.
    """

    _originals: Originals | None = None  # of the process: noted before its first submission

    def __init__(self, request: dict[str, Any], backend: str, told: tuple[Channel, Watch]) -> None:
        self._folder = Path(request["folder"])
        self._channel, self._watch = told
        self._request, self._backend = request, backend
        self._is_copy = False
        self.loaded = self._load()
        if any(fault and fault.get("denied") for fault in self.loaded["modules"].values()):
            self._move()
        self._timed: Any = None

    def _load(self) -> dict[str, Any]:
        request = self._request
        self._submission = Submission(
            self._folder,
            Path(request["device"]),
            request["replaced"],
            request["without"],
            self._channel.loading,
        )
        loaded = self._submission.load(self._prepare)
        loaded["findings"] = device.take_findings(self._folder)
        launches.take()
        return loaded

    def _move(self) -> bool:
        """Load the submission once more, from where it may write; whether that could be done."""
        copy = None if self._is_copy else own_copy.make(self._folder)
        if copy is None:
            return False
        self._is_copy, self._folder = True, copy
        self._watch.move(copy)
        self.loaded = self._load()
        return True

    def _prepare(self, given: Any) -> None:
        """Once the device is there, and before anything of the submission is."""
        if self._backend == "gpu":
            device.prepare(given)
        if not device.is_timing():
            cublas.record()
        Worker._originals = Originals()
        download()
        tell_shadows(self._folder, self._channel)
        self._watch.begin(self._folder, Path(given.__file__))

    def compare(self) -> None:
        """Tell what the submission has put in the place of what is not its own."""
        if self._originals is not None:
            self._originals.compare(self._folder, self._channel)

    def run(
        self, actions: list[dict[str, Any]], arrays: list[Any], reply: list[Any]
    ) -> dict[str, Any]:
        """Run actions in order, up to the first that raises.

        Args:
            actions: each {"do": "new" | "set" | "call" | "get" | "keep" | "hold" | "look" |
                "refill", …}, see `_act`.
            arrays: the request's.
            reply: receives the arrays of the results.

        Returns:
            {"results": one entry an action that was begun, "lost": the device is broken for good}.
        """
        results = self._run_all(actions, arrays, reply)
        if results[-1].get("fault", {}).get("denied") and self._move():
            reply.clear()
            results = self._run_all(actions, arrays, reply)
        return {"results": results, "lost": "fault" in results[-1] and device.is_lost()}

    def _run_all(
        self, actions: list[dict[str, Any]], arrays: list[Any], reply: list[Any]
    ) -> list[dict[str, Any]]:
        kept: dict[str, Any] = {}
        results = []
        for action in actions:
            results.append(self._attempt(action, arrays, kept, reply))
            if "fault" in results[-1]:
                break
        return results

    def time(self, request: dict[str, Any], arrays: list[Any], reply: list[Any]) -> dict[str, Any]:
        """Take times; see `grader.worker.timing`.

        Args:
            request: {"do": "prepare", …}, {"do": "burst", …} or {"do": "results", "rows"}.
            arrays: the request's.
            reply: receives the arrays of the results.
        """
        try:
            if request["do"] == "prepare":
                self._timed = None  # first of all its memory goes
                self._timed = timing.prepare(self._submission.resolve, request, arrays)
                return {}
            return timing.answer(self._timed, request, reply)
        except BaseException as error:  # noqa: BLE001 - student code may raise SystemExit, too
            return {"fault": describe_fault(error, self._folder), "lost": device.is_lost()}

    def _attempt(
        self, action: dict[str, Any], arrays: list[Any], kept: dict[str, Any], reply: list[Any]
    ) -> dict[str, Any]:
        target: list[Any] = []
        launches.take()
        begun = time.perf_counter()
        try:
            result = self._act(action, Arguments(arrays, kept), kept, reply, target)
        except BaseException as error:  # noqa: BLE001 - student code may raise SystemExit, too
            fault = describe_fault(error, self._folder, *target[:1])
            result = {"fault": fault, "findings": device.take_findings(self._folder)}
        # What is found while results are downloaded (nobody wrote them) shows in their values.
        device.take_findings(self._folder)
        return {**result, "launches": launches.take(), "seconds": time.perf_counter() - begun}

    def _act(
        self,
        action: dict[str, Any],
        arguments: Arguments,
        kept: dict[str, Any],
        reply: list[Any],
        target: list[Any],
    ) -> dict[str, Any]:
        verb = action["do"]
        if verb in ("keep", "hold"):
            kept[action["name"]] = (
                arguments.make("value", action["value"])
                if verb == "keep"
                else dict(kept[action["model"]].parameters)
            )
            return {}
        if verb == "refill":
            kept[action["name"]].set(arguments.make("value", action["value"]))
            return {}
        if verb in ("get", "look"):
            held = kept[action["name"]]
            contents = _contents(held, reply) if verb == "get" else describe(held, reply, {})
            return {"returned": contents}
        if verb == "set":
            for name, entry in action["values"].items():
                kept[action["name"]].parameters[name].set(arguments.make(name, entry).get())
            return {}
        function = self._function(action["what"], kept)
        target.append(function)
        positional = [arguments.make(str(i), e) for i, e in enumerate(action["arguments"])]
        keywords = {label: arguments.make(label, e) for label, e in action["keywords"].items()}
        with (
            probes.idle(action.get("idle", ())),
            downloads.blind(
                bool(action.get("blind")), positional, demands_made="idle" not in action
            ),
            work.counting(bool(action.get("count")), self._folder) as counted,
            moves.watched(bool(action.get("watched"))) as moved,
        ):
            returned = function(*positional, **keywords)
        if moved is not None:
            results = positional[:1] if returned is None else [returned]
            counted["only_moved"] = moved.are_all_of(*_flat(results))
        findings = device.take_findings(self._folder)
        if "idle" in action or moved is not None:
            findings = []  # what nobody wrote is read: the judge's doing
        if "name" in action:
            kept[action["name"]] = returned
        if verb == "new":
            return {"findings": findings}
        identities = {id(made): label for label, made in arguments.on_device.items()}
        described = describe(returned, reply, identities)
        after = {label: describe(a, reply, {}) for label, a in arguments.on_device.items()}
        place = first_line(function, self._folder)
        return {
            "returned": described,
            "arguments": after,
            "findings": findings,
            "place": place,
            **counted,
        }

    def _function(self, what: str, kept: dict[str, Any]) -> Any:
        if what in MODELS:
            return MODELS[what]
        owner, _, method = what.partition(".")
        if owner in kept:
            return getattr(kept[owner], method)
        return self._submission.resolve(what)


def _flat(results: list[Any]) -> list[Any]:
    """The items of a tuple among them, and the others."""
    return [item for each in results for item in (each if isinstance(each, tuple) else (each,))]


def _contents(model: Any, reply: list[Any]) -> Any:
    """A model's parameters; for a model of the judge's own, what it noted."""
    if type(model) in MODELS.values():
        return describe(model.report(), reply, {})
    return describe(dict(model.parameters), reply, {})


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed or replaced
            stream.flush()
