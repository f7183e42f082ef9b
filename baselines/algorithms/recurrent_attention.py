"""Recurrent attention: classifies an image by a few small patches of it, and learns where to look.

Mnih, Heess, Graves & Kavukcuoglu (2014), "Recurrent models of visual attention". Every image of the training split is
visited once per epoch, whole batches of episodes at once. The loss is the paper's hybrid: cross-entropy of the class
given at the end, whose gradient runs back through core and glimpse networks; REINFORCE for the locations, with a
baseline that learns to expect the reward. A location that was drawn is a constant: no gradient runs through it.

Departures from the paper, each with its setting: Adam and half a cosine in place of momentum and random search
(`learning_rate`); a hidden layer in the location network (`location_hidden`); training images displaced by a few
pixels (`displacement`); a deviation that narrows (`deviation_end`); class logits also taught after earlier glimpses,
ever less (`early`); a location credited with what the glimpses after it told (`reward`, `foresight`); the weights that
did best on the validation split are kept. 5,000 images are the validation split and not trained on. As in the paper
the location network and the baseline pass no gradient on to the core.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from baselines import checks
from baselines.algorithms.attention_learner import Learner, make_learner
from baselines.maths.equations import (
    baseline_loss,
    classification_loss,
    gaussian_log_prob,
    information_gain,
    location_loss,
)
from baselines.maths.estimators import discounted_reward_to_go
from baselines.training.events import Evaluated, Event, Finished, Progress, Snapshot, Stopwatch, Tree
from baselines.training.image_validation import ImageValidation
from baselines.training.validation import training_seed
from rlbench.errors import UserError, unknown

Locations = Literal["learned", "random", "centre"]
"""How the model chooses where to look next; the last two are what the first is to be compared with."""

Reward = Literal["correct", "information"]
"""What a location is credited with: the paper's reward, 1 for the right class at the end, or what glimpses told."""


@dataclass(frozen=True)
class Config:
    """Settings of a training. An update learns from one batch of images, an epoch from every image once."""

    task: str = "glimpse-mnist@1"
    """Task or Gymnasium id to learn."""
    agent: str = "recurrent-attention"
    """Name under which the trained agent is submitted."""
    seed: int = 0
    """Training seed: decides the weights, the order of the images, the locations."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the network computes."""
    threads: int = 1
    """Threads that PyTorch may use."""
    glimpses: int = 0
    """Glimpses per image; 0 for as many as the task has."""
    locations: Locations = "learned"
    """Where to look next: learned, random, or always the centre."""
    batch: int = 128
    """Images per update."""
    epochs: int = 150
    """Budget."""
    learning_rate: float = 1e-3
    """Adam's alpha at the start; it falls to 0 on half a cosine."""
    deviation: float = 0.1
    """Standard deviation of locations around their mean, sigma, at the start."""
    deviation_end: float = 0.1
    """Sigma at the end, reached on a line."""
    displacement: float = 0.1
    """How far a training image is displaced at most, in either direction, where 2 is its whole side."""
    early: float = 0.0
    """Weight, at the start, of the cross-entropy after all glimpses but the last; it falls to 0 on a line."""
    reward: Reward = "correct"
    """What a location is credited with: the class being correct at the end, or information gained."""
    foresight: float = 0.0
    """Discount of the information that later glimpses gain; 0 credits a location with its own glimpse alone."""
    width: int = 128
    """Units for what was seen, and for where."""
    state: int = 256
    """Units of a glimpse, and of the core."""
    location_hidden: int = 128
    """Units of the location network's hidden layer; 0 for none."""
    evaluate_every: int = 2
    """Epochs between evaluations on the validation split."""
    checkpoint_every: int = 2
    """Epochs between snapshots."""


# On a wide canvas the images are drawn anew every time, and a reward at the end teaches the locations slowly: after
# three epochs of cluttered60 61 % of the validation images were wrong with it, 34 % with this.
WIDE: dict[str, Any] = {
    **{"displacement": 0.0, "deviation": 0.15, "deviation_end": 0.05},
    **{"reward": "information", "foresight": 0.0, "early": 1.0},
}

