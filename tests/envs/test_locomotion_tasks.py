"""The lecture's reward, upright or fallen, and the three simulations against mj_step itself."""

import math

import gymnasium
import numpy as np
import pytest

from rlbench.envs.locomotion.mujoco_bindings import load_model
from rlbench.envs.locomotion.physics import Physics
from rlbench.envs.locomotion.robots import ROBOTS
from rlbench.envs.locomotion.simulation import BatchSimulation, PoolSimulation, SingleSimulation
from rlbench.envs.locomotion.tasks import Lecture

mujoco = pytest.importorskip("mujoco", reason='robots need pip install "rlbench[mujoco]"')


def turned(axis, degrees):
    """The quaternion of a turn about an axis."""
    half = math.radians(degrees) / 2
    return [math.cos(half), *(math.sin(half) * np.asarray(axis, float))]


# Robot, coordinates that differ from the model's own, and whether it has fallen.
POSES = [
    ("half-cheetah", {}, False),
    ("half-cheetah", {2: math.radians(89)}, False),
    ("half-cheetah", {2: math.radians(91)}, True),
    ("half-cheetah", {2: math.radians(-180)}, True),
    ("half-cheetah", {1: 3.0}, False),  # it may jump as high as it can
    ("hopper", {}, False),
    ("hopper", {1: 0.71}, False),
    ("hopper", {1: 0.69}, True),
    ("hopper", {2: 0.19}, False),
    ("hopper", {2: -0.21}, True),
    ("walker2d", {}, False),
    ("walker2d", {1: 0.79}, True),
    ("walker2d", {1: 2.01}, True),
    ("walker2d", {2: 0.99}, False),
    ("walker2d", {2: 1.01}, True),
    ("ant", {}, False),
    ("ant", {2: 0.19}, True),
    ("ant", {2: 1.01}, True),
    ("ant", dict(enumerate(turned([1, 0, 0], 89), 3)), False),
    ("ant", dict(enumerate(turned([0, 1, 0], 91), 3)), True),
    ("ant", dict(enumerate(turned([0, 0, 1], 170), 3)), False),  # whichever way it faces
    ("humanoid", {}, False),
    ("humanoid", {2: 0.99}, True),
    ("humanoid", {2: 2.01}, True),
    ("humanoid", dict(enumerate(turned([0, 1, 0], 100), 3)), True),
    ("swimmer", {2: math.pi}, False),
]


@pytest.mark.parametrize("num", [None, 2])
@pytest.mark.parametrize(("robot", "pose", "fallen"), POSES)
def test_upright_and_fallen(robot, pose, fallen, num):
    body = ROBOTS[robot].body
    physics = Physics(body, num)
    qpos = physics.model.qpos0.copy()
    for index, value in pose.items():
        qpos[index] = value
    shape = () if num is None else (num,)
    physics.start(np.broadcast_to(qpos, (*shape, qpos.size)), np.zeros((*shape, physics.model.nv)))
    assert np.all(Lecture(ROBOTS[robot]).fallen(physics) == fallen)
    assert np.shape(Lecture(ROBOTS[robot]).fallen(physics)) == shape


@pytest.mark.parametrize("robot", ROBOTS)
def test_height_and_tilt_are_those_of_mujocos_torso(robot):
    physics = Physics(ROBOTS[robot].body, None)
    rng, data = np.random.default_rng(0), mujoco.MjData(physics.model)
    for _ in range(20):
        qpos = physics.model.qpos0 + rng.normal(0, 0.8, physics.model.nq)
        physics.start(qpos, np.zeros(physics.model.nv))
        data.qpos[:] = qpos
        mujoco.mj_kinematics(physics.model, data)
        assert physics.height == pytest.approx(data.xpos[1, 2], abs=1e-12)
        assert math.cos(physics.tilt) == pytest.approx(data.xmat[1, 8], abs=1e-12)


