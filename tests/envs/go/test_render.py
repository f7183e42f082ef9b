"""Go's frames and texts: they show the state that was drawn, and what an agent says of it."""

from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401  # registers the ids
from rlbench.envs.go import rules
from rlbench.envs.go.coordinates import from_gtp
from rlbench.envs.go.picture import BoardLayout
from rlbench.envs.go.render import ansi, picture, render
from rlbench.envs.go.text import read_board
from rlbench.envs.go.view import GameView, status
from tests.envs.go.boards import board_read_from

SIZES = (5, 7, 9, 13, 19)


def played(size, moves, **kwargs):
    """The environment of two players after these moves, as GTP names them."""
    env = gymnasium.make(f"rlbench/Go{size}x{size}-v0", opponent=None, **kwargs)
    env.reset(seed=0)
    for move in moves.split():
        env.step(from_gtp(move, (size, size)))
    return env.unwrapped


CAPTURE = """
  A B C D E
5 . X . . . 5
4 X . X . . 4
3 .(X). . . 3
2 . . . . . 2
1 . . . . O 1
  A B C D E
"""


def test_a_capture_as_text_and_as_picture():
    env = played(5, "B5 B4 A4 E1 C4 pass B3", render_mode="rgb_array")
    drawn = read_board(CAPTURE)
    text = ansi(env.state, env.params)
    assert read_board(text)[1] == drawn.last
    np.testing.assert_array_equal(read_board(text).stones, drawn.stones)
    assert text.splitlines()[-1] == "White to play · turn 7 · Black B3"
    np.testing.assert_array_equal(board_read_from(env.render(), (5, 5)), drawn.stones)


@pytest.mark.parametrize("size", SIZES)
def test_frames_and_texts_are_the_state(size):
    env = gymnasium.make(f"rlbench/Go{size}x{size}-v0", render_mode="rgb_array")
    _, info = env.reset(seed=size)
    shapes = set()
    for _ in range(12):
        observation, _, _, _, info = env.step(int(np.flatnonzero(info["action_mask"])[size]))
        state, params = env.unwrapped.state, env.unwrapped.params
        stones = read_board(ansi(state, params)).stones
        np.testing.assert_array_equal(board_read_from(env.render(), (size, size)), stones)
        np.testing.assert_array_equal(stones == (1 if state.to_move == 1 else -1), observation["planes"][0])
        shapes.add(env.render().shape)
    assert len(shapes) == 1


def test_render_modes_of_the_environment():
    env = gymnasium.make("rlbench/Go5x5-v0", render_mode="ansi")
    assert env.metadata["render_modes"] == ["human", "rgb_array", "ansi"]
    env.reset(seed=0)
    assert read_board(env.render()).stones.shape == (5, 5)


@pytest.mark.parametrize(
    ("size", "moves", "kwargs", "wanted"),
    [
        (5, "", {}, "Black to play"),
        (5, "C3 pass", {}, "Black to play"),
        (5, "C3 pass pass", {}, "Black wins by 0.5"),
        (5, "pass pass", {"komi": 0}, "a draw"),
        (7, "pass pass", {}, "White wins by 8.5"),
        (5, "C3 B2", {"max_moves": 2, "komi": 0.5}, "White wins by 0.5 at the limit of 2 turns"),
        (5, "C3 C3", {}, "Black wins: White's move was illegal"),
    ],
)  # fmt: skip
def test_how_a_game_stands_in_words(size, moves, kwargs, wanted):
    env = played(size, moves, **kwargs)
    assert status(GameView.of(env.state, env.params)) == wanted


def test_the_last_move_is_ringed_and_a_captured_one_is_not():
    env = played(5, "B5 B4 A4 E1 C4")
    frame, unmarked = render(env.state, env.params), render(env.state._replace(last=-1, before_last=-1), env.params)
    assert changed_points(frame, unmarked, 5) == {(1, 2), (4, 4)}  # C4 and E1
    env.step(25)
    env.step(from_gtp("B3", (5, 5)))
    taken = env.state._replace(before_last=from_gtp("B4", (5, 5)))
    assert changed_points(render(taken, env.params), render(taken._replace(last=-1), env.params), 5) == {(2, 1)}


def changed_points(frame, other, size, by=1):
    """The points around which two frames differ, by that much or more."""
    layout = BoardLayout.of((size, size))
    y, x = np.nonzero((np.abs(frame.astype(int) - other) >= by).any(axis=2)[: layout.height])
    return {layout.nearest(*pixel) for pixel in zip(x.tolist(), y.tolist(), strict=True)}


def explanation(size, shares=None, values=(), value=None, visits=(), variation=()):
    """What an agent says: a share of its choice for some vertices."""
    row = np.zeros(size * size + 1)
    for vertex, share in (shares or {}).items():
        row[from_gtp(vertex, (size, size))] = share
    shown = {"action_values": values, "value": value, "visits": visits, "variation": variation}
    return SimpleNamespace(probabilities=tuple(row) if shares else (), **shown)


