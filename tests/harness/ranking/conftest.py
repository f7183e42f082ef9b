"""The committed page."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def committed_page():
    """The text of `leaderboard.md`."""
    return (ROOT / "leaderboard.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def committed_pages(committed_page):
    """The text of `leaderboard.md`, under that name, and those of the pages of tasks, by their keys."""
    pages = sorted((ROOT / "results" / "tasks").glob("*.md"))
    return {"leaderboard.md": committed_page, **{path.stem: path.read_text(encoding="utf-8") for path in pages}}
