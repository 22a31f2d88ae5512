"""Every kind of finding in small kernels: faulty ones are found at their line, right ones not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulator import runtime
from tests.emulator.runtime import device

if TYPE_CHECKING:
    from emulator.compiler.image import Image

HERE = Path(__file__).parent
FAULTY = device.read_corpus(HERE / "faulty.cu", faulty=True)
RIGHT = device.read_corpus(HERE / "right.cu", faulty=False)
N = 256


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Image, dict[str, tuple[int, ...]]]:
    """All faulty kernels, compiled, and their marked lines."""
    device.start()
    source, lines = device.corpus_source(FAULTY)
    return device.compile_source(source, tmp_path_factory.mktemp("faulty")), lines


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """All right kernels, compiled."""
    device.start()
    source, _ = device.corpus_source(RIGHT)
    return device.compile_source(source, tmp_path_factory.mktemp("right"))


def run(image: Image, case: device.Case) -> runtime.Launch:
    """Launch a case on memory of its own."""
    a = device.upload(np.arange(N, dtype=np.float32))
    b = runtime.malloc(4 * N)
    k = device.upload(np.zeros(64, np.int32))
    try:
        arguments = (a, b, k, N)
        return device.launch(
            image, case.name, case.grid, case.block, *arguments, shared=case.shared, limit_s=0.05
        )
    finally:
        for address in (a, b, k):
            runtime.free(address)


@pytest.mark.parametrize("case", FAULTY, ids=lambda case: case.name)
def test_faulty(case: device.Case, faulty: tuple[Image, dict[str, tuple[int, ...]]]) -> None:
    """The finding has the right kind and the marked line; nothing of another kind is claimed."""
    image, lines = faulty
    findings = run(image, case).findings
    assert findings, "nothing was found"
    texts = "\n".join(finding.text() for finding in findings)
    assert {str(finding.kind) for finding in findings} == {case.kind}, texts
    if lines[case.name]:
        places = {p.line for f in findings for p in (f.place, f.other) if p is not None}
        assert places & set(lines[case.name]), texts


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_right(case: device.Case, right: Image) -> None:
    """A correct kernel is not blamed."""
    findings = run(right, case).findings
    assert not findings, "\n".join(finding.text() for finding in findings)
