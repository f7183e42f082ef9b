"""Comments in the file of a game: what an agent says of its turns, beside these turns."""

from types import SimpleNamespace

import gymnasium
import numpy as np

from rlbench.envs.go.coordinates import from_gtp
from rlbench.envs.go.game_log import GameLog, comment
from rlbench.envs.go.sgf import parse_sgf

SHAPE = (3, 3)


def said(value=None, probabilities=(), action_values=(), visits=(), variation=()):
    return SimpleNamespace(
        value=value, probabilities=probabilities, action_values=action_values, visits=visits, variation=variation
    )


def row(**numbers):
    values = np.zeros(10)
    for vertex, number in numbers.items():
        values[from_gtp(vertex, SHAPE)] = number
    return tuple(values.tolist())


def test_comments_name_what_a_search_liked_and_expects():
    visits, values = row(B2=12, A1=3, C3=1, A2=1), row(B2=0.75, A1=0.5)
    words = comment(said(0.625, row(B2=0.7), values, visits, (4.0, 6.0, 9.0, -1.0)), SHAPE)
    assert words == (
        "value 0.62; B2 (12 visits, value 0.75), A1 (3 visits, value 0.50), C3 (1 visit, value 0.00); "
        "expects B2 A1 pass"
    )


def test_comments_name_the_probabilities_of_a_policy():
    assert comment(said(probabilities=row(B2=0.9, C1=0.1)), SHAPE) == "B2 (90 %), C1 (10 %)"
    assert comment(said(), SHAPE) == comment(said(probabilities=(0.5, 0.5)), SHAPE) == ""


def test_each_comment_stands_beside_the_agents_turn():
    env = gymnasium.make("rlbench/Go9x9-v0", size=3, opponent="random", komi=0.5)
    env.reset(seed=0, options={"colour": 1})  # White: the opponent has moved
    log = GameLog(env)
    for value in (0.25, 0.5):
        action = int(np.flatnonzero(env.unwrapped.state.legal)[0])
        env.step(action)
        log.follow(env, said(value))
    text = log.text(env, "agent")
    moves = text[text.index(";B[") :].replace("\n", "").split(";")[1:]
    assert [move.partition("C[")[2].rstrip("])") for move in moves][:4] == ["", "value 0.25", "", "value 0.50"]
    assert parse_sgf(text).moves[1][1] == -1  # comments are no obstacle to readers
