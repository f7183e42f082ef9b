"""`rlbench train`: train a reference agent and export it as a submission.

The settings of a preset can be overridden one by one; `rlbench train dqn --help` lists them.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import pandas as pd
import tyro

from rlbench.commands.shared.agents import algorithms, training
from rlbench.commands.shared.output import Format, print_table, silent
from rlbench.errors import UserError, unknown

Config = TypeVar("Config")


@dataclass(frozen=True)
class TrainOptions(Generic[Config]):
    """Train a reference agent and export it as a submission."""

    algorithm: Annotated[str, tyro.conf.Positional]
    """Which algorithm; `rlbench list agents` names them."""
    config: Annotated[Config, tyro.conf.arg(name="")]
    """Settings of the algorithm, as the preset has them."""
    preset: str = ""
    """Set of settings to begin with; the algorithm's first one by default."""
    out: Path | None = None
    """Folder for checkpoint, learning curve and submission; `runs/train/<task>/<agent>-s<seed>` by default."""
    resume: bool = True
    """Go on from a checkpoint in the folder; --no-resume begins anew."""
    tensorboard: bool = False
    """Write TensorBoard files too."""
    quiet: bool = False
    """No progress bar, and no advice."""
    format: Format = "table"


def parse(arguments: list[str]) -> TrainOptions[Any]:
    """The options; which settings exist depends on the algorithm, and their defaults on the preset."""
    if arguments and arguments[0] in ("-h", "--help"):
        sys.stdout.write(
            f"usage: rlbench train ALGORITHM [OPTIONS]\n\n{__doc__}\nAlgorithms: {', '.join(algorithms())}\n"
        )
        raise SystemExit(0)
    if not arguments or arguments[0].startswith("-"):
        raise UserError(f"rlbench train takes an algorithm first: {', '.join(algorithms())}")
    algorithm = arguments[0]
    module = training().load(algorithm)
    preset = chosen_preset(arguments, module.PRESETS)
    default = TrainOptions(algorithm, module.PRESETS[preset], preset)
    return tyro.cli(
        TrainOptions[module.Config],  # type: ignore[name-defined]  # the type depends on the algorithm
        prog=f"rlbench train {algorithm}",
        description=f"{module.__doc__}\n\nPresets: {', '.join(module.PRESETS)}.",
        args=arguments,
        default=default,
    )


def chosen_preset(arguments: list[str], presets: dict[str, Any]) -> str:
    """The name after --preset, or the first preset."""
    given = [argument.partition("=")[2] for argument in arguments if argument.startswith("--preset=")]
    given += [b for a, b in itertools.pairwise(arguments) if a == "--preset"]
    name = given[-1] if given else next(iter(presets))
    if name not in presets:
        raise unknown("preset", name, presets)
    return name


def run(options: TrainOptions[Any]) -> int:
    """Train, and print the submission's folder."""
    config = options.config
    out = options.out or Path("runs", "train", config.task.replace("/", "-"), f"{config.agent}-s{config.seed}")
    submission = training().run(
        options.algorithm,
        config,
        out,
        quiet=silent(options),
        tensorboard=options.tensorboard,
        resume=options.resume,
    )
    made = {"agent": config.agent, "task": config.task, "seed": config.seed, "submission": str(submission)}
    if options.format == "json":
        sys.stdout.write(json.dumps(made) + "\n")
        return 0
    if options.format == "csv":
        print_table(pd.DataFrame([made]), options.format)
        return 0
    sys.stdout.write(f"{submission}\n")
    if not options.quiet:
        sys.stderr.write(f"{best(out)}to score it: rlbench evaluate {submission}\n")
    return 0


def best(out: Path) -> str:
    """The line about the evaluation whose weights were kept; empty for a training that had none."""
    with (out / training().CURVE).open() as curve:
        kept = [event for event in map(json.loads, curve) if event.get("best")]
    return f"best validation return {kept[-1]['mean']:,.2f}, after {kept[-1]['steps']:,} steps\n" if kept else ""


def with_settings(algorithm: str, preset: str, **settings: Any) -> Any:
    """A preset of an algorithm with some settings replaced."""
    return dataclasses.replace(training().load(algorithm).PRESETS[preset], **settings)
