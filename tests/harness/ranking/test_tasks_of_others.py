"""Tasks of others on the leaderboard: sections and pages of their own, beside rlbench's, which stay as they are."""

import pytest

from rlbench import cli
from rlbench.harness.ranking import leaderboard
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.tasks import found
from rlbench.harness.tasks.suite import SUITES, TASKS, catalogue
from tests.harness.ranking.results import all_pages, crowd, runs

MAZES = """
[[task]]
name = "maze"
version = 1
env_id = "maze_env:demo/Maze-v0"
failure_return = -100
random = -57.4
reference = -4.5

[[task]]
name = "big-maze"
version = 2
env_id = "maze_env:demo/BigMaze-v0"
failure_return = -200
random = -150
reference = -20
reference_source = "a paper on mazes"

[[task]]
name = "another-pole"
version = 1
env_id = "rlbench/CartPole-v0"
failure_return = 8
random = 22
reference = 500

[suite.mazes]
title = "Mazes"
lead = "Find the way out."
tasks = ["maze", "big-maze"]
budgets = [5_000]
"""


@pytest.fixture
def known(tmp_path, monkeypatch):
    """The catalogue with tasks of others."""
    monkeypatch.setattr(found, "NAMED", {})
    (tmp_path / "mazes.toml").write_text(MAZES, encoding="utf-8")
    monkeypatch.setenv(found.VARIABLE, str(tmp_path))
    return catalogue()


def pages(played, known):
    """The page of all tasks and those of each, by where they are."""
    rankings = compute_rankings(played, known.tasks, known.suites)
    return leaderboard.pages(rankings, known.tasks, known.suites, leaderboard.Surroundings())


def test_pages_of_our_tasks_stay_as_they_are(known):
    played = crowd([*SUITES["control"], *SUITES["mujoco-v5"]], 4)
    with_others = pages(played, known)
    assert "results/tasks/cart-pole@1.md" in with_others
    assert with_others == all_pages(played)


def test_a_suite_of_others_has_a_section_and_each_task_a_page(known):
    maze, pole = known.tasks["maze@1"], known.tasks["another-pole@1"]
    fast = runs("fast", maze, [-9.0, -8.0, -7.0], steps=5_000)
    slow = runs("slow", maze, [-5.0, -5.5, -6.0], steps=6_000)
    found_pages = pages([*fast, *slow, *runs("lean", pole, [200.0], steps=0)], known)
    page, of_maze = found_pages["leaderboard.md"], found_pages["results/tasks/maze@1.md"]
    assert found_pages.keys() == {
        "leaderboard.md",
        *(f"results/tasks/{key}.md" for key in ("maze@1", "another-pole@1")),
    }
    section = page.partition("## Mazes\n")[2].partition("\n## ")[0]
    assert "Find the way out." in section
    assert "| [maze@1](results/tasks/maze@1.md)" in section
    assert "up to 5k steps, or more" in section
    assert "No agent yet on big-maze@2; `rlbench evaluate my_agent --task big-maze@2` scores one." in section
    assert "## another-pole\n" in page
    assert "rlbench run mazes" not in page
    assert "## Up to 5k training steps" in of_maze
    assert "## More than 5k training steps" in of_maze
    twins = found_pages["results/tasks/another-pole@1.md"].partition("Not to be confused")[2].partition("\n")[0]
    assert "cart-pole@1" in twins


def test_agents_on_tasks_of_others_rank_within_budgets(known):
    maze = known.tasks["maze@1"]
    played = [
        *runs("a", maze, [-9, -8, -7], 5_000),
        *runs("b", maze, [-6, -5, -5.5], 5_100),
        *runs("c", maze, [-5] * 3, 9_000),
    ]
    rows = compute_rankings(played, known.tasks, known.suites).tasks["maze@1"]
    assert [(row.agent, row.budget, row.rank) for row in rows] == [("b", 5_000, 1), ("a", 5_000, 2), ("c", None, 1)]


def test_a_run_whose_task_nobody_defines_is_listed_and_the_page_goes_on(known):
    played = [*runs("a", known.tasks["maze@1"], [-9.0]), *runs("ppo", TASKS["cart-pole@1"], [490.0])]
    page = all_pages(played)["leaderboard.md"]
    assert "## Control: cart-pole" in page
    unranked = page.partition("## Not ranked\n")[2]
    assert "no definition of maze@1 is known here: put its file on RLBENCH_PATH, or install its package" in unranked


@pytest.mark.parametrize("output", ["board", "board/leaderboard.md"])
def test_the_page_may_be_a_folder(output, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for folder in ("results", "board"):
        (tmp_path / folder).mkdir()
    assert cli.main(["leaderboard", "--output", output]) == 0
    assert "wrote board/leaderboard.md" in capsys.readouterr().out
    assert (tmp_path / "board" / "leaderboard.md").is_file()
