import pytest

from grader.handout.build import ROOT, Rendered, render


@pytest.fixture(scope="session")
def rendered() -> Rendered:
    """What `make handout` writes for the repository's solution."""
    return render(ROOT / "solution")
