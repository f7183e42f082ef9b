"""Soft actor-critic: an actor and two Q critics that learn from a replay, entropy being worth something as well.

Haarnoja et al. (2018), "Soft actor-critic"; with the temperature learned, Haarnoja et al. (2018b), "Soft actor-critic
algorithms and applications", Algorithm 1. It is the lecture's remark on actor-critic, "can also incorporate Q-learning
tricks e.g. experience replay", taken at its word: the critic is a Q of the action that was taken, so that it may learn
from steps of any policy, and the actor climbs it.

The comments in `soft_actor_critic_settings.py` name what departs from it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from baselines import checks
from baselines.algorithms import off_policy
from baselines.algorithms.soft_actor_critic_settings import PRESETS, Config, check
from baselines.data.replay import Batch, Replay, Window
from baselines.data.rollout import Lanes, make_lanes
from baselines.maths.equations import (
    linear_schedule,
    soft_policy_loss,
    soft_q_target,
    squared_errors,
    temperature_gradient,
)
from baselines.nets.distributions import SquashedGaussian
from baselines.nets.encoding import encoding
from baselines.nets.networks import numpy_policy, perceptron, to_numpy
from baselines.nets.optim import Adam, FlatParameters
from baselines.templates.agent_template import Perceptron
from baselines.training.events import Event, Tree
from baselines.training.validation import Validation, training_seed

__all__ = ["PRESETS", "Config", "train"]

ACTIVATION = "relu"


class Critics(nn.Module):
    """Two perceptrons that judge an action: Q_1(s, a) and Q_2(s, a). Fujimoto et al. (2018) take the lesser."""

    def __init__(self, sizes: tuple[int, ...], generator: torch.Generator) -> None:
        super().__init__()
        self.both = nn.ModuleList([perceptron(sizes, ACTIVATION, "uniform", generator) for _ in range(2)])

    def forward(self, s: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        """Q_1 and Q_2, [2, B], at s[B, D], a[B, A]."""
        x = torch.cat([s, a], dim=1)
        return torch.stack([critic(x).squeeze(1) for critic in self.both])


class Temperature(nn.Module):
    """What entropy is worth, kept as log alpha."""

    def __init__(self, alpha: float) -> None:
        super().__init__()
        self.log_alpha = nn.Parameter(torch.tensor(math.log(alpha)))


class Learned(NamedTuple):
    """A network with its parameters as one vector and what moves them."""

    network: Any
    flat: FlatParameters
    adam: Adam


def learned(network: nn.Module, device: torch.device) -> Learned:
    """A network on a device, before its first step."""
    flat = FlatParameters(network.to(device))
    return Learned(network, flat, Adam(flat))


@dataclass
class Learner:
    """Everything that training changes, and the environment it happens in."""

    config: Config
    lanes: Lanes
    window: Window
    head: SquashedGaussian
    actor: Learned  # mu and log sigma at s
    critics: Learned
    targets: Learned  # the critics' running averages, which nothing else moves
    temperature: Learned
    replay: Replay
    rng: np.random.Generator
    validation: Validation
    step: int = 0  # of every lane
    updates: int = 0
    reason: str = ""  # why training has ended
    losses: list[torch.Tensor] = field(default_factory=list)  # since they were last looked at

    def weights(self) -> tuple[torch.Tensor, ...]:
        """The vectors of parameters that are learned."""
        return tuple(part.flat.theta for part in self.parts().values())

    def parts(self) -> dict[str, Learned]:
        """Everything that is learned, by name."""
        return {name: getattr(self, name) for name in ("actor", "critics", "targets", "temperature")}

    def normal(self, rows: int) -> torch.Tensor:
        """Normal numbers [rows, A]."""
        drawn = self.rng.standard_normal((rows, self.head.actions), dtype=np.float32)
        return torch.from_numpy(drawn).to(self.actor.flat.theta.device)

    def state(self) -> Tree:
        """What a checkpoint holds of it; not the lanes, which start afresh after a snapshot."""
        return {
            **{n: {"theta": to_numpy(part.flat.theta), "adam": part.adam.state()} for n, part in self.parts().items()},
            "replay": self.replay.state(),
            "rng": self.rng.bit_generator.state,
            "validation": self.validation.state(),
            **{name: getattr(self, name) for name in ("step", "updates", "reason")},
        }

    def restore(self, state: Tree) -> None:
        """Go on from `state()`."""
        for name, part in self.parts().items():
            part.flat.theta.copy_(torch.from_numpy(state[name]["theta"]))
            part.adam.restore(state[name]["adam"])
        self.replay.restore(state["replay"])
        self.rng.bit_generator.state = state["rng"]
        self.validation.restore(state["validation"])
        self.step, self.updates, self.reason = state["step"], state["updates"], state["reason"]


def make_learner(config: Config) -> Learner:
    """A learner before its first step."""
    device = checks.device(config.device)
    torch.set_num_threads(config.threads)
    env = make_lanes(config.task, config.lanes, config.threads)
    encode = encoding(env.single_observation_space, config.observation_scale)
    head = SquashedGaussian(env.single_action_space)
    generator = torch.Generator().manual_seed(checks.seed(config.seed))
    actor = learned(perceptron((encode.size, *config.hidden, head.outputs), ACTIVATION, "uniform", generator), device)
    sizes = (encode.size + head.actions, *config.hidden, 1)
    critics, targets = (learned(Critics(sizes, generator), device) for _ in range(2))
    targets.flat.theta.copy_(critics.flat.theta)
    return Learner(
        config,
        Lanes(env, encode, head.decode),
        Window(1, config.gamma, config.reward_scale),
        head,
        actor,
        critics,
        targets,
        learned(Temperature(config.temperature), device),
        Replay(config.capacity, encode.size, device, head.actions),
        np.random.default_rng(config.seed),
        Validation(
            config.task, config.evaluation_episodes, config.goal, config.confirmation_episodes, threads=config.threads
        ),
    )


def policy(learner: Learner) -> Perceptron:
    """The mean action, in NumPy; on a CPU it shares the actor's memory."""
    return learner.head.greedy(numpy_policy(learner.actor.network, ACTIVATION, learner.lanes.encode))


