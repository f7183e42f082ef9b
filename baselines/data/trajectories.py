"""Play for agents that learn from their own policy's steps: a stretch of every lane, or an episode of every lane.

Both come as one `Step` whose arrays carry a leading axis of time, [T, N, ...]; rows that are not `valid` are no steps
of an episode that was asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.data.rollout import Lanes, Step

Choose = Callable[[NDArray[Any]], NDArray[Any]]
"""Features s[N, D] -> actions a[N, ...]."""


def play(lanes: Lanes, choose: Choose, steps: int) -> Step:
    """The next `steps` steps of every lane, [T, N, ...]; episodes go on from one call to the next."""
    return stacked([lanes.step(choose(lanes.s_tm1)) for _ in range(steps)])


def play_episodes(lanes: Lanes, choose: Choose, seed: int) -> Step:
    """One episode of every lane, lane i seeded `seed + i`; T is the length of the longest, [T, N, ...].

    What a lane does after the end of its episode is not `valid`: an agent that played one episode after the other
    would never have taken those steps, and so nobody learns from them or counts them.
    """
    lanes.reset(seed)
    running = np.ones(lanes.env.num_envs, bool)
    steps = []
    while running.any():
        step = lanes.step(choose(lanes.s_tm1))
        steps.append(step._replace(valid=running))
        running = running & ~step.last_t
    return stacked(steps)


def stacked(steps: list[Step]) -> Step:
    """Steps one after the other as a single one with a leading axis of time."""
    return Step(*(np.stack(column) for column in zip(*steps, strict=True)))
