"""A player behind GTP: whole dialogues, as the specification and GNU Go have them."""

import io
import itertools
import re
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlbench.envs.go import engines
from rlbench.gtp import handicap
from rlbench.gtp.protocol import parse, serve
from rlbench.gtp.server import GoServer, PlayerFault


class Scripted:
    """Plays given actions, one after the other; an exception among them is raised."""

    name, version = "scripted", "7"

    def __init__(self, *actions):
        self.actions, self.calls = list(actions), []

    def plays(self, size):
        return "too large" if size > 13 else None

    def begin(self, size):
        self.calls.append(("begin", size))

    def seed(self, seed):
        self.calls.append(("seed", seed))

    def choose(self, game, colour):
        action = self.actions.pop(0)
        if isinstance(action, Exception):
            raise action
        return action


def dialogue(commands, player=None, size=9):
    """The answers to commands that are separated by semicolons, one per line; lines of an answer by `/`."""
    sent = []
    server = GoServer(player or Scripted(), size)
    serve(server.handlers(), io.BytesIO(commands.replace(";", "\n").encode()), sent.append)
    assert all(each.endswith("\n\n") and "\n\n" not in each[:-2] for each in sent)
    return "; ".join(each.strip().replace("\n", "/") for each in sent)


DIALOGUES = {
    "name;version;protocol_version": "= scripted; = 7; = 2",
    "boardsize 5;query_boardsize": "=; = 5",
    "boardsize 1;boardsize 20;boardsize 19;boardsize x;boardsize": (
        "? unacceptable size; ? unacceptable size; ? unacceptable size: too large; ? syntax error; ? syntax error"
    ),
    "komi 5.5;get_komi;komi nan;komi;komi -3;get_komi": "=; = 5.5; ? syntax error; ? syntax error; =; = -3",
    "play b C3;play w c3;play w D4;play white PASS;play B pass": "=; ? illegal move; =; =; =",
    "play b pass;play w pass;play b A1": "=; =; ? illegal move",
    "play b;play x C3;play b I5;play b C10;play": "; ".join(["? syntax error"] * 5),
    "undo;play b C3;undo;undo": "? cannot undo; =; =; ? cannot undo",
    "final_score;play b C3;final_score;komi 100;final_score;komi 81;final_score": (
        "= W+7; =; = B+74; =; = W+19; =; = 0"
    ),
    "play b A9;play w J1;final_status_list alive;final_status_list dead;final_status_list seki;final_status_list x": (
        "=; =; = A9/J1; =; =; ? syntax error"
    ),
    "boardsize 3;play b A1;play w C3;showboard": (
        "=; =; =; = /  A B C/3 . .(O)3/2 . . . 2/1 X . . 1/  A B C"
    ),
    "time_settings 300 60 1;time_left b 10 0;time_settings 1;time_left x 1 1;time_settings a b c": (
        "=; =; ? syntax error; ? syntax error; ? syntax error"
    ),
    "set_random_seed 5;get_random_seed;set_random_seed -1;set_random_seed": "=; = 5; ? syntax error; ? syntax error",
    "fixed_handicap 2;fixed_handicap 2;clear_board;fixed_handicap 1;fixed_handicap 10;fixed_handicap x": (
        "= C3 G7; ? board not empty; =; ? invalid number of stones; ? invalid number of stones; ? syntax error"
    ),
    "place_free_handicap 20;undo": "= C3 G7 C7 G3 C5 G5 E7 E3 E5; =",
    "boardsize 5;fixed_handicap 2;place_free_handicap 2": "=; ? invalid number of stones; ? invalid number of stones",
    "set_free_handicap A1 B2;play w A1;undo;undo": "=; ? illegal move; =; =",
    "set_free_handicap A1;set_free_handicap A1 A1;set_free_handicap A1 pass;set_free_handicap A1 Z9": (
        "; ".join(["? bad vertex list"] * 4)
    ),
    "loadsgf;loadsgf /nowhere/no file.sgf": "? cannot load file; ? cannot load file",
}  # fmt: skip


@pytest.mark.parametrize("commands", DIALOGUES)
def test_dialogue(commands):
    assert dialogue(commands) == DIALOGUES[commands]


def test_a_move_of_the_player_is_played_and_reg_genmove_is_not():
    commands = "genmove b;reg_genmove w;play w C3;genmove w;undo;genmove w"
    assert dialogue(commands, Scripted(0, 1, 2, 3)) == "= A9; = B9; =; = C9; =; = D9"


def test_a_game_that_is_over_is_passed():
    assert dialogue("genmove b;genmove w;genmove b;reg_genmove w", Scripted(81, 81)) == "= pass; = pass; = pass; = pass"


