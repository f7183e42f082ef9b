"""The reference agents: one file per algorithm, the same skeleton in each, and the modules that they share.

    algorithms/   one paper each: settings, the update in the order in which it happens, wiring, presets
    maths/        equations, one function each; estimators of the policy gradient; dynamic programming
    nets/         networks, what they see, how they are stepped; graphs of layers
    data/         environments stepped together, replay
    training/     the loop, validation, events, checkpoints, the runner that makes a submission of it all
    studies/      experiments on the agents, each with its command
    templates/    the policies that come of training, in NumPy; `export.py` writes them as layers
    pretrained/   trained agents, data only

Nothing is imported here, so that listing the algorithms costs nothing (PyTorch alone takes seconds to load).
"""

from __future__ import annotations

ALGORITHMS: dict[str, str] = {
    "value-iteration": "baselines.algorithms.value_iteration",
    "q-learning": "baselines.algorithms.q_learning",
    "dqn": "baselines.algorithms.dqn",
    "pqn": "baselines.algorithms.pqn",
    "reinforce": "baselines.algorithms.reinforce",
    "actor-critic": "baselines.algorithms.actor_critic",
    "recurrent-attention": "baselines.algorithms.recurrent_attention",
    "soft-actor-critic": "baselines.algorithms.soft_actor_critic",
    "xqc": "baselines.algorithms.xqc",
    "alphazero": "baselines.algorithms.alphazero",
}
"""Algorithm -> the module that defines its settings, its `PRESETS`, and `train(settings, ...) -> Iterator[Event]`."""

SHORT_NAMES: dict[str, str] = {"ram": "recurrent-attention"}
"""What the field calls an algorithm -> its name here, under which its agents are on the leaderboard."""

AGENTS: dict[str, tuple[str, ...]] = {
    "dqn-lecture": ("dqn", "--preset", "lecture"),
    "dqn-nature": ("dqn", "--preset", "atari-nature"),
    "dqn-cpu": ("dqn", "--preset", "atari-cpu"),
    "dqn-double": ("dqn", "--preset", "atari-double"),
    "dqn-data-efficient": ("dqn", "--preset", "atari-data-efficient"),
    "pqn-cpu": ("pqn", "--preset", "atari-cpu"),
    "pqn-paper": ("pqn", "--preset", "paper"),
    "reinforce-lecture": ("reinforce", "--preset", "lecture"),
    "reinforce-go": ("reinforce", "--preset", "go"),
    "actor-critic-lecture": ("actor-critic", "--preset", "lecture"),
    "a2c": ("actor-critic", "--preset", "a2c"),
    "ppo": ("actor-critic", "--preset", "locomotion"),
    "sac": ("soft-actor-critic",),
    "sac-paper": ("soft-actor-critic", "--preset", "paper"),
    "xqc-paper": ("xqc", "--preset", "paper"),
    "recurrent-attention-150": (
        *("recurrent-attention", "--preset", "translated"),
        *("--epochs", "150", "--agent", "recurrent-attention-150"),
    ),
}
"""Agents whose names are not those of their algorithms -> the words after `rlbench train` that train them."""
