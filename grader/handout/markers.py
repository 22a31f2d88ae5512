"""The markers that divide a solution file into what is given and what the student writes.

Between two marker comments stands the solution of one task. Directly below the first marker may
stand the text that the student sees in its place::

    # BEGIN SOLUTION 2.3                      // BEGIN SOLUTION 1.1
    #| # Z = X W + b (eq. 1).                 //| // One thread an element.
    return gemm(X, W)                         Z[i] += b[i % C];
    # END SOLUTION                            // END SOLUTION

The left form is for Python, the right form for CUDA C inside a Python string. Both contain the
tokens of nbgrader (``BEGIN SOLUTION``, ``END SOLUTION``), so its tools can read the files too.
"""

import ast
import re
import textwrap
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

_MARKER = re.compile(r"(?P<indent>\s*)(?P<comment>#+|//+)\s*(?P<verb>BEGIN|END)\s+(?P<rest>.*)")
_NBGRADER = re.compile(r"(BEGIN|END)\s+SOLUTION", re.IGNORECASE)
_SHOUTED_WORD = re.compile(r"[A-Z]{3,}\b")  # what a misspelt directive looks like: END SOLUTON
_STUB = re.compile(r"(?P<indent>\s*)(?P<comment>#|//)\|(?: (?P<text>.*)|)$")


class MarkerError(ValueError):
    """A marker that cannot be obeyed.

    Attributes:
        file: Name of the file, as it was given to `parse`.
        line: Number of the offending line, from 1.
        message: What was found, what was expected, and the next step.
    """

    def __init__(self, file: str, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}")
        self.file = file
        self.line = line
        self.message = message


@dataclass(frozen=True)
class Region:
    """One stretch of solution and what stands in its place in the handout.

    Attributes:
        task: The task it belongs to, such as ``"2.3"``.
        file: Name of the file it stands in.
        first_line: Line of its BEGIN marker in the solution, from 1.
        last_line: Line of its END marker.
        indent: The blanks before its markers.
        solution: Its lines, complete with their indentation.
        stub: The lines that replace it, complete with their indentation.
    """

    task: str
    file: str
    first_line: int
    last_line: int
    indent: str
    solution: tuple[str, ...]
    stub: tuple[str, ...]


@dataclass(frozen=True)
class _Begin:
    line: int
    indent: str
    comment: str  # "#" or "//"
    task: str


def parse(text: str, file: str, tasks: Container[str] | None = None) -> tuple[Region, ...]:
    """Find the solution regions of a file, in order.

    Args:
        text: The file's content.
        file: Its name, for messages and regions.
        tasks: The tasks that exist; by default those of `grader.tasks`.

    Raises:
        MarkerError: For the first marker that is nested, unclosed, closed without having been
            opened, misspelt, indented wrongly, or names no task that exists.
    """
    if tasks is None:
        tasks = _tasks()
    functions = _function_names(text)
    lines = text.splitlines()
    regions: list[Region] = []
    begin: _Begin | None = None
    for number, line in enumerate(lines, start=1):
        verb = _directive(line, file, number)
        if verb == "BEGIN":
            if begin is not None:
                raise MarkerError(
                    file,
                    number,
                    f"BEGIN SOLUTION inside the region of task {begin.task} that line {begin.line}"
                    " opened; regions don't nest: put END SOLUTION before this line",
                )
            begin = _begin(line, file, number, tasks)
        elif verb == "END":
            if begin is None:
                raise MarkerError(
                    file,
                    number,
                    "END SOLUTION without a BEGIN SOLUTION before it: add the BEGIN,"
                    " or delete this line",
                )
            _check_end(line, file, number, begin)
            regions.append(_region(begin, number, lines, file, functions.get(begin.line)))
            begin = None
        elif begin is None and _STUB.match(line):
            raise MarkerError(
                file,
                number,
                "stub text outside of a solution region: it is expected directly below a"
                " BEGIN SOLUTION line",
            )
    if begin is not None:
        raise MarkerError(
            file,
            begin.line,
            f"BEGIN SOLUTION {begin.task} is never closed: the file ends before its END SOLUTION",
        )
    return tuple(regions)


