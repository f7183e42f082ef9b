"""Dynamic programming on an exact model: policy evaluation, value iteration, and the greedy policy.

A model is `P[s][a] -> [(probability, next state, reward, terminated), ...]`, the form that Gymnasium's toy-text
environments and `env.unwrapped.P` of the grid worlds share. Sutton & Barto (2018), chapter 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from baselines.maths.equations import Model, bellman_expectation_backup, bellman_optimality_backup
from baselines.types import Bools, Floats
from rlbench.errors import UserError

Outcome = tuple[float, int, float, bool]
ExactModel = Mapping[int, Mapping[int, Sequence[Outcome]]] | Sequence[Sequence[Sequence[Outcome]]]


def as_model(P: ExactModel) -> Model:
    """The model P as arrays [S, A, K]; UserError where its probabilities do not add up to 1."""
    states, actions = len(P), len(P[0])
    outcomes = max(len(P[s][a]) for s in range(states) for a in range(actions))
    model = Model(*(np.zeros((states, actions, outcomes), dtype) for dtype in (float, float, np.intp, float)))
    for s in range(states):
        for a in range(actions):
            for k, (p, s_t, r_t, terminated) in enumerate(P[s][a]):
                model.p[s, a, k], model.r[s, a, k] = p, r_t
                model.s_t[s, a, k], model.goes_on[s, a, k] = s_t, not terminated
    if not np.allclose(model.p.sum(axis=2), 1.0):
        s, a = np.argwhere(~np.isclose(model.p.sum(axis=2), 1.0))[0]
        raise UserError(f"the model's probabilities from state {s}, action {a} add up to {model.p[s, a].sum()}")
    return model


def policy_evaluation(
    P: ExactModel, pi: Floats, gamma: float, *, sweeps: int | None = None, tolerance: float = 1e-12
) -> Floats:
    """Value v[S] of the policy pi[S, A]: `sweeps` synchronous sweeps from v = 0, or all that matter.

    `sweeps=None` goes on until no value moves by more than `tolerance`; for gamma = 1 this needs a policy that
    terminates from everywhere. Sutton & Barto (2018), section 4.1.
    """
    model, v, k = as_model(P), np.zeros(len(P)), 0
    while sweeps is None or k < sweeps:
        v_k, v, k = v, bellman_expectation_backup(v, pi, model, gamma), k + 1
        if sweeps is None and np.abs(v - v_k).max() <= tolerance:
            break
    return v


def value_iteration(
    P: ExactModel, gamma: float, *, sweeps: int | None = None, tolerance: float = 1e-12
) -> tuple[Floats, int]:
    """Optimal action values Q[S, A] by sweeps from Q_0 = 0, and the number of sweeps that changed something.

    `sweeps=None` goes on until no value moves by more than `tolerance`. The lecture's Q_{i+1} = E[r + gamma max Q_i];
    Sutton & Barto (2018), section 4.4.
    """
    model = as_model(P)
    Q, i = np.zeros(model.p.shape[:2]), 0
    while sweeps is None or i < sweeps:
        Q_i, Q = Q, bellman_optimality_backup(Q, model, gamma)
        if sweeps is None and np.abs(Q - Q_i).max() <= tolerance:
            break
        i += 1
    return Q, i


def greedy_policy(Q: Floats) -> Floats:
    """Policy pi[S, A] that shares itself equally among the best actions: argmax_a Q(s,a), ties included."""
    best: Bools = np.isclose(Q, Q.max(axis=1, keepdims=True), rtol=1e-9, atol=1e-9)
    return best / best.sum(axis=1, keepdims=True)
