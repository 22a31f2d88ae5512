"""Stands in for a grading: reads the submission's wish, and writes a record without grading.

`fake_grading.py SUBMISSION RECORD`, the seed on stdin. The submission's kernels.py says what is to
happen, a word a line. Each grading that comes to its end is noted beside the submissions.
"""

import json
import os
import signal
import sys
import time
from hashlib import sha256
from pathlib import Path

TASKS = ("1.1", "1.2")


def report(seed: int, content: bytes) -> dict[str, object]:
    """A report with a score that depends on the submission and on the seed alone."""
    digest = sha256(content + str(seed).encode()).digest()
    states = ("failed", "partial", "passed")
    results = []
    for number, task in enumerate(TASKS):
        state = states[digest[number] % 3]
        score = {"failed": 0, "partial": 2, "passed": 4}[state]
        results.append(
            {"\0": "Result", "task": task, "title": "t", "state": {"\0": "State", "value": state},
             "score": score, "max_score": 4}
        )  # fmt: skip
    return {"\0": "Report", "backend": os.environ["BACKEND"], "reason": "fake", "seed": seed,
            "submission": "s", "results": results}  # fmt: skip


def main() -> None:
    """Do as the submission says."""
    submission, record = map(Path, sys.argv[1:])
    seed = int(sys.stdin.readline())
    content = (submission / "kernels.py").read_bytes()
    ended = submission.parent.parent / "ended"
    for word in content.decode().split():
        match word.split("="):
            case ["sleep", seconds]:
                time.sleep(float(seconds))
            case ["crash"]:
                os.kill(os.getpid(), signal.SIGKILL)
            case ["fail"]:
                sys.stderr.write("no compiler\n")
                sys.exit(2)
            case ["kill-worker"]:
                os.kill(os.getppid(), signal.SIGKILL)
                time.sleep(60)
            case ["kill-worker-once"] if not (submission.parent.parent / "killed").exists():
                (submission.parent.parent / "killed").touch()
                os.kill(os.getppid(), signal.SIGKILL)
                time.sleep(60)
            case ["device"]:
                names = ("BACKEND", "CUDA_VISIBLE_DEVICES", "GRADER_TURNS")
                kernels = ("GRADER_KERNELS", "PYCUDA_CACHE_DIR")
                told = [str(os.environ.get(name)) for name in names]
                end = [str(os.environ.get(name)) for name in kernels]
                with (ended.with_name("devices")).open("a") as file:
                    file.write(f"{' '.join(told)} {os.nice(0)} {submission.name} {' '.join(end)}\n")
            case ["refuse"]:
                record.write_text(json.dumps({"refused": f"{submission} holds nothing"}))
                sys.exit(2)
    record.write_text(json.dumps({"report": report(seed, content)}))
    with ended.open("a") as file:
        file.write(f"{submission.name} {os.environ['BACKEND']}\n")


if __name__ == "__main__":
    main()
