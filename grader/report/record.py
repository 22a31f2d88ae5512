"""The whole report as JSON, and back: what a class run keeps of a grading, and draws pages from.

Unlike `grader.report.json` it is for the grader alone: nothing is left out, and a dataclass is
written with its name, so that reading gives the same report again. It is no pickle: reading a
record that somebody has changed runs nothing.
"""

from __future__ import annotations

import importlib
import json
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.result import Report

if TYPE_CHECKING:
    from pathlib import Path

MODULES = ("grader.result", "grader.evidence", "grader.integrity", "grader.isolation")
"""Where the classes are defined that a report may hold."""

_NAME = "\0"
"""The key of a class's name: no field is called so, and no text of a student's comes into a key."""


def write(report: Report, file: Path) -> None:
    """Write the report; OSError where that cannot be done."""
    file.write_text(json.dumps({"report": encode(report)}), "utf-8")


def write_refusal(message: str, file: Path) -> None:
    """Write why a submission cannot be graded at all; OSError where that cannot be done."""
    file.write_text(json.dumps({"refused": message}), "utf-8")


def encode(value: Any) -> Any:
    """A value of a report as JSON; TypeError names what is none."""
    if isinstance(value, Enum):
        return {_NAME: type(value).__name__, "value": value.value}
    if is_dataclass(value) and not isinstance(value, type):
        held = {field.name: encode(getattr(value, field.name)) for field in fields(value)}
        return {_NAME: type(value).__name__, **held}
    if isinstance(value, dict):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [encode(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"a report holds a {type(value).__name__}, which its record does not know")


def decode(value: Any) -> Any:
    """The value of which `encode` made this JSON; sequences become tuples.

    Raises:
        ValueError: it holds a class that no report has, or not the fields of it.
    """
    if isinstance(value, list):
        return tuple(decode(item) for item in value)
    if not isinstance(value, dict):
        return value
    held = {key: decode(item) for key, item in value.items() if key != _NAME}
    if _NAME not in value:
        return held
    kind = _classes().get(value[_NAME])
    if kind is None:
        raise ValueError(f"a record holds {value[_NAME]!r}, which is no part of a report")
    try:
        return kind(**held)
    except TypeError as error:
        raise ValueError(f"a record holds another {value[_NAME]}: {error}") from error


def report_of(record: Any) -> Report:
    """The report of a record that `write` made; ValueError where it is none."""
    report = decode(record.get("report")) if isinstance(record, dict) else None
    if isinstance(report, Report):
        return report
    raise ValueError("the record holds no report")


@cache
def _classes() -> dict[str, type]:
    found: dict[str, type] = {}
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue  # a student's copy has no more rooms than it needs
        for kind in vars(module).values():
            if isinstance(kind, type) and (is_dataclass(kind) or issubclass(kind, Enum)):
                found[kind.__name__] = kind
    return found