PRESETS: dict[str, Config] = {
    "mnist": Config(),
    "translated": Config(task="glimpse-translated@1", **WIDE, epochs=300),
    "cluttered60": Config(task="glimpse-cluttered60@1", **WIDE, glimpses=8, epochs=200),
    "cluttered100": Config(task="glimpse-cluttered100@1", **WIDE, glimpses=8, epochs=200),
}

COUNTS = ("threads", "batch", "epochs", "width", "state", "evaluate_every", "checkpoint_every")


def check(config: Config) -> None:
    """UserError for a setting that makes no sense, naming it."""
    checks.seed(config.seed)
    for name in COUNTS:
        checks.count(name, getattr(config, name))
    for name in ("glimpses", "location_hidden"):
        checks.count(name, getattr(config, name), 0)
    for name in ("learning_rate", "deviation", "deviation_end"):
        checks.positive(name, getattr(config, name))
    for name in ("displacement", "early"):
        checks.nonnegative(name, getattr(config, name))
    checks.probability("foresight", config.foresight)
    for name, known in (("locations", Locations), ("reward", Reward)):
        if getattr(config, name) not in get_args(known):
            raise unknown(name, getattr(config, name), get_args(known))


class Episodes(NamedTuple):
    """A batch of B episodes of T glimpses, as the learning sees them."""

    h_t: torch.Tensor  # [T, B, H]
    mu_t: torch.Tensor  # [T - 1, B, 2], means of the locations that were chosen
    l_t: torch.Tensor  # [T - 1, B, 2], those locations
    label: torch.Tensor  # int64[B]


class Losses(NamedTuple):
    """The parts of the hybrid loss, whose sum is minimised."""

    classification: torch.Tensor
    location: torch.Tensor
    baseline: torch.Tensor
    R: torch.Tensor  # [B], the reward


def play(learner: Learner, images: NDArray[np.intp]) -> Episodes:
    """An episode of each of the images [B], at locations drawn around the means; keeps the gradient of the states.

    An image displaced by delta is the same as a glimpse that falls at l + delta while the model believes l.
    """
    config, env, network, device = learner.config, learner.env, learner.network, learner.device
    delta = config.displacement * learner.rng.uniform(-1.0, 1.0, (len(images), 2)).astype(np.float32)
    action = {"location": np.zeros((len(images), 2), np.float32), "label": np.zeros(len(images), np.int64)}
    observation, info = env.reset(options={"image": images})
    h, states, means, chosen = None, [], [], []
    for t in range(learner.glimpses):
        rho_t = torch.from_numpy(observation["patches"]).reshape(len(images), -1).to(device)
        h = network.look(h, rho_t, torch.from_numpy(observation["location"] - delta).to(device))
        states.append(h)
        if t < learner.glimpses - 1:
            mu = network.location_network(h.detach())
            l_t = draw_locations(learner, mu)
            means.append(mu)
            chosen.append(l_t)
            action["location"] = np.clip(l_t + delta, -1.0, 1.0)
        observation, _, _, _, info = env.step(action)
    label = torch.from_numpy(info["label"]).to(device)
    return Episodes(torch.stack(states), torch.stack(means), torch.from_numpy(np.stack(chosen)).to(device), label)


def draw_locations(learner: Learner, mu: torch.Tensor) -> NDArray[np.float32]:
    """Where to look next, [B, 2]: around the means mu[B, 2], or what takes the place of that in a comparison.

    UserError where a mean is no finite number.
    """
    rng, shape = learner.rng, tuple(mu.shape)
    if learner.config.locations == "random":
        return rng.uniform(-1.0, 1.0, shape).astype(np.float32)
    if learner.config.locations == "centre":
        return np.zeros(shape, np.float32)
    mean = mu.detach().cpu().numpy()
    if not np.isfinite(mean).all():
        raise UserError(f"a location became {mean.sum()} at update {learner.updates}; try a lower learning rate")
    return mean + np.float32(learner.sigma) * rng.standard_normal(shape, np.float32)


