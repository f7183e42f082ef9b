"""Recurrent attention: image classification from a few small glimpses, whose locations are learned.

Mnih, Heess, Graves & Kavukcuoglu (2014), "Recurrent models of visual attention". Every image of the training split is
visited once per epoch, whole batches of episodes at once. The loss is the paper's hybrid: cross-entropy of the class
given at the end, whose gradient runs back through core and glimpse networks; REINFORCE for the locations, with a
baseline that learns to expect the reward. A location that was drawn is a constant: no gradient runs through it.

Departures from the paper, each with its setting: Adam and half a cosine in place of momentum and random search
(`learning_rate`); a hidden layer in the location network (`location_hidden`); training images displaced by a few
pixels (`displacement`); a deviation that narrows (`deviation_end`); class logits also taught after earlier glimpses,
ever less (`early`); a location credited with the information that later glimpses gained (`reward`, `foresight`); the
weights with the best validation accuracy are kept. No preset has warm restarts (`cycles`: Loshchilov & Hutter, 2017) or
averages weights (`tau`: Polyak & Juditsky, 1992). 5,000 images are the validation split and not trained on. As in the
paper the location network and the baseline pass no gradient on to the core.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch

from baselines.algorithms.recurrent_attention_settings import PRESETS, RecurrentAttentionSettings
from baselines.data.glimpses import glimpses
from baselines.maths.equations import (
    baseline_loss,
    classification_loss,
    gaussian_log_prob,
    information_gain,
    location_loss,
)
from baselines.maths.estimators import discounted_reward_to_go
from baselines.maths.optimisation import linear_schedule, warm_restarts
from baselines.nets.optim import Adam, FlatParameters, TrainedNetwork, check_loss
from baselines.nets.recurrent_attention import RecurrentAttention
from baselines.templates import glimpse_template
from baselines.training.capture import Captured
from baselines.training.events import Event
from baselines.training.image_validation import ImageValidation, images_of, make_env
from baselines.training.loop import loop
from baselines.training.place import PlacedLearner, place
from baselines.training.validation import training_seed
from baselines.types import Clock, Tree
from rlbench.errors import UserError

__all__ = ["PRESETS", "RecurrentAttentionLearner", "RecurrentAttentionSettings", "train"]


class GlimpseEpisodes(NamedTuple):
    """A batch of B episodes of T glimpses, for the loss."""

    h_t: torch.Tensor  # [T, B, H]
    mu_t: torch.Tensor  # [T - 1, B, 2], means of the locations that were chosen
    l_t: torch.Tensor  # [T - 1, B, 2], those locations
    label: torch.Tensor  # int64[B]


class HybridLoss(NamedTuple):
    """The parts of the hybrid loss, whose sum is minimised, and the reward R[B]."""

    classification: torch.Tensor
    location: torch.Tensor
    baseline: torch.Tensor
    R: torch.Tensor


class RecurrentAttentionLearner(PlacedLearner):
    """The model, its optimiser, and the environments that it takes glimpses in."""

    CHECKPOINTED: ClassVar[tuple[str, ...]] = (
        *("model", "average_theta", "rng", "validation", "epoch", "updates", "plotted"),
    )
    settings: RecurrentAttentionSettings

    def iterate(self) -> None:
        """An epoch: every training image once; the first few twice, to fill the last batch."""
        if not self.place.tensors:  # there streams go on from one snapshot to the next
            self.env.reset(seed=training_seed(self.rng))
        for images in self.batches(self.rng.permutation(self.images)):
            if self.place.tensors:
                self.batch.copy_(images)
                self.captured_update()
            else:
                self.update(images)
        self.epoch += 1
        if self.place.tensors:
            self.counts[0] += 1

    def batches(self, order: Any) -> Any:
        """The images in this order, from the beginning again where they end, [updates, B]."""
        shape = self.updates_per_epoch, self.settings.batch_size
        if not self.place.tensors:
            return np.resize(order, shape)
        return order.repeat(1 + math.prod(shape) // len(order))[: math.prod(shape)].view(shape)

    def update(self, images: Any) -> None:
        """Look at a batch of images, guess, and take one step down the hybrid loss."""
        losses = self.hybrid_loss(self.play(images))
        loss = losses.classification
        if self.settings.locations == "learned":
            loss = loss + losses.location + losses.baseline
        loss.backward()
        self.model.optimizer.step(self.alpha)
        self.average_theta.lerp_(self.model.theta, self.settings.tau)
        self.updates += 1
        if self.place.tensors:
            self.counts[1] += 1
        self.plot(losses.classification.detach(), losses.baseline.detach(), losses.R.mean())

    def plot(self, *values: torch.Tensor) -> None:
        """Keep values for the learning curve: on a device their sums, and of how many updates."""
        if self.place.tensors:
            self.plotted += torch.stack((*values, torch.ones_like(values[0])))
        else:
            self.plotted.append([value.item() for value in values])

    def play(self, images: Any) -> GlimpseEpisodes:
        """An episode of each of the images [B], at locations drawn around the means; keeps the states' gradient.

        An image displaced by delta is the same as a glimpse that falls at l + delta while the model believes l.
        """
        network, B = self.model.network, len(images)
        delta = self.settings.displacement * self.glimpses.uniform(B, 2)
        seen, location = self.glimpses.begin(images), torch.zeros_like(delta)
        h, h_t, mu_t, l_t = None, [], [], []
        for t in range(self.num_glimpses):
            h = network.look(h, seen.rho_t, seen.l_t - delta)
            h_t.append(h)
            if t < self.num_glimpses - 1:
                mu_t.append(network.location_network(h.detach()))
                l_t.append(self.draw_locations(mu_t[-1].detach()))
                location = (l_t[-1] + delta).clamp(-1.0, 1.0)
            seen = self.glimpses.step(location)
        moved = (torch.stack(mu_t), torch.stack(l_t)) if l_t else [torch.zeros(0, B, 2)] * 2
        return GlimpseEpisodes(torch.stack(h_t), *moved, self.glimpses.label)

    def draw_locations(self, mu: torch.Tensor) -> torch.Tensor:
        """Where to look next, [B, 2]: around the means mu[B, 2], or as `locations` says.

        Raises:
            UserError: where a mean is no finite number; on a device that is found when the loss is read.
        """
        if self.settings.locations == "random":
            return self.glimpses.uniform(*mu.shape)
        if self.settings.locations == "centre":
            return torch.zeros_like(mu)
        if not self.place.tensors and not mu.isfinite().all():
            raise UserError(f"a location became {mu.sum()} at update {self.updates}; try a lower learning rate")
        return mu + self.sigma * self.glimpses.normal(*mu.shape)

    def hybrid_loss(self, played: GlimpseEpisodes) -> HybridLoss:
        """Cross-entropy, REINFORCE and the baseline's error on a batch of episodes.

        The reward R is 1 where the most likely class is right, as the environment gives it. A single glimpse chooses
        no location, and so has no loss for one.
        """
        network, settings = self.model.network, self.settings
        logits_t = network.action_network(played.h_t)
        classification = classification_loss(logits_t[-1], played.label)
        R = (logits_t[-1].detach().argmax(dim=1) == played.label).float()
        if self.num_glimpses == 1:
            none = torch.zeros_like(classification)
            return HybridLoss(classification, none, none, R)
        if settings.early:
            classification = classification + self.early * classification_loss(logits_t[:-1], played.label)
        G_t = R if settings.reward == "correct" else credit(logits_t.detach(), played.label, settings.foresight)
        b_t = network.baseline(played.h_t[:-1].detach()).squeeze(-1)
        log_sigma = self.sigma.log() if self.place.tensors else torch.tensor(math.log(self.sigma))
        log_pi_t = gaussian_log_prob(played.l_t, played.mu_t, log_sigma)
        return HybridLoss(classification, location_loss(log_pi_t, G_t, b_t), baseline_loss(b_t, G_t), R)

    @property
    def elapsed(self) -> Any:
        """Epochs and updates so far, for schedules; a tensor where a device counts them."""
        return self.counts if self.place.tensors else (self.epoch, self.updates)

    def restore(self, state: Tree) -> None:
        """Go on from `state()`."""
        super().restore(state)
        if self.place.tensors:
            self.counts[0].fill_(self.epoch)
            self.counts[1].fill_(self.updates)

    @property
    def sigma(self) -> Any:
        """Deviation of the locations at this point of the budget."""
        settings = self.settings
        return linear_schedule(self.elapsed[0], settings.deviation, settings.deviation_end, settings.epochs)

    @property
    def early(self) -> Any:
        """Weight of the cross-entropy after earlier glimpses at this point of the budget."""
        return linear_schedule(self.elapsed[0], self.settings.early, 0.0, self.settings.epochs)

    @property
    def alpha(self) -> Any:
        """Learning rate at this point of the budget."""
        updates = self.settings.epochs * self.updates_per_epoch
        return warm_restarts(self.elapsed[1], self.settings.learning_rate, updates, self.settings.cycles)

    def policy(self) -> glimpse_template.RecurrentAttention:
        """The averaged model as an exported agent holds it; on a CPU it shares the network's memory."""
        weights = {name: p.detach().cpu().numpy() for name, p in self.average.named_parameters()}
        used = {name: array for name, array in weights.items() if not name.startswith("baseline")}
        return glimpse_template.RecurrentAttention(used, self.settings.locations)

    def metrics(self) -> dict[str, float]:
        """Means over the updates since the last call; UserError where a loss is no finite number."""
        if self.place.tensors:
            *sums, number = self.plotted.cpu().tolist()
            classification, baseline, R = (each / number for each in sums)
            self.plotted.zero_()
        else:
            classification, baseline, R = torch.tensor(self.plotted).mean(dim=0).tolist()
            self.plotted.clear()
        check_loss(classification, self.updates)
        if self.place.tensors:
            self.env.unwrapped.check()
        return {"loss": classification, "baseline loss": baseline, "training error": 100 * (1 - R)}

    def clock(self) -> int:
        """Epochs."""
        return self.epoch

    def progress(self) -> float:
        """The part of the budget that is spent."""
        return self.epoch / self.settings.epochs

    @property
    def env_steps(self) -> int:
        """Glimpses so far, over all environments."""
        return self.updates * self.settings.batch_size * self.num_glimpses

    def begin_episodes(self) -> None:
        """Seed the environments of a device; every batch of images begins episodes of its own."""
        if self.place.tensors:
            self.env.reset(seed=training_seed(self.rng))

    def close(self) -> None:
        """Close the environments."""
        self.env.close()
        self.validation.close()

    def __init__(self, settings: RecurrentAttentionSettings) -> None:
        self.settings, self.place = settings, place(settings)
        device, tensors, _ = self.place
        changes = self.place.env_arguments(settings)
        self.env: Any = make_env(settings.task, "train", settings.batch_size, settings.glimpses, **changes)
        patches = self.env.single_observation_space["patches"]
        classes = int(self.env.single_action_space["label"].n)
        sizes = settings.width, settings.state, settings.location_hidden
        network, average = (RecurrentAttention(math.prod(patches.shape), classes, *sizes) for _ in range(2))
        network.draw(torch.Generator().manual_seed(int(settings.seed)))
        self.model = TrainedNetwork(network, device, lambda flat: Adam(flat, capturable=tensors))
        self.average = average.to(device)
        self.average_theta = FlatParameters(self.average).theta
        self.average_theta.copy_(self.model.theta)
        self.rng = self.place.generator(settings)
        self.validation = ImageValidation(settings.task, settings.glimpses)
        self.num_glimpses: int = self.env.unwrapped.params.glimpses
        self.glimpses = glimpses(self.env, self.place, self.rng)
        self.images = images_of(self.env)
        self.updates_per_epoch = -(-self.images // settings.batch_size)
        self.epoch = self.updates = 0
        self.plotted: Any = []  # losses and rewards, for the learning curve
        if tensors:
            self.counts, self.plotted = (torch.zeros(n, dtype=torch.float64, device=device) for n in (2, 4))
            self.batch = torch.zeros(settings.batch_size, dtype=torch.int64, device=device)
        self.captured_update = Captured(lambda: self.update(self.batch), device, [(self, "updates")])


def credit(logits_t: torch.Tensor, label: torch.Tensor, foresight: float) -> torch.Tensor:
    """Rewards-to-go of the locations, [T - 1, B]: the discounted information gained by this glimpse and later ones."""
    r_t = information_gain(logits_t, label)
    last_t = torch.zeros_like(r_t, dtype=torch.bool)
    last_t[-1] = True
    return discounted_reward_to_go(r_t.double(), last_t, foresight).to(logits_t)


def train(
    settings: RecurrentAttentionSettings, *, resume: Tree | None = None, clock: Clock = time.perf_counter
) -> Iterator[Event]:
    """Learn; yields events and ends with Finished. `resume` is the state of an earlier Snapshot."""
    yield from loop(RecurrentAttentionLearner, settings, resume, clock)
