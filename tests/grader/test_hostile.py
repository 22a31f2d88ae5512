"""Every hostile submission gets its verdict, costs nothing else, and leaves nothing behind.

They run at full isolation where this is root on Linux; elsewhere without walls, and those that need
walls are skipped. `python -m pytest tests/grader/test_hostile.py -q` ends with the figures.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import stat
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader import limits, processes, tasks
from grader.devices import Devices
from grader.grade import grade
from grader.handout.collect import SubmissionError, collect
from grader.isolation import Level
from grader.report import gradescope, html, junit
from grader.report.json import to_json
from grader.report.terminal import Terminal
from grader.result import PartResult, State
from grader.settings import Limits, Settings
from tests.submissions import specimens
from tests.submissions.uploads import FILES, UPLOADS, zipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from grader.result import Report
    from tests.submissions.specimens import Specimen

EMULATOR = Devices(("emulator",), "test")
HOSTILE = sorted((specimens.HERE / "hostile").glob("*.txt"))
VERDICTS = ("wrong", "policy", "integrity", "timing", "error", "budget", "refused", "right")

LONGEST_S = 90
"""For one submission, before the judge counts as hanging."""

MOST_KEPT_BYTES = 200 << 20
"""By which the judge's memory may grow; the test images alone take some tens of megabytes."""

SUBMISSIONS = "/var/tmp" if Path("/var/tmp").is_dir() else None  # noqa: S108
"""Where submissions lie: in /tmp, a worker may write anywhere, since it has a /tmp of its own."""

SHORT = Settings(limits=Limits(grading_s=3))
"""For what uses up the time of a whole grading."""

TEXT_OF_OTHERS = "the text of another submission"


def level() -> Level:
    """The highest level that can be had here."""
    return Level.FULL if os.geteuid() == 0 and sys.platform == "linux" else Level.LIGHT


LEVEL = level()
IS_FULL = LEVEL is Level.FULL


def shorten(monkeypatch: pytest.MonkeyPatch, specimen: Specimen) -> None:
    """Wait less for what never ends; what does end may meet a busy machine."""
    if specimen.verdict == "error":
        monkeypatch.setattr(limits, "CPU_LIMIT_S", 1.5)
        monkeypatch.setattr(limits, "WALL_LIMIT_S", 3.0)
        monkeypatch.setattr(limits, "MEMORY_LIMIT_BYTES", 1 << 30)


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Demand that nothing is left: no process, no file, little memory; and that it ends."""
    own_temp = tmp_path / "temp"
    own_temp.mkdir(mode=0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(own_temp))
    monkeypatch.setenv("TMPDIR", str(own_temp))
    before, resident = workers(), resident_bytes()
    with ends_within(LONGEST_S):
        yield
    assert workers() <= before, "processes are left behind"
    if IS_FULL:  # else what a killed compiler had begun stays where it was
        assert [path.name for path in own_temp.iterdir()] == [], "files are left behind"
    assert resident_bytes() - resident < MOST_KEPT_BYTES


@contextlib.contextmanager
def ends_within(seconds: int) -> Iterator[None]:
    """Raise TimeoutError where it takes longer."""

    def too_long(*_: object) -> None:
        raise TimeoutError("the judge hangs")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def workers() -> set[int]:
    """The living processes that this one's workers have started."""
    found = set()
    for pid in processes.pids():
        fields = processes.stat(pid)
        if not fields or fields[0] == "Z":
            continue
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if MARK.encode() in environment.split(b"\0"):
            found.add(pid)
    return found


MARK = f"EMULATOR_TEST_MARK={os.getpid()}"
os.environ.update(
    [(MARK.partition("=")[0], MARK.partition("=")[2])]
)  # handed on to workers as all of the emulator's settings


def resident_bytes() -> int:
    """The memory of this process."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def lost(report: Report) -> dict[str, tuple[str, ...]]:
    """Task → parts without points."""
    return {
        result.task: tuple(
            part.name
            for part in result.parts or tasks.find(result.task).parts
            if not (isinstance(part, PartResult) and part.passed)
        )
        for result in report.results
        if result.state is not State.PASSED
    }


def told(report: Report) -> str:
    """All messages and violations, for a failing test's reader."""
    parts = [
        f"{result.task} {part.name}: {part.message}"
        for result in report.results
        for part in result.parts
    ]
    whole = [f"{result.task}: {result.message}" for result in report.results if not result.parts]
    return "\n".join([*parts, *whole, *map(str, report.violations), report.output])


