"""From a submission to the files that the command line writes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from grader.devices import Devices
from grader.evidence import Curve, HeatMap
from grader.grade import grade
from tests.grader.conftest import ROOT, SOLUTION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WRONG = (SOLUTION / "linear.py").read_text("utf-8").replace(", alpha=1 / X.shape[0]", "")
NASTY = '"""</script><img src=x onerror=alert(1)>"""\nprint("\\x1b[2J<b>")\n'


def test_every_file(submission: Callable[..., Path], tmp_path: Path) -> None:
    """One grading writes all files, and they tell the same; what is printed steers nothing."""
    folder = submission(linear=NASTY + WRONG.replace("from __future__ import annotations", ""))
    names = ("json", "html", "junit", "gradescope")
    options = [text for name in names for text in (f"--{name}", str(tmp_path / name))]
    done = subprocess.run(
        [sys.executable, "-m", "grader", "grade", str(folder), "--task", "2.3", *options],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "\x1b" not in done.stdout
    told = {name: (tmp_path / name).read_text("utf-8") for name in names}
    assert json.loads(told["json"])["score"] == json.loads(told["gradescope"])["score"] == 5
    (suite,) = ET.fromstring(told["junit"])  # noqa: S314 - our own
    assert (suite.get("tests"), suite.get("failures")) == ("4", "1")
    assert "Error of dW" in told["html"]
    assert "gemm(X, dZ, transpose_a=True, out=" in told["html"]
    assert "<img" not in told["html"]
    assert "\x1b" not in told["html"]


def test_curve_reaches_the_report(submission: Callable[..., Path]) -> None:
    """A curve comes with the result, whether it is right or parts from the true one."""
    devices = Devices(("emulator",), "a test")
    right = grade(submission(), seed=1, devices=devices, only={"2.5"}).results[0]
    (curve,) = right.evidence
    assert isinstance(curve, Curve)
    assert curve.parts_at is None
    wrong = grade(submission(linear=WRONG), seed=1, devices=devices, only={"2.3", "2.5"})
    maps = [item for item in wrong.find("2.3").evidence if isinstance(item, HeatMap)]
    assert [item.title for item in maps] == ["dW"]
    assert "linear.py" in wrong.sources


def test_file_that_cannot_be_written(tmp_path: Path) -> None:
    """A file that cannot be written is named, with exit code 2."""
    file = tmp_path / "no" / "page.html"
    done = subprocess.run(
        [sys.executable, "-m", "grader", "grade", "assignment", "--html", str(file)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"--html {file}: No such file" in done.stderr
