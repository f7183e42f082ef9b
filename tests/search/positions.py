"""Evaluations and positions for searches."""

import hashlib

import gymnasium
import numpy as np


def no_opinion(planes, mask):
    """The network that knows nothing: equal priors, value 0."""
    return np.zeros(mask.shape, np.float32), np.zeros(len(mask), np.float32)


def by_hash(planes, mask):
    """Priors and a value of each position that look random and are always the same."""
    logits, values = np.zeros(mask.shape, np.float32), np.zeros(len(mask), np.float32)
    for row, position in enumerate(planes):
        seed = int.from_bytes(hashlib.sha256(position.tobytes()).digest()[:8], "big")
        random = np.random.default_rng(seed)
        logits[row], values[row] = random.normal(0, 1.5, mask.shape[1]), random.uniform(-1, 1)
    return logits, values


def self_play(size, num_envs, seed=0, **how):
    """A batch of games without opponents, at their start."""
    envs = gymnasium.make_vec("rlbench/Go9x9-v0", num_envs=num_envs, size=size, opponent=None, **how)
    envs.reset(seed=seed)
    return envs


def random_games(size, turns, seed, **how):
    """As many games as there are numbers of turns, each after so many random legal moves, or at its end; the moves."""
    random, (N, A) = np.random.default_rng(seed), (len(turns), size * size + 1)
    envs = self_play(size, N, **how)
    moves, kept, over = [[] for _ in range(N)], [None] * N, np.zeros(N, np.bool_)
    for turn in range(max(turns) + 1):
        states = envs.unwrapped.state
        weights = random.random((N, A)) * states.legal
        weights[:, -1] *= 0.2  # games go on for a while
        actions = weights.argmax(axis=1)
        for i in range(N):
            if turn <= turns[i] and not over[i]:
                kept[i] = [np.array(field[i]) for field in states]
                over[i] = states.ending[i] != 0
                moves[i] += [int(actions[i])] * (turn < turns[i] and not over[i])
        envs.step(actions)
    return envs.unwrapped.params, type(states)(*(np.array(column) for column in zip(*kept, strict=True))), moves


def by_stones(planes, mask):
    """Equal priors, and who has more stones on the board."""
    difference = planes[:, 0].sum(axis=(1, 2), dtype=np.float32) - planes[:, 1].sum(axis=(1, 2), dtype=np.float32)
    return np.zeros(mask.shape, np.float32), np.tanh(difference / 3)


def moves_to(board, to_move):
    """Actions that put the stones of a drawing on the empty board, X for Black, until that colour, 1 or -1, is to move.

    Stones are put from the top left to the bottom right; a colour that has none left passes.
    """
    cells = "".join(board)
    stones = {
        colour: [point for point, cell in enumerate(cells) if cell == mark] for colour, mark in ((1, "X"), (-1, "O"))
    }
    moves, mover = [], 1
    while stones[1] or stones[-1] or mover != to_move:
        moves.append(stones[mover].pop(0) if stones[mover] else len(cells))
        mover = -mover
    return moves


def after(size, moves, **how):
    """Params and the state of one game after these actions, fields [1, ...]."""
    envs = self_play(size, 1, **how)
    for action in moves:
        envs.step(np.array([action]))
    return envs.unwrapped.params, envs.unwrapped.state
