"""`rlbench gtp`: nothing but GTP on standard output, whatever the agent does, and one line for a mistake."""

import pytest

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
    commands = "boardsize 7;genmove b;genmove w;genmove b;get_komi"
    code, answers, errors = gtp("random", "--seed", 3, commands=commands)
    assert (code, errors) == (0, "")
    assert gtp("random", commands=f"set_random_seed 3;{commands}")[1] == f"=; {answers}"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["random", "--size", "1"], "error: --size is 2 to 19, got 1\n"),
        (["random", "--seed", "-1"], "error: --seed is at least 0, got -1\n"),
        (["no-such-agent"], "error: no submission at no-such-agent"),
        (["mcts:many"], "error: opponent is one of "),
    ],
)
def test_a_mistake_is_one_line(gtp, words, message):
    code, answers, errors = gtp(*words, commands="name")
    assert (code, answers) == (2, "")
    assert errors.startswith(message)
    assert errors.count("\n") == 1
