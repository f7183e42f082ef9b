"""The scores on docs/agents.md are those of results/."""

from __future__ import annotations

import numpy as np
import pytest

from rlbench.gtp.tournament import read_games
from rlbench.harness import submission
from rlbench.harness.ranking import elo
from rlbench.harness.ranking.games import opponents_of
from rlbench.harness.ranking.intervals import clopper_pearson
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import TASKS
from tests.docs.pages import ROOT, tables

PAGE = "docs/agents.md"
SEEDS = ("seed 0", "seed 1", "seed 2")


@pytest.fixture(scope="module")
def episodes():
    """Every committed episode."""
    return record.load(ROOT / "results")


@pytest.fixture(scope="module")
def means(episodes):
    """Mean returns, by task, agent and training seed."""
    return episodes.groupby(["task", "agent", "training_seed"])["return"].mean()


def agrees(cell, value):
    """Whether a cell is the value, rounded to as many digits as it has."""
    return cell == f"{value:,.{len(cell.partition('.')[2])}f}"


@pytest.mark.parametrize("heading", ["Scores: planning, Q-learning and DQN", "Scores: policy gradients"])
def test_means_over_training_seeds(heading, means):
    for row in tables(PAGE, heading)[0]:
        seeds = means[row.get("task", "cart-pole@1"), row["agent"].split()[0]]
        assert len(seeds) == (1 if row["worst seed"] == "(one run)" else 10)
        assert agrees(row["mean"], seeds.mean())
        assert len(seeds) == 1 or agrees(row["worst seed"], seeds.min())


def test_each_seed_of_games_and_robots(means):
    for row in tables(PAGE, "DQN from pixels")[1] + tables(PAGE, "Scores: robots")[0]:
        recorded = means[row["task"], row["agent"]]
        assert len(recorded) == sum(bool(row[seed]) for seed in SEEDS)
        for seed, value in recorded.items():
            assert agrees(row[f"seed {seed}"], value), row
        if "random" in row:
            assert agrees(row["random"], means[row["task"], "random"].item())


def test_errors_of_glimpses(episodes):
    task = ""
    for row in tables(PAGE, "Scores: recurrent attention")[0]:
        task, agent = row["task"] or task, "recurrent-attention" + "-150" * ("--epochs 150" in row["preset"])
        played = episodes[(episodes["task"] == task) & (episodes["agent"] == agent)]
        returns = played[played["training_seed"] == int(row["seed"])]["return"]
        wrong, count = int((returns == 0).sum()), len(returns)
        low, high = (100 * bound for bound in clopper_pearson(wrong, count))
        assert agrees(row["error"], 100 * wrong / count)
        assert row["95 % interval"] == f"[{low:.2f}, {high:.2f}]"


PLAYERS = {
    ("go5@1", "alphazero"): "baselines/pretrained/go5@1/alphazero-s0",
    ("go5@1", "the same search, untrained"): "runs/untrained/submission",
    ("go9@1", "alphazero"): "baselines/pretrained/go9@1/alphazero-s0",
    ("go9@1", "the same search, untrained"): "runs/untrained-go9",
}


def matches():
    """The rows of the matches, each with its games in the file of its task, and the ratings of the task's pool."""
    rows = [row for table in tables(PAGE, "AlphaZero: Go by self-play") for row in table if "95 % interval" in row]
    for row in rows:
        task = TASKS[row["task"]]
        pool = dict(zip(opponents_of(task), task.ratings, strict=True))
        player, against = PLAYERS[row["task"], row["player"]], row["opponent"]
        others = set(pool) if against == "all rated" else {against}
        games = read_games(ROOT / "results" / f"{task.name}_matches.csv")
        yield row, player, pool, [game for game in games if {game.black, game.white} - others == {player}]


def test_matches_of_alphazero():
    """Every row has its games in the file, half of them with each colour, and the rating that follows from them."""
    for row, player, pool, games in matches():
        black, white = ([game for game in games if getattr(game, side) == player] for side in ("black", "white"))
        assert len(black) == len(white) == int(row["games"]) / 2
        won = [sum(game.winner == "black" for game in black), sum(game.winner == "white" for game in white)]
        assert [int(row["won"]), int(row["as Black"]), int(row["as White"])] == [sum(won), *won]
        if row["opponent"] != "all rated":
            low, high = (100 * share for share in clopper_pearson(sum(won), len(games)))
            said = [float(each) for each in row["95 % interval"].rstrip(" %").split(" to ")]
            assert said == pytest.approx([low, high], abs=0.06)
        rating = elo.rate(sum(won), [pool[game.white if game.black == player else game.black] for game in games])
        value, low, high = (f"{round(each):,}" if np.isfinite(each) else "" for each in rating)
        assert row["Elo"] == (f"{value} [{low}, {high}]" if value else f"over {low}" if low else f"under {high}")


def test_matches_are_of_the_committed_agents():
    for row, player, _, games in matches():
        if row["player"] == "alphazero":
            digest = submission.read(ROOT / player).digest[:12]
            versions = {game.black_version if game.black == player else game.white_version for game in games}
            assert versions == {f"1 {digest}"}
