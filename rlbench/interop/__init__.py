"""Batches of environments in the shapes of other libraries; each is imported when it is first asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rlbench.interop.stable_baselines3 import sb3_vec_env
    from rlbench.interop.torchrl import torchrl_env

__all__ = ["sb3_vec_env", "torchrl_env"]

_MODULES = {"sb3_vec_env": "stable_baselines3", "torchrl_env": "torchrl"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
