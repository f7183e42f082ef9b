"""The tasks of rlbench and the suites they form: one table, from which every other list derives.

What is in capitals is rlbench's own; `catalogue()` has the tasks and suites of others, too.
"""

from __future__ import annotations

import re

from rlbench.errors import UserError, near_names, unknown
from rlbench.harness.tasks.catalogue import Catalogue, Family, missing
from rlbench.harness.tasks.found import name_file, path_in, tasks_of_others
from rlbench.harness.tasks.go import GO5, GO9
from rlbench.harness.tasks.limits import Limits
from rlbench.harness.tasks.task import EachOnce, Task

Row = tuple[Task, tuple[str, ...]]
"""A task and the suites that it belongs to, its family first."""

FAMILIES = ("tabular", "control", "mujoco-v5", "locomotion", "atari", "glimpses", "go")
"""The suites that part the tasks: each task is in one of these."""

BUDGETS = {
    "tabular": (100_000, 1_000_000),
    "control": (500_000, 5_000_000),
    "mujoco-v5": (200_000, 1_000_000, 3_000_000, 10_000_000),
    "locomotion": (200_000, 1_000_000, 3_000_000, 10_000_000),
    "atari": (100_000, 400_000, 2_500_000, 10_000_000, 50_000_000),
    "glimpses": (),
    "go": (100_000, 1_000_000, 10_000_000, 100_000_000),
}
"""Training steps up to which agents of a family are ranked together; beyond the last, any number."""

_ROBOT_RETURNS = (-100_000.0, 100_000.0)
"""Possible returns of an episode: 100 a step over 1,000 steps, several times any published return of a robot."""

_GRID_WORLD_STARTS = tuple(
    {"state": {"row": row, "col": col}} for row in range(4) for col in range(4) if (row, col) not in {(0, 0), (3, 3)}
)


def _atari(
    name: str,
    failure_return: float,
    random: float,
    human: float,
    low: float | None = 0.0,
    high: float | None = None,
) -> Task:
    """An Atari game under the protocol of Machado et al. (2018), with unclipped rewards between `low` and `high`.

    The limit of `run` is long because a block lasts as long as its longest episode.
    """
    return Task(
        name=name,
        version=1,
        env_id=f"rlbench/Atari{name.title().replace('-', '')}-v0",
        env_kwargs={"preset": "machado2018"},
        num_envs=20,
        limits=Limits(run=3_600.0),
        failure_return=failure_return,
        random=random,
        random_source="a random agent in Wang et al. (2016), without sticky actions",
        reference=human,
        reference_source="a human player in Wang et al. (2016), without sticky actions",
        min_return=low,
        max_return=high,
    )


_DYNAMICS = {
    "half-cheetah": "5faedf2aa617",
    "hopper": "3467c92b6c1d",
    "walker2d": "1b4573db51ef",
    "ant": "0ec36dcf6bd6",
    "humanoid": "21469022076d",
    "half-cheetah-gymnasium": "d3fbaac3ae22",
    "hopper-gymnasium": "c9ef4dc070a5",
    "walker2d-gymnasium": "cc95b390016b",
    "ant-gymnasium": "73ce4b125f77",
    "humanoid-gymnasium": "9df79276400d",
}
"""Fingerprints of the robots under MuJoCo 4.0.0. Another version that changes dynamics takes new versions of tasks."""


def _robot(
    robot: str, env_id: str, failure_return: float, random: float, reference: float
) -> tuple[Task, tuple[str, ...]]:
    """A robot with the lecture's reward, which nobody has published: the reference is our PPO, frozen."""
    task = Task(
        name=robot,
        version=1,
        env_id=env_id,
        failure_return=failure_return,
        random=random,
        reference=reference,
        reference_source="ours: PPO at a million steps, the mean of its first runs, frozen",
        episode_range=_ROBOT_RETURNS,
        simulator="mujoco",
        dynamics=_DYNAMICS[robot],
    )
    return task, ("locomotion", "robots", "lecture")


_CLEANRL = "CleanRL's PPO at a million steps on v4, the last 100 training episodes of three seeds"
_SLM_LAB = "SLM Lab's PPO at ten million steps on v5, the last 100 training episodes of four seeds"


def _mujoco_v5(
    robot: str, env_id: str, failure_return: float, random: float, reference: float, source: str = _CLEANRL
) -> tuple[Task, tuple[str, ...]]:
    """Gymnasium's v5 task of a robot, with a published score of PPO for reference: where v4 compares, CleanRL's."""
    task = Task(
        name=f"{robot}-gymnasium",
        version=1,
        env_id=env_id,
        env_kwargs={"reward": "gymnasium"},
        episode_range=_ROBOT_RETURNS,
        simulator="mujoco",
        dynamics=_DYNAMICS[f"{robot}-gymnasium"],
        failure_return=failure_return,
        random=random,
        reference=reference,
        reference_source=source,
    )
    return task, ("mujoco-v5", "robots", "lecture")


