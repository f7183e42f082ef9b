"""Counts the transitions that environments really make, whatever a learner says."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest


class Transitions:
    """Transitions of the vector environments of `num_envs` that are made from now on.

    The row after an episode's end, in which NEXT_STEP resets and ignores the action, is none. Where `first_only`,
    each environment's first episode after a reset of them all counts alone.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, num_envs: int, *, first_only: bool = False) -> None:
        self.num_envs, self.first_only, self.count, self.resets = num_envs, first_only, 0, 0
        make_vec = gymnasium.make_vec
        monkeypatch.setattr(gymnasium, "make_vec", lambda *args, **kwargs: self.watch(make_vec(*args, **kwargs)))

    def watch(self, env: Any) -> Any:
        """The environment, whose steps are counted from now on if there are as many of it as asked for."""
        if env.num_envs == self.num_envs:
            reset, step, ended = env.reset, env.step, np.zeros(self.num_envs, bool)

            def counted_reset(**kwargs: Any) -> Any:
                ended[:] = False
                return reset(**kwargs)

            def counted_step(actions: Any) -> Any:
                observation, reward, terminated, truncated, info = step(actions)
                self.count += int((~ended).sum())
                self.resets += int(ended.sum())
                last = terminated | truncated
                ended[:] = ended | last if self.first_only else last & ~ended
                return observation, reward, terminated, truncated, info

            env.reset, env.step = counted_reset, counted_step
        return env
