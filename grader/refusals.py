"""What ends a command before anything is judged: errors whose message is for whoever typed it."""

from __future__ import annotations

import backend
from grader.grade import SubmissionError
from grader.handout import collect
from grader.process import WorkerStartError
from grader.settings import SettingsError

REFUSALS = (
    backend.BackendError,
    SubmissionError,
    collect.SubmissionError,
    WorkerStartError,
    SettingsError,
)
"""Each says what was expected and found, and the next step."""
