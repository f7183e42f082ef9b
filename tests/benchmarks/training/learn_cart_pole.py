"""One training run until cart-pole is held, in a process of its own: `learn_cart_pole.py CONTENDER SEED` prints JSON.

Held: three evaluations in a row of 20 greedy episodes each average 475 or more. `seconds` count from the first line of
training after the imports; evaluation is left out, building environments, compiling and lazy imports are not. `wall`
has evaluation in it, and `steps_per_second` leaves out the steps before the first evaluation.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

GOAL, PATIENCE, EPISODES = 475.0, 3, 20
MAX_SECONDS = 60.0
"""A peer is stopped here and counts with this time, which favours it: it would have needed more."""

ZOO_DQN = {
    "learning_rate": 2.3e-3,
    "batch_size": 64,
    "buffer_size": 100_000,
    "learning_starts": 1_000,
    "gamma": 0.99,
    "target_update_interval": 10,
    "train_freq": 256,
    "gradient_steps": 128,
    "exploration_fraction": 0.16,
    "exploration_final_eps": 0.04,
    "policy_kwargs": {"net_arch": [256, 256]},
}
"""rl-baselines3-zoo's hyperparameters of DQN for CartPole-v1."""

CLEANRL_DQN = {
    "learning_rate": 2.5e-4,
    "batch_size": 128,
    "buffer_size": 10_000,
    "learning_starts": 10_000,
    "gamma": 0.99,
    "target_update_interval": 500,
    "train_freq": 10,
    "gradient_steps": 1,
    "exploration_fraction": 0.5,
    "exploration_final_eps": 0.05,
    "policy_kwargs": {"net_arch": [120, 84]},
}
"""CleanRL's hyperparameters of dqn.py for CartPole-v1."""

ZOO_A2C = {"ent_coef": 0.0}
"""rl-baselines3-zoo's hyperparameters of A2C for CartPole-v1, besides 8 environments and 500,000 steps."""


def evaluate(act: Callable[[np.ndarray], np.ndarray], number: int) -> float:
    """Mean return of 20 greedy episodes, all at once, of Gymnasium's own cart-pole."""
    import gymnasium

    env = gymnasium.make_vec("CartPole-v1", num_envs=EPISODES)
    observation, _ = env.reset(seed=2**29 + number * EPISODES)
    total, running = np.zeros(EPISODES), np.ones(EPISODES, bool)
    while running.any():
        observation, reward, terminated, truncated, _ = env.step(act(observation))
        total += reward * running
        running &= ~(terminated | truncated)
    env.close()
    return float(total.mean())


def ours(algorithm: str, seed: int, evaluations: int) -> dict[str, Any]:
    """Our algorithm, `--preset fast`, as it is; its own evaluations follow the same rule."""
    from dataclasses import replace
    from importlib import import_module

    from baselines.training.events import Evaluated

    module = import_module(f"baselines.algorithms.{algorithm}")
    started = time.perf_counter()
    seen: list[Evaluated] = []
    for event in module.train(replace(module.PRESETS["fast"], seed=seed)):
        if isinstance(event, Evaluated):
            seen.append(event)
            if held([each.mean for each in seen]) or len(seen) == evaluations:
                break
    return result([(each.steps, each.seconds, each.mean) for each in seen], seen[-1].update, started)


def peer(
    algorithm: str, seed: int, evaluations: int, budget: int, every: int, num_envs: int, settings: dict[str, Any]
) -> dict[str, Any]:
    """stable-baselines3's algorithm under the given hyperparameters, evaluated after every so many steps."""
    import stable_baselines3
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env

    started, seen = time.perf_counter(), []

    class Watch(BaseCallback):
        excluded = 0.0

        def _on_step(self) -> bool:
            seconds = time.perf_counter() - started - self.excluded
            if self.num_timesteps % every == 0:
                mean = evaluate(lambda each: model.predict(each, deterministic=True)[0], len(seen))
                seen.append((self.num_timesteps, seconds, mean))
                self.excluded = time.perf_counter() - started - seconds
            if seconds > MAX_SECONDS:
                seen.append((self.num_timesteps, seconds, 0.0))
                return False
            return len(seen) < evaluations and not held([mean for _, _, mean in seen])

    environment = make_vec_env("CartPole-v1", num_envs, seed=seed)
    model = getattr(stable_baselines3, algorithm)("MlpPolicy", environment, seed=seed, device="cpu", **settings)
    watch = Watch()
    model.learn(budget, callback=watch)
    marks = seen or [(model.num_timesteps, time.perf_counter() - started, 0.0)]
    return result(marks, model._n_updates, started)


def held(means: list[float]) -> bool:
    """Whether the last three evaluations reached the goal."""
    return len(means) >= PATIENCE and min(means[-PATIENCE:]) >= GOAL


def result(seen: list[tuple[int, float, float]], updates: int, started: float) -> dict[str, Any]:
    """What a run prints, from the steps, the seconds and the mean return at each evaluation."""
    (first_steps, first_seconds, _), (steps, seconds, _) = seen[0], seen[-1]
    return {
        "seconds": seconds,
        "wall": time.perf_counter() - started,
        "steps": steps,
        "updates": updates,
        "sustained": held([mean for _, _, mean in seen]),
        "steps_per_second": (steps - first_steps) / max(seconds - first_seconds, 1e-9),
    }


Contender = Callable[[int, int], dict[str, Any]]  # (seed, evaluations at most)
CONTENDERS: dict[str, Contender] = {
    "DQN": partial(ours, "dqn"),
    "stable-baselines3's DQN": partial(peer, "DQN", budget=50_000, every=1_000, num_envs=1, settings=ZOO_DQN),
    "CleanRL's DQN settings": partial(peer, "DQN", budget=500_000, every=10_000, num_envs=1, settings=CLEANRL_DQN),
    "actor-critic": partial(ours, "actor_critic"),
    "stable-baselines3's A2C": partial(peer, "A2C", budget=500_000, every=2_000, num_envs=8, settings=ZOO_A2C),
}


if __name__ == "__main__":
    print(json.dumps(CONTENDERS[sys.argv[1]](int(sys.argv[2]), 250)))
