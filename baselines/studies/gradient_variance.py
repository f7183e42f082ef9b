"""Variance of the lecture's estimators of the policy gradient, measured on cart-pole.

    python -m baselines.studies.gradient_variance

trains a policy by the lecture's REINFORCE, copies it after a few numbers of updates, plays the same episodes for every
estimator at each, and takes the gradient that each single episode gives. It writes `results/gradient_variance.csv`,
the same as a picture, and prints a Markdown table. Per policy and estimator:

variance: the trace of the covariance of the one-episode estimate g, E|g - E g|^2, in rewards squared;
of the one above: its quotient by the variance of the estimator before it in the lecture, on the same episodes;
signal to noise: |E g|^2 / E|g - E g|^2, which does not depend on the scale of g. Its inverse is the number of episodes
to average until the gradient is as long as its error. (With a discount E g is not grad J, but the estimators' mean.)

The lecture's order holds at the default moments, policies half-way, by more than the intervals. It is no theorem. Of
policies that have learned little (`--moments 0 40 100`, mean returns of 20 to 45) V varies as much as the moving
average, within a few per cent: terms of different steps are correlated, and V is not the baseline of least variance
(Greensmith, Bartlett & Baxter, 2004). And once every episode lasts until it is cut short, V explains nothing any more.

Intervals are 95 % percentile bootstraps over episodes; the quotient's resamples both estimators' episodes together.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
import pandas as pd
import torch

from baselines.algorithms import reinforce
from baselines.algorithms.reinforce import Estimator, Reinforce, psi
from baselines.data.rollout import Transition, play_episodes
from baselines.files import check_folder, write
from baselines.maths.estimators import discounted_reward_to_go, moving_average, policy_gradient_loss
from baselines.studies.report import command, markdown_table
from baselines.training.events import Snapshot
from baselines.training.loop import computing
from baselines.types import Floats, Tree
from rlbench.charts import matplotlib_settings
from rlbench.errors import UserError
from rlbench.harness.ranking.bootstrap import percentile_interval
from rlbench.harness.ranking.intervals import Interval
from rlbench.whole_files import replacing

ESTIMATORS: tuple[Estimator, ...] = get_args(Estimator)


@dataclass(frozen=True)
class GradientVariance:
    """Measure the variance of the lecture's gradient estimators on fixed policies."""

    moments: tuple[int, ...] = (110, 120, 130)
    """Numbers of updates after which the policy is measured."""
    episodes: int = 4_000
    """Episodes per policy that gradients are taken of."""
    baseline_episodes: int = 2_000
    """Earlier episodes, from which the moving average and V are learned."""
    critic_epochs: int = 200
    """Gradient steps in which V is learned."""
    resamples: int = 2_000
    """Bootstrap resamples."""
    seed: int = 0
    """Seed of the training run, of the episodes and of the resampling."""
    results: Path = Path("results")
    """Folder for the table and the picture."""


class Gradients(NamedTuple):
    """One-episode gradients of a policy, g[E, P] per estimator in the lecture's order, and the mean return."""

    g: list[Floats]
    mean_return: float


def policies(options: GradientVariance) -> Iterator[tuple[int, Reinforce]]:
    """The policy after each of `moments` updates, as a learner that can play; its value network untrained."""
    config = replace(reinforce.PRESETS["lecture"], seed=options.seed, checkpoint_every_updates=1, goal=np.inf)
    playing = replace(reinforce.PRESETS["fast"], num_envs=50, critic_epochs=options.critic_epochs, seed=options.seed)
    for event in reinforce.train(config):
        if isinstance(event, Snapshot) and event.update in options.moments:
            state: Tree = event.state()["learner"]
            learner = Reinforce(playing)
            learner.actor.theta.copy_(torch.from_numpy(state["actor"]["theta"]))
            yield event.update, learner
            if event.update == max(options.moments):
                return


def blocks(learner: Reinforce, episodes: int, seed: int) -> Iterator[Transition]:
    """Episodes of the policy, `trajectories` at a time."""
    for first in range(0, episodes, learner.settings.num_envs):
        yield play_episodes(learner.rollout, learner.choose, seed + first)


def learn_baselines(learner: Reinforce, episodes: int, seed: int) -> None:
    """Fill in b and V from episodes of their own, so that no measured action has touched them."""
    settings = learner.settings
    states, returns = [], []
    for k, played in enumerate(blocks(learner, episodes, seed), start=1):
        r_t = np.float32(settings.reward_scale) * played.r_t
        G_t = discounted_reward_to_go(r_t, played.last_t, settings.gamma)[played.valid]
        learner.b = moving_average(learner.b, k, float(G_t.mean()), settings.moving_average_rate)
        states.append(played.s_tm1[played.valid])
        returns.append(G_t)
    learner.fit_value(np.concatenate(states), np.concatenate(returns))


def episode_gradients(learner: Reinforce, s_t: Floats, a_t: Floats, Psi_t: list[Floats]) -> list[Floats]:
    """The gradient sum_t Psi_t grad log pi(a_t|s_t) of one episode, [P], for each Psi_t[T]."""
    actor, flat = learner.actor, learner.actor.flat
    log_pi_t = learner.head.log_prob(actor(actor.tensor(s_t)), actor.tensor(a_t))
    gradients = []
    for Psi in Psi_t:
        policy_gradient_loss(log_pi_t, actor.tensor(Psi.astype(np.float32)), 1).backward(retain_graph=True)
        gradients.append(-flat.grad.cpu().numpy().astype(float))
        flat.grad.zero_()
    return gradients


