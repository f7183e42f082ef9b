"""The folder of a submission that an adapter plays: a file of another library, and settings in `adapter.toml`.

Nothing here loads the saved file: it may be a pickle, which only the agent's process reads.
"""

from __future__ import annotations

import dataclasses
import hashlib
import pickle
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlbench.errors import UserError, shortened, unknown
from rlbench.text_files import read_text

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SETTINGS = "adapter.toml"
MAX_SETTINGS = 1 << 16
"""Bytes of `adapter.toml`."""


@dataclass(frozen=True)
class SB3Settings:
    """How a model of stable-baselines3 is played."""

    model: str = "model.zip"
    """What `model.save` wrote."""

    normalization: str = "vecnormalize.pkl"
    """What `VecNormalize.save` wrote; where the file is not there, observations are left as they are."""

    deterministic: bool = True
    """Whether the most likely action is taken; false to draw one."""


@dataclass(frozen=True)
class CleanRLSettings:
    """How the weights of an agent of CleanRL are played; the layers are found by their names and shapes."""

    model: str = "agent.cleanrl_model"
    """A state dict as `torch.save` wrote it, or `.safetensors`."""

    normalization: str = "normalization.npz"
    """Arrays `mean` and `var` of NormalizeObservation, which no state dict holds; may be missing."""

    activation: str = ""
    """Activation function, a name in `torch.nn.functional` such as tanh; empty for the one in CleanRL's script: tanh in
    the networks of PPO for vectors, relu in all others."""

    strides: tuple[int, ...] = ()
    """Stride of each convolution; empty for half the width of its kernel, 4, 2 and 1 in the network of DQN's paper."""

    deterministic: bool = True
    """Whether the most likely action is taken; false to draw one."""


@dataclass(frozen=True)
class TorchRLSettings:
    """How a policy of TorchRL is played."""

    model: str = "policy.pt"
    """The policy as `torch.save` wrote it, or its state dict, which needs `build`."""

    build: str = ""
    """`module:function` of the folder that makes the policy, called with the spaces of one environment."""

    categorical: bool = False
    """Whether it was trained on `GymEnv(..., categorical_action_encoding=True)`, where the entries of a Discrete space
    are numbers and no one-hot vectors."""

    deterministic: bool = True
    """Whether the most likely action is taken; false to draw one."""


@dataclass(frozen=True)
class Adapter:
    """One adapter."""

    settings: type[Any]
    library: str
    """The library that it plays with, as Python imports it."""

    package: str
    """The same as pip installs it."""

    saved_by: str
    """How the model is saved, for messages."""

    is_pickle_too: bool = True
    """Whether the model is a zip file or, as torch wrote before 1.6, a pickle; else it is a zip file."""

    @property
    def kind(self) -> str:
        """Its name, that of the module beside this one."""
        return next(name for name, each in ADAPTERS.items() if each is self)


ADAPTERS = {
    "sb3": Adapter(SB3Settings, "stable_baselines3", "stable-baselines3", "model.save", is_pickle_too=False),
    "cleanrl": Adapter(CleanRLSettings, "torch", "torch", "torch.save(agent.state_dict(), ...)"),
    "torchrl": Adapter(TorchRLSettings, "torchrl", "torchrl", "torch.save(policy, ...)"),
}
"""Every adapter by its name."""

ENTRIES = {f"rlbench:{name}": adapter for name, adapter in ADAPTERS.items()}
"""Every adapter by the entry that a submission names in its manifest."""


def read(folder: str | Path, entry: str) -> Any:
    """The settings of an adapter in a folder, checked, as an instance of its `settings`.

    Raises:
        UserError: A field of `adapter.toml` is unknown or not valid, or a file that it names is missing or cut short.
    """
    adapter, path = ENTRIES[entry], Path(folder, SETTINGS)
    settings = adapter.settings(**_fields(path, adapter.settings))
    _check_model(Path(folder), adapter, settings)
    given = getattr(settings, "normalization", "")
    if given != getattr(adapter.settings, "normalization", "") and not Path(folder, given).is_file():
        raise UserError(f"{path}: normalization = {shortened(given)} is not in the folder; copy it there")
    return settings


def digest() -> str:
    """Sha256 over the files of the adapters: how what another library saved was played."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _fields(path: Path, kind: type[Any]) -> dict[str, Any]:
    """The fields in `adapter.toml`, none where it is not there."""
    if not path.exists():
        return {}
    try:
        given = tomllib.loads(read_text(path, "settings", MAX_SETTINGS))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read as TOML: {error}") from None
    defaults = {field.name: field.default for field in dataclasses.fields(kind)}
    for name, value in given.items():
        if name not in defaults:
            raise UserError(f"{path}: {unknown('setting', name, defaults)}")
        if not _fits(name, value, defaults[name]):
            raise UserError(f"{path}: {name} = {shortened(value)} is not valid; {_rule(name, defaults[name])}")
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def _fits(name: str, value: object, default: object) -> bool:
    """Whether a value can be that of a setting."""
    if isinstance(default, tuple):
        return isinstance(value, list) and all(type(each) is int and each > 0 for each in value)
    if type(value) is not type(default):
        return False
    if name in ("model", "normalization"):
        path = Path(str(value))
        return bool(path.parts) and not path.is_absolute() and ".." not in path.parts
    if name == "build":
        module, colon, function = str(value).partition(":")
        return bool(colon) and module.isidentifier() and function.isidentifier()
    return name != "activation" or str(value).isidentifier()


def _rule(name: str, default: object) -> str:
    """What a setting takes, in words."""
    if isinstance(default, bool):
        return "write true or false"
    if isinstance(default, tuple):
        return "write whole numbers from 1 on, such as [4, 2, 1]"
    words = {"build": '"module:function" of the folder', "activation": 'a function such as "tanh"'}
    return f"write {words.get(name, 'the path of a file in the folder')}"


def _check_model(folder: Path, adapter: Adapter, settings: Any) -> None:
    """A UserError where the saved file is missing, or ends before it is whole."""
    path = folder / settings.model
    if not path.is_file():
        raise UserError(
            f"no {settings.model} in {folder}, which rlbench:{adapter.kind} plays; save it there by "
            f"{adapter.saved_by}, or name another file as model in {SETTINGS}"
        )
    if not _may_be_whole(path, adapter):
        raise UserError(f"{path} was not written to its end, or is something else; save it again by {adapter.saved_by}")


def _may_be_whole(path: Path, adapter: Adapter) -> bool:
    """Whether a file begins and ends like what the library saves; of safetensors the agent's process tells."""
    if path.suffix == ".safetensors":
        return path.stat().st_size > 0
    with path.open("rb") as file:
        is_pickle = file.read(1) == pickle.PROTO
    return zipfile.is_zipfile(path) or (is_pickle and adapter.is_pickle_too)
