"""The filter's numbers, and what it says to calls, without running it."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess

import pytest

from grader.isolation import seccomp

HEADERS = {"x86_64": "asm/unistd_64.h", "aarch64": "asm-generic/unistd.h"}
ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026


def run(machine: str, number: int, first: int = 0, architecture: int | None = None) -> int:
    """What the filter returns: a few instructions of classic BPF, interpreted."""
    right = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine]
    data = struct.pack("<IIQQ", number, architecture or right, 0, first)
    lines = [
        struct.unpack_from("<HBBI", seccomp.program(machine), at)
        for at in range(0, len(seccomp.program(machine)), 8)
    ]
    place = accumulator = 0
    while True:
        code, jump_true, jump_false, k = lines[place]
        if code == 0x06:
            return int(k)
        if code == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, k)
            jump = 0
        else:
            tests = {0x15: accumulator == k, 0x35: accumulator >= k, 0x45: bool(accumulator & k)}
            jump = jump_true if tests[code] else jump_false
        place += 1 + jump


@pytest.mark.parametrize(("machine", "column"), [("x86_64", 0), ("aarch64", 1)])
def test_numbers(machine: str, column: int) -> None:
    """The numbers are those of the kernel's own headers."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to read the headers with")
    command = [compiler, "-E", "-dM", "-include", HEADERS[machine], "-x", "c", "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"there is no <{HEADERS[machine]}>")
    known = dict(re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", done.stdout))
    ours = {name: numbers[column] for name, numbers in seccomp.DENIED.items()}
    ours |= {"clone": seccomp._CLONE[column], "socket": seccomp._SOCKET[column]}
    wrong = {
        name: number
        for name, number in ours.items()
        if name in known and str(number) != known[name]
    }
    assert wrong == {}
    assert len(known.keys() & ours.keys()) > 50


@pytest.mark.parametrize(("machine", "column"), [("x86_64", 0), ("aarch64", 1)])
def test_verdicts(machine: str, column: int) -> None:
    """What is on the list is refused, and only that."""
    for numbers in seccomp.DENIED.values():
        number = numbers[column]
        assert number is None or run(machine, number) == EPERM
    listed = {numbers[column] for numbers in seccomp.DENIED.values()} | {435}
    listed |= {seccomp._SOCKET[column]}
    assert all(run(machine, number) == ALLOW for number in set(range(450)) - listed)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_arguments(machine: str) -> None:
    """Sockets are told by their family, new processes by their flags."""
    column = seccomp._ARCHITECTURES[machine][0]
    assert run(machine, seccomp._SOCKET[column], 1) == ALLOW
    assert all(run(machine, seccomp._SOCKET[column], f) == EPERM for f in (0, 2, 10, 16, 17, 40))
    assert run(machine, seccomp._CLONE[column], 0x003D0F00 | 17) == ALLOW  # a thread
    assert run(machine, seccomp._CLONE[column], 0x10000000) == EPERM
    assert run(machine, 435) == ENOSYS  # so that the C library uses clone


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_other_architectures(machine: str) -> None:
    """Calls with other numbers (32 bits, x32) are refused."""
    assert run(machine, 1, architecture=0x40000003) == EPERM
    if machine == "x86_64":
        assert run(machine, 0x40000000 + 1) == EPERM
