"""Soft actor-critic: off-policy maximum-entropy reinforcement learning with an actor and two Q critics.

Haarnoja et al. (2018), "Soft actor-critic"; with the temperature learned, Haarnoja et al. (2018b), "Soft actor-critic
algorithms and applications", Algorithm 1. The lecture says of actor-critic that it "can also incorporate Q-learning
tricks e.g. experience replay". Here it does: the critics are action values Q(s, a), which can be learned from steps of
any policy, and the actor is trained to maximise them together with its entropy.

What departs from it is in `soft_actor_critic_settings.py`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import nn

from baselines.algorithms.soft_actor_critic_settings import PRESETS, SACSettings
from baselines.data.replay import NStepWindow, Replay, ReplayBatch, TensorReplay, TensorWindow
from baselines.data.rollout import Rollout, Transition
from baselines.data.simulators import Half, SimulatorRollout
from baselines.maths.equations import (
    soft_policy_loss,
    soft_q_target,
    squared_errors,
    standard_normal,
    temperature_gradient,
)
from baselines.nets.distributions import SquashedGaussian
from baselines.nets.encoding import encoding
from baselines.nets.networks import numpy_policy, perceptron, to_numpy
from baselines.nets.optim import Adam, FlatParameters, Losses, TensorLosses, TrainedNetwork, check_weights
from baselines.training.loop import loop
from baselines.training.place import PlacedLearner, place
from baselines.types import Array, Clock, Tree

if TYPE_CHECKING:
    from baselines.templates.agent_template import Perceptron
    from baselines.training.events import Event

__all__ = ["PRESETS", "SAC", "SACSettings", "train"]


class SAC(PlacedLearner):
    """Actor, critics, their targets, the temperature, the replay, and the environments."""

    CHECKPOINTED: ClassVar[tuple[str, ...]] = (
        *("actor", "critics", "targets", "temperature"),
        *("replay", "rng", "rollout", "validation", "updates", "losses"),
    )

    def iterate(self) -> None:
        """A step of all environments, and the updates that belong to it."""
        if self.place.tensors:
            self.act_beside_the_device()
        else:
            self.act()
        if len(self.replay) >= self.settings.warmup:
            for _ in range(self.settings.updates_per_step):
                self.learn()
        if self.place.tensors:
            self.ask_one()

    def act(self) -> None:
        """Draw actions from the policy, and store the transitions in the replay."""
        self.replay.add(self.window.push(self.step()))

    def step(self) -> Transition:
        """A step of all environments, by actions of the policy."""
        return self.rollout.step(self.choose(self.rollout.s_tm1))

    def choose(self, s: Array) -> Array:
        """Actions a[N, A] ~ pi(.|s) at features s[N, D]; uniformly at random before learning begins."""
        if len(self.replay) < self.settings.warmup:
            return self.rng.uniform(-1, 1, (len(s), self.head.actions)).astype(np.float32)
        a = to_numpy(self.draw_action(self.replay.network_input(s)))
        if not np.isfinite(a).all():
            self.check_finite()
        return a

    @torch.no_grad()
    def draw_action(self, s: torch.Tensor) -> torch.Tensor:
        """Actions a[B, A] of the policy at s[B, D], without a gradient."""
        return self.draw(s)[0]

    def act_beside_the_device(self) -> None:
        """A step of each half of the environments, by the actions that were asked for, stored in the replay.

        Each half's next actions are asked for before the other half steps and before the updates that follow, so that
        the device draws them, and learns, while the CPU steps. They are the policy's before these updates: a departure
        from Algorithm 1 that a single batch of environments, whose actions `ask_one` asks for, does not make.
        """
        for half, window in zip(self.rollout.halves, self.windows, strict=True):
            transition = self.rollout.step(half)
            self.note(transition, half.rows)
            self.replay.add(window.push(transition))
            if len(self.windows) > 1:
                self.ask(half)

    def ask_one(self) -> None:
        """Ask for the next actions after the updates, where the environments are one batch."""
        if len(self.windows) == 1:
            self.ask(self.rollout.halves[0])

    def ask(self, half: Half) -> None:
        """Ask for the next actions of some environments; uniformly at random before learning begins."""
        if len(self.replay) < self.settings.warmup:
            half.ask(2 * self.rng.random((len(half.s_tm1), self.head.actions)) - 1)
        else:
            half.ask(self.draw_action(half.s_tm1))

    def note(self, transition: Transition, rows: slice) -> None:
        """Take note of a step of some environments on a device; nothing here."""

    def normal(self, rows: int) -> torch.Tensor:
        """Normal numbers [rows, A]."""
        if self.place.tensors:
            return standard_normal(self.rng.random((rows, 2 * self.head.actions)))
        drawn = self.rng.standard_normal((rows, self.head.actions), dtype=np.float32)
        return torch.from_numpy(drawn).to(self.actor.device)

    def learn(self) -> None:
        """An update on a minibatch drawn from the replay; on a GPU as one graph."""
        self.update(self.updates % self.settings.actor_every == 0)

    def improve(self, with_actor: bool) -> None:
        """An update of critics and targets, and of actor and temperature where they are due."""
        rate = self.learning_rate()
        batch = self.sample()
        self.improve_critics(batch, rate)
        if with_actor:
            log_pi = self.improve_actor(batch, rate)
            self.adjust_temperature(log_pi)
        self.targets.theta.lerp_(self.critics.theta, self.settings.tau)
        self.updates += 1

    def sample(self) -> ReplayBatch:
        """A minibatch drawn from the replay."""
        return self.replay.sample(self.settings.batch_size, self.rng)

    def improve_critics(self, batch: ReplayBatch, rate: Any) -> None:
        """One step of both critics towards the same targets."""
        loss = self.critic_loss(batch)
        loss.backward()
        self.critics.optimizer.step(rate)
        self.losses.add(loss)

    def critic_loss(self, batch: ReplayBatch) -> torch.Tensor:
        """The errors of both critics, a scalar."""
        y = self.q_target(batch)
        return squared_errors(self.critics(batch.s_tm1, batch.a_tm1), y)

    @torch.no_grad()
    def q_target(self, batch: ReplayBatch) -> torch.Tensor:
        """Learning targets y[B]: values of the target critics at an action drawn from the policy in s_t."""
        a_t, log_pi_t = self.draw(batch.s_t)
        q_t = self.targets(batch.s_t, a_t)
        return soft_q_target(batch.r_t, batch.discount_t, q_t, log_pi_t, self.temperature.theta.exp())

    def draw(self, s: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Actions a[B, A] of the policy at s[B, D], of which gradients can be taken, and their log pi(a|s), [B]."""
        return self.head.draw(self.actor(s), self.normal(len(s)))

    def q(self, s: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        """Action values of both critics, [2, B]."""
        values: torch.Tensor = self.critics(s, a)
        return values

    def improve_actor(self, batch: ReplayBatch, rate: Any) -> torch.Tensor:
        """One step of the actor up the critics' values and its entropy; returns log pi(a|s), [B], of its actions."""
        a, log_pi = self.draw(batch.s_tm1)
        loss = soft_policy_loss(self.q(batch.s_tm1, a), log_pi, self.temperature.theta.exp())
        loss.backward(inputs=list(self.actor.network.parameters()))  # the critics are constants here
        self.actor.optimizer.step(rate)
        return log_pi.detach()

    def adjust_temperature(self, log_pi: torch.Tensor) -> None:
        """One step of the temperature, for an entropy -E[log pi] nearer to its target."""
        rate = self.settings.temperature_learning_rate
        if rate:
            self.temperature.flat.grad.copy_(temperature_gradient(log_pi, self.target_entropy()))
            self.temperature.optimizer.step(rate)

    def target_entropy(self) -> float:
        """The entropy that the temperature is to hold."""
        return -self.head.actions if self.settings.entropy is None else self.settings.entropy

    def policy(self) -> Perceptron:
        """The mean action, in NumPy; on a CPU it shares the actor's memory."""
        return self.head.greedy(numpy_policy(self.actor.network, "relu", self.encode))

    def begin_episodes(self) -> None:
        """A new episode in every environment; no transition crosses from the old ones into the new."""
        super().begin_episodes()
        for window in self.windows:
            window.clear()
        if self.place.tensors:
            for half in self.rollout.halves:
                self.ask(half)

    def metrics(self) -> dict[str, float]:
        """The mean loss of the critics, and the mean return of the training episodes, since the last call."""
        self.check_finite()
        return {"loss": self.losses.mean()} | self.rollout.training_return()

    def check_finite(self) -> None:
        """UserError where a loss or a weight is no finite number."""
        self.losses.check(self.updates)
        check_weights(self.updates, self.actor, self.critics, self.targets, self.temperature)

    def __init__(self, settings: SACSettings) -> None:
        super().__init__(settings, settings.threads)
        self.place = place(settings, simulated=True)
        device, tensors, _ = self.place
        self.rng = self.place.generator(settings)
        envs = self.place.envs(settings, settings.num_envs, settings.threads)
        encode = encoding(envs[0].single_observation_space, settings.observation_scale)
        self.encode, self.head = encode, SquashedGaussian(envs[0].single_action_space)
        rollouts = [Rollout(env, encode, self.head.decode) for env in envs]
        self.rollout: Any = SimulatorRollout(rollouts, device, self.check_finite) if tensors else rollouts[0]
        generator = torch.Generator().manual_seed(int(settings.seed))
        self.actor = self.make_actor(generator, device)
        self.critics, self.targets = (self.make_critics(generator, device) for _ in range(2))
        self.targets.theta.copy_(self.critics.theta)
        self.temperature = TrainedNetwork(Temperature(settings.temperature), device, self.adam)
        window = TensorWindow if tensors else NStepWindow
        self.windows = [window(1, settings.gamma, settings.reward_scale) for _ in envs]
        self.window = self.windows[0]
        replay = TensorReplay if tensors else Replay
        self.replay = replay(settings.capacity, encode.size, device, self.head.actions)
        self.losses: Any = TensorLosses(device) if tensors else Losses()
        self.update = self.place.captured(self.improve, [(self, "updates")])

    def adam(self, flat: FlatParameters) -> Adam:
        """Adam of a network's parameters."""
        return Adam(flat, capturable=self.place.tensors)

    def make_actor(self, generator: torch.Generator, device: torch.device) -> TrainedNetwork:
        """The policy's network."""
        sizes = (self.encode.size, *self.settings.hidden, self.head.outputs)
        return TrainedNetwork(perceptron(sizes, "relu", "uniform", generator), device, self.adam)

    def make_critics(self, generator: torch.Generator, device: torch.device) -> TrainedNetwork:
        """Both critics."""
        sizes = (self.encode.size + self.head.actions, *self.settings.hidden, 1)
        return TrainedNetwork(Critics(sizes, generator), device, self.adam)


class Critics(nn.Module):
    """Two action-value networks, Q_1(s, a) and Q_2(s, a), of which the smaller counts: Fujimoto et al. (2018)."""

    def __init__(self, sizes: tuple[int, ...], generator: torch.Generator) -> None:
        super().__init__()
        self.both = nn.ModuleList([perceptron(sizes, "relu", "uniform", generator) for _ in range(2)])

    def forward(self, s: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        """Q_1 and Q_2, [2, B], at s[B, D], a[B, A]."""
        x = torch.cat([s, a], dim=1)
        return torch.stack([critic(x).squeeze(1) for critic in self.both])


class Temperature(nn.Module):
    """The weight alpha of the entropy in the objective, as log alpha."""

    def __init__(self, alpha: float) -> None:
        super().__init__()
        self.log_alpha = nn.Parameter(torch.tensor(math.log(alpha)))


def train(settings: SACSettings, *, resume: Tree | None = None, clock: Clock = time.perf_counter) -> Iterator[Event]:
    """Learn; yields events and ends with Finished. `resume` is the state of an earlier Snapshot."""
    yield from loop(SAC, settings, resume, clock)
