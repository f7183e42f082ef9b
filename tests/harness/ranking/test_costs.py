"""What the pages say of learning curves, time, devices and commands."""

import dataclasses

import pytest

from rlbench.harness.ranking.costs import (
    CurveLink,
    cost_rows,
    cost_table,
    costs,
    curve_files,
    duration,
    seeds_in_words,
    times,
    together,
)
from rlbench.harness.ranking.flat import flat
from rlbench.harness.ranking.leaderboard import page
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.tasks.suite import SUITES, TASKS
from tests.harness.ranking.results import all_pages, runs

CART_POLE = TASKS["cart-pole@1"]
CURVES = [
    CurveLink("cart-pole@1", "dqn", seed, f"results/curves/cart-pole@1/dqn-s{seed}.csv", 90_000, 2.0 + seed, "a CPU")
    for seed in range(3)
]
PLAYED = [*runs("dqn", CART_POLE, [400, 450, 500]), *runs("q", CART_POLE, [1, 2, 3])]
COMMANDS = {("dqn", "cart-pole@1"): ("rlbench run control --agent dqn --task cart-pole@1",)}
FAMILY = {"name": "control", "title": "Control", "tasks": ["cart-pole@1"]}


def test_the_page_of_a_task_links_to_curves_and_says_what_they_cost():
    seeds = " ".join(f"[{seed}](results/curves/cart-pole@1/dqn-s{seed}.csv)" for seed in range(3))
    assert curve_files(CURVES) == [f"dqn: seed {seeds}; 3.0 s (2.0–4.0) on a CPU"]
    assert curve_files([]) == []
    (odd,) = curve_files([CurveLink("t", "dqn", 0, "a (b)/dqn.csv", 9, 100.4, "")])
    assert odd == "dqn: seed [0](<a (b)/dqn.csv>); 1.7 min on unknown"
    text = all_pages(PLAYED, CURVES, COMMANDS)["results/tasks/cart-pole@1.md"]
    assert "[0](../curves/cart-pole@1/dqn-s0.csv)" in text
    assert " 3.0 s | [curve](#learning-curves) |" in text
    assert f"{COMMANDS['dqn', 'cart-pole@1'][0]}                 # 3.0 s (2.0–4.0) a seed\n" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (99, "99 s"), (100, "1.7 min"), (6000, "1.7 h"), (1e6, "278 h")],
)
def test_a_time_is_in_the_unit_that_suits_it(seconds, text):
    assert duration(seconds) == text


def test_the_range_of_times_is_in_the_unit_of_the_median():
    of = {"task": "t", "agent": "a", "seed": 0, "path": "x", "steps": 9, "device": ""}
    assert times([CurveLink(seconds=12.34, **of)]) == "12 s"
    assert times([CurveLink(seconds=s, **of) for s in (60.0, 240.0, 7200.0)]) == "4.0 min (1.0–120.0)"


def test_the_table_of_costs_has_every_trained_agent_and_words_where_nothing_is_recorded():
    rankings = compute_rankings(PLAYED, TASKS, SUITES)
    found = costs([FAMILY], rankings, CURVES, {"cart-pole@1": "p.md"}, COMMANDS, {"control": 7})
    (family,) = found.families
    assert family.table.rows == (
        ("dqn", "cart-pole@1", "3.0 s", "curve", "rlbench run control --agent dqn --task cart-pole@1"),
        ("q", "cart-pole@1", "not recorded", "no curve", "—"),
    )
    assert family.table.rows[0][1].markdown == "[cart-pole@1](p.md)"
    assert family.table.rows[0][3].markdown == "[curve](p.md#learning-curves)"
    assert (found.recorded, found.trained) == (3, 6)
    assert (family.command, family.time) == ("rlbench run control", "7 runs, 9.0 s for 3 of them")
    assert together(rankings.tasks["cart-pole@1"][:1], CURVES) == "3 runs, 9.0 s"


def test_where_some_seeds_have_no_curve_both_pages_say_which():
    text = all_pages(PLAYED, CURVES[:2], COMMANDS)
    assert "#learning-curves) (2 of 3 seeds) |" in text["leaderboard.md"]
    of_task = text["results/tasks/cart-pole@1.md"]
    assert " 2.5 s | [curve](#learning-curves) (2 of 3 seeds) |" in of_task
    assert "; seed 2 has neither time nor curve" in of_task
    assert "2.5 s (2.0–3.0) a seed, about 7.5 s for all 3; on one CPU" in text["leaderboard.md"]
    assert "; seed 2 was not timed." in text["leaderboard.md"]
    two = all_pages(runs("dqn", CART_POLE, [400, 450]), CURVES[:2], COMMANDS)["leaderboard.md"]
    assert "2.5 s (2.0–3.0) a seed, 5.0 s for both; on one" in two
    text = all_pages(PLAYED, CURVES[1:2], COMMANDS)
    assert "; seeds 0 and 2 have neither time nor curve" in text["results/tasks/cart-pole@1.md"]
    text = all_pages(PLAYED, CURVES, COMMANDS)
    assert (
        "3.0 s (2.0–4.0) a seed, 9.0 s for all 3; on one CPU thread, without validation. [All" in text["leaderboard.md"]
    )


def test_where_records_count_more_steps_than_a_curve_the_page_says_why():
    """The table said 32k, and the curve ended at 23k."""
    lines = all_pages(PLAYED, CURVES)["results/tasks/cart-pole@1.md"].splitlines()
    (line,) = (line for line in lines if line.startswith("* CSV of dqn"))
    assert line.endswith("on a CPU; half of the curves end by 90k steps; the 1M of the records count resets, too")
    curves = [dataclasses.replace(curve, steps=999_000) for curve in CURVES]
    lines = all_pages(PLAYED, curves)["results/tasks/cart-pole@1.md"].splitlines()
    assert any(line.startswith("* CSV of dqn") and line.endswith("on a CPU") for line in lines)


@pytest.mark.parametrize(
    ("seeds", "words"), [((), ""), ((2,), "seed 2"), ((2, 0), "seeds 0 and 2"), ((2, 1, 0), "seeds 0, 1 and 2")]
)
def test_seeds_are_named(seeds, words):
    assert seeds_in_words(seeds) == words


def test_times_are_exported_unrounded():
    rankings = compute_rankings(PLAYED, TASKS, SUITES)
    (row,) = rows = cost_rows(rankings, CURVES)
    assert (row.task, row.agent, row.recorded, row.seconds, row.seconds_low) == ("cart-pole@1", "dqn", 3, 3.0, 2.0)
    table = flat(rankings, rows)
    (of_cost,) = table[table["table"] == "cost"].to_dict("records")
    assert (of_cost["seconds_high"], of_cost["device"], of_cost["training_seeds"]) == (4.0, "a CPU", 3)
    assert cost_table(rows).rows == (("cart-pole@1", "dqn", "3 of 3", "3.0 s", "a CPU"),)


def test_without_curves_the_page_says_so():
    text = page(PLAYED, TASKS, SUITES)
    assert "Time and learning curves are not recorded; `rlbench run` keeps both in `results/curves/`." in text
    assert "6 runs, time not recorded" in text
    assert "What does it cost?** Time is not recorded." in text
    assert "Where is a learning curve?** Learning curves are not recorded." in text
