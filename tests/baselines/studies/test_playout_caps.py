"""The ablation of playout cap randomization, on a board and with networks that a test can afford."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from baselines.algorithms import alphazero
from baselines.studies import playout_caps
from baselines.studies.playout_caps import VARIANTS, PlayoutCaps, mean_simulations, training_run
from rlbench.errors import UserError
from tests.baselines.algorithms.test_alphazero import SMALL

OPTIONS = PlayoutCaps(task=SMALL.task, iterations=4, evaluations=2, seeds=1)


def test_all_variants_have_the_same_budget_of_simulations() -> None:
    budgets = {}
    for name in VARIANTS:
        settings = training_run(name, 2, PlayoutCaps()).settings
        settings.check()
        assert settings.seed == 2
        assert settings.iterations // settings.eval_every_iterations == 10
        budgets[settings.agent] = settings.iterations * mean_simulations(settings)
    assert budgets == {
        "alphazero-16-in-all-turns": 3200,
        "alphazero-40-in-all-turns": 3200,
        "alphazero-caps-40-or-8": 3200,
    }


def test_table_and_picture_and_going_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(alphazero.PRESETS, "go5", replace(SMALL, simulations=16))
    options = replace(OPTIONS, out=tmp_path / "runs", results=tmp_path)
    playout_caps.main(options)
    table = capsys.readouterr().out
    assert [line.split(" | ")[:2] for line in table.splitlines()[2:]] == [[f"| {name}", "1"] for name in VARIANTS]
    frame = pd.read_csv(tmp_path / "playout_caps.csv")
    assert frame.groupby("variant", sort=False).size().tolist() == [2, 2, 2]
    assert (frame["simulations"] / frame["steps"]).round().tolist() == [16, 16, 40, 40, 16, 16]
    assert (tmp_path / "playout_caps.png").stat().st_size > 10_000
    monkeypatch.setattr(alphazero.AlphaZero, "iterate", lambda learner: pytest.fail("trained again"))
    playout_caps.main(options)
    assert capsys.readouterr().out == table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variants": ("caps",)}, "unknown variant 'caps'"),
        ({"iterations": 0}, "iterations must be"),
        ({"seeds": 0}, "seeds must be"),
    ],
)
def test_bad_options(change: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        playout_caps.main(replace(OPTIONS, **change))
