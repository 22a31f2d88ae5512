"""Describes an exception of student code: what, and where in the student's own files."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import Any

_COMPILE_ERROR = re.compile(
    r"^\s*\"?([\w./-]+\.\w+)\"?[(:](\d+)\)?(?::\d+)?: error:? ?(.*)$", re.MULTILINE
)
_MAX_TEXT = 2000


def describe_fault(error: BaseException, folder: Path, target: Any = None) -> dict[str, Any]:
    """An exception as JSON.

    Args:
        error: as caught.
        folder: the submission's; frames elsewhere are not the student's.
        target: the function that was called; its first line is named where no frame is the
            student's.

    Returns:
        {"type", "message", "file", "line", "source", "compiler"}: file and line are None where
        nothing of the student's was involved; compiler tells that a kernel did not compile.
    """
    fault: dict[str, Any] = {
        "type": type(error).__name__,
        "message": str(error)[:_MAX_TEXT],
        "file": None,
        "line": None,
        "source": "",
        "compiler": False,
    }
    if isinstance(error, SyntaxError) and error.filename:
        place: dict[str, Any] = {"file": Path(error.filename).name, "line": error.lineno}
        return {**fault, **place, "message": str(error.msg), "source": (error.text or "").strip()}
    fault.update(_innermost(error, folder) or first_line(target, folder) or {})
    if type(error).__name__ == "CompileError":
        text = str(error)  # PyCUDA's holds the compiler's output
        fault["compiler"] = True
        match = _COMPILE_ERROR.search(text)
        if match:
            file, line = Path(match[1]).name, int(match[2])
            fault.update(file=file, line=line, message=match[3].strip())
            fault["source"] = _source_line(folder / file, line)
    return fault


def _innermost(error: BaseException, folder: Path) -> dict[str, Any] | None:
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).parent == folder and Path(frame.filename).name != "device.py"
    ]
    if not frames:
        return None
    frame = frames[-1]
    return {"file": Path(frame.filename).name, "line": frame.lineno, "source": frame.line or ""}


def first_line(target: Any, folder: Path) -> dict[str, Any] | None:
    """Where a function begins, {"file", "line", "source"}; None if it is not the student's."""
    code = getattr(getattr(target, "__func__", target), "__code__", None)
    if code is None or Path(code.co_filename).parent != folder:
        return None
    path, line = Path(code.co_filename), int(code.co_firstlineno)
    return {"file": path.name, "line": line, "source": _source_line(path, line)}


def _source_line(path: Path, line: int) -> str:
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""
