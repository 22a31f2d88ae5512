"""Describes an exception of student code: what, and where in the student's own files."""

from __future__ import annotations

import re
import traceback
from itertools import pairwise
from pathlib import Path
from typing import Any

from grader import tasks
from grader.worker import blame, own_copy

_COMPILE_ERROR = re.compile(
    r"^\s*\"?([\w./-]+\.\w+)\"?[(:](\d+)\)?(?::\d+)?: error:? ?(.*)$", re.MULTILINE
)
_ENCODING = re.compile(
    "unicode error|null bytes|Non-UTF-8"
)  # versions of Python word it differently
_MAX_TEXT = 2000

# Functions that have checks of their own, by module and name, and those that are given. One that
# raises although its own checks pass was called wrongly.
_TASK_OF = {
    (function.split(".")[0], function.split(".")[-1]): task.id
    for task in tasks.TASKS
    for function in task.functions
} | {("kernels", name): "given" for name in ("mean_of", "kind_number")}


def describe_fault(error: BaseException, folder: Path, target: Any = None) -> dict[str, Any]:
    """An exception as JSON.

    Args:
        error: as caught.
        folder: the submission's; frames elsewhere are not the student's.
        target: the function that was called; its first line is named where no frame is the
            student's. The line named is its task's, even if a function of another task raised.

    Returns:
        {"type", "message", "file", "line", "source", "compiler", "ours", "denied"}: file and line
        are None where nothing of the student's was involved; compiler tells that a kernel did not
        compile; ours is the traceback where the mistake is the grader's own, "" otherwise; denied
        tells that it was kept from writing in its own folder.
    """
    try:
        return _described(error, folder, target)
    except BaseException as broken:  # noqa: BLE001 - it asked student code: the exception's own
        name, why = type(error).__name__, type(broken).__name__
        text = f"(an exception that cannot be described: to look at it raises {why})"
        place = first_line(target, folder) or {"file": None, "line": None, "source": ""}
        said = {"type": name, "message": text, "compiler": False, "ours": "", "denied": False}
        return {**said, **place}


def _described(error: BaseException, folder: Path, target: Any) -> dict[str, Any]:
    fault: dict[str, Any] = {
        "type": type(error).__name__,
        "message": blame.text_of(error)[:_MAX_TEXT],
        "file": None,
        "line": None,
        "source": "",
        "compiler": False,
        "ours": blame.traceback_of(error) if blame.is_ours(error) else "",
        "denied": own_copy.is_denied(error, folder),
    }
    if encoding := _wrong_encoding(error, folder):
        return {**fault, **encoding}
    if isinstance(error, SyntaxError) and error.filename:
        place: dict[str, Any] = {"file": Path(error.filename).name, "line": error.lineno}
        return {**fault, **place, "message": str(error.msg), "source": (error.text or "").strip()}
    fault.update(_place(error, folder, target) or first_line(target, folder) or {})
    if type(error).__name__ == "CompileError":
        text = blame.text_of(error)  # PyCUDA's holds the compiler's output
        fault["compiler"] = True
        match = _COMPILE_ERROR.search(text)
        if match:
            file, line = Path(match[1]).name, int(match[2])
            fault.update(file=file, line=line, message=match[3].strip())
            fault["source"] = source_line(folder / file, line)
    return fault


def _wrong_encoding(error: BaseException, folder: Path) -> dict[str, Any] | None:
    """What is wrong with a source that is not UTF-8; Python itself says it in terms of codecs."""
    if not isinstance(error, SyntaxError | ValueError) or not _ENCODING.search(
        blame.text_of(error)
    ):
        return None
    named = getattr(error, "filename", None)
    for path in [Path(named)] if named else [folder / file for file in tasks.FILES]:
        source = path.read_bytes() if path.is_file() else b""
        try:
            source.decode("utf-8")
            place = source.find(b"\0")
        except UnicodeDecodeError as wrong:
            place = wrong.start
        if place >= 0:
            line, byte = 1 + source.count(b"\n", 0, place), source[place]
            what = f"byte {byte:#04x} is not UTF-8" if byte else f"NUL byte at line {line}"
            step = "save the file as UTF-8" + ("" if byte else ", without NUL bytes")
            said = {"type": "UnicodeError", "message": f"{what}: {step}"}
            return {**said, "file": path.name, "line": line}
    return None


def _place(error: BaseException, folder: Path, target: Any) -> dict[str, Any] | None:
    """The innermost line of the student's that is not inside of another task's function."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).parent == folder and Path(frame.filename).name != "device.py"
    ]
    if not frames:
        return None
    code = getattr(getattr(target, "__func__", target), "__code__", None)
    own = _TASK_OF.get((Path(code.co_filename).stem, code.co_name)) if code else None
    blamed = frames[-1]
    for caller, frame in pairwise(frames):
        if _TASK_OF.get((Path(frame.filename).stem, frame.name), own) != own:
            blamed = caller
            break
    return {"file": Path(blamed.filename).name, "line": blamed.lineno, "source": blamed.line or ""}


def first_line(target: Any, folder: Path) -> dict[str, Any] | None:
    """Where a function begins, {"file", "line", "source"}; None if it is not the student's."""
    code = getattr(getattr(target, "__func__", target), "__code__", None)
    if code is None or Path(code.co_filename).parent != folder:
        return None
    path, line = Path(code.co_filename), int(code.co_firstlineno)
    return {"file": path.name, "line": line, "source": source_line(path, line)}


def source_line(path: Path, line: int) -> str:
    """A line of a file, without indentation; "" where there is none, or no file but a pipe."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
    except OSError:
        return ""
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""
