"""A class run on disk, so written that it can be killed at any moment and goes on where it was.

    run.json         what a score depends on: isolation, and a hash of each of the grader's files
    seed             the class's secret seed, for the owner's eyes
    lock             held while a run works here
    journal.jsonl    what was begun and what ended, one line each, on the disk before work goes on
    results/         one file a grading, renamed into place when it is whole
    submissions/     an export, unpacked
    scratch/         of workers, emptied by each run

A result counts from the moment its file has its name. A grading that was under way when the run was
killed begins anew.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from grader import seeds
from grader.classroom.grading import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT = 1


class RunFolderError(Exception):
    """The folder cannot be used for this run; the message says why, and the next step."""


@dataclass
class Deaths:
    """How often the run was killed while something was graded.

    Attributes:
        among: by key, with others beside it.
        alone: by key, and nothing else.
    """

    among: Counter[str] = field(default_factory=Counter)
    alone: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Held:
    """Of what a result is, and whether the next run need not try again."""

    submission: str
    grader: str
    is_final: bool


class RunFolder:
    """The folder of a class run, locked until it is closed.

    Args:
        path: of the folder, made where it is not there.

    Raises:
        RunFolderError: another run works in it, or it holds something else.
        OSError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.is_dir() and any(path.iterdir()) and not (path / "lock").exists():
            raise RunFolderError(
                f"{path} holds other files than a class run's: name a new folder with --output"
            )
        path.mkdir(parents=True, exist_ok=True)
        (path / "results").mkdir(mode=0o700, exist_ok=True)  # the seed is in each of them
        self._lock = (path / "lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            who = self._lock.read().strip() or "another process"
            self._lock.close()
            raise RunFolderError(
                f"a class run ({who}) works in {path} already: wait for it, or name another "
                "folder with --output"
            ) from None
        self._lock.truncate(0)
        self._lock.write(f"process {os.getpid()} on {os.uname().nodename}\n")
        self._lock.flush()
        for draft in (path / "results").glob("*.draft"):
            draft.unlink()
        journal = path / "journal.jsonl"
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if not journal.read_bytes().endswith(b"\n"):
            os.write(self._journal, b"\n")  # after a line that a kill cut

    def close(self) -> None:
        """Let the next run in."""
        os.close(self._journal)
        self._lock.close()

    def scratch(self) -> Path:
        """An empty folder for workers, and for a run only: it is emptied, also after a kill."""
        folder = self.path / "scratch"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    # Settings and seed -------------------------------------------------------------------------

    def settings(self) -> dict[str, Any]:
        """What the run was begun with; empty for a new one."""
        try:
            return dict(json.loads((self.path / "run.json").read_text("utf-8")))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise RunFolderError(
                f"{self.path}/run.json cannot be read ({error}): name a new folder with --output"
            ) from error

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        """Record what the run is begun with."""
        write_whole(self.path / "run.json", json.dumps(dict(settings), indent=1))

    def seed(self, wanted: int | None) -> int:
        """The class's seed: the recorded one, or the wanted one, or a new one, which is recorded.

        Raises:
            RunFolderError: another seed than the recorded one is wanted.
        """
        file = self.path / "seed"
        if file.exists():
            recorded = int(file.read_text("ascii"))
            if wanted not in (None, recorded):
                raise RunFolderError(
                    f"{self.path} was begun with another seed, and its scores belong to that: "
                    "leave --seed out to go on, or name a new folder with --output"
                )
            return recorded
        seed = seeds.new_seed() if wanted is None else wanted
        write_whole(file, f"{seed}\n", mode=0o600)
        return seed

    # Results -----------------------------------------------------------------------------------

    def result(self, key: str, stage: str, submission: str, grader: str) -> Outcome | None:
        """The outcome of a grading of just this submission by just this grader, if there is one."""
        held = self._held.get((key, stage))
        if held is None or (held.submission, held.grader) != (submission, grader):
            return None
        found = _read(self._file(key, stage))
        return found[1] if found else None

    def is_done(self, key: str, stage: str, submission: str, grader: str) -> bool:
        """Whether there is such an outcome, and it need not be tried again; reads no file."""
        return self._held.get((key, stage)) == _Held(submission, grader, is_final=True)

    def write_result(
        self, key: str, stage: str, submission: str, grader: str, outcome: Outcome
    ) -> None:
        """Record an outcome: at once and for good, or not at all."""
        held = {"submission": submission, "grader": grader, "outcome": asdict(outcome)}
        write_whole(self._file(key, stage), json.dumps(held))
        self._held[key, stage] = _Held(submission, grader, outcome.is_final)
        self.note("end", key=key, stage=stage, submission=submission, kind=outcome.kind)

    def known(self) -> dict[str, str]:
        """The hash of each submission of which there is an outcome, by the entry's key."""
        return {key: held.submission for (key, _), held in self._held.items()}

    @cached_property
    def _held(self) -> dict[tuple[str, str], _Held]:
        """What the results are of, by key and stage; nobody else writes them meanwhile."""
        held = {}
        for path in (self.path / "results").glob("*.json"):
            found = _read(path)
            if found:
                key, stage, _ = path.name.rsplit(".", 2)
                held[key, stage] = found[0]
        return held

    def _file(self, key: str, stage: str) -> Path:
        return self.path / "results" / f"{key}.{stage}.json"

    # Journal -----------------------------------------------------------------------------------

    def note(self, event: str, **facts: Any) -> None:
        """Put a line into the journal, and wait until the disk has it."""
        line = json.dumps({"event": event, "at": round(time.time(), 3), **facts})
        os.write(self._journal, f"{line}\n".encode())
        os.fsync(self._journal)

    def journal(self) -> list[dict[str, Any]]:
        """All lines that are whole; the last may have been cut by a kill."""
        text = (self.path / "journal.jsonl").read_text("utf-8", "replace")
        return [line for line in map(_line, text.splitlines()) if line]

    def deaths(self) -> Deaths:
        """What was being graded whenever a run ended without a word.

        A submission is known by its key and its content: one that was handed in again has a clean
        record.
        """
        deaths, under_way = Deaths(), set[str]()
        for line in [*self.journal(), {"event": "run"}]:
            event, who = line["event"], f"{line.get('key')} {line.get('submission')}"
            if event == "begin":
                under_way.add(who)
            elif event == "end":
                under_way.discard(who)
            elif event in ("run", "stop"):
                if event == "run":
                    deaths.among.update(under_way)
                    deaths.alone.update(under_way if len(under_way) == 1 else ())
                under_way.clear()
        return deaths


def _read(path: Path) -> tuple[_Held, Outcome] | None:
    """A result's file; None where it is none."""
    try:
        content = json.loads(path.read_text("utf-8"))
        outcome = Outcome(**content["outcome"])
        return _Held(content["submission"], content["grader"], outcome.is_final), outcome
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _line(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except ValueError:
        return {}


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file that is there as a whole or not at all, whenever the machine stops."""
    draft = path.with_name(f"{path.name}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
