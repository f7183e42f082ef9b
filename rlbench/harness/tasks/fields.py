"""The fields of a task and of a suite in a file: what each may be, and what it means, in one table."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from rlbench.harness.field_rules import LINE, FieldRule, is_line
from rlbench.harness.tasks.limits import Limits
from rlbench.harness.tasks.task import EachOnce, GameSchedule

MAX_NAME = 64
MAX_NUMBER = 1e300  # below what a float holds, so that sums and differences stay finite
MAX_EPISODES = 1_000_000
MAX_NUM_ENVS = 10_000


def is_name(value: object) -> bool:
    """Whether it is the name of a task or suite: lower-case words joined by hyphens."""
    named = isinstance(value, str) and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value) is not None
    return named and len(str(value)) <= MAX_NAME


def _is_text(value: object) -> bool:
    return isinstance(value, str) and all(c.isprintable() or c == "\n" for c in value) and len(value) <= 2_000


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(value) < MAX_NUMBER  # type: ignore[arg-type]  # bool is no number here


def _is_positive(value: object) -> bool:
    return _is_number(value) and value > 0  # type: ignore[operator]  # a number, as was just seen


def _is_whole(low: int, high: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _is_list(value: object, fits: Callable[[object], bool]) -> bool:
    return isinstance(value, (list, tuple)) and all(map(fits, value))


def _is_json(value: object) -> bool:
    """Whether it is a table of values that JSON has, so no date, infinity or NaN."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return isinstance(value, Mapping)


def _is_options(value: object) -> bool:
    if isinstance(value, (EachOnce, GameSchedule)):  # as Python files have them
        return len(value) > 0
    if isinstance(value, Mapping):
        return value.keys() == {"each", "count"} and is_line(value["each"]) and _is_whole(1, 2**31 - 1)(value["count"])
    return _is_list(value, _is_json)


def _is_limits(value: object) -> bool:
    given = vars(value) if isinstance(value, Limits) else value
    return (
        isinstance(given, Mapping) and given.keys() <= {"load", "act", "run"} and all(map(_is_positive, given.values()))
    )


def _is_range(value: object) -> bool:
    return _is_list(value, _is_number) and len(value) == 2 and value[0] < value[1]  # type: ignore[arg-type, index]


_RETURN = "a finite number"

TASK_FIELDS: dict[str, FieldRule] = {
    "name": FieldRule(
        '"maze"', is_name, f"lower-case words joined by hyphens, up to {MAX_NAME} characters", "name of the task"
    ),
    "version": FieldRule(
        "1",
        _is_whole(1, 10**9),
        "a whole number from 1 on",
        "counts the changes of what is played, which all need a new one",
    ),
    "env_id": FieldRule(
        '"maze_env:demo/Maze-v0"', is_line, "an id that Gymnasium makes, or module:namespace/Name-v0", "environment"
    ),
    "env_kwargs": FieldRule(
        "{ size = 5 }", _is_json, "a table of values that JSON has", "arguments of the environment"
    ),
    "episodes": FieldRule(
        "100", _is_whole(1, MAX_EPISODES), f"a whole number from 1 to {MAX_EPISODES:,}", "episodes of a complete run"
    ),
    "num_envs": FieldRule(
        "50",
        _is_whole(1, MAX_NUM_ENVS),
        f"a whole number from 1 to {MAX_NUM_ENVS:,}",
        "episodes that are played at once",
    ),
    "options": FieldRule(
        "[{ start = 0 }, { start = 1 }]",
        _is_options,
        'a list of tables of values that JSON has, or { each = "image", count = 100 }',
        "options of `reset`, which the episodes take in turn; with `each`, every number below `count`, shuffled",
    ),
    "limits": FieldRule(
        "{ load = 60.0, act = 5.0, run = 600.0 }",
        _is_limits,
        "a table of load, act, run, each a number above 0",
        "seconds that an agent may take: to start, for one call of `act`, for all calls while a block is played",
    ),
    "total_seconds": FieldRule(
        "7200.0", _is_positive, "a number above 0", "seconds that an agent may take for a whole run"
    ),
    "discount": FieldRule(
        "1.0",
        lambda value: _is_positive(value) and value <= 1,  # type: ignore[operator]  # a number, as was just seen
        "a number above 0, at most 1",
        "discount factor of the discounted return that records hold",
    ),
    "failure_return": FieldRule(
        "-200.0", _is_number, _RETURN, "return of an episode that the agent failed: the worst of random play"
    ),
    "random": FieldRule("-150.0", _is_number, _RETURN, "mean return of random play, the score 0"),
    "random_source": FieldRule('"1,000 episodes of a random agent"', is_line, LINE, "where `random` comes from"),
    "reference": FieldRule("-110.0", _is_number, "a finite number above `random`", "mean return of the score 1"),
    "reference_source": FieldRule(
        '"the exact optimum"',
        is_line,
        LINE,
        "where `reference` comes from; where it begins with `ours`, nothing is called solved and no scores are shown",
    ),
    "reference_version": FieldRule(
        "1", _is_whole(1, 10**9), "a whole number from 1 on", "counts the changes of `random` and `reference`"
    ),
    "min_return": FieldRule(
        "-200.0", _is_number, _RETURN, "the lowest mean return that is possible, where it is known"
    ),
    "max_return": FieldRule("0.0", _is_number, _RETURN, "the highest mean return that is possible, where it is known"),
    "episode_range": FieldRule(
        "[-200.0, 0.0]",
        _is_range,
        "two finite numbers, the lower first",
        "the lowest and the highest return of one episode, where they differ from the mean's",
    ),
    "solved_at": FieldRule(
        "-110.0", _is_number, _RETURN, "mean return that solves the task, where it is not `reference`"
    ),
    "classification": FieldRule(
        "false",
        lambda value: isinstance(value, bool),
        "true or false",
        "whether a return is 1 for a right answer and 0 for a wrong one",
    ),
    "outcomes": FieldRule(
        '["is_success"]',
        lambda value: _is_list(value, is_line),
        "a list of names",
        "entries of `info` at the end of an episode that records hold",
    ),
    "random_agent": FieldRule(
        '"random"',
        lambda value: value in ("random", "random-legal"),
        "random or random-legal",
        "the agent that plays at random",
    ),
}
"""Every field of a `[[task]]`. Games and simulators, `Task` has more, are for Python."""

REQUIRED = ("name", "version", "env_id", "failure_return", "random", "reference")
"""The fields that a `[[task]]` must have; the others have the defaults of `Task`."""

SUITE_FIELDS: dict[str, FieldRule] = {
    "tasks": FieldRule(
        '["maze@1"]',
        lambda value: _is_list(value, is_line) and bool(value),
        "a list of tasks",
        "tasks of this file, or of rlbench, by name or name@version",
    ),
    "title": FieldRule('"Mazes"', is_line, LINE, "heading of its section on the leaderboard"),
    "lead": FieldRule(
        '"Find the way out."', _is_text, "text of up to 2,000 characters", "paragraph below the heading, in Markdown"
    ),
    "budgets": FieldRule(
        "[100_000]",
        lambda value: _is_list(value, _is_whole(1, 2**53)) and list(value) == sorted(set(value)),  # type: ignore[call-overload]
        "a list of whole numbers from 1 on, ascending",
        "training steps up to which agents are ranked together",
    ),
}
"""Every field of a `[suite.NAME]`."""
