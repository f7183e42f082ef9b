"""Greedy episodes on validation seeds while an agent learns: which weights to keep, and when to stop.

Training episodes are seeded below 2^29, validation episodes from 2^29 to 2^30, and agents are scored on seeds from
2^30 on. So neither the choice of weights nor the moment of stopping has seen a scored episode.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from baselines.data.rollout import evaluate, make_lanes
from baselines.templates.policies import Policy, policy
from baselines.training.events import Tree

FIRST_SEED = 2**29
CONFIRMATION_SEED = 2**29 + 2**28
PATIENCE = 3
"""Evaluations in a row that must reach the goal: one proves nothing, as some random linear policies reach it
once."""


def training_seed(rng: np.random.Generator) -> int:
    """A seed for the lanes of a training; lane i is seeded with this + i."""
    return int(rng.integers(FIRST_SEED - 2**20))


class Validation:
    """Evaluates the policies of one training, keeps the best and tells when enough is enough."""

    def __init__(
        self,
        task: str,
        episodes: int,
        goal: float = float("inf"),
        confirmation: int = 1,
        most_steps: int = 0,
        threads: int | None = None,
    ) -> None:
        self.env = make_lanes(task, episodes, threads)
        self.episodes, self.goal, self.confirmation, self.most_steps = episodes, goal, confirmation, most_steps
        self.number, self.streak = 0, 0  # evaluations made, and how many of the last reached the goal
        self.best, self.kept = float("-inf"), {"settings": {}, "tensors": {}}

    def evaluate(self, candidate: Policy) -> tuple[tuple[float, ...], bool]:
        """Returns of fresh validation episodes, and whether their mean is the best, or equals it."""
        returns = self.returns(candidate)
        mean = float(returns.mean())
        self.number, self.streak = self.number + 1, self.streak + 1 if mean >= self.goal else 0
        best = mean >= self.best
        if best:
            tensors = {name: np.array(tensor) for name, tensor in candidate.tensors().items()}
            self.best, self.kept = mean, {"settings": candidate.settings(), "tensors": tensors}
        return tuple(returns.tolist()), best

    def returns(self, candidate: Policy) -> NDArray[np.floating]:
        """Returns of fresh validation episodes."""
        seed = FIRST_SEED + self.number * self.episodes
        return evaluate(self.env, candidate.act, seed, self.episodes, most_steps=self.most_steps)

    @property
    def policy(self) -> Policy:
        """The best policy so far."""
        return policy(self.kept["settings"], self.kept["tensors"])

    def sustained(self) -> bool:
        """Whether three evaluations in a row reached the goal, and the best policy does so in further episodes.

        Where it does not, it was lucky: it is forgotten, and the search goes on from the next evaluation.
        """
        if self.streak < PATIENCE:
            return False
        seed = CONFIRMATION_SEED + self.number * self.confirmation
        mean = float(evaluate(self.env, self.policy.act, seed, self.confirmation, most_steps=self.most_steps).mean())
        self.best = min(self.best, mean)
        return mean >= self.goal

    def state(self) -> Tree:
        """What a checkpoint holds of it."""
        return {name: getattr(self, name) for name in ("number", "streak", "best", "kept")}

    def restore(self, state: Tree) -> None:
        """Go on from `state()`."""
        for name, value in state.items():
            setattr(self, name, value)

    def close(self) -> None:
        """Close the environment."""
        self.env.close()
