"""`rlbench train`: train a reference agent and export it as a submission.

The settings of a preset can be overridden one by one; `rlbench train dqn --help` lists them.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import shlex
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import tyro

from rlbench.api.trained import Training, train_with
from rlbench.commands.shared.agents import agents, algorithms, find_agent, short_names, training
from rlbench.commands.shared.output import Format, Quiet, complain, for_a_shell, print_table, silent, table_of, write
from rlbench.errors import UserError, counted, unknown
from rlbench.options import USUAL, parse_options

Settings = TypeVar("Settings")


@dataclass(frozen=True)
class TrainOptions(Generic[Settings]):
    """Train a reference agent and export it as a submission."""

    algorithm: Annotated[str, tyro.conf.Positional]
    """Which algorithm, or an agent of the leaderboard, such as ppo; `rlbench list agents` names them."""
    settings: Annotated[Settings, tyro.conf.arg(name="")]
    """Settings of the algorithm, as the preset has them."""
    preset: str = ""
    """Set of settings to begin with; the algorithm's first one by default."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["--output", "-o"])] = None
    """Folder for checkpoint, learning curve and submission; `runs/train/<task>/<agent>-s<seed>` by default."""
    resume: bool = True
    """Go on from a checkpoint in the folder; --no-resume begins anew."""
    tensorboard: bool = False
    """Write TensorBoard files too."""
    quiet: Quiet = False
    """No progress bar, and no advice."""
    format: Format = "table"


def parse(arguments: list[str]) -> TrainOptions[Any]:
    """The options; which settings exist depends on the algorithm, and their defaults on the preset."""
    if arguments and arguments[0] in ("-h", "--help"):
        named = {name: " ".join(words) for name, words in agents().items() if words != (name,)}
        listed = textwrap.fill(f"Algorithms: {', '.join(algorithms())}", USUAL, break_on_hyphens=False)
        write(
            f"usage: rlbench train ALGORITHM [OPTIONS]\n\n{__doc__}\n{listed}\n"
            + "".join(f"{short} is {name}.\n" for short, name in short_names().items())
            + "\n"
            "Agents of the leaderboard with names of their own:\n"
            + "".join(f"  {name:<24} {words}\n" for name, words in named.items())
        )
        raise SystemExit(0)
    if not arguments or arguments[0].startswith("-"):
        raise UserError(f"rlbench train takes an algorithm first: {', '.join(algorithms())}")
    arguments = [*find_agent(arguments[0]), *arguments[1:]]
    algorithm = arguments[0]
    module = training().load(algorithm)
    preset = chosen_preset(arguments, module.PRESETS)
    settings = module.PRESETS[preset]
    default = TrainOptions(algorithm, settings, preset)
    arguments = [current_name(argument, settings) for argument in arguments]
    kind: Any = TrainOptions[type(settings)]  # type: ignore[misc]  # the type depends on the algorithm
    parsed: TrainOptions[Any] = parse_options(
        kind,
        arguments,
        prog=f"rlbench train {algorithm}",
        description=f"{module.__doc__}\n\nPresets: {', '.join(module.PRESETS)}.",
        default=default,
        also=[f"--{name.replace('_', '-')}" for name, now in ALIASES.items() if any(hasattr(settings, x) for x in now)],
    )
    return parsed


ALIASES = {
    "steps": ("total_env_steps",),
    "lanes": ("num_envs",),
    "trajectories": ("num_envs",),
    "batch": ("batch_size",),
    "updates": ("updates_per_step",),
    "optimiser": ("optimizer",),
    "refresh_every": ("target_update_period",),
    "most_gradient": ("max_grad_norm",),
    "epsilon_steps": ("epsilon_env_steps",),
    "update_every": ("update_every_env_steps",),
    "evaluate_every": ("eval_every_env_steps", "eval_every_updates", "eval_every_epochs"),
    "checkpoint_every": ("checkpoint_every_env_steps", "checkpoint_every_updates", "checkpoint_every_epochs"),
}
"""Former names of settings, which go on working, and what the algorithms call them now.

Counts of steps are over all environments now, under the former names too.
"""


def current_name(argument: str, settings: Any) -> str:
    """The argument under the setting's present name where it has a former one: `--steps=5` is `--total-env-steps=5`."""
    option, equals, value = argument.partition("=")
    names = ALIASES.get(option.removeprefix("--").replace("-", "_"), ()) if option.startswith("--") else ()
    known = [name for name in names if hasattr(settings, name)]
    return f"--{known[0].replace('_', '-')}{equals}{value}" if known else argument


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
    how = {"quiet": silent(options), "tensorboard": options.tensorboard, "resume": options.resume}
    made = train_with(options.algorithm, options.preset, options.settings, options.out, **how)
    row = {"agent": made.agent, "task": made.task, "seed": made.seed, "submission": str(made.submission)}
    if options.format == "json":
        write(json.dumps(row) + "\n")
        return 0
    if options.format == "csv":
        print_table(table_of([row]), options.format)
        return 0
    write(f"{made.submission}\n")
    for line in () if options.quiet else (best(made), hint(made.task, made.submission)):
        if line:
            complain(line)
    return 0


def hint(task: str, submission: Path) -> str:
    """The commands that score and rank the submission, or that shows it where no task is."""
    folder = for_a_shell(submission)
    if training().task_keys(task):
        return f"to score it, then rank it: rlbench evaluate {folder}; rlbench leaderboard"
    return f"to watch it: rlbench watch {folder} --task {shlex.quote(task)}"


def best(made: Training) -> str:
    """The line about the evaluation whose weights were kept; empty for a training run that had none."""
    kept = made.best
    return f"best validation return {kept.mean:,.2f}, after {counted(kept.steps, 'step')}" if kept else ""


def with_settings(algorithm: str, preset: str, **settings: Any) -> Any:
    """A preset of an algorithm with some settings replaced."""
    return dataclasses.replace(training().load(algorithm).PRESETS[preset], **settings)
