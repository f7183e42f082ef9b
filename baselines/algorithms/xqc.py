"""XQC: soft actor-critic whose critics are batch-normalized, have weights of unit length and predict distributions.

Palenicek et al. (2025), "XQC: well-conditioned optimization accelerates deep reinforcement learning", and the code of
its authors. This file is the difference to `soft_actor_critic`; each of the three parts can be switched off, and
without any of them, with SAC's settings, the weights are SAC's bit for bit.

Batch normalization needs the actions of the replay and those of the policy in one batch: else the critics would be
asked about actions that their statistics know nothing of. So both pass the critics, and the targets, together: Bhatt et
al. (2024), "CrossQ: batch normalization in deep reinforcement learning for greater sample efficiency and simplicity".

The comments in `PRESETS` name what departs from the paper.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from baselines.algorithms.soft_actor_critic import SAC, SACSettings
from baselines.data.replay import ReplayBatch
from baselines.data.rollout import Transition
from baselines.maths.categorical import (
    atoms,
    cross_entropies,
    expected_value,
    lower_distribution,
    project,
    soft_return_atoms,
)
from baselines.maths.equations import soft_q_target, squared_errors
from baselines.nets.batch_norm import NormalizedNetwork, batch_norm_perceptron, by_batch, folded
from baselines.nets.networks import perceptron
from baselines.nets.normalisation import ReturnScale
from baselines.nets.tensor_normalisation import TensorReturnScale
from baselines.nets.weight_norm import ProjectedAdam
from baselines.training.loop import loop
from baselines.training.memory import FLOAT, Need, Sizes, parameters
from baselines.types import Clock, Count, Counts, NonNegative, Positive, TaskName, Tree
from rlbench.errors import UserError

if TYPE_CHECKING:
    from baselines.templates.agent_template import Perceptron
    from baselines.training.events import Event

Pair = tuple[torch.Tensor, torch.Tensor]
"""Observations s[B, D] and actions a[B, A]."""


@dataclass(frozen=True)
class XQCSettings(SACSettings):
    """Settings of a training run of XQC."""

    task: TaskName = "half-cheetah-gymnasium@1"
    agent: str = "xqc"
    batch_norm: bool = True
    """Whether actor and critics are batch-normalized."""
    weight_norm: bool = True
    """Whether the weights of every unit of actor and critics have length 1."""
    categorical: bool = True
    """Whether critics predict the distribution of the return (cross-entropy) instead of its mean (squared errors)."""
    normalize_rewards: bool = True
    """Whether rewards are divided by the running standard deviation of their discounted sum."""
    atoms: Count = 101
    """Number of values in the support of the distribution."""
    max_value: Positive = 5.0
    """Largest of these values; the smallest is its negative."""
    critic_hidden: Counts = ()
    """Widths of the hidden layers of the critics; none for those of the actor."""
    learning_rate: Positive = 3e-4
    learning_rate_end: Positive = 3e-5
    warmup: Count = 5_000
    actor_every: Count = 3
    temperature: Positive = 0.01
    temperature_learning_rate: NonNegative = 3e-4

    def check(self) -> None:
        """UserError for a setting that makes no sense, naming it."""
        super().check()
        if self.batch_norm and self.batch_size < 2:
            raise UserError(f"batch_size={self.batch_size} has no variance for batch_norm; give 2 or more")
        if self.atoms < 2:
            raise UserError(f"atoms={self.atoms} are no range of values; give 2 or more")

    def widths(self) -> tuple[int, ...]:
        """Widths of the critics' hidden layers."""
        return self.critic_hidden or self.hidden

    def outputs(self) -> int:
        """K, the number of outputs of a critic."""
        return self.atoms if self.categorical else 1

    def memory(self, sizes: Sizes) -> Need:
        """Bytes that each setting costs."""
        actor = parameters((sizes.features, *self.hidden, 2 * sizes.actions))
        critic = parameters((sizes.features + sizes.actions, *self.widths(), self.outputs()))
        batch = sizes.transition + FLOAT * (sum(self.hidden) + 4 * sum(self.widths()))  # two critics of two actions
        return {
            **super().memory(sizes),
            "hidden": FLOAT * 4 * actor,
            "critic_hidden" if self.critic_hidden else "atoms": FLOAT * 10 * critic,
            "batch_size": self.batch_size * (batch + FLOAT * 4 * self.outputs()),
        }


