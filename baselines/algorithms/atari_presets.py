"""Presets of DQN and PQN for Atari games, which they learn from pixels.

Where a preset departs from its source, the comments say so.
"""

from __future__ import annotations

from typing import Any

LECTURE = ((16, 8, 4), (32, 4, 2))
"""Convolutions of Mnih et al. (2013), section 4.1: filters, kernel, stride."""
NATURE = ((32, 8, 4), (64, 4, 2), (64, 3, 1))
"""Convolutions of Mnih et al. (2015), methods."""
DATA_EFFICIENT = ((32, 4, 4), (64, 5, 5))
"""Convolutions of van Hasselt et al. (2019), whose first has 5x5/5: here the stride divides the 84 pixels of a side."""

GAMES: dict[str, Any] = {
    "task": "breakout@1",
    "reward_clip": 1.0,
    "evaluation_epsilon": 0.05,  # Mnih et al. (2013, 2015)
    "goal": float("inf"),  # the budget is spent
}
"""How games are learned and evaluated."""
LARGE: dict[str, Any] = {"evaluation_episodes": 10, "evaluation_steps": 4_500}
"""Evaluations of millions of steps; an episode is cut off after five minutes of the game."""
SMALL: dict[str, Any] = {"evaluation_episodes": 8, "evaluation_steps": 2_250}
"""Evaluations of 400,000 steps, within half an hour of one core."""

DQN_LARGE = {
    **GAMES,
    **LARGE,
    "eval_every_env_steps": 100_000,
    "capacity": 1_000_000,
    "warmup": 50_000,
    "epsilon_end": 0.1,
    "checkpoint_every_env_steps": 500_000,  # a checkpoint of the frames takes a minute
}
"""What the two papers on DQN have in common."""

DQN_SMALL = {
    **GAMES,
    **SMALL,
    "task": "pong@1",
    "convolutions": LECTURE,
    "hidden": (256,),
    "total_env_steps": 400_000,
    "error_clip": 1.0,  # Mnih et al. (2015), as the target network, which is what is evaluated and submitted
    "capacity": 100_000,
    "warmup": 4_000,
    "learning_rate": 2.5e-4,  # 5e-4 silenced every filter of the first layer within 10,000 updates of Pong
    "learning_rate_end": 1e-4,
    "n_step": 10,  # Sutton & Barto (2018), section 7.1; with 3 Breakout's first 24,000 steps gain half as much
    "target_update_period": 500,
    "epsilon_env_steps": 32_000,
    "epsilon_end": 0.02,
    "eval_every_env_steps": 40_000,
    "checkpoint_every_env_steps": 80_000,
}
"""What both presets of DQN for 400,000 steps have in common, with the network of the lecture."""

