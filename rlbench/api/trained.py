"""Training in this very process: what `rlbench train` does besides printing."""

from __future__ import annotations

import dataclasses
import html
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rlbench.api.trainable import known_task, unfit
from rlbench.commands.shared.agents import learning_curves, training
from rlbench.errors import UnfitError, UserError, unknown

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TrainingRequest:
    """What is to be trained; as `rlbench.train` takes it."""

    algorithm: str
    preset: str
    settings: dict[str, Any]
    out: str | None
    resume: bool
    tensorboard: bool
    quiet: bool


class BestEvaluation(NamedTuple):
    """The validation whose weights were kept."""

    mean: float
    """Mean return, in the unit of the rewards."""

    steps: int
    """Of the environments, until then."""


@dataclass(frozen=True)
class Training:
    """A training run that has ended. It stands for its submission wherever a path is taken."""

    path: Path
    """The folder of the run, with its checkpoint and its learning curve."""

    submission: Path
    """The folder of the trained agent, which `rlbench.evaluate` takes."""

    algorithm: str
    agent: str
    task: str
    """Key of the task, or id of the environment, that it was trained on."""

    seed: int

    @property
    def curve(self) -> pd.DataFrame:
        """The learning curve: a row per event, with `update`, `steps` of the environments, `seconds` since the start.

        Rows whose `event` is `progress` have the algorithm's own figures, such as a loss, and those of `evaluated` the
        `mean` of the validation returns, in the unit of the rewards. What a row does not have is missing.
        """
        import pandas as pd

        return pd.DataFrame(self._entries()[1:])

    @property
    def best(self) -> BestEvaluation | None:
        """The validation whose weights were kept; None where there was none."""
        kept = [entry for entry in self._entries() if entry.get("best")]
        return BestEvaluation(kept[-1]["mean"], kept[-1]["steps"]) if kept else None

    def __fspath__(self) -> str:
        """The submission's folder."""
        return os.fspath(self.submission)

    def _repr_html_(self) -> str:
        """Who was trained on what, and where the agent lies."""
        best = "" if self.best is None else f"; best validation return {self.best.mean:,.2f}"
        return html.escape(f"{self.agent} on {self.task}, training seed {self.seed}{best}: {self.submission}")

    def _entries(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = learning_curves().read(self.path / learning_curves().CURVE)
        return entries


def train_here(request: TrainingRequest) -> Training:
    """Train in this process."""
    presets = training().load(request.algorithm).PRESETS
    preset = request.preset or next(iter(presets))
    if preset not in presets:
        raise unknown("preset", preset, presets)
    known = {field.name for field in dataclasses.fields(presets[preset])}
    for name in request.settings:
        if name not in known:
            raise unknown("setting", name, known)
    given = {name: as_tuple(value) for name, value in request.settings.items()}
    return train_with(
        request.algorithm,
        preset,
        dataclasses.replace(presets[preset], **given),
        request.out,
        quiet=request.quiet,
        tensorboard=request.tensorboard,
        resume=request.resume,
    )


def as_tuple(value: Any) -> Any:
    """A value whose lists, also those in lists, are tuples, as settings have them."""
    return tuple(map(as_tuple, value)) if isinstance(value, list | tuple) else value


def train_with(
    algorithm: str, preset: str, settings: Any, out: str | os.PathLike[str] | None, *, quiet: bool, **how: bool
) -> Training:
    """Train with these settings in this process: what `rlbench train` does besides printing.

    Args:
        algorithm: A name in `baselines.ALGORITHMS`.
        preset: That the settings began with, for messages.
        settings: Of the algorithm.
        out: As `train` takes it.
        quiet: Whether to show no progress.
        **how: `tensorboard` and `resume`.
    """
    if isinstance(settings.task, str):
        settings = dataclasses.replace(settings, task=known_task(settings.task))
    settings.check()
    folder = Path(out or Path("runs", "train", settings.task.replace("/", "-"), f"{settings.agent}-s{settings.seed}"))
    try:
        submission = training().run(algorithm, settings, folder, quiet=quiet, **how)
    except UnfitError as error:
        raise UserError(unfit(algorithm, preset, settings.task, error)) from None
    return Training(folder, Path(submission), algorithm, settings.agent, settings.task, int(settings.seed))