class XQC(SAC):
    """SAC with other critics, and rewards that are scaled as they are learned from."""

    CHECKPOINTED: ClassVar[tuple[str, ...]] = (*SAC.CHECKPOINTED, "return_scale")
    settings: XQCSettings
    actor: NormalizedNetwork
    critics: NormalizedNetwork
    targets: NormalizedNetwork

    def step(self) -> Transition:
        """A step of all environments, whose rewards the scale takes note of."""
        transition = super().step()
        if self.settings.normalize_rewards:
            self.return_scale.add(transition.r_t[None], transition.last_t[None], transition.valid[None])
        return transition

    def note(self, transition: Transition, rows: slice) -> None:
        """Take note of the rewards of some environments, on a device."""
        if self.settings.normalize_rewards:
            self.return_scale.add(transition.r_t[None], transition.last_t[None], rows)

    def sample(self) -> ReplayBatch:
        """A minibatch drawn from the replay, its rewards in the present scale."""
        batch = super().sample()
        if not self.settings.normalize_rewards:
            return batch
        factor = self.return_scale.factor
        return batch._replace(r_t=batch.r_t * (factor if self.place.tensors else float(factor)))

    def critic_loss(self, batch: ReplayBatch) -> torch.Tensor:
        """The errors of both critics about the distribution of the return, or about its mean; a scalar."""
        with torch.no_grad():
            a_t, log_pi_t = self.draw(batch.s_t)
            tm1, t = (batch.s_tm1, batch.a_tm1), (batch.s_t, a_t)
            outputs_t = self.outputs(self.targets, t, beside=tm1)
        outputs_tm1 = self.outputs(self.critics, tm1, beside=t)
        alpha = self.temperature.theta.exp()
        if self.settings.categorical:
            y = soft_return_atoms(batch.r_t, batch.discount_t, self.z, log_pi_t, alpha)
            return cross_entropies(outputs_tm1, project(lower_distribution(outputs_t, self.z), y, self.z))
        y = soft_q_target(batch.r_t, batch.discount_t, outputs_t.squeeze(2), log_pi_t, alpha)
        return squared_errors(outputs_tm1.squeeze(2), y)

    def outputs(self, critics: NormalizedNetwork, at: Pair, beside: Pair) -> torch.Tensor:
        """Outputs [2, B, K] of critics, normalized by what is in `at` and `beside` together."""
        outputs: torch.Tensor
        if not self.settings.batch_norm:
            outputs = critics(*at)
            return outputs
        s, a = (torch.cat(both) for both in zip(at, beside, strict=True))
        with by_batch(critics):
            outputs = critics.network(s, a, rows=len(at[0]))
        return outputs

    def improve_actor(self, batch: ReplayBatch, rate: Any) -> torch.Tensor:
        """One step of the actor, normalized by the batch, as of SAC; the critics use their running averages."""
        with by_batch(self.actor):
            return super().improve_actor(batch, rate)

    def q(self, s: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        """Action values of both critics, [2, B]."""
        outputs: torch.Tensor = self.critics(s, a)
        return expected_value(outputs, self.z) if self.settings.categorical else outputs.squeeze(2)

    def target_entropy(self) -> float:
        """The entropy that the temperature is to hold, by default half of SAC's."""
        return super().target_entropy() / (2 if self.settings.entropy is None else 1)

    def policy(self) -> Perceptron:
        """The mean action, in NumPy: a copy without normalization."""
        return self.head.greedy(self.encode.policy(folded(self.actor.network), "relu"))

    def begin_episodes(self) -> None:
        """A new episode in every environment."""
        super().begin_episodes()
        self.return_scale.reset()

    def __init__(self, settings: XQCSettings) -> None:
        super().__init__(settings)
        scale = settings.gamma, settings.num_envs
        self.return_scale: Any = (
            TensorReturnScale(*scale, self.place.device) if self.place.tensors else ReturnScale(*scale)
        )
        self.z = atoms(-settings.max_value, settings.max_value, settings.atoms, self.actor.device)

    def make_actor(self, generator: torch.Generator, device: torch.device) -> NormalizedNetwork:
        """The policy's network."""
        sizes = (self.encode.size, *self.settings.hidden, self.head.outputs)
        network = self.make_perceptron(sizes, generator)
        return NormalizedNetwork(network, device, self.optimizer([network]))

    def make_critics(self, generator: torch.Generator, device: torch.device) -> NormalizedNetwork:
        """Both critics."""
        inputs = self.encode.size + self.head.actions
        sizes = (inputs, *self.settings.widths(), self.settings.outputs())
        both = [self.make_perceptron(sizes, generator) for _ in range(2)]
        return NormalizedNetwork(NormalizedCritics(both), device, self.optimizer(both))

    def make_perceptron(self, sizes: tuple[int, ...], generator: torch.Generator) -> nn.Sequential:
        """A perceptron, batch-normalized or not; without any normalization, as of SAC."""
        if self.settings.batch_norm:
            return batch_norm_perceptron(sizes, generator)
        init = "orthogonal" if self.settings.weight_norm else "uniform"
        return perceptron(sizes, "relu", init, generator)

    def optimizer(self, networks: list[nn.Sequential]) -> Any:
        """What makes an optimizer of the parameters of these networks."""
        if not self.settings.weight_norm:
            return self.adam
        return partial(ProjectedAdam, networks=networks, capturable=self.place.tensors)


class NormalizedCritics(nn.Module):
    """Two critics of the same sizes, of whose values the smaller counts: Fujimoto et al. (2018)."""

    def __init__(self, both: list[nn.Sequential]) -> None:
        super().__init__()
        self.both = nn.ModuleList(both)

    def forward(self, s: torch.Tensor, a: torch.Tensor, rows: int | None = None) -> torch.Tensor:
        """Outputs [2, rows, K] of the first rows of s[B, D], a[B, A]; hidden layers see all."""
        x = torch.cat([s, a], dim=1)
        return torch.stack([critic[-1](critic[:-1](x)[:rows]) for critic in self.both])


def train(settings: XQCSettings, *, resume: Tree | None = None, clock: Clock = time.perf_counter) -> Iterator[Event]:
    """Learn; yields events and ends with Finished. `resume` is the state of an earlier Snapshot."""
    yield from loop(XQC, settings, resume, clock)


PRESETS: dict[str, XQCSettings] = {
    "fast": XQCSettings(  # two hidden layers of 256 and one update a step, as of SAC
        capacity=200_000,
        learning_rate=1e-3,  # to turn weights as far as the paper does in as many steps, by twice the updates
        learning_rate_end=1e-4,
        actor_every=1,  # as of SAC; the paper's two updates a step move the actor in two steps of three
    ),
    "paper": XQCSettings(
        agent="xqc-paper",
        total_env_steps=1_000_000,
        hidden=(256,) * 4,
        critic_hidden=(512,) * 4,
        updates_per_step=2,
    ),
}