def test_a_tilt_is_a_number_for_every_quaternion():
    """Rounding must not take the cosine out of [-1, 1]."""
    physics = Physics(ROBOTS["ant"].body, 2000)
    quaternions = np.random.default_rng(0).normal(size=(2000, 4))
    quaternions[:1000, 1:3] *= 1e-9
    quaternions[1000:, [0, 3]] *= 1e-9
    qpos = np.tile(physics.model.qpos0, (2000, 1))
    qpos[:, 3:7] = quaternions
    physics.start(qpos, np.zeros((2000, physics.model.nv)))
    assert np.isfinite(physics.tilt).all()


@pytest.mark.parametrize("name", ["HalfCheetah", "Hopper", "Walker2d", "Ant", "Humanoid", "Swimmer"])
def test_the_lectures_reward_is_one_while_upright_plus_metres_per_second(name):
    env = gymnasium.make(f"rlbench/{name}-v0")
    env.reset(seed=0)
    env.action_space.seed(0)
    physics = env.unwrapped._robot.physics
    assert physics.dt == pytest.approx(
        {"Hopper": 0.008, "Walker2d": 0.008, "Humanoid": 0.015, "Swimmer": 0.04}.get(name, 0.05)
    )
    for _ in range(200):
        before = env.unwrapped.state.qpos[0]
        observation, reward, terminated, _, info = env.step(env.action_space.sample())
        state = env.unwrapped.state
        speed = (state.qpos[0] - before) / physics.dt
        assert reward == pytest.approx((not terminated) + speed)
        assert (info["reward_upright"], info["reward_forward"]) == (float(not terminated), pytest.approx(speed))
        hidden = 1 if name in ("HalfCheetah", "Hopper", "Walker2d") else 2
        expected = np.concatenate((state.qpos[hidden:], state.qvel)).astype(np.float32)
        np.testing.assert_array_equal(observation, expected)
        if terminated:
            break
    if name != "Ant":
        assert terminated == (name in ("Hopper", "Walker2d", "Humanoid"))


def test_starts_are_gymnasiums_draws_and_streams_go_on():
    """Positions uniform, then velocities, from one stream that the next episode continues."""
    env = gymnasium.make("rlbench/HalfCheetah-v0")
    rng, _ = gymnasium.utils.seeding.np_random(7)
    for seed in (7, None):
        env.reset(seed=seed)
        np.testing.assert_array_equal(env.unwrapped.state.qpos, rng.uniform(-0.1, 0.1, 9))
        np.testing.assert_array_equal(env.unwrapped.state.qvel, 0.1 * rng.standard_normal(9))


@pytest.mark.parametrize("file", ["half_cheetah.xml", "hopper.xml", "ant.xml", "humanoid.xml"])
@pytest.mark.parametrize("kind", [SingleSimulation, BatchSimulation, PoolSimulation])
def test_every_simulation_is_a_loop_of_mj_step(file, kind):
    model, num, skip = load_model(file), 5, 3
    if kind is BatchSimulation:
        pytest.importorskip("mujoco.batch", reason="new in MuJoCo 4.0")
    single = kind is SingleSimulation
    simulation = SingleSimulation(model, ["xpos"]) if single else kind(model, num, 2, ["xpos"])
    datas = [mujoco.MjData(model) for _ in range(1 if single else num)]
    rng = np.random.default_rng(0)
    simulation.reset()
    simulation.qvel[...] = speeds = rng.normal(0, 0.1, (len(datas), model.nv))
    simulation.forward()
    for data, speed in zip(datas, speeds, strict=True):
        data.qvel[:] = speed
        mujoco.mj_forward(model, data)
    for step in range(20):
        simulation.ctrl[...] = torques = rng.uniform(-0.4, 0.4, (len(datas), model.nu))
        mask = None if single or step % 3 else rng.random(num) < 0.5
        simulation.step(mask, skip)
        for i, data in enumerate(datas):
            if mask is None or mask[i]:
                data.ctrl[:] = torques[i]
                mujoco.mj_step(model, data, skip)
            for name, array in (
                ("qpos", simulation.qpos),
                ("qvel", simulation.qvel),
                ("xpos", simulation.fields["xpos"]),
            ):
                np.testing.assert_array_equal(array if single else array[i], getattr(data, name))
        assert simulation.diverged() is None
    assert not np.array_equal(datas[0].qacc_warmstart, np.zeros(model.nv))
