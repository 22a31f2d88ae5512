"""Grades again whatever a saved change can affect, while one works: `make watch`.

Two threads: this one draws and reads keys and files; the other grades, on a worker that was started
ahead, so that a save waits for no start. Each grading gets a worker of its own, as in `make grade`.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import shutil
import stat
import sys
import termios
import textwrap
import threading
import time
import tty
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from grader import devices, seeds, tasks
from grader.affected import affected
from grader.grade import check_folder, grade
from grader.isolation.scratch import Scratch
from grader.process import WorkerProcess
from grader.refusals import REFUSALS
from grader.report import html
from grader.report.plain import plain
from grader.report.terminal import MAX_WIDTH, Terminal
from grader.report.words import command, does_not_load
from grader.result import Report, Result, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

POLL_S = 0.1
"""Between two looks at the files: a tenth of what one notices, and next to no work."""

SETTLE_S = 0.05
"""An editor may write a file in pieces: it is read when it has been still for so long."""

PAGE = Path(__file__).resolve().parents[1] / ".cache" / "report.html"

KEYS = (("h", "hint"), ("n", "next"), ("a", "all"), ("o", "open the page"), ("q", "quit"))

_TO_DO = (State.FAILED, State.PARTIAL, State.NOT_STARTED)
_WORSE = (State.PASSED, State.PARTIAL, State.FAILED)
"""From right to wrong: a task that a save moves to the right here was broken by it."""

_COLOURS = {State.PASSED: 32, State.PARTIAL: 33, State.FAILED: 31, State.GRADER_FAULT: 35}
_WHOLE_SCREEN, _BACK = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"


class Superseded(KeyboardInterrupt):
    """Ends a grading whose files have been saved again; pytest lets only this kind through."""


class Files:
    """The Python files of a submission, and what was last read of them.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamps = self._look()
        self.texts = self._read()

    def changed(self) -> bool:
        """Whether files were saved since the last time; `texts` is then up to date."""
        stamps = self._look()
        if stamps == self._stamps:
            return False
        while True:
            time.sleep(SETTLE_S)
            now = self._look()
            if now == stamps:
                break
            stamps = now
        before, self._stamps, self.texts = self.texts, stamps, self._read()
        return before != self.texts

    def _look(self) -> dict[str, tuple[int, int]]:
        stamps = {}
        for path in self._folder.glob("*.py"):
            with contextlib.suppress(OSError):  # gone between the two calls
                status = path.stat()
                if not stat.S_ISREG(status.st_mode):
                    continue
                stamps[path.name] = (status.st_mtime_ns, status.st_size)
        return stamps

    def _read(self) -> dict[str, str]:
        texts = {}
        for name in self._look():
            with contextlib.suppress(OSError):
                texts[name] = (self._folder / name).read_text("utf-8", "replace")
        texts.pop("device.py", None)  # the judge takes its own
        return texts


