"""Which device node is the one GPU that a worker was given, where that is certain.

CUDA skips GPUs whose nodes it does not find, and counts the rest anew, as in containers that have
some of a machine's GPUs: so the GPU is named by its UUID from then on. Where anything is unclear
(several GPUs or none named, indices whose order is not known, slices of GPUs, another driver) there
is no answer, and a worker sees the nodes of all.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "CUDA_VISIBLE_DEVICES"

_DRIVER, _NODES = Path("/proc/driver/nvidia"), Path("/dev")
_NODE = re.compile(r"nvidia\d+")
_UUID = re.compile(r"GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Gpu:
    """A GPU, as the driver tells.

    Attributes:
        model: its name.
        uuid: that CUDA takes in place of an index.
        node: its device.
    """

    model: str
    uuid: str
    node: Path


def named(driver: Path = _DRIVER, nodes: Path = _NODES) -> Gpu | None:
    """The GPU that CUDA_VISIBLE_DEVICES names; None where that is not certain.

    Args:
        driver: what the driver tells of itself.
        nodes: the devices.
    """
    name = os.environ.get(VARIABLE, "")
    try:
        found = _found(driver, nodes)
    except (OSError, KeyError, ValueError):
        return None
    if name.isdecimal() and int(name) < len(found):
        is_ordered = os.environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
        return found[int(name)] if is_ordered or len({gpu.model for gpu in found}) == 1 else None
    return next((gpu for gpu in found if gpu.uuid == name), None)


def others(gpu: Gpu) -> set[Path]:
    """The nodes of all other GPUs."""
    siblings = gpu.node.parent.glob("nvidia*")
    return {node for node in siblings if _NODE.fullmatch(node.name)} - {gpu.node}


def _found(driver: Path, nodes: Path) -> list[Gpu]:
    """All GPUs, in the order of their places on the bus; ValueError where CUDA may count others."""
    found = []
    for folder in sorted((driver / "gpus").iterdir()):
        lines = (folder / "information").read_text("utf-8").splitlines()
        told = {key.strip(): value.strip() for key, _, value in (s.partition(":") for s in lines)}
        gpu = Gpu(told["Model"], told["GPU UUID"], nodes / f"nvidia{int(told['Device Minor'])}")
        if not _UUID.fullmatch(gpu.uuid):  # not known before the GPU is used for the first time
            raise ValueError(gpu.uuid)
        found.append(gpu)
    there = {node for node in nodes.glob("nvidia*") if _NODE.fullmatch(node.name)}
    slices = list((driver / "capabilities").glob("gpu*/mig/gi*"))
    if slices or {gpu.node for gpu in found} != there:
        raise ValueError(slices or there)
    return found
