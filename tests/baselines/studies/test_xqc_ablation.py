"""The ablation of XQC on a pendulum that a test can afford."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from baselines import checks
from baselines.algorithms import soft_actor_critic, xqc
from baselines.studies import ablation, xqc_ablation
from baselines.training import runner
from rlbench.errors import UserError
from tests.baselines.algorithms.test_soft_actor_critic import BRIEF as OF_SAC
from tests.baselines.algorithms.test_xqc import BRIEF

OPTIONS = xqc_ablation.XQCAblation(("xqc", "without categorical", "sac"), "Pendulum-v1", steps=240, evaluations=2)


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(xqc.PRESETS, "fast", BRIEF)
    monkeypatch.setitem(soft_actor_critic.PRESETS, "fast", OF_SAC)


def test_each_variant_leaves_out_what_it_says() -> None:
    found = {name: xqc_ablation.training_run(name, 1, OPTIONS).settings for name in xqc_ablation.VARIANTS}
    off = {name: {part for part in xqc_ablation.PARTS if not getattr(found[name], part, False)} for name in found}
    assert off == {
        "xqc": set(),
        "without batch_norm": {"batch_norm"},
        "without weight_norm": {"weight_norm"},
        "without categorical": {"categorical"},
        "without any": {*xqc_ablation.PARTS},
        "sac": {*xqc_ablation.PARTS},
    }
    assert len({settings.agent for settings in found.values()}) == len(found)
    for settings in found.values():
        settings.check()
        assert (settings.seed, settings.total_env_steps, settings.eval_every_env_steps) == (1, 240, 120)


def test_table_and_picture_and_going_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(OPTIONS, out=tmp_path / "runs", results=tmp_path)
    xqc_ablation.main(options)
    table = capsys.readouterr().out
    frame = pd.read_csv(tmp_path / "xqc_ablation.csv")
    assert [*zip(frame["variant"], frame["steps"], strict=True)] == [
        (name, steps) for name in options.variants for steps in (120, 240)
    ]
    assert (tmp_path / "xqc_ablation.png").stat().st_size > 10_000
    monkeypatch.setattr(xqc.XQC, "learn", lambda learner: pytest.fail("trained again"))
    xqc_ablation.main(options)
    assert capsys.readouterr().out == table
    assert table.splitlines()[2].startswith("| xqc | 1 |")
    settings = xqc_ablation.training_run("xqc", 0, options).settings
    assert runner.checkpoint.load(
        options.out / "Pendulum-v1-xqc-s0" / runner.CHECKPOINT, "xqc", checks.as_json(settings)
    )


def test_the_numbers_of_the_table() -> None:
    """Two seeds: means 2 and 4 of their evaluations, best 3 and 6, last 3 and 0, 60 and 120 seconds."""
    seeds, returns = np.repeat([0, 1], 3), [1, 2, 3, 6, 6, 0]
    frame = pd.DataFrame({"task": "t", "variant": "xqc", "seed": seeds, "steps": [1, 2, 3] * 2, "mean_return": returns})
    frame["seconds"] = [20, 40, 60, 40, 80, 120]
    assert ablation.markdown(frame).splitlines()[2] == "| xqc | 2 | 3 | 4 | 2 | 1.5 |"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variants": ("xcq",)}, "unknown variant 'xcq'; did you mean xqc"),
        ({"steps": 0}, "steps must be"),
        ({"evaluations": 0}, "evaluations must be"),
    ],
)
def test_bad_options(change: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        xqc_ablation.main(replace(OPTIONS, **change))
