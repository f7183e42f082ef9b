"""Steps per second of single environments and batches against their peers."""

import statistics
import subprocess
import sys

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401  # registers the ids
from tests.benchmarks.conftest import seconds

SLOWEST_COPY = 0.4  # a batch of grid worlds against a loop that only copies its arrays


def episodes(env, steps):
    """A function that plays a fixed number of steps, alternating the two pushes."""
    env.reset(seed=0)

    def play():
        for i in range(steps):
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


@pytest.mark.benchmark(group="Small environments")
def test_single_cart_pole_against_gymnasium(compare, size):
    ours, theirs = (episodes(gymnasium.make(name), size(4_000, 100)) for name in ("rlbench/CartPole-v0", "CartPole-v1"))
    against = '`gymnasium.make("CartPole-v1")`'
    compare("single cart-pole, with wrappers", against, ours, theirs, least=1.9, limit="the Python interpreter")


@pytest.mark.benchmark(group="Small environments")
@pytest.mark.parametrize(("num_envs", "least"), [(64, 1.0), (1_024, 3.0), (16_384, 2.0)])
def test_batch_cart_pole_against_gymnasium(num_envs, least, compare, size):
    calls = size(max(10, 400_000 // num_envs), 2)
    ours = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=num_envs)
    theirs = gymnasium.make_vec("CartPole-v1", num_envs=num_envs)
    assert type(theirs.unwrapped).__name__ == "CartPoleVectorEnv"
    compare(
        f"cart-pole, {num_envs:,} environments",
        "Gymnasium's `CartPoleVectorEnv`",
        batch_steps(ours, calls),
        batch_steps(theirs, calls),
        least=least,
        limit="`sin` and `cos`, about half of a step's time; a busy machine leaves one core to the batch",
    )


def copies(envs, calls, parallel):
    """A compiled loop that reads and writes as many arrays of the same types as a step of this batch, and no more."""
    from numba import njit, prange

    row, col = envs.unwrapped.state
    n = envs.num_envs
    counters, streams = (np.zeros(n, np.int64), np.zeros(n, np.bool_)), tuple(np.zeros(n, np.uint64) for _ in range(4))
    inputs = (row, col, *counters, *streams, np.zeros(n, np.int64))
    observations, rewards = np.empty(n, np.int64), np.empty(n)
    written = tuple(np.empty_like(array) for array in (row, col, *counters, *streams[:2]))
    outputs = (*written, observations, rewards, np.empty(n, np.bool_), np.empty(n, np.bool_))

    @njit(parallel=parallel)
    def copy(row, col, elapsed, done, low, high, a, b, actions, row2, col2, elapsed2, done2, low2, high2, *out):
        for i in prange(len(row)):
            row2[i], col2[i], elapsed2[i], done2[i] = row[i], col[i], elapsed[i], done[i]
            low2[i], high2[i] = low[i] ^ a[i], high[i] ^ b[i]
            out[0][i], out[1][i], out[2][i], out[3][i] = actions[i], row[i], done[i], done[i]

    copy(*inputs, *outputs)

    def play():
        for _ in range(calls):
            copy(*inputs, *outputs)

    return play


@pytest.mark.benchmark(group="Small environments")
@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("num_envs", [1_024, 16_384, 131_072])
def test_batch_grid_world_against_copying(num_envs, parallel, compare, size):
    """One thread against one, two against two."""
    num_envs = size(num_envs, 64)
    calls = size(max(10, 1_000_000 // num_envs), 2)
    ours = gymnasium.make_vec("rlbench/GridWorldFourRooms-v0", num_envs=num_envs, copy=False, parallel=parallel)
    ours.reset(seed=0)
    compare(
        f"four rooms, {num_envs:,} environments, {'all cores' if parallel else 'one core'}",
        "a loop that only copies the same arrays",
        batch_steps(ours, calls),
        copies(ours, calls, parallel),
        least=SLOWEST_COPY,
        limit="memory: 1 would be the machine's limit",
    )


@pytest.mark.benchmark(group="Small environments")
@pytest.mark.parametrize("num_envs", [1_024, 16_384])
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64:UserWarning")  # gymnax 0.0.9 under jax 0.10
def test_batch_grid_world_against_gymnax(num_envs, compare, size):
    pytest.importorskip("gymnax", reason="pip install 'rlbench[peers]'")
    calls = size(max(10, 200_000 // num_envs), 2)
    ours = gymnasium.make_vec("rlbench/GridWorldFourRooms-v0", num_envs=num_envs)
    compare(
        f"four rooms, {num_envs:,} environments",
        "gymnax's FourRooms, jitted, a call per step",
        batch_steps(ours, calls),
        gymnax_steps(num_envs, calls),
        least=10.0,
        limit="memory",
    )


def gymnax_steps(num_envs, calls):
    """The same number of steps of gymnax's FourRooms, jitted and vmapped, a call per step as ours."""
    import gymnax
    import jax

    env, params = gymnax.make("FourRooms-misc")
    reset, step = jax.jit(jax.vmap(env.reset, (0, None))), jax.jit(jax.vmap(env.step, (0, 0, 0, None)))
    actions = jax.random.randint(jax.random.key(0), (num_envs,), 0, 4)
    keys = jax.random.split(jax.random.key(1), num_envs)
    held = [reset(keys, params)[1]]

    def play():
        for _ in range(calls):
            result = step(keys, held[0], actions, params)
            held[0] = result[1]
        jax.block_until_ready(result)

    return play


@pytest.mark.benchmark(group="One core or all")
@pytest.mark.parametrize("id", ["rlbench/CartPole-v0", "rlbench/GridWorldFourRooms-v0"])
@pytest.mark.parametrize("num_envs", [256, 512, 1_024, 2_048, 4_096])
def test_where_the_parallel_loop_wins(id, num_envs, compare, size):
    """The table behind PARALLEL_FROM in rlbench/core/compiler/compile.py; nothing is asserted."""
    calls = size(max(10, 400_000 // num_envs), 2)
    parallel, serial = (gymnasium.make_vec(id, num_envs=num_envs, parallel=each) for each in (True, False))
    name = f"`{id}`, {num_envs:,} environments, all cores"
    limit = "where it is 1, a second core begins to pay"
    compare(name, "the same on one core", batch_steps(parallel, calls), batch_steps(serial, calls), limit=limit)


@pytest.mark.benchmark(group="Small environments")
def test_seeding_against_numpys_generators(benchmark, report, size):
    """Of a batch's streams: what `reset(seed=0)` takes longer than `reset()`, against a generator of NumPy's each."""
    num_envs, few = size(1_000_000, 100), size(50_000, 100)
    envs = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=num_envs, copy=False)
    envs.reset(seed=0)

    def contest():
        return [
            (
                max(seconds(lambda: envs.reset(seed=0)) - seconds(envs.reset), 1e-9),
                seconds(lambda: [np.random.PCG64(seed).state for seed in range(few)]) * num_envs / few,
            )
            for _ in range(size(5, 1))
        ]

    rows = benchmark.pedantic(contest, rounds=1)
    ratio = statistics.median(theirs / ours for ours, theirs in rows)
    report("seeding 1,000,000 environments", "`np.random.PCG64(seed)` for each", ratio, least=30.0)


@pytest.mark.benchmark(group="Import")
def test_import_time(benchmark, report, size):
    """Seconds that `import rlbench` adds to `import gymnasium`: medians of whole processes, in turn."""

    def start(statement):
        return seconds(lambda: subprocess.run([sys.executable, "-c", statement], check=True))

    def contest():
        return [(start("import gymnasium, rlbench"), start("import gymnasium")) for _ in range(size(9, 1))]

    with_ours, without = (statistics.median(column) for column in zip(*benchmark.pedantic(contest), strict=True))
    report("`import rlbench`: seconds added", "`import gymnasium`", with_ours - without, unit="s", most=0.3)
