"""Go: surround more points than the opponent.

The rules of the game are in `rlbench.envs.go.board`; here they are a Markov decision process. The agent plays one
colour and the environment the other, or without an opponent the agent plays both. An action is a point, counted row by
row from the top left, or the pass, m n. The reward is 1 for a win and 0 otherwise.

Three things are the environment's and not the rules': a move that is not legal ends the game, which its player loses
(`illegal="lose"`); after `max_moves` turns the board is scored as it stands; and openings, of one stone of each colour,
which an evaluation may choose so that games differ.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rlbench.envs.go.board import (
    BLACK,
    EMPTY,
    WHITE,
    Board,
    area_score,
    board_of,
    clear,
    legal_moves,
    play,
    point_of,
)
from rlbench.envs.go.consistency import is_consistent
from rlbench.envs.go.search import EXTERNAL, RANDOM, UNFINISHED, random_action, searched_action

DRAWS = (2, 1)  # the agent's colour and the opponent's first move; the opponent's reply
COMPILED = True  # a reply of a search is millions of operations
PARALLEL_FROM = 2
CALLED = ("turn", "searched_action", "playout", "untried_action", "playout_action")  # the large ones

CPU_ONLY = ("searched_action",)
CONTINUE = -1  # instead of an action: the opponent's search goes on
PLANES = 5
PLAYING, PASSES, LIMIT, ILLEGAL, RESIGNED, FORFEIT = range(6)
"""How a game has ended: not yet, by two passes, by max_moves, by an illegal move, by engines that resign or fail."""


class State(NamedTuple):
    """A game: the board, and whose turn it is. P = (m + 2)(n + 1), as in `board`."""

    stones: Any  # int8[P], the colour of every point
    stood: Any  # int8[P], the colours that have ever stood on it
    chains: Any  # int32[5, P], what is known of the chains
    hashes: Any  # int64[1 + P + 2^k], keys of the position, the chains, and all earlier positions
    legal: Any  # int8[m n + 1], 1 for an action that is legal now; after the end, only the pass
    to_move: int  # BLACK or WHITE
    turns: int  # moves and passes so far, without the opening
    passes: int  # in a row, up to now
    last: int  # the last turn's action; -1 where there was none
    before_last: int  # the one before it
    agent: int  # the colour of the agent; EMPTY where it plays both
    opponent: int  # number of the opponent
    ending: int  # PLAYING to FORFEIT
    winner: int  # 1 Black, -1 White, 0 nobody, so far or in a draw
    score: float  # Black's area less White's and komi, at an end by PASSES or LIMIT


class Params(NamedTuple):
    """Size, komi, opponents."""

    rows: int
    columns: int
    komi: float  # points for White
    suicide: bool  # whether it is legal
    loses: bool  # an illegal move loses; otherwise the environment refuses it
    max_moves: int
    capacity: int  # of the table of positions, a power of two
    keys: Any  # int64[3, P], random
    openings: Any  # int64[k, 2], actions of Black and White; the first row is -1, for none
    opponents: Any  # int64[l], the playouts of each one's search, RANDOM or EXTERNAL; none for self-play
    playouts_at_once: int  # after which a search returns, and CONTINUE lets it go on; so that it can be interrupted


class Scratch(NamedTuple):
    """Arrays to work in: a board for playouts, a tree, and two lists."""

    stones: Any  # as in State, from here
    stood: Any
    chains: Any
    hashes: Any  # to here
    tree: Any  # int32[7, N], the fields of search.Tree
    lists: Any  # int32[2, P], for scores and choices
    random: Any  # int64[1], the state of the search's random numbers
    progress: Any  # int64[2], of an unfinished search its playouts so far, else 0, and the nodes of its tree


class Observation(NamedTuple):
    """The game as the player to move sees it, and what it may do."""

    planes: Any  # uint8[5, m, n]: own stones, the opponent's, the last move, the one before, whether Black is to move
    action_mask: Any  # int8[m n + 1], 1 = legal


class Options(NamedTuple):
    """The choices of a reset."""

    colour: int = -1  # the agent's: 0 Black, 1 White; drawn if negative
    opponent: int = 0  # number of the opponent
    opening: int = 0  # number of the opening; 0 is the empty board


class Result(NamedTuple):
    """What `info` holds at the end."""

    winner: int  # 1 Black, -1 White, 0 for a draw
    score: float  # Black's area less White's and komi; 0 where the board was not scored
    ending: int  # PASSES to FORFEIT


def configure(
    size: int = 9,
    komi: float | None = None,
    suicide: bool = False,
    opponent: str | None = "random",
    opponents: tuple[str, ...] | None = None,
    illegal: str = "lose",
    max_moves: int | None = None,
) -> Params:
    """The parameters of a game on size x size points.

    Args:
        size: 2 to 19.
        komi: Points for White, a multiple of 1/2; by default that of `config.KOMI`, or 7.
        suicide: Whether it is legal to fill the last liberty of one's own chain.
        opponent: "random", "mcts:PLAYOUTS", an engine; None to play both colours.
        opponents: Several, of which the option `opponent` of a reset chooses by number.
        illegal: What an illegal move does: "lose" the game, or "raise" an error and change nothing.
        max_moves: Turns after which the board is scored as it stands; by default twice the number of points.

    ValueError for what cannot be.
    """
    from rlbench.envs.go import config

    return Params(**config.fields(size, komi, suicide, opponent, opponents, illegal, max_moves))


def observation_bounds(params: Params) -> Observation:
    """All are 0 or 1."""
    planes = np.zeros((PLANES, params.rows, params.columns), np.uint8)
    mask = np.zeros(params.rows * params.columns + 1, np.int8)
    return Observation((planes, planes + np.uint8(1)), (mask, mask + np.int8(1)))


def action_bounds(params: Params) -> int:
    """All points, and the pass."""
    return params.rows * params.columns + 1


def needs_cpu(params: Params) -> str:
    """Opponents that search."""
    return "" if (params.opponents == RANDOM).all() else "an opponent that searches"


def option_bounds(params: Params) -> Options:
    """Two colours, and as many opponents and openings as there are."""
    return Options(2, max(len(params.opponents), 1), len(params.openings))


def valid(state: State, params: Params) -> bool:
    """A board that its chains describe, and a turn that fits it."""
    fresh = blank(params)
    board, actions = board_of(state, params), params.rows * params.columns
    if not is_consistent(board, board_of(fresh, params)) or not PLAYING <= state.ending <= FORFEIT:
        return False
    fits = (
        state.to_move in (BLACK, WHITE)
        and state.agent in ((BLACK, WHITE) if len(params.opponents) else (EMPTY,))
        and 0 <= state.opponent < max(len(params.opponents), 1)
        and 0 <= state.passes <= 2
        and 0 <= state.turns <= params.max_moves
        and all(-1 <= action <= actions for action in (state.last, state.before_last))
        and state.winner in (-1, 0, 1)
        and np.count_nonzero(board.positions) <= len(board.positions) // 2
    )
    if fits:
        list_legal(board, state.to_move, state.ending, params, fresh.legal)
    return bool(fits and (fresh.legal == state.legal).all())


def blank(params: Params) -> State:
    """A state that holds the arrays."""
    legal = np.zeros(params.rows * params.columns + 1, np.int8)
    return State._make([*board_arrays(params), legal, BLACK, 0, 0, -1, -1, EMPTY, 0, PLAYING, 0, 0.0])


def board_arrays(params: Params) -> list[Any]:
    """The arrays that hold a board."""
    points = params.keys.shape[1]
    colours = [np.zeros(points, np.int8) for _ in range(2)]
    return [*colours, np.zeros((5, points), np.int32), np.zeros(1 + points + params.capacity, np.int64)]


def scratch(params: Params) -> Scratch:
    """Memory for the score, and for the largest search."""
    points = params.keys.shape[1]
    tree, lists = np.zeros((7, 1 + max(0, *params.opponents, 0)), np.int32), np.zeros((2, points), np.int32)
    return Scratch._make([*board_arrays(params), tree, lists, np.zeros(1, np.int64), np.zeros(2, np.int64)])


def successor(
    state: State, to_move: int, turns: int, passes: int, last: int, ending: int, winner: int, score: float
) -> State:
    """The state of the same board, whose arrays were written, after a turn."""
    return State(
        state.stones,
        state.stood,
        state.chains,
        state.hashes,
        state.legal,
        to_move,
        turns,
        passes,
        last,
        state.last,
        state.agent,
        state.opponent,
        ending,
        winner,
        score,
    )


def initial(random_draws: Any, params: Params, options: Options, blank: State, scratch: Scratch) -> State:
    """The empty board or an opening; if the agent has White, the opponent has made its first move."""
    colour = options.colour if options.colour >= 0 else int(2 * random_draws[0])
    agent = BLACK + colour if len(params.opponents) else EMPTY
    arrays = (blank.stones, blank.stood, blank.chains, blank.hashes, blank.legal)
    state = State(*arrays, BLACK, 0, 0, -1, -1, agent, options.opponent, PLAYING, 0, 0.0)
    board = board_of(state, params)
    clear(board)
    scratch.progress[0] = 0
    list_legal(board, BLACK, PLAYING, params, state.legal)
    if options.opening > 0:
        for k in range(params.openings.shape[1]):
            state = turn(state, int(params.openings[options.opening, k]), params, scratch)
    return answered(state, random_draws[1], params, scratch)


def transition(state: State, action: int, random_draws: Any, params: Params, scratch: Scratch) -> State:
    """The turn of the player to move, and the opponent's answer; for CONTINUE what is left of the answer."""
    if action != CONTINUE:
        scratch.progress[0] = 0
        state = turn(state, action, params, scratch)
    return answered(state, random_draws[0], params, scratch)


