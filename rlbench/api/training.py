"""`rlbench.train`: trains a reference agent in a process of its own, as `rlbench train` does."""

from __future__ import annotations

import ast
import os
from typing import Any

import gymnasium

from rlbench import arithmetic
from rlbench.api.python_words import speaks_python
from rlbench.api.trained import Training, TrainingRequest, train_here
from rlbench.api.training_process import train_elsewhere
from rlbench.commands.shared.agents import find_agent
from rlbench.commands.shared.output import complain
from rlbench.errors import UserError, shortened


@speaks_python
def train(
    name: str,
    task: str | None = None,
    *,
    preset: str | None = None,
    out: str | os.PathLike[str] | None = None,
    resume: bool = True,
    tensorboard: bool = False,
    quiet: bool = False,
    here: bool = False,
    **settings: Any,
) -> Training:
    """Train a reference agent and export it as a submission; the weights are those of `rlbench train`, bit for bit.

    It is trained in a process of its own, since the arithmetic of numerical libraries can be pinned only as they are
    loaded. That process knows the environments that an import registers: `my_module:me/Name-v0`.

    Args:
        name: An algorithm, or an agent of the leaderboard such as `ppo`; `rlbench list agents` names them.
        task: A task, or the id of an environment; by default the preset's.
        preset: Set of settings to begin with; by default the algorithm's first one.
        out: Folder for checkpoint, learning curve and submission; by default `runs/train/<task>/<agent>-s<seed>`.
        resume: Whether to go on from a checkpoint in the folder.
        tensorboard: Whether to write TensorBoard files too.
        quiet: Whether to show no progress.
        here: Whether to train in this very process, which knows every environment that was registered in it. The
            weights are then those of this process's arithmetic, which may differ from CPU to CPU.
        **settings: Settings of the algorithm, such as `seed=3, total_env_steps=50_000`; `rlbench train dqn --help`
            lists them.

    Raises:
        UserError: A name or a value that does not exist, an algorithm that is not for the environment's spaces, a
            folder that cannot be written.
    """
    if not isinstance(name, str):
        raise UserError(f"{shortened(name)} is no algorithm; `rlbench list agents` names them")
    named, of_agent = settings_of_agent(name)
    request = TrainingRequest(
        algorithm=named,
        preset=preset or str(of_agent.pop("preset", "")),
        settings={**of_agent, **settings, **({} if task is None else {"task": task})},
        out=None if out is None else os.fspath(out),
        resume=resume,
        tensorboard=tensorboard,
        quiet=quiet,
    )
    if not here:
        try:
            return train_elsewhere(request)
        except UserError as error:
            raise UserError(f"{error}{only_here(str(error), request.settings.get('task'))}") from None
    if not quiet and arithmetic.current() != arithmetic.PINNED:
        complain("trained in this process, whose arithmetic is not pinned: on another CPU the weights may differ")
    return train_here(request)


def only_here(message: str, task: Any) -> str:
    """What to add to the message about an environment that only this process knows; empty for any other message."""
    if not message.startswith("unknown ") or not isinstance(task, str) or task not in gymnasium.registry:
        return ""
    return f"; only this process has registered {task}: give here=True, or name the module, as my_module:{task}"


def settings_of_agent(name: str) -> tuple[str, dict[str, Any]]:
    """The algorithm that trains an agent, and its preset and settings, where these are not the default ones."""
    algorithm, *words = find_agent(name)
    made = {}
    for option, word in zip(words[::2], words[1::2], strict=True):
        try:
            value = ast.literal_eval(word)
        except (ValueError, SyntaxError):  # text
            value = word
        made[option.removeprefix("--").replace("-", "_")] = value
    return algorithm, made
