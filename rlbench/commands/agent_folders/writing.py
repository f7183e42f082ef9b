"""The files of a new submission, from templates, for the spaces of a task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rlbench.commands.agent_folders import spaces
from rlbench.commands.agent_folders.saved_model import SavedTraining
from rlbench.errors import UserError
from rlbench.harness.adapters.folder import ADAPTERS, SETTINGS
from rlbench.harness.isolation.agent import Spaces
from rlbench.harness.manifest import MANIFEST
from rlbench.harness.tasks.task import Task
from rlbench.space_tree import Description, leaves

TEMPLATES = Path(__file__).parent / "templates"
AGENT, TRAIN = "agent.py", "train.py"
SIMPLE = ("Box", "Discrete")


def files(kind: str, name: str, task: Task, played: Spaces, trained: SavedTraining | None = None) -> dict[str, str]:
    """The texts of the files of a new folder, by name.

    Args:
        kind: numpy, torch, or an adapter's name.
        name: Of the agent.
        task: That it is for.
        played: The task's spaces.
        trained: How the model that is there already was trained; None where a program is written to train one.

    Raises:
        UserError: The template is for other spaces.
    """
    is_adapter = kind in ADAPTERS
    entry = f"rlbench:{kind}" if is_adapter else "agent:load"
    says = f"how {kind} is played, {SETTINGS} says" if is_adapter else f"the function load in {AGENT}"
    values = {"name": name, "task": task.key, "entry": entry, "entry_says": says, "trained": trained or SavedTraining()}
    made = {MANIFEST: _render("submission.toml", values)}
    if is_adapter:
        made[SETTINGS] = _render(f"{kind}.{SETTINGS}", {})
    if not is_adapter or trained is None:
        program = TRAIN if is_adapter else AGENT
        made[program] = _render(f"{kind}.{program}", {**values, **_of_task(task), **_of_spaces(kind, task, played)})
    return made


def _render(template: str, values: Mapping[str, Any]) -> str:
    loader = FileSystemLoader(TEMPLATES, encoding="utf-8")
    environment = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    return environment.get_template(f"{template}.j2").render(values)


def _of_task(task: Task) -> dict[str, Any]:
    return {"env_id": task.env_id, "env_kwargs": repr(dict(task.env_kwargs))}


def _of_spaces(kind: str, task: Task, played: Spaces) -> dict[str, Any]:
    """What templates say of spaces; a UserError where theirs are others."""
    observation, action = played.observation_description, played.action_description
    shown = {"observation": spaces.words(observation), "action": spaces.words(action)}
    if kind == "numpy":
        return {**shown, "drawn": spaces.drawn(action)}
    image = spaces.is_image(observation)
    if kind == "sb3":
        several = observation["type"] in ("Dict", "Tuple")
        if action["type"] in ("Dict", "Tuple"):
            raise _unfit(kind, task, "an action of several parts")
        return {**shown, "sb3_policy": "MultiInputPolicy" if several else "CnnPolicy" if image else "MlpPolicy"}
    for what, space in (("observations", observation), ("actions", action)):
        if space["type"] not in SIMPLE:
            raise _unfit(kind, task, f"{what} of type {space['type']}")
    if kind != "torch" and (image or observation["type"] != "Box"):
        raise _unfit(kind, task, "images" if image else "observations that are no vector")
    return {**shown, "image": image, **_sizes(observation, action)}


def _sizes(observation: Description, action: Description) -> dict[str, Any]:
    """Sizes of a network, and what becomes of its outputs."""
    discrete = action["type"] == "Discrete"
    (leaf,) = leaves(action)
    return {
        "inputs": spaces.size(observation),
        "outputs": spaces.size(action),
        "one_hot": observation["type"] == "Discrete",
        "start": observation.get("start", 0),
        "observation_axes": len(observation.get("shape", ())) or 1,
        "discrete": discrete,
        "action_start": action.get("start", 0),
        "action_shape": ", ".join(map(str, leaf.shape)),
        "low": repr(float(leaf.low.max())) if not discrete else None,
        "high": repr(float(leaf.high.min())) if not discrete else None,
    }


def _unfit(kind: str, task: Task, what: str) -> UserError:
    return UserError(f"the folder of --kind {kind} is for one array, {task.key} has {what}; take --kind numpy")
