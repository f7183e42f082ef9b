"""MuJoCo simulates with the settings of each robot, in any locale, or its environment says that it does not."""

import locale

import gymnasium
import numpy as np
import pytest

from rlbench.envs.locomotion import physics
from rlbench.envs.locomotion.mujoco_bindings import load_model
from rlbench.envs.locomotion.simulation import SingleSimulation
from rlbench.errors import UserError

mujoco = pytest.importorskip("mujoco", reason='robots need pip install "rlbench[mujoco]"')


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("timestep", 0.004, "MuJoCo uses 0.004 as timestep of hopper.xml, not 0.002"),
        ("integrator", 0, "MuJoCo uses 'EULER' as integrator of hopper.xml, not 'RK4'"),
    ],
)
def test_another_model_than_the_tasks_is_refused(setting, value, message, monkeypatch):
    def changed(file):
        model = load_model(file)
        setattr(model.opt, setting, value)
        return model

    monkeypatch.setattr(physics, "load_model", changed)
    for make in (gymnasium.make, gymnasium.make_vec):
        with pytest.raises(UserError, match=message):
            make("rlbench/Hopper-v0")


def test_another_number_of_simulator_steps_is_refused(monkeypatch):
    advance = SingleSimulation.advance
    monkeypatch.setattr(SingleSimulation, "advance", lambda self, nstep: advance(self, nstep - 1))
    env = gymnasium.make("rlbench/Hopper-v0")
    env.reset(seed=0)
    with pytest.raises(UserError, match=r"MuJoCo uses 0.006 as seconds in a step, not 0.008"):
        env.step(np.zeros(3))


def test_robots_move_alike_in_every_locale(decimal_comma):
    env = gymnasium.make("rlbench/Hopper-v0")
    german = [env.reset(seed=0)[0], *(env.step(np.full(3, 0.5))[0] for _ in range(20))]
    locale.setlocale(locale.LC_NUMERIC, "C")
    env = gymnasium.make("rlbench/Hopper-v0")
    plain = [env.reset(seed=0)[0], *(env.step(np.full(3, 0.5))[0] for _ in range(20))]
    assert np.array_equal(german, plain)
