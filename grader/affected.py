"""Which tasks can a saved change affect?

A task is affected if one of its functions, or of those it builds on, reaches a definition that
changed, by the names that its code uses, in the files that its file imports. Names are not resolved
further (any `step` may be meant by `model.step`), so more is reached than is called, never less, as
long as nothing is called through its name in a string.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grader import tasks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

REST = ""
"""Stands for what a file holds beside its definitions: imports, loops, calls."""


@dataclass(frozen=True)
class _Definition:
    """A function, method, class or constant of a file.

    Attributes:
        code: its syntax tree as text, without line numbers: blanks and comments don't count.
        uses: identifiers in it.
        imports: modules that it imports.
    """

    code: str
    uses: frozenset[str]
    imports: frozenset[str]


def affected(
    before: Mapping[str, str], after: Mapping[str, str], passed: Collection[str]
) -> set[str]:
    """Ids of the tasks whose result may differ.

    Args:
        before: text of each file by name, as it was when the results were made.
        after: the same now.
        passed: ids of the tasks that passed; of the others, places may have moved with the lines.
    """
    changed_files = {f for f in {*before, *after} if before.get(f) != after.get(f)}
    if not changed_files:
        return set()
    old = {file: _definitions(text) for file, text in before.items()}
    new = {file: _definitions(text) for file, text in after.items()}
    found: set[str] = set()
    for known in (old, new):
        graph = {file: definitions for file, definitions in known.items() if definitions}
        for task in tasks.TASKS:
            reached = _reached(task, graph)
            if reached & _changed(old, new) or (
                task.id not in passed and changed_files & ({f for f, _ in reached} | {task.file})
            ):
                found.add(task.id)
    return found | _of_broken(changed_files, old, new)


def _of_broken(
    changed: Iterable[str],
    old: Mapping[str, dict[str, _Definition]],
    new: Mapping[str, dict[str, _Definition]],
) -> set[str]:
    """Everything, where a file that changed could not be read at all, before or now."""
    broken = any(not old.get(file) or not new.get(file) for file in changed)
    return {task.id for task in tasks.TASKS} if broken else set()


def _changed(
    old: Mapping[str, dict[str, _Definition]], new: Mapping[str, dict[str, _Definition]]
) -> set[tuple[str, str]]:
    """(file, name) of the definitions that differ."""
    differing = set()
    for file in {*old, *new}:
        one, other = old.get(file, {}), new.get(file, {})
        for name in {*one, *other}:
            if one.get(name) != other.get(name):
                differing.add((file, name))
    return differing


def _reached(task: tasks.Task, graph: Mapping[str, dict[str, _Definition]]) -> set[tuple[str, str]]:
    """All definitions that a task's functions reach, and the rest of every file among them."""
    visible = {file: _imported(file, graph) for file in graph}
    by_name: dict[str, list[tuple[str, str]]] = {}
    for file, definitions in graph.items():
        for name in definitions:
            by_name.setdefault(name.rpartition(".")[2], []).append((file, name))
    waiting = [
        (f"{module}.py", name)
        for function in (
            *task.functions,
            *(name for other in task.builds_on for name in tasks.find(other).functions),
        )
        for module, _, name in [function.partition(".")]
    ]
    reached: set[tuple[str, str]] = set()
    while waiting:
        file, name = waiting.pop()
        if (file, name) in reached:
            continue
        reached.add((file, name))
        waiting.append((file, REST))
        definition = graph.get(file, {}).get(name)
        if definition is None:
            continue
        owner = name.rpartition(".")[0]
        if owner:
            waiting.append((file, owner))
        waiting += [
            (file, other)
            for other in graph[file]
            if other.startswith(f"{name}.__") and "." not in name and name
        ]
        waiting += [
            place
            for used in definition.uses
            for place in by_name.get(used, ())
            if place[0] in visible[file]
        ]
    return reached


def _imported(file: str, graph: Mapping[str, dict[str, _Definition]]) -> set[str]:
    """A file, and all that it imports, directly or through others."""
    found, waiting = set(), [file]
    while waiting:
        current = waiting.pop()
        if current not in found and current in graph:
            found.add(current)
            used = {name for definition in graph[current].values() for name in definition.imports}
            waiting += [f"{name}.py" for name in used]
    return found


def _definitions(text: str) -> dict[str, _Definition]:
    """Definitions of a file by name ("f", "C", "C.f", "X"); {} where it is no Python."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    nodes: dict[str, list[ast.AST]] = {REST: []}
    for statement in tree.body:
        _sort_in(statement, nodes)
    return {name: _definition(found) for name, found in nodes.items()}


def _sort_in(statement: ast.stmt, nodes: dict[str, list[ast.AST]]) -> None:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        nodes.setdefault(statement.name, []).append(statement)
    elif isinstance(statement, ast.ClassDef):
        methods = [s for s in statement.body if isinstance(s, ast.FunctionDef)]
        rest = [s for s in statement.body if not isinstance(s, ast.FunctionDef)]
        nodes.setdefault(statement.name, []).extend(
            [*statement.bases, *statement.decorator_list, *statement.keywords, *rest]
        )
        for method in methods:
            nodes.setdefault(f"{statement.name}.{method.name}", []).append(method)
    elif isinstance(statement, ast.Assign) and all(
        isinstance(target, ast.Name) for target in statement.targets
    ):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                nodes.setdefault(target.id, []).append(statement)
    else:
        nodes[REST].append(statement)


def _definition(nodes: list[ast.AST]) -> _Definition:
    uses: set[str] = set()
    imports: set[str] = set()
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name):
                uses.add(inner.id)
            elif isinstance(inner, ast.Attribute):
                uses.add(inner.attr)
            elif isinstance(inner, ast.Import):
                imports.update(alias.name.rpartition(".")[2] for alias in inner.names)
            elif isinstance(inner, ast.ImportFrom):
                imports.add((inner.module or "").rpartition(".")[2])
                imports.update(alias.name for alias in inner.names)  # from . import kernels
                uses.update(alias.name for alias in inner.names if alias.asname)
    code = "\n".join(ast.dump(node) for node in nodes)
    return _Definition(code, frozenset(uses), frozenset(imports))
