"""A class run: what is still to be graded, in which order, and what came of it all."""

from __future__ import annotations

import contextlib
import secrets
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grader.classroom import entries as finding
from grader.classroom import fingerprint, gradebook, grading, pages
from grader.classroom.cluster import Where, capacity, connect
from grader.classroom.folder import FORMAT, Deaths, RunFolder, RunFolderError
from grader.classroom.grading import CORRECTNESS, TIMES, Job, Outcome
from grader.classroom.merge import merge
from grader.classroom.progress import Meter
from grader.classroom.schedule import Schedule
from grader.report import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path
    from typing import TextIO

    from distributed import Client

    from grader.classroom.entries import Entry
    from grader.classroom.gradebook import Row
    from grader.result import Report

ENOUGH = 3
"""After so many kills with a submission under way it is graded last, and alone; after so many more
with nothing beside it, it is reported in place of being graded."""


@dataclass(frozen=True)
class Options:
    """What was asked for.

    Attributes:
        submissions: a folder, or the zip of an export.
        where: the workers.
        seed: wanted; None for the recorded one, or a new one.
        isolation: level of the gradings.
        due: of Gradescope's submissions; later ones are late.
        regrade: grade all again where the grader has changed.
        command: of a grading; see `grading.command`.
    """

    submissions: Path
    where: Where
    seed: int | None = None
    isolation: str = "full"
    due: datetime | None = None
    regrade: bool = False
    command: tuple[str, ...] = ()


class ClassRun:
    """A class, in its folder.

    Args:
        folder: locked.
        options: what was asked for.
        stream: to tell the instructor how it goes.

    Raises:
        RunFolderError: the folder was begun with other settings or another grader.
        ExportError: there is no class to grade.
    """

    def __init__(self, folder: RunFolder, options: Options, stream: TextIO) -> None:
        self.folder, self.options, self._stream = folder, options, stream
        scratch = folder.path / "submissions"
        self.entries = finding.find(options.submissions, scratch, options.due)
        self._settle()
        self.seed = folder.seed(options.seed)
        self._hashes = {
            entry.key: fingerprint.of_submission(entry.path)
            for entry in self.entries
            if entry.path is not None
        }
        self._command = options.command or grading.command(options.isolation)
        self._stages: tuple[str, ...] = (CORRECTNESS,)
        self._deaths = Deaths()

    def _settle(self) -> None:
        """Record what the run is begun with, or compare it with what it was begun with."""
        self._touched = fingerprint.touched()
        before, now = self.folder.settings(), fingerprint.of_grader()
        self._grader = fingerprint.of_all(now)
        if before and before["format"] != FORMAT:
            raise RunFolderError(f"{self.folder.path} is of another release: name a new folder")
        if before and before["isolation"] != self.options.isolation:
            raise RunFolderError(
                f"{self.folder.path} was begun with --isolation {before['isolation']}: go on with "
                "that, or name a new folder with --output"
            )
        changed = _changed(before["grader"], now) if before else []
        if changed and not self.options.regrade and self.folder.known():
            count = f"{len(changed)} file{'s' if len(changed) > 1 else ''}"
            names = ", ".join(changed[:3]) + (" …" if len(changed) > 3 else "")  # noqa: PLR2004
            raise RunFolderError(
                f"the grader has changed since {self.folder.path} was begun ({count}: "
                f"{names}), and scores of two graders must not stand in one gradebook.\n"
                "Next: --regrade to grade all again (make class SUBMISSIONS=… ARGS=--regrade), or "
                "--output with a new folder"
            )
        if not before or changed:
            self.folder.write_settings(
                {
                    "format": FORMAT,
                    "id": before.get("id") or secrets.token_hex(4),
                    "isolation": self.options.isolation,
                    "grader": now,
                }
            )
        self.id = str(self.folder.settings()["id"])

    # Grading -----------------------------------------------------------------------------------

    def grade(self, order: Callable[[list[Job]], Sequence[Job]] = list) -> None:
        """Grade what is not graded yet.

        Args:
            order: in which what is to be graded is handed out.

        Raises:
            ClusterError: there are no workers.
            ScheduleError: nothing can be graded on them.
        """
        grading.begin(self.id)
        where = self.options.where
        self._deaths = self.folder.deaths()
        self.folder.note("run", grader=self._grader)
        self._stages = (CORRECTNESS, TIMES) if where.gpus else (CORRECTNESS,)
        if not self._to_do() and not where.scheduler:
            self._tell_begin([])
            self.folder.note("stop")
            return
        try:
            with connect(where, self.folder.scratch()) as client, _stopping():
                if where.scheduler and capacity(client, TIMES):
                    self._stages = (CORRECTNESS, TIMES)
                self._grade_on(client, order)
        finally:
            self.folder.note("stop")
            self.folder.scratch()
            grading.clear(self.id)

    def _grade_on(self, client: Client, order: Callable[[list[Job]], Sequence[Job]]) -> None:
        jobs, deaths = self._to_do(), self._deaths
        self._tell_begin(jobs)
        suspects = [job for job in jobs if deaths.among[self._who(job)] >= ENOUGH]
        names = {entry.key: _names(entry) for entry in self.entries}
        done = len(self._stages) * len(self._hashes) - len(jobs)
        left = Counter(job.stage for job in jobs)
        with Meter(done, left, names, self._stream) as meter:
            schedule = Schedule(client, self._begin, self._ender(meter), meter.tick)
            schedule.run(order([job for job in jobs if job not in suspects]))
            for job in suspects:
                if deaths.alone[self._who(job)] < ENOUGH:
                    schedule.run([job], at_once=1)
                else:
                    self._ender(meter)(job, _deadly(deaths.alone[self._who(job)]))

    def _to_do(self) -> list[Job]:
        """What has no final outcome yet."""
        return [
            self._job(entry.key, entry.path, stage)
            for stage in self._stages
            for entry in self.entries
            if entry.path is not None and not self._is_done(entry.key, stage)
        ]

    def _job(self, key: str, path: Path, stage: str) -> Job:
        place = str(path.resolve())
        return Job(key, stage, place, self.id, self.seed, self._pinned, self._command)

    @property
    def _pinned(self) -> str:
        """The grader that workers must have; in this process it is this one."""
        return self._grader if self.options.where.scheduler or self.options.where.slurm else ""

    def _is_done(self, key: str, stage: str) -> bool:
        return self.folder.is_done(key, stage, self._hashes[key], self._grader)

    def _who(self, job: Job) -> str:
        return f"{job.key} {self._hashes[job.key]}"

    def _begin(self, job: Job) -> None:
        self.folder.note("begin", key=job.key, stage=job.stage, submission=self._hashes[job.key])

    def _end(self, job: Job, outcome: Outcome) -> None:
        if fingerprint.touched() != self._touched:
            raise RunFolderError(
                f"somebody changed the grader in {fingerprint.ROOT} while it graded: what was "
                "under way does not count. Next: --regrade to grade all again, or change it back"
            )
        self.folder.write_result(job.key, job.stage, self._hashes[job.key], self._grader, outcome)

    def _ender(self, meter: Meter) -> Callable[[Job, Outcome], None]:
        def end(job: Job, outcome: Outcome) -> None:
            self._end(job, outcome)
            meter.end(job, outcome, _told(outcome))

        return end

    def _tell_begin(self, jobs: Iterable[Job]) -> None:
        keys = {job.key for job in jobs}
        known = self.folder.known()
        changed = sum(known.get(key, hash_) != hash_ for key, hash_ in self._hashes.items())
        gone = len(known.keys() - {entry.key for entry in self.entries})
        bad = len(self.entries) - len(self._hashes)
        facts = [
            f"{len(self.entries)} submissions",
            f"{bad} with nothing to grade" if bad else "",
            f"{len(self._hashes) - len(keys)} graded before" if known else "",
            f"{changed} handed in anew since" if changed else "",
            f"{gone} graded before and no longer there: left out" if gone else "",
            f"{len(keys)} to grade",
        ]
        self._stream.write(" · ".join(fact for fact in facts if fact) + "\n")

    # What came of it ---------------------------------------------------------------------------

    def rows(self) -> list[Row]:
        """One row a student, in the order of the entries."""
        times = TIMES in self._stages
        rows = []
        for entry in self.entries:
            outcomes = self._outcomes(entry)
            report, error = _report(outcomes) if outcomes else (None, entry.error)
            missing = not all(outcome and outcome.is_final for outcome in outcomes.values())
            first = outcomes.get(CORRECTNESS)
            refused = entry.path is None or (first is not None and first.kind == "refused")
            rows += [
                gradebook.Row(who, entry, report, error, times, missing, refused)
                for who in entry.students
            ]
        return rows

    def _outcomes(self, entry: Entry) -> dict[str, Outcome | None]:
        """By stage; none where there is nothing to grade."""
        if entry.path is None:
            return {}
        hash_ = self._hashes[entry.key]
        return {
            stage: self.folder.result(entry.key, stage, hash_, self._grader)
            for stage in self._stages
        }

    def write(self) -> list[Row]:
        """Write the gradebook and the pages; returns the rows."""
        rows = self.rows()
        gradebook.write(rows, self.folder.path)
        pages.write(rows, self.folder.path, self.options.isolation)
        return rows