def measure(learner: Reinforce, episodes: int, seed: int) -> Gradients:
    """Gradients of single episodes by every estimator, the episodes being the same."""
    scale, gamma = learner.settings.reward_scale, learner.settings.gamma
    collected: list[list[Floats]] = [[] for _ in ESTIMATORS]
    returns = []
    for played in blocks(learner, episodes, seed):
        r_t, v_t = np.float32(scale) * played.r_t, learner.values(played.s_tm1)
        Psi_t = [psi(name, r_t, played.last_t, gamma, b=learner.b, v_t=v_t) / scale for name in ESTIMATORS]
        for n in range(played.r_t.shape[1]):
            T = int(played.valid[:, n].sum())
            single = episode_gradients(learner, played.s_tm1[:T, n], played.a_tm1[:T, n], [P[:T, n] for P in Psi_t])
            for gradients, g in zip(collected, single, strict=True):
                gradients.append(g)
            returns.append(float(played.r_t[:T, n].sum()))
    return Gradients([np.stack(gradients)[:episodes] for gradients in collected], float(np.mean(returns[:episodes])))


def spread(g: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Variance E|g - E g|^2 and squared length |E g|^2, both unbiased, of g[E, P] under weights[B, E] that add to 1.

    |mean g|^2 exceeds |E g|^2 by variance / E on average, which is taken off.
    """
    E = len(g)
    mean_square = ((weights @ g) ** 2).sum(axis=1)
    variance = (weights @ (g**2).sum(axis=1) - mean_square) * E / (E - 1)
    return variance, mean_square - variance / E


def table(update: int, gradients: Gradients, options: GradientVariance) -> pd.DataFrame:
    """A row per estimator for one policy."""
    rng, E = np.random.default_rng(options.seed), len(gradients.g[0])
    drawn = rng.multinomial(E, np.full(E, 1 / E), size=options.resamples) / E
    everything = np.full((1, E), 1 / E)
    rows, before = [], None
    for name, g in zip(ESTIMATORS, gradients.g, strict=True):
        (variance,), (signal,) = spread(g, everything)
        variances, signals = spread(g, drawn)
        bias = (signals + variances / E).mean() - (signal + variance / E)  # resampling adds its own variance / E
        row = {"updates": update, "mean_return": gradients.mean_return, "estimator": name, "episodes": E}
        row |= figure("variance", variance, variances)
        row |= figure("of_the_one_above", *((variance / before[0], variances / before[1]) if before else (np.nan,) * 2))
        row |= figure("signal_to_noise", signal / variance, (signals - bias) / variances)
        rows.append(row)
        before = variance, variances
    return pd.DataFrame(rows)


def figure(name: str, value: float, replicates: Floats | float) -> dict[str, float]:
    """A number with the ends of its interval, as columns."""
    low, high = percentile_interval(replicates) if isinstance(replicates, np.ndarray) else Interval(np.nan, np.nan)
    return {name: float(value), f"{name}_low": low, f"{name}_high": high}


def markdown(frame: pd.DataFrame) -> str:
    """The table for people to read."""
    head = ("policy: updates (mean return)", "Psi_t", "variance", "of the one above", "signal to noise")
    lines = []
    for row in frame.to_dict("records"):
        cells = [
            "—" if np.isnan(row[name]) else f"{row[name]:.3g} [{row[f'{name}_low']:.3g}, {row[f'{name}_high']:.3g}]"
            for name in ("variance", "of_the_one_above", "signal_to_noise")
        ]
        lines.append((f"{row['updates']} ({row['mean_return']:.1f})", row["estimator"], *cells))
    return markdown_table(head, lines, left=len(head))


@matplotlib_settings()
def draw(frame: pd.DataFrame, path: Path) -> None:
    """Variance and signal to noise by estimator, a line per policy."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(9, 4), layout="constrained")
    for axes, name in zip(picture.subplots(1, 2), ("variance", "signal_to_noise"), strict=True):
        for (updates, mean), rows in frame.groupby(["updates", "mean_return"]):
            ends = np.abs(rows[[f"{name}_low", f"{name}_high"]].to_numpy().T - rows[name].to_numpy())
            label = f"after {updates} updates, mean return {mean:.0f}"
            axes.errorbar(rows["estimator"], rows[name], yerr=ends, marker="o", capsize=3, label=label)
        axes.set(yscale="log", title=name.replace("_", " ") + " of a one-episode gradient")
        axes.tick_params(axis="x", rotation=25)
    axes.legend(fontsize="small")
    with replacing(path) as whole:
        picture.savefig(whole, dpi=120, format="png", metadata={"Software": None})


@computing()
def main(options: GradientVariance) -> int:
    """Measure, write, print."""
    if min(options.moments, default=-1) < 0 or min(options.episodes, options.baseline_episodes) < 2:
        raise UserError("moments are update numbers from 0, episodes and baseline episodes at least 2")
    check_folder(options.results, "write into")
    frames = []
    for update, learner in policies(options):
        learn_baselines(learner, options.baseline_episodes, seed=1_000_000 + options.seed)
        frames.append(table(update, measure(learner, options.episodes, seed=2_000_000 + options.seed), options))
    frame = pd.concat(frames, ignore_index=True)
    write(options.results / "gradient_variance.csv", frame.to_csv(index=False, float_format="%.6g").encode())
    draw(frame, options.results / "gradient_variance.png")
    sys.stdout.write(markdown(frame))
    return 0


if __name__ == "__main__":
    command(main, GradientVariance)
