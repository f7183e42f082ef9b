"""Environment steps per second of the robots, lecture observation, against MuJoCo, EnvPool and Gymnasium in turn."""

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401  # registers the ids
from rlbench.envs.locomotion.mujoco_bindings import check_threads, load_model, quiet
from rlbench.envs.locomotion.robots import ROBOTS

mujoco = pytest.importorskip("mujoco", reason='robots need pip install "rlbench[mujoco]"')

NAMES = {
    "HalfCheetah": "half-cheetah",
    "Hopper": "hopper",
    "Walker2d": "walker2d",
    "Ant": "ant",
    "Humanoid": "humanoid",
    "Swimmer": "swimmer",
}
LANES, CALLS, SINGLE_STEPS = 64, 50, 200
THREADS = min(2, check_threads(None))


def batch(name):
    """The vector environment, and the random torques of every call, float32[CALLS, LANES, k]."""
    envs = gymnasium.make_vec(f"rlbench/{name}-v0", num_envs=LANES, threads=THREADS)
    low, high = envs.single_action_space.low, envs.single_action_space.high
    torques = np.random.default_rng(0).uniform(low, high, (CALLS, LANES, *low.shape)).astype(np.float32)
    return envs, torques


def play(envs, torques):
    """A function that begins episodes and steps them with the same torques each time."""

    def run():
        envs.reset()
        for each in torques:
            envs.step(each)

    return run


def rollouts(name, envs, torques):
    """A function that makes the same steps of the simulator with `mujoco.rollout`, from the states that `envs` sees."""
    from mujoco import rollout

    robot = ROBOTS[NAMES[name]]
    model, skip = load_model(robot.body.file), robot.body.frame_skip
    states = []
    envs.reset(seed=0)
    for each in torques:
        state = envs.unwrapped.state
        states.append(np.concatenate((np.zeros((LANES, 1)), state.qpos, state.qvel), axis=1))
        envs.step(each)
    controls = np.repeat(torques[:, :, None].astype(np.float64), skip, axis=2)
    pool, datas = rollout.Rollout(nthread=THREADS), [mujoco.MjData(model) for _ in range(THREADS)]

    def run():
        for state, control in zip(states, controls, strict=True):
            pool.rollout(model, datas, state, control)

    return run


@pytest.mark.benchmark(group="locomotion batch")
@pytest.mark.parametrize("name", NAMES)
def test_batch_against_mujocos_rollout(compare, name):
    envs, torques = batch(name)
    peer = rollouts(name, envs, torques)

    def ours():
        envs.reset(seed=0)
        for each in torques:
            envs.step(each)

    assert compare(f"{name}, {LANES} robots, {THREADS} threads, against mujoco.rollout", ours, peer) >= 0.90


@pytest.mark.benchmark(group="locomotion batch")
@pytest.mark.parametrize("name", NAMES)
def test_batch_against_envpool(compare, name):
    envpool = pytest.importorskip("envpool", reason="pip install envpool")
    envs, torques = batch(name)
    kwargs = {"env_type": "gymnasium", "num_envs": LANES, "num_threads": THREADS, "seed": 0}
    theirs = envpool.make(f"{name}-v5", **kwargs)
    title = f"{name}, {LANES} robots, {THREADS} threads, against EnvPool"
    assert compare(title, play(envs, torques), play(theirs, torques.astype(np.float64))) >= 1.0


@pytest.mark.benchmark(group="locomotion single")
@pytest.mark.parametrize("name", NAMES)
def test_single_against_gymnasium(compare, name):
    """Both begin with the same starts and take the same torques; an episode that ends is followed by the next."""
    with quiet():
        theirs = gymnasium.make(f"{name}-v5")
    env = gymnasium.make(f"rlbench/{name}-v0")
    env.action_space.seed(0)
    torques = [env.action_space.sample() for _ in range(SINGLE_STEPS)]

    def episodes(env):
        def run():
            env.reset(seed=0)
            for torque in torques:
                _, _, terminated, truncated, _ = env.step(torque)
                if terminated or truncated:
                    env.reset()

        return run

    assert compare(f"single {name}, against Gymnasium", episodes(env), episodes(theirs)) >= 1.0