def answered(state: State, u: float, params: Params, scratch: Scratch) -> State:
    """The state after the opponent's turn, if it is its turn, it is none from outside, and its search is finished."""
    if state.ending != PLAYING or state.agent == EMPTY or state.to_move == state.agent:
        return state
    playouts = params.opponents[state.opponent]
    if playouts == EXTERNAL:
        return state
    if playouts == RANDOM:
        action = random_action(state.legal, u)
    else:
        action = searched_action(state, playouts, u, params, scratch)
    return state if action == UNFINISHED else turn(state, action, params, scratch)


def turn(state: State, action: int, params: Params, scratch: Scratch) -> State:
    """A move or a pass of the player to move."""
    colour, turns = state.to_move, state.turns + 1
    if state.ending != PLAYING:
        return state
    if not state.legal[action]:
        list_legal(board_of(state, params), colour, ILLEGAL, params, state.legal)
        return successor(state, colour, turns, 0, -1, ILLEGAL, 1 if colour == WHITE else -1, 0.0)
    board = board_of(state, params)
    passes = state.passes + 1 if action == params.rows * params.columns else 0
    if passes == 0:
        play(board, point_of(board, action), colour)
    ending = PASSES if passes == 2 else LIMIT if turns >= params.max_moves else PLAYING
    list_legal(board, 3 - colour, ending, params, state.legal)
    score = area_score(board, scratch.lists[0], scratch.lists[1]) - params.komi if ending != PLAYING else 0.0
    winner = 1 if score > 0.0 else -1 if score < 0.0 else 0
    return successor(state, 3 - colour, turns, passes, action, ending, winner, score)