def assert_harmless(report: Report) -> None:
    """No report holds a terminal's escapes, nor markup that is the submission's."""
    report = replace(report, submission="\x1b[2J<img src=x>")
    console = io.StringIO()
    terminal = Terminal(console, show_all=True, width=100)
    for result in report.results:
        terminal.result(result)
    terminal.total(report)
    page = html.page(report)
    texts = [console.getvalue(), page, junit.to_xml(report).decode()]
    rows = (to_json(report), gradescope.to_results(report))
    texts += [json.dumps(row, ensure_ascii=False) for row in rows]
    for text in texts:
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)
        assert not re.search(r"(?<!\\)\\u00", text), "JSON's own escapes of control characters"
    assert "<script>alert" not in page
    assert "<img" not in page


def as_here(specimen: Specimen) -> None:
    """Skip what needs walls or a GPU that are not here."""
    if specimen.needs == "gpu":
        pytest.skip("needs a GPU; tests/grader/timing tries the same on a simulated one")
    if specimen.needs == "full" and not IS_FULL:
        pytest.skip("needs walls, which only root can put up")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A submission's folder beside another's, outside of folders for temporary files."""
    with tempfile.TemporaryDirectory(dir=SUBMISSIONS, prefix="hostile-") as made:
        others, this = Path(made) / "other", Path(made) / "this"
        for each in (others, this):
            each.mkdir()
        (others / "kernels.py").write_text(TEXT_OF_OTHERS, "utf-8")
        yield this


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path.stem)
def test_verdict(
    path: Path,
    folder: Path,
    traces: None,
    verdicts: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A hostile submission, or a control, gets its verdict, and loses what it should lose."""
    del traces
    specimen = specimens.read(path)
    shorten(monkeypatch, specimen)
    assert specimen.verdict in VERDICTS
    as_here(specimen)
    report = grade(
        specimen.write(folder),
        seed=2026,
        devices=EMULATOR,
        only=specimen.grade,
        level=LEVEL,
        settings=SHORT if specimen.verdict == "budget" else None,
    )
    messages = told(report)
    assert lost(report) == specimen.loses, messages
    assert {found.kind for found in report.violations} == {kind for kind, _ in specimen.seen}, (
        messages
    )
    for kind, words in specimen.seen:
        assert any(words in f.seen for f in report.violations if f.kind == kind), messages
    for words in specimen.says:
        assert words in messages
    found = {finding.kind for result in report.results for finding in result.findings}
    assert set(specimen.findings) <= found, messages
    assert not IS_FULL or TEXT_OF_OTHERS not in messages
    assert not (folder / "unpickled").exists()
    assert_harmless(report)
    verdicts.append((specimen.name, specimen.verdict))


def put(name: str, content: bytes | str) -> Callable[[Path], object]:
    """Write that file in place of a submission's."""
    data = content if isinstance(content, bytes) else content.encode()
    return lambda folder: (folder / name).write_bytes(data)


