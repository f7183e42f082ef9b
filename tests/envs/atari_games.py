"""Atari games by the names of their cartridges."""

import gymnasium
from gymnasium.vector import AutoresetMode

from rlbench.registry import atari_id


def make(game, **kwargs):
    return gymnasium.make(atari_id(game), **kwargs)


def make_vec(game, num_envs, mode=AutoresetMode.NEXT_STEP, **kwargs):
    return gymnasium.make_vec(atari_id(game), num_envs=num_envs, autoreset_mode=mode, **kwargs)
