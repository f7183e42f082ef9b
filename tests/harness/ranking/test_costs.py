"""What the page says of learning curves, seconds and devices."""

from rlbench.harness.ranking.costs import CurveLink, costs, curve_links, seconds
from rlbench.harness.ranking.leaderboard import page
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.tasks.suite import SUITES, TASKS
from tests.harness.ranking.results import runs

CART_POLE = TASKS["cart-pole@1"]
CURVES = [
    CurveLink("cart-pole@1", "dqn", seed, f"results/curves/cart-pole@1/dqn-s{seed}.csv", 2.0 + seed, "a CPU")
    for seed in range(3)
]
PLAYED = [*runs("dqn", CART_POLE, [400, 450, 500]), *runs("q", CART_POLE, [1, 2, 3])]


def test_the_page_links_to_curves_and_says_what_they_cost():
    seeds = " ".join(f"[{seed}](results/curves/cart-pole@1/dqn-s{seed}.csv)" for seed in range(3))
    assert curve_links(CURVES) == [f"dqn: seed {seeds}; 3.0 (2.0–4.0) s on a CPU"]
    assert curve_links([]) == []
    (odd,) = curve_links([CurveLink("t", "dqn", 0, "a (b)/dqn.csv", 100.4, "")])
    assert odd == "dqn: seed [0](<a (b)/dqn.csv>); 100 s on unknown"


def test_seconds_have_a_decimal_where_it_matters():
    of = {"task": "t", "agent": "a", "seed": 0, "path": "x", "device": ""}
    assert seconds([CurveLink(seconds=12.34, **of)]) == "12.3"
    assert seconds([CurveLink(seconds=s, **of) for s in (1100.2, 1200.0, 1400.0)]) == "1,200 (1,100–1,400)"


def test_the_table_of_costs_has_the_agents_with_curves_and_names_the_others_once():
    found = costs([CART_POLE], compute_rankings(PLAYED, TASKS, SUITES), CURVES)
    assert found.table.rows == (
        ("cart-pole@1", "dqn", "1M", "3.0 (2.0–4.0)", "a CPU", "results/curves/cart-pole@1"),
    )  # fmt: skip
    assert (found.recorded, found.trained, found.missing) == (1, 2, "q on cart-pole@1")
    text = page(PLAYED, TASKS, SUITES, CURVES)
    assert "[results/curves/cart-pole@1](results/curves/cart-pole@1) |" in text
    assert text.count("not recorded") == 1
    assert "**not recorded** for 1 of the 2 trained agents: q on cart-pole@1." in text


def test_without_curves_the_page_says_so_once():
    text = page(PLAYED, TASKS, SUITES)
    assert text.count("not recorded") == 1
    assert "**not recorded** for any of the 2 trained agents." in text


def test_with_all_curves_the_page_misses_nothing():
    assert "not recorded" not in page(PLAYED[:3], TASKS, SUITES, CURVES)
