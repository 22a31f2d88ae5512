"""What `make handout` proves about a handout before it lets it stand.

Every proof returns a sentence that says what was proved, or raises `ProofError`. A proof that needs
something this machine lacks says so in its sentence.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.handout.leaks import leaks, secrets
from grader.handout.markers import splice, strip
from grader.tasks import FILES, TASKS

if TYPE_CHECKING:
    from grader.handout.build import Rendered

ROOT = Path(__file__).parents[2]
TIME_LIMIT_S = 600  # of one child process; the longest, grading, takes well under a minute
_COMPILE = """
import shutil, sys
from pathlib import Path
sys.path[:0] = [{root!r}, {folder!r}]
real = shutil.which("nvcc") or ""
if real.startswith({root!r}):
    real = ""  # the emulator's
import backend
backend.activate()
import blas, kernels, linear, network, training
from pycuda.compiler import compile
sources = {{n: s for n, s in vars(kernels).items() if isinstance(s, str) and "__global__" in s}}
for name, source in sources.items():
    compile('extern "C" {{\\n' + source + "\\n}}", no_extern_c=True)
    if real:  # every architecture of today's toolkits has what Ampere has
        compile('extern "C" {{\\n' + source + "\\n}}", no_extern_c=True, nvcc=real, arch="sm_80")
print(len(sources), "with " + real + ", too" if real else "(there is no real nvcc here)")
"""


class ProofError(Exception):
    """The handout is not what it should be; the message says where and what to do."""


def prove(rendered: "Rendered", target: Path, solution: Path, *, graded: bool) -> Iterator[str]:
    """Prove everything about the handout written to `target`; a sentence for each proof.

    Args:
        rendered: The handout.
        target: Where it was written.
        solution: What it was made from.
        graded: Also grade the handout and the solution, which takes most of the time.

    Raises:
        ProofError: A proof failed.
    """
    yield syntax(rendered)
    yield round_trip(rendered)
    yield no_leaks(rendered)
    yield compiles(target)
    if graded:
        yield not_started(target)
        yield full_score(solution)


def syntax(rendered: "Rendered") -> str:
    """Every stub is Python, and so is every solved stub."""
    for file in FILES:
        _compile(rendered.stub(file), f"stub of {file}")
        _compile(rendered.solved(file), f"solution of {file}")
    return f"{len(FILES)} stubs are Python"


def _compile(text: str, what: str) -> None:
    try:
        compile(text, what, "exec")
    except SyntaxError as error:
        raise ProofError(
            f"the {what} is not Python: line {error.lineno}: {error.msg}:"
            f" {(error.text or '').strip()!r}; a region whose stub has no code?"
        ) from None


def round_trip(rendered: "Rendered") -> str:
    """Replacing the TODO regions of the stubs by the solution gives the solution back."""
    for file in FILES:
        regions = [region for region in rendered.regions if region.file == file]
        stub = strip(rendered.sources[file], file)
        header = rendered.stub(file).removesuffix(stub)
        if header + splice(stub, regions) != rendered.solved(file):
            raise ProofError(f"{file}: solving its stub changes lines outside of TODO regions")
    return "solving the stubs replaces their TODO regions and nothing else"


def no_leaks(rendered: "Rendered") -> str:
    """No telling line of a solution region is in the handout, its notebook, or the hints."""
    known = list(secrets(rendered.sources, rendered.regions))
    found = leaks(known, documents(rendered))
    if found:
        raise ProofError("solution lines in the handout:\n    " + "\n    ".join(found))
    return f"none of the solution's {len(known)} telling lines is in the handout or the hints"


def documents(rendered: "Rendered") -> dict[str, str]:
    """Everything of the handout that can be read, by name: files, cells, outputs, hints."""
    texts: dict[str, str] = {"stubs.json": rendered.handout.to_json()}
    for name, content in rendered.files.items():
        if name.endswith(".ipynb"):
            for cell in json.loads(content)["cells"]:
                texts[f"{name}, cell {cell['id']}"] = "\n".join(strings(cell))
        elif not name.endswith(".png"):
            texts[name] = content.decode()
    hints = Path(__file__).with_name("hints.md")
    texts["hints.md"] = hints.read_text(encoding="utf-8")
    return texts


def strings(node: Any) -> Iterator[str]:
    """All text in a piece of JSON; lists of strings are lines."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list) and all(isinstance(item, str) for item in node):
        yield "".join(node)
    elif isinstance(node, (list, dict)):
        for item in node.values() if isinstance(node, dict) else node:
            yield from strings(item)


def compiles(target: Path) -> str:
    """The stubs import, and every kernel in them compiles, by the real nvcc too if there is one."""
    done = _python("-c", _COMPILE.format(root=str(ROOT), folder=str(target)))
    if done.returncode:
        last = "\n    ".join(done.stderr.strip().splitlines()[-8:])
        raise ProofError(f"the stubs do not import, or a kernel does not compile:\n    {last}")
    count, _, rest = done.stdout.strip().splitlines()[-1].partition(" ")
    return f"the stubs import, and their {count} kernels compile {rest}"


def not_started(target: Path) -> str:
    """The handout scores 0, and every task that can be judged here is "not started"."""
    report = _graded(target)
    for result in report["results"]:
        needs_gpu = next(task.needs_gpu for task in TASKS if task.id == result["task"])
        if not needs_gpu and result["state"] != "not started":
            raise ProofError(
                f"task {result['task']} of the stubs is {result['state']!r}, expected 'not"
                f" started': {result['message']}"
            )
    if report["score"] != 0:
        raise ProofError(f"the stubs score {report['score']} points, expected 0")
    return f"the stubs score 0 of {report['max_score']}, every task not started"


def full_score(solution: Path) -> str:
    """The solution scores all that can be had on this machine."""
    report = _graded(solution)
    if report["score"] != report["max_score"]:
        lost = [
            f"\n    {result['task']}: {result['message']}"
            for result in report["results"]
            if result["score"] != result["max_score"] and result["state"] != "not measured"
        ]
        raise ProofError(
            f"the solution scores {report['score']} of {report['max_score']}; run"
            f" `make grade SUBMISSION=solution`:{''.join(lost)}"
        )
    return f"the solution scores {report['score']} of {report['max_score']}"


def _graded(folder: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "report.json"
        done = _python("-m", "grader", "grade", str(folder), "--json", str(path))
        if not path.is_file():
            last = "\n    ".join((done.stderr or done.stdout).strip().splitlines()[-8:])
            raise ProofError(
                f"grading {folder} failed (exit status {done.returncode}):\n    {last}"
            )
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return report


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            timeout=TIME_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ProofError(f"{error}; try the command on its own") from None