@pytest.mark.parametrize(
    ("action", "reason"),
    [(PlayerFault("it crashed"), "it crashed"), (0, "scripted plays A9, which is illegal: occupied")],
)
def test_a_fault_is_said_once_and_then_the_player_resigns_until_the_next_game(action, reason):
    commands = "play b A9;genmove w;genmove w;reg_genmove b;clear_board;genmove b"
    assert dialogue(commands, Scripted(action, 5)) == f"=; ? {reason}; = resign; = resign; =; = F9"


def test_a_board_and_a_seed_reach_the_player():
    player = Scripted()
    dialogue("boardsize 19;boardsize 5;clear_board;set_random_seed 3", player)
    assert player.calls == [("begin", 9), ("begin", 5), ("begin", 5), ("seed", 3)]


SGF = "(;GM[1]FF[4]SZ[5]KM[2.5]AB[aa][bb];B[cc];W[dd];B[da](;W[ee];B[ea])(;W[ab]))"


@pytest.mark.parametrize(
    ("last", "score"), [("", "B+0.5"), (" 000000001", "B+22.5"), (" 2", "B+22.5"), (" 3", "W+0.5"), (" 99", "B+0.5")]
)
def test_a_file_is_loaded_to_a_move(tmp_path, last, score):
    path = tmp_path / "a game.sgf"
    path.write_text(SGF, encoding="utf-8")
    answers = dialogue(f"loadsgf {path}{last};query_boardsize;get_komi;final_score")
    assert answers == f"=; = 5; = 2.5; = {score}"


def test_a_number_of_a_move_that_is_too_long_is_part_of_a_name(tmp_path):
    path = tmp_path / "game.sgf"
    path.write_text(SGF, encoding="utf-8")
    assert dialogue(f"loadsgf {path} {'9' * 5000};query_boardsize") == "? cannot load file; = 9"


@pytest.mark.parametrize("text", ["", "(", "(;GM[1]SZ[19])", "(;GM[1]SZ[5];B[aa];W[aa])", "(;GM[1]SZ[5:4])"])
def test_a_file_that_cannot_be_played_changes_nothing(tmp_path, text):
    path = tmp_path / "bad.sgf"
    path.write_text(text, encoding="utf-8")
    assert dialogue(f"play b A1;loadsgf {path};undo;query_boardsize") == "=; ? cannot load file; =; = 9"


@pytest.mark.skipif(engines.missing("gnugo:1") is not None, reason=str(engines.missing("gnugo:1")))
@pytest.mark.parametrize("size", [5, 7, 8, 9, 11, 13, 19])
def test_handicap_stones_stand_where_gnugo_puts_them(size):
    command = engines.find_program("gnugo:1").command
    asked = "".join(f"clear_board\nfixed_handicap {stones}\n" for stones in range(2, 10))
    done = subprocess.run(command, input=f"boardsize {size}\n{asked}", capture_output=True, text=True, encoding="utf-8")
    theirs = [set(each[1:].split()) for each in done.stdout.split("\n\n") if each[1:].strip() and each[0] == "="]
    stones = range(2, handicap.max_stones(size) + 1)
    ours = [set(dialogue(f"fixed_handicap {each}", Scripted(), size).removeprefix("= ").split()) for each in stones]
    assert ours == theirs


WORDS = st.one_of(
    st.sampled_from(sorted(GoServer(Scripted(), 5).handlers())),
    st.sampled_from(["b", "white", "pass", "A1", "b2", "C3", "I9", "Z99", "-1", "0", "2", "5", "1e9", "nan", "/", "#"]),
    st.text(max_size=5),
)


class FirstLegal(Scripted):
    """Plays the first legal action."""

    def choose(self, game, colour):
        return int(game.legal_mask(colour).argmax())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(WORDS, min_size=1, max_size=5).map(" ".join), max_size=25))
def test_whatever_is_said_is_answered(lines):
    data = "".join(f"{line}\n" for line in lines).encode(errors="replace")
    commands = list(itertools.takewhile(lambda each: each.name != "quit", filter(None, map(parse, io.BytesIO(data)))))
    answers, server = [], GoServer(FirstLegal(), 5)
    serve(server.handlers(), io.BytesIO(data), answers.append)
    assert len(answers) in (len(commands), len(commands) + 1)  # `quit` is answered
    for command, answer in zip(commands, answers, strict=False):
        assert re.fullmatch(rf"[=?]{command.number}( [^\n]+|( ?\n[^\n]+)*)(\n[^\n]+)*\n\n", answer), answer
