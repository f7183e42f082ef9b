"""What can be trained on: the names of tasks and environments, and the presets that are for them."""

from __future__ import annotations

from rlbench.commands.shared.agents import agents, algorithms, training
from rlbench.commands.shared.lookup import find_task_or_id
from rlbench.errors import UnfitError, UserError
from rlbench.harness.tasks.suite import catalogue, get_task, is_in_file
from rlbench.registry import ENVIRONMENTS


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
    return f"{message}; for {task}: rlbench train {' or '.join(there.values())}, with --task={task}"


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
                said = names.get(words, " --preset=".join((algorithm, *words[2:])))
                found.append((settings.task != task, (algorithm, preset), said))
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