DQN: dict[str, dict[str, Any]] = {
    # Mnih et al. (2013), section 5: 2.5 million steps, 10 million frames.
    "atari-lecture": {
        **DQN_LARGE,
        "agent": "dqn-lecture",
        "convolutions": LECTURE,
        "hidden": (256,),
        "total_env_steps": 2_500_000,
        "learning_rate": 1e-4,
        "learning_rate_end": 1e-4,
        "epsilon_env_steps": 250_000,
    },
    # Mnih et al. (2015), extended data table 1; Adam in place of RMSProp, with the settings of Dopamine's later runs.
    "atari-nature": {
        **DQN_LARGE,
        "agent": "dqn-nature",
        "convolutions": NATURE,
        "hidden": (512,),
        "total_env_steps": 50_000_000,
        "error_clip": 1.0,
        "update_every_env_steps": 4,
        "learning_rate": 6.25e-5,
        "learning_rate_end": 6.25e-5,
        "adam_epsilon": 1.5e-4,
        "target_update_period": 2_500,  # updates, 10,000 steps: the period of the authors' code, which counts steps
        "submit": "online",  # as there; the target network is up to 10,000 steps old
        "epsilon_env_steps": 1_000_000,
    },
    # 400,000 steps of a game in a quarter of an hour of one core.
    "atari-cpu": {
        **DQN_SMALL,
        "agent": "dqn-cpu",
        "num_envs": 8,  # and an update per step of them all: Stooke & Abbeel (2018)
    },
    # The same in three quarters of an hour, with twice the updates.
    "atari-double": {
        **DQN_SMALL,
        "agent": "dqn-double",
        "num_envs": 4,  # so an update per four steps, as in Mnih et al. (2015)
        "double_q": True,  # van Hasselt, Guez & Silver (2016)
        "adam_epsilon": 1.5e-4,  # of Rainbow, Hessel et al. (2018)
        "evaluation_epsilon": 0.01,  # sticky actions are chance enough; at 0 Breakout may wait for its ball for ever
    },
    # Van Hasselt, Hessel & Aslanides (2019), "When to use parametric models in reinforcement learning?", data-efficient
    # Rainbow: 100,000 steps, 400,000 frames, and an update after each. Of Rainbow's parts (Hessel et al., 2018) it has
    # double Q-learning and n-step returns; it has no prioritized replay, dueling or distributional network.
    "atari-data-efficient": {
        **GAMES,
        **SMALL,
        "agent": "dqn-data-efficient",
        "convolutions": DATA_EFFICIENT,
        "hidden": (256,),
        "total_env_steps": 100_000,
        "double_q": True,
        "error_clip": 1.0,  # Mnih et al. (2015); there the cross-entropy of distributions
        "capacity": 120_000,  # frames of all steps, and of the stacks that episodes begin with: all are kept, as there
        "warmup": 1_600,
        "learning_rate": 1e-4,
        "learning_rate_end": 1e-4,
        "adam_epsilon": 1.5e-4,  # of Rainbow
        "n_step": 20,
        "target_update_period": 2_000,
        "submit": "online",  # as there; the target network is up to 2,000 steps old
        "epsilon_env_steps": 5_000,  # there weights are noisy, and nothing else explores
        "epsilon_end": 0.02,
        "eval_every_env_steps": 10_000,
        "checkpoint_every_env_steps": 20_000,
    },
}
"""Preset of DQN -> its settings."""

PQN_GAMES = {**GAMES, "life_loss": True, "horizon": 32, "epochs": 2, "minibatches": 32}
"""What both presets of PQN share with the authors' code, `pqn_atari.yaml`; a life lost is its `episodic_life`."""

PQN: dict[str, dict[str, Any]] = {
    # The settings of the authors' code: 10 million steps, 40 million frames.
    "atari-paper": {
        **PQN_GAMES,
        **LARGE,
        "agent": "pqn-paper",
        "convolutions": NATURE,
        "hidden": (512,),
        "num_envs": 128,
        "total_env_steps": 10_000_000,
        "lambda_": 0.65,
        "learning_rate": 2.5e-4,
        "learning_rate_end": 2.5e-4,
        "epsilon_end": 0.001,
        "epsilon_env_steps": 1_000_000,
        "eval_every_updates": 50,
        "checkpoint_every_updates": 200,
    },
    # 400,000 steps of a game on one core, with the network of Mnih et al. (2013), which is smaller; "there" is the
    # authors' code.
    "atari-cpu": {
        **PQN_GAMES,
        **SMALL,
        "agent": "pqn-cpu",
        "convolutions": LECTURE,
        "hidden": (256,),
        "num_envs": 32,  # 128 there, which would make 97 updates of this budget; so minibatches have 32 steps, not 128
        "total_env_steps": 400_000,
        "lambda_": 0.9,  # 0.65 there
        "learning_rate": 5e-4,  # 2.5e-4 there, for six times as many updates
        "learning_rate_end": 1e-5,  # 2.5e-4 there; with 1e-4 Breakout's evaluations went up and down to the end
        "epsilon_end": 0.01,
        "evaluation_epsilon": 0.01,  # as of `atari-double`; 0 there
        "epsilon_env_steps": 40_000,  # a tenth of the budget, as there
        "tau": 0.0005,  # there the last weights play; these are their average over the last 30 updates or so
        "eval_every_updates": 40,
        "checkpoint_every_updates": 80,
    },
}
"""Preset of PQN -> its settings."""
