"""A task of a report, judged again and shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from grader import explain
from grader.devices import Devices
from grader.grade import grade
from grader.report import json as report_json
from grader.version import fingerprint
from tests.submissions import specimens

if TYPE_CHECKING:
    from pathlib import Path

ROW = {"task": "2.3", "title": "t", "state": "partial", "score": 5, "max_score": 8}


def written(folder: Path, **changed: Any) -> Path:
    """A report in a file; keys may be changed, or taken out by None."""
    report = {"seed": 3, "results": [ROW], "year": "", "grader": fingerprint(), **changed}
    file = folder / "report.json"
    file.write_text(json.dumps({k: v for k, v in report.items() if v is not None}), "utf-8")
    return file


def test_shows_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Inputs, values, tolerances, launches, diagnoses and conduct are shown, and the same score."""
    submission = tmp_path / "mine"
    submission.mkdir()
    specimens.read(specimens.HERE / "wrong" / "dw-without-mean.txt").write(submission)
    report = grade(submission, seed=3, devices=Devices(("emulator",), "test"), only={"2.3"})
    file = tmp_path / "report.json"
    report_json.write(report, file)
    assert explain.main([str(file), "2.3"]) == explain.SHOWN_AS_IN_REPORT
    told = capsys.readouterr().out
    for words in (
        "In the report: partial, 5 of 8",
        "Judged again:  partial, 5 of 8",
        "seed 3",
        "calls model.gradients with float32",
        "launched bias_add",
        "dW, (5, 4): differs",
        "allowed ±",
        "recognised: sum-not-mean",
        "Tolerances: 2 times a bound",
        "linear_gradients:",
        "Findings: none",
        "Integrity: nothing",
    ):
        assert words in told, words


def test_stand_ins_stand_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was replaced when the report was made is replaced again."""
    submission = tmp_path / "mine"
    submission.mkdir()
    specimens.read(specimens.HERE / "wrong" / "bias-subtracted.txt").write(submission)
    row = {**ROW, "task": "2.3", "score": 8, "stand_ins": ["1.1"], "state": "passed"}
    file = written(tmp_path, results=[row], submission="mine")
    assert explain.main([str(file), "2.3"]) == explain.SHOWN_AS_IN_REPORT
    assert "Stand-ins: 1.1 failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changed", "arguments", "words"),
    [
        ({"year": "1999"}, [], "of the year 1999, and this grader of no year, which"),
        ({"year": "1999"}, [], 'put year = "1999" into grader/settings.toml'),
        ({"grader": "0" * 12}, [], "another version of the grader (000000000000"),
        ({"submission": "gone"}, [], "the submission is not there: it was gone"),
        ({}, [], "the report does not tell where it was"),
        ({}, ["--submission", "/nowhere"], "--submission /nowhere: there is nothing"),
        ({"seed": None}, [], "does not tell its seed. Next: --seed N"),
        ({"seed": None, "submission": "assignment"}, ["--seed", "3"], "Next: --submission FOLDER"),
        ({"results": None}, [], "is no report"),
        ({"results": None}, [], "or a class run's students/ID/report.json"),
        ({"results": [{**ROW, "task": "1.1"}]}, [], "2.3 is not in the report, which has 1.1"),
        ({"results": [{**ROW, "state": "not measured"}]}, [], "was not judged: not measured"),
    ],
)
def test_clear_errors(
    changed: dict[str, Any],
    arguments: list[str],
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What keeps a task from being explained is said, with the next step."""
    file = written(tmp_path, **changed)
    assert explain.main([str(file), "2.3", *arguments]) == explain.UNUSABLE
    assert words in capsys.readouterr().err


def test_no_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is missing, or no JSON, is named."""
    assert explain.main([str(tmp_path / "none.json"), "2.3"]) == explain.UNUSABLE
    assert "none.json: No such file" in capsys.readouterr().err
    (tmp_path / "page.html").write_text("<html>")
    assert explain.main([str(tmp_path / "page.html"), "2.3"]) == explain.UNUSABLE
    assert "is no JSON" in capsys.readouterr().err


def test_seed_of_a_class(tmp_path: Path) -> None:
    """In a class's folder, the seed lies beside the students' pages."""
    folder = tmp_path / "students" / "ada"
    folder.mkdir(parents=True)
    (tmp_path / "seed").write_text("77\n")
    assert explain.seed_of({"seed": None}, folder / "report.json", None) == 77
    assert explain.seed_of({"seed": None}, folder / "report.json", 5) == 5
