"""The sections of a handout file: what a student writes for one task, in one piece.

A heading comment starts each section, and the next heading ends it::

    # --- 1.1 bias_add ---
    BIAS_ADD = ...

    def bias_add(Z, b): ...

    # --- given ---

The notebook has one cell for every section; running it puts the section into the file. The file
alone says what it consists of, so cells and an editor can be used side by side.
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from grader.handout.markers import MarkerError, Region

GIVEN = "given"
_AFTER_CLASS = ""  # no task: what follows a class with sections needs a heading in any case
_HEADING = re.compile(r"\s*# --- (?P<name>given|\d\.\d \w+) ---\s*")


class SectionError(ValueError):
    """A file does not have the section that was asked for; the message is for its author."""


@dataclass(frozen=True)
class Section:
    """A stretch of a file below its heading.

    Attributes:
        name: The heading's text: ``"1.1 bias_add"`` or ``"given"``.
        first_line: Line of the heading, from 1.
        body: The lines below the heading, without blank lines at either end.
    """

    name: str
    first_line: int
    body: tuple[str, ...]

    @property
    def task(self) -> str:
        """The task it belongs to, such as ``"1.1"``; ``"given"`` for none."""
        return self.name.split()[0]


def sections(text: str) -> tuple[Section, ...]:
    """The sections of a file in order; what stands above the first heading belongs to none."""
    lines = text.splitlines()
    starts = [i for i, line in enumerate(lines) if _HEADING.fullmatch(line)]
    found = []
    for start, end in zip(starts, [*starts, len(lines)][1:], strict=True):
        match = _HEADING.fullmatch(lines[start])
        assert match is not None  # noqa: S101 - it matched above
        found.append(Section(match["name"], start + 1, _trimmed(lines[start + 1 : end])))
    return tuple(found)


def replace_section(text: str, name: str, body: str, file: str) -> str:
    """The file with another body below one heading, everything else untouched.

    Raises:
        SectionError: The file does not have exactly one section of that name.
    """
    lines = text.splitlines()
    found = [section for section in sections(text) if section.name == name]
    if len(found) != 1:
        raise SectionError(
            f"{file}: expected one heading `# --- {name} ---`, found"
            f" {len(found) or 'none'}; put the heading back where the section starts"
        )
    start = found[0].first_line  # the index of the first line below the heading
    end = start
    while end < len(lines) and not _HEADING.fullmatch(lines[end]):
        end += 1
    while end > start and not lines[end - 1].strip():
        end -= 1  # the blank lines before the next heading stay
    return "\n".join([*lines[:start], *_trimmed(body.splitlines()), *lines[end:]]) + "\n"


def with_headings(text: str, regions: Sequence[Region]) -> str:
    """The file with a heading above everything that holds regions, and above what follows.

    A section starts at a constant, function or method that holds regions (at its comments and
    decorators), and goes on while the next such piece belongs to the same task and no other piece
    lies between, except that pieces without regions may lie between two of the same task.

    Args:
        text: The solution file, markers and all.
        regions: Its regions.

    Raises:
        MarkerError: One piece holds regions of two tasks, or a region lies outside of any.
    """
    lines = text.splitlines()
    headings: list[tuple[int, str]] = []
    for block in _blocks(ast.parse(text), regions):
        headings += _headings_of(block, lines)
    for line, heading in sorted(headings, reverse=True):
        lines.insert(line - 1, heading)
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Piece:
    """A constant, function or method, and the task whose regions it holds (None: given)."""

    node: ast.stmt
    task: str | None
    divided: bool = False  # a class, whose methods are pieces of their own

    @property
    def name(self) -> str | None:
        """Of a function or method; None for a constant."""
        if isinstance(self.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return self.node.name
        return None


def _blocks(tree: ast.Module, regions: Sequence[Region]) -> list[list[_Piece]]:
    """The statements of the module, and those of each class with regions, as pieces."""
    blocks: list[list[_Piece]] = [[]]
    seen: set[Region] = set()
    for node in tree.body:
        inside = _inside(node, regions)
        if isinstance(node, ast.ClassDef) and inside:
            blocks[0].append(_Piece(node, None, divided=True))
            methods = [(method, _inside(method, inside)) for method in node.body]
            blocks.append([_Piece(method, _task(within)) for method, within in methods])
            seen.update(region for _, within in methods for region in within)
        else:
            blocks[0].append(_Piece(node, _task(inside)))
            seen.update(inside)
    for region in regions:
        if region not in seen:
            raise MarkerError(
                region.file,
                region.first_line,
                "the region lies outside of any constant, function or method: put the markers"
                " inside of one",
            )
    return blocks


def _inside(node: ast.stmt, regions: Sequence[Region]) -> list[Region]:
    last = node.end_lineno or node.lineno
    return [r for r in regions if node.lineno <= r.first_line and r.first_line < last]


def _task(regions: Sequence[Region]) -> str | None:
    """The one task of the regions of a piece."""
    for region in regions[1:]:
        if region.task != regions[0].task:
            raise MarkerError(
                region.file,
                region.first_line,
                f"a region of task {region.task} in the same function as one of task"
                f" {regions[0].task}: give each task a function of its own",
            )
    return regions[0].task if regions else None


def _headings_of(block: Sequence[_Piece], lines: Sequence[str]) -> list[tuple[int, str]]:
    """Line numbers and texts of the headings to insert above the pieces of one block."""
    headings: list[tuple[int, str]] = []
    current: str | None = None
    for i, piece in enumerate(block):
        following = (p.task for p in block[i:] if p.task is not None)
        task = piece.task
        if task is None and current and next(following, None) == current:
            task = current  # a helper between two pieces of one task
        if task != current:
            indent = " " * piece.node.col_offset
            name = GIVEN if task is None else f"{task} {_section_name(block[i:], task)}"
            headings.append((_start(piece.node, lines), f"{indent}# --- {name} ---"))
        current = _AFTER_CLASS if piece.divided else task
    return headings


def _section_name(pieces: Sequence[_Piece], task: str) -> str:
    """The section's first function; a section of constants alone bears its first constant."""
    for piece in pieces:
        if piece.task not in {task, None}:
            break
        if piece.task == task and piece.name is not None:
            return piece.name
    target = pieces[0].node
    if isinstance(target, ast.AnnAssign):
        return ast.unparse(target.target)
    return ast.unparse(target.targets[0]) if isinstance(target, ast.Assign) else "code"


def _start(node: ast.stmt, lines: Sequence[str]) -> int:
    """First line of a statement with its decorators and the comments above it.

    Blank lines may lie between; a comment that is indented deeper ends the function before.
    """
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first = line = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    while line > 1:
        above = lines[line - 2].lstrip()
        if above and not above.startswith("#"):
            break
        if len(lines[line - 2]) - len(above) > node.col_offset:
            break
        line -= 1
        if above:
            first = line
    return first


def _trimmed(lines: Sequence[str]) -> tuple[str, ...]:
    """Without the blank lines at either end."""
    kept = list(lines)
    while kept and not kept[0].strip():
        kept.pop(0)
    while kept and not kept[-1].strip():
        kept.pop()
    return tuple(kept)
