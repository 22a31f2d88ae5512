"""`python -m grader class DIR`: grade a whole class, and go on where a run was stopped."""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from backend.machine import Machine
from grader import devices, seeds
from grader.classroom import entries
from grader.classroom.cluster import CORES_A_GPU, ClusterError, Where
from grader.classroom.exports import ExportError
from grader.classroom.folder import RunFolder, RunFolderError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.classroom.gradebook import Row

DONE, NOT_ALL, UNUSABLE, STOPPED = 0, 1, 2, 130
"""Exit codes: every submission has its verdict; some have none; nothing could be graded; Ctrl-C."""

_DEVICE = r"(?:\d+|(?:GPU|MIG)-[\w/-]+)"


def main(arguments: Sequence[str], command: tuple[str, ...] = ()) -> int:
    """Grade a class.

    Args:
        arguments: of the command line.
        command: of a grading, in place of the grader's own; see `grading.command`.
    """
    options = _parser().parse_args(arguments)
    if importlib.util.find_spec("distributed") is None:
        return _unusable("grading a class needs Dask. Next: make class SUBMISSIONS=folder")
    from grader.classroom.schedule import ScheduleError  # noqa: PLC0415 - asked for Dask first

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    output = _output(options)
    try:
        return _run(options, output, command)
    except (ExportError, RunFolderError, ClusterError, ScheduleError) as error:
        return _unusable(str(error))
    except OSError as error:
        return _unusable(f"{error.filename or output}: {error.strerror or error}")
    except KeyboardInterrupt:
        sys.stderr.write(
            f"\nStopped. What was graded is kept in {output}: type the same command to go on.\n"
        )
        return STOPPED


def _output(options: argparse.Namespace) -> Path:
    """The run's folder: what was asked for, or one beside the submissions."""
    if options.output:
        return Path(options.output)
    submissions = Path(options.submissions)
    if ".." in submissions.parts or not submissions.name:  # such a path does not tell its name
        submissions = submissions.resolve()
    name = submissions.name if submissions.is_dir() else submissions.stem
    return submissions.with_name(f"{name}-graded")


def _run(options: argparse.Namespace, output: Path, command: tuple[str, ...]) -> int:
    from grader.classroom.run import ClassRun, Options  # noqa: PLC0415 - asked for Dask first

    entries.check(options.submissions)  # before anything is written
    folder = RunFolder(output)
    try:
        asked = Options(
            options.submissions,
            _where(options),
            options.seed,
            options.isolation,
            options.due,
            options.regrade,
            command,
        )
        run = ClassRun(folder, asked, sys.stderr)
        run.grade()
        rows = run.write()
    finally:
        folder.close()
    return _summary(rows, output)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m grader class",
        description="Grade a whole class. A run that was stopped goes on where it was.",
    )
    add = parser.add_argument
    add("submissions", type=Path, help="folder of submissions, or an export's zip")
    add("--output", type=Path, metavar="DIR", help="the run's folder (default: DIR-graded)")
    add(
        "--workers",
        type=_count,
        metavar="N",
        help="gradings of correctness at a time (default: one a core that no GPU needs)",
    )
    add(
        "--gpus",
        type=_gpus,
        metavar="N|0,2",
        help="GPUs that take times (default: all of this machine)",
    )
    add("--scheduler", default="", metavar="tcp://…", help="workers of a Dask scheduler")
    add("--slurm", default="", metavar="QUEUE", help="workers that a Slurm queue starts")
    add("--seed", type=seeds.seed, metavar="N", help="the class's secret seed (default: a new one)")
    add("--due", type=_moment, metavar="TIME", help="later ones are late, e.g. 2026-11-30T23:59")
    add("--isolation", choices=("light", "full"), default="full", help="default: full")
    add("--regrade", action="store_true", help="grade all again after the grader has changed")
    return parser


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"expected a number of 1 or more, found {text!r}")
    return int(text)


def _gpus(text: str) -> int | tuple[str, ...]:
    """How many GPUs, or which, as CUDA_VISIBLE_DEVICES has them."""
    if text.isdecimal():
        return int(text)
    if not re.fullmatch(f"{_DEVICE}(,{_DEVICE})+", text):
        raise argparse.ArgumentTypeError(
            f"expected a number of GPUs, or their numbers as in 0,2, found {text!r}"
        )
    return tuple(text.split(","))


def _moment(text: str) -> datetime:
    """A time; this machine's zone where it names none."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"expected a time as in 2026-11-30T23:59, found {text!r}"
        ) from None


def _where(options: argparse.Namespace) -> Where:
    gpus: tuple[str, ...] = ()
    if options.slurm and isinstance(options.gpus, tuple):
        raise ClusterError(
            f"--gpus {','.join(options.gpus)}: with --slurm expected a number of GPUs, each of "
            "which Slurm gives to a job"
        )
    if options.slurm:
        gpus = tuple(str(number) for number in range(options.gpus or 0))
    elif not options.scheduler:
        gpus = _of_this_machine(options.gpus)
    free = len(os.sched_getaffinity(0)) - CORES_A_GPU * len(gpus)
    workers = options.workers or max(1, free)
    return Where(workers, gpus, options.scheduler, options.slurm)


def _of_this_machine(wanted: int | tuple[str, ...] | None) -> tuple[str, ...]:
    """Indices of this machine's devices that take times, as CUDA_VISIBLE_DEVICES has them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    chosen = devices.choose()
    told = f"--gpus {','.join(wanted) if isinstance(wanted, tuple) else wanted}"
    if devices.GPU not in chosen.names:
        if wanted not in (None, 0):
            raise ClusterError(f"{told}: there is none to be used here ({chosen.reason})")
        return ()
    count = len(Machine().gpus.names)
    there = visible.split(",") if visible else [str(number) for number in range(count)]
    if wanted is None:
        return tuple(there)
    if isinstance(wanted, tuple):
        if not set(filter(str.isdecimal, wanted)) <= set(there):
            raise ClusterError(f"{told}: expected some of this machine's, {','.join(there)}")
        return wanted
    if wanted > len(there):
        raise ClusterError(f"{told}: this machine has {len(there)}")
    return tuple(there[:wanted])


def _summary(rows: Sequence[Row], output: Path) -> int:
    """Say what came of the run, and where it stands."""
    errors = sum(bool(row.error) for row in rows)
    seen = sum(bool(row.violations) for row in rows)
    facts = [
        f"{len(rows)} student" + ("s" if len(rows) != 1 else ""),
        f"{errors} with an error" if errors else "",
        f"{seen} with something to look at (integrity.html)" if seen else "",
    ]
    sys.stdout.write(f"{' · '.join(fact for fact in facts if fact)}\n")
    sys.stdout.write(f"{output}/index.html · {output}/gradebook.csv\n")
    missing = [row for row in rows if row.is_missing]
    if not missing:
        return DONE
    sys.stdout.write(f"{len(missing)} without a verdict yet: type the same command to try again.\n")
    return NOT_ALL


def _unusable(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return UNUSABLE
