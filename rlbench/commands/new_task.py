"""`rlbench new-task`: write the TOML file of a task on any environment, with what random play reaches there."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from tyro.conf import Positional

from rlbench import environments
from rlbench.commands.shared.lookup import env_kwargs
from rlbench.commands.shared.output import Format, Output, Quiet, ask, can_ask, print_table, remark, silent, table_of
from rlbench.errors import UserError, shortened
from rlbench.harness.proposal import MAX_STEPS, Proposal, name_for, propose
from rlbench.harness.random_play import UnendingError
from rlbench.harness.tasks import suite
from rlbench.harness.tasks.fields import MAX_EPISODES, MAX_NAME, MAX_NUM_ENVS, is_name
from rlbench.harness.tasks.files import of_toml
from rlbench.harness.tasks.found import VARIABLE
from rlbench.harness.tasks.writing import task_text
from rlbench.progress import progress
from rlbench.text_files import parsed_toml
from rlbench.whole_files import appear

LIMIT = "max_episode_steps"
"""Gymnasium's name for the time limit of an environment."""

MAX_LIMIT = 10**9


@dataclass(frozen=True)
class NewTaskOptions:
    """Write the TOML file of a task on any environment, with what random play reaches there."""

    env: Annotated[Positional[str], tyro.conf.arg(metavar="ENV")]
    """Environment: an id of rlbench, Gymnasium or another package, or module:namespace/Name-v0."""
    name: str | None = None
    """Name of the task, lower-case words joined by hyphens; by default that of the environment."""
    set: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=VALUE")] = ()
    """Arguments of the environment, such as max_episode_steps=500."""
    max_steps: int | None = None
    """Steps after which an episode ends, where the environment has no time limit, or another one; the same as --set
    max_episode_steps=N."""
    measured: int = 1_000
    """Episodes of random play, whose worst and mean are the failure return and the score 0."""
    episodes: int = 100
    """Episodes on which an agent is scored."""
    num_envs: int = 50
    """How many of them are played at once."""
    output: Output | None = None
    """File to write; by default NAME.toml. What is there already stays."""
    quiet: Quiet = False
    """No progress bar, and no word on what to do next."""
    format: Format = "table"


def run(options: NewTaskOptions) -> int:
    """Play at random, write the file, and print what was measured; 0."""
    check_numbers(options)
    found = environments.find(options.env)
    name = checked_name(options.name, found.id)
    path = options.output or Path(f"{name}.toml")
    if path.suffix != ".toml":
        raise UserError(f"{path} is no name for a file of tasks; give --output one that ends in .toml")
    if os.path.lexists(path):
        raise UserError(f"{path} is there already; give another --output, or remove it")
    proposal = proposed(name, found.id, {**found.kwargs, **arguments(options)}, options)
    write(proposal, path)
    task = proposal.task
    row = {"task": task.key, "env": task.env_id, "measured": options.measured, "failure_return": task.failure_return}
    print_table(
        table_of([row | {"random": task.random, "reference": task.reference, "file": str(path)}]), options.format
    )
    if task.reference_source.startswith("ours"):
        remark(f"the reference is {task.reference_source.removeprefix('ours: ')}: {path}", options)
    remark(f"to score an agent: rlbench evaluate random --task {shlex.quote(str(path))}", options)
    if command := for_all_commands(path.resolve()):
        remark(f"so that every command knows it by its name: {command}", options)
    return 0


def check_numbers(options: NewTaskOptions) -> None:
    """Raise UserError for a number that is out of bounds."""
    limits = {"measured": MAX_EPISODES, "episodes": MAX_EPISODES, "num_envs": MAX_NUM_ENVS, "max_steps": MAX_LIMIT}
    for name, limit in limits.items():
        number = getattr(options, name)
        if number is not None and not 1 <= number <= limit:
            raise UserError(f"--{name.replace('_', '-')} is from 1 to {limit:,}, got {number}")


def arguments(options: NewTaskOptions) -> dict[str, Any]:
    """The arguments of the environment; UserError where its time limit is given twice."""
    given = env_kwargs(options.set)
    if options.max_steps is None:
        return given
    if LIMIT in given:
        raise UserError(f"--max-steps and --set {LIMIT} are the same; give one of them")
    return {**given, LIMIT: options.max_steps}


def proposed(name: str, env_id: str, kwargs: dict[str, Any], options: NewTaskOptions) -> Proposal:
    """A task, by random play; on a terminal its time limit is asked for where there is none and an episode goes on.

    Args:
        name: Of the task.
        env_id: Of the environment.
        kwargs: Its arguments.
        options: Of the command.

    Raises:
        UserError: Nobody is there to be asked, or anything that `propose` raises.
    """
    try:
        with progress(f"random play of {env_id}", quiet=silent(options)) as show:
            return propose(
                name,
                env_id,
                kwargs,
                episodes=options.episodes,
                num_envs=min(options.num_envs, options.episodes),
                measured=options.measured,
                show=lambda done: show(done / options.measured, done, "episodes"),
            )
    except UnendingError as error:
        if silent(options) or not can_ask():
            raise UserError(f"{error}; give it one, which the task keeps: --max-steps {MAX_STEPS}") from None
        unending = error
    answer = ask(f"{unending}. After how many steps shall an episode end? [{MAX_STEPS}]\n> ") or str(MAX_STEPS)
    if not re.fullmatch(r"[1-9]\d{0,8}", answer, re.ASCII):
        raise UserError(f"{shortened(answer)} is no number of steps; give one with --max-steps")
    return proposed(name, env_id, {**kwargs, LIMIT: int(answer)}, options)


def for_all_commands(file: Path) -> str:
    """The command of a shell that adds the folder of a file of tasks to RLBENCH_PATH; empty where it is there."""
    there = [Path(each).expanduser().resolve() for each in os.environ.get(VARIABLE, "").split(os.pathsep) if each]
    if file in there or file.parent in there:
        return ""
    before = f'"${VARIABLE}"{os.pathsep}' if there else ""
    return f"export {VARIABLE}={before}{shlex.quote(str(file.parent))}"


def checked_name(given: str | None, env_id: str) -> str:
    """The name of the task; UserError for one that it cannot have."""
    name = name_for(env_id) if given is None else given
    if not is_name(name):
        raise UserError(
            f"--name is lower-case words joined by hyphens, up to {MAX_NAME} characters; got {shortened(name)}"
        )
    if suite.find_task(name) is not None or name in suite.catalogue().suites:
        raise UserError(f"{name} is a task or a suite already; give another --name")
    return name


def write(proposal: Proposal, path: Path) -> None:
    """Write the file, whole or not at all, once it is known to be read as what was proposed."""
    heading = "A task for rlbench; docs/adding-a-task.md says what every field is."
    text = task_text(proposal.fields, proposal.comments, heading)
    read = of_toml(parsed_toml(text, path), str(path), suite.own_catalogue())
    if tuple(read.tasks.values()) != (proposal.task,):
        raise RuntimeError(f"the text of {path} is not that of {proposal.task}")
    try:
        appear(path, text.encode())
    except FileExistsError:
        raise UserError(f"{path} is there already; give another --output, or remove it") from None
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None
