"""The tasks that exist and the suites they form: one table, from which every other list derives."""

from __future__ import annotations

from rlbench.errors import unknown
from rlbench.harness.task import EachOnce, Task

_GRID_WORLD_STARTS = tuple(
    {"state": {"row": row, "col": col}} for row in range(4) for col in range(4) if (row, col) not in {(0, 0), (3, 3)}
)


def _glimpse(name: str, env_id: str, glimpses: int, random: float, error: float) -> Task:
    """Classify each of the 10,000 test images of MNIST once; the reference is the paper's test error, in per cent.

    Mnih et al. (2014), tables 1 and 2 of the NIPS version (of 100 x 100 pixels the number is known at second hand).
    """
    return Task(
        name=f"glimpse-{name}",
        version=1,
        env_id=f"rlbench/{env_id}-v0",
        env_kwargs={"split": "test", "glimpses": glimpses},
        episodes=10_000,
        lanes=1_000,
        options=EachOnce("image", 10_000, f"glimpse-{name}@1"),
        floor=0.0,
        random=random,
        reference=round(1 - error / 100, 4),
        classification=True,
    )


_TABLE: tuple[tuple[Task, tuple[str, ...]], ...] = (
    (
        # Ten passes over the 14 starts, so that the optimum's mean is exactly -2, the mean of -V* over them.
        Task(
            name="grid-world",
            version=1,
            env_id="rlbench/GridWorld-v0",
            episodes=140,
            lanes=70,
            options=_GRID_WORLD_STARTS,
            floor=-97.0,
            random=-17.688,
            reference=-2.0,
        ),
        ("quick", "lecture"),
    ),
    (
        Task(
            name="cart-pole",
            version=1,
            env_id="rlbench/CartPole-v0",
            episodes=100,
            lanes=50,
            floor=8.0,
            random=22.647,
            reference=500.0,
        ),
        ("quick", "lecture"),
    ),
    (_glimpse("mnist", "GlimpseMNIST", glimpses=6, random=0.096, error=1.12), ("lecture",)),
    (_glimpse("translated", "GlimpseTranslated", glimpses=6, random=0.106, error=1.22), ("lecture",)),
    (_glimpse("cluttered60", "GlimpseCluttered60", glimpses=8, random=0.09, error=4.04), ("lecture",)),
    (_glimpse("cluttered100", "GlimpseCluttered100", glimpses=8, random=0.125, error=8.11), ("lecture",)),
)

TASKS: dict[str, Task] = {task.key: task for task, _ in _TABLE}
"""Every task by its key, in the order of the table."""

SUITES: dict[str, tuple[Task, ...]] = {
    suite: tuple(task for task, suites in _TABLE if suite in suites)
    for suite in dict.fromkeys(suite for _, suites in _TABLE for suite in suites)
}
"""The tasks of every suite, in the order of the table."""


def get_task(key: str) -> Task:
    """The task `name@version`, or the newest version of `name`; else a UserError names the nearest."""
    if key in TASKS:
        return TASKS[key]
    versions = [task for task in TASKS.values() if task.name == key]
    if not versions:
        raise unknown("task", key, TASKS)
    return max(versions, key=lambda task: task.version)


def get_suite(name: str) -> tuple[Task, ...]:
    """The tasks of a suite; a UserError names the nearest where there is none of that name."""
    if name not in SUITES:
        raise unknown("suite", name, SUITES)
    return SUITES[name]
