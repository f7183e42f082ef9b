"""`rlbench show`: the lecture's numbers as text, as a table and in the pixels of the picture."""

import dataclasses
import io
import json
from pathlib import Path

import gymnasium
import numpy as np
import pandas as pd
import pytest
import tyro
from matplotlib.image import imread

from rlbench import cli
from rlbench.commands import play
from rlbench.commands.grid_world import picture as show_picture
from rlbench.commands.grid_world import text as show_text
from rlbench.commands.grid_world.solution import ARROWS, Solution, solve
from rlbench.commands.play import PlayOptions
from rlbench.commands.show import ShowOptions, run
from rlbench.drawing.shapes import BLUE, GREEN, INK, PAPER
from rlbench.envs.cart_pole.render import render
from rlbench.envs.cart_pole.rules import Params, State
from rlbench.envs.grid_world.rules import configure, model
from rlbench.errors import UserError
from tests.conformance import walk


def solved(maze="4x4", policy="random", gamma=1.0, slip=0.0):
    params = configure(maze, slip)
    return solve(model(params), params.walls, params.terminal, policy, gamma)


def show(tmp_path, env, **options):
    options = {"output": tmp_path / "show.png", **options}
    assert run(ShowOptions(env, **options)) == 0
    return options["output"]


# Sutton & Barto (2018), figure 4.1, k = infinity, left and right.
RANDOM_V = """\
┌─────┬─────┬─────┬─────┐
│   0 │ -14 │ -20 │ -22 │
├─────┼─────┼─────┼─────┤
│ -14 │ -18 │ -20 │ -20 │
├─────┼─────┼─────┼─────┤
│ -20 │ -20 │ -18 │ -14 │
├─────┼─────┼─────┼─────┤
│ -22 │ -20 │ -14 │   0 │
└─────┴─────┴─────┴─────┘"""
OPTIMAL_POLICY = """\
┌──────┬──────┬──────┬──────┐
│  T   │  ←   │  ←   │  ↓←  │
├──────┼──────┼──────┼──────┤
│  ↑   │  ↑←  │ ↑→↓← │  ↓   │
├──────┼──────┼──────┼──────┤
│  ↑   │ ↑→↓← │  →↓  │  ↓   │
├──────┼──────┼──────┼──────┤
│  ↑→  │  →   │  →   │  T   │
└──────┴──────┴──────┴──────┘"""
# Drawn by hand: a corridor with a wall, gamma 1/2; a cell n moves from the end is worth -2 (1 - 1/2^n).
CORRIDOR_POLICY = """\
┌───┬───┬───┬───┬───┬───┐
│ T │ ← │ ← │███│ → │ T │
└───┴───┴───┴───┴───┴───┘"""
CORRIDOR_V = """\
┌───────┬───────┬───────┬───────┬───────┬───────┐
│  0.00 │ -1.00 │ -1.50 │███████│ -1.00 │  0.00 │
└───────┴───────┴───────┴───────┴───────┴───────┘"""
CORRIDOR_Q = """\
┌─────────────┬─────────────┬─────────────┬─────────────┬─────────────┬─────────────┐
│             │    -1.50    │    -1.75    │█████████████│    -1.50    │             │
│      T      │ -1.00 -1.75 │ -1.50 -1.75 │█████████████│ -1.50 -1.00 │      T      │
│             │    -1.50    │    -1.75    │█████████████│    -1.50    │             │
└─────────────┴─────────────┴─────────────┴─────────────┴─────────────┴─────────────┘"""


def test_the_books_figure_as_text(tmp_path, capsys):
    picture = show(tmp_path, "GridWorld", policy="random")
    out, err = capsys.readouterr()
    assert RANDOM_V in out
    assert err == f"wrote {picture}\n"
    show(tmp_path, "gridworld", policy="optimal")
    assert OPTIMAL_POLICY in capsys.readouterr().out


def test_a_corridor_drawn_by_hand():
    solution = solved("T..#.T", "optimal", gamma=0.5)
    text = show_text.draw(solution, "title", columns=100)
    for drawn in (CORRIDOR_POLICY, CORRIDOR_V, CORRIDOR_Q):
        assert drawn in text


def test_text_keeps_within_the_columns():
    solution = solved("four-rooms", "random")
    for columns in (200, 90, 80, 40):
        text = show_text.draw(solution, "title", columns)
        assert max(map(len, text.splitlines())) <= max(columns, 60)
    assert "wider than 40 columns" in text


@pytest.mark.parametrize(
    ("values", "shown"),
    [([-14.0000000001, 0], "-14"), ([-0.123456, 0], "-0.123"), ([-22.4, 3], "-22.4"), ([-1148.34, 0], "-1148")],
)
def test_numbers_have_three_digits_and_integers_no_point(values, shown):
    flat = np.zeros((1, 2), bool)
    solution = Solution(flat, flat, np.full((1, 2, 4), 0.25), np.array([values]), np.zeros((1, 2, 4)))
    assert show_text.number(values[0], solution.decimals) == shown