def strip(text: str, file: str, tasks: Container[str] | None = None) -> str:
    """The file as the student gets it: every region replaced by its stub.

    Raises:
        MarkerError: As `parse` does.
    """
    return _replaced(text, parse(text, file, tasks), solved=False)


def solved(text: str, file: str, tasks: Container[str] | None = None) -> str:
    """The file as a perfect student hands it in: markers and stub texts gone, solutions kept.

    It differs from `strip`'s answer in the regions only.

    Raises:
        MarkerError: As `parse` does.
    """
    return _replaced(text, parse(text, file, tasks), solved=True)


def places(regions: Sequence[Region]) -> list[slice]:
    """Where the regions of one file stand in its stub: slices of the list of its lines."""
    found = []
    shift = 0  # how many lines further up a region stands in the stub
    for region in regions:
        start = region.first_line - 1 - shift
        found.append(slice(start, start + len(region.stub)))
        shift += region.last_line - region.first_line + 1 - len(region.stub)
    return found


def splice(stub: str, regions: Sequence[Region]) -> str:
    """A stub with its regions replaced by their solutions, everything else untouched."""
    lines = stub.splitlines()
    for place, region in reversed(list(zip(places(regions), regions, strict=True))):
        lines[place] = region.solution
    return _joined(lines)


def _replaced(text: str, regions: Sequence[Region], *, solved: bool) -> str:
    lines = text.splitlines()
    for region in reversed(regions):
        new = region.solution if solved else region.stub
        lines[region.first_line - 1 : region.last_line] = new
    return _joined(lines)


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n" if lines else ""


def _tasks() -> frozenset[str]:
    from grader.tasks import TASKS  # noqa: PLC0415 - markers work on their own, for any tasks

    return frozenset(task.id for task in TASKS)


def _directive(line: str, file: str, number: int) -> str | None:
    """BEGIN, END, or None for a line that is no marker; an error for one that nearly is."""
    match = _MARKER.fullmatch(line)
    if match is None:
        if _NBGRADER.search(line):
            raise MarkerError(
                file,
                number,
                f"not a marker as it stands: {line.strip()!r}; expected a comment of its own,"
                " `# BEGIN SOLUTION 2.3` or `# END SOLUTION` (`//` instead of `#` in CUDA C)",
            )
        return None
    verb, rest = match["verb"], match["rest"].strip()
    word = rest.split(maxsplit=1)[0] if rest else ""
    if word == "SOLUTION":
        return verb
    if _SHOUTED_WORD.fullmatch(word) or _NBGRADER.search(line):
        raise MarkerError(
            file,
            number,
            f"unknown directive {verb} {word!r}: only BEGIN SOLUTION and END SOLUTION exist",
        )
    return None


def _begin(line: str, file: str, number: int, tasks: Container[str]) -> _Begin:
    match = _MARKER.fullmatch(line)
    assert match is not None  # noqa: S101 - _directive has seen that it matches
    words = match["rest"].split()[1:]
    if len(words) != 1:
        found = f"found {' '.join(words)!r}" if words else "found nothing"
        raise MarkerError(
            file, number, f"BEGIN SOLUTION is followed by one task, such as 2.3; {found}"
        )
    if words[0] not in tasks:
        raise MarkerError(
            file,
            number,
            f"BEGIN SOLUTION names the unknown task {words[0]!r}; the tasks are listed in"
            " grader/tasks.py",
        )
    if "\t" in match["indent"]:
        raise MarkerError(file, number, "a tab before the marker: indent with spaces")
    comment = "#" if match["comment"].startswith("#") else "//"
    return _Begin(number, match["indent"], comment, words[0])


