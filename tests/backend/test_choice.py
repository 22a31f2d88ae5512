from __future__ import annotations

import os
import sys
import types
from typing import TYPE_CHECKING

import pytest

import backend
from backend import choice, gpu_state
from backend.choice import Backend, BackendError, obstacle, select
from backend.nvml import Gpus
from tests.backend.fake import H100, FakeMachine, command, library

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backend.machine import Machine


@pytest.fixture(autouse=True)
def untouched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees the process's own choice, or leaves one."""
    monkeypatch.delenv("BACKEND", raising=False)
    monkeypatch.setattr(choice, "_active", None)
    monkeypatch.setitem(sys.modules, "emulator", types.ModuleType("emulator"))
    before = sys.meta_path[:]
    yield
    sys.meta_path[:] = before


def on(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the choice be made on a machine."""
    monkeypatch.setattr(choice, "Machine", lambda: machine)


def found(machine: Machine) -> tuple[str, str]:
    """Id and remedy of the obstacle on a machine."""
    missing = obstacle(machine)
    return (missing.id, missing.remedy) if missing else ("", "")


def test_no_gpu_needs_no_remedy(fake: FakeMachine) -> None:
    """A laptop without NVIDIA hardware lacks nothing that a command could mend."""
    assert found(fake.machine()) == ("no-gpu", "")


def test_a_gpu_without_a_driver(fake: FakeMachine) -> None:
    """The driver comes from the system's packages."""
    fake.add_gpu_on_bus()
    command(fake.bin, "apt-get")
    assert found(fake.machine()) == ("no-driver", "sudo apt install nvidia-driver")
    command(fake.bin, "ubuntu-drivers")
    assert found(fake.machine()) == ("no-driver", "sudo ubuntu-drivers install")


def test_a_driver_without_a_gpu(fake: FakeMachine) -> None:
    """In a container, the GPU has to be handed in."""
    fake.add_driver()
    assert found(fake.machine(Gpus())) == ("no-gpu", "")
    (fake.root / ".dockerenv").touch()
    assert found(fake.machine(Gpus()))[1].startswith("start the container")


def test_a_hidden_gpu(fake: FakeMachine) -> None:
    """CUDA_VISIBLE_DEVICES is named as the reason."""
    fake.add_driver()
    fake.environ["CUDA_VISIBLE_DEVICES"] = ""
    assert found(fake.machine()) == ("gpu-hidden", "unset CUDA_VISIBLE_DEVICES")


def test_a_driver_that_does_not_answer(fake: FakeMachine) -> None:
    """A driver updated under a running kernel wants a reboot."""
    fake.add_driver()
    assert found(fake.machine(Gpus(problem="library and module differ"))) == (
        "driver-broken",
        "sudo reboot",
    )


@pytest.mark.parametrize(
    ("manager", "remedy"),
    [
        ("apt-get", "sudo apt install nvidia-cuda-toolkit"),
        ("dnf", "sudo dnf install cuda-toolkit"),
        ("pacman", "sudo pacman -S cuda"),
        ("none", "https://developer.nvidia.com/cuda-downloads"),
    ],
)
def test_a_driver_without_a_toolkit(fake: FakeMachine, manager: str, remedy: str) -> None:
    """The toolkit comes from the system's packages, or from NVIDIA."""
    fake.add_driver()
    command(fake.bin, manager)
    assert found(fake.machine(H100)) == ("no-toolkit", remedy)


def test_a_toolkit_without_pycuda(fake: FakeMachine) -> None:
    """PyCUDA's Python half is not enough for a GPU: setup compiles the rest."""
    fake.add_driver()
    fake.add_toolkit()
    fake.add_pycuda(compiled=False)
    assert found(fake.machine(H100)) == ("no-pycuda", "make setup")


@pytest.mark.parametrize(
    ("cuda", "wheel"), [(12080, "nvidia-cublas-cu12"), (13000, "nvidia-cublas")]
)
def test_no_cublas(fake: FakeMachine, cuda: int, wheel: str) -> None:
    """The library comes from NVIDIA's wheel for the driver's CUDA; one too new does not count."""
    fake.add_driver()
    fake.add_toolkit()
    fake.add_pycuda(compiled=True)
    library(fake.toolkit / "lib64", "libcublas.so.14")
    missing, remedy = found(fake.machine(Gpus(("GPU",), "1", cuda)))
    assert missing == "no-cublas"
    assert remedy.endswith(f"pip install {wheel}")


def test_a_gpu_with_everything_is_chosen(
    gpu_machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason names the GPU."""
    on(gpu_machine.machine(H100), monkeypatch)
    assert select() == Backend("gpu", "NVIDIA H100 80GB HBM3")


def test_the_emulator_is_chosen_with_the_reason(
    fake: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is what a GPU lacks first."""
    on(fake.machine(), monkeypatch)
    assert select() == Backend("emulator", "no NVIDIA GPU")


def test_a_gpu_that_was_asked_for_is_named(
    gpu_machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reports and benchmarks name the card, whoever chose it."""
    on(gpu_machine.machine(H100), monkeypatch)
    monkeypatch.setenv("BACKEND", "gpu")
    assert select() == Backend("gpu", "NVIDIA H100 80GB HBM3")


def test_backend_overrides_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """BACKEND=emulator asks no machine at all."""
    monkeypatch.setattr(choice, "Machine", None)
    monkeypatch.setenv("BACKEND", "emulator")
    assert select() == Backend("emulator", "BACKEND=emulator")


def test_backend_gpu_without_one_is_an_error(
    fake: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who insists on a GPU is told what is missing, not silently given the emulator."""
    on(fake.machine(), monkeypatch)
    monkeypatch.setenv("BACKEND", "gpu")
    with pytest.raises(BackendError, match="no NVIDIA GPU"):
        select()


def test_an_unknown_backend_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt BACKEND is not ignored."""
    monkeypatch.setenv("BACKEND", "cuda")
    with pytest.raises(BackendError, match="gpu or emulator"):
        select()


def test_an_installed_emulator_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m emulator run` on a GPU machine stays on the emulator."""
    emulator = types.ModuleType("emulator")
    emulator.is_installed = lambda: True  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "emulator", emulator)
    monkeypatch.setattr(choice, "Machine", None)
    assert select().name == "emulator"


def test_activating_installs_the_emulator_once(
    fake: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second call gives the first one's answer and does nothing."""
    calls: list[bool | None] = []
    emulator = types.ModuleType("emulator")
    emulator.install = lambda *, check: calls.append(check)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "emulator", emulator)
    on(fake.machine(), monkeypatch)
    assert backend.activate(check=False) is backend.activate()
    assert calls == [False]


def test_activating_a_gpu_puts_nvcc_on_path(
    gpu_machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyCUDA starts `nvcc` through PATH, where many machines do not have it."""
    on(gpu_machine.machine(H100), monkeypatch)
    monkeypatch.setenv("PATH", "/usr/bin")
    assert backend.activate().name == "gpu"
    assert os.environ["PATH"] == f"{gpu_machine.toolkit / 'bin'}:/usr/bin"


def test_no_gpu_is_asked_where_one_was_named(
    gpu_machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where CUDA_VISIBLE_DEVICES decides, NVML is not asked which GPU is the freest."""
    on(gpu_machine.machine(H100), monkeypatch)
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr(gpu_state, "now", lambda _: pytest.fail("NVML was asked"))
    backend.activate()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
