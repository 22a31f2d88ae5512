from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from backend import doctor
from backend.doctor import Row, can_grade, examine, table, verdict
from backend.environment import Environment, Stamp
from backend.nvml import Gpus
from tests.backend.fake import H100, FakeMachine, command

if TYPE_CHECKING:
    from backend.machine import Machine


def advice(machine: Machine) -> dict[str, str]:
    """What the doctor tells to type, by the thing that it mends; things of this Python left out."""
    own = ("Python", "Packages", "PyCUDA", "scikit-cuda")
    return {
        row.thing: row.remedy for row in examine(machine) if row.remedy and row.thing not in own
    }


def with_compiler(fake: FakeMachine) -> FakeMachine:
    """A machine whose g++ works."""
    command(fake.bin, "g++", "g++ (Debian 12.2.0) 12.2.0")
    return fake


def test_no_gpu_is_nothing_to_mend(fake: FakeMachine) -> None:
    """A laptop without a GPU gets no advice: all but the timings works."""
    machine = with_compiler(fake).machine()
    assert advice(machine) == {}
    assert "all else works" in next(row.found for row in examine(machine) if row.thing == "GPU")


def test_no_compiler(fake: FakeMachine) -> None:
    """Setup brings a compiler from PyPI: no root is needed."""
    assert advice(fake.machine()) == {"Compiler": "make setup"}


def test_driver_but_no_toolkit(fake: FakeMachine) -> None:
    """Only the toolkit is missing, and only it gets a command."""
    fake.add_driver()
    command(fake.bin, "apt-get")
    expected = {"CUDA toolkit": "sudo apt install nvidia-cuda-toolkit"}
    assert advice(with_compiler(fake).machine(H100)) == expected


def test_toolkit_but_pycuda_not_built(fake: FakeMachine) -> None:
    """Setup compiles PyCUDA."""
    fake.add_driver()
    fake.add_toolkit()
    fake.add_pycuda(compiled=False)
    assert advice(with_compiler(fake).machine(H100)) == {"PyCUDA for the GPU": "make setup"}


def test_a_failed_build_names_the_log(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who types the command again without reading why it failed would wait for nothing."""
    monkeypatch.setattr(Environment, "stamp", lambda _self: Stamp("3.12", pycuda="build-failed"))
    fake.add_driver()
    fake.add_toolkit()
    fake.add_pycuda(compiled=False)
    found = {row.thing: row.found for row in examine(with_compiler(fake).machine(H100))}
    assert ".cache/setup.log" in found["PyCUDA for the GPU"]


def test_no_cublas(gpu_machine: FakeMachine) -> None:
    """NVIDIA's wheel has the library."""
    (gpu_machine.toolkit / "lib64/libcublas.so.13").unlink()
    found = advice(with_compiler(gpu_machine).machine(H100))
    assert list(found) == ["cuBLAS"]
    assert found["cuBLAS"].endswith("pip install nvidia-cublas")


def test_a_broken_driver(fake: FakeMachine) -> None:
    """What NVML says is shown with the driver."""
    fake.add_driver()
    machine = with_compiler(fake).machine(Gpus(problem="library and module differ"))
    assert advice(machine) == {"NVIDIA driver": "sudo reboot"}


def test_a_whole_gpu_machine(gpu_machine: FakeMachine) -> None:
    """Everything there: no advice, and the versions are shown."""
    machine = with_compiler(gpu_machine).machine(H100)
    found = {row.thing: row.found for row in examine(machine)}
    assert advice(machine) == {}
    assert found["GPU"] == "1 × NVIDIA H100 80GB HBM3 (driver supports CUDA 13.0)"
    assert found["CUDA toolkit"].startswith("13.0 ")
    assert found["cuBLAS"].endswith("libcublas.so.13")


def test_the_table_puts_each_command_under_its_row() -> None:
    """Columns line up; a command stands alone on its line, ready to be copied."""
    rows = [Row("Python", "ok", "3.12"), Row("Compiler", "missing", "none", "make setup")]
    assert table(rows, colour=False) == [
        "✓ Python    3.12",
        "✗ Compiler  none",
        "            → make setup",
    ]


@pytest.mark.parametrize(
    ("row", "grades", "says"),
    [
        (Row("GPU", "none", "no NVIDIA GPU"), True, "on the emulator"),
        (Row("CUDA toolkit", "missing", "no nvcc", "x"), True, "To use the GPU"),
        (Row("Compiler", "missing", "none", "make setup"), False, "Something is missing"),
    ],
)
def test_the_verdict_says_what_it_means(row: Row, grades: bool, says: str) -> None:
    """A missing toolkit costs the timings only; a missing compiler stops everything."""
    assert can_grade([row]) is grades
    assert says in verdict([row], on_gpu=False)


def test_the_doctor_reports_on_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints the table and a verdict, whatever machine it is."""
    assert doctor.main() in (0, 1)
    printed = capsys.readouterr().out
    assert "Backend" in printed
    assert "make" in printed.splitlines()[-1]
