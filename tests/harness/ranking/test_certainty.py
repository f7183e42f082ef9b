"""When the page calls the order of two agents safe."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from rlbench.harness.ranking.certainty import interval_of, is_safe, order_of_two
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.ranking.reference_lines import reference_lines
from rlbench.harness.tasks.suite import SUITES, TASKS
from tests.harness.ranking.results import runs

PONG, GRID = TASKS["pong@1"], TASKS["grid-world@1"]
PUBLISHED = next(line for line in reference_lines(PONG) if line.agent == "MR.Q")


def row(*means):
    """Our agent with these means of its seeds."""
    (found,) = compute_rankings(runs("ours", PONG, list(means), 400_000), TASKS, SUITES).tasks[PONG.key]
    return found


def published(mean, deviation=2.5, seeds="10"):
    return dataclasses.replace(PUBLISHED, mean_return=mean, deviation=deviation, seeds=seeds)


def test_a_published_deviation_gives_the_interval_that_the_seeds_would_have_given():
    seeds = np.array([3.0, 5.0, 10.0, 14.0])
    line = published(seeds.mean(), seeds.std(ddof=1), "4")
    expected = stats.t.interval(0.95, 3, seeds.mean(), stats.sem(seeds))
    assert interval_of(line) == pytest.approx(expected)
    assert interval_of(row(3.0, 5.0, 10.0, 14.0)) == pytest.approx(expected)


def test_an_order_is_safe_just_where_the_intervals_do_not_overlap():
    ours = row(1.0, 2.0, 3.0)
    margin = interval_of(published(0.0)).high
    high = interval_of(ours).high
    assert is_safe(ours, published(high + margin + 0.01))
    assert is_safe(published(high + margin + 0.01), ours)
    assert not is_safe(ours, published(high + margin - 0.01))


@pytest.mark.parametrize(
    "unknown", [published(14.0, None), *(published(14.0, seeds=seeds) for seeds in ("", "5–10", "2"))]
)
def test_without_an_interval_the_order_is_open(unknown):
    ours = row(1.0, 1.0, 1.0)
    assert is_safe(ours, published(14.0))
    assert not is_safe(ours, unknown)
    assert not is_safe(row(1.0, 1.0), published(14.0))
    assert not is_safe(ours, ours)


def test_an_exact_optimum_lacks_no_deviation():
    optimum = next(line for line in reference_lines(GRID) if line.agent == "exact optimum" and line.kind == "published")
    assert order_of_two(GRID, optimum, optimum).first == "exact optimum -2.00"


def test_both_are_told_with_what_their_spread_is():
    of = order_of_two(PONG, published(8.9), row(1.0, 2.0, 3.0))
    assert of.safe
    assert of.first == "MR.Q † [7.11, 10.69] (from ± 2.50, 10 seeds)"
    assert of.second == "ours [-0.48, 4.48] (3 seeds)"
    of = order_of_two(PONG, row(1.0), published(8.9, None))
    assert (of.first, of.second) == (
        "ours 1.00 (1 seed, no interval)",
        "MR.Q † 8.90 (10 seeds, no deviation published)",
    )
