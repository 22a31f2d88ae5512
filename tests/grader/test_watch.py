"""`make watch`, as it is used: in a terminal, with an editor beside it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING

import pytest

from grader.watch import Files
from tests.grader.conftest import ROOT, SOLUTION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE_S = 120.0
"""For a busy machine, and an emulator that is built first; nothing is timed here."""

_COLOUR = re.compile(r"\x1b\[(?:\d+;)*[349]\d(?:;\d+)*m")
"""Foreground and background; bold and dim are no colours (no-color.org)."""

_CONTROL = re.compile(r"\x1b\[[\d;?]*[a-zA-Z]|\r")

_STARTER = """
import fcntl, runpy, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C reaches it, as in a real terminal
runpy.run_module("grader", run_name="__main__")
"""


class Screen:
    """The watch in a pseudo-terminal of a size, and what it shows."""

    def __init__(self, folder: Path, columns: int, lines: int, **environment: str) -> None:
        self._keyboard, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.settings = termios.tcgetattr(terminal)
        self._terminal, self._text = terminal, ""
        kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _STARTER, "watch", str(folder)],
            start_new_session=True,
            cwd=ROOT,
            stdin=terminal,
            stdout=terminal,
            stderr=subprocess.STDOUT,
            env={**kept, "TERM": "xterm", "BACKEND": "emulator", **environment},
        )

    def press(self, key: str) -> None:
        """Type a key."""
        os.write(self._keyboard, key.encode())

    def raw(self) -> str:
        """The last whole picture, colours included."""
        return self._text.rpartition("\x1b[H")[2]

    def lines(self) -> list[str]:
        """The last picture as text."""
        return [_CONTROL.sub("", line) for line in self.raw().split("\n")]

    def most(self) -> list[str]:
        """The points that can be had, as all pictures so far tell them."""
        return re.findall(r"░  \d+ / (\d+)", self._text)

    def wait(self, shows: Callable[[str], bool], what: str) -> str:
        """The first picture that shows something; AssertionError, with the last, if none does."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self._read()
            picture = "\n".join(self.lines())
            if self.raw().endswith("\x1b[J") and shows(picture):
                return picture
            if self._process.poll() is not None:
                break
        raise AssertionError(f"waited for {what}; there is:\n" + "\n".join(self.lines()))

    def end(self) -> int:
        """The exit code, once it has ended."""
        deadline = time.monotonic() + PATIENCE_S
        while self._process.poll() is None and time.monotonic() < deadline:
            self._read()
        self._read()
        return self._process.wait(1)

    def restored(self) -> bool:
        """Whether the terminal is as it was: its settings, its cursor and its first screen."""
        same = termios.tcgetattr(self._terminal) == self.settings
        return same and self._text.endswith("\x1b[?25h\x1b[?1049l")

    def close(self) -> None:
        """End it, whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._keyboard)
        os.close(self._terminal)

    def _read(self) -> None:
        while select.select([self._keyboard], [], [], 0.05)[0]:
            self._text += os.read(self._keyboard, 65536).decode("utf-8", "replace")


@pytest.fixture
def open_screen() -> Iterator[Callable[..., Screen]]:
    """Start the watch in a terminal, and end it with the test."""
    screens: list[Screen] = []

    def start(folder: Path, columns: int = 100, lines: int = 40, **environment: str) -> Screen:
        screens.append(Screen(folder, columns, lines, **environment))
        return screens[-1]

    yield start
    for screen in screens:
        screen.close()


def idle(picture: str) -> bool:
    """Whether nothing is being graded."""
    return "graded in" in picture


WRONG = (SOLUTION / "linear.py").read_text("utf-8").replace(", alpha=1 / X.shape[0]", "")


def test_a_session(submission: Callable[..., Path], open_screen: Callable[..., Screen]) -> None:
    """From all right, by a mistake, its hint, the list and the page, to all right again."""
    folder = submission()
    screen = open_screen(folder, BROWSER="true")
    picture = screen.wait(idle, "the first grading")
    assert "85 / 85" in picture
    assert "All that can be graded here is right." in picture
    assert all(f"{key} {what}" in picture for key, what in (("h", "hint"), ("q", "quit")))

    (folder / "linear.py").write_text(WRONG, "utf-8")
    screen.wait(lambda p: "saved linear.py" in p, "what is graded again")
    picture = screen.wait(lambda p: idle(p) and "2.3 ◐" in p, "the mistake")
    assert "to grade again" not in picture
    assert "◐ 2.3 dW and db match the true gradients" in picture
    assert "dW: " in picture
    assert "1.1 ✓" in picture
    assert _COLOUR.search(screen.raw())

    screen.press("h")
    assert "2.3 dW and db" in screen.wait(lambda p: "Hint 1 of" in p, "a hint")
    screen.press("a")
    picture = screen.wait(lambda p: "✓ 4.2 backpropagation" in p, "all tasks")
    assert "Hint" not in picture
    screen.press("o")
    screen.wait(lambda p: "report.html" in p, "the page")
    screen.press("n")
    screen.wait(lambda p: "✓ 4.2 backpropagation" not in p and "dW: " in p, "one task again")

    (folder / "linear.py").write_text((SOLUTION / "linear.py").read_text("utf-8"), "utf-8")
    picture = screen.wait(lambda p: idle(p) and "85 / 85" in p, "all right again")
    assert "✓ 2.3" in picture
    screen.press("q")
    assert screen.end() == 0
    assert screen.restored()


def test_what_a_save_broke(
    submission: Callable[..., Path], open_screen: Callable[..., Screen]
) -> None:
    """A task that a save made fail takes the place of the one begun, also that of its hint."""
    folder = submission(kernels=(ROOT / "assignment" / "kernels.py").read_text("utf-8"))
    screen = open_screen(folder)
    screen.wait(lambda p: idle(p) and "○ 1.1" in p, "a task to do")

    (folder / "linear.py").write_text(WRONG, "utf-8")
    picture = screen.wait(lambda p: "◐ 2.3" in p, "what was broken")
    assert "○ 1.1" not in picture
    assert re.search(r"linear\.py:\d+ · next", picture)
    screen.press("h")
    assert "2.3 dW and db" in screen.wait(lambda p: "Hint 1 of" in p, "its hint")
    screen.wait(idle, "all the rest")
    screen.press("n")
    screen.wait(lambda p: "○ " in p and "◐ 2.3" not in p, "another task")

    (folder / "linear.py").write_text(f"{WRONG}\ndef broken(:\n", "utf-8")
    line = WRONG.count("\n") + 2
    told = f"linear.py does not load, line {line}: SyntaxError"
    picture = screen.wait(lambda p: idle(p) and told in p, "a file that does not load")
    assert re.search(r"^[✗◐] 2\.\d ", picture, re.MULTILINE)
    assert "next: mend" in picture
    (folder / "linear.py").write_text(WRONG, "utf-8")
    screen.wait(lambda p: idle(p) and "does not load" not in p, "a file that loads")


def test_points_that_can_be_had_stay(open_screen: Callable[..., Screen]) -> None:
    """From the first picture on, the score is of all that can be had here."""
    screen = open_screen(ROOT / "assignment")
    screen.wait(lambda p: idle(p) and "○ 1.1" in p, "the stubs")
    assert set(screen.most()) == {"85"}


def test_narrow_without_colour(open_screen: Callable[..., Screen]) -> None:
    """In a small terminal nothing is wider or higher than it, and NO_COLOR means none."""
    screen = open_screen(ROOT / "assignment", 60, 16, NO_COLOR="1")
    picture = screen.wait(lambda p: idle(p) and "○ 1.1" in p, "the stubs")
    assert "0 / 85" in picture
    assert max(map(len, screen.lines())) <= 60
    assert len(screen.lines()) <= 16
    assert not _COLOUR.search(screen.raw())
    screen.press("\x03")
    assert screen.end() == 0
    assert screen.restored()


@pytest.mark.parametrize(
    ("arguments", "words"), [(("assignment",), "needs a terminal"), (("a", "b"), "usage")]
)
def test_without_a_terminal(arguments: tuple[str, ...], words: str) -> None:
    """In a pipe there is nothing to watch: exit code 2, and what to type instead."""
    done = subprocess.run(
        [sys.executable, "-m", "grader", "watch", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 2
    assert words in done.stderr


def test_files(tmp_path: Path) -> None:
    """A save is noticed once; one that changes nothing, and other kinds of files, are not."""
    (tmp_path / "a.py").write_text("x", "utf-8")
    os.mkfifo(tmp_path / "blocks.py")
    files = Files(tmp_path)
    assert not files.changed()
    (tmp_path / "a.py").write_text("longer", "utf-8")
    assert files.changed()
    assert files.texts == {"a.py": "longer"}
    assert not files.changed()
    (tmp_path / "notes.txt").write_text("x", "utf-8")
    os.utime(tmp_path / "a.py", ns=(1, 1))
    assert not files.changed()
    (tmp_path / "a.py").unlink()
    assert files.changed()
    assert files.texts == {}
