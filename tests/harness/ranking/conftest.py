"""The committed page."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def committed_page():
    """The text of `leaderboard.md`."""
    return (Path(__file__).parents[3] / "leaderboard.md").read_text(encoding="utf-8")