def test_no_minus_before_zero():
    assert show_text.number(-1e-9, 2) == "0.00"


@pytest.mark.parametrize("form", ["json", "csv"])
def test_the_values_as_a_table(tmp_path, capsys, form):
    show(tmp_path, "GridWorld", policy="optimal", format=form)
    out = capsys.readouterr().out
    frame = pd.DataFrame(json.loads(out)) if form == "json" else pd.read_csv(io.StringIO(out), keep_default_na=False)
    assert list(frame.columns) == ["row", "col", "terminal", "policy", "V", "Q_up", "Q_right", "Q_down", "Q_left"]
    row, col = frame.row.to_numpy(), frame.col.to_numpy()
    np.testing.assert_array_equal(frame.V, -np.minimum(row + col, 6 - row - col))  # steps to the nearer corner
    assert frame.set_index(["row", "col"]).policy[1, 2] == ARROWS
    assert frame.terminal.sum() == 2


def probe(solution, panel, x, y):
    """The pixel of the picture at a data coordinate of one of its panels."""
    figure = show_picture.draw(solution, "")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=figure.dpi)
    pixels = (imread(io.BytesIO(buffer.getvalue()))[..., :3] * 255).round().astype(int)
    right, up = figure.axes[panel].transData.transform((x, y))
    return tuple(pixels[pixels.shape[0] - 1 - int(up), int(right)])


def test_the_picture_in_pixels():
    solution = solved("T..\n.#.\n...", "optimal")
    policy, v, q = range(3)
    assert probe(solution, policy, 1, 1) == INK
    assert probe(solution, v, 0.4, 0.4) == GREEN
    assert probe(solution, v, 1.4, 0.4) == BLUE  # the best value is as blue as can be
    assert probe(solution, q, 0.7, 0.15) == BLUE  # left, into the terminal cell
    assert probe(solution, q, 1.3, 0.1) != BLUE  # right, away from it
    assert probe(solution, policy, 0.9, 0) == BLUE  # an arrow to the left
    assert probe(solution, policy, 1, 0.25) != BLUE  # and none downwards
    assert probe(solution, policy, -0.55, -0.55) == PAPER


def test_ties_are_several_arrows():
    solution = solved("4x4", "optimal")
    for dx, dy in ((0.2, 0), (-0.2, 0), (0, 0.2), (0, -0.2)):
        assert probe(solution, 0, 2 + dx, 1 + dy) == BLUE
    assert probe(solution, 0, 3, 0.2) == BLUE
    assert probe(solution, 0, 3.2, 0) != BLUE


@pytest.mark.parametrize("maze", ["T.", "T\n.", "\n".join(["T" + "." * 29] * 20)])
def test_every_shape_of_maze_can_be_drawn(maze, tmp_path):
    show_picture.draw(solved(maze, "optimal", gamma=0.9), "").savefig(tmp_path / "a.png")


def test_a_maze_from_a_file(tmp_path, capsys):
    maze = tmp_path / "corridor.txt"
    maze.write_text("T..#.T\n", encoding="utf-8")
    show(tmp_path, "GridWorld", policy="optimal", maze=maze, gamma=0.5)
    out = capsys.readouterr().out
    assert CORRIDOR_V in out
    assert "corridor.txt" in out.splitlines()[0]


def test_slip_lowers_the_values(tmp_path, capsys):
    tables = []
    for slip in (None, 0.3):
        show(tmp_path, "GridWorld", policy="optimal", format="csv", slip=slip)
        tables.append(pd.read_csv(io.StringIO(capsys.readouterr().out)))
    decision = ~tables[0].terminal
    assert (tables[1].V < tables[0].V)[decision].all()


def test_the_first_frame_of_any_environment(tmp_path):
    path = show(tmp_path, "CartPole", state=("x=1.2", "theta=-0.1", "x_dot=0", "theta_dot=0"))
    frame = (imread(path)[..., :3] * 255).round().astype(np.uint8)
    np.testing.assert_array_equal(frame, render(State(1.2, 0.0, -0.1, 0.0), Params()))
    show(tmp_path, "rlbench/GridWorldFourRooms-v0", state=("row=3",))


