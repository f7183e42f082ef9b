"""Ctrl-C, SIGTERM and deadlines during an opponent's turn: a search is left at once, and the game with it."""

import shlex
import signal
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

import rlbench  # noqa: F401  # registers the ids
from rlbench.envs.go.env import PLAYOUTS_AT_ONCE

ID = "rlbench/Go5x5-v0"
FAKE = Path(__file__).parent / "fake_engine.py"


class Deadline(Exception):  # noqa: N818
    """Raised by the handler of a signal."""


@pytest.fixture
def ticks():
    """Sends a signal every 5 ms; its handler raises Deadline when it is called for the third time.

    Signals that come while compiled code runs are handled once, when it ends: three calls need three returns.
    """
    calls = []

    def handle(number, frame):
        calls.append(number)
        if len(calls) == 3:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise Deadline

    before = signal.signal(signal.SIGALRM, handle)
    yield lambda: signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def moves(env, seed, steps=3):
    """What a player of the first legal actions sees."""
    seen, info = env.reset(seed=seed)
    all_seen = [np.reshape(seen["planes"], (5, 5, 5)).copy()]
    for _ in range(steps):
        action = np.flatnonzero(np.ravel(info["action_mask"]))[0]
        seen, *_, info = env.step(int(action) if env.action_space.shape == () else np.array([action]))
        all_seen.append(np.reshape(seen["planes"], (5, 5, 5)).copy())
    return all_seen


@pytest.mark.parametrize("playouts", [n * PLAYOUTS_AT_ONCE + more for n in (1, 2) for more in (0, 1)])
def test_a_search_in_slices_chooses_what_an_undivided_one_does(playouts):
    """That of the batch is undivided; the seeds give the agent either colour."""
    opponent = f"mcts:{playouts}"
    with gymnasium.make(ID, opponent=opponent) as env:
        batch = gymnasium.make_vec(ID, num_envs=1, opponent=opponent)
        for seed in range(4):
            np.testing.assert_array_equal(moves(env, seed), moves(batch, seed))
        batch.close()


@pytest.mark.parametrize("colour", [0, 1], ids=["step", "reset"])
def test_a_search_is_left_at_a_signal_and_the_game_with_it(ticks, colour):
    with gymnasium.make(ID, opponent="mcts:1000000") as env, gymnasium.make(ID, opponent="mcts:1") as warm:
        moves(warm, 0)  # compiles, which signals interrupt, too
        with pytest.raises(Deadline):
            begin_and_step(env, ticks, colour)
        with pytest.raises(ResetNeeded, match="call reset"):
            env.unwrapped.step(0)


def begin_and_step(env, ticks, colour):
    """One of these waits for the opponent: the reset where it has Black, else the step."""
    if colour == 1:
        ticks()
    env.reset(seed=1, options={"colour": colour})
    ticks()
    env.step(12)


def test_after_an_interruption_a_game_is_like_any_other(ticks):
    opponent = f"mcts:{20 * PLAYOUTS_AT_ONCE}"
    with gymnasium.make(ID, opponent=opponent) as env, gymnasium.make(ID, opponent=opponent) as fresh:
        env.reset(seed=1, options={"colour": 0})
        moves(fresh, 7, steps=1)
        ticks()
        with pytest.raises(Deadline):
            env.step(12)
        np.testing.assert_array_equal(moves(env, 3, steps=1), moves(fresh, 3, steps=1))


def test_a_program_is_left_at_a_signal_and_the_game_with_it(ticks):
    opponent = f"gtp:{shlex.join([sys.executable, '-IS', str(FAKE), 'hangs'])}"
    with gymnasium.make(ID, opponent=opponent) as env:
        env.reset(seed=1, options={"colour": 0})
        ticks()
        with pytest.raises(Deadline):
            env.step(12)
        with pytest.raises(ResetNeeded, match="call reset"):
            env.step(13)