def list_legal(board: Board, colour: int, ending: int, params: Params, out: Any) -> None:
    """Write which actions are legal; after the end only the pass, so that masked policies have a choice."""
    if ending == PLAYING:
        legal_moves(board, colour, params.suicide, out)
    else:
        for action in range(len(out)):
            out[action] = action == len(out) - 1


def reward(state: State, action: int, next_state: State, params: Params) -> float:
    """1 if the agent has won; in self-play, if the player of the action has."""
    colour = state.to_move if next_state.agent == EMPTY else next_state.agent
    won = next_state.winner == (1 if colour == BLACK else -1)
    return 1.0 if won else 0.0


def terminated(state: State, params: Params) -> bool:
    """The game is over."""
    return state.ending != PLAYING


def result(state: State, params: Params) -> Result:
    """Who has won, by how much, and how the game ended."""
    return Result(state.winner, state.score, state.ending)


def observe(state: State, params: Params, out: Observation, scratch: Scratch) -> None:
    """Five planes from the side of the player to move, and the legal actions."""
    width, black = params.columns + 1, 1 if state.to_move == BLACK else 0
    for row in range(params.rows):
        for column in range(params.columns):
            stone = state.stones[(row + 1) * width + column + 1]
            out.planes[0, row, column] = stone == state.to_move
            out.planes[1, row, column] = stone == 3 - state.to_move
            out.planes[2, row, column] = 0
            out.planes[3, row, column] = 0
            out.planes[4, row, column] = black
    points = params.rows * params.columns
    if 0 <= state.last < points:
        out.planes[2, state.last // params.columns, state.last % params.columns] = 1
    if 0 <= state.before_last < points:
        out.planes[3, state.before_last // params.columns, state.before_last % params.columns] = 1
    for action in range(points + 1):
        out.action_mask[action] = state.legal[action]
