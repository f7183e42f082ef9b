"""Moves per second on batches of Go boards: uniform random legal play, with legal moves and planes after every move.

Every peer is used in the fastest way found, and its planes are as few as it allows: OpenSpiel writes 4 into an array
(its `observation_tensor`, which most programs call, builds a list instead), EnvPool 3, PettingZoo 3, pgx 17; ours are
5 and the mask. What they make of a position that comes back (positional superko) differs: rlbench and EnvPool's
ChineseGo mask the move, OpenSpiel ends the game without a winner, pgx and EnvPool's Go end it as lost, and PettingZoo
knows the simple ko alone.

pgx is not among the peers that the extra installs, as its wheel has a package `tests` that hides ours. To measure it:

    .venv/bin/python -m pip install --no-deps pgx==2.6.0 svgwrite==1.4.3
    rm -r .venv/lib/python3*/site-packages/tests
"""

from functools import cache

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401  # registers the ids

NUM_ENVS, SHORT_NUM_ENVS = 64, 2
UNIFORM = np.random.default_rng(0).random((2 * 19 * 19, NUM_ENVS))
"""Which of the legal moves is played, as a fraction of their number, [calls, boards]: of each side the same."""


@cache
def chooser():
    """A compiled function: masks [N, A] and fractions [N] -> one legal action per board, [N]."""
    from numba import njit

    @njit
    def choose(mask, fraction):
        actions = np.empty(len(mask), np.int64)
        for i in range(len(mask)):
            skip = int(fraction[i] * mask[i].sum())
            for a in range(mask.shape[1]):
                if mask[i, a]:
                    if skip == 0:
                        actions[i] = a
                        break
                    skip -= 1
        return actions

    return choose


def batch(step, mask, num_envs, calls):
    """A function that plays `calls` moves on every board: `step` takes actions, gives the next mask [N, A]."""
    choose, now = chooser(), [mask]

    def play():
        for fraction in UNIFORM[:calls, :num_envs]:
            now[0] = step(choose(now[0], fraction))

    return play


def ours(n, num_envs, calls):
    envs = gymnasium.make_vec(f"rlbench/Go{n}x{n}-v0", num_envs=num_envs, opponent=None)

    def step(actions):
        return envs.step(actions)[0]["action_mask"]

    return batch(step, envs.reset(seed=0)[0]["action_mask"], num_envs, calls)


def envpool(game, n, num_envs, calls):
    """EnvPool's batch on all cores, with the planes of the present position only."""
    package = pytest.importorskip("envpool", reason="pip install 'rlbench[peers]'")
    envs = package.make_gymnasium(f"{game}{n}x{n}-v1", num_envs=num_envs, history_length=1)

    def step(actions):
        return envs.step(actions)[4]["legal_action_mask"]

    return batch(step, envs.reset()[1]["legal_action_mask"], num_envs, calls)


def pgx(n, num_envs, calls):
    """pgx, jitted and vmapped, a call per move as ours."""
    package = pytest.importorskip("pgx", reason="the docstring of this file says how pgx is installed")
    import jax
    from pgx.experimental import auto_reset

    env, keys = package.make(f"go_{n}x{n}"), jax.random.split(jax.random.key(0), num_envs)
    next_state, held = jax.jit(jax.vmap(auto_reset(env.step, env.init))), [jax.jit(jax.vmap(env.init))(keys)]

    def step(actions):
        held[0] = next_state(held[0], actions.astype(np.int32), keys)
        jax.block_until_ready(held[0].observation)
        return np.asarray(held[0].legal_action_mask)

    return batch(step, np.asarray(held[0].legal_action_mask), num_envs, calls)


def openspiel(into_array, n, num_envs, calls):
    """OpenSpiel's boards in a loop, their observations as rows of one array or each as a new list."""
    pyspiel = pytest.importorskip("pyspiel", reason="pip install 'rlbench[peers]'")
    from open_spiel.python.observation import make_observation

    game = pyspiel.load_game("go", {"board_size": n})
    states, observer = [game.new_initial_state() for _ in range(num_envs)], make_observation(game)
    planes = np.empty((num_envs, *observer.dict["observation"].shape), np.float32)
    fractions = UNIFORM[:calls, :num_envs].tolist()

    def play():
        for row in fractions:
            for i, fraction in enumerate(row):
                state = states[i]
                legal = state.legal_actions()
                state.apply_action(legal[int(fraction * len(legal))])
                if state.is_terminal():
                    state.returns()
                    state = states[i] = game.new_initial_state()
                if into_array:
                    observer.set_from(state, state.current_player())
                    planes[i] = observer.dict["observation"]
                else:
                    state.observation_tensor()

    return play


def pettingzoo(n, num_envs, calls):
    """PettingZoo's boards in a loop, without its wrappers."""
    pytest.importorskip("pettingzoo", reason="pip install 'rlbench[peers]'")
    pytest.importorskip("pygame", reason="pip install 'rlbench[play]'")
    from pettingzoo.classic.go.go import raw_env

    envs = [raw_env(board_size=n) for _ in range(num_envs)]
    for env in envs:
        env.reset()

    def play():
        for row in UNIFORM[:calls, :num_envs]:
            for env, fraction in zip(envs, row, strict=True):
                observation, _, terminated, truncated, _ = env.last()
                if terminated or truncated:
                    env.reset()
                    observation = env.last()[0]
                legal = np.flatnonzero(observation["action_mask"])
                env.step(int(legal[int(fraction * len(legal))]))

    return play


def against(peer, *arguments):
    """A peer's function with its first arguments given."""
    return lambda *rest: peer(*arguments, *rest)


PEERS = [
    (9, "OpenSpiel, its observation tensor as a list", against(openspiel, False), 162, 4.0),
    (9, "OpenSpiel, its observations written into an array", against(openspiel, True), 162, None),
    (9, "EnvPool's ChineseGo", against(envpool, "ChineseGo"), 162, 25.0),
    (9, "EnvPool's Go", against(envpool, "Go"), 162, None),
    (9, "pgx on the CPU, jitted, a call per move", pgx, 162, None),
    (9, "PettingZoo", pettingzoo, 162, None),
    (19, "OpenSpiel, its observation tensor as a list", against(openspiel, False), 722, 3.0),
    (19, "OpenSpiel, its observations written into an array", against(openspiel, True), 722, None),
    (19, "EnvPool's ChineseGo", against(envpool, "ChineseGo"), 30, 25.0),
    (19, "EnvPool's Go", against(envpool, "Go"), 90, None),
]
"""Board, peer, its function, moves on each board per round (2 n^2 are a whole game), the least ratio expected."""


@pytest.mark.benchmark(group="Go")
@pytest.mark.parametrize(("n", "name", "peer", "calls", "least"), PEERS, ids=[f"{row[0]} {row[1]}" for row in PEERS])
def test_batch_of_boards(n, name, peer, calls, least, compare, size):
    num_envs, calls = size(NUM_ENVS, SHORT_NUM_ENVS), size(calls, 2)
    mine, theirs = (make(n, num_envs, calls) for make in (ours, peer))
    what = f"Go {n}x{n}, {num_envs} boards, random legal moves"
    compare(what, name, mine, theirs, least=least, limit="the legal moves, superko included")
