"""Entry of the worker: `python -I grader/worker/__main__.py READ_FD WRITE_FD EVENTS_FD JUDGE_PID`.

In the environment GRADER_VIEW tells what a worker may see that gets all walls; without it there are
none.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path


def main() -> None:
    """Serve requests from the judge until it closes the pipe."""
    root = Path(__file__).resolve().parents[2]
    # Run as a script, sys.path[0] is this folder, whose module names must shadow nothing.
    sys.path[:] = [entry for entry in sys.path if entry != str(Path(__file__).resolve().parent)]
    sys.path.insert(0, str(root))
    from grader.worker import confinement  # noqa: PLC0415 - importable only from here on
    from grader.worker.audit import Watch  # noqa: PLC0415
    from grader.worker.events import Channel  # noqa: PLC0415
    from grader.worker.serve import serve  # noqa: PLC0415

    *descriptors, judge = sys.argv[1:]
    read_fd, write_fd, events_fd = map(int, descriptors)
    told = os.environ.pop("GRADER_VIEW", "")
    last = signal.SIGTERM if told else signal.SIGKILL  # a supervisor has to clear up
    confinement.die_with(int(judge) if judge else None, last)
    confinement.limit_files()
    entered, readable = {}, []
    if told:
        from grader.isolation import enter, view  # noqa: PLC0415 - with walls only

        seen = view.View.parse(json.loads(told))
        readable = list(map(str, seen.readable))
        confinement.hide_the_grader(root)
        within = enter.enter(seen, root, (read_fd, write_fd, events_fd))
        entered = {"entered": asdict(within)}
    else:
        confinement.hide_the_grader(root)
    faulthandler.register(signal.SIGUSR2, events_fd)  # by which the judge asks: where are you?
    channel = Channel(events_fd)
    scratch = [str(Path.cwd()), os.environ.get("TMPDIR", "/tmp")]  # noqa: S108 - as tempfile
    serve(read_fd, write_fd, (channel, Watch(channel, root, readable, scratch)), entered)


if __name__ == "__main__":
    main()
