"""Batches made for other libraries: one autoreset mode for every id, and `info` as one dict per environment."""

from __future__ import annotations

import importlib
import inspect
import operator
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, SupportsIndex

import gymnasium
from gymnasium.envs.registration import EnvSpec, load_env_creator
from gymnasium.error import DependencyNotInstalled
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv

from rlbench import environments
from rlbench.errors import ArgumentError, shortened
from rlbench.foreign import blamed

AnyVectorEnv = VectorEnv[Any, Any, Any]

MODE_ARGUMENT = "autoreset_mode"
NOT_VALUES = {"final_obs", "final_info"}
"""Keys of a batch's `info` that hold other entries of SAME_STEP."""


def require(package: str, requirement: str) -> None:
    """Import another library, or say how to install it.

    Raises:
        DependencyNotInstalled: It is not installed.
    """
    try:
        importlib.import_module(package)
    except ImportError as error:
        raise DependencyNotInstalled(
            f'{package} is not installed or cannot be imported ({error}): pip install "{requirement}"'
        ) from error


def batch(
    id_or_envs: str | EnvSpec | AnyVectorEnv, num_envs: int | None, mode: AutoresetMode, arguments: Mapping[str, Any]
) -> AnyVectorEnv:
    """N environments in an autoreset mode: the batch of the id, or a SyncVectorEnv where it has none.

    Args:
        id_or_envs: What `gymnasium.make_vec` takes, or a batch that is returned as it is.
        num_envs: N; 1 by default.
        mode: The autoreset mode that the other library expects.
        arguments: Of `gymnasium.make_vec`, the environment's own among them.

    Raises:
        UserError: There is no such environment, its module cannot be imported, or one of others cannot be made.
        ArgumentError: An argument has a wrong value, or a given batch has another mode or comes with arguments.
        DependencyNotInstalled: A package that the environment needs is missing.
    """
    if isinstance(id_or_envs, VectorEnv):
        return _given(id_or_envs, num_envs, mode, arguments)
    if MODE_ARGUMENT in arguments:
        raise ArgumentError(f"{MODE_ARGUMENT} is {mode.value} here; leave it out")
    spec = _spec(id_or_envs)
    how = {"num_envs": _checked_number(num_envs), **arguments}
    with nullcontext() if environments.is_own(spec.id) else blamed(spec.id):
        if "vectorization_mode" in arguments or not _takes_mode(spec):
            how = {"vectorization_mode": "sync", **how}
            how["vector_kwargs"] = {**(how.get("vector_kwargs") or {}), MODE_ARGUMENT: mode}
        else:
            how[MODE_ARGUMENT] = mode
        return gymnasium.make_vec(spec, **how)


def _checked_number(num_envs: Any) -> int:
    """How many environments; ArgumentError for anything but a positive integer, which those of others may take."""
    number = 1 if num_envs is None else num_envs
    if isinstance(number, bool) or not isinstance(number, SupportsIndex) or operator.index(number) < 1:
        raise ArgumentError(f"num_envs is a positive integer, got {shortened(num_envs)}")
    return operator.index(number)


def _given(envs: AnyVectorEnv, num_envs: int | None, mode: AutoresetMode, arguments: Mapping[str, Any]) -> AnyVectorEnv:
    extra = [*([] if num_envs is None else ["num_envs"]), *arguments]
    if extra:
        raise ArgumentError(f"a batch is there already, so leave out {', '.join(extra)}")
    found = envs.metadata.get(MODE_ARGUMENT)
    if found is None or AutoresetMode(found) != mode:
        called = found.value if isinstance(found, AutoresetMode) else found
        raise ArgumentError(
            f"the batch has {MODE_ARGUMENT} {called}; make it with {MODE_ARGUMENT}=AutoresetMode.{mode.name}"
        )
    return envs


def _spec(given: Any) -> EnvSpec:
    """What an id is registered with; UserError for one that does not exist, and for what is no id."""
    if isinstance(given, EnvSpec):
        return given
    if not isinstance(given, str):
        raise ArgumentError(f"{shortened(given)} is no environment: give an id, its spec, or a batch")
    return environments.spec(given)


def _takes_mode(spec: EnvSpec) -> bool:
    """Whether the id has a batch of its own that can be told its autoreset mode."""
    if spec.vector_entry_point is None:
        return False
    made: Any = spec.vector_entry_point
    parameters = inspect.signature(load_env_creator(made) if isinstance(made, str) else made).parameters
    kinds = {each.kind for each in parameters.values()}
    return MODE_ARGUMENT in parameters or inspect.Parameter.VAR_KEYWORD in kinds


def singles(envs: AnyVectorEnv) -> Sequence[gymnasium.Env[Any, Any]] | None:
    """The environments of a batch that steps them one by one in this process; None where there are no such objects."""
    inner = envs.unwrapped
    return inner.envs if isinstance(inner, SyncVectorEnv) else None


def stacked_options(envs: AnyVectorEnv, options: Sequence[Mapping[str, Any] | None]) -> dict[str, Any] | None:
    """The reset options of a batch from those of each environment; None where none has any.

    Raises:
        ArgumentError: Some environments have options that others lack, or a batch of Gymnasium's own, which hands all
            its environments the same, is given different ones.
    """
    import numpy as np

    if not any(options):
        return None
    first = options[0] or {}
    if isinstance(envs.unwrapped, SyncVectorEnv | AsyncVectorEnv):
        if any(each != first for each in options):
            raise ArgumentError("this batch gives all its environments the same options; they differ")
        return dict(first)
    for i, each in enumerate(options):
        if (each or {}).keys() != first.keys():
            raise ArgumentError(
                f"environment {i} has options {shortened(each)}, environment 0 {shortened(first)}: keys differ"
            )

    def column(values: Sequence[Any]) -> Any:
        if isinstance(values[0], Mapping):
            return {key: column([value[key] for value in values]) for key in values[0]}
        return np.array(values)

    return {key: column([each[key] for each in options if each]) for key in first}


def info_rows(info: Mapping[str, Any], indices: Sequence[int]) -> list[dict[str, Any]]:
    """What a batch's `info` says of some environments: a dict for each, as a single environment returns it.

    Args:
        info: Arrays [N, ...] and their masks `_name`, bool[N]; a name without a mask holds everywhere.
        indices: Of environments, n of them.
    """
    rows: list[dict[str, Any]] = [{} for _ in indices]
    for name, values in info.items():
        if name in NOT_VALUES or (name.startswith("_") and name[1:] in info):
            continue
        mask = info.get(f"_{name}")
        here = info_rows(values, indices) if isinstance(values, Mapping) else [values[i] for i in indices]
        for row, i, value in zip(rows, indices, here, strict=True):
            if mask is None or mask[i]:
                row[name] = value
    return rows
