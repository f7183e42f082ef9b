"""A stretch of learning Pong from pixels, timed in a process of its own: `python learn_atari.py CONTENDER` prints JSON.

Every contender learns by the Nature network in batches of 32, an update per four of the agent's steps, on two threads
and on the same environment, ours. Agent steps a second are counted over MEASURED steps after learning has begun.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

GAME, THREADS = "rlbench/AtariPong-v0", 2
WARMUP, SETTLED, MEASURED = 1_000, 400, 1_600
CAPACITY = 20_000

ZOO = {
    "learning_rate": 1e-4,
    "target_update_interval": 1_000,
    "exploration_fraction": 0.1,
    "exploration_final_eps": 0.01,
}
"""rl-baselines3-zoo's hyperparameters of DQN for Atari, but for the replay's size and the steps before learning."""

CLEANRL = {**ZOO, "optimize_memory_usage": True, "replay_buffer_kwargs": {"handle_timeout_termination": False}}
"""CleanRL's of dqn_atari.py, likewise; it keeps its frames in stable-baselines3's replay, set up so."""


def ours(lanes: int) -> dict[str, float]:
    """Our DQN, `--preset atari-nature`, with a game or several at once."""
    from dataclasses import replace

    from baselines.algorithms import dqn
    from baselines.training.events import Progress

    assert SETTLED % lanes == MEASURED % lanes == WARMUP % lanes == 0
    config = replace(
        dqn.PRESETS["atari-nature"],
        **{"task": GAME, "threads": THREADS, "capacity": CAPACITY, "warmup": WARMUP, "steps": 10**6},
        **{"lanes": lanes, "update_every": 4 // lanes, "evaluate_every": (WARMUP + SETTLED) // lanes},
        **{"evaluation_episodes": 1, "evaluation_steps": 1},
    )
    assert (config.convolutions, config.batch) == (dqn.NATURE, 32)
    marks: list[tuple[int, float, int]] = []
    for event in dqn.train(config):
        if isinstance(event, Progress):
            marks.append((event.steps, event.seconds, event.update))
        if len(marks) == 1 + -(-MEASURED // (WARMUP + SETTLED)):
            break
    (steps, seconds, updates), (more_steps, more_seconds, more_updates) = marks[0], marks[-1]
    return rate(more_steps - steps, more_updates - updates, more_seconds - seconds)


def stable_baselines3(lanes: int, settings: dict[str, Any]) -> dict[str, float]:
    """stable-baselines3's DQN with its CnnPolicy, with a game or several at once."""
    import stable_baselines3
    import torch
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env

    import rlbench  # noqa: F401  # registers the ids

    class Watch(BaseCallback):
        began, updates = 0.0, 0

        def _on_step(self) -> bool:
            if self.num_timesteps == WARMUP + SETTLED:
                self.began, self.updates = time.perf_counter(), model._n_updates
            return self.num_timesteps < WARMUP + SETTLED + MEASURED

    torch.set_num_threads(THREADS)
    env = make_vec_env(GAME, n_envs=lanes, env_kwargs={"clip_rewards": True})
    how = {
        "batch_size": 32,
        "train_freq": 4 // lanes,
        "gradient_steps": 1,
        "buffer_size": CAPACITY,
        "learning_starts": WARMUP,
    }
    model = stable_baselines3.DQN("CnnPolicy", env, seed=0, device="cpu", **how, **settings)
    watch = Watch()
    model.learn(10**6, callback=watch)
    return rate(MEASURED, model._n_updates - watch.updates, time.perf_counter() - watch.began)


def rate(steps: int, updates: int, seconds: float) -> dict[str, float]:
    """Agent steps a second, and how many of them there were per update."""
    return {"steps/s": steps / seconds, "steps per update": steps / updates}


CONTENDERS: dict[str, Callable[[], dict[str, float]]] = {
    "ours": lambda: ours(1),
    "ours, four games at once": lambda: ours(4),
    "stable-baselines3": lambda: stable_baselines3(1, ZOO),
    "stable-baselines3, four games at once": lambda: stable_baselines3(4, ZOO),
    "CleanRL settings": lambda: stable_baselines3(1, CLEANRL),
}


if __name__ == "__main__":
    print(json.dumps(CONTENDERS[sys.argv[1]]()))
