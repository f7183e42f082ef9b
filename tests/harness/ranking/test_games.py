"""Elo ratings and games won of agents, from the returns of their games against a pool."""

import dataclasses
import math

import numpy as np
import pytest

from rlbench.harness.ranking import elo
from rlbench.harness.ranking.agent_results import AgentResult
from rlbench.harness.ranking.games import GamesWon, elo_rating, games_won
from rlbench.harness.ranking.intervals import mean_interval, moments
from rlbench.harness.ranking.leaderboard import Surroundings, page, pages
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.ranking.recorded_runs import AgentVersion, RecordedRun
from rlbench.harness.tasks.task import GameSchedule, Supplement, Task

POOL = ("weak", "middling", "strong")
TASK = Task(
    "duel",
    1,
    "none",
    env_kwargs={"opponents": POOL[:2]},
    episodes=60,
    num_envs=10,
    options=GameSchedule(built_in=2, others=1, openings=10, num_envs=10, key="duel@1"),
    supplement=Supplement(40, {"opponents": POOL}),
    ratings=(0.0, 300.0, 700.0),
)
OPPONENTS = np.array([TASK.episode(i)[1]["opponent"] for i in range(60)])


def result(*returns, steps=1000, drawn=0, task=TASK, name="player"):
    """The result of training runs with these returns."""
    runs = [
        RecordedRun(
            task.key, AgentVersion(name, "1"), f"{name}{i}", "", i, steps, np.array(of, float), 0, True, drawn=drawn
        )
        for i, of in enumerate(returns)
    ]
    return AgentResult.of(runs, task)


def wins(weak, middling, strong):
    """Returns of a run that won so many of 20 games against each opponent."""
    won = {0: weak, 1: middling, 2: strong}
    return np.concatenate([won[i] > np.arange(20) for i in range(3)])[np.argsort(np.argsort(OPPONENTS, kind="stable"))]


def test_wins_are_counted_by_opponent():
    rows = games_won([result(wins(19, 10, 1), wins(20, 8, 2))])
    assert rows == (
        GamesWon("duel@1", "player", "1", "weak", 0.0, 39, 40),
        GamesWon("duel@1", "player", "1", "middling", 300.0, 18, 40),
        GamesWon("duel@1", "player", "1", "strong", 700.0, 3, 40),
    )


def test_the_rating_of_one_run_is_that_of_its_games():
    strengths = np.array(TASK.ratings)[OPPONENTS]
    assert elo_rating(result(wins(19, 10, 1))) == elo.rate(30, strengths)
    assert elo_rating(result(wins(19, 10, 1), drawn=3)) == elo.rate(31.5, strengths)
    assert elo_rating(result(wins(19, 10, 1), wins(20, 8, 2))) == elo.rate(60, np.tile(strengths, 2))


def test_from_three_seeds_on_the_interval_is_that_over_seeds():
    some = result(wins(19, 10, 1), wins(20, 14, 4), wins(15, 3, 0))
    found, strengths = elo_rating(some), np.array(TASK.ratings)[OPPONENTS]
    low, high = mean_interval(moments([30 / 60, 38 / 60, 18 / 60]))
    assert found.value == elo.rating_for(86, np.tile(strengths, 3))
    assert elo.win_probability(found.low - strengths).mean() == pytest.approx(low)
    assert elo.win_probability(found.high - strengths).mean() == pytest.approx(high)
    assert found.high - found.low > 3 * np.ptp(elo_rating(result(wins(19, 10, 1), wins(19, 10, 1)))[1:]) / 2


def test_who_won_everything_has_a_lower_end_only():
    everything = np.ones(60)
    assert elo_rating(result(everything))[::2] == (math.inf, math.inf)
    assert elo_rating(result(everything)).low > 900
    three = elo_rating(result(everything, everything, everything))
    assert three == elo.rate(
        180, np.tile(np.array(TASK.ratings)[OPPONENTS], 3)
    )  # that seeds agree wholly proves little
    assert 900 < three.low < math.inf


