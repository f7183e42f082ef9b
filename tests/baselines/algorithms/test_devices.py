"""Learners on the pretended GPU against the same on the CPU; and that nothing crosses while they learn."""

from dataclasses import asdict, replace

import gymnasium
import pytest
import torch

from baselines.algorithms import actor_critic, dqn, pqn, reinforce, soft_actor_critic, xqc
from baselines.algorithms.actor_critic import ActorCritic
from baselines.algorithms.dqn import DQN
from baselines.algorithms.pqn import PQN
from baselines.algorithms.recurrent_attention import RecurrentAttentionLearner, RecurrentAttentionSettings
from baselines.algorithms.reinforce import Reinforce
from baselines.algorithms.soft_actor_critic import SAC
from baselines.algorithms.xqc import XQC
from baselines.training.events import Finished, Snapshot
from baselines.training.loop import Learner, loop
from rlbench.registry import GLIMPSE
from tests.baselines.algorithms.test_recurrent_attention import corners
from tests.baselines.devices import learn, on_cpu, on_gpu, pretended_gpu, same

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
    **{"evaluation_episodes": 1, "epsilon_env_steps": 100},
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


FAST = {"PPO", "DQN", "PQN", "REINFORCE"}
"""Those that are tested every time: compiling a kernel takes seconds."""


def marked(names):
    return [pytest.param(name, marks=[] if name in FAST else pytest.mark.slow) for name in names]


@pytest.fixture(params=marked(LEARNERS))
def case(request):
    return LEARNERS[request.param]


@pytest.fixture(autouse=True)
def registered():
    """Cart-pole with continuous actions, and small images, under ids of their own."""
    spec = gymnasium.spec("rlbench/CartPole-v0")
    kwargs, made_by = {**spec.kwargs, "continuous": True}, spec.vector_entry_point
    gymnasium.register(FORCES, max_episode_steps=500, kwargs=kwargs, vector_entry_point=made_by)
    gymnasium.register(CORNERS, kwargs={"rules": GLIMPSE, **corners()}, vector_entry_point=made_by)
    yield
    del gymnasium.registry[FORCES], gymnasium.registry[CORNERS]


def test_a_gpu_learns_the_cpus_weights_and_nothing_crosses(case):
    make, settings = case
    expected, state, _ = learn(make, on_cpu(settings), ITERATIONS[make])
    with pretended_gpu():
        weights, there, crossed = learn(make, on_gpu(settings), ITERATIONS[make])
    assert crossed == {}
    assert same(expected, weights)
    assert same(state, there)


def test_a_replay_does_what_a_call_does(case):
    make, settings = case
    found = []
    for graphs in (False, True):
        with pretended_gpu(graphs):
            found.append(learn(make, on_gpu(settings), ITERATIONS[make])[1])
    assert same(*found)


SMALL = {"num_envs": 2, "hidden": (8,), "evaluation_episodes": 1}
REINFORCE = replace(reinforce.PRESETS["fast"], **SMALL)
IN_EPISODES = {
    "REINFORCE": (Reinforce, REINFORCE),
    "REINFORCE with a moving average": (Reinforce, replace(REINFORCE, estimator="moving-average", optimizer="ascent")),
    "actor-critic": (ActorCritic, replace(actor_critic.PRESETS["lecture"], **SMALL)),
}


@pytest.mark.parametrize("name", marked(IN_EPISODES))
def test_whole_episodes_wait_once_per_chunk(name):
    make, settings = IN_EPISODES[name]
    expected, state, _ = learn(make, on_cpu(settings), ITERATIONS[make])
    chunks = []

    def count(learner):
        played = learner.chunk
        learner.chunk = lambda: chunks.append(1) or played()

    with pretended_gpu():
        weights, there, crossed = learn(make, on_gpu(settings), ITERATIONS[make], count)
    ((line, waits),) = crossed.items()
    assert line.startswith("download tensor_rollout.py")
    assert waits == len(chunks)
    assert same(expected, weights)
    assert same(state, there)


SAC_SMALL = replace(
    soft_actor_critic.PRESETS["fast"],
    **{"task": "Pendulum-v1", "num_envs": 3, "capacity": 60, "warmup": 20, "batch_size": 8, "hidden": (8, 8)},
    **{"total_env_steps": 120, "evaluation_episodes": 1, "checkpoint_every_env_steps": 30},
)
XQC_SMALL = xqc.XQCSettings(**asdict(replace(SAC_SMALL, agent="xqc")), atoms=11)


@pytest.mark.parametrize(("make", "settings"), [(SAC, SAC_SMALL), (XQC, XQC_SMALL)])
def test_a_step_of_a_simulator_is_one_transfer_each_way(make, settings, monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)  # whose sums are only a CPU's
    expected, state, _ = learn(make, on_cpu(settings), 40)
    with pretended_gpu():
        weights, there, crossed = learn(make, on_gpu(settings), 40)
    uploads, downloads = (sum(n for line, n in crossed.items() if line.startswith(k)) for k in ("upload", "download"))
    assert (uploads, downloads, sum(crossed.values())) == (40, 40, 80)
    assert same(expected, weights)
    assert same(state, there)


SNAPSHOTS = {
    SAC: {},
    XQC: {},
    ActorCritic: {"checkpoint_every_updates": 5, "total_env_steps": 400},
    PQN: {"checkpoint_every_updates": 5, "total_env_steps": 400},
    DQN: {"checkpoint_every_env_steps": 100},
    Reinforce: {"checkpoint_every_updates": 8, "total_env_steps": 1_000},
    RecurrentAttentionLearner: {},
}


@pytest.mark.parametrize("name", marked(["PPO", "DQN", "PQN", "REINFORCE", "RAM", "SAC", "XQC"]))
def test_a_resumed_run_is_an_uninterrupted_one(name):
    make, settings = {**LEARNERS, **IN_EPISODES, "SAC": (SAC, SAC_SMALL), "XQC": (XQC, XQC_SMALL)}[name]
    settings = replace(on_cpu(settings), **SNAPSHOTS[make])
    states = [each.state() for each in loop(make, settings, None, float) if isinstance(each, Snapshot | Finished)]
    assert len(states) > 2
    for state in states[:-1]:
        *_, last = loop(make, settings, state, float)
        assert same(states[-1]["learner"], last.state()["learner"])


def test_a_schedule_computed_on_the_cpu_would_be_found(monkeypatch):
    """A number of Python is baked into a graph, so that a step size which falls no longer does."""
    monkeypatch.setattr(Learner, "learning_rate", lambda self: 1e-2 * (1 - self.rollout.rows / 1_000))
    with pytest.raises(AssertionError):
        test_a_replay_does_what_a_call_does((ActorCritic, PPO))
