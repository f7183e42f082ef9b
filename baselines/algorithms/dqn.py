"""Deep Q-network: Q-learning with a network, made stable by replaying past transitions.

Mnih et al. (2013), "Playing Atari with Deep Reinforcement Learning", Algorithm 1. `--preset lecture` is that algorithm
as it stands; the others depart from it, and the comments in `dqn_settings.py` and `atari_presets.py` name each
departure and its source.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from baselines.algorithms.dqn_settings import PRESETS, DQNSettings
from baselines.data.frame_replay import FrameReplay
from baselines.data.replay import NStepWindow, Replay, ReplayBatch, TensorReplay, TensorWindow
from baselines.data.rollout import Rollout, Transition, epsilon_greedy
from baselines.data.sent_frames import SentFrameReplay, StoringRollout
from baselines.data.simulators import Half, SimulatorRollout
from baselines.data.tensor_rollout import TensorEncoding, TensorRollout, counts_of
from baselines.maths.equations import clipped_q_learning_loss, double_q_value, q_learning_loss, q_learning_target
from baselines.maths.optimisation import linear_schedule
from baselines.nets.encoding import discrete_actions, encoding, frames_shape
from baselines.nets.networks import convolutional, numpy_pixel_policy, numpy_policy, perceptron
from baselines.nets.optim import Adam, FlatParameters, FusedAdam, Losses, TensorLosses, TrainedNetwork, check_weights
from baselines.training.loop import loop
from baselines.training.place import PlacedLearner, place
from baselines.types import Array, Clock, Tree

if TYPE_CHECKING:
    from baselines.templates.policies import Policy
    from baselines.training.events import Event

__all__ = ["DQN", "PRESETS", "DQNSettings", "train"]


class DQN(PlacedLearner):
    """Algorithm 1: the network Q, the replay memory D, and the environments."""

    CHECKPOINTED: ClassVar[tuple[str, ...]] = (
        *("updates", "online", "target_theta", "replay", "rng", "rollout", "validation", "losses"),
    )

    def iterate(self) -> None:
        """The body of Algorithm 1's inner loop, for every environment at once; on a GPU as one graph."""
        if self.place.beside:
            self.iterate_beside()
            return
        if self.place.tensors:  # where each step is a transition of every environment, so that all is known beforehand
            stores, num_envs = self.window.fills, self.settings.num_envs
            learns = self.learns(self.rollout.rows + num_envs, len(self.replay) + stores * num_envs)
            self.step(stores, learns, learns and self.moves_target())
            return
        self.act()
        if self.learns(self.rollout.rows, len(self.replay)):
            self.learn(self.moves_target())

    def iterate_beside(self) -> None:
        """A step of each half of the environments, and the update that may follow.

        Actions of two halves are asked for before the update, so that the device learns while the CPU steps; that of a
        single batch after it, as in Algorithm 1.
        """
        halves = self.rollout.halves
        for half, window in zip(halves, self.windows, strict=True):
            transition = self.rollout.step(half)
            if not self.settings.convolutions:  # else it is stored already
                self.store(transition, window)
            if len(halves) > 1:
                self.ask(half)
        if self.learns(self.rollout.rows, len(self.replay)):
            self.update(self.moves_target())
        if len(halves) == 1:
            self.ask(halves[0])

    def ask(self, half: Half) -> None:
        """Ask for the next actions of some environments; where these show frames, for the best, explored later."""
        half.ask(self.greedy(half.s_tm1) if self.settings.convolutions else self.explore(half.s_tm1))

    def store(self, transition: Transition, window: Any) -> None:
        """Store the transitions that a step completes."""
        if transitions := window.push(transition):
            self.replay.add(transitions)

    def store_frames(self, transition: Transition, window: Any) -> None:
        """The same of a half of the environments; the last one's step brings the sample to learn from, too."""
        self.store(transition, window)
        if window is self.windows[-1] and self.learns(self.rollout.rows, len(self.replay)):
            self.replay.draw_next(self.rng)

    def act_and_learn(self, stores: bool, learns: bool, moves_target: bool) -> None:
        """A step of all environments and the update that may follow; `stores` says what `window.push` will do."""
        self.act()
        if learns:
            self.learn(moves_target)

    def learns(self, rows: int, stored: int) -> bool:
        """Whether an update is due after so many rows, with so many transitions in D."""
        settings = self.settings
        due = rows % settings.update_every_env_steps < settings.num_envs  # it passed a multiple
        return due and stored >= settings.warmup

    def moves_target(self) -> bool:
        """Whether the target network moves before the next update."""
        period = self.settings.target_update_period
        return bool(period) and self.updates % period == 0

    def act(self) -> None:
        """With probability epsilon a random action, else argmax_a Q(s, a); store the transition in D."""
        self.store(self.rollout.step(self.explore(self.rollout.s_tm1)), self.window)

    def explore(self, s: Any) -> Any:
        """Actions a[N] at encoded observations s[N, ...]: the best, each with probability epsilon one at random."""
        return self.explored(self.greedy(s), self.rollout.elapsed)

    def explored(self, best: Any, elapsed: Any) -> Any:
        """The actions best[N] after so many rows, each replaced with probability epsilon by one at random."""
        settings = self.settings
        epsilon = linear_schedule(elapsed, settings.epsilon_start, settings.epsilon_end, settings.epsilon_env_steps)
        return epsilon_greedy(best, epsilon, self.actions, self.rng)

    @torch.no_grad()
    def greedy(self, s: Any) -> Any:
        """The best actions argmax_a Q(s, a), a[N], at encoded observations s[N, ...].

        Not in NumPy: its matrix product of 128 rows takes all cores, and on a busy machine waits 100 times longer for
        them than it computes; PyTorch keeps to `threads`.
        """
        best = self.online(self.replay.network_input(s)).argmax(dim=1)
        return best if self.place.tensors else best.cpu().numpy()

    def learn(self, moves_target: bool) -> None:
        """Sample a minibatch from D, set y, and take a gradient step on (y - Q(s, a))^2."""
        settings = self.settings
        if moves_target:
            self.target_theta.lerp_(self.online.theta, settings.tau)  # not in Algorithm 1: Mnih et al. (2015)
        batch = self.replay.sample(settings.batch_size, self.rng)
        target_tm1 = self.td_target(batch)
        q_tm1 = self.online(batch.s_tm1).gather(1, batch.a_tm1.unsqueeze(1)).squeeze(1)
        if settings.error_clip:
            loss = clipped_q_learning_loss(q_tm1, target_tm1, settings.error_clip)
        else:
            loss = q_learning_loss(q_tm1, target_tm1)
        loss.backward()
        self.online.optimizer.step(self.learning_rate())
        self.updates += 1
        self.losses.add(loss)

    @torch.no_grad()
    def td_target(self, batch: ReplayBatch) -> torch.Tensor:
        """Learning targets y[B]: r where s_t is terminal, else r + gamma max_a' Q(s_t, a')."""
        q_t = (self.target if self.settings.target_update_period else self.online)(batch.s_t)
        value = double_q_value(q_t, self.online(batch.s_t)) if self.settings.double_q else q_t.amax(dim=1)
        return q_learning_target(batch.r_t, batch.discount_t, value)

    def policy(self) -> Policy:
        """The greedy policy of the target network or the online one, as `submit` says."""
        settings = self.settings
        of_target = settings.target_update_period and settings.submit == "target"
        network = self.target if of_target else self.online.network
        if settings.convolutions:
            block = settings.convolutions[0][2]
            return numpy_pixel_policy(network, block, settings.evaluation_epsilon, self.updates)
        return numpy_policy(network, "relu", self.encode)

    def begin_episodes(self) -> None:
        """A new episode in every environment; no transition crosses from the old ones into the new."""
        for window in self.windows:
            window.clear()
        self.replay.clear()
        super().begin_episodes()
        if self.place.beside:
            for half in self.rollout.halves:
                self.ask(half)

    def metrics(self) -> dict[str, float]:
        """The mean loss, and the mean return of the training episodes, since the last call."""
        self.check_finite()
        if self.place.tensors:
            self.rollout.check()
        return {"loss": self.losses.mean()} | self.rollout.training_return()

    def check_finite(self) -> None:
        """UserError where a loss or a weight is no finite number."""
        self.losses.check(self.updates)
        check_weights(self.updates, self.online)

    def __init__(self, settings: DQNSettings) -> None:
        super().__init__(settings)
        self.place = place(settings, simulated=bool(settings.convolutions))
        device, tensors, _ = self.place
        frames_beside = self.place.beside and settings.convolutions  # whose replay the CPU keeps account of
        self.rng = np.random.default_rng(settings.seed) if frames_beside else self.place.generator(settings)
        envs = self.place.envs(settings, settings.num_envs, **{"life_loss": True} if settings.life_loss else {})
        self.actions = discrete_actions(envs[0].single_action_space)
        generator = torch.Generator().manual_seed(int(settings.seed))
        window = settings.n_step, settings.gamma, settings.reward_scale, settings.reward_clip
        make_window = TensorWindow if tensors and not frames_beside else NStepWindow
        self.windows: list[Any] = [make_window(*window) for _ in envs]
        self.window = self.windows[0]
        make = self._for_frames if settings.convolutions else self._for_numbers
        online, target, self.replay, self.rollout = make(envs, generator, device)
        self.online = TrainedNetwork(online, device, self._optimizer)
        self.target = target.to(device)
        self.target_theta = FlatParameters(self.target).theta
        self.target_theta.copy_(self.online.theta)
        self.losses: Any = TensorLosses(device) if tensors else Losses()
        updates = (self, "updates")
        if self.place.beside:
            self.update = self.place.captured(self.learn, [updates])
        else:
            counters = [*counts_of(self.rollout), updates, (self.window, "pushed"), (self.replay, "added")]
            self.step = self.place.captured(self.act_and_learn, counters)

    def _optimizer(self, flat: FlatParameters) -> Adam:
        if self.settings.convolutions:
            return FusedAdam(flat, self.settings.adam_epsilon, capturable=self.place.tensors)
        return Adam(flat, self.settings.adam_epsilon, capturable=self.place.tensors)

    def _for_numbers(self, envs: list[Any], generator: torch.Generator, device: torch.device) -> tuple[Any, ...]:
        """Online and target perceptron, replay and rollout, where observations are numbers."""
        encode = self.encode = encoding(envs[0].single_observation_space, self.settings.observation_scale)
        sizes = (encode.size, *self.settings.hidden, self.actions)
        networks = [perceptron(sizes, "relu", "uniform", generator) for _ in range(2)]
        replay = (TensorReplay if self.place.tensors else Replay)(self.settings.capacity, encode.size, device)
        rollouts = [Rollout(env, encode) for env in envs]
        if self.place.beside:
            return *networks, replay, SimulatorRollout(rollouts, device, self.check_finite)
        if self.place.tensors:
            return *networks, replay, TensorRollout(envs[0], TensorEncoding(encode, device))
        return *networks, replay, rollouts[0]

    def _for_frames(self, envs: list[Any], generator: torch.Generator, device: torch.device) -> tuple[Any, ...]:
        """Online and target convolutional network, replay and rollout, where observations are stacked frames."""
        shape, convolutions = frames_shape(envs[0].single_observation_space), self.settings.convolutions
        sizes = (*self.settings.hidden, self.actions)
        networks = [convolutional(shape, convolutions, sizes, generator) for _ in range(2)]
        size = self.settings.capacity, shape, convolutions[0][2], device
        if self.place.beside:
            return *networks, *self._frames_beside(envs, SentFrameReplay(*size, self.settings.batch_size))
        replay = FrameReplay(*size)
        encode = replay.encoder()
        return *networks, replay, Rollout(envs[0], encode, encode_first=encode.first)

    def _frames_beside(self, envs: list[Any], replay: SentFrameReplay) -> tuple[SentFrameReplay, SimulatorRollout]:
        """The replay, and the rollout of environments that step beside the device that has it."""

        def explore(best: Array) -> Array:
            a: Array = self.explored(best, self.rollout.rows)
            return a

        stores = [partial(self.store_frames, window=window) for window in self.windows]
        rollouts = [
            StoringRollout(env, replay.encoder(), explore, store) for env, store in zip(envs, stores, strict=True)
        ]
        return replay, SimulatorRollout(rollouts, replay.device, self.check_finite, replay.send)


def train(settings: DQNSettings, *, resume: Tree | None = None, clock: Clock = time.perf_counter) -> Iterator[Event]:
    """Learn; yields events and ends with Finished. `resume` is the state of an earlier Snapshot."""
    yield from loop(DQN, settings, resume, clock)
