"""Run the long steps of setup: one line each, the rest in a log, failures explained."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Variables that would lead pip or Python out of `.venv`.
FOREIGN = {"PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER"}

# What pip and venv print when something outside this project is wrong, and the next step.
REMEDIES = {
    r"No space left on device|Errno 28": "the disk is full (df -h .): free about 1 GB",
    r"Permission denied|Read-only file system": "put the clone into a folder of your own",
    r"DO NOT MATCH THE HASHES": "a mirror or proxy altered PyCUDA's sdist: use another index",
    r"CERTIFICATE_VERIFY_FAILED|SSLError": "set PIP_CERT to the file with your network's CA",
    r"ProxyError|Cannot connect to proxy": "the proxy refuses: check HTTPS_PROXY",
    r"NewConnectionError|NameResolutionError|Temporary failure in name|Network is unreachable"
    r"|ConnectTimeout|ReadTimeout|Connection refused|No matching distribution found": (
        "the package index can't be reached or lacks the package: check the network, and"
        " pip config list"
    ),
}


class SetupError(Exception):
    """Setup cannot go on; the message says which step, what was found and what to do next."""


class Steps:
    """Runs steps in a folder, with output to a log.

    Args:
        folder: the working folder of every step.
        log: emptied now, filled by the steps.
        lock: a file descriptor that steps inherit: if this process is killed while pip goes on,
            the lock on it stays held until pip ends.
    """

    def __init__(self, folder: Path, log: Path, lock: int) -> None:
        self.folder = folder
        self.log = log
        self.lock = lock
        log.write_bytes(b"")

    def run(self, title: str, command: Sequence[str], extra: dict[str, str] | None = None) -> None:
        """Run one step, with extra environment variables.

        Raises:
            SetupError: it failed; the message has the end of its output and the next step.
        """
        print(f"  {title} ...", end="", flush=True)
        started = time.monotonic()
        with self.log.open("a", encoding="utf-8", errors="replace") as log:
            log.write(f"\n$ {' '.join(command)}\n")
            log.flush()
            start = log.tell()
            process = self._start(command, clean_environ() | (extra or {}), log)
            status = self._wait(process, title, started)
        print(f" {time.monotonic() - started:.0f} s" + ("" if status == 0 else ", failed"))
        if status != 0:
            output = self.log.read_bytes()[start:].decode("utf-8", "replace")
            raise SetupError(explain(title, output, f"read {self.log}"))

    def _start(
        self, command: Sequence[str], environ: dict[str, str], log: TextIO
    ) -> subprocess.Popen[bytes]:
        """Start a command that holds the lock, too."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(self.lock,),
        )

    @staticmethod
    def _wait(process: subprocess.Popen[bytes], title: str, started: float) -> int:
        """Wait for the end; a terminal sees the seconds run."""
        live = sys.stdout.isatty()
        try:
            while live and process.poll() is None:
                print(f"\r  {title} ... {time.monotonic() - started:.0f} s", end="", flush=True)
                try:
                    process.wait(timeout=1)
                except subprocess.TimeoutExpired:
                    continue
            status = process.wait()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
        print(f"\r  {title} ..." if live else "", end="")
        return status


def clean_environ() -> dict[str, str]:
    """This process's environment less what would lead pip or Python out of `.venv`."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return kept | {"PIP_USER": "0", "PYTHONNOUSERSITE": "1"}


def explain(title: str, output: str, otherwise: str) -> str:
    """The telling lines of a failed step's output, and the next step where the cause is known."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"error|errno|failed", line, re.IGNORECASE)]
    shown = [f"    {line[:200]}" for line in (telling or lines)[-3:]]
    known = (text for pattern, text in REMEDIES.items() if re.search(pattern, output))
    return "\n".join([f"Failed: {title}.", *shown, f"Next: {next(known, otherwise)}."])
