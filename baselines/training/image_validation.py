"""Validation of classifiers by glimpses: one greedy episode for every image of a split."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import VectorEnv

from baselines.data.rollout import env_id, evaluate
from baselines.templates import glimpse_template
from baselines.training.validation import FIRST_SEED, Validation
from baselines.types import Floats
from rlbench.errors import UnfitError
from rlbench.harness.layers.player import Player
from rlbench.registry import ENVIRONMENTS, GLIMPSE

NUM_ENVS = 500
"""Images classified at once."""


def make_env(task: str, split: str, num_envs: int, glimpses: int = 0, **changes: Any) -> VectorEnv[Any, Any, Any]:
    """The environments of a task on one split of its images.

    An environment with images of its own has one split only, for training and evaluation alike.

    Args:
        task: a task's key or name, or a Gymnasium id.
        split: train, validation or test.
        num_envs: images looked at together.
        glimpses: per image; 0 for as many as the task has.
        changes: keyword arguments of the environment that differ from the task's.

    Raises:
        UserError: for a task that shows no glimpses.
    """
    name, kwargs = env_id(task)
    kwargs = {**gymnasium.spec(name).kwargs, **kwargs}
    if kwargs.get("rules") != GLIMPSE:
        known = ", ".join(row.id for row in ENVIRONMENTS if row.rules == GLIMPSE)
        raise UnfitError(f"{task} shows no glimpses; environments that do: {known}")
    changes |= {} if "images" in kwargs else {"split": split}
    changes |= {"glimpses": glimpses} if glimpses else {}
    return gymnasium.make_vec(name, num_envs=num_envs, **{**kwargs, **changes})


class ImageValidation(Validation):
    """Evaluates policies on every image of the validation split, each from the same first location every time."""

    def __init__(self, task: str, glimpses: int = 0) -> None:
        env = make_env(task, "validation", NUM_ENVS, glimpses)
        super().__init__(env, images_of(env))

    def returns(self, candidate: glimpse_template.RecurrentAttention) -> Floats:
        """The share of each block of images that was classified correctly."""
        correct = evaluate_images(self.env, candidate)
        return np.array([block.mean() for block in np.array_split(correct, -(-len(correct) // NUM_ENVS))])


def images_of(env: VectorEnv[Any, Any, Any]) -> int:
    """How many images there are in an environment's split."""
    return len(env.unwrapped.params.images)  # type: ignore[attr-defined]  # RulesVectorEnv


def evaluate_images(
    env: VectorEnv[Any, Any, Any],
    policy: glimpse_template.RecurrentAttention | Player,
    seed: int = FIRST_SEED,
) -> Floats:
    """Returns [images]: 1.0 where the image was classified correctly; each is looked at once."""
    images = images_of(env)

    def block(first: int) -> dict[str, Any]:
        return {"image": np.arange(first, first + env.num_envs) % images}

    return evaluate(env, policy.act, seed, images, block)
