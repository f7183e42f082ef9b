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
NUM_ENVS = 64
CALLS, SHORT_CALLS = 30, 2
SINGLE_STEPS, SHORT_STEPS = 200, 10
THREADS = min(2, check_threads(None))
LIMIT = "`mj_step`, which both share"


def batch(name, calls):
    """The vector environment, and the random torques of every call, float32[calls, NUM_ENVS, k]."""
    envs = gymnasium.make_vec(f"rlbench/{name}-v0", num_envs=NUM_ENVS, threads=THREADS)
    low, high = envs.single_action_space.low, envs.single_action_space.high
    torques = np.random.default_rng(0).uniform(low, high, (calls, NUM_ENVS, *low.shape)).astype(np.float32)
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
        states.append(np.concatenate((np.zeros((NUM_ENVS, 1)), state.qpos, state.qvel), axis=1))
        envs.step(each)
    controls = np.repeat(torques[:, :, None].astype(np.float64), skip, axis=2)
    pool, datas = rollout.Rollout(nthread=THREADS), [mujoco.MjData(model) for _ in range(THREADS)]

    def run():
        for state, control in zip(states, controls, strict=True):
            pool.rollout(model, datas, state, control)

    return run


@pytest.mark.benchmark(group="Robots")
@pytest.mark.parametrize("name", NAMES)
def test_batch_against_mujocos_rollout(compare, size, name):
    envs, torques = batch(name, size(CALLS, SHORT_CALLS))
    peer = rollouts(name, envs, torques)

    def ours():
        envs.reset(seed=0)
        for each in torques:
            envs.step(each)

    against = "`mujoco.rollout`, a step per call"
    compare(f"{name}, {NUM_ENVS} robots, {THREADS} threads", against, ours, peer, least=0.90, limit=LIMIT)


@pytest.mark.benchmark(group="Robots")
@pytest.mark.parametrize("name", NAMES)
def test_batch_against_envpool(compare, size, name):
    envpool = pytest.importorskip("envpool", reason="pip install 'rlbench[peers]'")
    envs, torques = batch(name, size(CALLS, SHORT_CALLS))
    kwargs = {"env_type": "gymnasium", "num_envs": NUM_ENVS, "num_threads": THREADS, "seed": 0}
    theirs = play(envpool.make(f"{name}-v5", **kwargs), torques.astype(np.float64))
    what = f"{name}, {NUM_ENVS} robots, {THREADS} threads"
    compare(what, "EnvPool", play(envs, torques), theirs, least=1.0, limit=LIMIT)


@pytest.mark.benchmark(group="Robots")
@pytest.mark.parametrize("name", NAMES)
def test_single_against_gymnasium(compare, size, name):
    """Both begin with the same starts and take the same torques; an episode that ends is followed by the next."""
    with quiet():
        theirs = gymnasium.make(f"{name}-v5")
    env = gymnasium.make(f"rlbench/{name}-v0")
    env.action_space.seed(0)
    torques = [env.action_space.sample() for _ in range(size(SINGLE_STEPS, SHORT_STEPS))]

    def episodes(env):
        def run():
            env.reset(seed=0)
            for torque in torques:
                _, _, terminated, truncated, _ = env.step(torque)
                if terminated or truncated:
                    env.reset()

        return run

    against = f"Gymnasium's {name}-v5"
    compare(f"a single {name}", against, episodes(env), episodes(theirs), least=1.0, limit="`mj_step`")
