"""The instructor's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader import settings
from grader.settings import Scoring, Settings, SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_handed_out_is_the_default() -> None:
    """The file in the repository says what holds without it, and names every setting."""
    assert settings.load() == Settings()
    text = settings.FILE.read_text("utf-8")
    assert all(f"{name} = " in text for name in ("year", "emulated_cost", "grading_s"))


def test_values_are_read(tmp_path: Path) -> None:
    """What the file says holds; what it leaves out keeps its default."""
    file = tmp_path / "settings.toml"
    file.write_text('year = "2027"\n', "utf-8")
    assert settings.load(file) == Settings(year="2027")
    file.write_text("[scoring]\nemulated_cost = true\n", "utf-8")
    assert settings.load(file) == Settings(Scoring(emulated_cost=True))


def test_no_file(tmp_path: Path) -> None:
    """Without the file all settings keep their defaults."""
    assert settings.load(tmp_path / "none.toml") == Settings()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("colour = 1", "there is no setting colour; there are scoring, limits, year"),
        (
            "[scoring]\nemulate = true",
            "no setting scoring.emulate; there are scoring.emulated_cost",
        ),
        ("year = 2027", 'year: expected text in quotes, e.g. "2027", found 2027'),
        ('[scoring]\nemulated_cost = "yes"', 'emulated_cost: expected true or false, found "yes"'),
        ("[scoring]\nemulated_cost = 1", "expected true or false, found 1"),
        ("[limits]\ngrading_s = 0", "limits.grading_s: expected a whole number from 1 on, found 0"),
        ("[limits]\ngrading_s = 1.5", "expected a whole number from 1 on, found 1.5"),
        ("[limits]\ngrading_s = true", "expected a whole number from 1 on, found true"),
        ("scoring = true", "scoring is a table: write [scoring]"),
        ("year = ", "is no TOML"),
        ("year = '\udcff'", "cannot be read"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, told: str) -> None:
    """A mistake is told with file, key, what is expected and what was found."""
    file = tmp_path / "settings.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError) as raised:
        settings.load(file)
    assert str(file) in str(raised.value)
    assert told in str(raised.value)
