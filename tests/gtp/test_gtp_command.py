"""`rlbench gtp`: nothing but GTP on standard output, whatever the agent does, and one line for a mistake."""

import pytest

from rlbench import cli

ALL = "name;version;boardsize 5;clear_board;komi 0.5;genmove b;genmove w;final_score;quit"


def test_a_submission_plays(gtp, submit):
    folder = submit("print('hello'); print('world', file=sys.stderr)\nos.write(1, b'= A1')\nreturn mask.argmax(axis=1)")
    code, answers, errors = gtp(folder, commands=ALL)
    assert (code, errors) == (0, "")
    assert answers.startswith("= probe; = 1 ")
    assert answers.endswith("; =; =; =; = A5; = B5; = W+0.5; =")


def test_a_fault_is_answered_and_then_it_resigns(gtp, submit):
    folder = submit("if self.calls > 1: raise RuntimeError('tired')\nreturn mask.argmax(axis=1)")
    code, answers, errors = gtp(folder, commands="genmove b;1 genmove w;2 genmove w;clear_board;genmove b")
    assert (code, errors) == (0, "")
    assert answers == "= A9; ?1 probe: crash: RuntimeError: tired (agent.py:12, agent.py:15); =2 resign; =; = A9"


def test_a_builtin_player_plays_the_same_for_the_same_seed(gtp):
    moves = "clear_board;genmove b;genmove w;genmove b"
    code, answers, errors = gtp(
        "random", "--seed", 3, commands=f"boardsize 7;{moves};set_random_seed 3;{moves};{moves}"
    )
    assert (code, errors) == (0, "")
    words = answers.split("; ")
    assert words[1:5] == words[6:10] != words[10:]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["random", "--size", "1"], "error: --size is 2 to 19, got 1\n"),
        (["random", "--seed", "-1"], "error: --seed is at least 0, got -1\n"),
        (["no-such-agent"], "error: no submission at no-such-agent"),
        (["mcts:many"], "error: mcts:PLAYOUTS takes an integer 1 to "),
    ],
)
def test_a_mistake_is_one_line(capsys, words, message):
    assert cli.main(["gtp", *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(message)
    assert printed.err.count("\n") == 1
