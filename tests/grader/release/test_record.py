"""What is recorded of a solution, and what its replay computes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from grader.release import machine_code, reference
from grader.timing import plan
from tests.grader.release.conftest import REQUESTS, ROOT, record

if TYPE_CHECKING:
    from pathlib import Path

# Runs the reference in a folder on fixed inputs and prints what it makes of them. In a plan's
# folder the kernels come from their sources, since the emulated device loads no machine code.
RUN = f"""
import json, sys
from pathlib import Path
folder, requests, source = sys.argv[1:]
sys.path[:0] = [folder, {str(ROOT)!r}]
import backend
backend.activate(check=False)
import importlib
import numpy as np
import device
if source:
    import replay
    from pycuda.compiler import SourceModule
    compiled = SourceModule(Path(source).read_text(), no_extern_c=True)
    replay._module = lambda: compiled
rng = np.random.default_rng(7)

def made(entry):
    if not isinstance(entry, list):
        return entry
    shape, dtype = entry
    drawn = rng.integers(0, 10, shape) if dtype == "int32" else rng.standard_normal(shape)
    return device.to_device(drawn, dtype)

out = []
for request in json.loads(requests):
    module, name = request["what"].split(".")
    function = getattr(importlib.import_module(module), name)
    inputs = [made(entry) for entry in request["key"]]
    if "sizes" in request:
        model = function(*request["sizes"])
        returned = [model.step(*inputs, request["learning_rate"]) for _ in range(3)]
        inputs = list(model.parameters.values())
    else:
        returned = function(*inputs)
    items = list(returned) if isinstance(returned, (tuple, list)) else [returned]
    out.append([a.get().tobytes().hex() for a in [*items, *inputs] if hasattr(a, "gpudata")])
print(json.dumps(out))
"""


def run(folder: Path, source: Path | None = None) -> Any:
    """What the reference in a folder makes of REQUESTS."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(folder), json.dumps(REQUESTS), str(source or "")],
        capture_output=True,
        text=True,
        env={**os.environ, "BACKEND": "emulator"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_replay_computes_what_the_solution_computes(
    recorded: dict[str, Any], tmp_path: Path
) -> None:
    """A replayed plan gives the solution's results, bit for bit, for launches and for steps."""
    packed, folder = tmp_path / "reference.zip", tmp_path / "files"
    folder.mkdir()
    reference.pack(recorded, {"sm_90": b"", "compute_70": b""}, packed)
    plan.unpack(packed, folder)
    shutil.copyfile(ROOT / "solution" / "device.py", folder / "device.py")
    source = tmp_path / "kernels.cu"
    source.write_text(machine_code.together(recorded["sources"]), "utf-8")
    assert run(folder, source) == run(ROOT / "solution")


def test_recording_repeats(recorded: dict[str, Any]) -> None:
    """Two recordings of one solution are equal."""
    again = record(ROOT / "solution", REQUESTS)
    assert json.loads(again.stdout) == recorded


def test_memory_of_another_make_is_refused(tmp_path: Path) -> None:
    """A solution that keeps memory from one step to the next cannot be recorded, and is told so."""
    shutil.copytree(ROOT / "solution", tmp_path / "solution")
    file = tmp_path / "solution" / "kernels.py"
    kept = "\n\n_kept = __import__('device').zeros(67)\n_add = bias_add\n"
    kept += "def bias_add(Z, b):\n    _add(Z, _kept)\n"
    file.write_text(file.read_text("utf-8") + kept, "utf-8")
    done = record(tmp_path / "solution", REQUESTS[:1])
    assert done.returncode == 1
    assert "not made by a function of device.py" in done.stderr
