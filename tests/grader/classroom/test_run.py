"""Whole runs with a stand-in for gradings: order, resuming, changes, bad input."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from grader.classroom import fingerprint, grading
from grader.classroom.cluster import Where
from grader.classroom.folder import RunFolder, RunFolderError
from grader.classroom.schedule import ScheduleError

if TYPE_CHECKING:
    from tests.grader.classroom.conftest import Classroom


def rows(classroom: Classroom) -> dict[str, dict[str, Any]]:
    """The gradebook, by id."""
    content = json.loads((classroom.output / "gradebook.json").read_text("utf-8"))
    return {row["id"]: row for row in content["students"]}


def test_same_scores_everywhere(classroom: Classroom) -> None:
    """One worker, three workers, and another order give the same gradebook, byte for byte."""
    for number in range(9):
        classroom.put(f"s{number}", f"sleep=0.0{number}")
    books = set()
    for workers, seed in ((1, None), (3, None), (3, 1), (2, 2)):
        classroom.output = classroom.folder / f"out-{workers}-{seed}"

        def order(jobs: list[Any], seed: int | None = seed) -> list[Any]:
            return random.Random(seed).sample(jobs, len(jobs)) if seed else jobs  # noqa: S311

        classroom.run(Where(workers), order)
        books.add(classroom.gradebook())
    assert len(books) == 1
    assert len({row["score"] for row in rows(classroom).values()}) > 1


def test_seed(classroom: Classroom) -> None:
    """A class's seed is drawn once, kept for its owner's eyes, and decides the scores."""
    classroom.put("ada")
    classroom.run(seed=None)
    seed = classroom.output / "seed"
    assert seed.stat().st_mode & 0o777 == 0o600
    recorded = seed.read_text()
    classroom.run(seed=None)
    assert seed.read_text() == recorded
    with pytest.raises(RunFolderError, match="another seed"):
        classroom.run(seed=int(recorded) + 1)
    public = [path for path in classroom.output.rglob("*") if path.is_file()]
    holders = {path.name for path in public if recorded.strip() in path.read_text("utf-8")}
    assert holders <= {"seed", "ada.emulator.json"}
    assert (classroom.output / "results").stat().st_mode & 0o077 == 0


def test_nothing_twice(classroom: Classroom) -> None:
    """A second run grades what is new or changed and nothing else, and says so."""
    for name in ("ada", "alan", "emmy"):
        classroom.put(name)
    classroom.run()
    first = rows(classroom)
    classroom.put("alan", "sleep=0")
    classroom.put("grace")
    (classroom.submissions / "emmy" / "kernels.py").unlink()
    (classroom.submissions / "emmy").rmdir()
    classroom.run()
    assert classroom.ended() == [
        f"{name} emulator" for name in ("ada", "alan", "alan", "emmy", "grace")
    ]
    assert "1 handed in anew" in classroom.said
    assert "1 graded before and no longer there" in classroom.said
    assert "2 to grade" in classroom.said
    second = rows(classroom)
    assert second.keys() == {"ada", "alan", "grace"}
    assert second["ada"] == first["ada"]


def test_changed_grader(classroom: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run begun by another grader is not mixed with this one's scores, unless all is regraded."""
    classroom.put("ada")
    classroom.run()
    changed = {**fingerprint.of_grader(), "grader/oracle.py": "new"}
    monkeypatch.setattr(fingerprint, "of_grader", lambda: changed)
    with pytest.raises(RunFolderError, match=r"\(1 file: grader/oracle\.py\)"):
        classroom.run()
    assert len(classroom.ended()) == 1
    classroom.run(regrade=True)
    assert len(classroom.ended()) == 2
    classroom.run()
    assert len(classroom.ended()) == 2


