"""Every environment of the table keeps every promise, those of rlbench included; games and rules have tests beside."""

import pytest

import rlbench
from rlbench.testing import check_env, check_vector_env

pytest.importorskip("mujoco", reason="pip install 'rlbench[mujoco]'")

ROBOTS = [row.id for row in rlbench.ENVIRONMENTS if "locomotion" in row.tags]
GAMES = [row.id for row in rlbench.ENVIRONMENTS if "atari" in row.tags]


HOPPER, *OTHERS = sorted(ROBOTS, key=lambda id: "Hopper" not in id)


@pytest.mark.parametrize("id", [HOPPER, *(pytest.param(id, marks=pytest.mark.slow) for id in OTHERS)])
def test_a_robot_keeps_them(id):
    check_env(id, renderer="sticks")
    check_vector_env(id, renderer="sticks")


@pytest.mark.slow
@pytest.mark.parametrize("id", ROBOTS)
def test_a_robot_keeps_them_in_gymnasiums_task(id):
    check_env(id, reward="gymnasium")
    check_vector_env(id, reward="gymnasium")


@pytest.mark.slow
@pytest.mark.parametrize("id", GAMES)
def test_a_game_keeps_them(id):
    pytest.importorskip("ale_py", reason="pip install 'rlbench[atari]'")
    check_env(id, frame_skip=1, max_frames=40, noop_max=3, sticky=0.25)
