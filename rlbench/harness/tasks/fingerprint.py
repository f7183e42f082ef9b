"""The dynamics fingerprint of a task that somebody else's simulator plays: a hash of a fixed rollout.

Versions of a simulator may play the same task differently (MuJoCo 3.17 and 4.0 do the ant, and not the hopper). What is
hashed is rounded, to far more than the last bits in which processors differ and far less than what a change of the
physics makes of 25 steps.
"""

from __future__ import annotations

import functools
import hashlib
import json

import gymnasium
import numpy as np

from rlbench.errors import UserError
from rlbench.harness.tasks.task import Task

LANES, STEPS, DECIMALS = 8, 25, 3


def fingerprint(task: Task) -> str | None:
    """12 hexadecimal digits; None for a task whose dynamics are our own, which its version stands for."""
    if task.simulator is None:
        return None
    try:
        return _of_rollout(task.env_id, json.dumps(dict(task.env_kwargs), sort_keys=True))
    except gymnasium.error.DependencyNotInstalled as error:
        raise UserError(f"{task.key}: {error}") from None


@functools.cache
def _of_rollout(env_id: str, kwargs: str) -> str:
    """The fingerprint of the environment's box of actions, drawn from a stream that NumPy keeps."""
    envs = gymnasium.make_vec(env_id, num_envs=LANES, **json.loads(kwargs))
    space = envs.single_action_space
    assert isinstance(space, gymnasium.spaces.Box)
    draws = np.random.Generator(np.random.PCG64(0))
    envs.reset(seed=0)
    total = np.zeros(LANES)
    for _ in range(STEPS):
        actions = space.low + (space.high - space.low) * draws.random((LANES, *space.shape), np.float32)
        observations, rewards, *_ = envs.step(actions)
        total += rewards
    envs.close()
    rounded = np.round(np.column_stack((observations, total)).astype(np.float64), DECIMALS) + 0.0  # no negative zeros
    return hashlib.sha256(rounded.tobytes()).hexdigest()[:12]
