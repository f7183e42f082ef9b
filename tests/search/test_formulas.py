"""The formulas of both papers on trees that can be computed by hand."""

import math

import numpy as np
import pytest

from rlbench.search.gumbel import completed_value, considered_visits, improve_policy, mixed_value, root_action
from rlbench.search.gumbel import sigma_scale as scale_of_sigma
from rlbench.search.puct import exploration_rate, mix_noise, puct_action
from rlbench.search.tree import SearchTree, backup, new_node, set_priors


def tree(nodes=4, actions=3):
    edges = (nodes, actions)
    return SearchTree(
        *(np.zeros(edges, kind) for kind in (np.int32, float, np.float32, np.float32, np.int32)),
        np.zeros(nodes),
        np.zeros(nodes, np.int8),
        np.zeros((2, nodes), np.int64),
        np.zeros(2, np.int32),
    )


def root(P, N=(0, 0, 0), Q=(0, 0, 0), v=0.0):
    """A tree of a root with these priors, visits and action values."""
    one = tree(actions=len(P))
    new_node(one, v, False)
    set_priors(one, 0, np.log(np.float32(P)), np.ones(len(P), np.int8))
    one.N[0], one.W[0] = N, np.array(N) * Q
    return one


def test_priors_are_the_softmax_of_the_legal_logits():
    one = tree()
    new_node(one, 0.0, False)
    set_priors(one, 0, np.float32([1.0, 99.0, 2.0]), np.int8([1, 0, 1]))
    assert one.P[0].tolist() == pytest.approx([1 / (1 + math.e), 0, math.e / (1 + math.e)])
    assert one.logits[0].tolist() == [1.0, -math.inf, 2.0]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 3e38])
def test_networks_that_overflow_leave_priors_of_sum_1(bad):
    one = tree()
    new_node(one, 0.0, False)
    set_priors(one, 0, np.float32([bad, 0.0, 0.0]), np.ones(3, np.int8))
    assert one.P[0].sum() == pytest.approx(1)


def test_a_value_is_backed_up_with_alternating_signs():
    one = tree()
    for depth in range(3):
        one.sizes[1] = depth
        new_node(one, 0.0, False)
        one.path[:, depth] = depth, 2 - depth
    one.sizes[1] = 3
    backup(one, 0.75)
    assert one.N.tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 0]]
    assert one.W.tolist() == [[0, 0, -0.75], [0, 0.75, 0], [-0.75, 0, 0], [0, 0, 0]]


def test_puct_by_hand():
    assert exploration_rate(99, 100.0, 1.25) == pytest.approx(math.log(2.0) + 1.25)
    one = root((0.2, 0.3, 0.5), N=(3, 1, 0), Q=(0.4, -0.2, 0.0))
    c = math.log((1 + 5 + 19652) / 19652) + 1.25
    scores = [0.4 + c * 0.2 * 5**0.5 / 4, -0.2 + c * 0.3 * 5**0.5 / 2, c * 0.5 * 5**0.5]
    assert puct_action(one, 0, 19652.0, 1.25) == int(np.argmax(scores)) == 2
    assert puct_action(one, 0, 19652.0, 0.0) == 0  # no exploration
    assert puct_action(root((0.2, 0.5, 0.3)), 0, 19652.0, 1.25) == 1  # the first choice follows the priors


def test_noise_of_the_root_by_hand():
    one = root((0.2, 0.3, 0.5))
    mix_noise(one, np.array([1.0, 0.0, 3.0]), 0.25)
    assert one.P[0].tolist() == pytest.approx([0.75 * 0.2 + 0.25 * 0.25, 0.75 * 0.3, 0.75 * 0.5 + 0.25 * 0.75])


def test_mixed_values_and_improved_policies_by_hand():
    one = root((0.5, 0.3, 0.2), N=(2, 1, 0), Q=(0.5, -0.1, 0.0), v=0.2)
    v_mix = (0.2 + 3 * (0.5 * 0.5 - 0.3 * 0.1) / 0.8) / 4
    assert mixed_value(one, 0) == pytest.approx(v_mix)
    assert scale_of_sigma(one, 0, 50.0, 0.1) == pytest.approx(5.2)
    assert completed_value(one, 0, 0, v_mix) == pytest.approx(0.75)
    pi = np.zeros(3)
    improve_policy(one, 0, 50.0, 0.1, pi)
    weights = np.array([0.5, 0.3, 0.2]) * np.exp(5.2 * np.array([0.75, 0.45, (1 + v_mix) / 2]))
    assert pi.tolist() == pytest.approx((weights / weights.sum()).tolist())


def test_without_visits_the_policy_is_not_improved():
    one, pi = root((0.5, 0.3, 0.2), v=-0.3), np.zeros(3)
    improve_policy(one, 0, 50.0, 1.0, pi)
    assert pi.tolist() == pytest.approx([0.5, 0.3, 0.2])


def test_first_choices_are_the_top_k_of_gumbel_and_logits():
    one, g = root((0.5, 0.3, 0.2)), np.array([0.0, 0.4, 2.0])
    order = []
    for _ in range(3):
        action = root_action(one, g, 0, 50.0, 1.0)
        order.append(action)
        one.N[0, action] += 1
    assert order == np.argsort(-(np.log([0.5, 0.3, 0.2]) + g)).tolist()


def test_gumbel_top_k_samples_without_replacement():
    """The first action is a sample of the policy, the second one of what is left of it."""
    P, rng, counts = np.array([0.5, 0.3, 0.2]), np.random.default_rng(0), np.zeros((3, 3))
    for _ in range(4_000):
        one, g = root(P), rng.gumbel(size=3)
        first = root_action(one, g, 0, 50.0, 1.0)
        one.N[0, first] += 1
        counts[first, root_action(one, g, 0, 50.0, 1.0)] += 1
    expected = P[:, None] * P / (1 - P[:, None])
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(counts / counts.sum(), expected, atol=0.03)


SCHEDULES = {
    (1, 3): [0, 1, 2],
    (2, 5): [0, 0, 1, 1, 2],
    (4, 8): [0, 0, 0, 0, 1, 1, 2, 2],
    (4, 11): [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4],
    (3, 6): [0, 0, 0, 1, 1, 2],
    (8, 24): [*[0] * 8, *[1] * 4, *[2] * 4, *(level for level in (3, 4, 5, 6) for _ in range(2))],
}


@pytest.mark.parametrize("case", SCHEDULES)
def test_sequential_halving_by_hand(case):
    out = np.full(30, -1, np.int32)
    considered_visits(*case, out)
    assert out[: case[1]].tolist() == SCHEDULES[case]
    assert (out[case[1] :] == -1).all()


@pytest.mark.parametrize("considered", [1, 2, 3, 5, 8, 16, 26])
def test_sequential_halving_spends_its_budget_exactly(considered):
    """Each visit finds an action with as many visits as the list says, and the better ones get more."""
    for simulations in range(considered, 140):
        plan, visits = np.zeros(simulations, np.int32), np.zeros(considered, int)
        considered_visits(considered, simulations, plan)
        for level in plan.tolist():
            visits[np.flatnonzero(visits == level)[0]] += 1  # the first one is the best
        assert visits.sum() == simulations
        assert (np.diff(visits) <= 0).all()
        assert visits.min() >= 1
