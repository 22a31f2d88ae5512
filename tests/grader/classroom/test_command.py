"""The command line of a class: what it asks of the machine, and what it says."""

from __future__ import annotations

import io
import os
import subprocess
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from grader.classroom import command, fingerprint, grading, progress
from grader.classroom.cluster import Where
from grader.classroom.grading import Job, Outcome
from grader.classroom.progress import Meter
from grader.devices import Devices
from tests.grader.classroom.conftest import FAKE
from tests.grader.test_hostile import ends_within

if TYPE_CHECKING:
    from pathlib import Path

    from tests.grader.classroom.conftest import Classroom


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A machine with 16 cores and as many GPUs as a test wishes."""
    facts: dict[str, Any] = {"gpus": 0}
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    monkeypatch.setattr(
        "grader.devices.choose",
        lambda: Devices(("emulator", "gpu") if facts["gpus"] else ("emulator",), "no GPU"),
    )
    monkeypatch.setattr(
        command,
        "Machine",
        lambda: SimpleNamespace(gpus=SimpleNamespace(names=("H100",) * facts["gpus"])),
    )
    return facts


@pytest.mark.parametrize(
    ("gpus", "words", "where"),
    [
        (0, "", Where(16)),
        (0, "--workers 3 --gpus 0", Where(3)),
        (2, "", Where(8, ("0", "1"))),
        (2, "--gpus 1", Where(12, ("0",))),
        (4, "--gpus 1,3", Where(8, ("1", "3"))),
        (4, "--gpus 0", Where(16)),
        (2, "--scheduler tcp://a:1", Where(16, (), "tcp://a:1")),
        (0, "--slurm long --workers 64", Where(64, (), "", "long")),
        (0, "--slurm long --gpus 2", Where(8, ("0", "1"), "", "long")),
    ],
)
def test_where(machine: dict[str, Any], gpus: int, words: str, where: Where) -> None:
    """Cores and GPUs of this machine by default, with cores kept for the GPUs; or what is asked."""
    machine["gpus"] = gpus
    assert command._where(command._parser().parse_args(["x", *words.split()])) == where


def test_visible_devices(machine: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """GPUs that somebody hid stay hidden."""
    machine["gpus"] = 4
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert command._where(command._parser().parse_args(["x"])).gpus == ("2", "3")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("missing", "no such folder"),
        ("in --gpus 2", "--gpus 2"),
        ("in --scheduler tcp://127.0.0.1:9", "does not answer"),
    ],
)
def test_unusable(
    classroom: Classroom,
    machine: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    said: str,
) -> None:
    """What cannot be done is one sentence, and exit code 2."""
    del machine
    monkeypatch.setattr("grader.classroom.cluster.CONNECT_S", 0.5)
    classroom.put("ada")
    name, *options = words.split()
    code = command.main([str(classroom.folder / name), "--isolation", "light", *options], FAKE)
    assert code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "said"), [("missing", "no such folder"), ("this", "is one submission")]
)
def test_refused_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    """Where there is no class, no folder of a run is made."""
    (tmp_path / "this").mkdir()
    (tmp_path / "this" / "kernels.py").touch()
    assert command.main([str(tmp_path / name)], FAKE) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["this"]


@pytest.mark.parametrize(
    ("words", "output"),
    [
        (".", "here.d-graded"),
        ("../here.d/", "here.d-graded"),
        ("hw.v2", "here.d/hw.v2-graded"),
        ("export.v2.zip", "here.d/export.v2-graded"),
        ("hw.v2 --output elsewhere", "here.d/elsewhere"),
    ],
)
def test_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, output: str) -> None:
    """What comes of a run lies beside the submissions, under a folder's whole name."""
    (tmp_path / "here.d" / "hw.v2").mkdir(parents=True)
    (tmp_path / "here.d" / "export.v2.zip").touch()
    monkeypatch.chdir(tmp_path / "here.d")
    options = command._parser().parse_args(words.split())
    assert command._output(options).resolve() == tmp_path / output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--workers 0", "--workers: expected a number of 1 or more, found '0'"),
        ("--workers many", "--workers: expected a number of 1 or more, found 'many'"),
        (
            "--gpus two",
            "--gpus: expected a number of GPUs, or their numbers as in 0,2, found 'two'",
        ),
        ("--gpus 0,", "as in 0,2, found '0,'"),
        ("--gpus=-1", "as in 0,2, found '-1'"),
        ("--due tomorrow", "--due: expected a time as in 2026-11-30T23:59, found 'tomorrow'"),
        ("--slurm long --gpus 0,2", "--gpus 0,2: with --slurm expected a number of GPUs"),
    ],
)
def test_wrong_options(
    machine: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: str,
    said: str,
) -> None:
    """An option that cannot be meant is told with what was expected and found."""
    machine["gpus"] = 2
    try:
        code = command.main([str(tmp_path), *words.split()])
    except SystemExit as ended:
        code = int(str(ended.code))
    assert code == 2
    assert said in capsys.readouterr().err


