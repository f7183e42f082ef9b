"""Fingerprint of the dynamics of a simulated task: the hash of a fixed rollout.

Versions of a simulator may play the same task differently (MuJoCo 3.17 and 4.0 differ on the ant, not on the hopper).
Values are rounded to three decimals before they are hashed: processors differ by far less after 25 steps, other physics
by far more.
"""

from __future__ import annotations

import functools
import hashlib
import json

import gymnasium
import numpy as np

from rlbench import environments
from rlbench.errors import UserError
from rlbench.harness.tasks.task import Task

NUM_ENVS, STEPS, DECIMALS = 8, 25, 3


def fingerprint(task: Task) -> str | None:
    """Fingerprint of a task's dynamics, 12 hexadecimal digits; None where the dynamics are rlbench's own.

    Raises UserError where the simulator is not installed.
    """
    if task.simulator is None:
        return None
    try:
        return _of_rollout(task.env_id, json.dumps(dict(task.env_kwargs), sort_keys=True))
    except gymnasium.error.DependencyNotInstalled as error:
        raise UserError(f"{task.key}: {error}") from None


@functools.cache
def _of_rollout(env_id: str, kwargs: str) -> str:
    """Hash of observations and returns after STEPS random actions; PCG64's stream is the same in every NumPy."""
    envs = gymnasium.make_vec(environments.registered(env_id), num_envs=NUM_ENVS, **json.loads(kwargs))
    space = envs.single_action_space
    if not isinstance(space, gymnasium.spaces.Box):
        raise TypeError(f"fingerprints are of environments with a Box of actions, not {space}")
    draws = np.random.Generator(np.random.PCG64(0))
    envs.reset(seed=0)
    total = np.zeros(NUM_ENVS)
    for _ in range(STEPS):
        actions = space.low + (space.high - space.low) * draws.random((NUM_ENVS, *space.shape), np.float32)
        observations, rewards, *_ = envs.step(actions)
        total += rewards
    envs.close()
    rounded = np.round(np.column_stack((observations, total)).astype(np.float64), DECIMALS) + 0.0  # no negative zeros
    return hashlib.sha256(rounded.tobytes()).hexdigest()[:12]
