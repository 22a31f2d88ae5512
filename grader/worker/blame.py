"""Whose mistake an exception is: the submission's, or the emulator's and the grader's own.

It is ours where the innermost frame is ours, no `raise` statement raised it there (what is raised
on purpose speaks of arguments), and

- its type has nothing to do with arguments (NameError, or an `assert`), or
- it is an AttributeError of a module or an object of ours, or
- in the emulator, it does not speak of anything that was handed in: an AttributeError of another
  object; a KeyError of another key; a TypeError that names no type handed in, nor how many
  arguments there are; an IndexError where no sequence handed in is at work. A parameter's own
  default is not handed in.

Everything else is the submission's: None for an array, a block of one number, a parameter that the
worker asks for by name and that the model does not have. What is doubtful stays with it, too, as it
does on a GPU.
"""

from __future__ import annotations

import dis
import inspect
import re
import sys
import traceback
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).resolve().parents[2]
_EMULATOR = tuple(f"{_ROOT / name}/" for name in ("emulator", "backend"))
_OURS = (*_EMULATOR, f"{_ROOT / 'grader' / 'worker'}/")

_NEVER_ARGUMENTS = (NameError, AssertionError)
_OF_MISTAKES = (*_NEVER_ARGUMENTS, AttributeError, KeyError, IndexError, TypeError)

_SIMPLE = (str, bytes, int, float)
_CALLED_WRONGLY = re.compile(r"(positional|keyword|required|takes .*) (-?only )?argument")
_ABSENT = object()
_MOST_TEXT = 6000
_MOST_DEPTH = 3  # of tuples in tuples that are looked into


def is_ours(error: BaseException) -> bool:
    """Whether an exception shows a mistake of the emulator's or the grader's; see the module."""
    steps = list(_steps(error.__traceback__))
    if not isinstance(error, _OF_MISTAKES) or not steps or not _file(steps[-1]).startswith(_OURS):
        return False
    if isinstance(error, AssertionError):  # an assert raises, too
        return True
    if _is_raised(steps[-1]) or isinstance(error, NameError):
        return not _is_raised(steps[-1])
    handed = list(_handed(steps))
    if _has_no_attribute(error) and _is_of_ours(_object_of(error)):
        return not any(_object_of(error) is value for value in handed)
    if not _file(steps[-1]).startswith(_EMULATOR):
        return False
    return not _speaks_of(error, handed, steps[-1])


def text_of(error: BaseException) -> str:
    """What an exception says, or that it cannot: its __str__ may be student code."""
    try:
        return str.__getitem__(str(error), slice(None))  # of a class of its own, too
    except BaseException as broken:  # noqa: BLE001 - student code may raise anything
        kind, why = type(error).__name__, type(broken).__name__
        return f"(what it says cannot be told: {kind}.__str__ raises {why})"


def traceback_of(error: BaseException) -> str:
    """The traceback, of which the end tells most."""
    return "".join(traceback.format_exception(error))[-_MOST_TEXT:]


def _steps(trace: types.TracebackType | None) -> Iterator[types.TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _file(step: types.TracebackType) -> str:
    return step.tb_frame.f_code.co_filename


def _is_raised(step: types.TracebackType) -> bool:
    """Whether a `raise` statement raised here, not an operation that failed."""
    return step.tb_frame.f_code.co_code[step.tb_lasti] == dis.opmap["RAISE_VARARGS"]


def _handed(steps: list[types.TracebackType]) -> Iterator[Any]:
    """What others passed to our code: arguments of the outermost of the last frames of ours."""
    first = len(steps) - 1
    while first > 0 and _file(steps[first - 1]).startswith(_OURS):
        first -= 1
    frame = steps[first].tb_frame
    code = frame.f_code
    named = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    defaults = _defaults(frame, named)
    for place, name in enumerate(named):
        value = frame.f_locals.get(name, _ABSENT)
        is_self = place == 0 and name in ("self", "cls") and _is_of_ours(value)
        if not is_self and value is not defaults.get(name, _ABSENT):
            yield from _flat(value)
    rest = code.co_varnames[len(named) :]
    if code.co_flags & inspect.CO_VARARGS:
        yield from _items(frame.f_locals.get(rest[0], ()), 0)
        rest = rest[1:]
    if code.co_flags & inspect.CO_VARKEYWORDS:
        yield from _items(frame.f_locals.get(rest[0], ()), 0)


def _defaults(frame: types.FrameType, named: tuple[str, ...]) -> dict[str, Any]:
    """The defaults of the parameters of a frame's function: a right value, whoever passed it."""
    code = frame.f_code
    owner = frame.f_locals.get(named[0]) if named else None
    found: tuple[Any, ...] = (
        frame.f_globals.get(code.co_name),
        getattr(type(owner), code.co_name, None),
    )
    for function in found:
        if getattr(function, "__code__", None) is code:
            positional = function.__defaults__ or ()
            last = named[code.co_argcount - len(positional) : code.co_argcount]
            return dict(zip(last, positional, strict=True)) | (function.__kwdefaults__ or {})
    return {}


def _flat(value: Any, depth: int = 0) -> Iterator[Any]:
    """A value, and the items of a tuple, list or dict."""
    yield value
    if depth < _MOST_DEPTH:
        yield from _items(value, depth)


def _items(value: Any, depth: int) -> Iterator[Any]:
    if type(value) in (tuple, list, dict):
        for item in [*value, *value.values()] if type(value) is dict else value:
            yield from _flat(item, depth + 1)


def _is_of_ours(value: Any) -> bool:
    """Whether an object, or its class, is defined in our code."""
    if isinstance(value, types.ModuleType):
        return (getattr(value, "__file__", None) or "").startswith(_OURS)
    owner = value if isinstance(value, type) else type(value)
    module = sys.modules.get(str(owner.__module__))
    return (getattr(module, "__file__", None) or "").startswith(_OURS)


def _has_no_attribute(error: BaseException) -> bool:
    """Whether it is an AttributeError that knows of which object."""
    if not isinstance(error, AttributeError):
        return False
    return _object_of(error) is not None or "'NoneType'" in text_of(error)


def _object_of(error: BaseException) -> Any:
    """The object that has no such attribute."""
    return getattr(error, "obj", None)


def _speaks_of(error: BaseException, handed: list[Any], step: types.TracebackType) -> bool:
    """Whether an exception is about a value that was handed in, as far as it can be told."""
    if _has_no_attribute(error):
        return any(_object_of(error) is value for value in handed)
    if isinstance(error, KeyError) and error.args and type(error.args[0]) in _SIMPLE:
        return error.args[0] in [value for value in handed if type(value) in _SIMPLE]
    if isinstance(error, TypeError):
        text = text_of(error)
        known = {type(value).__name__ for value in handed}
        if _CALLED_WRONGLY.search(text) or known & set(re.findall(r"\w+", text)):
            return True
        if re.search(r"'\w+'", text):  # another type
            return False
    held = [item for value in step.tb_frame.f_locals.values() for item in _flat(value)]
    sequences = [value for value in handed if hasattr(type(value), "__len__")]
    return any(value is item for value in sequences for item in held)