def test_says_what_came_of_it(
    classroom: Classroom, machine: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """The end names students, errors and files; exit code 1 while some have no verdict."""
    del machine
    classroom.put("ada")
    words = [str(classroom.submissions), "--isolation", "light", "--output", str(classroom.output)]
    assert command.main(words, FAKE) == 0
    assert "1 student\n" in capsys.readouterr().out
    classroom.put("alan", "fail")
    assert command.main(words, FAKE) == 1
    said = capsys.readouterr()
    assert "2 students · 1 with an error" in said.out
    assert "1 without a verdict yet: type the same command" in said.out
    assert f"{classroom.output}/gradebook.csv" in said.out
    assert "1 graded before · 1 to grade" in said.err


@pytest.mark.parametrize(
    ("target", "variable"), [("class", "SUBMISSIONS"), ("grade", "SUBMISSION")]
)
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ('it\'s 5/a "b" `c` (d)', 'it\'s 5/a "b" `c` (d)'),
        ("~/my class", "/home/ada/my class"),
    ],
)
def test_make(target: str, variable: str, name: str, path: str) -> None:
    """Make hands on the name of a folder as it was typed; ~ is the home folder."""
    stand_ins = ("SETUP=true", "RUN=printf '%s|'")
    said = subprocess.run(
        ["make", "--no-print-directory", target, f"{variable}={name}", *stand_ins],
        capture_output=True,
        text=True,
        cwd=fingerprint.ROOT,
        env={**os.environ, "HOME": "/home/ada"},
        check=False,
    )
    assert said.stdout == f"-m|grader|{target}|{path}|", said.stderr


def test_make_class_of_nobody() -> None:
    """Without a folder, `make class` says how to name one."""
    words = ["make", "--no-print-directory", "class", "SETUP=false"]
    said = subprocess.run(words, capture_output=True, text=True, cwd=fingerprint.ROOT, check=False)
    assert said.stderr.startswith("Which submissions? Next: make class SUBMISSIONS=folder")


def test_secret_seed() -> None:
    """The seed is on no command line, where every process could read it."""
    words = grading.command("full")
    assert words[words.index("--seed") + 1] == "-"
    assert words[-2:] == ("--isolation", "full")


def test_plain_progress() -> None:
    """Where there is no terminal, each grading is a line: count, who, what, pace and rest."""
    stream = io.StringIO()
    with Meter(4, {"emulator": 8}, {"ada": "Ada\x1b"}, stream) as meter:
        job = Job("ada", "emulator", "x", "r", 1, "", ())
        meter.end(job, Outcome("graded", seconds=2.5), "80 / 85")
        meter.tick([job], "")
        meter.tick([], "no worker has come yet")
        meter.tick([], "no worker has come yet")
    first, second = stream.getvalue().splitlines()
    assert first.startswith(" 5 of 12  Ada\ufffd: 80 / 85 (emulator, 2.5 s) · ")
    assert first.endswith(" left")
    assert second == "no worker has come yet"


def test_pace_is_of_what_was_graded() -> None:
    """What is refused takes no time, so that no pace follows from it."""
    stream = io.StringIO()
    with Meter(0, {"emulator": 12}, {}, stream) as meter:
        for kind in ("refused", "graded"):
            meter.end(Job(kind, "emulator", "x", "r", 1, "", ()), Outcome(kind), "told")
    refused, graded = stream.getvalue().splitlines()
    assert refused == " 1 of 12  refused: told (emulator, 0.0 s)"
    assert graded.endswith(" left")


def test_pace_of_two_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a pace of its own, and the run ends when the slower one does."""
    now = [0.0]
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now[0]))
    stream = io.StringIO()
    with Meter(0, {"emulator": 4, "gpu": 4}, {}, stream) as meter:
        for stage in ("emulator", "emulator", "gpu"):
            now[0] += 10.0
            meter.end(Job("ada", stage, "x", "r", 1, "", ()), Outcome("graded"), "told")
    first, _, last = stream.getvalue().splitlines()
    assert first == "1 of 8  ada: told (emulator, 0.0 s)"  # nothing is known of the other yet
    assert last.endswith(" · emulator 240, gpu 120 an hour, 1 min 30 s left")


def test_bar() -> None:
    """On a terminal there is a bar with the count and the names of what is under way."""

    class Terminal(io.StringIO):
        """A stream that says that it is one."""

        def isatty(self) -> bool:
            """It does."""
            return True

    stream = Terminal()
    with Meter(4, {"emulator": 8}, {"ada": "Ada"}, stream) as meter:
        job = Job("ada", "emulator", "x", "r", 1, "", ())
        meter.end(job, Outcome("graded"), "80 / 85")
        meter.tick([job], "")
    assert "5/12" in stream.getvalue()
    assert "Ada" in stream.getvalue()


def test_fingerprints(tmp_path: Path) -> None:
    """Any change of name or content shows; links are not followed; order and time do not show."""
    folder = tmp_path / "a"
    (folder / "below").mkdir(parents=True)
    (folder / "kernels.py").write_text("x")
    (folder / "below" / "y").write_text("y")
    first = fingerprint.of_submission(folder)
    (folder / "kernels.py").write_text("x")
    assert fingerprint.of_submission(folder) == first
    seen = {first}
    (folder / "kernels.py").write_text("z")
    seen.add(fingerprint.of_submission(folder))
    (folder / "kernels.py").rename(folder / "blas.py")
    seen.add(fingerprint.of_submission(folder))
    (folder / "link").symlink_to("/dev/zero")
    seen.add(fingerprint.of_submission(folder))
    assert len(seen) == 4


def test_fingerprint_of_a_pipe(tmp_path: Path) -> None:
    """A pipe is not read, which would never end: nor one in a folder."""
    (tmp_path / "this").mkdir()
    before = fingerprint.of_submission(tmp_path / "this")
    for name in ("this.zip", "this/kernels.py"):
        os.mkfifo(tmp_path / name)
    with ends_within(10):
        assert fingerprint.of_submission(tmp_path / "this.zip")
        assert fingerprint.of_submission(tmp_path / "this") != before


def test_what_a_score_depends_on() -> None:
    """The grader's hash covers checks, emulator and solution, and no page and no cache."""
    names = fingerprint.of_grader()
    for name in ("grader/oracle.py", "grader/checks/test_part1.py", "solution/kernels.py",
                 "emulator/runtime/launch.cpp", "backend/choice.py"):  # fmt: skip
        assert name in names
    assert not [name for name in names if "classroom" in name or "report/" in name]
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests/")]