class Regrader:
    """Grades in a thread of its own what it is asked to, the most wanted first.

    Args:
        folder: the submission.
        chosen: devices that judge.
        wake: called from that thread when there is news.
    """

    def __init__(self, folder: Path, chosen: devices.Devices, wake: Callable[[], None]) -> None:
        self._folder, self._devices, self._wake = folder, chosen, wake
        self._changed = threading.Condition()
        self._pending: set[str] = set()
        self._first = ""
        self._is_stale, self._is_over = False, False
        self.results: dict[str, Result] = {}
        self.grading: frozenset[str] = frozenset()
        self.sources: Mapping[str, str] = {}
        self.seconds, self.trouble, self._begun = 0.0, "", 0.0
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def ask(self, wanted: set[str], first: str) -> None:
        """Grade these tasks, with that one first; what is being graded of them is begun anew."""
        with self._changed:
            self._pending |= wanted
            self._first = first
            self._is_stale = bool(wanted & self.grading)
            self._changed.notify()

    @property
    def busy(self) -> frozenset[str]:
        """Ids of the tasks whose results are not up to date."""
        return frozenset(self._pending | self.grading)

    def close(self) -> None:
        """End the thread and its worker."""
        with self._changed:
            self._is_over = self._is_stale = True
            self._changed.notify()
        self._thread.join(10.0)

    def _work(self) -> None:
        with Scratch() as scratch:
            workers = self._warm(scratch)
            try:
                while batch := self._next():
                    self._grade(batch, workers)
                    with self._changed:
                        self.grading = frozenset()
                    self._wake()
                    workers = self._warm(scratch)
            finally:
                for worker in workers.values():
                    worker.kill()

    def _warm(self, scratch: Path) -> dict[str, WorkerProcess]:
        """A worker for each device, on its way while nobody waits for it."""
        return {name: WorkerProcess(scratch, name) for name in self._devices.names}

    def _next(self) -> set[str]:
        """What to grade: the task one looks at and what it builds on, or else all that waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._is_over)
            if self._is_over:
                return set()
            wanted = {self._first, *(tasks.find(self._first).builds_on if self._first else ())}
            batch = self._pending & wanted if self._first in self._pending else set(self._pending)
            self._pending -= batch
            self.grading, self._is_stale = frozenset(batch), False
            return batch

    def _grade(self, batch: set[str], workers: dict[str, WorkerProcess]) -> None:
        wrong = {t for t, r in self.results.items() if r.state is not State.PASSED} - batch
        self._begun = time.perf_counter()
        try:
            report = grade(
                self._folder,
                seed=seeds.new_seed(),
                devices=self._devices,
                only=batch,
                failed=wrong,
                workers=workers,
                announce=self._announce,
            )
            self.sources, self.trouble = report.sources, ""
        except REFUSALS as error:
            self.trouble = str(error)
        except BaseException as error:  # noqa: BLE001 - the screen has to tell, whatever it is
            if not self._is_stale:
                self.trouble = f"the grader itself failed: {type(error).__name__}: {error}"

    def _announce(self, result: Result) -> None:
        if self._is_stale:
            raise Superseded
        self.results[result.task] = result
        self.seconds = time.perf_counter() - self._begun
        with self._changed:
            self.grading -= {result.task}
        self._wake()


class Watch:
    """What is on the screen, and what keys do.

    Args:
        folder: the submission.
        name: as the student wrote it.
        chosen: devices that judge.
    """

    def __init__(self, folder: Path, name: str, chosen: devices.Devices) -> None:
        self._name, self._devices = name, chosen
        self._files = Files(folder)
        self._graded = dict(self._files.texts)
        self._news, self._wake_up = os.pipe()
        os.set_blocking(self._wake_up, False)
        self._regrader = Regrader(folder, chosen, self._wake)
        self._current, self._shows_all, self._below, self._saved = "", False, "", ""
        self._before: dict[str, State] = {}
        self._broken = ""

    def run(self) -> None:
        """Watch until q, Ctrl-C or Ctrl-D."""
        self._regrader.ask({task.id for task in tasks.TASKS}, "")
        try:
            with _keyboard() as keyboard:
                self._draw()
                while self._step(keyboard):
                    pass
        finally:
            self._regrader.close()
            os.close(self._news)
            os.close(self._wake_up)

    def _step(self, keyboard: int) -> bool:
        """Wait a moment for a key, news or a save; False to quit."""
        ready, _, _ = select.select([keyboard, self._news], [], [], POLL_S)
        if self._news in ready:
            os.read(self._news, 4096)
            self._turn_to_broken()
        if keyboard in ready:
            key = os.read(keyboard, 1).decode("ascii", "replace").lower()
            if key in ("q", "\x03", "\x04", ""):
                return False
            self._press(key)
        is_saved = self._files.changed()
        if is_saved:
            self._save()
        if ready or is_saved:
            self._draw()
        return True

    def _save(self) -> None:
        """Grade again what the change can affect."""
        now, busy = self._files.texts, self._regrader.busy
        states = {t: r.state for t, r in self._regrader.results.items() if t not in busy}
        self._before, self._broken = {**self._before, **states}, ""
        passed = {task for task, state in states.items() if state is State.PASSED}
        wanted = affected(self._graded, now, passed)
        names = [f for f in sorted({*now, *self._graded}) if now.get(f) != self._graded.get(f)]
        told = f"{len(wanted)} tasks" if len(wanted) != 1 else "1 task"
        self._saved = plain(f"saved {', '.join(names)}: {told} to grade again")
        self._graded, self._below = dict(now), ""
        self._regrader.ask(wanted, self._task())

    def _turn_to_broken(self) -> None:
        """Show the first task that is worse than before the save; what it builds on comes first."""
        results, busy = dict(self._regrader.results), self._regrader.busy
        for task in tasks.TASKS:
            if task.id in results and task.id not in busy:
                before, state = self._before.get(task.id), results[task.id].state
                if before in _WORSE[:2] and state in _WORSE[_WORSE.index(before) + 1 :]:
                    if task.id != self._broken:
                        self._current = self._broken = task.id
                        self._below, self._shows_all = "", False
                    return

    def _press(self, key: str) -> None:
        if key == "h":
            from grader.handout.hints import next_hint  # noqa: PLC0415 - reads a file

            self._below = next_hint(self._task(), is_watching=True) if self._task() else ""
        elif key == "n":
            self._current, self._below, self._shows_all = self._after(self._task()), "", False
        elif key == "a":
            self._shows_all, self._below = not self._shows_all, ""
        elif key == "o":
            self._open()

    def _open(self) -> None:
        """Write the page and show it in the browser."""
        try:
            PAGE.parent.mkdir(parents=True, exist_ok=True)
            html.write(self._report(), PAGE)
            with _silence():
                is_open = _has_screen() and webbrowser.open(PAGE.as_uri())
        except OSError as error:
            self._below = f"the page could not be written: {error}"
            return
        self._below = f"{'opened' if is_open else 'there is no browser here; the page is'} {PAGE}"

    # What there is --------------------------------------------------------------------------

    def _task(self) -> str:
        """The task one is working on: the one chosen, or the first that is not right."""
        if self._current:
            return self._current
        found = self._after("")
        if not self._regrader.busy:  # results don't come in the order of the table
            self._current = found
        return found

    def _after(self, task: str) -> str:
        """The next task after this one on which there is something to do, from the top again."""
        ids = [entry.id for entry in tasks.TASKS]
        start = ids.index(task) + 1 if task else 0
        results = self._regrader.results
        for candidate in [*ids[start:], *ids[:start]]:
            if candidate in results and results[candidate].state in _TO_DO:
                return candidate
        return task

    def _report(self) -> Report:
        found = self._regrader.results
        results = tuple(found[task.id] for task in tasks.TASKS if task.id in found)
        return Report(
            self._devices.label,
            self._devices.reason,
            0,
            self._name,
            results,
            seconds=self._regrader.seconds,
            sources=self._regrader.sources,
        )

    def _most(self, report: Report) -> int:
        """Points that can be had here, those of tasks to be graded yet among them."""
        graded = {result.task for result in report.results}
        return report.max_score + sum(
            task.points
            for task in tasks.TASKS
            if task.id not in graded
            and not task.bonus
            and (self._devices.gpu or not task.needs_gpu)
        )

    # Drawing ----------------------------------------------------------------------------------

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: the screen is about to be drawn anyway
            os.write(self._wake_up, b".")

    def _draw(self) -> None:
        width, height = shutil.get_terminal_size()
        colour = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        width = min(width, MAX_WIDTH)
        lines = [*self._head(width, colour=colour), "", *self._body(width)]
        foot = " · ".join(f"{key} {what}" for key, what in KEYS)
        room = height - 2
        if len(lines) > room:
            rest = command("grade", self._name, self._task())
            lines = [*lines[: room - 1], f"… ({rest} shows the rest)"]
        lines += [""] * (room - len(lines)) + ["", foot[:width]]
        text = f"{_REST_OF_LINE}\n".join(lines)
        sys.stdout.write(f"{_HOME}{text}{_REST_OF_LINE}{_REST_OF_SCREEN}")
        sys.stdout.flush()

    def _head(self, width: int, *, colour: bool) -> list[str]:
        report, busy = self._report(), self._regrader.busy
        first = f"watching {self._name} · {self._devices.label}"
        if busy:
            told = f"grading {', '.join(sorted(busy)[:4])}{' …' if len(busy) > 4 else ''}"  # noqa: PLR2004
        else:
            told = f"graded in {self._regrader.seconds:.1f} s"
        score = f"{report.score} / {self._most(report)}"
        bar = _bar(report.results, max(width - len(score) - 2, 10), colour=colour)
        signs = [_sign(report, task.id, busy, colour=colour) for task in tasks.TASKS]
        return [
            plain(first)[:width],
            f"{bar}  {score}",
            *_rows(signs, width),
            told,
            *[line[:width] for line in self._not_loading(report, busy)],
            self._saved[:width] if busy else "",
        ]

    def _not_loading(self, report: Report, busy: frozenset[str]) -> list[str]:
        """Files that do not load: the line at which Python stopped, and why, each once."""
        told: dict[str, str] = {}
        for result in report.results:
            file = does_not_load(result) if result.task not in busy else ""
            why = result.message.splitlines()[0].partition(" does not load: ")[2] if file else ""
            if why:
                line = f", line {result.line}" if result.line and result.file == file else ""
                told.setdefault(file, plain(f"{file} does not load{line}: {why}"))
        return list(told.values())

    def _body(self, width: int) -> list[str]:
        if self._regrader.trouble:
            return _wrapped(self._regrader.trouble, width)
        shown = self._shown(width)
        return [*shown, "", *_wrapped(self._below, width)] if self._below else shown

    def _shown(self, width: int) -> list[str]:
        """The current task as in the report, or all of them in a line each."""
        results, task = self._regrader.results, self._task()
        file = _Screen()
        terminal = Terminal(file, width=width, folder=f"{self._name}/", submission=self._name)
        if self._shows_all:
            for result in self._report().results:
                terminal.result(_in_a_line(result))
        elif task in results:
            terminal.result(results[task])
            if results[task].state is State.PASSED and self._after(task) != task:
                file.write(f"    {task} is right. n: on to {self._after(task)}\n")
        elif results and not self._regrader.busy:
            file.write("All that can be graded here is right.\n")
        else:
            file.write("grading …\n")
        return file.getvalue().splitlines()


class _Screen(io.StringIO):
    """Text for a terminal: rich colours it unless NO_COLOR says no."""

    def isatty(self) -> bool:
        return True


def _in_a_line(result: Result) -> Result:
    """The same result without its details."""
    return replace(result, message="", parts=(), notes=())


def _bar(results: tuple[Result, ...], width: int, *, colour: bool) -> str:
    """Points of all tasks: those earned filled, in the order of the table."""
    most = sum(task.points for task in tasks.TASKS if not task.needs_gpu)
    earned = sum(result.score for result in results)
    filled = round(width * min(earned / most, 1.0))
    done, rest = "█" * filled, "░" * (width - filled)
    return f"\x1b[32m{done}\x1b[0m{rest}" if colour else done + rest


def _sign(report: Report, task: str, busy: frozenset[str], *, colour: bool) -> str:
    found = next((result for result in report.results if result.task == task), None)
    if found is None or task in busy:
        return f"{task} …"
    code = _COLOURS.get(found.state)
    sign = found.state.symbol
    return f"{task} \x1b[{code}m{sign}\x1b[0m" if colour and code else f"{task} {sign}"


def _rows(signs: list[str], width: int) -> list[str]:
    """Signs beside one another, as many in a row as fit: each is five wide, and two apart."""
    many = max((width + 2) // 7, 1)
    return ["  ".join(signs[i : i + many]) for i in range(0, len(signs), many)]


def _wrapped(text: str, width: int) -> list[str]:
    lines = []
    for line in plain(text).splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        lines += textwrap.wrap(line, width, subsequent_indent=indent) or [""]
    return lines


def _has_screen() -> bool:
    """Whether a browser would open in a window: one in this terminal would fight for it."""
    windows = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    return sys.platform != "linux" or any(os.environ.get(name) for name in windows)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """What a program writes that is started here goes nowhere, instead of over the picture."""
    kept = os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        for place, descriptor in enumerate(kept, start=1):
            os.dup2(descriptor, place)
        for descriptor in (*kept, nowhere):
            os.close(descriptor)


@contextlib.contextmanager
def _keyboard() -> Iterator[int]:
    """Single keys from the terminal, the whole screen, and both as they were afterwards."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    sys.stdout.write(_WHOLE_SCREEN)
    try:
        yield descriptor
    except KeyboardInterrupt:
        pass
    finally:
        sys.stdout.write(_BACK)
        sys.stdout.flush()
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def main(argv: list[str]) -> int:
    """Watch the folder named in `argv`; returns the exit code, 2 if that cannot be done."""
    name = argv[0] if argv else "assignment"
    folder = Path(name)
    if len(argv) > 1:
        sys.stderr.write("usage: python -m grader watch [DIR]\n")
        return 2
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        sys.stderr.write("watch needs a terminal. Next: make grade\n")
        return 2
    try:
        check_folder(folder)
        chosen = devices.choose()
    except REFUSALS as error:
        sys.stderr.write(f"{error}\n")
        return 2
    Watch(folder.resolve(), name.rstrip("/"), chosen).run()
    return 0
