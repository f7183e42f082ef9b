"""Environments by name: of rlbench, of Gymnasium, and of other packages and modules, which are loaded when needed.

An environment of others is known in every process by one of two ways: its id names the module that registers it,
`module:namespace/Name-v0`, or its package declares an entry point of the group `rlbench.environments`, which is a
module that registers environments when it is imported, or a function that does so when it is called.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterable
from importlib import metadata
from typing import Any, NamedTuple

import gymnasium
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode

from rlbench import foreign
from rlbench.errors import UserError, near_names, nearest, shortened, unknown
from rlbench.foreign import reason
from rlbench.registry import ENVIRONMENTS

GROUP = "rlbench.environments"
"""Group of the entry points by which packages make their environments known."""

_MODULES: dict[str, str] = {}  # id -> the module that was imported for it; Gymnasium's registry is as global
_PACKAGES: dict[str, str] = {}  # id -> the package whose entry point registered it


class Found(NamedTuple):
    """An environment that a name stands for."""

    id: str
    """As `make` takes it in any process: with its module, where no package makes it known."""

    kwargs: dict[str, Any]
    """Arguments of `make`; none where the name is not that of a task."""


def find(name: str, also: Iterable[str] = (), kind: str = "environment") -> Found:
    """The environment that a name stands for.

    Args:
        name: An id, `namespace/Name-v0`, of rlbench, of Gymnasium or of a package with an entry point, with or without
            namespace and version, in upper or lower case; or exactly `module:namespace/Name-v0`.
        also: Other names that the user may have meant, such as those of tasks, for the message.
        kind: What the name should be, for the message.

    Raises:
        UserError: There is none, or what registers it cannot be loaded; the message names the nearest.
    """
    if ":" in name:
        return Found(portable(registered(name)), {})
    if name in gymnasium.registry:
        return Found(portable(name), {})
    for known in (_own_ids, _all_ids, _ids_with_packages):
        if (env_id := like(name, known())) is not None:
            return Found(portable(env_id), {})
    raise _unknown(name, also, kind)


def registered(env_id: str) -> str:
    """The id under which Gymnasium knows an environment, once the module or package that registers it is loaded.

    Args:
        env_id: As of `Found`.

    Raises:
        UserError: It is not there, or what registers it cannot be loaded.
    """
    module, colon, plain = env_id.rpartition(":")
    if colon:
        return _registered_by(module, plain, env_id)
    if env_id not in gymnasium.registry:
        load_packages()
        if env_id not in gymnasium.registry:
            raise _unknown(env_id)
    return env_id


def portable(env_id: str) -> str:
    """A registered id with the module that was imported for it, so that a new process finds it, too."""
    module = _MODULES.get(env_id)
    return f"{module}:{env_id}" if module else env_id


def spec(env_id: str) -> EnvSpec:
    """What Gymnasium has registered under an id; raises as `registered` does."""
    return gymnasium.spec(registered(env_id))


def make(env_id: str, render_mode: str | None = None, **kwargs: Any) -> gymnasium.Env[Any, Any]:
    """One environment.

    Args:
        env_id: As of `Found`.
        render_mode: As of `gymnasium.make`.
        kwargs: Arguments of the environment.

    Raises:
        UserError: The environment is not there; one of others cannot be made, or has not that render mode.
        gymnasium.error.Error, TypeError: One of rlbench does not take these arguments, or lacks a package.
    """
    name = registered(env_id)
    return (
        gymnasium.make(name, render_mode=render_mode, **kwargs)
        if is_own(name)
        else foreign.make(name, render_mode, kwargs)
    )


def make_vec(
    env_id: str, num_envs: int, autoreset_mode: AutoresetMode, **kwargs: Any
) -> gymnasium.vector.VectorEnv[Any, Any, Any]:
    """N environments in an autoreset mode; Gymnasium's `SyncVectorEnv` where one of others has no such batch.

    Reset options are arrays over the environments. Raises as `make` does.
    """
    name = registered(env_id)
    if is_own(name):
        return gymnasium.make_vec(name, num_envs=num_envs, autoreset_mode=autoreset_mode, **kwargs)
    return foreign.make_vec(name, num_envs, autoreset_mode, kwargs)


def is_own(env_id: str) -> bool:
    """Whether an environment is in rlbench's table, and so kept to the promises of `rlbench.testing` by its tests."""
    return env_id in _own_ids()


def find_id(name: str, known: Iterable[str] | None = None) -> str:
    """The registered id that a name stands for.

    Args:
        name: An id, with or without namespace and version, in upper or lower case. The id that is spelt most like it
            is meant, and of several versions the newest.
        known: Ids to search; those of rlbench by default.

    Raises:
        UserError: There is no such id; it names the nearest ones.
    """
    ids = _own_ids() if known is None else tuple(known)
    if (env_id := like(name, ids)) is not None:
        return env_id
    raise unknown("environment", name, {short_name(each) for each in ids})


