from pathlib import Path

import pytest

from grader.handout.sections import sections
from grader.handout.session import Session
from grader.handout.stubs import handout


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """A notebook's session whose files do not exist yet."""
    return Session(tmp_path, tmp_path)


def body(text: str, name: str) -> tuple[str, ...]:
    """What stands in a section."""
    return next(section.body for section in sections(text) if section.name == name)


def test_cells_of_one_file_do_not_overwrite_each_other(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each cell changes its own section, and starts from the handout where there is no file."""
    session.section("linear.py 2.3 scores", "    def scores(self, X):\n        return 1\n")
    session.section(
        "linear.py 2.4 step", "    def step(self, X, y, learning_rate):\n        pass\n"
    )
    text = (session.folder / "linear.py").read_text(encoding="utf-8")
    assert body(text, "2.3 scores")[-1] == "        return 1"
    assert body(text, "2.4 step")[-1] == "        pass"
    stub = handout().files["linear.py"]
    assert body(text, "2.3 gradients") == body(stub, "2.3 gradients")
    assert "linear.py: section 2.4 step written" in capsys.readouterr().out


def test_work_done_in_an_editor_stays(session: Session) -> None:
    """A cell changes a file that exists only below its heading."""
    text = "# mine\n" + handout().files["blas.py"]
    (session.folder / "blas.py").write_text(text, encoding="utf-8")
    session.section("blas.py 2.1 gemm", "x = 1")
    new = (session.folder / "blas.py").read_text(encoding="utf-8")
    assert new.startswith("# mine\n# Homework 5")
    assert body(new, "2.1 gemm") == ("x = 1",)


def test_syntax_error_is_shown_and_the_file_written(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is lost, and the line is named."""
    session.section("blas.py 2.1 gemm", "def gemm(:\n")
    assert "def gemm(:" in (session.folder / "blas.py").read_text(encoding="utf-8")
    assert "is no Python" in capsys.readouterr().out


def test_file_that_is_not_utf8_is_left_alone(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the file and what to do."""
    (session.folder / "blas.py").write_bytes(b"# \xff\n")
    session.section("blas.py 2.1 gemm", "x = 1")
    assert "not UTF-8" in capsys.readouterr().out
    assert (session.folder / "blas.py").read_bytes() == b"# \xff\n"


@pytest.mark.parametrize("line", ["", "nothing.py 2.1 gemm", "blas.py 9.9 x", "blas.py"])
def test_wrong_first_line_writes_nothing(
    session: Session, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message says what was expected."""
    session.section(line, "x = 1")
    assert "expected" in capsys.readouterr().out
    assert list(session.folder.iterdir()) == []
