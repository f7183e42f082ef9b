"""Checks of what a file defines: each field by the table of `fields.py`, and that a task's returns go together."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rlbench.errors import UserError, shortened
from rlbench.harness.field_rules import check_fields
from rlbench.harness.tasks.fields import REQUIRED, TASK_FIELDS, is_name
from rlbench.harness.tasks.limits import Limits
from rlbench.harness.tasks.task import EachOnce, Task


def task_of(given: object, where: str) -> Task:
    """The task of a table of a file.

    Args:
        given: Values by name.
        where: File and table, for messages.

    Raises:
        UserError: A field is missing, unknown or not valid, or two do not go together.
    """
    if not isinstance(given, Mapping):
        raise UserError(f"{where} is no table of fields; begin it with [[task]]")
    where = f"{where} ({given['name']})" if is_name(given.get("name")) else where
    check_fields(given, TASK_FIELDS, REQUIRED, where)
    fields = dict(given)
    if "limits" in fields:
        fields["limits"] = Limits(**fields["limits"])
    for name in ("episode_range", "outcomes"):
        if name in fields:
            fields[name] = tuple(fields[name])
    for name in ("failure_return", "random", "reference", "min_return", "max_return", "solved_at", "total_seconds"):
        if name in fields:
            fields[name] = float(fields[name])  # 1 and 1.0 are the same to whoever writes a file
    if isinstance(options := fields.get("options", ()), Mapping):
        key = f"{given['name']}@{given['version']}"
        fields["options"] = EachOnce(options["each"], options["count"], key)
    else:
        fields["options"] = tuple(options)
    try:
        task = Task(**fields)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    check_returns(task, where)
    return task


def check_task(task: object, where: str) -> Task:
    """A task of a Python file, checked as those of TOML are.

    Args:
        task: The object.
        where: File and object, for messages.

    Raises:
        UserError: It is no task, a field of it is not valid, or two do not go together.
    """
    if not isinstance(task, Task):
        raise UserError(f"{where} is {shortened(task)}; make it a rlbench.harness.tasks.task.Task")
    where = f"{where} ({task.name})" if is_name(task.name) else where
    unset = {name for name, value in vars(task).items() if value is None or value == ""}
    given = {name: getattr(task, name) for name in TASK_FIELDS if name not in unset or name in REQUIRED}
    check_fields(given, TASK_FIELDS, REQUIRED, where)
    if task.secret:
        raise UserError(f"{where} has a secret; leave it out, and give it with --secret")
    check_returns(task, where)
    return task


def check_returns(task: Task, where: str) -> None:
    """Raise UserError where the returns that a task names do not go together.

    Args:
        task: The task.
        where: File and table, for the message.
    """
    low = -math.inf if task.min_return is None else task.min_return
    high = math.inf if task.max_return is None else task.max_return
    rules = (
        (task.failure_return <= task.random, "failure_return is at most random"),
        (task.random < task.reference, "random is below reference"),
        (low < high, "min_return is below max_return"),
        (low <= task.random and task.reference <= high, "random and reference are within min_return and max_return"),
    )
    for holds, rule in rules:
        if not holds:
            numbers = ("failure_return", "random", "reference", "min_return", "max_return")
            found = ", ".join(f"{name} {getattr(task, name):g}" for name in numbers if getattr(task, name) is not None)
            raise UserError(f"{where}: {rule}; it has {found}")
