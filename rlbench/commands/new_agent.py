"""`rlbench new-agent`: write the folder of a submission that can be evaluated as it is, and says what to edit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from rlbench import children
from rlbench.commands.agent_folders import writing
from rlbench.commands.agent_folders.saved_model import SavedTraining, training_of
from rlbench.commands.shared.lookup import find_task
from rlbench.commands.shared.output import Format, Quiet, for_a_shell, print_table, remark, table_of, write
from rlbench.errors import LackingError, UserError
from rlbench.harness.adapters.folder import ADAPTERS, Adapter
from rlbench.harness.blocks import describe_spaces
from rlbench.harness.isolation.agent import Spaces
from rlbench.harness.manifest import MANIFEST, check_name
from rlbench.harness.play import make_env
from rlbench.harness.tasks.task import Task

DEFAULT_TASK = "cart-pole"
MAX_NAME = 64


@dataclass(frozen=True)
class NewAgentOptions:
    """Write the folder of a submission that can be evaluated as it is, and says what to edit."""

    folder: Annotated[Positional[Path], tyro.conf.arg(metavar="DIR")]
    """Folder to write; it must not exist, or be empty."""
    kind: Literal["numpy", "torch", "sb3", "cleanrl", "torchrl"] = "numpy"
    """numpy or torch: an agent.py to fill in; sb3, cleanrl or torchrl: what that library saves, played as it is."""
    task: Annotated[str, tyro.conf.arg(aliases=["-t"])] = DEFAULT_TASK
    """Task that it is for."""
    name: str | None = None
    """Name of the agent on the leaderboard; by default that of the folder."""
    weights: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """A trained model of sb3, cleanrl or torchrl, which is copied; by default train.py makes an untrained one."""
    quiet: Quiet = False
    """Print nothing but mistakes."""
    format: Format = "table"


def run(options: NewAgentOptions) -> int:
    """Write the folder, and print what to do next."""
    adapter = ADAPTERS.get(options.kind)
    check_arguments(options, adapter)
    name = options.name or name_of(options.folder)
    check_name(name)
    task = find_task(options.task)
    trained = training_of_weights(options)
    texts = writing.files(options.kind, name, task, spaces_of(task), trained)
    was_there = options.folder.is_dir()
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            (options.folder / file).write_text(text, encoding="utf-8")
        if adapter is not None:
            put_model(options, adapter)
    except OSError as error:
        remove(options.folder, was_there)
        raise UserError(f"cannot write {error.filename or options.folder}: {error.strerror}") from None
    except BaseException:
        remove(options.folder, was_there)
        raise
    show(options, task, sorted(each.name for each in options.folder.iterdir()))
    if trained is not None and not trained.steps:
        remark(f"for how many steps it was trained is not known: write training_steps into {MANIFEST}", options)
    return 0


def check_arguments(options: NewAgentOptions, adapter: Adapter | None) -> None:
    """Raise UserError for a folder that is taken, and for weights that are no file or that nobody plays."""
    if os.path.lexists(options.folder) and not (options.folder.is_dir() and not any(options.folder.iterdir())):
        what = "is not empty" if options.folder.is_dir() else "is no folder"
        raise UserError(f"{options.folder} {what}, and nothing in it is overwritten; give another folder")
    if options.weights is None:
        return
    if adapter is None:
        raise UserError(
            f"--weights is for {', '.join(ADAPTERS)}; the agent.py of --kind {options.kind} says how to save"
        )
    if not options.weights.is_file():
        raise UserError(f"no file {options.weights}; give what {adapter.saved_by} wrote")


def training_of_weights(options: NewAgentOptions) -> SavedTraining | None:
    """How the model that is given was trained, as far as the file says it; None where none is given."""
    if options.weights is None:
        return None
    return training_of(options.weights) if options.kind == "sb3" else SavedTraining()


def name_of(folder: Path) -> str:
    """A valid name for the agent in a folder, like the folder's."""
    letters = re.sub(r"[^A-Za-z0-9._+-]+", "-", folder.absolute().name).lstrip("._+-")
    return letters[:MAX_NAME] or "my-agent"


def spaces_of(task: Task) -> Spaces:
    """The spaces of one environment of a task."""
    env = make_env(task, 1, (0,))
    try:
        return Spaces(*describe_spaces(env))
    finally:
        env.close()


def put_model(options: NewAgentOptions, adapter: Adapter) -> None:
    """Copy the trained model; without one, run train.py for no steps, which saves an untrained one.

    Raises:
        LackingError: The library is not installed.
        UserError: train.py failed.
    """
    if options.weights is not None:
        kept = adapter.settings.model
        if options.weights.suffix == ".safetensors" != Path(kept).suffix:
            settings = options.folder / "adapter.toml"
            text = settings.read_text(encoding="utf-8").replace(f'"{kept}"', f'"{options.weights.name}"')
            settings.write_text(text, encoding="utf-8")
            kept = options.weights.name
        shutil.copyfile(options.weights, options.folder / kept)
        return
    program = options.folder.absolute() / writing.TRAIN
    with children.temporary_folder() as home:
        done = subprocess.run(
            [sys.executable, str(program), "0"],
            cwd=home,
            env=training_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        if missing := re.search(r"No module named '([\w.]+)'", last):
            package = adapter.package if missing[1].startswith(adapter.library) else missing[1]
            raise LackingError(
                f"--kind {options.kind} needs {package} for an untrained model: pip install {package}, or give a "
                "trained one with --weights"
            )
        raise UserError(f"cannot make an untrained model: {last}; give a trained one with --weights")


def training_environment() -> dict[str, str]:
    """Environment variables of train.py: those of this process, and one thread."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each), "OMP_NUM_THREADS": "1"}


def remove(folder: Path, was_there: bool) -> None:
    """Remove what was written."""
    for each in folder.iterdir() if folder.is_dir() else ():
        each.unlink()
    if not was_there and folder.is_dir():
        folder.rmdir()


def show(options: NewAgentOptions, task: Task, files: list[str]) -> None:
    """Print the files, and what to do next."""
    if options.format != "table":
        rows = [{"folder": str(options.folder), "file": file, "task": task.key} for file in files]
        print_table(table_of(rows), options.format)
        return
    if options.quiet:
        return
    write(f"{options.folder}: {', '.join(files)}\n")
    folder = for_a_shell(options.folder)
    train = for_a_shell(options.folder / writing.TRAIN)
    edit = f"python {train}" if writing.TRAIN in files else f"edit {folder}"
    write(f"next: {edit}, then rlbench check {folder}, and rlbench evaluate {folder}\n")
    remark(f"it is for {task.key}; tasks in submission.toml may list more", options)
