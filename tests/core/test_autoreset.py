"""Reset masks, and the order of calls, which all batches check alike."""

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from rlbench.core.autoreset import check_reset_mask, final_entries, reset_needed, with_masks

BATCHES = ["rlbench/CartPole-v0", "rlbench/GlimpseMNIST-v0", "rlbench/Hopper-v0", "rlbench/AtariPong-v0"]


def test_no_mask_is_all():
    assert check_reset_mask(None, 3, has_begun=False).tolist() == [True, True, True]


def test_a_mask_comes_after_the_first_reset_and_selects_something():
    mask = np.array([True, False])
    assert check_reset_mask(mask, 2, has_begun=True) is mask
    with pytest.raises(ValueError, match="before the first full reset"):
        check_reset_mask(mask, 2, has_begun=False)
    with pytest.raises(ValueError, match="selects no environment"):
        check_reset_mask(np.array([False, False]), 2, has_begun=True)


def test_the_error_says_which_reset_is_missing():
    done = np.array([False, True, True])
    assert "have not begun" in str(reset_needed(False, done))
    assert "environments [1, 2] have ended" in str(reset_needed(True, done))


def test_every_entry_has_a_mask_of_its_own():
    where = np.array([True, False])
    info = with_masks({"a": np.zeros(2), "b": np.ones(2)}, where)
    assert list(info) == ["a", "b", "_a", "_b"]
    info["_a"][:] = False
    assert info["_b"].tolist() == where.tolist() == [True, False]
    final = final_entries(np.ones(2), info, where)
    assert list(final) == ["final_obs", "_final_obs", "final_info", "_final_info"]


@pytest.mark.parametrize("id", BATCHES)
def test_every_batch_refuses_what_comes_before_its_reset(id):
    pytest.importorskip({"Hopper": "mujoco", "AtariP": "ale_py"}.get(id[8:14], "numpy"))
    envs = gymnasium.make_vec(id, num_envs=2, render_mode="rgb_array")
    with pytest.raises(ResetNeeded, match="nothing to render yet"):
        envs.render()
    with pytest.raises(ResetNeeded, match="have not begun"):
        envs.step(envs.action_space.sample())
    with pytest.raises(ValueError, match="before the first full reset"):
        envs.reset(options={"reset_mask": np.array([True, False])})
    envs.close()


@pytest.mark.parametrize("id", BATCHES)
@pytest.mark.parametrize("num_envs", [0, -1, True, 2.0])
def test_every_batch_refuses_a_bad_number_of_environments(id, num_envs):
    pytest.importorskip({"Hopper": "mujoco", "AtariP": "ale_py"}.get(id[8:14], "numpy"))
    with pytest.raises(ValueError, match=f"num_envs is a positive integer, got {num_envs}"):
        gymnasium.make_vec(id, num_envs=num_envs)
