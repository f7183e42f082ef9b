"""Steps per second of single environments and batches against their peers."""

import os
import subprocess
import sys

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401  # registers the ids

STEPS = 4_000
SLOWEST_COPY = 0.4  # a batch of grid worlds against a loop that only copies its arrays


def episodes(env):
    """A function that plays a fixed number of steps, alternating the two pushes."""
    env.reset(seed=0)

    def play():
        for i in range(STEPS):
            _, _, terminated, truncated, _ = env.step(i & 1)
            if terminated or truncated:
                env.reset()

    return play


def batch_steps(envs, calls):
    """A function that steps a batch with sixteen sets of random actions in turn."""
    actions = np.random.default_rng(0).integers(int(envs.single_action_space.n), size=(16, envs.num_envs))
    envs.reset(seed=0)

    def play():
        for i in range(calls):
            envs.step(actions[i % 16])

    return play


@pytest.mark.benchmark(group="single")
def test_single_cart_pole_against_gymnasium(compare):
    ours, theirs = gymnasium.make("rlbench/CartPole-v0"), gymnasium.make("CartPole-v1")
    assert compare("single cart-pole", episodes(ours), episodes(theirs)) >= 1.9


@pytest.mark.benchmark(group="batch")
@pytest.mark.parametrize(("lanes", "least"), [(64, 1.0), (1_024, 3.0), (16_384, 2.0)])
def test_batch_cart_pole_against_gymnasium(lanes, least, compare):
    calls = max(10, 400_000 // lanes)
    ours = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=lanes)
    theirs = gymnasium.make_vec("CartPole-v1", num_envs=lanes)
    assert type(theirs.unwrapped).__name__ == "CartPoleVectorEnv"
    assert compare(f"cart-pole, {lanes} lanes", batch_steps(ours, calls), batch_steps(theirs, calls)) >= least


def copies(envs, calls, parallel):
    """A compiled loop that reads and writes every array that a step of this batch reads and writes, and no more."""
    from numba import njit, prange

    world = envs.unwrapped
    inputs = (*world._fields, world._elapsed, world._done, world._streams[:, 0].copy(), world._streams[:, 1].copy())
    fixed = (world._streams[:, 2].copy(), world._streams[:, 3].copy(), np.zeros(world.num_envs, np.int64))
    outputs = tuple(np.empty_like(array) for array in (*inputs, *world._outputs))

    @njit(parallel=parallel)
    def copy(row, col, elapsed, done, low, high, a, b, actions, row2, col2, elapsed2, done2, low2, high2, *out):
        for i in prange(len(row)):
            row2[i], col2[i], elapsed2[i], done2[i] = row[i], col[i], elapsed[i], done[i]
            low2[i], high2[i] = low[i] ^ a[i], high[i] ^ b[i]
            out[0][i], out[1][i], out[2][i], out[3][i] = actions[i], row[i], done[i], done[i]

    copy(*inputs, *fixed, *outputs)

    def play():
        for _ in range(calls):
            copy(*inputs, *fixed, *outputs)

    return play


@pytest.mark.benchmark(group="batch")
@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("lanes", [1_024, 16_384, 131_072])
def test_batch_grid_world_against_copying(lanes, parallel, compare):
    """One thread against one, two against two."""
    calls = max(10, 1_000_000 // lanes)
    ours = gymnasium.make_vec("rlbench/GridWorldFourRooms-v0", num_envs=lanes, copy=False, parallel=parallel)
    name = f"four rooms, {lanes} lanes, {'all cores' if parallel else 'one core'}, against copying the same arrays"
    assert compare(name, batch_steps(ours, calls), copies(ours, calls, parallel)) >= SLOWEST_COPY


@pytest.mark.benchmark(group="batch")
@pytest.mark.parametrize("lanes", [1_024, 16_384])
def test_batch_grid_world_against_gymnax(lanes, compare):
    pytest.importorskip("gymnax", reason="pip install 'rlbench[peers]'")
    calls = max(10, 200_000 // lanes)
    ours = gymnasium.make_vec("rlbench/GridWorldFourRooms-v0", num_envs=lanes)
    name = f"four rooms, {lanes} lanes, against gymnax"
    assert compare(name, batch_steps(ours, calls), gymnax_steps(lanes, calls)) >= 10.0


def gymnax_steps(lanes, calls):
    """The same number of steps of gymnax's FourRooms, jitted and vmapped, a call per step as ours."""
    import gymnax
    import jax

    env, params = gymnax.make("FourRooms-misc")
    reset, step = jax.jit(jax.vmap(env.reset, (0, None))), jax.jit(jax.vmap(env.step, (0, 0, 0, None)))
    actions = jax.random.randint(jax.random.key(0), (lanes,), 0, 4)
    keys = jax.random.split(jax.random.key(1), lanes)
    held = [reset(keys, params)[1]]

    def play():
        for _ in range(calls):
            result = step(keys, held[0], actions, params)
            held[0] = result[1]
        jax.block_until_ready(result)

    return play


@pytest.mark.benchmark(group="batch")
@pytest.mark.parametrize("id", ["rlbench/CartPole-v0", "rlbench/GridWorldFourRooms-v0"])
@pytest.mark.parametrize("lanes", [256, 512, 1_024, 2_048, 4_096])
def test_where_the_parallel_loop_wins(id, lanes, compare):
    """The table behind PARALLEL_FROM in rlbench/core/compiler/compile.py; nothing is asserted."""
    calls = max(10, 400_000 // lanes)
    parallel, serial = (gymnasium.make_vec(id, num_envs=lanes, parallel=each) for each in (True, False))
    compare(f"{id}, {lanes} lanes: parallel over serial", batch_steps(parallel, calls), batch_steps(serial, calls))


@pytest.mark.benchmark(group="import")
def test_import_time(benchmark):
    """`import rlbench` adds less than 0.3 s to `import gymnasium`: medians of whole processes, in turn."""
    import statistics
    import time

    def seconds(statement):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True, env={**os.environ})
        return time.perf_counter() - began

    rows = [(seconds("import gymnasium, rlbench"), seconds("import gymnasium")) for _ in range(9)]
    with_ours, without = (statistics.median(column) for column in zip(*rows, strict=True))
    benchmark.pedantic(lambda: None, rounds=1)
    benchmark.extra_info |= {"added seconds": with_ours - without}
    print(f"\nimport rlbench adds {with_ours - without:.3f} s to the {without:.3f} s of gymnasium")
    assert with_ours - without < 0.3
