"""Learning curves beside the records: kept, found, linked."""

import pytest

from rlbench.errors import UserError
from rlbench.harness.ranking.leaderboard import CurveLink, curve_links
from rlbench.harness.results import curves

HEAD = {"event": "started", "task": "cart-pole@1", "agent": "dqn", "seed": 3, "device": "cpu"}


def evaluated(steps, seconds, mean):
    return {"event": "evaluated", "steps": steps, "seconds": seconds, "mean": mean}


def test_the_evaluations_of_a_curve_are_kept_and_found(tmp_path):
    progress = {"event": "progress", "steps": 5, "seconds": 0.1}
    curves.keep([HEAD, progress, evaluated(10, 0.12345, 20.0), evaluated(30, 1.5, 475.25)], tmp_path)
    path = tmp_path / "curves" / "cart-pole@1" / "dqn-s3.csv"
    assert path.read_text(encoding="utf-8") == (
        "steps,seconds,mean_return,device\n10,0.123,20.0,cpu\n30,1.5,475.25,cpu\n"
    )
    (found,) = curves.find(tmp_path)
    assert found == curves.KeptCurve("cart-pole@1", "dqn", 3, "curves/cart-pole@1/dqn-s3.csv", 30, 1.5, "cpu")


def test_planning_has_no_curve(tmp_path):
    curves.keep([HEAD, {"event": "finished", "steps": 0, "seconds": 0.0}], tmp_path)
    assert curves.find(tmp_path) == []


@pytest.mark.parametrize("text", ["", "steps,seconds\n1,2\n", "steps,seconds,mean_return,device\n"])
def test_a_file_that_is_no_curve_is_a_line(tmp_path, text):
    path = tmp_path / "curves" / "cart-pole@1" / "dqn-s3.csv"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="no learning curve"):
        curves.find(tmp_path)


def test_the_page_links_to_curves_and_says_what_they_cost():
    links = [CurveLink("t", "dqn", seed, f"results/curves/t/dqn-s{seed}.csv", 2.0 + seed, "cpu") for seed in (0, 1)]
    seeds = " ".join(f"[{seed}](<results/curves/t/dqn-s{seed}.csv>)" for seed in (0, 1))
    assert curve_links(links) == f"dqn by seed {seeds}, trained in 2.5 s each on cpu"
    assert curve_links([]) == "not recorded"
