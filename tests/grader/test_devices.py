"""Which devices judge, and how that is told."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from backend import choice, gpu_state
from backend.gpu_state import GpuState
from backend.nvml import Gpus
from grader import devices

if TYPE_CHECKING:
    from collections.abc import Callable

Machine = type(
    "Machine",
    (),
    {
        "gpus": Gpus(("NVIDIA H100 80GB HBM3",)),
        "compiler": "g++",
        "libraries": lambda *_: [],  # no NVML
    },
)


@pytest.fixture
def on_gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[..., devices.Devices]:
    """Choose on a machine with a GPU that can be used."""

    def choose(wanted: str = "", compiler: str = "g++") -> devices.Devices:
        machine = Machine()
        machine.compiler = compiler
        for place in (choice, devices):
            monkeypatch.setattr(place, "Machine", lambda: machine)
        monkeypatch.setattr(choice, "obstacle", lambda _: None)
        monkeypatch.delitem(sys.modules, "emulator", raising=False)  # installed by another test
        monkeypatch.setenv("BACKEND", wanted)
        return devices.choose()

    return choose


def test_both(on_gpu: Callable[..., devices.Devices]) -> None:
    """With a GPU and a compiler the emulator scores, and the GPU gives a second opinion."""
    chosen = on_gpu()
    assert chosen.names == ("emulator", "gpu")
    assert (chosen.label, chosen.reason) == ("emulator and gpu", "NVIDIA H100 80GB HBM3")
    assert chosen.gpu == "the H100"


def test_the_freest_gpu(
    on_gpu: Callable[..., devices.Devices], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several GPUs all workers get the one with most free memory."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # so that it is restored afterwards
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    gpus = (GpuState("GPU-a", 1), GpuState("GPU-b", 2))
    monkeypatch.setattr(gpu_state, "now", lambda _: gpus)
    on_gpu()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-b"


def test_no_gpu_is_asked_where_one_was_named(
    on_gpu: Callable[..., devices.Devices], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where CUDA_VISIBLE_DEVICES decides, NVML is not asked which GPU is the freest."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr(gpu_state, "now", lambda _: pytest.fail("NVML was asked"))
    on_gpu()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"


def test_gpu_alone(on_gpu: Callable[..., devices.Devices]) -> None:
    """Without a compiler the GPU judges alone, which is said, with the way to learn more."""
    chosen = on_gpu(compiler="")
    assert chosen.names == ("gpu",)
    assert "no C++ compiler" in chosen.reason
    assert "install g++" in chosen.advice


def test_restricted(on_gpu: Callable[..., devices.Devices]) -> None:
    """BACKEND leaves one device."""
    assert on_gpu("emulator").names == ("emulator",)
    chosen = on_gpu("gpu")
    assert chosen.names == ("gpu",)
    assert "BACKEND=emulator" in chosen.advice


@pytest.mark.parametrize(
    ("gpu", "name"),
    [
        ("NVIDIA H100 80GB HBM3", "the H100"),
        ("NVIDIA A100-SXM4-80GB and 3 more", "the A100-SXM4"),
        ("Tesla T4", "the Tesla T4"),
        ("NVIDIA GeForce RTX 4090", "the GeForce RTX 4090"),
    ],
)
def test_short_name(gpu: str, name: str) -> None:
    """A GPU's name in a sentence."""
    assert devices.short_name(gpu) == name
