"""The tasks that exist and the suites they form: one table, from which every other list derives."""

from __future__ import annotations

from rlbench.errors import unknown
from rlbench.harness.task import Task

_GRID_WORLD_STARTS = tuple(
    {"state": {"row": row, "col": col}} for row in range(4) for col in range(4) if (row, col) not in {(0, 0), (3, 3)}
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
