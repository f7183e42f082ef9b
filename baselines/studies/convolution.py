"""A convolutional classifier of whole images, with which recurrent attention is compared.

Mnih et al. (2014), section 4: one layer of 8 filters of 10x10 pixels, 5 apart, and one of 256 units, both rectified.
Departures: Adam on half a cosine in place of momentum; the weights that did best on the validation split are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import nn

from baselines.maths.equations import classification_loss
from baselines.maths.optimisation import cosine_schedule
from baselines.nets.optim import Adam, FlatParameters
from baselines.training.image_validation import images_of, make_env
from baselines.training.loop import computing
from baselines.training.validation import FIRST_SEED, training_seed
from rlbench.process import numerics

FILTERS, KERNEL, STRIDE, UNITS = 8, 10, 5, 256


@numerics.torch_generator()
def network(side: int, classes: int, seed: int = 0) -> nn.Sequential:
    """Logits [N, classes] for images [N, 1, side, side]; the weights are torch's default ones after this seed."""
    torch.manual_seed(seed)
    across = (side - KERNEL) // STRIDE + 1
    layers = (nn.Conv2d(1, FILTERS, KERNEL, STRIDE), nn.ReLU(), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(FILTERS * across**2, UNITS), nn.ReLU(), nn.Linear(UNITS, classes))


@dataclass
class WholeImages:
    """Whole images of a task's split: each is one glimpse as large as the image, at its centre."""

    env: VectorEnv[Any, Any, Any]

    def batch(self, images: NDArray[np.intp]) -> tuple[torch.Tensor, torch.Tensor]:
        """Pictures of these images [N, 1, side, side], drawn anew where there is something to draw, and labels [N]."""
        self.env.reset(options={"image": images})
        centre = {"location": np.zeros((len(images), 2), np.float32), "label": np.zeros(len(images), np.int64)}
        observation, *_ = self.env.step(centre)
        *_, info = self.env.step(centre)
        return torch.from_numpy(observation["patches"]), torch.from_numpy(info["label"])

    def batches(self, order: NDArray[np.intp]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """All images in this order, in full batches; the first few come again to fill the last."""
        num_envs = self.env.num_envs
        for images in np.resize(order, (-(-len(order) // num_envs), num_envs)):
            yield self.batch(images)


def whole_images(task: str, split: str, num_envs: int) -> WholeImages:
    """A task's images, so many at a time."""
    side = make_env(task, split, 1).unwrapped.params.height  # type: ignore[attr-defined]  # RulesVectorEnv
    return WholeImages(make_env(task, split, num_envs, glimpses=2, patch=side, scales=1))


@computing()
def train(task: str, epochs: int, seed: int, batch: int = 128, learning_rate: float = 1e-3) -> nn.Sequential:
    """The network with the weights that erred least on the validation split."""
    trained, validation = whole_images(task, "train", batch), whole_images(task, "validation", 500)
    rng = np.random.default_rng(seed)
    params = trained.env.unwrapped.params  # type: ignore[attr-defined]
    model = network(params.height, params.classes, seed)
    flat, images = FlatParameters(model), images_of(trained.env)
    adam, best, kept = Adam(flat), float("inf"), flat.theta.clone()
    for epoch in range(epochs):
        trained.env.reset(seed=training_seed(rng))
        for i, (pictures, label) in enumerate(trained.batches(rng.permutation(images))):
            classification_loss(model(pictures), label).backward()
            adam.step(cosine_schedule(epoch + i * batch / images, learning_rate, epochs))
        wrong, _ = errors(model, validation)
        if wrong <= best:
            best, kept = wrong, flat.theta.clone()
    flat.theta.copy_(kept)
    return model


@computing()
@torch.no_grad()
def errors(model: nn.Module, seen: WholeImages) -> tuple[int, int]:
    """How many images are classified wrongly, each seen once and the same every time, and how many there are."""
    seen.env.reset(seed=FIRST_SEED)
    images = images_of(seen.env)
    wrong = [model(pictures).argmax(dim=1) != label for pictures, label in seen.batches(np.arange(images))]
    return int(torch.cat(wrong)[:images].sum()), images
