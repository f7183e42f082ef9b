"""A viewer on SDL's dummy driver, which needs no display."""

import pytest

from rlbench.drawing.window import Viewer


@pytest.fixture
def viewer(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    viewer = Viewer("a title", fps=1000)
    yield viewer
    viewer.close()
