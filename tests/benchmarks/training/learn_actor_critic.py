"""One actor-critic training run in a process of its own: `learn_actor_critic.py CONTENDER SEED` prints JSON.

What counts is what `learn_dqn.py` says. Both are evaluated about every 2,000 steps of the environment. `wall` is
everything but imports, evaluation too; `steps_per_second` leaves out evaluation and the first steps.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.benchmarks.training.learn_dqn import GOAL, PATIENCE, evaluate

ZOO = {"ent_coef": 0.0}
"""rl-baselines3-zoo's hyperparameters of A2C for CartPole-v1, besides 8 environments and 500,000 steps."""
NUM_ENVS, BUDGET, EVALUATE_EVERY = 8, 500_000, 2_000
EVALUATIONS = BUDGET // EVALUATE_EVERY


def ours(seed: int, evaluations: int) -> dict[str, Any]:
    """Our actor-critic, `--preset fast`, as it is; its own evaluations follow the same rule."""
    from dataclasses import replace

    from baselines.algorithms import actor_critic
    from baselines.training.events import Evaluated

    settings = replace(actor_critic.PRESETS["fast"], seed=seed)
    started, streak = time.perf_counter(), 0
    seen: list[Evaluated] = []
    for event in actor_critic.train(settings):
        if isinstance(event, Evaluated):
            seen.append(event)
            streak = streak + 1 if event.mean >= GOAL else 0
            if streak == PATIENCE or len(seen) == evaluations:
                break
    first, last = seen[0], seen[-1]
    return {
        "seconds": last.seconds,
        "wall": time.perf_counter() - started,
        "steps": last.steps,
        "updates": last.update,
        "sustained": streak == PATIENCE,
        "steps_per_second": (last.steps - first.steps) / (last.seconds - first.seconds),
    }


def stable_baselines3(seed: int, evaluations: int) -> dict[str, Any]:
    """stable-baselines3's A2C under the zoo's hyperparameters."""
    import stable_baselines3
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env

    started = time.perf_counter()

    class Watch(BaseCallback):
        streak = evaluations = 0
        excluded = 0.0
        first = (0, 0.0)

        def _on_step(self) -> bool:
            if self.num_timesteps % EVALUATE_EVERY == 0:
                before = time.perf_counter()
                mean = evaluate(lambda seen: model.predict(seen, deterministic=True)[0], self.evaluations)
                self.evaluations += 1
                self.streak = self.streak + 1 if mean >= GOAL else 0
                self.excluded += time.perf_counter() - before
                self.first = self.first if self.first[0] else self.now()
            return self.streak < PATIENCE and self.evaluations < evaluations

        def now(self) -> tuple[int, float]:
            return self.num_timesteps, time.perf_counter() - started - self.excluded

    watch = Watch()
    model = stable_baselines3.A2C(
        "MlpPolicy", make_vec_env("CartPole-v1", NUM_ENVS, seed=seed), seed=seed, device="cpu", **ZOO
    )
    model.learn(BUDGET, callback=watch)
    (steps, seconds), (first_steps, first_seconds) = watch.now(), watch.first
    return {
        "seconds": seconds,
        "wall": time.perf_counter() - started,
        "steps": steps,
        "updates": model._n_updates,
        "sustained": watch.streak >= PATIENCE,
        "steps_per_second": (steps - first_steps) / (seconds - first_seconds),
    }


CONTENDERS: dict[str, Callable[[int, int], dict[str, Any]]] = {"ours": ours, "stable-baselines3": stable_baselines3}


if __name__ == "__main__":
    print(json.dumps(CONTENDERS[sys.argv[1]](int(sys.argv[2]), EVALUATIONS)))
