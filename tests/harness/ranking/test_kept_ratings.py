"""Elo ratings from the cache: those that are computed, and no others'."""

import dataclasses

import numpy as np
import pytest

from rlbench.harness.ranking import games, intervals, kept_ratings
from rlbench.harness.ranking.kept_ratings import KeptRatings
from tests.harness.ranking.test_games import TASK, result, wins

SOME = {
    "one seed": result(wins(19, 10, 1)),
    "three seeds": result(wins(19, 10, 1), wins(20, 14, 4), wins(15, 3, 0)),
    "won all": result(np.ones(60)),
    "won none": result(np.zeros(60)),
}


@pytest.fixture
def cache():
    return {}


@pytest.fixture
def rate(cache):
    """A call that rates with what an earlier process has kept."""
    return lambda of: KeptRatings(cache.get, cache.__setitem__)(of)


@pytest.mark.parametrize("name", SOME)
def test_a_kept_rating_is_the_computed_one_to_the_last_bit(name, rate, monkeypatch):
    computed = games.elo_rating(SOME[name])
    assert rate(SOME[name]) == computed
    monkeypatch.setattr(games, "elo_rating", lambda result: pytest.fail("computed again"))
    assert rate(SOME[name]) == computed


def test_what_follows_from_anything_else_is_computed(rate, monkeypatch, tmp_path):
    of = SOME["three seeds"]
    others = [
        result(wins(19, 10, 1), wins(20, 14, 4), wins(15, 3, 1)),
        result(*(run.returns for run in of.runs), drawn=1),
        result(*(run.returns for run in of.runs), steps=0),
        result(*(run.returns for run in of.runs), task=dataclasses.replace(TASK, ratings=(0.0, 300.0, 701.0))),
    ]
    rate(of)
    for other in others:
        assert rate(other) == games.elo_rating(other)
    rate(of)
    edited = tmp_path / "intervals.py"
    edited.write_text("# another formula\n", encoding="utf-8")
    monkeypatch.setattr(intervals, "__file__", str(edited))
    monkeypatch.setattr(games, "elo_rating", lambda result: (1.0, 2.0, 3.0))
    assert rate(of) == (1.0, 2.0, 3.0)


def test_tasks_without_ratings_are_left_alone(rate, cache):
    assert rate(result(np.ones(60), task=dataclasses.replace(TASK, ratings=()))) is None
    assert not cache


def test_the_newest_ratings_are_kept(rate, cache, monkeypatch):
    monkeypatch.setattr(kept_ratings, "MAX_RATINGS", 2)
    for of in SOME.values():
        rate(of)
    monkeypatch.setattr(games, "elo_rating", lambda result: pytest.fail("computed again"))
    assert rate(SOME["won none"]) == (-np.inf, -np.inf, rate(SOME["won none"]).high)