def _glimpse(name: str, env_id: str, glimpses: int, error: float) -> Task:
    """Classify each of the 10,000 test images of MNIST once; the reference is the paper's test error, in per cent.

    Mnih et al. (2014), tables 1 and 2 of the NIPS version (of 100 x 100 pixels the number is known at second hand). A
    random label is right one time in ten.
    """
    return Task(
        name=f"glimpse-{name}",
        version=1,
        env_id=f"rlbench/{env_id}-v0",
        env_kwargs={"split": "test", "glimpses": glimpses},
        episodes=10_000,
        num_envs=1_000,
        options=EachOnce("image", 10_000, f"glimpse-{name}@1"),
        failure_return=0.0,
        random=0.1,
        random_source="chance",
        reference=round(1 - error / 100, 4),
        reference_source="Mnih et al. (2014)",
        min_return=0.0,
        max_return=1.0,
        classification=True,
    )


_TABLE: tuple[Row, ...] = (
    (
        # Ten passes over the 14 starts, so that the optimum's mean is exactly -2, the mean of -V* over them.
        Task(
            name="grid-world",
            version=1,
            env_id="rlbench/GridWorld-v0",
            episodes=140,
            num_envs=70,
            options=_GRID_WORLD_STARTS,
            failure_return=-97.0,
            random=-17.688,
            reference=-2.0,
            reference_source="the exact optimum",
            min_return=-200.0,
            max_return=-2.0,
            episode_range=(-200.0, -1.0),
        ),
        ("tabular", "quick", "lecture"),
    ),
    (
        Task(
            name="cart-pole",
            version=1,
            env_id="rlbench/CartPole-v0",
            episodes=100,
            num_envs=50,
            failure_return=8.0,
            random=22.647,
            reference=500.0,
            reference_source="the time limit, the highest return there is",
            min_return=0.0,
            max_return=500.0,
            solved_at=475.0,
        ),
        ("control", "quick", "lecture"),
    ),
    # Failure returns are the worst of the random agent's 100 recorded episodes: 1,000 would be hours of emulation.
    (_atari("breakout", 0.0, 1.7, 30.5, high=864.0), ("atari", "lecture", "atari-7")),
    (_atari("pong", -21.0, -20.7, 14.6, -21.0, 21.0), ("atari", "lecture", "atari-7")),
    (_atari("space-invaders", 30.0, 148.0, 1_668.7), ("atari", "lecture", "atari-7")),
    (_atari("seaquest", 0.0, 68.4, 42_054.7), ("atari", "lecture", "atari-7")),
    (_atari("beam-rider", 88.0, 363.9, 16_926.5), ("atari", "lecture", "atari-7")),
    (_atari("enduro", 0.0, 0.0, 860.5), ("atari", "lecture", "atari-7")),
    (_atari("qbert", 0.0, 163.9, 13_455.0), ("atari", "lecture", "atari-7", "atari-5")),
    (_atari("battle-zone", 0.0, 2_360.0, 37_187.5), ("atari", "lecture", "atari-5")),
    (_atari("double-dunk", -24.0, -18.6, -16.4, -24.0, 24.0), ("atari", "lecture", "atari-5")),
    (_atari("name-this-game", 410.0, 2_292.3, 8_049.0), ("atari", "lecture", "atari-5")),
    (_atari("phoenix", 120.0, 761.4, 7_242.6), ("atari", "lecture", "atari-5")),
    _robot("half-cheetah", "rlbench/HalfCheetah-v0", failure_return=30.225, random=560.937, reference=7644.172),
    _robot("hopper", "rlbench/Hopper-v0", failure_return=3.236, random=17.785, reference=3449.426),
    _robot("walker2d", "rlbench/Walker2d-v0", failure_return=-10.398, random=1.841, reference=4115.696),
    _robot("ant", "rlbench/Ant-v0", failure_return=-18.215, random=80.984, reference=2821.599),
    _robot("humanoid", "rlbench/Humanoid-v0", failure_return=10.013, random=21.476, reference=496.556),
    _mujoco_v5("half-cheetah", "rlbench/HalfCheetah-v0", failure_return=-555.339, random=-291.065, reference=1442.64),
    _mujoco_v5("hopper", "rlbench/Hopper-v0", failure_return=3.226, random=17.763, reference=2382.86),
    _mujoco_v5("walker2d", "rlbench/Walker2d-v0", failure_return=-10.438, random=1.798, reference=2287.95),
    _mujoco_v5("ant", "rlbench/Ant-v0", failure_return=-481.066, random=-55.958, reference=2138.28, source=_SLM_LAB),
    _mujoco_v5(
        "humanoid", "rlbench/Humanoid-v0", failure_return=73.001, random=114.048, reference=2661.26, source=_SLM_LAB
    ),
    (_glimpse("mnist", "GlimpseMNIST", glimpses=6, error=1.12), ("glimpses", "lecture")),
    (_glimpse("translated", "GlimpseTranslated", glimpses=6, error=1.22), ("glimpses", "lecture")),
    (_glimpse("cluttered60", "GlimpseCluttered60", glimpses=8, error=4.04), ("glimpses", "lecture")),
    (_glimpse("cluttered100", "GlimpseCluttered100", glimpses=8, error=8.11), ("glimpses", "lecture")),
    (GO5, ("go", "lecture")),
    (GO9, ("go", "lecture")),
)
"""Tasks and their suites. `atari-7` holds the games of Mnih et al. (2013), `atari-5` those of
Aitchison, Sweetser & Hutter (2023), whose scores predict the median over 57 games best."""

