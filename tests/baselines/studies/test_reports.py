"""The two reports on the lecture's claims: their arithmetic against second opinions, and one small run of each."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pandas as pd
import pytest
import torch

import rlbench  # noqa: F401  # registers the ids
from baselines.algorithms.reinforce import PRESETS
from baselines.data.rollout import play_episodes
from baselines.studies import binned_cart_pole, glimpse_ablation, gradient_variance, report, sample_efficiency
from rlbench.errors import UserError
from tests.baselines.counting import Transitions


def test_spread_is_the_trace_of_the_covariance() -> None:
    g = np.random.default_rng(0).normal(size=(50, 3)) * [1, 2, 3] + [5, 0, 0]
    (variance,), (signal,) = gradient_variance.spread(g, np.full((1, 50), 1 / 50))
    assert variance == pytest.approx(np.trace(np.cov(g.T)))
    assert signal == pytest.approx((g.mean(axis=0) ** 2).sum() - variance / 50)


def test_the_signal_is_unbiased_where_there_is_none() -> None:
    rng = np.random.default_rng(1)
    signals = [gradient_variance.spread(rng.normal(size=(10, 3)), np.full((1, 10), 0.1))[1][0] for _ in range(4000)]
    assert np.mean(signals) == pytest.approx(0, abs=4 * np.std(signals) / np.sqrt(4000))
    assert np.std(signals) < 0.5


def test_intervals_cover() -> None:
    """Of 200 data sets whose variance is 14 and signal 25, nine in ten intervals contain them at the least."""
    rng, options, hits = np.random.default_rng(2), gradient_variance.GradientVariance(resamples=200), np.zeros(2)
    for _ in range(200):
        g = rng.normal(size=(100, 3)) * [1, 2, 3] + [5, 0, 0]
        row = gradient_variance.table(0, gradient_variance.Gradients([g] * 5, 0.0), options).iloc[0]
        hits[0] += row["variance_low"] <= 14 <= row["variance_high"]
        hits[1] += row["signal_to_noise_low"] <= 25 / 14 <= row["signal_to_noise_high"]

    assert hits.min() >= 180, hits


def test_episode_gradients() -> None:
    """Against torch.func, which differentiates each step by itself."""
    (_, learner), *_ = gradient_variance.policies(gradient_variance.GradientVariance(moments=(0,)))
    played = play_episodes(learner.rollout, learner.choose, 7)
    T = int(played.valid[:, 0].sum())
    s, a = torch.from_numpy(played.s_tm1[:T, 0]), torch.from_numpy(played.a_tm1[:T, 0])
    Psi = np.linspace(-1, 2, T)
    parameters = dict(learner.actor.network.named_parameters())

    def log_pi(p: dict[str, torch.Tensor], s: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(learner.actor.network, p, (s,)).log_softmax(0).gather(0, a[None])[0]

    each = torch.func.vmap(torch.func.grad(log_pi), in_dims=(None, 0, 0))(parameters, s, a)
    expected = np.concatenate([Psi @ g.detach().reshape(T, -1).numpy() for g in each.values()])
    (g,) = gradient_variance.episode_gradients(learner, s.numpy(), a.numpy(), [Psi])
    np.testing.assert_allclose(g, expected, rtol=1e-3, atol=1e-4)


def test_a_small_report_of_the_variance(tmp_path: Path, capsys: Any) -> None:
    options = gradient_variance.GradientVariance(
        (0, 2), episodes=100, baseline_episodes=100, resamples=50, results=tmp_path
    )
    assert gradient_variance.main(options) == 0
    frame = pd.read_csv(tmp_path / "gradient_variance.csv")
    assert frame["updates"].tolist() == [0] * 5 + [2] * 5
    assert frame["estimator"].tolist() == [*gradient_variance.ESTIMATORS] * 2
    assert (frame["variance_low"] < frame["variance"]).all()
    assert (frame["variance"] < frame["variance_high"]).all()
    whole, to_go = frame["variance"][0], frame["variance"][1]
    assert frame["of_the_one_above"][1] == pytest.approx(to_go / whole, rel=1e-4)
    assert to_go < whole / 2
    assert (tmp_path / "gradient_variance.png").stat().st_size > 10_000
    assert capsys.readouterr().out.count("\n") == 2 + 10


@pytest.mark.parametrize("change", [{"moments": ()}, {"moments": (-1,)}, {"episodes": 1}, {"baseline_episodes": 0}])
def test_a_report_of_nothing(change: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="at least 2"):
        gradient_variance.main(gradient_variance.GradientVariance(**change))


@pytest.mark.parametrize(("n", "k"), [(6, 1), (9, 2), (10, 2), (20, 6), (30, 10)])
def test_interval_of_the_median(n: int, k: int) -> None:
    """k by n from Table 7.1 style charts of the sign test at 5 %, two sides."""
    values = [float(value) for value in np.random.default_rng(0).permutation(n) + 1]
    assert sample_efficiency.median_interval(values) == (k, n + 1 - k)
    assert sample_efficiency.median_interval(values[:5]) is None


def test_seeds_that_do_not_hold_stay_in_the_table() -> None:
    rows = [{"agent": "a", "seed": i, "held": i < 8, "steps": 100 * (i + 1), "updates": 1} for i in range(10)]
    (row,) = sample_efficiency.summary(pd.DataFrame(rows)).to_dict("records")
    assert (row["held"], row["seeds"], row["median_steps"]) == (8, 10, 550)
    assert (row["low"], row["high"], row["worst"]) == (200, math.inf, math.inf)
    assert "| 8 of 10 | 550 | 200 to never | 100 | never |" in sample_efficiency.markdown(pd.DataFrame(rows))


def test_a_small_report_of_the_efficiency(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Transitions(monkeypatch, num_envs=16)
    options = sample_efficiency.SampleEfficiency(("actor-critic fast",), seeds=2, results=tmp_path)
    assert sample_efficiency.main(options) == 0
    frame = pd.read_csv(tmp_path / "sample_efficiency.csv")
    assert frame["held"].tolist() == [True, True]
    assert frame["steps"].sum() == made.count
    horizon_of_all_environments = 16 * 128
    assert frame["steps"].sum() + made.resets == frame["updates"].sum() * horizon_of_all_environments
    assert "| actor-critic fast | 2 of 2 |" in capsys.readouterr().out


def test_an_unknown_agent() -> None:
    with pytest.raises(UserError, match="unknown agent 'dqn fats'; did you mean dqn fast"):
        sample_efficiency.main(sample_efficiency.SampleEfficiency(("dqn fats",)))


def test_every_contender_has_settings() -> None:
    for agent in sample_efficiency.EVALUATIONS:
        assert sample_efficiency.settings_of(agent, 5).seed == 5
    assert sample_efficiency.settings_of("reinforce fast", 0).gamma == PRESETS["fast"].gamma


def test_binned_cart_pole_is_cart_pole() -> None:
    env = gymnasium.make_vec(binned_cart_pole.register(), num_envs=3)
    plain = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=3)
    (number, _), (observation, _) = env.reset(seed=4), plain.reset(seed=4)
    rng, seen = np.random.default_rng(0), set()
    for _ in range(200):
        assert env.observation_space.contains(number)
        np.testing.assert_array_equal(number, binned_cart_pole.box(observation))
        seen |= set(number.tolist())
        actions = rng.integers(2, size=3)
        (number, *rest, _), (observation, *others, _) = env.step(actions), plain.step(actions)
        for one, other in zip(rest, others, strict=True):
            np.testing.assert_array_equal(one, other)
    assert len(seen) > 20


def test_boxes() -> None:
    """By hand: the upright pole in the middle, and the two corners."""
    low, high = [-9.0] * 4, [9.0] * 4
    middle = [0.0, 0.0, 0.001, 0.001]  # bins 1 of 3, 1 of 3, 4 of 8, 3 of 6
    numbers = binned_cart_pole.box(np.array([low, middle, high]))
    assert numbers.tolist() == [0, ((1 * 3 + 1) * 8 + 4) * 6 + 3, 3 * 3 * 8 * 6 - 1]


STUDIES: dict[Any, list[str]] = {
    gradient_variance: ["--moments", "0", "--episodes", "2", "--baseline-episodes", "2", "--resamples", "2"],
    sample_efficiency: ["--agents", "actor-critic fast", "--seeds", "1"],
    glimpse_ablation: ["--models", "centre"],
}


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: str(study.__name__))
def test_a_folder_that_cannot_be_written_is_told_before_any_work(
    study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(sys, "argv", ["study.py", *STUDIES[study], "--results", str(tmp_path / "file")])
    kind = "".join(word.title() for word in study.__name__.rpartition(".")[2].split("_"))
    with pytest.raises(SystemExit) as end:
        report.command(study.main, getattr(study, kind))
    assert end.value.code == 2
    assert capsys.readouterr().err == f"error: cannot write into {tmp_path / 'file'}: File exists\n"


@pytest.mark.parametrize("words", [["--seed", "x"], ["--nothing"], ["--results"]])
def test_mistakes_are_one_line(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(sys, "argv", ["gradient_variance.py", *words])
    with pytest.raises(SystemExit) as end:
        report.command(gradient_variance.main, gradient_variance.GradientVariance)
    assert end.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
