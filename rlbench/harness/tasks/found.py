"""Tasks of others: where they are looked for, and what was found there.

A file that is named where a task is asked for; the files and folders of `RLBENCH_PATH`; and entry points of the group
`rlbench.tasks`, each a module with TASKS and SUITES, or the path of a file. What is wrong with a file that was named is
an error; what is wrong elsewhere is told where a task is missing, and stops nothing else.
"""

from __future__ import annotations

import functools
import os
import re
import stat
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from rlbench.errors import UserError, one_line
from rlbench.harness.tasks.catalogue import Catalogue
from rlbench.harness.tasks.files import of_module, read_file

VARIABLE = "RLBENCH_PATH"
"""Environment variable of files and folders, parted as in PATH."""

GROUP = "rlbench.tasks"
"""Group of the entry points by which packages make their tasks known."""

NAMED: dict[Path, None] = {}  # files that were named in this process, which must go on knowing their tasks
_READ: dict[tuple[Path, int, int], Catalogue | str] = {}  # what was read, by path, time and size of the file


def path_in(word: str) -> tuple[Path, str] | None:
    """The file and the name of a task or suite in a word such as `maze.toml:maze`; None where it names no file.

    Without a name that is empty. Ids of environments have a colon, too, but no such ending before it.
    """
    parts = re.fullmatch(r"(.+\.(?:toml|py))(?::([^:/]*))?", word)
    return (Path(parts[1]), parts[2] or "") if parts else None


def name_file(path: Path, own: Catalogue) -> Catalogue:
    """What a file defines, which this process knows from then on.

    Args:
        path: The file.
        own: The tasks of rlbench.

    Raises:
        UserError: It cannot be read, something in it is not valid, or it clashes with what is known already.
    """
    found = _read(path, own)
    if isinstance(found, str):
        raise UserError(found)
    known = tasks_of_others(own)
    if wrong := known.clash(found):
        raise UserError(f"{path}: {wrong}")
    NAMED[Path(os.path.realpath(path))] = None
    return found


def tasks_of_others(own: Catalogue) -> Catalogue:
    """All tasks and suites of others that are found; the first of those that clash.

    Args:
        own: The tasks of rlbench.
    """
    found = Catalogue()
    for path in dict.fromkeys(Path(os.path.realpath(each)) for each in (*NAMED, *_listed())):
        found = _with(found, _read(path, own))
    for entry_point in entry_points():
        found = _with(found, _of_entry_point(entry_point, own))
    return found


def _with(found: Catalogue, more: Catalogue | str) -> Catalogue:
    """What was found, and more of it, or what is wrong with that."""
    if isinstance(more, str):
        return found.with_mistake(more)
    if wrong := found.clash(more):
        return found.with_mistake(f"{next(iter(more.sources.values()), 'a file')}: {wrong}")
    return found.joined(more)


def _listed() -> Iterator[Path]:
    """The files of RLBENCH_PATH; of a folder the TOML files that define tasks or suites, and `tasks.py`."""
    for word in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        path = Path(os.path.expanduser(word))
        try:
            inside = sorted(path.iterdir()) if os.path.isdir(path) else [path]
        except OSError:  # it is told of where it is read as a file
            inside = [path]
        for each in inside:
            if each == path or each.name == "tasks.py" or (each.suffix == ".toml" and _defines_tasks(each)):
                yield each


def _defines_tasks(path: Path) -> bool:
    """Whether a TOML file has a table for a task or suite, be it misspelt; folders hold other files as well."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    except OSError:
        return True  # so that it is told of
    return re.search(r"^\s*\[+\s*\"?(tasks?|suites?)\b", text, re.MULTILINE) is not None


def _read(path: Path, own: Catalogue) -> Catalogue | str:
    """What a file defines, or what is wrong with it; it is read again where it has changed."""
    try:
        about = path.stat()
    except OSError as error:
        return f"cannot read the task file {path}: {error.strerror}"
    if not stat.S_ISREG(about.st_mode):  # a pipe might never end
        return f"cannot read the task file {path}: it is no file"
    key = (Path(os.path.realpath(path)), about.st_mtime_ns, about.st_size)
    if key not in _READ:
        try:
            _READ[key] = read_file(path, own)
        except UserError as error:
            _READ[key] = str(error)
    return _READ[key]


@functools.cache
def entry_points() -> tuple[metadata.EntryPoint, ...]:
    """The entry points of installed packages."""
    return tuple(sorted(metadata.entry_points(group=GROUP), key=lambda each: (each.name, each.value)))


@functools.cache
def _loaded(entry_point: metadata.EntryPoint) -> Any:
    """What an entry point names; the error where it cannot be loaded."""
    try:
        return entry_point.load()
    except (Exception, SystemExit) as error:
        return error


def _of_entry_point(entry_point: metadata.EntryPoint, own: Catalogue) -> Catalogue | str:
    """What an entry point defines, or what is wrong with it."""
    package = f" of {entry_point.dist.name}" if entry_point.dist else ""
    source = f"the entry point {entry_point.name} = {entry_point.value}{package}"
    target = _loaded(entry_point)
    if isinstance(target, ModuleType):
        try:
            return of_module(target, source, own)
        except UserError as error:
            return str(error)
    if isinstance(target, (str, os.PathLike)):
        return _read(Path(target), own)
    if isinstance(target, BaseException):
        return f"{source} cannot be loaded: {type(target).__name__}: {one_line(target)}"
    return f"{source} is neither a module nor the path of a file of tasks"
