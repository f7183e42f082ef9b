"""The matrix of a family: what its cells say, and that GitHub shows all of it."""

import re

import pytest

from rlbench.harness.ranking.contenders import contenders
from rlbench.harness.ranking.leaderboard import page
from rlbench.harness.ranking.markdown import BREAK, PAGE, fits, pixels, split
from rlbench.harness.ranking.matrix import agent_columns, family_matrix
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.ranking.tables import TextTable
from rlbench.harness.tasks.suite import FAMILIES, SUITES, TASKS
from rlbench.harness.tasks.task import Task
from tests.harness.ranking.results import all_pages, crowd, runs

NAMES = ("hill", "lake", "moor", "wood")
SHORT = [Task(name, 1, "test/X-v0", episodes=2, random=0.0, reference=10.0) for name in NAMES]


def matrix(suite, *played):
    rankings = compute_rankings([run for some in played for run in some], {t.key: t for t in suite}, {"all": suite})
    return family_matrix("All", suite, rankings)


def column(table, name):
    """The cells of the column whose heading begins so, by the first cell of their rows."""
    (j,) = (j for j, heading in enumerate(table.columns) if heading.split(BREAK)[0] == name)
    return table.columns[j], {row[0]: row[j] for row in table.rows}


def test_what_all_cells_have_in_common_stands_in_the_heading_and_what_differs_in_the_cell():
    (table,) = matrix(
        SHORT,
        *(runs("same", task, [4.0, 5.0, 6.0]) for task in SHORT[:3]),
        runs("other", SHORT[0], [4.0, 5.0, 6.0]),
        runs("other", SHORT[1], [3.0, 8.0], steps=400_000),
        runs("other", SHORT[2], [7.0]),
        runs("planner", SHORT[0], [9.0], steps=0),
    )
    heading, cells = column(table, "same")
    assert heading == "same<br>1M steps<br>3 seeds"
    assert cells["hill@1"] == "5.00 [2.52, 7.48]"
    assert cells["wood@1"] == "—"
    heading, cells = column(table, "other")
    assert heading == "other"
    assert [cells[f"{name}@1"] for name in NAMES] == [
        "5.00 [2.52, 7.48], 3 seeds, 1M",
        "5.50 (3.00 and 8.00), 2 seeds, 400k",  # of two seeds both are shown, and no interval
        "7.00, 1 seed, 1M",
        "—",
    ]
    assert column(table, "planner")[0] == "planner<br>not trained"
    assert column(table, "random")[1]["hill@1"] == "0.00"


def test_a_family_of_one_task_and_many_agents_has_a_row_per_agent():
    (table,) = matrix(SHORT[:1], *(runs(f"agent-{i}", SHORT[0], [i, i, i]) for i in range(10)))
    assert table.columns == ("agent", "steps", "seeds", "hill@1")
    assert table.rows[1] == ("agent-9", "1M", "3", "9.00 [9.00, 9.00]")  # best first, below random
    assert table.rows[-1] == ("reference", "—", "—", "10.00")


def test_agents_of_equal_means_as_shown_are_ordered_by_steps():
    played = [("a", 7.0, 3000), ("b", 7.001, 9000), ("c", 7.0, 500), ("d", 7.01, 20_000)]
    made = [run for name, mean, steps in played for run in runs(name, SHORT[0], [mean] * 3, steps)]
    rankings = compute_rankings(made, {task.key: task for task in SHORT}, {"all": SHORT})
    assert [entry.name for entry in contenders(SHORT[0], rankings)] == ["d", "c", "a", "b"]
    assert [column.name for column in agent_columns(SHORT, rankings)] == ["d", "c", "a", "b"]


def test_published_scores_are_marked_and_ordered_by_budget_and_return():
    robots = SUITES["mujoco-v5"][:3]
    (table,) = matrix(robots, runs("ppo", robots[0], [1.0, 2.0, 3.0]))
    marked = [heading.split(BREAK)[:2] for heading in table.columns if "†" in heading]
    assert marked == []


def test_a_family_without_results_has_no_matrix():
    assert matrix(SHORT) == []


def tables_of(text):
    """The tables of a page, their links as the text that is shown."""
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip("|\n").split(" | ")] for line in block.splitlines()]
        plain = [tuple(re.sub(r"\[(.*?)\]\(.*?\)", r"\1", cell) for cell in row) for row in rows]
        yield TextTable("", plain[0], tuple(plain[2:]))


def test_github_shows_every_table_of_the_committed_pages_to_its_last_column(committed_pages):
    for text in committed_pages.values():
        for table in tables_of(text):
            assert fits(table), table.columns


@pytest.mark.parametrize("family", FAMILIES)
def test_github_shows_every_table_with_15_agents_of_long_names(family):
    """In every family that there is, and so in those to come."""
    tables = [table for text in all_pages(crowd(SUITES[family], 15)).values() for table in tables_of(text)]
    assert len(tables) > len(SUITES[family])
    for table in tables:
        assert fits(table), table.columns


def test_a_family_of_many_tasks_with_long_names_fits():
    suite = [
        Task(f"a-board-game-of-size-{i}", 1, "test/X-v0", episodes=2, random=-20_000.0, reference=10_000.0)
        for i in range(12)
    ]
    tables = matrix(suite, crowd(suite, 15))
    assert all(map(fits, tables))
    for table in tables:
        assert len(table.columns) > 1
    shown = {cell for table in tables for row in (table.columns, *table.rows) for cell in row}
    assert {task.key for task in suite} <= shown


def test_a_table_that_is_too_wide_is_split_and_loses_nothing():
    wide = TextTable("", ("task", *(f"agent {i}" for i in range(30))), (("pong@1", *(f"{i},000" for i in range(30))),))
    assert not fits(wide)
    parts = split(wide)
    assert all(map(fits, parts))
    assert [name for part in parts for name in part.columns[1:]] == list(wide.columns[1:])
    assert [cell for part in parts for cell in part.rows[0][1:]] == list(wide.rows[0][1:])
    assert {part.columns[0] for part in parts} == {"task"}


def test_pixels_are_not_fewer_than_in_the_fonts_of_github():
    """Widths in DejaVu Sans of 16 px, the widest of the fonts that it may fall back on, as matplotlib measures them."""
    textpath = pytest.importorskip("matplotlib.textpath").TextPath
    for text in ("4,811 [953, 8,668]", "half-cheetah-gymnasium@1", "PPO (CleanRL) †", "recurrent-attention", "—"):
        assert pixels(text) >= 0.95 * textpath((0, 0), text, size=16).get_extents().width


def test_the_first_matrix_stands_on_the_first_screen(committed_page):
    lines = committed_page.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("|"))
    assert first < 26
    assert lines[first - 4] == "## Robots: Gymnasium's reward"
    assert sum(pixels(line) // PAGE + 1 for line in lines[:first]) < 40  # lines as GitHub breaks them


def test_a_task_that_only_the_random_agent_has_played_is_named_with_the_command_that_trains_one():
    text = page(runs("dqn-cpu", TASKS["pong@1"], [1.0, 2.0, 3.0]), TASKS, SUITES)
    (line,) = (line for line in text.splitlines() if line.startswith("* No agent yet"))
    assert line.startswith("* No agent yet on breakout@1, space-invaders@1, ")
    assert line.endswith("; `rlbench train dqn-double --task breakout@1` trains one.")