ENDLESS = "T.#..\n..#.."
BAD = [
    ({"env": "GridWrold"}, r"unknown environment 'GridWrold'; did you mean GridWorld"),
    ({"policy": "random", "env": "CartPole"}, "no exact model"),
    ({"policy": "random", "env": "Hopper"}, "no exact model"),
    ({"slip": 2.0}, r"slip.*\[0, 1\]"),
    ({"slip": 0.1, "env": "CartPole"}, "slip"),
    ({"policy": "random", "gamma": 1.5}, r"--gamma.*\[0, 1\]"),
    ({"policy": "random", "gamma": float("nan")}, r"--gamma.*\[0, 1\]"),
    ({"output": Path("show.bmp")}, r"\.png"),
    ({"output": Path("show.svg")}, r"\.png"),
    ({"output": Path("no/such/folder/show.png")}, "cannot write"),
    ({"maze": Path("no-such-file")}, "cannot read the maze"),
    ({"state": ("roww=1",)}, "unknown field of the state 'roww'; did you mean row"),
    ({"state": ("row=one",)}, "'one' is not int"),
    ({"state": ("row",)}, "'' is not int"),
    ({"state": ("row=9",)}, "row=9"),
    ({"state": ("row=-1",)}, "row=-1"),
    ({"env": "CartPole", "state": ("x=nan",)}, "x=nan"),
    ({"env": "CartPole", "state": ("theta=inf",)}, "theta=inf"),
    ({"seed": -1}, "--seed -1"),
]


def test_the_command_line(tmp_path):
    path = tmp_path / "a.png"
    args = ["cartpole", "--state", "x=1.2", "theta=-0.1", "--output", str(path)]
    assert tyro.cli(ShowOptions, args=args) == ShowOptions("cartpole", state=("x=1.2", "theta=-0.1"), output=path)


@pytest.mark.parametrize(("options", "message"), BAD, ids=[message for _, message in BAD])
def test_mistakes_are_one_clear_line(tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message) as caught:
        run(ShowOptions(**{"env": "GridWorld", **options}))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("content", "message"), [(b"T..\n.\n", "length"), (b"\xff\xfe", "not text"), (b"", "maze")])
def test_a_maze_that_is_none(tmp_path, content, message):
    maze = tmp_path / "maze.txt"
    maze.write_bytes(content)
    with pytest.raises(UserError, match=message):
        show(tmp_path, "GridWorld", maze=maze)


@pytest.mark.parametrize("policy", ["random", "optimal"])
def test_cells_without_a_way_out_need_a_discount(policy):
    with pytest.raises(UserError, match=r"4 cells have no way to a terminal one, the first in row 0, column 3"):
        solved(ENDLESS, policy)
    assert solved(ENDLESS, policy, gamma=0.5).V[0, 3] == pytest.approx(-2)


def test_a_maze_is_a_name_a_drawing_or_a_file_wherever_one_is_given(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corridor.txt").write_text("T..#.T\n", encoding="utf-8-sig")
    printed = []
    for options in (
        *({"maze": "corridor.txt"}, {"maze": "T..#.T"}, {"maze": "T..#.T|"}),
        *({"set": ("maze=corridor.txt",)}, {"set": ("maze=T..#.T",)}),
    ):
        show(tmp_path, "GridWorld", policy="optimal", gamma=0.5, format="csv", **options)
        printed.append(capsys.readouterr().out)
    assert len(set(printed)) == 1
    show(tmp_path, "GridWorld", policy="optimal", maze="8x8", format="csv")
    named = capsys.readouterr().out
    show(tmp_path, "GridWorld8x8", policy="optimal", format="csv")
    assert capsys.readouterr().out == named
    assert play.run(PlayOptions("GridWorld", set=("maze=corridor.txt",), keys=("-",))) == 0
    with pytest.raises(UserError, match="no such file, no maze of that name"):
        play.run(PlayOptions("GridWorld", set=("maze=corridor",), keys=("-",)))


def test_a_task_shows_its_environment(tmp_path):
    pictures = [show(tmp_path, name).read_bytes() for name in ("cart-pole@1", "Cart-Pole", "CartPole")]
    assert len(set(pictures)) == 1


def test_an_environment_is_checked_instead_of_drawn(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["show", "MountainCar-v0", "--check", "--json"]) == 0
    kept = {"env": "MountainCar-v0", "single": "kept", "batch": "none of its own", "broken": None}
    assert json.loads(capsys.readouterr().out) == [kept]
    assert not any(tmp_path.iterdir())


def test_a_single_environment_that_is_broken_leaves_its_batch_unchecked(monkeypatch, capsys):
    spec = dataclasses.replace(gymnasium.spec("CartPole-v1"), entry_point=walk.IgnoresTheSeed)
    monkeypatch.setitem(gymnasium.registry, "CartPole-v1", spec)
    assert cli.main(["show", "CartPole-v1", "--check", "--json"]) == 1
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["single"], row["batch"]) == ("broken", "unchecked")


def test_a_broken_promise_is_named(tmp_path, monkeypatch, capsys):
    """Gymnasium's own batch of cart-poles keeps what it promises; one that is pushed harder does not."""
    assert cli.main(["show", "CartPole-v1", "--check", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["single"], row["batch"], row["broken"]) == ("kept", "kept", None)
    spec = dataclasses.replace(gymnasium.spec("CartPole-v1"), vector_entry_point=walk.Stronger)
    monkeypatch.setitem(gymnasium.registry, "CartPole-v1", spec)
    assert cli.main(["show", "CartPole-v1", "--check", "--json"]) == 1
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["single"], row["batch"]) == ("kept", "broken")
    assert "observations differ" in row["broken"]
