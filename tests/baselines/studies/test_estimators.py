"""The comparison of estimators on three tasks: its arithmetic by hand, a small run, and the committed table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from baselines.algorithms.reinforce import PRESETS
from baselines.studies import estimators
from rlbench.errors import UserError
from tests.docs.pages import ROOT, text


def test_the_area_under_a_curve_by_hand() -> None:
    """10 over the first 100 steps, 40 over the next 200."""
    assert estimators.area([(100, 10.0), (300, 40.0)]) == 30.0


def test_all_but_the_estimator_and_the_scale_of_a_task_is_the_presets() -> None:
    for task in estimators.TASKS:
        for estimator in estimators.ESTIMATORS:
            settings = estimators.settings_of(task, estimator, 3)
            assert (settings.task, settings.estimator, settings.seed) == (task, estimator, 3)
            same = ("gamma", "learning_rate", "learning_rate_end", "critic_learning_rate", "num_envs", "hidden")
            for name in same:
                assert getattr(settings, name) == getattr(PRESETS["fast"], name)


def test_a_small_run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(estimators.TASKS["grid-world@1"], "total_env_steps", 3_000)
    options = estimators.Estimators(("grid-world@1",), seeds=1, results=tmp_path)
    assert estimators.main(options) == 0
    frame = pd.read_csv(tmp_path / "estimators.csv")
    assert frame["estimator"].tolist() == list(estimators.ESTIMATORS)
    assert frame["mean"].between(-200, -2).all()
    assert frame["steps"].between(2_000, 6_000).all()  # the last update plays its episodes to their ends
    table = capsys.readouterr().out.splitlines()
    assert table[0] == "| estimator | grid-world@1: mean | grid-world@1: last |"
    assert len(table) == 2 + 5
    with pytest.raises(UserError, match="unknown task 'grid-word@1'; did you mean grid-world@1"):
        estimators.main(estimators.Estimators(("grid-word@1",)))


def test_the_page_shows_the_committed_table() -> None:
    frame = pd.read_csv(ROOT / "results" / "estimators.csv")
    assert estimators.markdown(frame) in text("docs/agents.md")
    assert frame.groupby(["task", "estimator"]).size().eq(5).all()