def hybrid_loss(learner: Learner, played: Episodes) -> Losses:
    """Cross-entropy, REINFORCE and the baseline's error on a batch of episodes.

    The reward R is 1 where the most likely class is right, as the environment gives it.
    """
    network, config = learner.network, learner.config
    logits_t = network.action_network(played.h_t)
    classification = classification_loss(logits_t[-1], played.label)
    if learner.early:
        classification = classification + learner.early * classification_loss(logits_t[:-1], played.label)
    R = (logits_t[-1].detach().argmax(dim=1) == played.label).float()
    G_t = R if config.reward == "correct" else credit(logits_t.detach(), played.label, config.foresight)
    b_t = network.baseline(played.h_t[:-1].detach()).squeeze(-1)
    log_pi_t = gaussian_log_prob(played.l_t, played.mu_t, torch.tensor(math.log(learner.sigma)))
    return Losses(classification, location_loss(log_pi_t, G_t, b_t), baseline_loss(b_t, G_t), R)


def credit(logits_t: torch.Tensor, label: torch.Tensor, foresight: float) -> torch.Tensor:
    """What each location [T - 1, B] is credited with: the information that its glimpse gained, and later ones."""
    r_t = information_gain(logits_t, label).cpu().numpy()
    last_t = np.zeros(r_t.shape, bool)
    last_t[-1] = True
    return torch.from_numpy(discounted_reward_to_go(r_t, last_t, foresight)).to(logits_t)


def update(learner: Learner, images: NDArray[np.intp]) -> None:
    """Look at a batch of images, guess, and take one step down the hybrid loss."""
    losses = hybrid_loss(learner, play(learner, images))
    loss = losses.classification
    if learner.config.locations == "learned":
        loss = loss + losses.location + losses.baseline
    loss.backward()
    learner.adam.step(learner.alpha)
    learner.updates += 1
    learner.seen.append((losses.classification.detach(), losses.baseline.detach(), losses.R.mean()))


def epoch(learner: Learner) -> None:
    """Every training image once; the first few twice where the last batch would not be full."""
    learner.env.reset(seed=training_seed(learner.rng))
    order = learner.rng.permutation(learner.images)
    batches = np.resize(order, (learner.per_epoch, learner.config.batch))
    for images in batches:
        update(learner, images)
    learner.epoch += 1


def figures(learner: Learner) -> dict[str, float]:
    """What is worth plotting of the updates since last asked; UserError where a loss is no finite number."""
    classification, baseline, R = torch.tensor(learner.seen).mean(dim=0).tolist()
    learner.seen.clear()
    if not math.isfinite(classification):
        raise UserError(f"the loss became {classification} at update {learner.updates}; try a lower learning rate")
    return {"loss": classification, "baseline loss": baseline, "training error": 100 * (1 - R)}


def train(
    config: Config, *, resume: Tree | None = None, clock: Callable[[], float] = time.perf_counter
) -> Iterator[Event]:
    """Learn; yields what happens and ends with Finished. `resume` is the state of an earlier Snapshot."""
    check(config)
    watch = Stopwatch(clock)
    learner, validation = make_learner(config), ImageValidation(config.task, config.glimpses)

    def state() -> Tree:
        return {"learner": learner.state(), "validation": validation.state(), "seconds": watch.seconds}

    def counts() -> tuple[int, int, float]:
        return learner.updates, learner.steps, watch.seconds

    if resume is not None:
        learner.restore(resume["learner"])
        validation.restore(resume["validation"])
        watch = Stopwatch(clock, resume["seconds"])
    while learner.epoch < config.epochs:
        if learner.epoch % config.checkpoint_every == 0:
            with watch.paused():
                yield Snapshot(*counts(), state)
        epoch(learner)
        if learner.epoch % config.evaluate_every == 0 or learner.epoch == config.epochs:
            with watch.paused():
                yield Progress(*counts(), learner.epoch / config.epochs, figures(learner))
                yield Evaluated(*counts(), *validation.evaluate(learner.policy()))
    learner.env.close()
    validation.close()
    yield Finished(*counts(), validation.policy, "budget spent", state)
