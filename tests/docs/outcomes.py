"""What comes of the commands of the documentation, compared with what the pages say of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from PIL import Image

from rlbench.envs.go.coordinates import to_gtp
from rlbench.envs.go.sgf import read_sgf
from tests.docs import examples
from tests.docs.pages import tables


class Done(NamedTuple):
    """A command that ended well: what the page says of it, its output, and the folder that it ran in."""

    says: str
    out: str
    err: str
    folder: Path

    @property
    def rows(self) -> Any:
        """The output as JSON."""
        return json.loads(self.out)


def names_its_folder(done: Done) -> bool:
    """Whether the folder that the page names is there."""
    words = [word.strip("`,") for word in done.says.split()]
    return all((done.folder / word).exists() for word in words if word.startswith(("runs/", "results/")))


def counts(done: Done) -> bool:
    kinds = pd.DataFrame(done.rows)["kind"].value_counts()
    games = [row["name"] for row in done.rows if "games" in row["name"]]
    number = int(examples.numbers(games[0].partition(",")[2])[0])
    return examples.numbers(done.says) == [kinds["envs"] - 1, number, kinds["tasks"]]


def has_a_panel(done: Done) -> bool:
    with Image.open(done.folder / "keys.png") as picture:
        return picture.width > 600 + 200


def first_row(name: str) -> Callable[[Done], object]:
    """Whether a cell of the first row is the first number that the page names, rounded as there."""
    return lambda done: examples.numbers(done.says)[0] == round(done.rows[0][name])


def of_corner(done: Done) -> bool:
    value = next(row["V"] for row in done.rows if (row["row"], row["col"]) == (0, 1))
    return examples.numbers(done.says) == [round(value)]


def reached(done: Done) -> bool:
    best = {row["agent"]: row["mean_return"] for row in done.rows if row["table"] == "task" and row["task"]}
    cart_pole = [r["mean_return"] for r in done.rows if (r["agent"], r["task"]) == ("dqn", "cart-pole@1")]
    return cart_pole[0] >= examples.numbers(done.says)[0] and best["value-iteration"] == -2


def charts(done: Done) -> bool:
    return {row["chart"] for row in done.rows} >= {"leaderboard"} and all(
        (done.folder / row["file"]).exists() for row in done.rows
    )


def as_recorded(done: Done) -> bool:
    return all(row["as_recorded"] for row in done.rows)


def two_moves(done: Done) -> bool:
    return [(row["length"], row["ended"]) for row in done.rows] == [(2, "unfinished")]


def all_end(done: Done) -> bool:
    return len(done.rows) == 64 and (done.folder / "watch.png").exists()


def anything(done: Done) -> bool:
    return True


def all_added(done: Done) -> bool:
    return {row["outcome"] for row in done.rows} == {"added"}


def graded(done: Done) -> bool:
    return (done.rows[0]["task"], done.rows[0]["ok"]) == ("cart-pole@1", 100)


def compares(done: Done) -> bool:
    return {row["task"] for row in done.rows} == {"half-cheetah-gymnasium@1"}


def plays_the_game_of_the_page(done: Done) -> bool:
    """Whether its first moves are those of the table, and the comments name the values there."""
    game = read_sgf(done.folder / "game.sgf")
    (shown,) = tables("docs/alphazero.md", "A game, commented by its own values")
    moves = [to_gtp(action, game.shape) for action, _ in game.moves]
    return moves[: 2 * len(shown)] == [row[player] for row in shown for player in ("Black", "White")]


def ends(done: Done) -> bool:
    return [row["ended"] for row in done.rows] == ["terminated"]


def wins_a_game(done: Done) -> bool:
    return done.rows[0]["won"] >= 1
