"""Starts a program that the kernel kills when the thread that started it ends.

`python child.py PARENT NICENESS PROGRAM ARGUMENT…`: a class run killed at any moment leaves no
grading behind. It is a file of its own, without imports from the grader: it runs once a grading.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>; it outlasts exec


def main() -> None:
    """Become the program."""
    parent, niceness, program, *_ = sys.argv[1:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        os._exit(1)  # it ended before
    os.nice(int(niceness))
    os.execvp(program, sys.argv[3:])  # noqa: S606 - a list of arguments, without a shell


if __name__ == "__main__":
    main()
