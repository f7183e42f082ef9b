"""Learners on the pretended GPU against the same on the CPU; and that nothing crosses while they learn."""

from dataclasses import replace

import gymnasium
import pytest

from baselines.algorithms import actor_critic, reinforce
from baselines.algorithms.actor_critic import ActorCritic
from baselines.algorithms.reinforce import Reinforce
from baselines.training.loop import Learner
from tests.baselines.devices import learn, on_cpu, on_gpu, pretended_gpu, same

FORCES = "tests/Forces-v0"
PPO = replace(
    actor_critic.PRESETS["fast"],
    **{"num_envs": 4, "horizon": 6, "epochs": 2, "minibatches": 3, "hidden": (8,), "total_env_steps": 1_000},
    evaluation_episodes=1,
)
LEARNERS = {
    "PPO": (ActorCritic, PPO),
    "A2C": (ActorCritic, replace(PPO, advantage="n-step", epochs=1, minibatches=1, clip=0.0, entropy=0.01)),
    "PPO of forces": (ActorCritic, replace(PPO, task=FORCES, activation="tanh")),
    "PPO of states": (ActorCritic, replace(PPO, task="grid-world@1", observation_scale=(), goal=0.0)),
}
ITERATIONS = 6
"""Three calls, a capture and replays."""


@pytest.fixture(params=LEARNERS)
def case(request):
    return LEARNERS[request.param]


@pytest.fixture(autouse=True)
def forces():
    """Cart-pole with continuous actions, under an id."""
    spec = gymnasium.spec("rlbench/CartPole-v0")
    kwargs, made_by = {**spec.kwargs, "continuous": True}, spec.vector_entry_point
    gymnasium.register(FORCES, max_episode_steps=500, kwargs=kwargs, vector_entry_point=made_by)
    yield
    del gymnasium.registry[FORCES]


def test_a_gpu_learns_the_cpus_weights_and_nothing_crosses(case):
    make, settings = case
    expected, state, _ = learn(make, on_cpu(settings), ITERATIONS)
    with pretended_gpu():
        weights, there, crossed = learn(make, on_gpu(settings), ITERATIONS)
    assert crossed == {}
    assert same(expected, weights)
    assert same(state, there)


def test_a_replay_does_what_a_call_does(case):
    make, settings = case
    found = []
    for graphs in (False, True):
        with pretended_gpu(graphs):
            found.append(learn(make, on_gpu(settings), ITERATIONS)[1])
    assert same(*found)


SMALL = {"num_envs": 2, "hidden": (8,), "evaluation_episodes": 1}
REINFORCE = replace(reinforce.PRESETS["fast"], **SMALL)
IN_EPISODES = {
    "REINFORCE": (Reinforce, REINFORCE),
    "REINFORCE with a moving average": (Reinforce, replace(REINFORCE, estimator="moving-average", optimizer="ascent")),
    "actor-critic": (ActorCritic, replace(actor_critic.PRESETS["lecture"], **SMALL)),
}


@pytest.mark.parametrize("name", IN_EPISODES)
def test_whole_episodes_wait_once_per_chunk(name):
    make, settings = IN_EPISODES[name]
    expected, state, _ = learn(make, on_cpu(settings), ITERATIONS)
    chunks = []

    def count(learner):
        played = learner.chunk
        learner.chunk = lambda: chunks.append(1) or played()

    with pretended_gpu():
        weights, there, crossed = learn(make, on_gpu(settings), ITERATIONS, count)
    ((line, waits),) = crossed.items()
    assert line.startswith("download tensor_rollout.py")
    assert waits == len(chunks)
    assert same(expected, weights)
    assert same(state, there)


def test_a_schedule_computed_on_the_cpu_would_be_found(monkeypatch):
    """A number of Python is baked into a graph, so that a step size which falls no longer does."""
    monkeypatch.setattr(Learner, "learning_rate", lambda self: 1e-2 * (1 - self.rollout.rows / 1_000))
    with pytest.raises(AssertionError):
        test_a_replay_does_what_a_call_does((ActorCritic, PPO))
