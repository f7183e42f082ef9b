"""What REINFORCE and actor-critic share: a policy network and a value network that learn side by side.

Both are on-policy: an update learns from steps of the present policy, which are then dropped. The two algorithms, in
files of their own, differ in what they play and in what they multiply grad log pi(a_t|s_t) with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import gymnasium
import numpy as np
import torch

from baselines.algorithms.policy_gradient_settings import PolicyGradientSettings
from baselines.data.rollout import Rollout, Transition, play_episodes
from baselines.data.simulators import SimulatorRollout
from baselines.data.tensor_rollout import CHUNK, TensorEncoding, TensorRollout, counts_of, has_kernels
from baselines.maths.equations import masked_logits
from baselines.nets.distributions import head
from baselines.nets.encoding import Encoder, Encoding, MaskedEncoding
from baselines.nets.networks import Activation, numpy_policy, perceptron, to_numpy
from baselines.nets.normalisation import ReturnScale, RunningNormalizer
from baselines.nets.optim import (
    OPTIMIZERS,
    Adam,
    FlatParameters,
    GradientDescent,
    TrainedNetwork,
    check_loss,
    check_weights,
)
from baselines.nets.tensor_normalisation import TensorNormalizer, TensorReturnScale
from baselines.templates.policies import Policy
from baselines.training.capture import Captured
from baselines.training.place import PlacedLearner, TrainingPlace, place
from baselines.training.validation import training_seed
from baselines.types import Array

P = TypeVar("P")

LossParts = tuple[torch.Tensor, ...]
"""The parts of a loss, whose sum is reported."""

STATISTICS_STEPS = 2_000
"""Steps from which the first statistics come where observations or rewards are normalized."""


class ActingNetwork(TrainedNetwork):
    """A perceptron with its optimiser and, on a CPU, the same in NumPy on shared memory, which acts faster.

    Where `masks` is not 0, the last so many features say which outputs are of legal actions; the others are lowered.
    """

    def __init__(
        self,
        network: torch.nn.Sequential,
        activation: Activation,
        device: torch.device,
        optimizer: Callable[[FlatParameters], GradientDescent | Adam],
        extra: tuple[torch.nn.Parameter, ...] = (),
        masks: int = 0,
    ) -> None:
        super().__init__(network, device, optimizer, extra)
        self.activation: Activation = activation
        self.masks = masks
        self.in_numpy = self.numpy(Encoding(np.ones(1, np.float32)))

    def __call__(self, s: torch.Tensor) -> Any:
        """Outputs [B, K] at features s[B, D]."""
        outputs = self.network(s)
        return masked_logits(outputs, s[:, -self.masks :]) if self.masks else outputs

    def outputs(self, s: Any) -> Any:
        """Outputs [N, K] at features s[N, D], without a gradient; of tensors in torch."""
        if isinstance(s, torch.Tensor):
            with torch.no_grad():
                return self(s)
        if self.device.type == "cpu":
            with np.errstate(over="ignore", invalid="ignore"):  # a diverged network is reported with its update
                outputs = self.in_numpy.outputs(s)
                return masked_logits(outputs, s[:, -self.masks :]) if self.masks else outputs
        with torch.no_grad():
            return to_numpy(self(self.tensor(s)))

    def numpy(self, encode: Encoder[P]) -> P:
        """The network in NumPy, over observations that are encoded so."""
        return numpy_policy(self.network, self.activation, encode)


class PolicyGradient(PlacedLearner):
    """The policy network, theta, the value network, phi, and the environments."""

    CHECKPOINTED: ClassVar[tuple[str, ...]] = (
        *("actor", "critic", "normalizer", "return_scale"),
        *("rng", "rollout", "validation", "updates"),
    )
    settings: PolicyGradientSettings

    def update(self) -> LossParts:
        """Play, and learn from these steps; returns the parts of the loss."""
        raise NotImplementedError

    def iterate(self) -> None:
        """An update, after which the statistics that normalize observations are updated."""
        if self.updates == 0 and (self.normalizer or self.settings.normalize_rewards):
            self.collect_statistics()
        self.losses = self.update()
        if not self.place.beside:
            self.update_normalizer()
        self.updates += 1
        if not self.place.tensors:  # there it would wait for the device
            self.check_finite()

    def check_finite(self) -> None:
        """UserError where the last loss or a weight is no finite number; waits for the device."""
        check_loss(self.loss, self.updates)
        check_weights(self.updates, self.actor, self.critic)

    @property
    def loss(self) -> float:
        """The last update's loss; waits for the device."""
        return sum(float(part) for part in self.losses)

    def collect_statistics(self) -> None:
        """Play before the first update, for the statistics alone; nothing is learned from these steps."""
        played = self.play_steps(-(-STATISTICS_STEPS // self.settings.num_envs))
        self.rewards(played)
        if self.place.beside:
            self.take_observations(played)
        else:
            self.update_normalizer()

    def play_steps(self, steps: int) -> Transition:
        """The next steps of every environment, [T, N, ...], by the policy."""
        u = self.rng.random((steps, self.settings.num_envs, self.head.draws))  # at once: a draw costs time
        played: Transition = self.rollout.play(lambda s, u_t: self.choose(self.seen(s), u_t), u)
        return played

    def seen(self, s: Any) -> Any:
        """Features s[..., D] as the networks see them: those of environments beside a device are normalized there."""
        return self.normalizer(s) if self.normalizer and self.place.beside else s

    def play_episodes(self) -> Transition:
        """One whole episode of every environment, [T, N, ...], by the policy."""
        if self.place.tensors:
            played: Transition = self.rollout.play_episodes(self.choose if self.place.beside else self.chunk)
            return played
        return play_episodes(self.rollout, self.choose, training_seed(self.rng))

    def choose(self, s: Array, u: Any = None) -> Array:
        """Actions a[N] drawn from pi(.|s) at features s[N, D], from the uniforms u[N, draws] or fresh ones."""
        u = self.rng.random((len(s), self.head.draws)) if u is None else u
        with np.errstate(over="ignore", invalid="ignore"):  # a diverged network is reported with its update
            return self.head.sample(self.actor.outputs(s), u)

    def values(self, s: Array) -> Array:
        """V(s), [...], at features s[..., D]."""
        return self.critic.outputs(s.reshape(-1, s.shape[-1])).reshape(s.shape[:-1])

    def rewards(self, played: Transition) -> Array:
        """The rewards r_t[T, N] of what was played, as they are learned from."""
        if self.settings.normalize_rewards:
            valid = () if self.place.beside else (played.valid,)  # of tensors all are
            self.return_scale.add(played.r_t, played.last_t, *valid)
            return self.return_scale.factor * played.r_t
        return played.r_t * self.settings.reward_scale

    def update_normalizer(self) -> None:
        """Take the observations since the last update into the statistics.

        A known fault: the first step after an update acts on the first observation since the last reset instead of
        the newest. Most committed agents of the robots were trained so, docs/agents.md names the others; it goes when
        they are trained anew. It is not beside a device, where features are normalized as they are acted on.
        """
        if self.normalizer:
            self.normalizer.update()
            self.rollout.s_tm1 = self.normalizer.encoding(self.rollout.first_observation)

    def take_observations(self, played: Transition) -> None:
        """Take what was played beside a device into the statistics that normalize observations."""
        if self.normalizer:
            self.normalizer.update(played.s_t)

    def learning_rates(self) -> tuple[float, float]:
        """Alpha of the actor and beta of the critic at this point of the budget; both fall in proportion."""
        alpha = self.learning_rate()
        return alpha, self.settings.critic_learning_rate * alpha / self.settings.learning_rate

    def policy(self) -> Policy:
        """The deterministic policy, as an exported agent holds it."""
        encode = self.normalizer.encoding if self.normalizer else self.encode
        return self.head.greedy(self.actor.numpy(encode))

    def begin_episodes(self) -> None:
        """A new episode in every environment."""
        super().begin_episodes()
        self.return_scale.reset()

    def clock(self) -> int:
        """Updates."""
        return self.updates

    def metrics(self) -> dict[str, float]:
        """The loss of the last update, and the mean return of the training episodes since the last call."""
        if self.place.tensors:
            self.check_finite()
            self.rollout.check()
        return {"loss": self.loss} | self.rollout.training_return()

    def __init__(self, settings: PolicyGradientSettings) -> None:
        super().__init__(settings, settings.threads)
        self.place = placed(settings)
        device, tensors, _ = self.place
        self.rng = self.place.generator(settings)
        envs = self.place.envs(settings, settings.num_envs, settings.threads, **settings.env_changes())
        space, action_space = envs[0].single_observation_space, envs[0].single_action_space
        self.normalizer: Any = self.make_normalizer(space)
        self.head = head(action_space, settings.deviation, device)
        numpy_normalizer = None if self.place.beside else self.normalizer
        self.encode = encode = numpy_normalizer or settings.encoding(space, action_space)
        rollouts = [Rollout(env, encode, self.head.decode) for env in envs]
        self.rollout: Any = rollouts[0]
        if self.place.beside:
            self.rollout = SimulatorRollout(rollouts, device, self.check_finite)
        elif tensors:
            self.rollout = TensorRollout(envs[0], TensorEncoding(encode, device), self.head.decode)
        generator = torch.Generator().manual_seed(int(settings.seed))

        def optimizer(flat: FlatParameters) -> GradientDescent | Adam:
            return OPTIMIZERS[settings.optimizer](flat, capturable=tensors)

        def network(outputs: int, gain: float, *more: Any) -> ActingNetwork:
            sizes = (encode.size, *settings.hidden, outputs)
            made = perceptron(sizes, settings.activation, "orthogonal", generator, gain)
            return ActingNetwork(made, settings.activation, device, optimizer, *more)

        masks = self.head.outputs if isinstance(encode, MaskedEncoding) else 0
        self.actor = network(self.head.outputs, 0.01, self.head.parameters, masks)  # the distribution's parameters
        self.critic = network(1, 1.0)  # V(s)
        scale = settings.gamma, settings.num_envs
        self.return_scale: Any = TensorReturnScale(*scale, device) if self.place.beside else ReturnScale(*scale)
        self.losses: LossParts = ()
        self.chunk = self.captured(lambda: self.play_steps(CHUNK))

    def make_normalizer(self, space: gymnasium.Space[Any]) -> Any:
        """What normalizes observations: in NumPy, or on a device; None for nothing."""
        if not self.settings.normalize_observations:
            return None
        return TensorNormalizer(space, self.place.device) if self.place.beside else RunningNormalizer(space)

    def captured(self, function: Callable[[], Any]) -> Captured:
        """A function that learns, or plays environments of a device, captured where all its data is on a GPU."""
        return self.place.captured(function, [] if self.place.beside else counts_of(self.rollout))


def placed(settings: PolicyGradientSettings) -> TrainingPlace:
    """Where a training run computes. Environments step on the CPU where running statistics are computed."""
    normalized = normalizes(settings)
    whole = normalized and not getattr(settings, "horizon", 0)  # after an end there are steps that do not count
    simulated = normalized or not has_kernels(settings.task)
    return place(settings, "normalization of whole episodes" if whole else "", simulated=simulated)


def normalizes(settings: PolicyGradientSettings) -> bool:
    """Whether running statistics are computed."""
    return settings.normalize_observations or settings.normalize_rewards
