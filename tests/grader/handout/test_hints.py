from pathlib import Path

import pytest

from grader.handout import hints
from grader.handout.hints import HINTS, next_hint
from grader.tasks import TASKS

KNOWN = hints.hints(HINTS.read_text(encoding="utf-8"))


def test_every_task_has_three_hints() -> None:
    """Each task of the table, in its order."""
    assert list(KNOWN) == [task.id for task in TASKS]
    assert {task: len(found) for task, found in KNOWN.items()} == dict.fromkeys(KNOWN, 3)


def test_asking_again_gives_one_more(tmp_path: Path) -> None:
    """First one hint, then two, then all three, and then no more."""
    asked = tmp_path / "cache" / "hints.json"
    shown = [next_hint("2.3", asked).count("Hint ") for _ in range(5)]
    assert shown == [1, 2, 3, 3, 3]
    assert next_hint("1.1", asked).count("Hint ") == 1, "each task counts on its own"


def test_in_watch_a_key_and_a_save_are_next(tmp_path: Path) -> None:
    """There, no command is typed: h gives one more hint, and a save grades."""
    asked = tmp_path / "hints.json"
    shown = [next_hint("2.3", asked, is_watching=True).splitlines()[-1] for _ in range(3)]
    assert shown[:2] == ["Try it, and save (one more hint: h)"] * 2
    assert shown[2] == "That was the last hint. Try it, and save"


def test_unreadable_memory_starts_again(tmp_path: Path) -> None:
    """A broken or unwritable state file costs nothing but the count."""
    asked = tmp_path / "hints.json"
    for content in ("not json", "[1]", '{"2.3": "x"}'):
        asked.write_text(content)
        assert next_hint("2.3", asked).count("Hint ") == 1
    assert next_hint("2.3", tmp_path).count("Hint ") == 1, "a folder is in its place"


@pytest.mark.parametrize("argv", [[], [""], ["1.1", "1.2"], ["9.9"], ["linear.py"]])
def test_unknown_task_is_a_usage_error(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2, and a message that says which tasks there are."""
    assert hints.main(argv) == 2
    assert "1.1" in capsys.readouterr().err


def test_main_prints_the_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The hint, and the command to type next."""
    monkeypatch.setattr(next_hint, "__defaults__", (tmp_path / "hints.json", HINTS))
    assert hints.main(["1.3"]) == 0
    assert "make grade TASK=1.3" in capsys.readouterr().out


def test_submission_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commands to type next are for what the student has graded."""
    monkeypatch.setattr(next_hint, "__defaults__", (tmp_path / "hints.json", HINTS))
    assert hints.main(["1.3", "--submission", "mine"]) == 0
    assert "make grade SUBMISSION=mine TASK=1.3" in capsys.readouterr().out
    assert hints.main(["1.3", "--submission", "assignment"]) == 0
    assert "make grade TASK=1.3" in capsys.readouterr().out
