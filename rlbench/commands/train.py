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

from rlbench.commands.shared.agents import agents, algorithms, find_agent, learning_curves, short_names, training
from rlbench.commands.shared.lookup import find_task_or_id
from rlbench.commands.shared.output import Format, Quiet, complain, print_table, silent, table_of, write
from rlbench.errors import UnfitError, UserError, counted, unknown
from rlbench.harness.tasks.suite import catalogue, get_task, is_in_file
from rlbench.options import USUAL, parse_options
from rlbench.registry import ENVIRONMENTS

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
    settings = dataclasses.replace(options.settings, task=known_task(options.settings.task))
    settings.check()
    out = options.out or Path("runs", "train", settings.task.replace("/", "-"), f"{settings.agent}-s{settings.seed}")
    how = {"quiet": silent(options), "tensorboard": options.tensorboard, "resume": options.resume}
    try:
        submission = training().run(options.algorithm, settings, out, **how)
    except UnfitError as error:
        raise UserError(unfit(options.algorithm, options.preset, settings.task, error)) from None
    made = {"agent": settings.agent, "task": settings.task, "seed": settings.seed, "submission": str(submission)}
    if options.format == "json":
        write(json.dumps(made) + "\n")
        return 0
    if options.format == "csv":
        print_table(table_of([made]), options.format)
        return 0
    write(f"{submission}\n")
    for line in () if options.quiet else (best(out), hint(settings.task, submission)):
        if line:
            complain(line)
    return 0


def unfit(algorithm: str, preset: str, task: str, error: UnfitError) -> str:
    """The message for a preset that cannot learn a task, with what there is for the task.

    Args:
        algorithm: of the training run.
        preset: that it began with.
        task: key of a task, or id of an environment.
        error: says what does not fit.
    """
    there = presets_for(task)
    if (algorithm, preset) in there:  # a setting that was given
        return str(error)
    message = f"{algorithm} with the preset {preset} is for other environments than {task}: {error}"
    if not there:
        return message
    return f"{message}; for {task}: rlbench train {' or '.join(there.values())}, with --task {task}"


def presets_for(task: str) -> dict[tuple[str, str], str]:
    """The presets for environments of the task's kind, as the registry tags them: (algorithm, preset) -> its words.

    Those for the very task are first.
    """
    names = {words: name for name, words in agents().items()}
    found = []
    for algorithm in algorithms():
        presets = training().load(algorithm).PRESETS
        for preset, settings in presets.items():
            if tags(settings.task) & tags(task):
                words = (algorithm,) if preset == next(iter(presets)) else (algorithm, "--preset", preset)
                found.append((settings.task != task, (algorithm, preset), names.get(words, " ".join(words))))
    return {key: words for _, key, words in sorted(found, key=lambda each: each[0])}


def tags(task: str) -> set[str]:
    """The tags of the environment of a task, or of an id; none for an environment of somebody else."""
    known = catalogue().tasks.get(task)
    env_id = task if known is None else known.env_id
    return {tag for each in ENVIRONMENTS if each.id == env_id for tag in each.tags}


def known_task(name: str) -> str:
    """The task's key or the environment's id that a name stands for; one that rlbench has not, as it is."""
    if ":" in name and not is_in_file(name):  # kept, so that a training run that is resumed imports the module, too
        return name
    if is_in_file(name):
        return get_task(name).key
    try:
        return find_task_or_id(name)
    except UserError:  # the settings' own check knows Gymnasium's ids, too, and names the nearest
        return name


def hint(task: str, submission: Path) -> str:
    """The command that scores the submission, apart from the committed results, or that shows it where no task is."""
    folder = shlex.quote(f"./{submission}" if str(submission).startswith("-") else str(submission))
    if training().task_keys(task):
        return f"to score it: rlbench evaluate {folder} --results runs/results"
    return f"to watch it: rlbench watch {folder} --task {shlex.quote(task)}"


def best(out: Path) -> str:
    """The line about the evaluation whose weights were kept; empty for a training run that had none."""
    kept = [entry for entry in learning_curves().read(out / learning_curves().CURVE) if entry.get("best")]
    return f"best validation return {kept[-1]['mean']:,.2f}, after {counted(kept[-1]['steps'], 'step')}" if kept else ""


def with_settings(algorithm: str, preset: str, **settings: Any) -> Any:
    """A preset of an algorithm with some settings replaced."""
    return dataclasses.replace(training().load(algorithm).PRESETS[preset], **settings)
