"""What is said of findings: once each on stderr, and the places of the program's own calls."""

from __future__ import annotations

import atexit
import linecache
import os
import sys
from pathlib import Path

from emulator import runtime
from emulator.driver.settings import settings
from emulator.findings import Finding, Kind, Place, findings, listeners, record, wrappers

# Frames of these are not the program's: this package, PyCUDA, pytools, the standard library.
_OWN = str(Path(__file__).resolve().parents[1])
_LIBRARIES = (_OWN, os.sep + "pycuda" + os.sep, os.sep + "pytools" + os.sep, "<frozen")


def calling_place() -> Place | None:
    """The line of the program that called PyCUDA: a name relative to the working folder."""
    others = (*_LIBRARIES, *wrappers)
    frame = sys._getframe(1)  # noqa: SLF001  # what inspect.currentframe does
    while frame is not None and any(part in frame.f_code.co_filename for part in others):
        if frame.f_back is None:
            return None
        frame = frame.f_back
    file, line = frame.f_code.co_filename, frame.f_lineno
    source = linecache.getline(file, line).strip()
    if Path(file).is_absolute():
        relative = os.path.relpath(file)
        file = file if relative.startswith("..") else relative
    return Place(file, line, source)


def report_unwritten(routine: str, address: int, size: int) -> None:
    """Record that `routine` copies device memory that nothing ever wrote. Not fatal.

    On a checked device fresh memory holds NaNs, so the program sees those.
    """
    if not settings.check or not size:
        return
    offset = runtime.first_unwritten(address, size)
    if offset is None:
        return
    what = "nothing" if offset == 0 else f"nothing from byte {offset:,} on"
    record(
        Finding(
            kind=Kind.UNWRITTEN_READ,
            message=(
                f"{size:,} bytes are copied from device memory where {what} was ever written "
                "(no copy, memset or kernel reached it); they are NaN as float32. Did the kernel "
                "cover every element, and was it launched?"
            ),
            kernel=routine,
            place=calling_place(),
        )
    )


_told: dict[tuple[object, ...], int] = {}


def _key(finding: Finding) -> tuple[object, ...]:
    return (finding.kind, finding.kernel, finding.place, finding.other)


def _tell(finding: Finding) -> None:
    """Write a new finding to stderr; a fatal one is in the exception that follows."""
    if not settings.report or finding.fatal:
        return
    _told[_key(finding)] = finding.count
    sys.stderr.write(f"emulator: {finding.advice()}\n")


def tell_findings() -> None:
    """Start writing findings to stderr (where `settings.report` allows)."""
    if _tell not in listeners:
        listeners.append(_tell)
        atexit.register(_tell_repeats)


def _tell_repeats() -> None:
    """At the end, say which of the told findings were seen again."""
    for finding in findings():
        more = finding.count - _told.get(_key(finding), finding.count)
        if settings.report and more > 0:
            where = f" at {finding.place}" if finding.place else ""
            head = f"emulator: {finding.kind} in {finding.kernel}{where}"
            sys.stderr.write(f"{head}: {more:,} more times\n")
