"""Everything that changes while recurrent attention learns, and the environment it learns in."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv

from baselines import checks
from baselines.maths.equations import cosine_schedule, linear_schedule
from baselines.nets.networks import to_numpy
from baselines.nets.optim import Adam, FlatParameters
from baselines.nets.recurrent_attention import RecurrentAttention
from baselines.templates import glimpse_template
from baselines.training.events import Tree
from baselines.training.image_validation import images_of, make_env


@dataclass
class Learner:
    """Everything that training changes, and the environment it happens in."""

    config: Any  # recurrent_attention.Config
    env: VectorEnv[Any, Any, Any]
    network: RecurrentAttention
    flat: FlatParameters
    adam: Adam
    rng: np.random.Generator
    device: torch.device
    glimpses: int
    images: int
    epoch: int = 0
    updates: int = 0
    seen: list[tuple[torch.Tensor, ...]] = field(default_factory=list)  # losses and rewards, for the curve

    @property
    def steps(self) -> int:
        """Of the environment, over all lanes."""
        return self.updates * self.config.batch * self.glimpses

    @property
    def per_epoch(self) -> int:
        """Updates per epoch."""
        return -(-self.images // self.config.batch)

    @property
    def sigma(self) -> float:
        """Deviation of the locations at this point of the budget."""
        config = self.config
        return linear_schedule(self.epoch, config.deviation, config.deviation_end, config.epochs)

    @property
    def early(self) -> float:
        """Weight of the cross-entropy after earlier glimpses at this point of the budget."""
        return linear_schedule(self.epoch, self.config.early, 0.0, self.config.epochs)

    @property
    def alpha(self) -> float:
        """Learning rate at this point of the budget."""
        return cosine_schedule(self.updates, self.config.learning_rate, self.config.epochs * self.per_epoch)

    def policy(self) -> glimpse_template.RecurrentAttention:
        """The model as an exported agent holds it; on a CPU it shares the network's memory."""
        weights = {name: p.detach().cpu().numpy() for name, p in self.network.named_parameters()}
        used = {name: array for name, array in weights.items() if not name.startswith("baseline")}
        return glimpse_template.RecurrentAttention(used, self.config.locations)

    def state(self) -> Tree:
        """What a checkpoint holds of it."""
        trees = {"adam": self.adam.state(), "rng": self.rng.bit_generator.state}
        return {**trees, "theta": to_numpy(self.flat.theta), "epoch": self.epoch, "updates": self.updates}

    def restore(self, state: Tree) -> None:
        """Go on from `state()`."""
        self.flat.theta.copy_(torch.from_numpy(state["theta"]))
        self.adam.restore(state["adam"])
        self.rng.bit_generator.state = state["rng"]
        self.epoch, self.updates = state["epoch"], state["updates"]


def make_learner(config: Any) -> Learner:
    """A learner before its first epoch."""
    device = checks.device(config.device)
    torch.set_num_threads(config.threads)
    env = make_env(config.task, "train", config.batch, config.glimpses)
    patches, classes = env.single_observation_space["patches"], int(env.single_action_space["label"].n)
    pixels = math.prod(patches.shape)
    network = RecurrentAttention(pixels, classes, config.width, config.state, config.location_hidden)
    network.draw(torch.Generator().manual_seed(checks.seed(config.seed)))
    flat = FlatParameters(network.to(device))
    rng, glimpses = np.random.default_rng(config.seed), int(env.unwrapped.params.glimpses)
    return Learner(config, env, network, flat, Adam(flat), rng, device, glimpses, images_of(env))
