"""Ablation of learned locations: recurrent attention against random and central glimpses, and a convolutional network.

    python -m baselines.studies.glimpse_ablation

trains each of `MODELS` for the same number of epochs, writes their rows to `results/glimpse_ablation.csv`, draws
`results/glimpse_ablation.png` and prints a Markdown table. Run again after an interruption, even kill -9, it keeps the
rows that are there and resumes the last training run from its checkpoint; only the convolutional network, a matter of
minutes, begins anew.

`error` is that of all test images, each seen once, in per cent; the weights are those that erred least on the
validation split. `low` and `high` bound it by the exact binomial interval of 95 %. `multiplications` counts the
multiply-accumulates that one image takes, with the blurring of the retina and all additions left out. Rows of fewer
glimpses ask the same weights earlier, which were trained to answer after the last glimpse, and ever less before it.

The first glimpse is at a random place in all of them, so `centre` looks once at random and then at the middle.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from baselines import checks
from baselines.algorithms import recurrent_attention
from baselines.algorithms.recurrent_attention import RecurrentAttentionLearner, RecurrentAttentionSettings
from baselines.files import check_folder, write
from baselines.nets.recurrent_attention import RecurrentAttention, multiply_accumulates
from baselines.studies import convolution
from baselines.studies.report import command, markdown_table
from baselines.training import runner
from baselines.training.image_validation import evaluate_images, make_env
from baselines.training.loop import computing
from rlbench.charts import matplotlib_settings
from rlbench.errors import unknown
from rlbench.harness.layers.player import Player, read
from rlbench.harness.ranking.intervals import clopper_pearson
from rlbench.whole_files import replacing

MODELS: dict[str, str | None] = {
    "learned": "learned",
    "random": "random",
    "centre": "centre",
    "convolutional": None,
}
"""How each chooses where to look; None for the network that sees all."""

Row = dict[str, Any]


@dataclass(frozen=True)
class GlimpseAblation:
    """Compare learned locations with random ones, with the centre, and with a convolutional network."""

    models: tuple[str, ...] = tuple(MODELS)
    """Which."""
    preset: str = "cluttered60"
    """Whose task and settings."""
    epochs: int = 40
    """Epochs of each training run."""
    seeds: int = 1
    """Training seeds of each model."""
    out: Path = Path("runs/glimpse_ablation")
    """Folder for the training runs."""
    results: Path = Path("results")
    """Folder for table and picture."""


def attention_rows(locations: str, seed: int, folder: Path, options: GlimpseAblation) -> Iterator[Row]:
    """Test error and multiplications of recurrent attention, after every second glimpse and after the last."""
    preset = recurrent_attention.PRESETS[options.preset]
    settings = replace(preset, agent=folder.name, epochs=options.epochs, locations=locations, seed=seed)
    submission = runner.run("recurrent-attention", settings, folder)
    glimpses = make_env(settings.task, "test", 1, settings.glimpses).unwrapped.params.glimpses  # type: ignore[attr-defined]
    for t in sorted({*range(2, glimpses, 2), glimpses}):
        correct = evaluate_images(make_env(settings.task, "test", 500, t), load(submission, seed))
        wrong = int(len(correct) - correct.sum())
        yield {"glimpses": t, "wrong": wrong, "images": len(correct), "multiplications": cost(settings, t)}


def load(submission: Path, seed: int) -> Player:
    """The agent of a submission."""
    return Player(*read(submission), seed)


def cost(settings: RecurrentAttentionSettings, glimpses: int) -> int:
    """Multiply-accumulates per image of recurrent attention."""
    network = RecurrentAttentionLearner(replace(settings, batch_size=1)).model.network
    pixels = network.glimpse_network.what.in_features
    return multiply_accumulates(network, lambda: look(network, pixels, glimpses, settings))


def look(network: RecurrentAttention, pixels: int, glimpses: int, settings: RecurrentAttentionSettings) -> None:
    """One image: glimpses with a move after each but the last, which is followed by the classification."""
    h = None
    for t in range(glimpses):
        h = network.look(h, torch.zeros(1, pixels), torch.zeros(1, 2))
        if t < glimpses - 1 and settings.locations == "learned":
            network.location_network(h)
    network.action_network(h)


def convolution_rows(seed: int, options: GlimpseAblation) -> Iterator[Row]:
    """Test error and multiplications of the convolutional network."""
    task = recurrent_attention.PRESETS[options.preset].task
    network = convolution.train(task, options.epochs, seed)
    tested = convolution.whole_images(task, "test", 500)
    wrong, images = convolution.errors(network, tested)
    pictures, _ = tested.batch(np.zeros(500, int))
    multiplications = multiply_accumulates(network, lambda: network(pictures[:1]))
    yield {"glimpses": 0, "wrong": wrong, "images": images, "multiplications": multiplications}


def rows(options: GlimpseAblation, path: Path) -> pd.DataFrame:
    """The rows of every model and seed, added to `path` as they come about; those that are there already are kept."""
    known: list[Row] = [dict(row) for row in pd.read_csv(path).to_dict("records")] if path.exists() else []
    for name in options.models:
        for seed in range(options.seeds):
            key = {"preset": options.preset, "model": name, "epochs": options.epochs, "seed": seed}
            if any(key.items() <= row.items() for row in known):
                continue
            locations, folder = MODELS[name], options.out / f"{options.preset}-{name}-s{seed}"
            found = attention_rows(locations, seed, folder, options) if locations else convolution_rows(seed, options)
            known += [{**key, **row, **interval(row)} for row in found]
            write(path, pd.DataFrame(known).to_csv(index=False).encode())
            sys.stderr.write(f"{name}, seed {seed}: {known[-1]['error']:.2f} % wrong\n")
    return pd.DataFrame(known)


def interval(row: Row) -> Row:
    """The error in per cent, and the ends of its exact interval of 95 %."""
    ends = clopper_pearson(row["wrong"], row["images"])
    return {"error": 100 * row["wrong"] / row["images"], "low": 100 * ends.low, "high": 100 * ends.high}


def markdown(frame: pd.DataFrame) -> str:
    """The table for people to read."""
    lines = []
    for row in frame.to_dict("records"):
        name = f"{row['model']}, {row['glimpses']} glimpses" if row["glimpses"] else row["model"]
        name += f", seed {row['seed']}" if frame["seed"].nunique() > 1 else ""
        ends = f"{row['low']:.2f} to {row['high']:.2f}"
        lines.append((name, f"{row['error']:.2f}", ends, f"{row['multiplications']:,.0f}"))
    return markdown_table(("model", "test error, %", "95 % interval", "multiplications per image"), lines)


@matplotlib_settings()
def draw(frame: pd.DataFrame, path: Path) -> None:
    """Error over the number of glimpses, and over multiplications."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(9, 4), layout="constrained")
    by_glimpses, by_cost = picture.subplots(1, 2, sharey=True)
    for name, group in frame.groupby("model", sort=False):
        points = group.groupby("glimpses")[["multiplications", "error", "low", "high"]].mean()
        ends = np.abs(points[["low", "high"]].to_numpy().T - points["error"].to_numpy())
        looks: dict[str, Any] = {"yerr": ends, "marker": "o", "capsize": 3, "label": name}
        if points.index[0] == 0:  # sees all at once
            by_glimpses.axhline(points["error"].iloc[0], color="grey", linestyle=":", label=name)
            looks["color"] = "grey"
        else:
            by_glimpses.errorbar(points.index, points["error"], **looks)
        by_cost.errorbar(points["multiplications"] / 1e6, points["error"], **looks)
    by_glimpses.set(xlabel="glimpses", ylabel="test error, %", ylim=(0, None))
    by_cost.set(xlabel="multiply-accumulates per image, millions", xlim=(0, None))
    by_glimpses.legend(fontsize="small")
    with replacing(path) as whole:
        picture.savefig(whole, dpi=120, format="png", metadata={"Software": None})


@computing()
def main(options: GlimpseAblation) -> int:
    """Train, write, draw, print."""
    for name in ("epochs", "seeds"):
        checks.count(name, getattr(options, name))
    for name in options.models:
        if name not in MODELS:
            raise unknown("model", name, MODELS)
    if options.preset not in recurrent_attention.PRESETS:
        raise unknown("preset", options.preset, recurrent_attention.PRESETS)
    check_folder(options.results, "write into")
    frame = rows(options, options.results / "glimpse_ablation.csv")
    draw(frame, options.results / "glimpse_ablation.png")
    sys.stdout.write(markdown(frame))
    return 0


if __name__ == "__main__":
    command(main, GlimpseAblation)
