"""Every learner in small, on environments of a device and on simulators beside one: what is tried on pretended GPUs."""

from dataclasses import asdict, replace

from baselines.algorithms import actor_critic, dqn, pqn, reinforce, soft_actor_critic, xqc
from baselines.algorithms.actor_critic import ActorCritic
from baselines.algorithms.dqn import DQN
from baselines.algorithms.pqn import PQN
from baselines.algorithms.recurrent_attention import RecurrentAttentionLearner, RecurrentAttentionSettings
from baselines.algorithms.reinforce import Reinforce
from baselines.algorithms.soft_actor_critic import SAC
from baselines.algorithms.xqc import XQC
from tests.baselines import films

FORCES, CORNERS = "tests/Forces-v0", "tests/DeviceCorners-v0"
PPO = replace(
    actor_critic.PRESETS["fast"],
    **{"num_envs": 4, "horizon": 6, "epochs": 2, "minibatches": 3, "hidden": (8,), "total_env_steps": 1_000},
    evaluation_episodes=1,
)
DQN_FAST = replace(
    dqn.PRESETS["fast"],
    **{"num_envs": 4, "batch_size": 8, "capacity": 30, "warmup": 20, "n_step": 3, "hidden": (8,)},
    **{"total_env_steps": 400, "epsilon_env_steps": 100, "evaluation_episodes": 1},
)
Q = replace(
    pqn.PRESETS["fast"],
    **{"num_envs": 4, "horizon": 6, "epochs": 2, "minibatches": 3, "hidden": (8,), "total_env_steps": 1_000},
    **{"evaluation_episodes": 1, "epsilon_env_steps": 100, "tau": 0.25},
)
RAM = RecurrentAttentionSettings(
    **{"task": CORNERS, "batch_size": 100, "epochs": 3, "width": 8, "state": 16, "location_hidden": 8},
    **{"deviation_end": 0.05, "early": 0.1, "eval_every_epochs": 1, "checkpoint_every_epochs": 1},
)
LEARNERS = {
    "PPO": (ActorCritic, PPO),
    "A2C": (ActorCritic, replace(PPO, advantage="n-step", epochs=1, minibatches=1, clip=0.0, entropy=0.01)),
    "PPO of forces": (ActorCritic, replace(PPO, task=FORCES, activation="tanh")),
    "DQN": (DQN, DQN_FAST),
    "DQN with pauses": (DQN, replace(DQN_FAST, target_update_period=2, update_every_env_steps=8, error_clip=1.0)),
    "PQN": (PQN, Q),
    "PQN of the paper": (PQN, replace(Q, optimizer="radam", learning_rate=1e-2)),
    "RAM": (RecurrentAttentionLearner, RAM),
    "RAM by information": (RecurrentAttentionLearner, replace(RAM, reward="information", foresight=0.5)),
    "PPO of states": (ActorCritic, replace(PPO, task="grid-world@1", observation_scale=())),
}
ITERATIONS = {ActorCritic: 6, Reinforce: 6, PQN: 6, DQN: 24, RecurrentAttentionLearner: 3}
"""So many that some are calls, some a capture and some replays, and that a replay memory is filled once over."""

SMALL = {"num_envs": 2, "hidden": (8,), "evaluation_episodes": 1}
REINFORCE = replace(reinforce.PRESETS["fast"], **SMALL)
IN_EPISODES = {
    "REINFORCE": (Reinforce, REINFORCE),
    "REINFORCE with a moving average": (Reinforce, replace(REINFORCE, estimator="moving-average", optimizer="ascent")),
    "actor-critic": (ActorCritic, replace(actor_critic.PRESETS["lecture"], **SMALL)),
}

SAC_SMALL = replace(
    soft_actor_critic.PRESETS["fast"],
    **{"task": "Pendulum-v1", "num_envs": 3, "capacity": 60, "warmup": 20, "batch_size": 8, "hidden": (8, 8)},
    **{"total_env_steps": 120, "evaluation_episodes": 1, "checkpoint_every_env_steps": 30},
)
XQC_SMALL = xqc.XQCSettings(**asdict(replace(SAC_SMALL, agent="xqc")), atoms=11)


PPO_BESIDE = replace(PPO, task="Pendulum-v1", observation_scale=(), normalize_observations=True, normalize_rewards=True)
OF_FRAMES = {"task": films.task("noise"), "convolutions": ((4, 8, 4), (4, 2, 1)), "observation_scale": ()}
DQN_OF_FRAMES = replace(DQN_FAST, **OF_FRAMES, capacity=120, n_step=3)
PQN_OF_FRAMES = replace(Q, **OF_FRAMES, reward_clip=1.0)
BESIDE = {
    "SAC": (SAC, SAC_SMALL),
    "SAC in halves": (SAC, replace(SAC_SMALL, num_envs=4, actor_every=2, updates_per_step=2)),
    "XQC": (XQC, XQC_SMALL),
    "XQC in halves": (XQC, replace(XQC_SMALL, num_envs=4)),
    "PPO in halves": (ActorCritic, PPO_BESIDE),
    "PPO in one batch": (ActorCritic, replace(PPO_BESIDE, num_envs=3, task="CartPole-v1")),
    "REINFORCE in halves": (Reinforce, replace(REINFORCE, task="CartPole-v1", num_envs=4)),
    "whole episodes in halves": (ActorCritic, replace(actor_critic.PRESETS["lecture"], **SMALL, task="CartPole-v1")),
    "PQN in halves": (PQN, replace(Q, task="CartPole-v1")),
    "DQN in halves": (DQN, replace(DQN_FAST, task="CartPole-v1")),
    "DQN in one batch": (
        DQN,
        replace(DQN_FAST, task="CartPole-v1", num_envs=3, target_update_period=2, update_every_env_steps=6),
    ),
    "DQN of frames in halves": (DQN, DQN_OF_FRAMES),
    "DQN of frames in one batch": (DQN, replace(DQN_OF_FRAMES, num_envs=3, n_step=1, error_clip=1.0, life_loss=False)),
    "PQN of frames in halves": (PQN, PQN_OF_FRAMES),
    "SAC of robots": (SAC, replace(SAC_SMALL, task="half-cheetah@1", num_envs=4)),
    "PPO of robots": (ActorCritic, replace(PPO_BESIDE, task="half-cheetah@1")),
    "DQN of games": (DQN, replace(DQN_OF_FRAMES, task="breakout@1", life_loss=True)),
}
"""Learners of simulators, which step on the CPU beside the device."""

ITERATIONS_BESIDE = {SAC: 24, XQC: 24, ActorCritic: 6, Reinforce: 4, PQN: 6, DQN: 24}
