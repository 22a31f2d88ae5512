"""Which device node is a worker's, as a made-up driver tells."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader.isolation import gpus

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[3]

WITHIN = """
import os, sys
from pathlib import Path
from grader.isolation import gpus, system, view
nodes, scratch = map(Path, sys.argv[1:])
view.devices = lambda: nodes.glob("nvidia*")
gpus.named = lambda: gpus.Gpu("H100", "GPU-1", nodes / "nvidia1")
system.unshare("mounts")
view.build_root(view.View(scratch), [], own_processes=False)
print(*sorted(node.name for node in nodes.iterdir()), os.environ["CUDA_VISIBLE_DEVICES"])
"""

UUIDS = [f"GPU-0000000{n}-0000-0000-0000-00000000000{n}" for n in range(3)]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Path, Path]]:
    """Makes a machine whose GPUs' minor numbers are not in the order of their places on the bus."""
    for name in (gpus.VARIABLE, "CUDA_DEVICE_ORDER"):
        monkeypatch.delenv(name, raising=False)

    def make(*models: str, uuids: list[str] = UUIDS) -> tuple[Path, Path]:
        driver, nodes = tmp_path / "proc", tmp_path / "dev"
        nodes.mkdir()
        for name in ("nvidiactl", "nvidia-uvm", "nvidia-caps"):
            (nodes / name).touch()
        for place, model in enumerate(models):
            minor = (place + 1) % len(models)
            folder = driver / "gpus" / f"0000:{place:02d}:00.0"
            folder.mkdir(parents=True)
            (folder / "information").write_text(
                f"Model: \t\t {model}\nGPU UUID: \t {uuids[place]}\n"
                f"Bus Location: \t {folder.name}\nDevice Minor: \t {minor}\n"
            )
            (nodes / f"nvidia{minor}").touch()
        return driver, nodes

    return make


def test_by_index(
    machine: Callable[..., tuple[Path, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of equal GPUs an index counts places on the bus; the other nodes are the other GPUs'."""
    driver, nodes = machine("H100", "H100", "H100")
    monkeypatch.setenv(gpus.VARIABLE, "1")
    gpu = gpus.named(driver, nodes)
    assert gpu == gpus.Gpu("H100", UUIDS[1], nodes / "nvidia2")
    assert gpus.others(gpu) == {nodes / "nvidia0", nodes / "nvidia1"}


def test_by_uuid(
    machine: Callable[..., tuple[Path, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A UUID names a GPU whatever the others are."""
    driver, nodes = machine("H100", "T4")
    monkeypatch.setenv(gpus.VARIABLE, UUIDS[1])
    gpu = gpus.named(driver, nodes)
    assert gpu is not None
    assert gpu.node == nodes / "nvidia0"


@pytest.mark.parametrize("name", ["", "0,1", "2", "-1", "MIG-1", "GPU-0", "x"])
def test_not_one_of_them(
    machine: Callable[..., tuple[Path, Path]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What is not the name of one GPU has no answer."""
    driver, nodes = machine("H100", "H100")
    monkeypatch.setenv(gpus.VARIABLE, name)
    assert gpus.named(driver, nodes) is None


def test_order_is_not_known(
    machine: Callable[..., tuple[Path, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of different GPUs CUDA counts the fastest first, unless it is told to go by the bus."""
    driver, nodes = machine("T4", "H100")
    monkeypatch.setenv(gpus.VARIABLE, "1")
    assert gpus.named(driver, nodes) is None
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    assert gpus.named(driver, nodes) is not None


def test_unclear(
    machine: Callable[..., tuple[Path, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answer: without a driver, with slices of a GPU, or with nodes that it does not tell of."""
    monkeypatch.setenv(gpus.VARIABLE, "0")
    driver, nodes = machine("H100", "H100")
    assert gpus.named(driver, nodes) is not None
    assert gpus.named(driver / "none", nodes) is None
    (nodes / "nvidia7").touch()
    assert gpus.named(driver, nodes) is None
    (nodes / "nvidia7").unlink()
    slices = driver / "capabilities" / "gpu0" / "mig" / "gi1"
    slices.mkdir(parents=True)
    assert gpus.named(driver, nodes) is None
    slices.rmdir()
    (nodes / "nvidia1").unlink()
    assert gpus.named(driver, nodes) is None


def test_uuid_is_not_known_yet(
    machine: Callable[..., tuple[Path, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A GPU that nobody has used has question marks in place of a UUID."""
    monkeypatch.setenv(gpus.VARIABLE, "0")
    assert gpus.named(*machine("H100", uuids=["GPU-????????-????-????"])) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="a root folder of one's own needs root here")
def test_what_a_worker_sees(tmp_path: Path) -> None:
    """Its GPU's node and those of the driver; CUDA is told of it by its UUID."""
    nodes, scratch = tmp_path / "dev", tmp_path / "scratch"
    nodes.mkdir()
    scratch.mkdir()
    for name in ("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm"):
        (nodes / name).touch()
    seen = subprocess.run(
        [sys.executable, "-c", WITHIN, str(nodes), str(scratch)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if "PermissionError" in seen.stderr:
        pytest.skip("no mounts can be made here")
    assert seen.stdout.split() == ["nvidia-uvm", "nvidia1", "nvidiactl", "GPU-1"], seen.stderr