TASKS: dict[str, Task] = {task.key: task for task, _ in _TABLE}
"""Every task by its key, in the order of the table."""

FAMILY: dict[str, str] = {task.key: suites[0] for task, suites in _TABLE}
"""The family of every task, by its key."""

SUITES: dict[str, tuple[Task, ...]] = {
    suite: tuple(task for task, suites in _TABLE if suite in suites)
    for suite in dict.fromkeys((*FAMILIES, *(suite for _, suites in _TABLE for suite in suites)))
}
"""The tasks of every suite, in the order of the table."""


def catalogue() -> Catalogue:
    """Every task and suite that is known here: rlbench's own, then those of others; all that lists tasks asks it."""
    own = own_catalogue()
    return own.joined(tasks_of_others(own))


def own_catalogue() -> Catalogue:
    """The tasks and suites of rlbench."""
    families = {name: Family(budgets=budgets) for name, budgets in BUDGETS.items()}
    return Catalogue(TASKS, SUITES, FAMILY, families)


def is_in_file(name: str) -> bool:
    """Whether a word names a task or a suite by the file that defines it."""
    return path_in(name) is not None


def find_task(name: str) -> Task | None:
    """The task `name@version`, or the newest version of `name`, in upper or lower case; None where there is none.

    The task in a file is `maze.toml`, of several `maze.toml:maze`; a UserError tells what is wrong with the file.
    """
    if (word := path_in(name)) is None:
        return catalogue().find(name)
    path, name = word
    there = name_file(path, own_catalogue())
    if not name and len(there.tasks) == 1:
        return next(iter(there.tasks.values()))
    if not name:
        raise UserError(
            f"{path} has {len(there.tasks)} tasks; give one of {', '.join(f'{path}:{k}' for k in there.tasks)}"
        )
    if (task := there.find(name)) is None:
        raise unknown(f"task of {path}", name, there.tasks)
    return task


def get_task(key: str) -> Task:
    """The task that `find_task` finds, with its arguments; else a UserError names the nearest, and files left out."""
    task = find_task(key)
    if task is None:
        known = catalogue()
        of_record = re.fullmatch(r"[a-z0-9-]+@\d+", key) and not near_names(key, known.tasks)
        raise UserError(
            "; ".join([missing(key) if of_record else str(unknown("task", key, known.tasks)), *known.mistakes])
        )
    return task


def get_task_of_record(key: str) -> Task:
    """The task of a record, whose name nobody has misspelt: where it is not known, a UserError says how it gets so."""
    known = catalogue()
    if (task := known.find(key)) is None:
        raise UserError("; ".join([missing(key), *known.mistakes]))
    return task


def get_suite(name: str) -> tuple[Task, ...]:
    """The tasks of a suite, in upper or lower case, or of a file: `maze.toml`, or a suite in it, `maze.toml:mazes`.

    A UserError names the nearest where there is none of that name.
    """
    if (word := path_in(name)) is not None:
        path, name = word
        there = name_file(path, own_catalogue())
        if not name:
            return tuple(there.tasks.values())
        if name.lower() not in there.suites:
            raise unknown(f"suite of {path}", name, there.suites)
        return there.suites[name.lower()]
    known = catalogue()
    if name.lower() not in known.suites:
        raise UserError("; ".join([str(unknown("suite", name, known.suites)), *known.mistakes]))
    return known.suites[name.lower()]
