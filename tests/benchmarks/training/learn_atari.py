"""A stretch of learning Pong from pixels, timed in a process of its own: `learn_atari.py CONTENDER` prints JSON.

Every contender learns by the Nature network in batches of 32, an update per four of the agent's steps, on two threads
and on the same environment, ours. Agent steps a second are counted over `measured` steps after learning has begun.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

GAME = "rlbench/AtariPong-v0"


@dataclass(frozen=True)
class Stretch:
    """Agent steps before learning, of learning before the measurement, and measured; frames that the replay holds."""

    warmup: int
    settled: int
    measured: int
    capacity: int
    threads: int


FULL, SHORT = Stretch(400, 100, 500, 20_000, 2), Stretch(32, 8, 40, 1_000, 1)

ZOO = {
    "learning_rate": 1e-4,
    "target_update_interval": 1_000,
    "exploration_fraction": 0.1,
    "exploration_final_eps": 0.01,
}
"""rl-baselines3-zoo's hyperparameters of DQN for Atari, but for the replay's size and the steps before learning."""

CLEANRL = {**ZOO, "optimize_memory_usage": True, "replay_buffer_kwargs": {"handle_timeout_termination": False}}
"""CleanRL's of dqn_atari.py, likewise; it keeps its frames in stable-baselines3's replay, set up so."""


def ours(num_envs: int, stretch: Stretch) -> dict[str, float]:
    """Our DQN, `--preset atari-nature`, with a game or several at once."""
    from dataclasses import replace

    from baselines.algorithms import atari_presets, dqn
    from baselines.training.events import Progress

    every = stretch.warmup + stretch.settled
    assert stretch.measured % every == stretch.warmup % num_envs == stretch.settled % num_envs == 0
    settings = replace(
        dqn.PRESETS["atari-nature"],
        **{
            "task": GAME,
            "threads": stretch.threads,
            "capacity": stretch.capacity,
            "warmup": stretch.warmup,
            "total_env_steps": 10**6,
        },
        **{"num_envs": num_envs, "update_every_env_steps": 4, "eval_every_env_steps": every},
        **{"evaluation_episodes": 1, "evaluation_steps": 1},
    )
    assert (settings.convolutions, settings.batch_size) == (atari_presets.NATURE, 32)
    marks: list[tuple[int, float, int]] = []
    for event in dqn.train(settings):
        if isinstance(event, Progress):
            marks.append((event.steps, event.seconds, event.update))
        if len(marks) == 1 + stretch.measured // every:
            break
    (steps, seconds, updates), (more_steps, more_seconds, more_updates) = marks[0], marks[-1]
    return rate(more_steps - steps, more_updates - updates, more_seconds - seconds)


def stable_baselines3(num_envs: int, stretch: Stretch, settings: dict[str, Any]) -> dict[str, float]:
    """stable-baselines3's DQN with its CnnPolicy, with a game or several at once."""
    import stable_baselines3
    import torch
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env

    import rlbench  # noqa: F401  # registers the ids

    class Watch(BaseCallback):
        began, updates = 0.0, 0

        def _on_step(self) -> bool:
            if self.num_timesteps == stretch.warmup + stretch.settled:
                self.began, self.updates = time.perf_counter(), model._n_updates
            return self.num_timesteps < stretch.warmup + stretch.settled + stretch.measured

    torch.set_num_threads(stretch.threads)
    env = make_vec_env(GAME, n_envs=num_envs, env_kwargs={"clip_rewards": True})
    how = {
        "batch_size": 32,
        "train_freq": 4 // num_envs,
        "gradient_steps": 1,
        "buffer_size": stretch.capacity,
        "learning_starts": stretch.warmup,
    }
    model = stable_baselines3.DQN("CnnPolicy", env, seed=0, device="cpu", **how, **settings)
    watch = Watch()
    model.learn(10**6, callback=watch)
    return rate(stretch.measured, model._n_updates - watch.updates, time.perf_counter() - watch.began)


def rate(steps: int, updates: int, seconds: float) -> dict[str, float]:
    """Agent steps a second, and how many of them there were per update."""
    return {"steps/s": steps / seconds, "steps per update": steps / updates}


CONTENDERS: dict[str, Callable[[Stretch], dict[str, float]]] = {
    "ours": lambda stretch: ours(1, stretch),
    "ours, four games at once": lambda stretch: ours(4, stretch),
    "stable-baselines3": lambda stretch: stable_baselines3(1, stretch, ZOO),
    "stable-baselines3, four games at once": lambda stretch: stable_baselines3(4, stretch, ZOO),
    "CleanRL settings": lambda stretch: stable_baselines3(1, stretch, CLEANRL),
}


if __name__ == "__main__":
    print(json.dumps(CONTENDERS[sys.argv[1]](FULL)))
