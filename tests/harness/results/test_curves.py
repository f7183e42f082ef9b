"""Learning curves beside the records: kept and found."""

import pytest

from rlbench.errors import UserError
from rlbench.harness.results import curves

HEADER = "steps,seconds,mean_return,device\n"
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


def test_another_precision_than_float32_is_named(tmp_path):
    curves.keep([{**HEAD, "device": "NVIDIA H200", "precision": "tf32"}, evaluated(10, 0.5, 20.0)], tmp_path)
    curves.keep([{**HEAD, "seed": 4, "precision": "float32"}, evaluated(10, 0.5, 20.0)], tmp_path)
    assert [curve.device for curve in curves.find(tmp_path)] == ["NVIDIA H200 (tf32)", "cpu"]


def test_planning_has_no_curve(tmp_path):
    curves.keep([HEAD, {"event": "finished", "steps": 0, "seconds": 0.0}], tmp_path)
    assert curves.find(tmp_path) == []


IMPOSSIBLE = (
    *("-1,1,2,cpu", f"{2**63},1,2,cpu", "1,-1,2,cpu", "1,nan,2,cpu", "1,inf,2,cpu", "1,1,nan,cpu", "1,1,1e999,cpu"),
    *("1,1,2,a\x1b[31m", "1,1,2,a\u202e", f"1,1,2,{'a' * 201}", "1" * 5000 + ",1,2,cpu"),
)


@pytest.mark.parametrize(
    "text",
    ["", "steps,seconds\n1,2\n", HEADER, HEADER + "x,1,2,cpu\n", *(f"{HEADER}{each}\n" for each in IMPOSSIBLE)],
)
def test_a_file_that_is_no_curve_is_a_line(tmp_path, text):
    path = tmp_path / "curves" / "cart-pole@1" / "dqn-s3.csv"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    found, ((flawed, reason),) = curves.survey(tmp_path)
    assert (found, flawed) == ([], path)
    assert "no learning curve" in reason
    with pytest.raises(UserError, match="no learning curve"):
        curves.read(path)


@pytest.mark.parametrize(
    "place", ["cart-pole@1/d|n-s3.csv", "cart-pole@1/dqn.csv", "ca<b>@1/dqn-s3.csv", "x/dqn-s3.csv"]
)
def test_a_curve_lies_where_its_task_and_agent_say(tmp_path, place):
    path = tmp_path / "curves" / place
    path.parent.mkdir(parents=True)
    path.write_text(HEADER + "1,1,2,cpu\n", encoding="utf-8")
    ((flawed, reason),) = curves.survey(tmp_path)[1]
    assert flawed == path
    assert "its place is not <task>/<agent>-s<seed>.csv" in reason
