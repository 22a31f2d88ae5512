"""Verdicts on a submission, and how a fault in it is told in the student's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grader import tasks
from grader.result import Found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grader.evidence import Evidence
    from grader.result import Diagnosed


MOST_TEXT, MOST_FINDINGS = 8000, 100
"""Characters of a message, and findings of a call: a worker may make up as much as it likes, and a
person reads less. The longest honest message has some hundreds."""


class CheckFailure(Exception):  # noqa: N818 - a verdict on the submission, no error of the grader
    """A check's verdict: something of the student's is wrong.

    Attributes:
        message: what, in the student's words.
        file, line: the student's own place, None where unknown.
        diagnoses: known mistakes recognised.
        findings: of the checked device.
        evidence: curves and maps that show it.
        points: of the part that are earned nevertheless.
        void: why a time is no time, "" where it is one.
        policy: what shows that something else than a kernel did the work, "" for nothing.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        diagnoses: tuple[Diagnosed, ...] = (),
        findings: tuple[Found, ...] = (),
        evidence: tuple[Evidence, ...] = (),
        points: int = 0,
        void: str = "",
        policy: str = "",
    ) -> None:
        super().__init__(message[:MOST_TEXT])
        self.message, self.file, self.line = message[:MOST_TEXT], file, line
        self.diagnoses, self.findings, self.evidence = diagnoses, findings, evidence
        self.points = 0 if void or policy else points
        self.void, self.policy = void, policy


class NotJudged(CheckFailure):
    """No verdict at all: the time that a submission has for a grading was used up before."""


class RaisedInSubmission(CheckFailure):
    """The called function raised an exception.

    Attributes:
        type: the exception's class name.
    """

    def __init__(self, message: str, fault: Mapping[str, Any]) -> None:
        super().__init__(message, **place_of(fault))
        self.type = str(fault.get("type"))


class OwnFault(Exception):  # noqa: N818 - as CheckFailure, but a verdict on the grader
    """The grader or the emulator itself failed while student code ran; no fault of its author's.

    Attributes:
        trace: the worker's traceback.
    """

    def __init__(self, fault: Mapping[str, Any]) -> None:
        super().__init__(f"{fault.get('type')}: {fault.get('message')}"[:MOST_TEXT])
        self.trace = str(fault["ours"])[-MOST_TEXT:]


def raise_if_own(fault: Mapping[str, Any] | None) -> None:
    """Raise OwnFault where an exception in a worker shows a mistake of the grader's own."""
    if fault is not None and fault.get("ours"):
        raise OwnFault(fault)


def raise_if_wrong(what: str, result: Mapping[str, Any]) -> None:
    """Raise CheckFailure where a call raised, or the checked device found something in it.

    Raises OwnFault where what the call ran into is the grader's or the emulator's mistake.
    """
    fault = result.get("fault")
    findings = tuple(_found(entry) for entry in list(result.get("findings", ()))[:MOST_FINDINGS])
    if fault is None:
        # cuBLAS's refusals are exceptions in the program, which may handle them rightly.
        findings = tuple(found for found in findings if found.kind != "invalid-argument")
    if findings:
        first = findings[0]
        place = {"file": first.file, "line": first.line}
        if first.line is None and fault is not None:
            place = place_of(fault)
        raise CheckFailure(first.text, findings=findings, **place)  # type: ignore[arg-type]
    raise_if_own(fault)
    if fault is not None:
        raise RaisedInSubmission(_fault_message(what, fault), fault)


def _fault_message(what: str, fault: Mapping[str, Any]) -> str:
    kind, text = str(fault.get("type")), str(fault.get("message")).strip()
    source = str(fault.get("source") or "")
    if fault.get("compiler"):
        return f"the kernel does not compile: {text}" + (f"\n    {source}" if source else "")
    if kind == "NotImplementedError":
        return f"not written yet: {text}"
    if kind == "TypeError" and "argument" in text and f"{short_name(what)}()" in text:
        return f"{text}: its signature differs from the handout's"
    shown = (
        f"{short_name(what)} raised {kind}: {text}" if text else f"{short_name(what)} raised {kind}"
    )
    return f"{shown}\n    {source}" if source else shown


def load_message(module: str, fault: Mapping[str, Any]) -> str:
    """Why a module does not load."""
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


def place_of(fault: Mapping[str, Any]) -> dict[str, Any]:
    """The file and line of a fault, as CheckFailure takes them."""
    file, line = fault.get("file"), fault.get("line")
    return {
        "file": str(file) if file is not None else None,
        "line": int(line) if line is not None else None,
    }


def _found(entry: Mapping[str, Any]) -> Found:
    line = entry["line"]
    return Found(
        str(entry["kind"])[:MOST_TEXT],
        str(entry["text"])[:MOST_TEXT],
        str(entry["kernel"])[:MOST_TEXT],
        str(entry["file"]) if entry["file"] else None,
        int(line) if line is not None else None,
    )


def short_name(what: str) -> str:
    """The last part of a dotted name: step of linear.LinearClassifier.step."""
    return what.rsplit(".", maxsplit=1)[-1]


def file_of(what: str) -> str | None:
    """The file that defines a dotted name; None for what is not the submission's."""
    file = f"{what.split('.', maxsplit=1)[0]}.py"
    return file if file in tasks.FILES else None
