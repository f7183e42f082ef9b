"""Learners on the pretended GPU against the same on the CPU; and that nothing crosses while they learn."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch

from baselines.algorithms import policy_gradient_base, reinforce
from baselines.algorithms.actor_critic import ActorCritic
from baselines.algorithms.dqn import DQN
from baselines.algorithms.pqn import PQN
from baselines.algorithms.recurrent_attention import RecurrentAttentionLearner
from baselines.algorithms.reinforce import Reinforce
from baselines.algorithms.soft_actor_critic import SAC
from baselines.algorithms.xqc import XQC
from baselines.training.events import Finished, Snapshot
from baselines.training.loop import Learner, loop
from rlbench.errors import UserError
from rlbench.registry import GLIMPSE
from tests.baselines.algorithms.test_recurrent_attention import corners
from tests.baselines.devices import learn, on_cpu, on_gpu, pretended_gpu, same
from tests.baselines.small_learners import (
    BESIDE,
    CORNERS,
    DQN_FAST,
    FORCES,
    IN_EPISODES,
    ITERATIONS,
    ITERATIONS_BESIDE,
    LEARNERS,
    PPO,
    PPO_BESIDE,
    PQN_OF_FRAMES,
    SAC_SMALL,
)

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


BESIDE_FAST = {
    "SAC in halves",
    "XQC",
    "PPO in halves",
    "REINFORCE in halves",
    "PQN in halves",
    "DQN of frames in halves",
}


@pytest.fixture(params=[pytest.param(n, marks=[] if n in BESIDE_FAST else pytest.mark.slow) for n in BESIDE])
def beside(request, monkeypatch):
    monkeypatch.setattr(policy_gradient_base, "STATISTICS_STEPS", 40)
    for kind, package in {"robots": "mujoco", "games": "ale_py"}.items():
        if request.param.endswith(kind):
            pytest.importorskip(package, reason="pip install 'rlbench[mujoco,atari]'")
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)  # whose sums are only a CPU's
    return BESIDE[request.param]


def test_a_step_of_simulators_is_one_transfer_each_way(beside):
    make, settings = beside
    expected, state, _ = learn(make, on_cpu(settings), ITERATIONS_BESIDE[make])
    stepped = []

    def count(learner):
        for half in learner.rollout.halves:
            half.rollout.step = lambda a, step=half.rollout.step: stepped.append(1) or step(a)
            reset = half.rollout.reset  # without a seed, in the midst of learning
            half.rollout.reset = lambda seed, reset=reset: (seed is None and stepped.append(1)) or reset(seed)

    with pretended_gpu():
        weights, there, crossed = learn(make, on_gpu(settings), ITERATIONS_BESIDE[make], count)
    uploads, downloads = (sum(n for line, n in crossed.items() if line.startswith(k)) for k in ("upload", "download"))
    assert (uploads, downloads, sum(crossed.values())) == (len(stepped), len(stepped), 2 * len(stepped))
    if settings == PQN_OF_FRAMES:  # torch sums a GroupNorm in another order where pixels lie together, on a CPU alone
        assert all(np.allclose(expected[name], weights[name], rtol=1e-3, atol=1e-4) for name in expected)
        return
    assert same(expected, weights)
    assert same(state, there)


@pytest.mark.slow  # that the weights are the CPU's says as much, and less of where a difference comes from
def test_a_replay_beside_simulators_does_what_a_call_does(beside):
    make, settings = beside
    found = []
    for graphs in (False, True):
        with pretended_gpu(graphs):
            found.append(learn(make, on_gpu(settings), ITERATIONS_BESIDE[make])[1])
    assert same(*found)


SNAPSHOTS = {
    SAC: {},
    XQC: {},
    ActorCritic: {"checkpoint_every_updates": 5, "total_env_steps": 400},
    PQN: {"checkpoint_every_updates": 5, "total_env_steps": 400},
    DQN: {"checkpoint_every_env_steps": 100},
    Reinforce: {"checkpoint_every_updates": 8, "total_env_steps": 1_000},
    RecurrentAttentionLearner: {},
}


RESUMED = ["PPO", "DQN", "PQN", "REINFORCE", "RAM", "SAC", "XQC", "SAC in halves", "PPO in halves", "PQN in halves"]
RESUMED += ["DQN in halves", "DQN of frames in halves", "REINFORCE in halves"]


@pytest.mark.parametrize("name", marked(RESUMED))
def test_a_resumed_run_is_an_uninterrupted_one(name, monkeypatch):
    monkeypatch.setattr(policy_gradient_base, "STATISTICS_STEPS", 40)
    make, settings = {**LEARNERS, **IN_EPISODES, **BESIDE}[name]
    settings = replace(on_cpu(settings), **SNAPSHOTS[make])
    states = [each.state() for each in loop(make, settings, None, float) if isinstance(each, Snapshot | Finished)]
    assert len(states) > 2
    for state in states[:-1]:
        *_, last = loop(make, settings, state, float)
        assert same(states[-1]["learner"], last.state()["learner"])


OVERFLOWS = {
    "DQN of rules": (DQN, replace(DQN_FAST, learning_rate=1e30, learning_rate_end=1e30, eval_every_env_steps=100)),
    "SAC": (SAC, replace(SAC_SMALL, num_envs=4, learning_rate=1e30, learning_rate_end=1e30)),
    "PPO of rules": (ActorCritic, replace(PPO, learning_rate=1e30, learning_rate_end=1e30, reward_scale=1e30)),
    "PPO of robots": (ActorCritic, replace(PPO_BESIDE, learning_rate=1e30, learning_rate_end=1e30)),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name != "SAC")) for name in OVERFLOWS])
def test_an_overflow_on_a_gpu_is_one_line(name):
    make, settings = OVERFLOWS[name]
    with pretended_gpu(), pytest.raises(UserError, match=r"became \S+ at update \d+; try a lower learning rate"):
        list(loop(make, on_gpu(settings), None, float))


def test_games_against_an_opponent_that_searches_need_a_cpu():
    settings = replace(reinforce.PRESETS["go"], num_envs=2, evaluation_episodes=1, opponent="mcts:10")
    with pretended_gpu(), pytest.raises(UserError, match="an opponent that searches needs a CPU; take device='cpu'"):
        Reinforce(on_gpu(settings))


def test_a_schedule_computed_on_the_cpu_would_be_found(monkeypatch):
    """A number of Python is baked into a graph, so that a step size which falls no longer does."""
    monkeypatch.setattr(Learner, "learning_rate", lambda self: 1e-2 * (1 - self.rollout.rows / 1_000))
    with pytest.raises(AssertionError):
        test_a_replay_does_what_a_call_does((ActorCritic, PPO))
    with pytest.raises(AssertionError):
        test_a_replay_beside_simulators_does_what_a_call_does(BESIDE["SAC in halves"])