def link(name: str, target: str) -> Callable[[Path], object]:
    """Replace a file by a link."""

    def make(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(target)

    return make


def special(make: Callable[[Path], object]) -> Callable[[Path], object]:
    """Replace a file by what is none."""

    def put_there(folder: Path) -> None:
        (folder / "blas.py").unlink()
        make(folder / "blas.py")

    return put_there


def as_folder(folder: Path) -> None:
    """A folder of a file's name."""
    (folder / "blas.py").unlink()
    (folder / "blas.py").mkdir()


FILES_LIKE_NONE: dict[str, tuple[Callable[[Path], object], str]] = {
    "latin-1": (put("blas.py", "x = 'Größe'\n".encode("latin-1")), "is not UTF-8"),
    "null bytes": (put("blas.py", b"x = 1\n\0"), "NUL byte at line 2"),
    "binary": (put("blas.py", bytes(range(256)) * 99), "does not load"),
    "empty": (put("blas.py", ""), "has no gemm"),
    "deep": (put("blas.py", "x = " + "(" * 9_999 + ")" * 9_999), "does not load"),
    "deep in operators": (put("blas.py", "x = " + "-" * 300_000 + "1"), "does not load"),
    "long line": (put("blas.py", "x = '" + "y" * 900_000 + "'"), "has no gemm"),
    "endless constant": (put("blas.py", "x = 9**9**9**9"), "does not load"),
    "folder": (as_folder, "no blas.py but a folder"),
    "link to a secret": (link("blas.py", "/etc/shadow"), "blas.py"),
    "link to another's": (link("blas.py", "../other/kernels.py"), "blas.py"),
    "link to itself": (link("blas.py", "blas.py"), "no blas.py but a link that leads"),
    "link to a device": (link("blas.py", "/dev/zero"), "no blas.py but a "),
    "pipe": (special(os.mkfifo), "no blas.py but a pipe"),
    "socket": (special(lambda path: os.mknod(path, stat.S_IFSOCK | 0o600)), "no blas.py"),
}
"""What may stand in place of a file, and words of what is said of it."""


@pytest.mark.parametrize("name", FILES_LIKE_NONE)
def test_odd_file(
    name: str,
    folder: Path,
    traces: None,
    verdicts: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file that is no module costs its own tasks, in words; what it links to is not shown."""
    del traces
    make, words = FILES_LIKE_NONE[name]
    odd = specimens.Specimen(name, name, {}, (), (), (), None, (), (), "error")
    shorten(monkeypatch, odd)
    make(odd.write(folder))
    if name.startswith("link to a") and not IS_FULL:
        pytest.skip("a worker without walls reads what its user may")
    report = grade(folder, seed=2026, devices=EMULATOR, only={"1.1", "2.1"}, level=LEVEL)
    assert lost(report) == {"2.1": ("product", "transposed", "alpha and beta", "errors")}
    messages = told(report)
    assert words in messages
    assert TEXT_OF_OTHERS not in messages + str(report.sources)
    assert "root:" not in messages + str(report.sources)
    assert_harmless(report)
    verdicts.append((name, "error"))


WHOLE = ("dummy-kernel-numpy", "patched-event", "poisoned-context")


@pytest.mark.parametrize("name", WHOLE)
def test_nothing_else_costs(name: str, folder: Path, traces: None) -> None:
    """Graded as a whole, a hostile submission loses what it loses alone, and nothing beside."""
    del traces
    specimen = specimens.read(specimens.HERE / "hostile" / f"{name}.txt")
    as_here(specimen)
    report = grade(specimen.write(folder), seed=2026, devices=EMULATOR, level=LEVEL)
    unmeasured = {r.task for r in report.results if r.state is State.NOT_MEASURED}
    found = {task: parts for task, parts in lost(report).items() if task not in unmeasured}
    assert found == specimen.loses, told(report)


@pytest.mark.parametrize("which", ["plain", "solution"])
def test_honest(which: str, traces: None) -> None:
    """Right submissions keep every point, and nothing is said of their conduct."""
    del traces
    place = specimens.PLAIN if which == "plain" else specimens.ROOT / "solution"
    report = grade(place, seed=2026, devices=EMULATOR, level=LEVEL)
    assert report.is_perfect, told(report)
    assert report.violations == ()


@pytest.mark.parametrize("name", UPLOADS)
def test_upload(name: str, tmp_path: Path, traces: None, verdicts: list[tuple[str, str]]) -> None:
    """A hostile upload is refused in words and writes nothing outside; an odd one is unpacked."""
    del traces
    build, refusal = UPLOADS[name]
    place, scratch = tmp_path / "uploads" / "this", tmp_path / "deep" / "scratch"
    for each in (place, scratch):
        each.mkdir(parents=True)
    path = build(place)
    before = sorted(tmp_path.rglob("*"))
    if refusal:
        with pytest.raises(SubmissionError, match=re.escape(refusal)) as refused:
            collect(path, scratch)
        assert str(refused.value).isprintable()
    else:
        folder = collect(path, scratch).folder
        for file, text in FILES.items():
            assert (folder / file).read_text("utf-8") == text
    outside = [new for new in tmp_path.rglob("*") if not new.is_relative_to(scratch)]
    assert sorted(new for new in outside if new not in before) == []
    verdicts.append((name, "refused" if refusal else "right"))


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=20))
@settings(max_examples=60, deadline=None)
def test_any_bytes(changes: list[tuple[int, int]]) -> None:
    """A zip with any bytes changed is unpacked or refused; nothing else comes of it."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        path = zipped(folder, dict(FILES))
        raw = bytearray(path.read_bytes())
        for place, value in changes:
            raw[-1 - place % len(raw)] = value
        path.write_bytes(raw)
        with contextlib.suppress(SubmissionError):
            collect(path, folder / "scratch")
        assert {each.name for each in folder.iterdir()} <= {"upload.zip", "scratch"}


@pytest.fixture(scope="module")
def verdicts(request: pytest.FixtureRequest) -> Iterator[list[tuple[str, str]]]:
    """Names and verdicts that came out right; counted in a line at the end."""
    right: list[tuple[str, str]] = []
    yield right
    counts = {kind: sum(verdict == kind for _, verdict in right) for kind in VERDICTS}
    shown = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    where = "full isolation" if IS_FULL else "no isolation"
    plugins = request.config.pluginmanager
    reporter, capture = plugins.getplugin("terminalreporter"), plugins.getplugin("capturemanager")
    if reporter is None or capture is None:
        return
    with capture.global_and_fixture_disabled():
        reporter.write_line("")
        reporter.write_line(f"right verdicts on hostile submissions and controls, at {where}: "
                        f"{len(right)} ({shown})")  # fmt: skip
