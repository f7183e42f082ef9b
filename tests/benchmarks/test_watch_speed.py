"""A grid of 64 lanes, watched: frames in a second, agent, environments, drawing and window together."""

import contextlib
import time
from pathlib import Path

import pytest

from rlbench.harness import submission
from rlbench.harness.tasks.suite import get_task
from rlbench.interact.screen import Screen
from rlbench.interact.watch import WatchedBlock, WindowClosed

LANES, FRAMES = 64, 120
WANTED = 30.0  # frames per second, on two cores
PRETRAINED = Path(__file__).parents[2] / "baselines" / "pretrained"


class Unpaced:
    """No clock: the window never waits."""

    def tick(self, fps):
        pass


@pytest.mark.benchmark(group="render")
@pytest.mark.parametrize("task", ["cart-pole@1", "grid-world@1"])
def test_a_grid_of_64_lanes(task, benchmark, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pytest.importorskip("pygame")
    from rlbench.drawing.window import Viewer

    times = []

    class Window(Viewer):
        def show(self, frame):
            super().show(frame)
            times.append(time.perf_counter())
            self.closed = self.closed or len(times) > FRAMES

    window = Window("64 lanes", 60)
    window._clock = Unpaced()
    indices = range(LANES)
    who = submission.read(PRETRAINED / task / "dqn-s0")
    screen = Screen(60, window)
    seconds = {}

    def watch():
        times.clear()
        with contextlib.suppress(WindowClosed):
            WatchedBlock(get_task(task), who, indices, indices, screen).play(0)
        seconds["per frame"] = (times[-1] - times[0]) / (len(times) - 1)

    benchmark.pedantic(watch, rounds=1)
    rate = 1 / seconds["per frame"]
    benchmark.extra_info |= {"frames per second": rate, "ratio": rate / WANTED}
    print(f"\n{task}, {LANES} lanes: {rate:.0f} frames/s, {rate / WANTED:.2f} times those wanted")
    assert rate >= WANTED
