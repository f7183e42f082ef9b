"""Files that define tasks and suites: TOML, which is data, and Python, which is code that runs in this very process.

TOML has `[[task]]` tables and `[suite.NAME]` tables. Python defines `TASKS`, a list of `Task`, and `SUITES`, which maps
names to what a `[suite.NAME]` holds, or to its list of tasks alone. A task that no suite of its file lists is a family
of itself.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from rlbench.errors import UserError, nearest, one_line, shortened, unknown
from rlbench.harness.field_rules import check_fields
from rlbench.harness.tasks.catalogue import Catalogue, Family
from rlbench.harness.tasks.checks import check_task, task_of
from rlbench.harness.tasks.fields import MAX_NAME, SUITE_FIELDS, is_name
from rlbench.harness.tasks.task import Task
from rlbench.text_files import parsed_toml, read_text

SUFFIXES = (".toml", ".py")
"""Of the names of files that can define tasks."""

MAX_BYTES = 1 << 20

SOURCE = "named in the definition of the task"
"""The source of a reference whose definition names none."""


def read_file(path: Path, own: Catalogue) -> Catalogue:
    """What a file defines. Modules beside it that its tasks' ids name can be imported from then on.

    Args:
        path: A file of TOML, or of Python, which is run.
        own: The tasks of rlbench, which suites may hold as well.

    Raises:
        UserError: It cannot be read, or something in it is not valid.
    """
    if path.suffix not in SUFFIXES:
        raise UserError(f"{path} is no file of tasks; it ends in .toml or .py")
    if path.suffix == ".py":
        found = of_module(run_module(path), str(path), own)
    else:
        found = of_toml(parsed_toml(read_text(path, "task file", MAX_BYTES), path), str(path), own)
    _look_beside(path, found)
    return found


def of_toml(content: Mapping[str, Any], source: str, own: Catalogue) -> Catalogue:
    """What the tables of a TOML file define; arguments and errors as of `read_file`."""
    for name in content:
        if name not in ("task", "suite"):
            raise UserError(f"{source}: unknown table {shortened(name)}; {nearest(name, ('[[task]]', '[suite.NAME]'))}")
    tables = content.get("task", [])
    if not isinstance(tables, list):
        raise UserError(f"{source}: begin each task with [[task]], in double brackets")
    suites = content.get("suite", {})
    if not isinstance(suites, dict):
        raise UserError(f"{source}: begin a suite with [suite.NAME]")
    tasks = [task_of(table, f"{source}, task {number}") for number, table in enumerate(tables, 1)]
    return catalogue_of(tasks, suites, source, own)


def of_module(module: ModuleType, source: str, own: Catalogue) -> Catalogue:
    """What a Python module defines; arguments and errors as of `read_file`."""
    tasks, suites = getattr(module, "TASKS", ()), getattr(module, "SUITES", {})
    if not (hasattr(module, "TASKS") or hasattr(module, "SUITES")):
        raise UserError(f"{source} defines neither TASKS, a list of tasks, nor SUITES")
    if not isinstance(tasks, (list, tuple)):
        raise UserError(f"{source}: TASKS is {shortened(tasks)}; make it a list of Task")
    if not isinstance(suites, Mapping):
        raise UserError(f"{source}: SUITES is {shortened(suites)}; make it a dict of names and lists of tasks")
    checked = [check_task(task, f"{source}, TASKS[{number}]") for number, task in enumerate(tasks)]
    return catalogue_of(checked, suites, source, own)


def catalogue_of(tasks: Sequence[Task], suites: Mapping[str, Any], source: str, own: Catalogue) -> Catalogue:
    """The catalogue of checked tasks and of suites, which are checked here; arguments and errors as of `read_file`."""
    by_key: dict[str, Task] = {}
    for task in tasks:
        if by_key.setdefault(task.key, task) is not task:
            raise UserError(f"{source}: {task.key} is defined twice; give one of them another name or version")
    by_key = {
        key: task if task.reference_source else replace(task, reference_source=SOURCE) for key, task in by_key.items()
    }
    mine = Catalogue(by_key)
    members: dict[str, tuple[Task, ...]] = {}
    families: dict[str, Family] = {}
    for name, given in suites.items():
        members[name], families[name] = _suite(name, given, source, mine, own)
    family: dict[str, str] = {}
    for key, task in by_key.items():
        family[key] = next((name for name, suite in members.items() if task in suite), task.name)
        if family[key] not in families:
            families[family[key]] = Family()
        if family[key] == task.name:
            members[task.name] = (*members.get(task.name, ()), task)
    made = Catalogue(by_key, members, family, families, dict.fromkeys(by_key, source))
    if wrong := own.clash(made):
        raise UserError(f"{source}: {wrong}")
    return made


def _suite(name: str, given: Any, source: str, mine: Catalogue, own: Catalogue) -> tuple[tuple[Task, ...], Family]:
    """The tasks of a suite, and what the leaderboard says of it; errors as of `read_file`."""
    where = f"{source}, suite {shortened(name)}"
    if not is_name(name):
        raise UserError(f"{where}: a name is lower-case words joined by hyphens, up to {MAX_NAME} characters")
    if mine.find(name):
        raise UserError(f"{where} is the name of a task; give it another one")
    if isinstance(given, (list, tuple)):
        given = {"tasks": [each.key if isinstance(each, Task) else each for each in given]}
    if not isinstance(given, Mapping):
        raise UserError(
            f"{where} is {shortened(given)}; give it tasks, for example tasks = {SUITE_FIELDS['tasks'].example}"
        )
    check_fields(given, SUITE_FIELDS, ("tasks",), where)
    tasks = []
    for each in given["tasks"]:
        if (task := mine.find(each) or own.find(each)) is None:
            raise UserError(f"{where}: {unknown('task', each, [*mine.tasks, *own.tasks])}")
        tasks.append(task)
    family = Family(given.get("title", ""), given.get("lead", ""), tuple(given.get("budgets", ())))
    return tuple({task.key: task for task in tasks}.values()), family


def run_module(path: Path) -> ModuleType:
    """The module of a Python file, newly run, under a name that nothing else has; its folder can be imported from.

    Raises:
        UserError: It cannot be read, or it fails; the message names the line.
    """
    read_text(path, "task file", MAX_BYTES)
    spec = importlib.util.spec_from_file_location(f"rlbench_tasks_of_{abs(hash(str(path.resolve())))}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"cannot read the task file {path}: it is no Python")
    module = importlib.util.module_from_spec(spec)
    _append_to_search_path(path.resolve().parent)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise UserError(f"{path} fails{_line_of(error, path)}: {type(error).__name__}: {one_line(error)}") from None
    return module


def _line_of(error: BaseException, path: Path) -> str:
    """Where in a file an error came about, in words; empty where that is not known."""
    if isinstance(error, SyntaxError):
        return f" in line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f" in line {lines[-1]}" if lines else ""


def _look_beside(path: Path, found: Catalogue) -> None:
    """Let the modules that tasks' ids name be imported from the folder of their file, last of all."""
    folder = path.resolve().parent
    for task in found.tasks.values():
        module, colon, _ = task.env_id.partition(":")
        package = module.partition(".")[0]
        if colon and ((folder / f"{package}.py").is_file() or (folder / package).is_dir()):
            _append_to_search_path(folder)


def _append_to_search_path(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
        importlib.invalidate_caches()
