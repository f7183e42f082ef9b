"""A grid of 64 episodes, watched: frames in a second, agent, environments, drawing and window together."""

import contextlib
import time
from pathlib import Path

import pytest

from rlbench.harness import submission
from rlbench.harness.tasks.suite import get_task
from rlbench.interact.screen import Screen
from rlbench.interact.watch import WatchedBlock, WindowClosed

NUM_ENVS, FRAMES, SHORT_FRAMES = 64, 120, 4
WANTED = 30.0  # frames per second, on two cores
PRETRAINED = Path(__file__).parents[2] / "baselines" / "pretrained"


class Unpaced:
    """No clock: the window never waits."""

    def tick(self, fps):
        pass


@pytest.mark.benchmark(group="Pictures")
@pytest.mark.parametrize("task", ["cart-pole@1", "grid-world@1"])
def test_a_grid_of_64_episodes(task, benchmark, report, size, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pytest.importorskip("pygame")
    from rlbench.drawing.window import Viewer

    times, most = [], size(FRAMES, SHORT_FRAMES)

    class Window(Viewer):
        def show(self, frame):
            super().show(frame)
            times.append(time.perf_counter())
            self.closed = self.closed or len(times) > most

    window = Window("64 episodes", 60)
    window._clock = Unpaced()
    indices = range(NUM_ENVS)
    who = submission.read(PRETRAINED / task / "dqn-s0")
    screen = Screen(60, window)

    def watch():
        with contextlib.suppress(WindowClosed):
            WatchedBlock(get_task(task), who, indices, indices, screen).play(0)

    benchmark.pedantic(watch, rounds=1)
    rate = (len(times) - 1) / (times[-1] - times[0])
    against = f"the {WANTED:g} that a screen wants"
    report(f"watching {task}, {NUM_ENVS} at once", against, rate, unit="frames/s", least=WANTED, limit="drawing")
