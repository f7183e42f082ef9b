"""What words of the command line stand for."""

import pytest

from rlbench.commands.shared.lookup import find_id


@pytest.mark.parametrize(
    "name", ["GridWorld", "gridworld", "rlbench/GridWorld-v0", "GRIDWORLD-V0", "rlbench/gridworld", "rlbench/GridWorld"]
)
def test_names_are_understood(name):
    assert find_id(name) == "rlbench/GridWorld-v0"


def test_the_newest_version_is_meant():
    known = ["rlbench/Go-v1", "rlbench/Go-v10", "rlbench/Go-v2"]
    assert find_id("go", known) == "rlbench/Go-v10"
    assert find_id("Go-v1", known) == "rlbench/Go-v1"