def _check_end(line: str, file: str, number: int, begin: _Begin) -> None:
    match = _MARKER.fullmatch(line)
    assert match is not None  # noqa: S101 - _directive has seen that it matches
    if match["rest"].strip() != "SOLUTION":
        raise MarkerError(
            file, number, f"END SOLUTION stands alone; found {match['rest'].strip()!r} after END"
        )
    if match["indent"] != begin.indent:
        raise MarkerError(
            file,
            number,
            f"END SOLUTION is indented by {len(match['indent'])} blanks, its BEGIN (line"
            f" {begin.line}) by {len(begin.indent)}: they must agree",
        )
    if not match["comment"].startswith(begin.comment):
        raise MarkerError(
            file,
            number,
            f"END SOLUTION is a {match['comment']!r} comment, its BEGIN (line {begin.line}) a"
            f" {begin.comment!r} comment: a region lies in Python or in CUDA C, not in both",
        )


def _region(begin: _Begin, end: int, lines: list[str], file: str, function: str | None) -> Region:
    texts: list[str] = []
    solution: list[str] = []
    for number, line in _numbered(lines, begin.line + 1, end):
        match = _STUB.fullmatch(line)
        if match is None:
            _check_body(line, file, number, begin)
            solution.append(line)
        elif solution:
            raise MarkerError(
                file,
                number,
                "stub text below solution lines: it is expected directly below the BEGIN SOLUTION"
                f" of line {begin.line}",
            )
        elif match["comment"] != begin.comment or match["indent"] != begin.indent:
            raise MarkerError(
                file,
                number,
                f"stub text starts like its BEGIN (line {begin.line}): {len(begin.indent)} blanks,"
                f" then {begin.comment + '|'!r}",
            )
        else:
            texts.append((match["text"] or "").rstrip())
    if not any(line.strip() for line in solution):
        raise MarkerError(
            file,
            begin.line,
            f"the region of task {begin.task} holds no solution: write it, or delete the markers",
        )
    stub = _stub(begin, texts, file, function)
    return Region(begin.task, file, begin.line, end, begin.indent, tuple(solution), stub)


def _numbered(lines: list[str], first: int, end: int) -> Iterator[tuple[int, str]]:
    for number in range(first, end):
        yield number, lines[number - 1]


def _check_body(line: str, file: str, number: int, begin: _Begin) -> None:
    blanks = line[: len(line) - len(line.lstrip())]
    if "\t" in blanks:
        raise MarkerError(file, number, "a tab in the indentation: indent with spaces")
    if line.strip() and not blanks.startswith(begin.indent):
        raise MarkerError(
            file,
            number,
            f"indented by {len(blanks)} blanks, less than its BEGIN (line {begin.line}, "
            f"{len(begin.indent)} blanks): move the marker out, or the line in",
        )


def _stub(begin: _Begin, texts: list[str], file: str, function: str | None) -> tuple[str, ...]:
    """The lines that stand for a region: its stub text, a TODO, and in Python an exception."""
    lines = list(texts)
    todo = f"TODO({begin.task})"
    if not any(todo in line for line in lines):
        lines.insert(0, f"{begin.comment} {todo}")
    has_code = any(line and not line.lstrip().startswith("#") for line in texts)
    if begin.comment == "#" and function is not None and not has_code:
        lines.append(f'raise NotImplementedError("{todo}: {function} in {file}")')
    return tuple(textwrap.indent(line, begin.indent) for line in lines)


def _function_names(text: str) -> dict[int, str]:
    """For every line inside a function: the innermost function's qualified name."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return {}  # the builder's proof that stubs compile reports it, with the place
    names: dict[int, str] = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                name = f"{prefix}{child.name}"
                if not isinstance(child, ast.ClassDef):
                    last = child.end_lineno or child.lineno
                    names.update(dict.fromkeys(range(child.lineno, last + 1), name))
                visit(child, f"{name}.")
            else:
                visit(child, prefix)

    visit(tree, "")
    return names