def shown(*results):
    """The lines of the page of all tasks and of that of the one task, of these results."""
    runs = [run for each in results for run in each.runs]
    suites = {"go": [TASK]}
    found = pages(compute_rankings(runs, {TASK.key: TASK}, suites), {TASK.key: TASK}, suites, Surroundings())
    return [text.splitlines() for text in found.values()]


def test_the_page_shows_elo_where_other_tasks_show_returns():
    three = result(wins(19, 10, 1), wins(20, 14, 4), wins(15, 3, 0))
    value, low, high = (f"{end:,.0f}" for end in elo_rating(three))
    lines, of_task = shown(three)
    table = lines[: lines.index("## Cost, curves, commands")]
    heading, _, row = (cells(line) for line in table if line.startswith("|"))
    assert [name.partition("<")[0] for name in heading] == ["task", "player", *POOL]
    assert row == ["[duel@1](results/tasks/duel@1.md)", f"{value} [{low}, {high}]", "0", "300", "700"]
    assert "opponents=('weak', 'middling', 'strong')" in of_task[4]
    tables = [cells(line) for line in of_task if line.startswith("|")]
    assert f"{value}<br>[{low}, {high}]" in tables[2]
    opponents, _, won = tables[3:6]
    assert opponents == ["agent", "weak (0)", "middling (300)", "strong (700)"]
    assert won == ["player", "54 of 60", "27 of 60", "5 of 60"]


def cells(line):
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_the_page_shows_no_infinities():
    lines = [line for page in shown(result(np.ones(60)), result(np.zeros(60), name="loser")) for line in page]
    assert not any("inf" in line.lower() for line in lines)
    best, worst = (elo.rate(points, np.array(TASK.ratings)[OPPONENTS]) for points in (60, 0))
    assert any(f"over {best.low:,.0f}<br>(its games:<br>won all)" in line for line in lines)
    assert any(f"under {worst.high:,.0f}<br>(its games:<br>won none)" in line for line in lines)
    everything = [result(*[np.ones(60)] * 3), result(*[np.zeros(60)] * 3, name="loser")]
    _, of_task = shown(*everything)
    assert any("<br>[, " in line for line in of_task)
    assert any(", ] |" in line for line in of_task)


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_an_interval_of_games_alone_does_not_read_as_one_over_seeds(seeds):
    """Under three seeds nothing is known of the next one: 1,372 [1,306, 1,443] read as if it were."""
    some = result(*[wins(19, 10, 1), wins(20, 14, 4), wins(15, 3, 0)][:seeds])
    value, low, high = (f"{end:,.0f}" for end in elo_rating(some))
    beside = {1: f"(its games: {low} to {high})", 2: f"(their games: {low} to {high})", 3: f"[{low}, {high}]"}[seeds]
    lines, of_task = shown(some)
    assert any(f"{value} {beside} |" in line for line in lines)
    assert any(f"{value}<br>{beside.replace(': ', ':<br>')} |" in line for line in of_task)


def test_a_task_without_ratings_has_no_elo():
    plain = Task("plain", 1, "none", episodes=3)
    assert elo_rating(result([1, 0, 1], task=plain)) is None


def test_games_whose_opponents_are_not_rated_yet_have_no_returns_among_elo_ratings():
    """A random agent's share of games won, 0.1, is no Elo rating of 0.1."""
    unrated = dataclasses.replace(TASK, name="unrated", random=0.1, ratings=())
    tasks = [TASK, unrated]
    lines = page(result(wins(19, 10, 1)).runs, {task.key: task for task in tasks}, {"go": tasks}).splitlines()
    start = lines.index("## Go: games against a pool")
    table = lines[start : lines.index("## Cost, curves, commands")]
    heading, _, *rows = (cells(line) for line in table if line.startswith("|"))
    assert [name.partition("<")[0] for name in heading] == ["task", "player", *POOL]
    assert [row[0] for row in rows] == ["[duel@1](results/tasks/duel@1.md)", "unrated@1"]
    assert rows[1][1:] == ["—", "0", *["—"] * (len(POOL) - 1)]  # 0 is random by definition
