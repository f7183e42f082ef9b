"""The reference agents: one file per algorithm, the same skeleton in each, plus small modules they share.

Nothing is imported here, so that listing the algorithms costs nothing (PyTorch alone takes seconds to load).
"""

from __future__ import annotations

ALGORITHMS: dict[str, str] = {
    "value-iteration": "baselines.value_iteration",
    "q-learning": "baselines.q_learning",
    "dqn": "baselines.dqn",
    "reinforce": "baselines.reinforce",
    "actor-critic": "baselines.actor_critic",
    "recurrent-attention": "baselines.recurrent_attention",
    "soft-actor-critic": "baselines.soft_actor_critic",
}
"""Algorithm -> the module that defines its `Config`, its `PRESETS` and `train(config, ...) ->
Iterator[Event]`."""
