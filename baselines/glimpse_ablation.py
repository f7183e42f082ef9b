"""What attention is good for: recurrent attention beside the same network without it, and a convolutional one.

    python -m baselines.glimpse_ablation

trains each of `MODELS` for the same number of epochs, writes a line per model and seed to
`results/glimpse_ablation.csv`, draws `results/glimpse_ablation.png` and prints a Markdown table. An interrupted run
goes on where it stopped. `error` is that of all test images, each seen once, in per cent; the weights are those that
erred least on the validation split. `low` and `high` bound it by the exact binomial interval of 95 %. `multiplications`
counts the multiply-accumulates that one image takes, with the blurring of the retina and all additions left out.

The first glimpse is at a random place in all of them, so `centre` looks once at random and then at the middle.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import tyro

from baselines import convolution, glimpse_template, recurrent_attention, settings, training
from baselines.attention import RecurrentAttention, multiply_accumulates
from baselines.attention_learner import make_learner
from baselines.image_validation import evaluate_images, make_env
from baselines.recurrent_attention import Locations
from rlbench.errors import UserError, unknown


@dataclass(frozen=True)
class Model:
    """A row: how the model chooses where to look, and how often; `locations` None for the convolutional network."""

    locations: Locations | None
    glimpses: int = 0


MODELS: dict[str, Model] = {
    "learned, 8 glimpses": Model("learned", 8),
    "random, 8 glimpses": Model("random", 8),
    "centre, 8 glimpses": Model("centre", 8),
    "convolutional": Model(None),
    "learned, 2 glimpses": Model("learned", 2),
    "learned, 4 glimpses": Model("learned", 4),
    "learned, 6 glimpses": Model("learned", 6),
}


@dataclass(frozen=True)
class Options:
    """Compare learned locations with random ones, with the centre, and with a convolutional network."""

    models: tuple[str, ...] = tuple(MODELS)
    """Which."""
    preset: str = "cluttered60"
    """Whose task and settings."""
    epochs: int = 40
    """Epochs of each training."""
    seeds: int = 1
    """Training seeds of each model."""
    out: Path = Path("runs/glimpse_ablation")
    """Folder for the trainings."""
    results: Path = Path("results")
    """Folder for table and picture."""


def attention_row(model: Model, seed: int, folder: Path, options: Options) -> dict[str, float]:
    """Test error and multiplications of recurrent attention."""
    preset = recurrent_attention.PRESETS[options.preset]
    changes: dict[str, Any] = {"locations": model.locations, "glimpses": model.glimpses, "seed": seed}
    config = replace(preset, agent=folder.name, epochs=options.epochs, **changes)
    submission = training.run("recurrent-attention", config, folder)
    policy = load(submission, seed)
    correct = evaluate_images(make_env(config.task, "test", 500, model.glimpses), policy)
    return {"wrong": int(len(correct) - correct.sum()), "images": len(correct), "multiplications": cost(config)}


def load(submission: Path, seed: int) -> glimpse_template.RecurrentAttention:
    """The agent of a submission."""
    from safetensors.numpy import load_file

    stored = json.loads((submission / "policy.json").read_text())
    return glimpse_template.policy(stored, load_file(submission / "weights.safetensors"), seed)


def cost(config: recurrent_attention.Config) -> int:
    """Multiply-accumulates per image of recurrent attention."""
    learner = make_learner(replace(config, batch=1))
    pixels = learner.network.glimpse_network.what.in_features
    return multiply_accumulates(learner.network, lambda: look(learner.network, pixels, learner.glimpses, config))


def look(network: RecurrentAttention, pixels: int, glimpses: int, config: recurrent_attention.Config) -> None:
    """One image: glimpses with a move after each but the last, which is followed by the classification."""
    h = None
    for t in range(glimpses):
        h = network.look(h, torch.zeros(1, pixels), torch.zeros(1, 2))
        if t < glimpses - 1 and config.locations == "learned":
            network.location_network(h)
    network.action_network(h)


def convolution_row(seed: int, options: Options) -> dict[str, float]:
    """Test error and multiplications of the convolutional network."""
    task = recurrent_attention.PRESETS[options.preset].task
    network = convolution.train(task, options.epochs, seed)
    judged = convolution.whole_images(task, "test", 500)
    wrong, images = convolution.errors(network, judged)
    pictures, _ = judged.batch(np.zeros(500, int))
    return {
        "wrong": wrong,
        "images": images,
        "multiplications": multiply_accumulates(network, lambda: network(pictures[:1])),
    }


def binomial_interval(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a probability p after k of n: P(X >= k | low) = P(X <= k | high) = (1 - level) / 2.

    X is binomial. Clopper & Pearson (1934).
    """
    log_factorial = np.concatenate(([0.0], np.log(np.arange(1, n + 1)).cumsum()))
    x = np.arange(n + 1)
    log_ways = log_factorial[n] - log_factorial[x] - log_factorial[n - x]

    def at_most(k: int, p: float) -> float:
        return float(np.exp(log_ways + x * math.log(p) + (n - x) * math.log1p(-p))[: k + 1].sum())

    def solve(k: int, probability: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if at_most(k, middle) > probability else (low, middle)
        return middle

    tail = (1 - level) / 2
    return solve(k - 1, 1 - tail) if k else 0.0, solve(k, tail) if k < n else 1.0


def rows(options: Options, path: Path) -> pd.DataFrame:
    """A line per model and seed, added to `path` as they come about; those that are there already are kept."""
    known = pd.read_csv(path).to_dict("records") if path.exists() else []
    for name in options.models:
        for seed in range(options.seeds):
            key = {"preset": options.preset, "model": name, "epochs": options.epochs, "seed": seed}
            if any(key.items() <= row.items() for row in known):
                continue
            model = MODELS[name]
            folder = options.out / f"{options.preset}-{name.replace(', ', '-').replace(' ', '-')}-s{seed}"
            row = attention_row(model, seed, folder, options) if model.locations else convolution_row(seed, options)
            low, high = (100 * end for end in binomial_interval(int(row["wrong"]), int(row["images"])))
            error = 100 * row["wrong"] / row["images"]
            known.append({**key, "glimpses": model.glimpses, "error": error, "low": low, "high": high, **row})
            pd.DataFrame(known).to_csv(path, index=False)
            sys.stderr.write(f"{name}, seed {seed}: {error:.2f} % wrong\n")
    return pd.DataFrame(known)


def markdown(frame: pd.DataFrame) -> str:
    """The table for people to read."""
    lines: list[tuple[str, ...]] = [("model", "test error, %", "95 % interval", "multiplications per image")]
    lines.append(("---", "--:", "--:", "--:"))
    for row in frame.to_dict("records"):
        name = row["model"] if frame["seed"].nunique() == 1 else f"{row['model']}, seed {row['seed']}"
        interval = f"{row['low']:.2f} to {row['high']:.2f}"
        lines.append((name, f"{row['error']:.2f}", interval, f"{row['multiplications']:,.0f}"))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def draw(frame: pd.DataFrame, path: Path) -> None:
    """Error over the number of glimpses, and over multiplications."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(9, 4), layout="constrained")
    by_glimpses, by_cost = picture.subplots(1, 2, sharey=True)
    for kind, group in frame.groupby(frame["model"].str.partition(",")[0], sort=False):
        ordered = group.groupby("model")[["glimpses", "multiplications", "error", "low", "high"]].mean()
        ordered = ordered.sort_values("glimpses")
        ends = np.abs(ordered[["low", "high"]].to_numpy().T - ordered["error"].to_numpy())
        for axes, across in ((by_glimpses, "glimpses"), (by_cost, "multiplications")):
            if across == "glimpses" and not ordered["glimpses"].all():
                axes.axhline(ordered["error"].mean(), color="grey", linestyle=":", label=kind)
                continue
            color = "grey" if not ordered["glimpses"].all() else None
            axes.errorbar(ordered[across], ordered["error"], yerr=ends, marker="o", capsize=3, label=kind, color=color)
    by_glimpses.set(xlabel="glimpses", ylabel="test error, %", ylim=(0, None))
    by_cost.set(xlabel="multiply-accumulates per image", xlim=(0, None))
    by_glimpses.legend(fontsize="small")
    picture.savefig(path, dpi=120, metadata={"Software": None})


def main(options: Options) -> int:
    """Train, write, draw, print."""
    for name in ("epochs", "seeds"):
        settings.count(name, getattr(options, name))
    for name in options.models:
        if name not in MODELS:
            raise unknown("model", name, MODELS)
    if options.preset not in recurrent_attention.PRESETS:
        raise unknown("preset", options.preset, recurrent_attention.PRESETS)
    options.results.mkdir(parents=True, exist_ok=True)
    frame = rows(options, options.results / "glimpse_ablation.csv")
    draw(frame, options.results / "glimpse_ablation.png")
    sys.stdout.write(markdown(frame))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Options)))
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