def test_grader_changed_meanwhile(classroom: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is graded while somebody edits the grader does not count."""
    classroom.put("ada")
    answers = iter([{"grader/oracle.py": (1, 1)}, {"grader/oracle.py": (2, 1)}])
    monkeypatch.setattr(fingerprint, "touched", lambda: next(answers))
    with pytest.raises(RunFolderError, match="while it graded"):
        classroom.run()
    assert list((classroom.output / "results").iterdir()) == []


def test_other_isolation(classroom: Classroom) -> None:
    """A run goes on at the level at which it was begun."""
    classroom.put("ada")
    classroom.run()
    with pytest.raises(RunFolderError, match="--isolation light"):
        classroom.run(isolation="full")


def test_two_runs(classroom: Classroom) -> None:
    """A second run in the same folder is refused while the first works."""
    classroom.put("ada")
    folder = RunFolder(classroom.output)
    with pytest.raises(RunFolderError, match="works in"):
        classroom.run()
    folder.close()
    classroom.run()


def test_foreign_folder(classroom: Classroom) -> None:
    """A folder with other files in it is left alone."""
    classroom.output.mkdir()
    (classroom.output / "thesis.tex").touch()
    with pytest.raises(RunFolderError, match="other files"):
        classroom.run()
    assert [path.name for path in classroom.output.iterdir()] == ["thesis.tex"]


def test_bad_input(classroom: Classroom) -> None:
    """What cannot be graded gets a row with 0 and the reason, and stops nobody."""
    classroom.put("ada")
    classroom.put("alan", "refuse")
    (classroom.submissions / "emmy.pdf").touch()
    (classroom.submissions / "grace").mkdir()
    run = classroom.run()
    book = rows(classroom)
    assert book["ada"]["error"] == ""
    assert book["alan"]["error"] == "alan holds nothing"  # and not where it lay
    assert "no homework" in book["emmy"]["error"]
    assert "empty" in book["grace"]["error"]
    assert all(book[name]["score"] == 0 for name in ("alan", "emmy", "grace"))
    assert not any(row.is_missing for row in run.rows())


def test_crash(classroom: Classroom) -> None:
    """A grading that ends without a result is tried three times, and again by the next run."""
    for name in ("ada", "alan", "grace"):
        classroom.put(name)
    classroom.put("emmy", "crash")
    missing = [row.student.id for row in classroom.run().rows() if row.is_missing]
    assert missing == ["emmy"]
    assert "SIGKILL" in rows(classroom)["emmy"]["error"]
    classroom.put("emmy")
    classroom.run()
    assert rows(classroom)["emmy"]["error"] == ""
    assert len(classroom.ended()) == 4


def test_machine_at_fault(classroom: Classroom) -> None:
    """Where no grading gives a result, the run stops with what the last one said."""
    for number in range(9):
        classroom.put(f"s{number}", "fail")
    with pytest.raises(ScheduleError, match="no compiler"):
        classroom.run()


def test_times(classroom: Classroom) -> None:
    """With GPUs, each submission is graded on both devices; a GPU's gradings have turns of its own.

    They go before those of correctness where both want a core.
    """
    for number in range(10):
        classroom.put(f"s{number}", "sleep=0.05 device")
    classroom.run(Where(2, ("3", "5")))
    assert len(classroom.ended()) == 20
    seen = [line.split() for line in (classroom.folder / "devices").read_text().splitlines()]
    on_gpus = [line for line in seen if line[0] == "gpu"]
    assert len(on_gpus) == 10
    assert {device for _, device, *_ in on_gpus} == {"3", "5"}
    assert len({turns for _, _, turns, *_ in on_gpus}) == 2
    assert len({(device, turns) for _, device, turns, *_ in on_gpus}) == 2
    references, own = zip(*(line[5:] for line in on_gpus), strict=True)
    assert (len(set(references)), len(set(own))) == (2, 10)  # compiled kernels
    niceness, other = (
        {int(line[3]) for line in seen if line[0] == name} for name in grading.AT_ONCE
    )
    assert max(other) < min(niceness)
    classroom.run(Where(2))
    assert len(classroom.ended()) == 20


def test_a_gpu_does_not_wait(classroom: Classroom) -> None:
    """Several gradings work for one GPU at once, and no more than that."""
    count = grading.AT_ONCE[grading.TIMES]
    for number in range(count + 1):
        classroom.put(f"s{number}", "device sleep=0.5 device")
    classroom.run(Where(1, ("0",)))
    seen = [line.split() for line in (classroom.folder / "devices").read_text().splitlines()]
    order = [line[4] for line in seen if line[0] == "gpu"]
    assert len(set(order[:count])) == count
    assert len(set(order[: count + 1])) == count


def test_reads_results_once(classroom: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that goes on reads a result twice at most: what it is of, and then what came of it."""
    for number in range(3):
        classroom.put(f"s{number}")
    classroom.run()
    read, counts = Path.read_text, Counter[str]()

    def counted(path: Path, *arguments: Any) -> str:
        counts[path.name] += path.parent.name == "results"
        return read(path, *arguments)

    monkeypatch.setattr(Path, "read_text", counted)
    classroom.run()
    assert counts["s0.emulator.json"] == 2