def begin(learner: Learner) -> None:
    """New episodes in every lane; nothing that comes follows from what came before."""
    learner.lanes.reset(training_seed(learner.rng))
    learner.window.clear()


@torch.no_grad()
def choose(learner: Learner, s: NDArray[Any]) -> NDArray[Any]:
    """Actions a[N, A] at features s[N, D]: drawn from the policy, uniformly at random before learning begins."""
    if len(learner.replay) < learner.config.warmup:
        return learner.rng.uniform(-1, 1, (len(s), learner.head.actions)).astype(np.float32)
    outputs = learner.actor.network(torch.from_numpy(s).to(learner.actor.flat.theta.device))
    return to_numpy(learner.head.draw(outputs, learner.normal(len(s)))[0])


def act(learner: Learner) -> None:
    """One step of every lane, into the replay."""
    rows = learner.window.push(learner.lanes.step(choose(learner, learner.lanes.s_tm1)))
    if rows:
        learner.replay.add(rows)
    learner.step += 1


@torch.no_grad()
def q_target(learner: Learner, batch: Batch) -> torch.Tensor:
    """Learning targets y[B]: the target critics judge an action that the actor draws in s_t."""
    a_t, log_pi_t = learner.head.draw(learner.actor.network(batch.s_t), learner.normal(len(batch.s_t)))
    q_t = learner.targets.network(batch.s_t, a_t)
    return soft_q_target(batch.r_t, batch.discount_t, q_t, log_pi_t, learner.temperature.flat.theta.exp())


def improve_critics(learner: Learner, batch: Batch, alpha: float) -> None:
    """One step of both critics towards the same targets."""
    loss = squared_errors(learner.critics.network(batch.s_tm1, batch.a_tm1), q_target(learner, batch))
    loss.backward()
    learner.critics.adam.step(alpha)
    learner.losses.append(loss.detach())


def improve_actor(learner: Learner, batch: Batch, alpha: float) -> None:
    """One step of the actor up what the critics say, and of the temperature towards the entropy asked for."""
    config, actor, temperature = learner.config, learner.actor, learner.temperature
    a, log_pi = learner.head.draw(actor.network(batch.s_tm1), learner.normal(len(batch.s_tm1)))
    q = learner.critics.network(batch.s_tm1, a)
    loss = soft_policy_loss(q, log_pi, temperature.flat.theta.exp())
    loss.backward(inputs=list(actor.network.parameters()))  # and not the critics', which only judge here
    actor.adam.step(alpha)
    if config.temperature_learning_rate:
        entropy = -learner.head.actions if config.entropy is None else config.entropy
        temperature.flat.grad.copy_(temperature_gradient(log_pi.detach(), entropy))
        temperature.adam.step(config.temperature_learning_rate)


def learn(learner: Learner) -> None:
    """An update on a minibatch drawn from the replay."""
    config = learner.config
    batch = learner.replay.sample(config.batch, learner.rng)
    alpha = linear_schedule(learner.step, config.learning_rate, config.learning_rate_end, config.steps)
    improve_critics(learner, batch, alpha)
    if learner.updates % config.actor_every == 0:
        improve_actor(learner, batch, alpha)
    learner.targets.flat.theta.lerp_(learner.critics.flat.theta, config.tau)
    learner.updates += 1


def advance(learner: Learner) -> None:
    """A step, and the updates that belong to it."""
    act(learner)
    if len(learner.replay) >= learner.config.warmup:
        for _ in range(learner.config.updates):
            learn(learner)


def train(
    config: Config, *, resume: Tree | None = None, clock: Callable[[], float] = time.perf_counter
) -> Iterator[Event]:
    """Learn; yields what happens and ends with Finished. `resume` is the state of an earlier Snapshot."""
    check(config)
    algorithm = off_policy.Algorithm(lambda: make_learner(config), begin, advance, policy)
    yield from off_policy.train(algorithm, resume, clock)
