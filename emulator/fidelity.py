"""`python -m emulator.fidelity`: PyCUDA's and scikit-cuda's own tests on the emulated device.

The released sources are fetched by pip into a temporary folder; nothing of them stays. A case
counts unless it needs what this device does not have (textures, graphics, dynamic parallelism) or
is skipped by the suite itself; 98 of 100 counted cases must pass.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET  # pytest's own report of a run of ours

from emulator.driver.settings import settings

_REQUIRED = 0.98
_ROOT = Path(__file__).resolve().parents[1]
_SUITES = (
    ("pycuda==2026.1", "test/test_driver.py"),
    ("pycuda==2026.1", "test/test_gpuarray.py"),
    ("pycuda==2026.1", "test/test_cumath.py"),
    ("scikit-cuda==0.5.3", "tests/test_cublas.py"),
)
# Cases that need what is not emulated, although the suites do not skip them.
_LEFT_OUT = {
    "test_recursive_launch": "dynamic parallelism is not emulated",
    "test_jit_link_module": "dynamic parallelism is not emulated",
}
# scikit-cuda 0.5.3 is older than NumPy 2: two of its tests use modules that need this name back.
_CONFTEST = """
import numpy as np
if not hasattr(np, "typeDict"):
    np.typeDict = {**np.sctypeDict, **{c: np.dtype(c).type for c in np.typecodes["All"]}}
"""


@dataclass(frozen=True)
class Case:
    """One test case of a suite: "passed", "failed" or "left out", and why."""

    name: str
    outcome: str
    reason: str = ""


def main(argv: list[str] | None = None) -> int:
    """Run the suites and print a table; 0 if enough of the counted cases pass."""
    options = _parser().parse_args(argv)
    results: dict[str, list[Case]] = {}
    with tempfile.TemporaryDirectory(prefix="emulator-fidelity-") as name:
        folder = Path(name)
        for requirement, member in _SUITES:
            start_s = time.perf_counter()
            file = _fetch(folder, requirement, member)
            results[member] = _run(file, folder, check=options.check)
            print(_row(member, results[member], time.perf_counter() - start_s), flush=True)
    return _summary([case for cases in results.values() for case in cases])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m emulator.fidelity", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--check", action=argparse.BooleanOptionalAction, default=settings.check)
    return parser


def _fetch(folder: Path, requirement: str, member: str) -> Path:
    """One file of a released source distribution, which pip downloads once."""
    project = requirement.partition("==")[0]
    archives = list(folder.glob(f"{project}-*.tar.gz"))
    if not archives:
        _pip("download", "--no-deps", "--no-binary", project, "--dest", str(folder), requirement)
        archives = list(folder.glob(f"{project}-*.tar.gz"))
    target = folder / project / Path(member).name
    target.parent.mkdir(exist_ok=True)
    with tarfile.open(archives[0]) as archive:
        top = archive.getnames()[0].partition("/")[0]
        content = archive.extractfile(f"{top}/{member}")
        if content is None:
            raise FileNotFoundError(f"{archives[0].name} has no file {member}")
        target.write_bytes(content.read())
    if project == "scikit-cuda":
        (target.parent / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
        if importlib.util.find_spec("scipy") is None:
            _pip("install", "--target", str(target.parent), "--no-deps", "scipy")
    return target


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _run(file: Path, folder: Path, *, check: bool) -> list[Case]:
    """Run a test file in a process that sees the emulated device."""
    report = folder / f"{file.stem}.xml"
    paths = [str(_ROOT / "emulator" / "child"), str(_ROOT), str(file.parent)]
    variables = {
        "PYTHONPATH": os.pathsep.join(paths),
        "EMULATOR_CHECK": str(int(check)),
        "EMULATOR_REPORT": "0",
        "BACKEND": "emulator",
    }
    command = [sys.executable, "-m", "pytest", file.name, "-q", "-p", "no:cacheprovider"]
    subprocess.run(
        [*command, f"--junitxml={report}", "--rootdir=.", "-c", os.devnull],
        cwd=file.parent,
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
        check=False,  # failures are in the report
    )
    if not report.is_file():
        raise RuntimeError(f"{file.name}: pytest left no report; run it by hand in a copy")
    return [_case(element) for element in ET.parse(report).iter("testcase")]  # noqa: S314


def _case(element: ET.Element) -> Case:
    name = element.get("name", "")
    for kind in ("failure", "error"):
        if (found := element.find(kind)) is not None:
            why = _LEFT_OUT.get(name.partition("[")[0], "")
            message = " ".join(found.get("message", "").split())[:150]
            return Case(name, "left out" if why else "failed", why or message)
    if (found := element.find("skipped")) is not None:
        return Case(name, "left out", found.get("message", ""))
    return Case(name, "passed")


def _row(member: str, cases: list[Case], time_s: float) -> str:
    count = Counter(case.outcome for case in cases)
    return (
        f"{Path(member).name:20}{count['passed']:5} passed{count['failed']:5} failed"
        f"{count['left out']:5} left out{time_s:8.0f} s"
    )


def _summary(cases: list[Case]) -> int:
    """Print why cases were left out or failed; 0 if enough passed."""
    reasons = Counter(case.reason for case in cases if case.outcome == "left out")
    for reason, number in reasons.most_common():
        print(f"  left out: {number:3} × {reason}")
    for case in cases:
        if case.outcome == "failed":
            print(f"  failed: {case.name}: {case.reason}")
    passed = sum(case.outcome == "passed" for case in cases)
    counted = passed + sum(case.outcome == "failed" for case in cases)
    share = passed / counted if counted else 0.0
    print(f"{passed} of {counted} counted cases pass: {share:.1%}, required {_REQUIRED:.0%}")
    return 0 if share >= _REQUIRED else 1


if __name__ == "__main__":
    sys.exit(main())
