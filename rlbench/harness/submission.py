"""A submission: a folder with an agent in it, checked without running any of it."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlbench.errors import UserError, unknown
from rlbench.harness.layers import player
from rlbench.harness.layers.graph import GraphError
from rlbench.harness.tasks.task import Task

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BUILTIN = Path(__file__).parent / "builtin"
"""Folder of the built-in submissions, which can be given by name instead of a path."""

MANIFEST = "submission.toml"


@dataclass(frozen=True)
class Submission:
    """A folder that holds `submission.toml` and the module that its entry names, or a graph of layers and no code."""

    folder: Path
    name: str
    """Name of the agent: its versions and training seeds share it."""

    version: str
    authors: tuple[str, ...]
    tasks: tuple[str, ...]
    """Keys of the tasks that it plays; `*` for every task."""

    module: str
    function: str
    """The entry point `module:function`, which is called as load(task, spaces, seed)."""

    training_seed: int | None
    training_steps: int | None
    device: str
    """Where it computes: `cpu` or `cuda`."""

    digest: str
    """Sha256 of the folder, from `digest`."""

    player: str | None
    """The digest of the player where the submission is data only, None where it brings code of its own."""

    def plays(self, task: Task) -> bool:
        """Whether the submission lists the task."""
        return "*" in self.tasks or task.key in self.tasks


def read(path: str | Path) -> Submission:
    """The submission in a folder, or the built-in one of that name; a UserError for anything malformed."""
    builtin = isinstance(path, str) and path in builtins()
    folder = (BUILTIN / path if builtin else Path(path)).resolve()
    if not folder.is_dir():
        names = " or ".join(builtins())
        raise UserError(f"no submission at {path}: give a folder that holds {MANIFEST}, or {names}")
    manifest = folder / MANIFEST
    fields = _fields(manifest)
    entry = fields.pop("entry")
    module, function = entry.split(":")
    if entry == player.ENTRY:
        _check_layers(folder)
    else:
        _check_source(folder / f"{module}.py", manifest)
    played_by = player.digest() if entry == player.ENTRY else None
    return Submission(folder, module=module, function=function, digest=digest(folder), player=played_by, **fields)


def builtins() -> list[str]:
    """The names of the built-in submissions."""
    return sorted(path.parent.name for path in BUILTIN.glob(f"*/{MANIFEST}"))


def digest(folder: Path) -> str:
    """Sha256 of a folder: of its sorted paths and contents, without hidden files and __pycache__."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        parts = path.relative_to(folder).parts
        if "__pycache__" in parts or any(part.startswith(".") for part in parts):
            continue
        for data in (os.fsencode("/".join(parts)), path.read_bytes()):
            total.update(len(data).to_bytes(8, "big"))  # without lengths, "a" + "bc" would be "ab" + "c"
            total.update(data)
    return total.hexdigest()


def _fields(manifest: Path) -> dict[str, Any]:
    """The checked fields of a manifest, lists as tuples, with defaults for optional ones."""
    try:
        fields = tomllib.loads(manifest.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"no {MANIFEST} in {manifest.parent}; write one with {', '.join(_REQUIRED)}") from None
    except (OSError, ValueError) as error:  # tomllib's and Unicode's errors are ValueErrors
        raise UserError(f"{manifest} cannot be read as TOML: {error}") from None
    for name in fields:
        if name not in _CHECKS:
            raise UserError(f"{manifest}: {unknown('field', name, _CHECKS)}")
    for name in _REQUIRED:
        if name not in fields:
            raise UserError(f"{manifest} has no {name}; add {name} = {_CHECKS[name][0]}")
    for name, value in fields.items():
        example, fits = _CHECKS[name]
        if not fits(value):
            raise UserError(f"{manifest}: {name} = {value!r} is not valid; write, for example, {name} = {example}")
    frozen = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    return {**_OPTIONAL, **frozen}


def _check_source(source: Path, manifest: Path) -> None:
    """A UserError where the agent's module is missing or is not Python; it is compiled, never run."""
    try:
        text = source.read_bytes()
    except OSError:
        raise UserError(f"no {source.name} in {source.parent}, which entry in {manifest} asks for") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about the submission's code are not for whoever evaluates it
            compile(text, source.name, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise UserError(f"{source}, line {error.lineno}: syntax error, {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; nesting beyond the parser
        raise UserError(f"{source} is not Python: {error}") from None


def _check_layers(folder: Path) -> None:
    """A UserError where a data-only submission is malformed or holds code, which nobody would run."""
    if code := sorted(folder.rglob("*.py")):
        raise UserError(
            f"{code[0]} would never run, as entry is {player.ENTRY}; remove it, or name a function of it as entry"
        )
    try:
        player.read(folder)
    except GraphError as error:
        raise UserError(f"{folder}: {error}") from None


def _is_name(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", value) is not None


def _is_entry(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z_]\w*:[A-Za-z_]\w*", value, re.ASCII) is not None


def _is_list(value: object) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(isinstance(v, str) and v.strip() for v in value)


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0  # bool is an int to isinstance


_CHECKS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "name": ('"my-agent"', _is_name),
    "version": ('"1"', _is_name),
    "authors": ('["Ada Lovelace"]', _is_list),
    "tasks": ('["cart-pole@1"]', _is_list),
    "entry": ('"agent:load"', _is_entry),
    "training_seed": ("0", _is_count),
    "training_steps": ("50000", _is_count),
    "device": ('"cpu" or "cuda"', lambda value: value in ("cpu", "cuda")),
}
"""Every field of the manifest: an example, and whether a value is valid."""

_OPTIONAL: dict[str, Any] = {"training_seed": None, "training_steps": None, "device": "cpu"}
_REQUIRED = tuple(name for name in _CHECKS if name not in _OPTIONAL)
