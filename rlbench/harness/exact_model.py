"""Returns by an exact model, `P[s][a] = [(probability, next state, reward, end), ...]`: dynamic programming.

Over a finite horizon, Bellman (1957); undiscounted, as the returns that harness and leaderboard compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def returns_of_model(model: Mapping[Any, Any], limit: int) -> tuple[float, float]:
    """The lowest and highest return of an episode of so many steps at most, from any state of an exact model.

    Finite-horizon dynamic programming over what is possible, however improbable: Bellman (1957).
    """
    low = dict.fromkeys(model, 0.0)
    high = dict.fromkeys(model, 0.0)
    steps = {
        state: [step for each in actions.values() for step in each if step[0] > 0] for state, actions in model.items()
    }
    for _ in range(limit):
        low, high = (
            {
                state: best(float(reward) + (0.0 if end else later[after]) for _, after, reward, end in possible)
                for state, possible in steps.items()
            }
            for best, later in ((min, low), (max, high))
        )
    return min(low.values()), max(high.values())


def optimal_return(model: Mapping[Any, Any], starts: Sequence[float], limit: int) -> float:
    """Mean return of the best policy over episodes of so many steps at most: the optimum of the score.

    Args:
        model: The exact model; states are counted from 0.
        starts: Probability that an episode begins in a state, by the state.
        limit: Time limit, in steps; the policy knows how many are left.
    """
    values = dict.fromkeys(model, 0.0)
    for _ in range(limit):
        values = {
            state: max(
                sum(chance * (float(reward) + (0.0 if end else values[after])) for chance, after, reward, end in steps)
                for steps in actions.values()
            )
            for state, actions in model.items()
        }
    return sum(float(chance) * values[state] for state, chance in enumerate(starts) if chance > 0)
