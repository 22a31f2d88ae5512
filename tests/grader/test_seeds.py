"""Seeds: drawn anew, or read from the command line or a pipe."""

from __future__ import annotations

import argparse
import io

import pytest

from grader import cli, explain, seeds
from grader.classroom import command
from grader.release import gradescope


def test_new_seeds() -> None:
    """Seeds are numbers that `seed` takes, and differ."""
    drawn = {seeds.new_seed() for _ in range(4)}
    assert len(drawn) > 1
    assert {seeds.seed(str(number)) for number in drawn} == drawn


def test_from_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """With "-" the seed is read from standard input."""
    monkeypatch.setattr("sys.stdin", io.StringIO("12\nmore\n"))
    assert seeds.seed("-") == 12


@pytest.mark.parametrize("text", ["-1", "seven", "1.5", ""])
def test_no_seed(text: str) -> None:
    """What is no number of 0 or more is refused, with what was found."""
    with pytest.raises(argparse.ArgumentTypeError, match=f"0 or more, found '{text}'"):
        seeds.seed(text)


@pytest.mark.parametrize(
    ("main", "words"),
    [
        (cli.main, ["grade", "assignment"]),
        (explain.main, ["report.json", "2.3"]),
        (command.main, ["submissions"]),
        (gradescope.main, []),
    ],
)
def test_every_command(main: object, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Each command that takes a seed refuses a negative one, before it does anything."""
    assert callable(main)
    with pytest.raises(SystemExit) as ended:
        main([*words, "--seed", "-1"])
    assert ended.value.code == 2
    assert "--seed: expected a whole number of 0 or more, found '-1'" in capsys.readouterr().err
