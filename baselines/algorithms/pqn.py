"""Parallelised Q-network (PQN): deep Q-learning without replay and without a target network.

Gallici et al. (2025), "Simplifying Deep Temporal Difference Learning", Algorithm 1, with lambda-returns. So many
environments are played at once that their newest steps are as mixed as a sample from a replay, and layer normalization
keeps the values from diverging, for which DQN has its target network.

`--preset paper` and `--preset atari-paper` have the settings of the authors' code; the others depart from them, and the
comments in `PRESETS` and in `atari_presets.py` name each departure and its source.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import torch

from baselines.algorithms import atari_presets
from baselines.data.rollout import Encode, Rollout, Transition, explored
from baselines.data.simulators import SimulatorRollout
from baselines.data.tensor_rollout import TensorEncoding, TensorRollout, counts_of
from baselines.maths.equations import q_learning_loss
from baselines.maths.estimators import lambda_return
from baselines.maths.optimisation import linear_schedule
from baselines.nets.encoding import discrete_actions, encoding, frames_shape
from baselines.nets.layer_norm_graphs import layer_norm_convolutional, layer_norm_perceptron
from baselines.nets.networks import convolutional, in_blocks, perceptron, to_numpy
from baselines.nets.optim import OPTIMIZERS, FlatParameters, Losses, TrainedNetwork, check_weights
from baselines.templates.policies import GraphPolicy
from baselines.training.loop import OnPolicySettings, loop
from baselines.training.memory import FLOAT, Need, Sizes
from baselines.training.place import PlacedLearner, place
from baselines.training.q_settings import QNetworkSettings
from baselines.types import (
    Array,
    Clock,
    Count,
    CountOrZero,
    Counts,
    NonNegative,
    Positive,
    PositiveProbability,
    Probability,
    Tree,
)

if TYPE_CHECKING:
    from baselines.nets.graph_builder import Tensors
    from baselines.templates.policies import Policy
    from baselines.training.events import Event
    from rlbench.harness.layers.graph import Graph

    MakeGraph = Callable[[torch.nn.Sequential], tuple[Graph, Tensors]]


@dataclass(frozen=True)
class PQNSettings(QNetworkSettings, OnPolicySettings):
    """Settings of a PQN training run."""

    agent: str = "pqn"
    num_envs: Count = 32
    """Environments stepped together."""
    horizon: Count = 64
    """Steps of every environment per update."""
    total_env_steps: Count = 500_000
    hidden: Counts = (256, 256)
    epsilon_end: Probability = 0.2
    epsilon_env_steps: CountOrZero = 100_000
    lambda_: Probability = 0.95
    """Lambda of the returns: 0 for one step, 1 for all of the rollout."""
    epochs: Count = 4
    """Passes over the steps that were played, per update."""
    minibatches: Count = 16
    """Minibatches of a pass, a gradient step each."""
    learning_rate: Positive = 1e-4
    learning_rate_end: Positive = 1e-20
    optimizer: Literal["radam", "adam"] = "radam"
    """Rectified Adam or plain Adam."""
    max_grad_norm: NonNegative = 10.0
    """Norm to which gradients are clipped; 0 for no clipping."""
    tau: PositiveProbability = 1.0
    """Step size of the averaged weights, which are evaluated and submitted, towards the learned ones, per gradient step
    (Polyak & Juditsky, 1992): 1 for no average."""

    def memory(self, sizes: Sizes) -> Need:
        """Bytes that each setting costs."""
        networks = 4 if self.tau == 1 else 5  # weights, gradients, Adam's two moments, and the average
        step = 2 * math.prod(sizes.shape) if self.sees_frames(sizes) else sizes.transition
        return {
            **super().memory(sizes),
            "hidden": networks * FLOAT * self.dense_parameters(sizes),
            "convolutions": networks * FLOAT * self.convolution_parameters(sizes),
            "horizon": self.horizon * self.num_envs * step,
        }


class QBatch(NamedTuple):
    """Steps to learn from, as tensors: s_tm1[B, ...], a_tm1[B], and their learning targets G_t[B]."""

    s_tm1: torch.Tensor
    a_tm1: torch.Tensor
    G_t: torch.Tensor


class PQN(PlacedLearner):
    """Algorithm 1: the network Q, and the environments."""

    CHECKPOINTED: ClassVar[tuple[str, ...]] = (
        *("updates", "q", "average_theta", "rng"),
        *("rollout", "validation", "losses"),
    )
    settings: PQNSettings

    def iterate(self) -> None:
        """An update, on a GPU as one graph; beside simulators only learning is one."""
        if self.place.beside:
            self.played = self.play()
        self.losses.add(self.update().clone())
        self.updates += 1

    def play_and_learn(self) -> torch.Tensor:
        """Play, set the targets, and take a gradient step per minibatch, in several epochs; returns the mean loss."""
        batch = self.batch(self.played if self.place.beside else self.play())
        losses = [self.learn(part) for _ in range(self.settings.epochs) for part in self.minibatches(batch)]
        return torch.stack(losses).mean() if losses else torch.zeros(())  # none where environments only reset

    def play(self) -> Transition:
        """The steps of this update, [T, N, ...]: with probability epsilon a random action, else argmax_a Q(s, a)."""
        settings, epsilon = self.settings, self.epsilon()
        u = self.rng.random((settings.horizon, settings.num_envs, 2))  # at once: a draw costs time

        def choose(s: Any, u: Any) -> Any:
            best = self.of_rollout(self.action_values(self.q.tensor(s)).argmax(dim=1))
            return explored(best, epsilon, self.actions, u)

        played: Transition = self.rollout.play(choose, u)
        return played

    def epsilon(self) -> Any:
        """Exploration in this update: it falls on a line from one update to the next, and is then constant."""
        settings, rows = self.settings, self.rollout.elapsed
        return linear_schedule(rows, settings.epsilon_start, settings.epsilon_end, settings.epsilon_env_steps)

    @torch.no_grad()
    def action_values(self, s: torch.Tensor) -> torch.Tensor:
        """Q(s, .) [B, A] at features s[B, ...], without a gradient."""
        q: torch.Tensor = self.q(s)
        return q

    def batch(self, played: Transition) -> QBatch:
        """The valid steps with their targets, which stay as they are while they are learned from."""
        columns = played.s_tm1, played.a_tm1, self.targets(played)
        return QBatch(*(self.q.tensor(played.of_valid(column)) for column in columns))

    def targets(self, played: Transition) -> Array:
        """Lambda-returns G_t[T, N] with V(s) = max_a Q(s, a), by the network that played."""
        settings = self.settings
        r_t = played.r_t.clip(*self.reward_bounds) * settings.reward_scale
        discount_t = settings.gamma * ~played.terminated
        return lambda_return(r_t, discount_t, played.last_t, self.values(played.s_t), settings.lambda_)

    def values(self, s: Array) -> Any:
        """V(s) [T, N] at features s[T, N, ...]; so many at a time, as frames of a long rollout would take gigabytes."""
        rows = self.q.tensor(s.reshape(-1, *s.shape[2:])).split(1_024)
        v = torch.cat([self.action_values(part).amax(dim=1) for part in rows])
        return self.of_rollout(v.view(s.shape[:2]))

    def minibatches(self, batch: QBatch) -> Iterator[QBatch]:
        """The batch in parts of equal size, drawn at random; none of an empty one."""
        if parts := min(self.settings.minibatches, len(batch.G_t)):
            order = self.q.tensor(self.rng.permutation(len(batch.G_t)))
            for index in order.tensor_split(parts):
                yield QBatch(*(column.index_select(0, index) for column in batch))

    def learn(self, batch: QBatch) -> torch.Tensor:
        """A gradient step on (G - Q(s, a))^2; returns the loss."""
        q_tm1 = self.q(batch.s_tm1).gather(1, batch.a_tm1.unsqueeze(1)).squeeze(1)
        loss = q_learning_loss(q_tm1, batch.G_t)
        loss.backward()
        self.q.optimizer.step(self.learning_rate(), self.settings.max_grad_norm)
        if self.settings.tau < 1:
            self.average_theta.lerp_(self.q.theta, self.settings.tau)
        return loss.detach()

    def of_rollout(self, values: torch.Tensor) -> Any:
        """Values as the rollout has them: tensors where the environments step on the device, else arrays."""
        return values if self.place.tensors else to_numpy(values)

    def policy(self) -> Policy:
        """The greedy policy, of pixels with a chance of `evaluation_epsilon` of a random action."""
        return GraphPolicy(*self.graph(self.average))

    def clock(self) -> int:
        """Updates."""
        return self.updates

    def metrics(self) -> dict[str, float]:
        """The mean loss, and the mean return of the training episodes, since the last call; waits for the device."""
        self.check_finite()
        if self.place.tensors:
            self.rollout.check()
        return {"loss": self.losses.mean()} | self.rollout.training_return()

    def check_finite(self) -> None:
        """UserError where a loss or a weight is no finite number; waits for the device."""
        self.losses.check(self.updates)
        check_weights(self.updates, self.q)

    def __init__(self, settings: PQNSettings) -> None:
        super().__init__(settings)
        self.place = place(settings)
        device, tensors, _ = self.place
        self.rng = self.place.generator(settings)
        envs = self.place.envs(settings, settings.num_envs, **{"life_loss": True} if settings.life_loss else {})
        self.actions = discrete_actions(envs[0].single_action_space)
        generator = torch.Generator().manual_seed(int(settings.seed))
        make = self._for_frames if settings.convolutions else self._for_numbers
        network, self.rollout, self.graph = make(envs, generator)
        self.average = copy.deepcopy(network).to(device) if settings.tau < 1 else network
        self.q = TrainedNetwork(network, device, lambda flat: OPTIMIZERS[settings.optimizer](flat, capturable=tensors))
        self.average_theta = FlatParameters(self.average).theta if settings.tau < 1 else self.q.theta
        self.losses = Losses()
        bound = settings.reward_clip or math.inf
        self.reward_bounds = -bound, bound
        self.update = self.place.captured(self.play_and_learn, [] if self.place.beside else counts_of(self.rollout))

    def _for_numbers(self, envs: list[Any], generator: torch.Generator) -> tuple[torch.nn.Sequential, Any, MakeGraph]:
        """Perceptron, rollout and the graph that is exported, where observations are numbers."""
        encode = encoding(envs[0].single_observation_space, self.settings.observation_scale)
        sizes = (encode.size, *self.settings.hidden, self.actions)
        network = perceptron(sizes, "relu", "orthogonal", generator, 0.01, layer_norm=True)
        if self.place.tensors and not self.place.beside:
            rollout: Any = TensorRollout(envs[0], TensorEncoding(encode, self.place.device))
        else:
            rollout = self._on_cpu(envs, encode)
        return network, rollout, lambda shown: layer_norm_perceptron(shown, encode)

    def _for_frames(self, envs: list[Any], generator: torch.Generator) -> tuple[torch.nn.Sequential, Any, MakeGraph]:
        """Convolutional network, rollout and the graph that is exported, where observations are stacked frames."""
        settings, shape = self.settings, frames_shape(envs[0].single_observation_space)
        convolutions, sizes = settings.convolutions, (*settings.hidden, self.actions)
        network = convolutional(shape, convolutions, sizes, generator, "orthogonal", layer_norm=True)
        rollout = self._on_cpu(envs, lambda observation: in_blocks(observation, convolutions[0][2]))
        return network, rollout, lambda shown: layer_norm_convolutional(shown, shape, settings.evaluation_epsilon)

    def _on_cpu(self, envs: list[Any], encode: Encode) -> Any:
        """A rollout of environments that step on the CPU, whether or not they are learned from there."""
        rollouts = [Rollout(env, encode) for env in envs]
        return SimulatorRollout(rollouts, self.place.device, self.check_finite) if self.place.beside else rollouts[0]


def train(settings: PQNSettings, *, resume: Tree | None = None, clock: Clock = time.perf_counter) -> Iterator[Event]:
    """Learn; yields events and ends with Finished. `resume` is the state of an earlier Snapshot."""
    yield from loop(PQN, settings, resume, clock)


PRESETS: dict[str, PQNSettings] = {
    # "There" is the authors' code.
    "fast": PQNSettings(
        num_envs=32,
        horizon=32,  # 64 there: targets twice as fresh
        total_env_steps=200_000,
        observation_scale=(0.5, 0.5, 5.0, 0.5),  # so that position, speeds and angle weigh alike
        reward_scale=0.03,  # so that Q is near 1 and not near 100
        hidden=(64,),  # two layers of 256 there; with two of 64 it takes twice as long until 475 is held
        lambda_=0.9,  # 0.95 there
        epochs=2,  # 4 there, each of 16 minibatches of the same size
        minibatches=8,
        optimizer="adam",  # Kingma & Ba (2015): training ends before the steps of rectified Adam are as long
        learning_rate=5e-3,
        learning_rate_end=1e-4,
        epsilon_end=0.05,  # Mnih et al. (2015) play with as much; 0.2 there
        epsilon_env_steps=10_000,
        eval_every_updates=4,
    ),
    # The settings of the authors' code for cart-pole, `pqn_cartpole.yaml`.
    "paper": PQNSettings(agent="pqn-paper", reward_scale=0.1),
    **{name: PQNSettings(**settings) for name, settings in atari_presets.PQN.items()},
}
