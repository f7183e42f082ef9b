"""Validation: greedy episodes that decide which weights are kept and when training stops.

Training episodes are seeded below 2^29, validation episodes from 2^29 to 2^30, and agents are scored on seeds from
2^30 on. So neither the choice of weights nor the moment of stopping has seen a scored episode.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from gymnasium.vector import VectorEnv

from baselines.data.rollout import evaluate
from baselines.stateful import Stateful
from baselines.templates.policies import Policy, policy
from baselines.types import Floats

FIRST_SEED = 2**29
CONFIRMATION_SEED = 2**29 + 2**28
PATIENCE = 3
"""Evaluations in a row that must reach the goal; one is not enough, as some random linear policies reach it once."""


def training_seed(rng: Any) -> int:
    """A seed for the environments of a training run; environment i is seeded with this + i."""
    return int(rng.integers(FIRST_SEED - 2**20))


class Validation(Stateful):
    """Evaluates the policies of one training run, keeps the best, and decides whether the goal is held.

    Args:
        env: as many environments as an evaluation has episodes, or fewer.
        episodes: episodes of an evaluation.
        goal: mean return that PATIENCE evaluations in a row must reach.
        confirmation: further episodes, in which the best policy must then reach it.
        max_steps: steps after which an episode stops counting, 0 for none.
    """

    CHECKPOINTED: ClassVar[tuple[str, ...]] = ("number", "streak", "best", "kept")

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        episodes: int,
        goal: float = float("inf"),
        confirmation: int = 1,
        max_steps: int = 0,
    ) -> None:
        self.env, self.episodes = env, episodes
        self.goal, self.confirmation, self.max_steps = goal, confirmation, max_steps
        self.number, self.streak = 0, 0  # evaluations made, and how many of the last reached the goal
        self.best, self.kept = float("-inf"), {"settings": {}, "tensors": {}}

    def evaluate(self, candidate: Policy) -> tuple[tuple[float, ...], bool]:
        """Returns of fresh validation episodes, and whether their mean is the best so far, or equals it."""
        returns = self.returns(candidate)
        mean = float(returns.mean())
        self.number, self.streak = self.number + 1, self.streak + 1 if mean >= self.goal else 0
        best = mean >= self.best
        if best:
            tensors = {name: np.array(tensor) for name, tensor in candidate.tensors().items()}
            self.best, self.kept = mean, {"settings": candidate.settings(), "tensors": tensors}
        return tuple(returns.tolist()), best

    def returns(self, candidate: Policy) -> Floats:
        """Returns of fresh validation episodes."""
        seed = FIRST_SEED + self.number * self.episodes
        return evaluate(self.env, candidate.act, seed, self.episodes, max_steps=self.max_steps)

    @property
    def policy(self) -> Policy:
        """The best policy so far."""
        return policy(self.kept["settings"], self.kept["tensors"])

    def sustained(self) -> bool:
        """Whether three evaluations in a row reached the goal, and the best policy does so in further episodes.

        If this confirmation fails, the best score is lowered to the confirmed mean, and training goes on.
        """
        if self.streak < PATIENCE:
            return False
        seed = CONFIRMATION_SEED + self.number * self.confirmation
        mean = float(evaluate(self.env, self.policy.act, seed, self.confirmation, max_steps=self.max_steps).mean())
        self.best = min(self.best, mean)
        return mean >= self.goal

    def close(self) -> None:
        """Close the environments."""
        self.env.close()
