"""Three hints for each task, one more each time a student asks: `make hint TASK=2.3`."""

import json
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.report.words import ASSIGNMENT, command
from grader.tasks import TASKS

HINTS = Path(__file__).with_name("hints.md")
ASKED = (
    Path(__file__).parents[2] / ".cache" / "hints.json"
)  # how many hints of each task were shown

_TASK = re.compile(r"## (\d\.\d)\b.*")
_ITEM = re.compile(r"(\d)\. (.*)")


def hints(text: str) -> dict[str, list[str]]:
    """The hints of each task, in the order to give them.

    Args:
        text: The content of ``hints.md``: a title ``## 2.3 …`` for each task, and below it a
            numbered list.
    """
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        if title := _TASK.fullmatch(line):
            current = found.setdefault(title[1], [])
        elif item := _ITEM.fullmatch(line):
            current.append(item[2])
        elif line.startswith("   ") and current:
            current[-1] += "\n" + line[3:]
    return found


def next_hint(
    task: str,
    asked: Path = ASKED,
    source: Path = HINTS,
    *,
    submission: str = ASSIGNMENT,
    is_watching: bool = False,
) -> str:
    """The next hint of a task as a student reads it; asking again gives one more.

    Args:
        task: Its id, such as ``"2.3"``.
        asked: File that remembers how many were given; made where it is missing.
        source: The hints.
        submission: That the commands to type next are for.
        is_watching: It is read in `make watch`, where a save grades and h is the next hint.

    Raises:
        KeyError: There is no such task; the message lists those that there are.
    """
    known = hints(source.read_text(encoding="utf-8"))
    if task not in known:
        raise KeyError(f"there is no task {task!r}; the tasks are {', '.join(known)}")
    counts = _counts(asked)
    given = min(counts.get(task, 0) + 1, len(known[task]))
    _remember(asked, {**counts, task: given})
    title = next((t.title for t in TASKS if t.id == task), "")
    parts = [f"{task} {title}".rstrip()]
    for number, text in enumerate(known[task][:given], start=1):
        parts.append(f"Hint {number} of {len(known[task])}\n" + textwrap.indent(text, "  "))
    grade, hint = (command(target, submission, task) for target in ("grade", "hint"))
    is_last = given == len(known[task])
    if is_watching:
        last, more = "That was the last hint. ", " (one more hint: h)"
        parts.append(f"{last if is_last else ''}Try it, and save{'' if is_last else more}")
    elif not is_last:
        parts.append(f"Try it, then: {grade} (one more hint: {hint})")
    else:
        parts.append(f"That was the last hint. Next: {grade}; its report says where")
    return "\n\n".join(parts)


def main(argv: Sequence[str]) -> int:
    """Print the next hint of the task named in `argv`; returns the exit status.

    `--submission DIR` behind it is what the student has graded, where that is not assignment/.
    """
    named = len(argv) == 3 and argv[1] == "--submission"  # noqa: PLR2004 - task, option, its value
    if not (named or len(argv) == 1) or not argv[0]:
        print("usage: make hint TASK=2.3 (a task of the homework, 1.1 to 5.3)", file=sys.stderr)
        return 2
    try:
        print(next_hint(argv[0], submission=argv[2] if named else ASSIGNMENT))
    except KeyError as error:
        print(error.args[0], file=sys.stderr)
        return 2
    return 0


def _counts(path: Path) -> dict[str, int]:
    """How many hints of each task were shown; none where the file is missing or unreadable."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {task: n for task, n in content.items() if isinstance(n, int)}


def _remember(path: Path, counts: Mapping[str, int]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(dict(counts)) + "\n", encoding="utf-8")
    except OSError:
        pass  # a folder that can't be written: the same hint again is better than none
