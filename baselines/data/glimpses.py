"""Episodes of glimpses at a batch of images, and the draws for them, as tensors of the learner's device.

Of arrays, whose memory the tensors of a CPU share, or of environments that step on the device, where nothing is copied.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium.vector import VectorEnv

from baselines.maths.equations import standard_normal
from baselines.training.place import TrainingPlace


class Glimpse(NamedTuple):
    """What a glimpse shows, rho_t[B, D], and where it fell, l_t[B, 2]."""

    rho_t: torch.Tensor
    l_t: torch.Tensor


class ArrayGlimpses:
    """Episodes of environments of arrays, with NumPy's draws.

    Args:
        env: B environments that show glimpses.
        device: Of the tensors.
        rng: The generator.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], device: torch.device, rng: Any) -> None:
        self.env, self.device, self.rng = env, device, rng
        self.label = torch.zeros(env.num_envs, dtype=torch.int64, device=device)
        """The right classes, int64[B], once an episode has ended."""

    def begin(self, images: Any) -> Glimpse:
        """The first glimpse at images[B]."""
        return self._seen(self.env.reset(options={"image": images})[0])

    def step(self, location: torch.Tensor) -> Glimpse:
        """The next glimpse, at location[B, 2]; after the last one what it shows means nothing."""
        labels = np.zeros(len(location), np.int64)
        observation, *_, info = self.env.step({"location": location.cpu().numpy(), "label": labels})
        if "label" in info:
            self.label = torch.from_numpy(info["label"]).to(self.device)
        return self._seen(observation)

    def _seen(self, observation: Any) -> Glimpse:
        patches, location = (torch.from_numpy(observation[name]).to(self.device) for name in ("patches", "location"))
        return Glimpse(patches.flatten(1), location)

    def uniform(self, *shape: int) -> torch.Tensor:
        """Numbers in [-1, 1), float32."""
        return torch.from_numpy(self.rng.uniform(-1.0, 1.0, shape).astype(np.float32)).to(self.device)

    def normal(self, *shape: int) -> torch.Tensor:
        """Normal numbers, float32."""
        return torch.from_numpy(self.rng.standard_normal(shape, np.float32)).to(self.device)


class TensorGlimpses(ArrayGlimpses):
    """Episodes of environments of tensors, with a counter's draws; nothing waits after the environments were seeded."""

    def begin(self, images: Any) -> Glimpse:
        """The first glimpse at images[B]."""
        return self._seen(self.env.unwrapped.restart(image=images))  # type: ignore[attr-defined]  # TensorVectorEnv

    def step(self, location: torch.Tensor) -> Glimpse:
        """The next glimpse, at location[B, 2]; after the last one what it shows means nothing."""
        action = {"location": location, "label": torch.zeros_like(self.label)}
        observation, *_, info = self.env.step(action)
        self.label.copy_(info["final_info"]["label"])
        return self._seen(observation)

    def _seen(self, observation: Any) -> Glimpse:
        return Glimpse(observation["patches"].flatten(1).clone(), observation["location"].clone())

    def uniform(self, *shape: int) -> torch.Tensor:
        """Numbers in [-1, 1), float32."""
        drawn: torch.Tensor = 2 * self.rng.random(shape) - 1
        return drawn

    def normal(self, *shape: int) -> torch.Tensor:
        """Normal numbers, float32."""
        *rows, numbers = shape
        return standard_normal(self.rng.random((*rows, 2 * numbers)))


def glimpses(env: VectorEnv[Any, Any, Any], where: TrainingPlace, rng: Any) -> ArrayGlimpses:
    """The episodes of a training run."""
    return (TensorGlimpses if where.tensors else ArrayGlimpses)(env, where.device, rng)
