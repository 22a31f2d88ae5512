"""The description of the container: its form, and that it brings what setup asks for."""

from __future__ import annotations

import json
import re

from tests.grader.release.clone import ROOT

FOLDER = ROOT / ".devcontainer"

# Of https://containers.dev/implementors/json_reference/, those that are used here.
KEYS = {
    "name": str,
    "build": dict,
    "remoteUser": str,
    "hostRequirements": dict,
    "postCreateCommand": str,
    "customizations": dict,
}


def test_form() -> None:
    """Each key is one of the specification's, of the type that it says."""
    described = json.loads((FOLDER / "devcontainer.json").read_text("utf-8"))
    assert {key: type(value) for key, value in described.items()} == KEYS
    needed = described["hostRequirements"]
    assert re.fullmatch(r"\d+(tb|gb|mb|kb)", needed["memory"])
    assert needed["gpu"] in (True, False, "optional")
    assert isinstance(needed["cpus"], int)
    assert set(described["build"]) == {"dockerfile"}


def test_what_it_refers_to() -> None:
    """Its Dockerfile is there, its user is made in it, and its command is a target of make."""
    described = json.loads((FOLDER / "devcontainer.json").read_text("utf-8"))
    dockerfile = (FOLDER / described["build"]["dockerfile"]).read_text("utf-8")
    assert re.search(rf"useradd .*\b{described['remoteUser']}$", dockerfile, re.MULTILINE)
    target = described["postCreateCommand"].removeprefix("make ")
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_brings_what_a_fresh_clone_needs() -> None:
    """What .ci/run installs on a bare machine is in the image."""
    needed = re.findall(r"missing\+=\((\S+)\)", (ROOT / ".ci" / "run").read_text("utf-8"))
    packages = (FOLDER / "Dockerfile").read_text("utf-8").split()
    assert needed
    assert set(needed) <= set(packages)
