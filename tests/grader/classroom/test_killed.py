"""Runs that are killed at random moments, and gradings that must not outlive them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader.classroom import run as running
from grader.classroom.cluster import Where
from grader.classroom.folder import RunFolder, write_whole
from tests.grader.classroom.conftest import FAKE, THIS_GRADER

if TYPE_CHECKING:
    from tests.grader.classroom.conftest import Classroom

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = f"""
import sys
from grader.classroom import fingerprint
from grader.classroom.command import main
fingerprint.of_grader = lambda: {THIS_GRADER!r}
fingerprint.touched = dict
sys.exit(main(sys.argv[1:], {FAKE!r}))
"""


def start(classroom: Classroom) -> subprocess.Popen[str]:
    """A run as a process of its own."""
    where = [str(classroom.submissions), "--output", str(classroom.output)]
    options = ["--workers", "2", "--seed", "7", "--isolation", "light"]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *where, *options],
        cwd=ROOT,
        env={**os.environ, "BACKEND": "emulator"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell ignores SIGINT for what it runs in the background, these tests perhaps.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )


def left_behind(classroom: Classroom) -> list[str]:
    """Command lines of processes that still grade this class."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if f"{classroom.submissions}/" in line:
            found.append(line)
    return found


def test_sigkill(classroom: Classroom) -> None:
    """A run killed five times ends as one that was not: nothing is lost, nothing recorded twice."""
    for number in range(16):
        classroom.put(f"s{number:02}", "sleep=0.15")
    dice, kills = random.Random(), 0  # noqa: S311
    while kills < 5:
        process = start(classroom)
        time.sleep(dice.uniform(0.3, 1.3))
        process.kill()
        process.communicate()
        kills += 1
    deadline = time.monotonic() + 5
    while left_behind(classroom) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left_behind(classroom) == []
    last = start(classroom)
    told, _ = last.communicate(timeout=60)
    assert last.returncode == 0, told
    interrupted = classroom.gradebook()
    folder = RunFolder(classroom.output)
    lines = folder.journal()
    folder.close()
    ends = [(line["key"], line["stage"]) for line in lines if line["event"] == "end"]
    assert sorted(ends) == [(f"s{number:02}", "emulator") for number in range(16)]
    classroom.output = classroom.folder / "uninterrupted"
    classroom.run()
    assert classroom.gradebook() == interrupted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped(classroom: Classroom, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end a run at once, with a sentence how to go on, and no process left."""
    classroom.put("quick")
    classroom.put("slow", "sleep=60")
    process = start(classroom)
    deadline = time.monotonic() + 20
    while "quick emulator" not in classroom.ended() and time.monotonic() < deadline:
        time.sleep(0.02)
    begun = time.monotonic()
    process.send_signal(number)
    told, _ = process.communicate(timeout=20)
    assert time.monotonic() - begun < 10
    assert process.returncode == 130
    assert "type the same command to go on" in told
    assert "Traceback" not in told
    assert left_behind(classroom) == []


def test_cut_journal(classroom: Classroom) -> None:
    """A journal whose last line a kill has cut is read, and goes on on a line of its own."""
    classroom.put("ada")
    classroom.run()
    with (classroom.output / "journal.jsonl").open("a") as file:
        file.write('{"event": "beg')
    classroom.put("alan")
    classroom.run()
    folder = RunFolder(classroom.output)
    events = [line["event"] for line in folder.journal()]
    folder.close()
    assert events == ["run", "begin", "end", "stop", "run", "begin", "end", "stop"]


def test_cut_result(classroom: Classroom) -> None:
    """A result that is not whole is no result; drafts are swept."""
    classroom.put("ada")
    classroom.run()
    book = classroom.gradebook()
    file = classroom.output / "results" / "ada.emulator.json"
    file.write_text(file.read_text()[:-20])
    (classroom.output / "results" / "x.json.draft").touch()
    classroom.run()
    assert len(classroom.ended()) == 2
    assert classroom.gradebook() == book
    assert not list((classroom.output / "results").glob("*.draft"))


def test_whole_files(tmp_path: Path) -> None:
    """A file is replaced as a whole, with the mode that was asked for."""
    write_whole(tmp_path / "seed", "1", mode=0o600)
    write_whole(tmp_path / "seed", "2", mode=0o600)
    assert (tmp_path / "seed").read_text() == "2"
    assert (tmp_path / "seed").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["seed"]


def test_suspects(classroom: Classroom) -> None:
    """What was under way at three kills comes last and alone; after three more it is reported."""
    for name in ("ada", "alan", "evil"):
        classroom.put(name)
    classroom.run()
    folder = RunFolder(classroom.output)
    (classroom.output / "results" / "evil.emulator.json").unlink()
    (classroom.output / "results" / "alan.emulator.json").unlink()
    submissions = folder.known()
    hashes = {
        line["key"]: line["submission"] for line in folder.journal() if line["event"] == "begin"
    }
    assert submissions.keys() == {"ada"}

    def kill_with(*names: str) -> None:
        folder.note("run")
        for name in names:
            folder.note("begin", key=name, stage="emulator", submission=hashes[name])

    for _ in range(running.ENOUGH):
        kill_with("alan", "evil")
    folder.close()
    folder = RunFolder(classroom.output)
    assert set(folder.deaths().among.values()) == {3}
    assert folder.deaths().alone.total() == 0
    for _ in range(running.ENOUGH):
        kill_with("evil")
    folder.close()
    run = classroom.run(Where(3))
    errors = {row.student.id: row.error for row in run.rows()}
    assert (errors["ada"], errors["alan"]) == ("", "")
    assert "killed 3 times while it alone" in errors["evil"]
    assert classroom.ended().count("evil emulator") == 1
    assert classroom.ended().count("alan emulator") == 2
