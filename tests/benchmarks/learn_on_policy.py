"""One actor-critic training, timed in a process of its own: `python learn_on_policy.py CONTENDER SEED` prints JSON.

What counts is what `learn.py` says. Both are evaluated about every 2,000 steps of the environment. `wall` is everything
but imports, evaluation too. `steps_per_second` is taken after that, of a learner that is warm, without evaluation.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from learn import GOAL, PATIENCE, evaluate

ZOO = {"ent_coef": 0.0}
"""rl-baselines3-zoo's hyperparameters of A2C for CartPole-v1, besides 8 environments and 500,000 steps."""
LANES, BUDGET, EVALUATE_EVERY, THROUGHPUT_STEPS = 8, 500_000, 2_000, 20_000


def ours(seed: int) -> dict[str, Any]:
    """Our actor-critic, `--preset fast`, as it is; its own evaluations follow the same rule."""
    from dataclasses import replace

    from baselines.algorithms import actor_critic, on_policy
    from baselines.training.events import Evaluated

    config = replace(actor_critic.PRESETS["fast"], seed=seed)
    started, streak, event = time.perf_counter(), 0, None
    for event in actor_critic.train(config):
        if isinstance(event, Evaluated):
            streak = streak + 1 if event.mean >= GOAL else 0
            if streak == PATIENCE:
                break
    assert event is not None
    wall = time.perf_counter() - started
    learner = on_policy.make_learner(config)
    learner.lanes.reset(seed)
    actor_critic.update(learner)
    before, began = learner.steps, time.perf_counter()
    while learner.steps - before < THROUGHPUT_STEPS:
        actor_critic.update(learner)
    return {
        "seconds": event.seconds,
        "wall": wall,
        "steps": event.steps,
        "updates": event.update,
        "sustained": streak == PATIENCE,
        "steps_per_second": (learner.steps - before) / (time.perf_counter() - began),
    }


def stable_baselines3(seed: int) -> dict[str, Any]:
    """stable-baselines3's A2C under the zoo's hyperparameters."""
    import stable_baselines3
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env

    started = time.perf_counter()

    class Watch(BaseCallback):
        streak = evaluations = 0
        excluded = 0.0

        def _on_step(self) -> bool:
            if self.num_timesteps % EVALUATE_EVERY == 0:
                before = time.perf_counter()
                mean = evaluate(lambda seen: model.predict(seen, deterministic=True)[0], self.evaluations)
                self.evaluations += 1
                self.streak = self.streak + 1 if mean >= GOAL else 0
                self.excluded += time.perf_counter() - before
            return self.streak < PATIENCE

    watch = Watch()
    model = stable_baselines3.A2C(
        "MlpPolicy", make_vec_env("CartPole-v1", LANES, seed=seed), seed=seed, device="cpu", **ZOO
    )
    model.learn(BUDGET, callback=watch)
    wall, steps, updates = time.perf_counter() - started, model.num_timesteps, model._n_updates
    began = time.perf_counter()
    model.learn(THROUGHPUT_STEPS)
    return {
        "seconds": wall - watch.excluded,
        "wall": wall,
        "steps": steps,
        "updates": updates,
        "sustained": watch.streak >= PATIENCE,
        "steps_per_second": model.num_timesteps / (time.perf_counter() - began),
    }


CONTENDERS: dict[str, Callable[[int], dict[str, Any]]] = {"ours": ours, "stable-baselines3": stable_baselines3}


if __name__ == "__main__":
    print(json.dumps(CONTENDERS[sys.argv[1]](int(sys.argv[2]))))
