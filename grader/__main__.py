"""`python -m grader`: see `grader.cli`."""

import signal
import sys
import traceback

from grader.cli import UNUSABLE, main
from grader.report.terminal import let_go

NOBODY_READS = 128 + signal.SIGPIPE
"""Exit code, as a shell has it for what this signal ends."""

if __name__ == "__main__":
    try:
        code = main()
        sys.stdout.flush()  # here, not when Python ends, where nobody could catch what comes of it
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        code = UNUSABLE
    except BrokenPipeError:  # `… | head`: the reader has seen enough
        let_go(sys.stdout)
        code = NOBODY_READS
    except Exception:  # noqa: BLE001 - whatever it is, it is no verdict on the submission
        traceback.print_exc()
        sys.stderr.write(
            "Sorry: the grader itself failed, not your code. "
            "Please show your instructor the lines above.\n"
        )
        code = UNUSABLE
    sys.exit(code)
