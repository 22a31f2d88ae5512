"""`python -m grader`: see `grader.cli`."""

import sys
import traceback

from grader.cli import UNUSABLE, main

if __name__ == "__main__":
    try:
        code = main()
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        code = UNUSABLE
    except Exception:  # noqa: BLE001 - whatever it is, it is no verdict on the submission
        traceback.print_exc()
        sys.stderr.write(
            "Sorry: the grader itself failed, not your code. "
            "Please show your instructor the lines above.\n"
        )
        code = UNUSABLE
    sys.exit(code)
