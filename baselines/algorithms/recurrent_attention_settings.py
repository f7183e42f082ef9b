"""Settings of recurrent attention, and its presets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from baselines.training.loop import Every, RunSettings
from baselines.training.memory import FLOAT, Need, Sizes
from baselines.training.place import PlaceSettings
from baselines.types import (
    Count,
    CountOrZero,
    NonNegative,
    Positive,
    PositiveProbability,
    Probability,
    TaskName,
    Threads,
)
from rlbench.errors import UserError


@dataclass(frozen=True)
class RecurrentAttentionSettings(RunSettings, PlaceSettings):
    """Settings of a training run. An update learns from one batch of images, an epoch from every image once."""

    task: TaskName = "glimpse-mnist@1"
    agent: str = "recurrent-attention"
    threads: Threads = 1
    """Threads that PyTorch may use."""
    glimpses: CountOrZero = 0
    """Glimpses per image; 0 for as many as the task has."""
    locations: Literal["learned", "random", "centre"] = "learned"
    """How locations are chosen; `random` and `centre` are there for comparison."""
    batch_size: Count = 128
    """Images per update."""
    epochs: Count = 150
    """Budget."""
    learning_rate: Positive = 1e-3
    """Adam's step size at the start; it falls to 0 on half a cosine."""
    cycles: Count = 1
    """Cycles of equal length in which it does so: 2 or more for warm restarts."""
    tau: PositiveProbability = 1.0
    """Step size of the averaged weights, which are evaluated and submitted, towards the learned ones, per update: 1 for
    no average."""
    deviation: Positive = 0.1
    """Standard deviation of locations around their mean, sigma, at the start."""
    deviation_end: Positive = 0.1
    """Sigma at the end, reached on a line."""
    displacement: NonNegative = 0.1
    """How far a training image is displaced at most, in either direction, where 2 is its whole side."""
    early: NonNegative = 0.0
    """Weight, at the start, of the cross-entropy after all glimpses but the last; it falls to 0 on a line."""
    reward: Literal["correct", "information"] = "correct"
    """Reward of a location: 1 for the right class at the end, as in the paper, or the information gained."""
    foresight: Probability = 0.0
    """Discount of the information that later glimpses gain; 0 credits a location with its own glimpse alone."""
    width: Count = 128
    """Units of the first layers for patches and location, each."""
    state: Count = 256
    """Units of a glimpse, and of the core."""
    location_hidden: CountOrZero = 128
    """Units of the location network's hidden layer; 0 for none."""
    eval_every_epochs: Count = 2
    """Epochs between evaluations on the validation split."""
    checkpoint_every_epochs: Count = 2
    """Epochs between snapshots."""

    def check(self) -> None:
        """UserError for a setting that makes no sense, naming it."""
        super().check()
        if self.cycles > self.epochs:
            raise UserError(f"epochs={self.epochs} must hold cycles={self.cycles}, each of an epoch at least")

    def every(self) -> Every:
        """In epochs."""
        return Every(self.eval_every_epochs, self.checkpoint_every_epochs)

    def memory(self, sizes: Sizes) -> Need:
        """Bytes that each setting costs."""
        state, width = self.state, self.width
        looks = max(self.glimpses, 1)
        return {
            "batch_size": self.batch_size * (sizes.bytes + FLOAT * looks * (2 * state + width)),
            "glimpses": self.batch_size * FLOAT * looks * (2 * state + width),
            "width": 5 * FLOAT * width * (sizes.features + 2 * state),  # weights, average, gradients, Adam's moments
            "state": 10 * FLOAT * state**2,
            "location_hidden": 5 * FLOAT * self.location_hidden * state,
        }


# On a wide canvas the images are drawn anew every time, and a reward at the end teaches the locations slowly: after
# three epochs of cluttered60 61 % of the validation images were wrong with it, 34 % with this.
WIDE: dict[str, Any] = {
    **{"displacement": 0.0, "deviation": 0.15, "deviation_end": 0.05},
    **{"reward": "information", "foresight": 0.0, "early": 1.0},
}

PRESETS: dict[str, RecurrentAttentionSettings] = {
    "mnist": RecurrentAttentionSettings(),
    "translated": RecurrentAttentionSettings(task="glimpse-translated@1", **WIDE, epochs=300),
    "cluttered60": RecurrentAttentionSettings(task="glimpse-cluttered60@1", **WIDE, glimpses=8, epochs=200),
    "cluttered100": RecurrentAttentionSettings(task="glimpse-cluttered100@1", **WIDE, glimpses=8, epochs=200),
}
