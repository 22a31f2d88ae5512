"""Entry of the worker: `python -I grader/worker/__main__.py READ_FD WRITE_FD JUDGE_PID`."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Serve requests from the judge until it closes the pipe."""
    root = Path(__file__).resolve().parents[2]
    # Run as a script, sys.path[0] is this folder, whose module names must shadow nothing.
    sys.path[:] = [entry for entry in sys.path if entry != str(Path(__file__).resolve().parent)]
    sys.path.insert(0, str(root))
    from grader.worker import confinement  # noqa: PLC0415 - importable only from here on
    from grader.worker.serve import serve  # noqa: PLC0415

    read_fd, write_fd, judge = sys.argv[1:]
    confinement.die_with(int(judge) if judge else None)
    confinement.limit_files()
    confinement.hide_the_grader(root)
    serve(int(read_fd), int(write_fd))


if __name__ == "__main__":
    main()
