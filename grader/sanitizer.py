"""Why a kernel fails on a GPU: NVIDIA's compute-sanitizer, where it is installed.

A failing call is run again under the tool that fits; the lines that it names are the student's own,
since device.py compiles with -lineinfo and `#line`. Compute Sanitizer documentation, CUDA 13.0.
"""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from grader import tasks
from grader.isolation.scratch import Scratch
from grader.result import Found, PartResult
from grader.verdicts import CheckFailure, RaisedInSubmission
from grader.worker.faults import source_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grader.judge import Judge

BUDGET_S = 40.0
"""For one grading; a run takes about 5 s, most of it the start of Python, CUDA and cuBLAS."""

_END_LIMIT_S = 20.0  # for the tool's report after the worker's end
_PLACES = ("/usr/local/cuda/bin/compute-sanitizer", "/opt/cuda/bin/compute-sanitizer")
_OPTIONS = ("--target-processes", "application-only", "--print-limit", "20", "--log-file")

_DEVICE_ERROR = re.compile(r"\bcu[A-Z]\w* (failed|error)")
_LINES_SHOWN = 5
_ADDRESS = re.compile(r"\n *Access to 0x\w+.*|( at)? ?\+?0x[0-9a-f]+")  # differ from run to run
_AT = re.compile(r"at (?:void )?(?P<kernel>\w+)\S*.*? in (?P<file>\S+):(?P<line>\d+)")
# In the emulator's words, by which the bank of known mistakes recognises them, too.
_WORDS = {
    "race": "two threads touch shared memory, and no __syncthreads() lies between them",
    "out-of-bounds": "outside {space} memory",
}
_KINDS = {
    "Race reported": "race",
    "Uninitialized": "unwritten-read",
    "Barrier error": "barrier-divergence",
    "misaligned": "misaligned",
    "Invalid": "out-of-bounds",
    "Stack overflow": "stack-overflow",
}


class Examiner:
    """Examines what failed on the GPU, as long as the time for it lasts."""

    def __init__(self) -> None:
        self._program = find()
        self._left_s = BUDGET_S
        self._examined: tuple[object, tuple[Found, ...]] = (None, ())

    def examine(self, judge: Judge, part: PartResult, failure: CheckFailure) -> PartResult:
        """The part with what the sanitizer found in the submission's kernels, if anything."""
        if not self._program or not _is_of_a_kernel(judge, failure):
            return part
        if self._examined[0] is not judge.last_request:
            self._examined = judge.last_request, self._run(judge, failure)
        findings = self._examined[1]
        if not findings:
            return part
        first = findings[0]
        message = f"{part.message}\n{first.text}"
        return replace(part, message=message, file=first.file, line=first.line, findings=findings)

    def _run(self, judge: Judge, failure: CheckFailure) -> tuple[Found, ...]:
        """What the first tool finds that finds anything."""
        for tool in tools_for(failure):
            if self._left_s <= 0:
                break
            begun = time.monotonic()
            with Scratch() as folder:
                log = folder / "log"
                judge.rerun((self._program, "--tool", tool, *_OPTIONS, str(log)), _END_LIMIT_S)
                report = log.read_text("utf-8", "replace") if log.is_file() else ""
            self._left_s -= time.monotonic() - begun
            if findings := tuple(parse(report, tool, judge.folder)):
                return findings
        return ()


def find() -> str:
    """The program's path, "" where it is not installed."""
    places = (path for path in _PLACES if Path(path).is_file())
    return shutil.which("compute-sanitizer") or next(places, "")


def tools_for(failure: CheckFailure) -> tuple[str, ...]:
    """The tools that may find the reason of a failure, the likeliest first."""
    if isinstance(failure, RaisedInSubmission):
        return ("memcheck", "synccheck")
    if "nan" in failure.message.lower():
        return ("memcheck", "initcheck", "racecheck")
    return ("racecheck", "memcheck", "initcheck", "synccheck")


def _is_of_a_kernel(judge: Judge, failure: CheckFailure) -> bool:
    """Whether a kernel of the submission ran, and may be why."""
    if isinstance(failure, RaisedInSubmission):
        return _DEVICE_ERROR.search(failure.message) is not None
    return judge.last_launched_own


def parse(report: str, tool: str, folder: Path) -> Iterator[Found]:
    """The findings in the submission's own lines, each line once.

    Args:
        report: what compute-sanitizer wrote: entries of lines that begin with "=========".
        tool: that wrote it.
        folder: of the submission, whose lines are quoted.
    """
    seen = set()
    for entry in _entries(report):
        at = _AT.search(entry.text)
        file = Path(at["file"]).name if at else ""
        kind = next((kind for words, kind in _KINDS.items() if words in entry.lines[0]), "")
        if at is None or file not in tasks.FILES or not kind:
            continue
        line = int(at["line"])
        if (kind, line) in seen:
            continue
        seen.add((kind, line))
        told = _ADDRESS.sub("", "\n    ".join(entry.lines[:_LINES_SHOWN]))
        quoted = f"\n    {file}:{line} | {source_line(folder / file, line)}"
        space = re.search("__(global|shared|local)__", entry.text)
        words = _WORDS.get(kind, kind).format(space=space[1] if space else "global")
        text = f"compute-sanitizer {tool}: {words}:\n    {told}{quoted}"
        yield Found(kind, text, at["kernel"], file, line)


@dataclass(frozen=True)
class _Entry:
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def _entries(report: str) -> Iterator[_Entry]:
    """Paragraphs: a line with one space of indentation, and those with more below it."""
    lines: list[str] = []
    for line in report.splitlines():
        text = line.removeprefix("=========")
        if text == line or "Host Frame" in text or "Saved host backtrace" in text:
            continue
        if text.startswith("     ") and lines:
            lines.append(text.strip())
            continue
        if lines:
            yield _Entry(tuple(lines))
        lines = [text.strip()] if text.strip() else []
    if lines:
        yield _Entry(tuple(lines))