@pytest.mark.parametrize("size", [9, 19])
def test_the_policy_is_drawn_on_its_points(size):
    env = played(size, "E5")
    view = GameView.of(env.state, env.params)
    said = explanation(size, {"E5": 0.5, "C3": 0.3, "D7": 0.196, "A1": 0.004})
    frame, plain = picture(view, said), picture(view)
    points = {from_gtp(vertex, (size, size)) for vertex in ("E5", "C3", "D7")}
    assert changed_points(frame, plain, size) == {divmod(point, size) for point in points}
    blue = {vertex: blueness(frame, plain, from_gtp(vertex, (size, size)), size) for vertex in ("C3", "D7")}
    assert blue["C3"] > blue["D7"] > 20


def blueness(frame, plain, action, size):
    """How much bluer a point has become, beside the number on it."""
    layout = BoardLayout.of((size, size))
    x, y = layout.place(*divmod(action, size))
    at = int(y - 0.36 * layout.cell), int(x + 0.09 * layout.cell)
    balance = [int(image[at][2]) - int(image[at][0]) for image in (frame, plain)]
    return balance[0] - balance[1]


def test_values_alone_are_drawn_from_their_mean_on():
    env = played(5, "E5")
    view = GameView.of(env.state, env.params)
    values = np.full(26, 0.5)
    values[[7, 12]] = 0.6, 0.9
    said = explanation(5, values=tuple(values))
    assert changed_points(picture(view, said), picture(view), 5) == {(1, 2), (2, 2)}


def test_policies_of_other_lengths_are_left_out():
    env = played(5, "E5")
    view = GameView.of(env.state, env.params)
    said = explanation(5, values=(1.0,), visits=(3.0, 1.0))
    said.probabilities = (0.5, 0.5)
    np.testing.assert_array_equal(picture(view, said), picture(view))


def test_expected_moves_are_small_stones_of_alternating_colours():
    env = played(9, "E5")
    view = GameView.of(env.state, env.params)
    reply, own, passing = (from_gtp(vertex, (9, 9)) for vertex in ("C3", "G7", "pass"))
    said = explanation(9, variation=(from_gtp("E5", (9, 9)), reply, own, passing, -1))
    frame, plain = picture(view, said), picture(view)
    assert changed_points(frame, plain, 9, by=64) == {divmod(reply, 9), divmod(own, 9)}
    layout, brightness = BoardLayout.of((9, 9)), []
    for action in (reply, own):
        x, y = layout.place(action // 9 - 0.45, action % 9 + 0.3)
        brightness.append(int(frame[int(y), int(x)].mean()))
    assert brightness[0] > 200 > 100 > brightness[1]  # White answers Black


def test_visits_are_written_instead_of_shares():
    env = played(5, "E5")
    view = GameView.of(env.state, env.params)
    shares, visits = {"C3": 0.75, "D4": 0.25}, np.zeros(26)
    visits[[from_gtp("C3", (5, 5)), from_gtp("D4", (5, 5))]] = 48, 16
    frames = [picture(view, explanation(5, shares, visits=each)) for each in ((), tuple(visits))]
    assert changed_points(*frames, 5) == {(2, 2), (1, 3)}


@pytest.mark.parametrize(
    ("agent", "value", "share"), [(1, 0.25, 0.25), (-1, 0.25, 0.75), (1, 7.0, 1.0), (-1, 7.0, 0.0)]
)
def test_the_bar_is_black_as_far_as_black_is_likely_to_win(agent, value, share):
    env = played(9, "E5")
    view = GameView.of(env.state, env.params)._replace(agent=agent)
    strip, plain = (picture(view, explanation(9, value=v))[BoardLayout.of((9, 9)).height :] for v in (value, 0.5))
    assert strip.shape == plain.shape
    row = strip[len(strip) // 2].astype(int)
    bar = np.flatnonzero((row == (244, 243, 238)).all(axis=1) | (row == (36, 39, 44)).all(axis=1))
    bar = bar[bar > strip.shape[1] // 2]
    assert (row[bar] < 128).all(axis=1).mean() == pytest.approx(share, abs=0.05)


def test_a_stone_that_fits_is_faint_and_a_point_where_none_does_is_marked():
    env = played(5, "E5")
    view = GameView.of(env.state, env.params)
    plain = picture(view)
    faint, crossed = picture(view, cursor=(2, 2), fits=True), picture(view, cursor=(2, 2), fits=False)
    dotted = picture(view, cursor=(0, 4), fits=False)
    assert changed_points(faint, plain, 5, by=64) == {(2, 2)}  # its shadow reaches farther
    assert changed_points(crossed, plain, 5) == {(2, 2)}
    assert (plain.astype(int) - crossed)[..., 1].max() > 80  # less green: it is red
    assert changed_points(dotted, plain, 5) == {(0, 4)}


def test_frames_are_repeatable_and_their_own():
    env = played(5, "E5")
    first = render(env.state, env.params)
    kept = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(render(env.state, env.params), kept)


def test_every_ending_has_words():
    env = played(5, "C3")
    for ending in range(rules.FORFEIT + 1):
        for winner in (1, -1, 0):
            view = GameView.of(env.state, env.params)._replace(ending=ending, winner=winner, score=float(winner))
            words = status(view)
            assert ("wins" in words) == (ending != rules.PLAYING and winner != 0)
            assert picture(view).shape == picture(GameView.of(env.state, env.params)).shape
