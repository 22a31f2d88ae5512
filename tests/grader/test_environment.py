"""What a worker inherits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader import environment
from grader.isolation.view import View


@pytest.fixture(autouse=True)
def of_the_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge's own environment."""
    for name in ("HOME", "AWS_SECRET_ACCESS_KEY", "PYTHONPATH", "EMULATOR_CACHE", "LANG"):
        monkeypatch.setenv(name, "the judge's")


def test_what_is_handed_on() -> None:
    """A worker gets what its device needs, and neither secrets nor what changes Python."""
    given = environment.of_worker("gpu", "MARK=7", bare=True, timing=True, view=None)
    assert (given["HOME"], given["LANG"], given["EMULATOR_CACHE"]) == ("the judge's",) * 3
    assert not {"AWS_SECRET_ACCESS_KEY", "PYTHONPATH", "GRADER_VIEW"} & set(given)
    told = {"MARK": "7", "BACKEND": "gpu", "GRADER_TIMING": "1", "GRADER_BARE_MEMORY": "1"}
    assert told.items() <= given.items()


def test_within_walls() -> None:
    """Within walls a worker has a home of its own, and knows what it may see."""
    view = View(Path("/scratch"))
    given = environment.of_worker("emulator", "MARK=7", bare=False, timing=False, view=view)
    assert not {"HOME", "GRADER_TIMING"} & set(given)
    assert View.parse(json.loads(given["GRADER_VIEW"])) == view
