"""One id of each family, and all of them but for most games."""

import importlib.util

import pytest

import rlbench

FAMILIES = {
    "rlbench/GridWorld-v0": None,
    "rlbench/CartPole-v0": None,
    "rlbench/GlimpseMNIST-v0": None,
    "rlbench/Hopper-v0": "mujoco",
    "rlbench/AtariPong-v0": "ale_py",
}
"""One id of each family, and the package that it needs."""


def needing(id, package):
    """The id as a parameter that is skipped where its package is missing."""
    missing = package is not None and importlib.util.find_spec(package) is None
    return pytest.param(id, marks=pytest.mark.skipif(missing, reason=f"{package} is missing"))


one_of_each_family = pytest.mark.parametrize("id", [needing(*each) for each in FAMILIES.items()])
OTHERS = [row.id for row in rlbench.ENVIRONMENTS if row.id not in FAMILIES]
every_other_id = pytest.mark.parametrize("id", OTHERS)
