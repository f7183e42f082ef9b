"""One id of each family of environments, and the arguments that its rules, robots or games take."""

import inspect

import gymnasium
import pytest

import rlbench  # registers the ids
from rlbench.core.rules import load
from rlbench.envs.atari.protocol import FIELDS

ROWS = {row.id: row for row in rlbench.ENVIRONMENTS}
FAMILIES = {
    "grid world": "rlbench/GridWorld-v0",
    "cart-pole": "rlbench/CartPole-v0",
    "glimpse": "rlbench/GlimpseMNIST-v0",
    "robots": "rlbench/Hopper-v0",
    "atari": "rlbench/AtariPong-v0",
}
NEEDS = {"robots": "mujoco", "atari": "ale_py"}


def require(family):
    """Skip where the family's simulator is not installed."""
    pytest.importorskip(NEEDS.get(family, "gymnasium"))


def parameters(family):
    """The names of the arguments of `make` that say what is simulated."""
    row = ROWS[FAMILIES[family]]
    if row.rules is None:
        return {"robots": ("robot", "reward", "renderer"), "atari": ("preset", "show_observation", *FIELDS)}[family]
    rules = load(row.rules)
    return tuple(inspect.signature(getattr(rules, "configure", rules.Params)).parameters)


def make(family, **kwargs):
    return gymnasium.make(FAMILIES[family], **kwargs)


def make_vec(family, num_envs=2, **kwargs):
    return gymnasium.make_vec(FAMILIES[family], num_envs=num_envs, **kwargs)


def make_sync(family, **kwargs):
    return make_vec(family, vectorization_mode="sync", **kwargs)
