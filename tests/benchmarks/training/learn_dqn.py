"""One training run until cart-pole is held, in a process of its own: `learn_dqn.py CONTENDER SEED` prints JSON.

Held: three evaluations in a row of 20 greedy episodes each average 475 or more. Seconds count from the first
line of training after the imports; evaluation is left out, building environments, compiling and lazy imports are not.
Every contender is evaluated 50 times in its budget.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

GOAL, PATIENCE, EPISODES, EVALUATIONS = 475.0, 3, 20, 50
MAX_SECONDS = 40.0
"""A peer is stopped here and counts with this time, which favours it: it would have needed more."""

ZOO = {
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

CLEANRL = {
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


def ours(seed: int, evaluations: int) -> dict[str, Any]:
    """Our DQN, `--preset fast`, as it is; its own evaluations follow the same rule."""
    from dataclasses import replace

    from baselines.algorithms import dqn
    from baselines.training.events import Evaluated

    settings = dqn.PRESETS["fast"]
    assert settings.total_env_steps // settings.eval_every_env_steps <= EVALUATIONS
    streak, seen, event = 0, 0, None
    for event in dqn.train(replace(settings, seed=seed)):
        if isinstance(event, Evaluated):
            streak, seen = streak + 1 if event.mean >= GOAL else 0, seen + 1
            if streak == PATIENCE or seen == evaluations:
                break
    assert event is not None
    return {"seconds": event.seconds, "steps": event.steps, "updates": event.update, "sustained": streak == PATIENCE}


def stable_baselines3(seed: int, evaluations: int, budget: int, settings: dict[str, Any]) -> dict[str, Any]:
    """stable-baselines3's DQN under the given hyperparameters."""
    import gymnasium
    import stable_baselines3
    from stable_baselines3.common.callbacks import BaseCallback

    started = time.perf_counter()

    class Watch(BaseCallback):
        streak = evaluations = 0
        excluded, late = 0.0, False

        def _on_step(self) -> bool:
            if self.num_timesteps % (budget // EVALUATIONS) == 0:
                before = time.perf_counter()
                mean = evaluate(lambda seen: model.predict(seen, deterministic=True)[0], self.evaluations)
                self.evaluations += 1
                self.streak = self.streak + 1 if mean >= GOAL else 0
                self.excluded += time.perf_counter() - before
                self.late = before - started - self.excluded > MAX_SECONDS
            return self.streak < PATIENCE and self.evaluations < evaluations and not self.late

    watch = Watch()
    model = stable_baselines3.DQN("MlpPolicy", gymnasium.make("CartPole-v1"), seed=seed, device="cpu", **settings)
    model.learn(budget, callback=watch)
    return {
        "seconds": time.perf_counter() - started - watch.excluded,
        "steps": model.num_timesteps,
        "updates": model._n_updates,
        "sustained": watch.streak >= PATIENCE,
    }


CONTENDERS: dict[str, Callable[[int, int], dict[str, Any]]] = {
    "ours": ours,
    "stable-baselines3": lambda seed, evaluations: stable_baselines3(seed, evaluations, 50_000, ZOO),
    "CleanRL settings": lambda seed, evaluations: stable_baselines3(seed, evaluations, 500_000, CLEANRL),
}


if __name__ == "__main__":
    print(json.dumps(CONTENDERS[sys.argv[1]](int(sys.argv[2]), EVALUATIONS)))
