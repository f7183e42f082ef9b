"""Positions, games and moves by depth on small boards equal published counts."""

import numpy as np
import pytest

from rlbench.envs.go.game import Game
from tests.envs.go.counting import legal_positions, series


def cases(kind):
    return [pytest.param(*case, id=f"{case[0]}x{case[1]}-{case[2]}") for case in series(kind)]


def turns(rows, columns, suicide, depth):
    """The nodes of every depth of the tree of turns, and how many of them are ends."""
    nodes, ends, layer = [1], [0], [Game((rows, columns), 0.5, suicide)]
    for k in range(depth):
        expanded = k < depth - 1
        found, over, following = 0, 0, []
        for game in layer:
            legal = np.flatnonzero(game.legal_mask()).tolist()
            found += len(legal)
            over += game.passes == 1
            for action in legal if expanded else ():
                if action != game.pass_action or not game.passes:
                    following.append(game.copy())
                    following[-1].play(action)
        nodes.append(found)
        ends.append(over)
        layer = following
    return nodes, ends


@pytest.mark.parametrize(("rows", "columns", "suicide", "counts"), cases("nodes_at_turn"))
@pytest.mark.parametrize("most", [1_500, pytest.param(10**9, marks=pytest.mark.slow)])
def test_nodes_by_turns(rows, columns, suicide, counts, most):
    depth = max(k for k in counts if k == 0 or counts[k - 1] <= most)
    nodes, _ = turns(rows, columns, suicide, depth)
    assert nodes == [counts[k] for k in range(depth + 1)]


def test_finished_games_by_turns():
    ((rows, columns, suicide, counts), _) = series("finished_games_with_k_turns")
    _, ends = turns(rows, columns, suicide, 12)
    assert ends == [counts[k] for k in range(13)]


def games(game, depth=10**9):
    """How many games go on from here, without passes, either colour moving, by the number of moves."""
    counts = [1]
    for colour in (1, -1):
        for action in np.flatnonzero(game.legal_mask(colour))[:-1].tolist() if depth else ():
            after = game.copy()
            after.play(action, colour)
            more = games(after, depth - 1)
            counts += [0] * (1 + len(more) - len(counts))
            counts = [count + (more[k - 1] if 0 < k <= len(more) else 0) for k, count in enumerate(counts)]
    return counts


def test_games_by_board_moves():
    ((rows, columns, suicide, counts), _) = series("games_with_k_board_moves")
    assert games(Game((rows, columns), 0.5, suicide), 7) == [counts[k] for k in range(8)]


@pytest.mark.parametrize(("rows", "columns", "suicide", "counts"), cases("total_games"))
def test_all_games(rows, columns, suicide, counts):
    if rows * columns < 4:
        assert sum(games(Game((rows, columns), 0.5, suicide))) == counts[0]


@pytest.mark.parametrize(("rows", "columns", "suicide", "counts"), cases("legal_positions"))
def test_legal_positions(rows, columns, suicide, counts):
    if rows * columns <= 9 and not suicide:
        assert sum(1 for _ in legal_positions(rows, columns)) == counts[0]


def best_area(game, alpha=-100, beta=100):
    """The area score with best play, of the player to move less the other's (alpha-beta)."""
    if game.is_over:
        return int(game.score()) * game.to_play
    for action in np.flatnonzero(game.legal_mask()).tolist():
        after = game.copy()
        after.play(action)
        alpha = max(alpha, -best_area(after, -beta, -alpha))
        if alpha >= beta:
            break
    return alpha


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_best_play_on_one_row(columns):
    wanted = {(rows, n): counts[0] for rows, n, _, counts in series("minimax_area_score")}
    assert best_area(Game((1, columns), 0.0)) == wanted[1, columns]
