"""What an instructor decides for a course, read from settings.toml beside this file."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

FILE = Path(__file__).with_suffix(".toml")

# Python has a reader of TOML from 3.11 on; before, pytest brings the one it was made of.
_toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

_WORDS = {
    bool: "true or false",
    str: 'text in quotes, e.g. "2027"',
    int: "a whole number from 1 on",
}


class SettingsError(Exception):
    """The settings cannot be used; the message names the file and the key, and what is expected."""


@dataclass(frozen=True)
class Scoring:
    """What earns points.

    Attributes:
        emulated_cost: where there is no GPU, task 5.1 is scored by the costs that the emulator
            counts; see `grader.cost`.
    """

    emulated_cost: bool = False


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes:
        grading_s: seconds of processor time for all that is graded; see `grader.budget`.
    """

    grading_s: int = 180


@dataclass(frozen=True)
class Settings:
    """All of them.

    Attributes:
        scoring, limits: the tables of that name.
        year: names this edition of the homework; "" for none.
    """

    scoring: Scoring = field(default_factory=Scoring)
    limits: Limits = field(default_factory=Limits)
    year: str = ""


def load(file: Path = FILE) -> Settings:
    """Read the settings; a file that is not there says nothing, and all keep their defaults.

    Raises:
        SettingsError: the file is no TOML, or a key is unknown or has a value of another type.
    """
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read ({error})") from None
    try:
        entries = _toml.loads(text)
    except ValueError as error:  # TOMLDecodeError is one
        raise SettingsError(f"{file}: is no TOML: {error}") from None
    return _read(Settings, entries, file, "")


_Table = TypeVar("_Table", Settings, Scoring, Limits)


def _read(table: type[_Table], entries: dict[str, Any], file: Path, within: str) -> _Table:
    """A table's entries as an object of that class."""
    kinds = get_type_hints(table)
    known = ", ".join(f"{within}{entry.name}" for entry in dataclasses.fields(table))
    values: dict[str, Any] = {}
    for key, value in entries.items():
        name = f"{within}{key}"
        if key not in kinds:
            raise SettingsError(f"{file}: there is no setting {name}; there are {known}")
        if kinds[key] in (Scoring, Limits):
            if not isinstance(value, dict):
                raise SettingsError(f"{file}: {name} is a table: write [{name}]")
            values[key] = _read(kinds[key], value, file, f"{name}.")
        elif type(value) is kinds[key] and (kinds[key] is not int or value > 0):
            values[key] = value
        else:
            told = f"expected {_WORDS[kinds[key]]}, found {_described(value)}"
            raise SettingsError(f"{file}: {name}: {told}")
    return table(**values)


def _described(value: object) -> str:
    """A value as it stands in the file, or nearly so."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
