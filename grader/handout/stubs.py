"""What the handout's files looked like, and whether a student has started on a task.

Reads only ``stubs.json``, which `make handout` writes and the repository holds, so that it works
in a student's copy without the solution.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

from grader import sources
from grader.handout.markers import Region, places, strip

STUBS = Path(__file__).with_name("stubs.json")


class Progress(Enum):
    """How far a student is with a task, judged by the text of the files alone."""

    NOT_STARTED = "not started"
    STARTED = "started"
    MISSING_FILE = "missing file"


@dataclass(frozen=True)
class Stub:
    """A region as the handout leaves it.

    Attributes:
        task: Its task, such as ``"2.3"``.
        file: The file it stands in.
        before: The line of given code above, without its blanks; "" where another region is.
        lines: The lines of the region.
        after: The line of given code below, as `before`.
    """

    task: str
    file: str
    before: str
    lines: tuple[str, ...]
    after: str


@dataclass(frozen=True)
class Handout:
    """All that `make handout` remembers about the files that it wrote.

    Attributes:
        files: The text of every file with regions, by name, in teaching order.
        stubs: Its regions, in the order of the files.
        digests: SHA-256 of every file of the handout, by name.
    """

    files: Mapping[str, str]
    stubs: tuple[Stub, ...]
    digests: Mapping[str, str]

    def to_json(self) -> str:
        """The content of ``stubs.json``; the same handout gives the same bytes."""
        content = {
            "digests": dict(sorted(self.digests.items())),
            "files": {name: text.splitlines() for name, text in self.files.items()},
            "stubs": [asdict(stub) for stub in self.stubs],
        }
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Handout":
        """The handout that `to_json` described."""
        content = json.loads(text)
        stubs = (Stub(**{**stub, "lines": tuple(stub["lines"])}) for stub in content["stubs"])
        files = {name: "\n".join(lines) + "\n" for name, lines in content["files"].items()}
        return cls(files, tuple(stubs), content["digests"])


@functools.cache
def handout(path: Path = STUBS) -> Handout:
    """The handout this repository holds.

    Raises:
        FileNotFoundError: ``stubs.json`` is missing; the message names the command that writes it.
    """
    try:
        return Handout.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path} is missing: run `make handout` where solution/ is, or restore the file"
        ) from None


def progress(task: str, folder: Path, of: Handout | None = None) -> Progress:
    """How far a student is with a task.

    A region counts as untouched while its stub stands between the same neighbours as in the
    handout, whatever became of blanks, blank lines and line ends. A task is not started while all
    its regions are untouched. A task without regions (timings) counts as started.

    Args:
        task: Its id, such as ``"2.3"``.
        folder: The submission.
        of: The handout to compare with; by default this repository's.
    """
    stubs = [stub for stub in (of or handout()).stubs if stub.task == task]
    if not stubs:
        return Progress.STARTED
    texts: dict[str, list[str]] = {}
    for file in {stub.file for stub in stubs}:
        if not (folder / file).is_file():
            return Progress.MISSING_FILE
        texts[file] = _squeezed((sources.text(folder, file) or "").splitlines())
    untouched = all(_contains(texts[stub.file], _pattern(stub)) for stub in stubs)
    return Progress.NOT_STARTED if untouched else Progress.STARTED


def not_started(task: str, folder: Path, of: Handout | None = None) -> bool:
    """Whether all regions of a task are as the handout left them; a missing file is not that."""
    return progress(task, folder, of) is Progress.NOT_STARTED


def stubs_of(text: str, regions: Sequence[Region]) -> tuple[Stub, ...]:
    """The regions of a solution file as the handout leaves them, with their neighbours."""
    if not regions:
        return ()
    tasks = {region.task for region in regions}
    lines: list[str | None] = list(strip(text, regions[0].file, tasks).split("\n"))
    where = places(regions)
    for place in where:
        lines[place] = [None] * (place.stop - place.start)  # neighbours are given code only
    return tuple(
        Stub(
            region.task,
            region.file,
            _neighbour(lines[: place.start][::-1]),
            region.stub,
            _neighbour(lines[place.stop :]),
        )
        for region, place in zip(regions, where, strict=True)
    )


def _neighbour(lines: Sequence[str | None]) -> str:
    """The first line that is not blank; "" where the file ends or another region comes first."""
    for line in lines:
        if line is None:
            return ""
        if line.strip():
            return line.strip()
    return ""


def _pattern(stub: Stub) -> list[str]:
    return _squeezed([stub.before, *stub.lines, stub.after])


def _squeezed(lines: Sequence[str]) -> list[str]:
    """The lines without any blanks, and without the blank lines."""
    squeezed = ("".join(line.split()) for line in lines)
    return [line for line in squeezed if line]


def _contains(lines: list[str], pattern: list[str]) -> bool:
    n = len(pattern)
    return any(lines[i : i + n] == pattern for i in range(len(lines) - n + 1))
