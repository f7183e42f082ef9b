"""The page of our scores beside published ones: its ratios by hand, and the committed one."""

from __future__ import annotations

from dataclasses import replace

from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.ranking.reference_lines import ReferenceLine, published_scores
from rlbench.harness.tasks.suite import TASKS
from tests.docs.published_page import PAGE, ROOT, Sources, beside, page, ratio
from tests.harness.ranking.results import runs


def line(agent: str, mean: float, steps: int | None, task: str = "hopper-gymnasium@1", **of: str) -> ReferenceLine:
    """A published score."""
    known = {"seeds": "10", "protocol": "as ours", **of}
    return ReferenceLine(task, "published", agent, steps, mean, 0.0, None, source="s", url="", **known)


def row_of(agent: str, means: list[float], steps: int, task: str = "hopper-gymnasium@1"):
    """Our row of drawn seeds."""
    of = TASKS[task]
    (row,) = compute_rankings(runs(agent, of, means, steps), {task: of}, {}).tasks[task]
    return row


HOPPER, PONG = TASKS["hopper-gymnasium@1"], TASKS["pong@1"]
SAC, XQC, LONG, SHORT = (
    line(*each)
    for each in (("SAC", 2342.0, 200_000), ("XQC", 3526.0, 200_000), ("SAC", 2787.0, 10**6), ("SAC", 9.0, 10_000))
)


def test_beside_an_agent_stand_the_best_and_its_own_algorithm_after_as_many_steps() -> None:
    assert beside(row_of("sac", [3000.0], 205_000), [SAC, XQC, LONG, SHORT]) == [XQC, SAC]
    assert beside(row_of("sac", [3000.0], 300_000), [SAC, XQC, LONG, SHORT]) == [LONG]
    assert beside(row_of("ppo", [3000.0], 300_000), [SAC, XQC, LONG]) == []
    other = replace(XQC, protocol="Gymnasium's v4; not comparable: v4 pays otherwise")
    assert beside(row_of("sac", [3000.0], 200_000), [SAC, other]) == [SAC]
    assert beside(row_of("sac", [3000.0], 200_000), [other]) == [other]
    games = [line("MR.Q", 8.9, 400_000, "pong@1"), line("DQN (Dopamine)", -17.794, 1_250_000, "pong@1")]
    assert beside(row_of("dqn-cpu", [-15.0], 400_000, "pong@1"), games) == games


def test_ratios_by_hand() -> None:
    ours = row_of("sac", [1000.0 + HOPPER.random], 200_000)
    assert ratio(HOPPER, ours, line("SAC", 500.0 + HOPPER.random, 200_000)) == "2.00"
    assert ratio(HOPPER, ours, line("SAC", 500.0 + HOPPER.random, 800_000)) == "2.00<br>in 25 % of the steps"
    assert ratio(HOPPER, ours, line("SAC", 500.0 + HOPPER.random, 100_000)) == "—"
    other = line("SAC", 500.0, 200_000, protocol="not comparable: it pays otherwise")
    assert ratio(HOPPER, ours, other) == "not comparable"
    pong = row_of("dqn-cpu", [-10.7], 400_000, "pong@1")
    assert ratio(PONG, pong, line("MR.Q", 9.3, 400_000, "pong@1")) == "0.33"  # 10 above random, of 30
    digits = TASKS["glimpse-mnist@1"]
    seen = row_of("recurrent-attention", [0.98], 1, digits.key)
    assert ratio(digits, seen, line("RAM (paper)", 0.99, None, digits.key)) == "0.50"


def test_sources_are_numbered_once() -> None:
    sources = Sources()
    assert [sources.number(each) for each in (SAC, XQC, line("a", 1.0, 1, protocol="other"))] == [1, 1, 2]
    assert str(sources) == "1. s: as ours.\n2. s: other."


def test_the_committed_page_is_that_of_the_results():
    """Nothing on it is typed by hand."""
    assert PAGE.read_text(encoding="utf-8") == page(ROOT / "results"), "docs/published.md is stale: `make published`"


def test_every_task_with_a_published_score_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    assert {row["task"] for row in published_scores() if row["task"] not in text} == set()
