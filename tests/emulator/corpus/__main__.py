"""Runs the corpora on the emulated device: `python -m tests.emulator.corpus [NAME…]`.

Prints each kernel whose verdict is not the expected one, and the counts. Each case runs in a child
process of its own; the exit status is 1 if any verdict is wrong. NAME selects cases by a part of
their names.
"""

from __future__ import annotations

import os
import pickle
import re
import select
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import emulator

HERE = Path(__file__).parent
LIMIT_S = 60  # of one case, before it counts as hung
PAIRS = {"race", "missing-syncwarp", "barrier-divergence", "warp-divergence"}
KERNEL = re.compile(r"__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)\s*\(")


@dataclass
class Case:
    """A kernel, the lines of its host program, and what is expected of it."""

    name: str
    kinds: set[str]
    raises: str
    host: list[str] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    source: list[str] = field(default_factory=list)


@dataclass
class Outcome:
    """What a case left: findings as (kind, lines, text), and the error that ended it."""

    findings: list[tuple[str, set[int], str]]
    error: str = ""
    broken: str = ""  # the case could not be tried


def read(file: Path) -> list[Case]:
    """The cases of a corpus file."""
    cases: list[Case] = []
    for line in file.read_text().splitlines():
        if line.startswith("@"):
            name, _, rest = line[1:].partition(" ")
            raises = rest.removeprefix("raises ") if rest.startswith("raises ") else ""
            cases.append(Case(name, set() if raises or not rest else set(rest.split("/")), raises))
        elif cases:
            word, _, rest = line.partition(" ")
            case = cases[-1]
            lists = {"#py": case.host, "#check": case.checks, "#opt": case.options}
            lists.get(word, case.source).append(rest if word in lists else line)
    return cases


def _execute(case: Case) -> Outcome:
    import pycuda.autoinit  # noqa: F401, PLC0415  # after the emulator is installed
    import pycuda.driver as drv  # noqa: PLC0415
    from pycuda.compiler import SourceModule  # noqa: PLC0415

    from tests.emulator.corpus import kernels  # noqa: PLC0415

    source = "\n".join(case.source)
    space: dict[str, Any] = {**vars(kernels), "drv": drv}
    error = ""
    try:
        plain = "no_extern_c" in case.options
        space["mod"] = module = SourceModule(f'#line 1 "k.cu"\n{source}', no_extern_c=plain)

        def launcher(name: str) -> Any:
            def call(grid: Any, block: Any, *arguments: Any, shared: int = 0) -> None:
                module.get_function(name)(
                    *(kernels.conv(value) for value in arguments),
                    grid=kernels.extent(grid, 2),
                    block=kernels.extent(block, 3),
                    shared=shared,
                )

            return call

        space |= {name: launcher(name) for name in KERNEL.findall(source)}
        for line in case.host:
            exec(line, space)  # noqa: S102  # the corpus is ours
        drv.Context.synchronize()
        failed = [check for check in case.checks if not eval(check, space)]  # noqa: S307
        error = f"not so: {failed}" if failed else ""
    except Exception as problem:  # noqa: BLE001  # whatever the case makes
        error = f"{type(problem).__name__}: {problem}"
    found = []
    for finding in emulator.findings():
        places = [finding.place, finding.other if str(finding.kind) in PAIRS else None]
        lines = {place.line for place in places if place is not None}
        found.append((str(finding.kind), lines, finding.text()))
    return Outcome(found, error)


def run(case: Case) -> Outcome:
    """Run a case in a child process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(_execute(case), pipe)
        os._exit(0)
    os.close(writing)
    data = b""
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while select.select([pipe], [], [], LIMIT_S)[0] and (part := pipe.read(1 << 16)):
            data += part
    if not data:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not data:
        return Outcome([], broken=f"hung, or ended with status {status}")
    outcome: Outcome = pickle.loads(data)  # noqa: S301  # our own child's
    return outcome


def complaint(case: Case, outcome: Outcome) -> str:
    """What is wrong with the outcome; "" if it is as expected."""
    if outcome.broken:
        return outcome.broken
    if case.raises:
        return "" if re.search(case.raises, outcome.error) else "the error was not raised"
    if not case.kinds:
        return "a false alarm" if outcome.findings else "an error" if outcome.error else ""
    of_kind = [lines for kind, lines, _ in outcome.findings if kind in case.kinds]
    if not of_kind:
        return "another kind" if outcome.findings else "a miss"
    marked = {number for number, line in enumerate(case.source, 1) if "//!" in line}
    return "" if not marked or any(lines & marked for lines in of_kind) else "another line"


def main(selected: list[str]) -> int:
    """Run all cases, or those selected."""
    emulator.install(check=True, report=False)
    bad = 0
    for file in ("faulty.txt", "host.txt", "right.txt"):
        cases = [c for c in read(HERE / file) if all(part in c.name for part in selected)]
        wrong = 0
        for case in cases:
            outcome = run(case)
            if words := complaint(case, outcome):
                wrong += 1
                print(f"{file} {case.name}: {words}. {outcome.error[:400]}")
                print("".join(f"    {text}\n" for _, _, text in outcome.findings[:4]), end="")
        print(f"{file}: {len(cases) - wrong} of {len(cases)} as expected")
        bad += wrong
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