def like(name: str, known: Iterable[str]) -> str | None:
    """The id that is spelt most like a name, of several versions the newest; None where none is."""
    ids = sorted(known, key=_version, reverse=True)
    lower = name.lower()
    for nth, written in enumerate((name, lower, lower, lower, lower)):
        for each in ids:
            if _spellings(each)[nth] == written:
                return each
    return None


@functools.cache
def load_packages() -> tuple[str, ...]:
    """Load the entry points of the group `rlbench.environments`, once.

    Returns:
        A line for each that cannot be loaded.
    """
    found = sorted(metadata.entry_points(group=GROUP), key=lambda each: (each.name, each.value))
    return tuple(fault for each in found if (fault := _load(each)))


def _load(entry_point: metadata.EntryPoint) -> str:
    """Load an entry point, and call it where it is a function; returns the line about what is wrong, or nothing."""
    before, package = set(gymnasium.registry), entry_point.dist.name if entry_point.dist else entry_point.name
    try:
        target = entry_point.load()
        if callable(target):
            target()
    except (Exception, SystemExit) as error:
        return (
            f"the entry point {entry_point.name} = {entry_point.value} of {package} cannot be loaded: {reason(error)}"
        )
    finally:
        _PACKAGES.update(dict.fromkeys(set(gymnasium.registry) - before, package))
    return ""


def of_packages() -> dict[str, str]:
    """The ids that entry points have registered, and the package of each."""
    load_packages()
    return {env_id: package for env_id, package in sorted(_PACKAGES.items()) if env_id in gymnasium.registry}


def short_name(env_id: str) -> str:
    """An id without namespace and version, for titles: CartPole for rlbench/CartPole-v0."""
    return re.sub(r"-v\d+$", "", re.split("[/:]", env_id)[-1])


def _unknown(name: str, also: Iterable[str] = (), kind: str = "environment") -> UserError:
    """The error of `find`; it also says which packages could not be loaded."""
    own = [*map(short_name, _own_ids()), *also]
    everything = also if kind.startswith("task") and near_names(name, also) else {*own, *gymnasium.registry}
    if near_names(name, everything):
        error = unknown(kind, name, everything)
    else:
        error = UserError(
            f"{unknown(kind, name, own)}; an environment of others is module:namespace/Name-v0, the module registers it"
        )
    return UserError("; ".join([str(error), *load_packages()]))


def _registered_by(module: str, env_id: str, name: str) -> str:
    """The id, once the module that registers it is imported; UserError where there is no such module or id."""
    before = set(gymnasium.registry)
    _import(module, name)
    if env_id not in gymnasium.registry:
        new = set(gymnasium.registry) - before or gymnasium.registry
        raise UserError(
            f"unknown environment {shortened(env_id)}, which {module} does not register; {nearest(env_id, new)}"
        )
    if not is_own(env_id) and module.partition(".")[0] != "gymnasium":
        _MODULES[env_id] = module
    return env_id


def _import(module: str, name: str) -> None:
    """Import a module that a user names; it may be in the working folder.

    Args:
        module: Its dotted name.
        name: The word that names it, for messages.

    Raises:
        UserError: There is none, or it fails.
    """
    if not all(part.isidentifier() for part in module.split(".")):
        raise UserError(f"{shortened(module)}, which {shortened(name)} names, is no name of a module")
    try:
        _look_in_working_folder(module.partition(".")[0])
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise UserError(f"cannot import {module}, which {name} names: {reason(error)}; install that") from None
        raise UserError(
            f"cannot import {module}, which {name} names: there is no such module; install it, or go to its folder"
        ) from None
    except (Exception, SystemExit) as error:
        raise UserError(f"cannot import {module}, which {name} names: {reason(error)}; mend it") from None


def _look_in_working_folder(package: str) -> None:
    """Let a module be found in the working folder, last of all, as in a program that is run there."""
    safe_path = getattr(sys.flags, "safe_path", False)  # since Python 3.11
    if package in sys.modules or safe_path or importlib.util.find_spec(package) is not None:
        return
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.append(folder)
        importlib.invalidate_caches()


@functools.cache
def _own_ids() -> tuple[str, ...]:
    return tuple(each.id for each in ENVIRONMENTS)


def _all_ids() -> tuple[str, ...]:
    return tuple(gymnasium.registry)


def _ids_with_packages() -> tuple[str, ...]:
    load_packages()
    return tuple(gymnasium.registry)


def _spellings(env_id: str) -> tuple[str, ...]:
    """The names that an id answers to, from the nearest: itself, then in lower case whole, without parts, short."""
    lower = env_id.lower()
    return env_id, lower, re.sub(r"-v\d+$", "", lower), lower.rpartition("/")[2], short_name(lower)


def _version(env_id: str) -> int:
    """The version of an id, 0 when it has none."""
    return int(env_id.rpartition("-v")[2]) if re.search(r"-v\d+$", env_id) else 0
