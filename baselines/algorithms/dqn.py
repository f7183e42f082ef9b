"""Deep Q-network: Q-learning with a network, made stable by replaying past transitions.

Mnih et al. (2013), "Playing Atari with Deep Reinforcement Learning", Algorithm 1. `--preset lecture` is that
algorithm as it stands. `--preset fast` departs from it; the comments in `dqn_settings.py` name each departure and
its source.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from gymnasium import Space
from numpy.typing import NDArray

from baselines import checks
from baselines.algorithms import off_policy
from baselines.algorithms.dqn_settings import LECTURE, NATURE, PRESETS, Config, check
from baselines.data.frame_replay import FrameReplay
from baselines.data.replay import Batch, Replay, Window
from baselines.data.rollout import Encode, Lanes, explore, make_lanes
from baselines.maths.equations import (
    clipped_q_learning_loss,
    double_q_value,
    linear_schedule,
    q_learning_loss,
    q_learning_target,
)
from baselines.nets.encoding import discrete_actions, encoding, frames_shape
from baselines.nets.networks import convolutional, numpy_pixel_policy, numpy_policy, perceptron, to_numpy
from baselines.nets.optim import Adam, FlatParameters, FusedAdam
from baselines.templates.policies import Policy
from baselines.training.events import Event, Tree
from baselines.training.validation import Validation, training_seed

__all__ = ["LECTURE", "NATURE", "PRESETS", "Config", "train"]

ACTIVATION = "relu"


@dataclass
class Learner:
    """Everything that training changes, and the environment it happens in."""

    config: Config
    lanes: Lanes
    window: Window
    actions: int
    network: torch.nn.Sequential
    target: torch.nn.Sequential
    flat: FlatParameters
    target_flat: FlatParameters
    adam: Adam
    replay: Replay | FrameReplay
    rng: np.random.Generator
    validation: Validation
    step: int = 0  # of every lane
    updates: int = 0
    reason: str = ""  # why training has ended
    losses: list[torch.Tensor] = field(default_factory=list)  # since they were last looked at

    def weights(self) -> tuple[torch.Tensor, ...]:
        """The vector of parameters that is learned."""
        return (self.flat.theta,)

    def state(self) -> Tree:
        """What a checkpoint holds of it; not the lanes, which start afresh after a snapshot."""
        return {
            "step": self.step,
            "updates": self.updates,
            "reason": self.reason,
            "theta": to_numpy(self.flat.theta),
            "target": to_numpy(self.target_flat.theta),
            "adam": self.adam.state(),
            "replay": self.replay.state(),
            "rng": self.rng.bit_generator.state,
            "validation": self.validation.state(),
        }

    def restore(self, state: Tree) -> None:
        """Go on from `state()`."""
        self.step, self.updates, self.reason = state["step"], state["updates"], state["reason"]
        self.flat.theta.copy_(torch.from_numpy(state["theta"]))
        self.target_flat.theta.copy_(torch.from_numpy(state["target"]))
        self.adam.restore(state["adam"])
        self.replay.restore(state["replay"])
        self.rng.bit_generator.state = state["rng"]
        self.validation.restore(state["validation"])


def make_learner(config: Config) -> Learner:
    """A learner before its first step."""
    device = checks.device(config.device)
    torch.set_num_threads(config.threads)
    env = make_lanes(config.task, config.lanes, **{"life_loss": True} if config.life_loss else {})
    actions = discrete_actions(env.single_action_space)
    generator = torch.Generator().manual_seed(checks.seed(config.seed))
    make = pixel_parts if config.convolutions else vector_parts
    encode, replay, network, target = make(config, env.single_observation_space, actions, generator, device)
    flat, target_flat = FlatParameters(network), FlatParameters(target)
    target_flat.theta.copy_(flat.theta)
    return Learner(
        config,
        Lanes(env, encode),
        Window(config.n_step, config.gamma, config.reward_scale, config.reward_clip),
        actions,
        network,
        target,
        flat,
        target_flat,
        (FusedAdam if config.convolutions else Adam)(flat),
        replay,
        np.random.default_rng(config.seed),
        Validation(
            config.task,
            config.evaluation_episodes,
            config.goal,
            config.confirmation_episodes,
            config.evaluation_steps,
        ),
    )


Parts = tuple[Encode, Replay | FrameReplay, torch.nn.Sequential, torch.nn.Sequential]
"""What depends on whether observations are numbers or frames: their encoding, the replay, network and target."""


def vector_parts(
    config: Config, space: Space[Any], actions: int, generator: torch.Generator, device: torch.device
) -> Parts:
    """Perceptrons over encoded numbers."""
    encode = encoding(space, config.observation_scale)
    replay = Replay(config.capacity, encode.size, device)
    sizes = (encode.size, *config.hidden, actions)
    network, target = (perceptron(sizes, ACTIVATION, "uniform", generator).to(device) for _ in range(2))
    return encode, replay, network, target


def pixel_parts(
    config: Config, space: Space[Any], actions: int, generator: torch.Generator, device: torch.device
) -> Parts:
    """Convolutional networks over stacked frames, each of which is stored once."""
    shape = frames_shape(space)
    sizes = (*config.hidden, actions)
    network, target = (convolutional(shape, config.convolutions, sizes, generator).to(device) for _ in range(2))
    replay = FrameReplay(config.capacity, shape, config.convolutions[0][2], device)
    return replay.encode, replay, network, target


def policy(learner: Learner) -> Policy:
    """The greedy policy of the target network, where there is one, else of the network itself."""
    config = learner.config
    judge = learner.target if config.refresh_every else learner.network
    if config.convolutions:
        return numpy_pixel_policy(judge, config.convolutions[0][2], config.evaluation_epsilon, learner.updates)
    return numpy_policy(judge, ACTIVATION, learner.lanes.encode)


@torch.no_grad()
def greedy(learner: Learner, s: NDArray[Any]) -> NDArray[Any]:
    """The best actions a[N] at encoded observations s[N, ...].

    Not in NumPy: its matrix product of 128 lanes takes all cores, and on a busy machine waits 100 times longer for
    them than it computes; PyTorch keeps to `threads`.
    """
    q = learner.network(learner.replay.see(s))
    best: NDArray[Any] = q.argmax(dim=1).cpu().numpy()
    return best


def begin(learner: Learner) -> None:
    """New episodes in every lane; nothing that comes follows from what came before."""
    learner.window.clear()
    learner.replay.clear()
    learner.lanes.reset(training_seed(learner.rng))


def act(learner: Learner) -> None:
    """One step of every lane, into the replay."""
    config, lanes = learner.config, learner.lanes
    epsilon = linear_schedule(learner.step, config.epsilon_start, config.epsilon_end, config.epsilon_steps)
    best = greedy(learner, lanes.s_tm1)
    rows = learner.window.push(lanes.step(explore(best, epsilon, learner.actions, learner.rng)))
    if rows:
        learner.replay.add(rows)
    learner.step += 1


def td_target(learner: Learner, batch: Batch) -> torch.Tensor:
    """Learning targets y[B]: r where s_t is terminal, else r + gamma max_a' Q(s_t, a')."""
    config = learner.config
    with torch.no_grad():
        q_t = (learner.target if config.refresh_every else learner.network)(batch.s_t)
        value = double_q_value(q_t, learner.network(batch.s_t)) if config.double_q else q_t.amax(dim=1)
        return q_learning_target(batch.r_t, batch.discount_t, value)


def learn(learner: Learner) -> None:
    """One gradient step on a minibatch drawn from the replay."""
    config = learner.config
    if config.refresh_every and learner.updates % config.refresh_every == 0:
        learner.target_flat.theta.lerp_(learner.flat.theta, config.tau)
    batch = learner.replay.sample(config.batch, learner.rng)
    q_tm1 = learner.network(batch.s_tm1).gather(1, batch.a_tm1.unsqueeze(1)).squeeze(1)
    target_tm1 = td_target(learner, batch)
    clip = config.error_clip
    loss = clipped_q_learning_loss(q_tm1, target_tm1, clip) if clip else q_learning_loss(q_tm1, target_tm1)
    loss.backward()
    alpha = linear_schedule(learner.step, config.learning_rate, config.learning_rate_end, config.steps)
    learner.adam.step(alpha)
    learner.updates += 1
    learner.losses.append(loss.detach())


def advance(learner: Learner) -> None:
    """A step, and the update that belongs to it."""
    act(learner)
    config = learner.config
    if learner.step % config.update_every == 0 and len(learner.replay) >= config.warmup:
        learn(learner)


def train(
    config: Config, *, resume: Tree | None = None, clock: Callable[[], float] = time.perf_counter
) -> Iterator[Event]:
    """Learn; yields what happens and ends with Finished. `resume` is the state of an earlier Snapshot."""
    check(config)
    algorithm = off_policy.Algorithm(lambda: make_learner(config), begin, advance, policy)
    yield from off_policy.train(algorithm, resume, clock)