@contextlib.contextmanager
def _stopping() -> Iterator[None]:
    """Kill the gradings of this process where something ends the run before them."""
    try:
        yield
    except BaseException:
        grading.stop_all()
        raise


def _changed(before: dict[str, Any], now: dict[str, str]) -> list[str]:
    names = before.keys() | now.keys()
    return sorted(name for name in names if before.get(name) != now.get(name))


def _names(entry: Entry) -> str:
    return ", ".join(student.name for student in entry.students)


def _report(outcomes: dict[str, Outcome | None]) -> tuple[Report | None, str]:
    """The report of a submission, and why there is none or a part of it is missing."""
    first, second = outcomes[CORRECTNESS], outcomes.get(TIMES)
    if first is None or first.record is None:
        return None, _why(first)
    if second is None or second.record is None:
        error = f"times were not taken: {_why(second)}" if TIMES in outcomes else ""
        return record.report_of(first.record), error
    return merge(record.report_of(first.record), record.report_of(second.record)), ""


def _why(outcome: Outcome | None) -> str:
    return outcome.message if outcome else "it is not graded yet"


def _deadly(count: int) -> Outcome:
    return Outcome("deadly", message=f"the run was killed {count} times while it alone was graded")


def _told(outcome: Outcome) -> str:
    """What came of a grading, in a word or three."""
    if outcome.record is None:
        return f"{outcome.kind}, {outcome.message.splitlines()[0] if outcome.message else ''}"
    report = record.report_of(outcome.record)
    return f"{report.score} / {report.max_score}"
