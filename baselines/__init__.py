"""The reference agents: one file per algorithm, the same skeleton in each, plus small modules they share.

Nothing is imported here, so that listing the algorithms costs nothing (PyTorch alone takes seconds to load).
"""

from __future__ import annotations

ALGORITHMS: dict[str, str] = {
    "value-iteration": "baselines.algorithms.value_iteration",
    "q-learning": "baselines.algorithms.q_learning",
    "dqn": "baselines.algorithms.dqn",
    "reinforce": "baselines.algorithms.reinforce",
    "actor-critic": "baselines.algorithms.actor_critic",
    "recurrent-attention": "baselines.algorithms.recurrent_attention",
    "soft-actor-critic": "baselines.algorithms.soft_actor_critic",
}
"""Algorithm -> the module that defines its `Config`, its `PRESETS` and `train(config, ...) ->
Iterator[Event]`."""
