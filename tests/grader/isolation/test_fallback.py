"""What can be had where the system gives less: root in a container, and a plain user."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.isolation import landlock

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or landlock.abi() == 0, reason="this kernel has no Landlock"
)

PROGRAM = f"""
import ctypes, os, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from grader.isolation import Level
from grader.judge import CheckFailure, Judge, call
judge = Judge(Path(sys.argv[1]), 1, Path({str(ROOT)!r}) / "solution/device.py", level=Level.FULL)
for program in sys.argv[2:]:
    try:
        judge.run(call("kernels.bias_add", program), own=["kernels.bias_add"])
    except CheckFailure as failure:
        print(failure.message.split("<<")[1].split(">>")[0])
print(judge._runner.worker.reached.text())
judge.close()
print(judge._runner.scratch.exists())
"""

WITHOUT_ADMINISTRATION = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(24, 21, 0, 0, 0)  # CAP_SYS_ADMIN leaves the bounding set
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""

KERNELS = """
import os, socket, sys
def bias_add(code):
    scope = {}
    try:
        exec(code, globals(), scope)
    except OSError as error:
        scope["found"] = error.strerror
    raise ValueError(f"<<{scope['found']}>>")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, which gives up a capability")
def test_root_in_a_container(tmp_path: Path) -> None:
    """Without namespaces files, network and system calls are closed nevertheless."""
    (tmp_path / "kernels.py").write_text(KERNELS)
    programs = [
        f"found = open({str(ROOT / 'solution/kernels.py')!r})",
        "found = open('/etc/shadow')",
        "found = open('/tmp/left-by-test', 'w')",
        "found = socket.socket()",
        "open('mine', 'w').write('1'); found = 'written'",
    ]
    command = [sys.executable, "-c", WITHOUT_ADMINISTRATION, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run([*command, *programs], capture_output=True, text=True, check=True)
    *found, reached, left = done.stdout.splitlines()
    assert found[:2] == ["Permission denied"] * 2
    assert found[2:] == ["Permission denied", "Operation not permitted", "written"]
    assert "Landlock" in reached
    assert "seccomp" in reached
    assert "own root folder (Operation not permitted)" in reached.partition("not had here")[2]
    assert left == "False"
